using Countersign.Access;
using Countersign.Requests;
using Directory = Countersign.Access.Directory;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// Who asks, and so may not decide. LaunchDarkly rarely sends an address and always a sentence:
/// <code>
///   1  an e-mail address: that person; if nobody here has it, an outsider
///   2  the name before " requested approval": everyone of that name; if nobody has it, an outsider
///   3  neither: unknown, and one approval more is needed
/// </code>
/// </summary>
internal static class WhoAsks
{
    private const string Asks = " requested approval";

    public static Requester Of(CreationBody body, DirectorySnapshot directory)
    {
        var names = NamesIn(body.ShortDescription);
        if (body.RequesterEmail.Length > 0)
        {
            return directory.FindPerson(body.RequesterEmail) is { Role: not Role.Service } person
                ? new Requester(person.Id, person.Name, [person.Id])
                : new Requester(null, Plainly.Line(names.Count > 0 ? names[0] : body.RequesterEmail, Names.Longest), []);
        }
        if (names.Count == 0)
            return new Requester(null, "unknown", [], IsUnknown: true);
        // Most who ask are nobody here.
        if (!names.Exists(name => directory.PeopleByName.Contains(Directory.KeyOf(name))))
            return new Requester(null, Plainly.Line(names[0], Names.Longest), []);
        var barred = names.SelectMany(name => directory.PeopleByName[Directory.KeyOf(name)]).DistinctBy(p => p.Id).OrderBy(p => p.Id).ToList();
        return new Requester(
            barred is [var one] ? one.Id : null,
            Plainly.Line(barred[0].Name, Names.Longest),
            [.. barred.Select(p => p.Id)]);
    }

    /// <summary>
    /// A flag or a person may be called so that the words appear more than once. Every reading counts: that bars one
    /// person too many rather than one too few.
    /// </summary>
    private static List<string> NamesIn(string sentence)
    {
        var names = new List<string>();
        for (var at = sentence.IndexOf(Asks, StringComparison.Ordinal); at >= 0; at = sentence.IndexOf(Asks, at + 1, StringComparison.Ordinal))
        {
            if (sentence[..at].Trim() is { Length: > 0 } name)
                names.Add(name);
        }
        return names;
    }
}
