using Countersign.People;
using Countersign.Requests;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// What LaunchDarkly says about who asks: rarely an address, always a sentence, and a person behind every approval. Its
/// members without a name are called by their address in that sentence.
/// </summary>
internal static class RequesterIn
{
    private const string Asks = " requested approval";

    public static Requester Of(CreationBody body, PeopleSnapshot directory, Source source)
    {
        var claim = RequesterClaim.Of([body.RequesterEmail], NamesIn(body.ShortDescription));
        var shown = ShownName(body);
        return claim.IsEmpty
            ? RequesterResolution.Unnamed(source, null, "unknown", mustBeNamed: true)
            : directory.Named(claim, shown, source);
    }

    /// <summary>
    /// A flag or a person may be called so that the words appear more than once. Every reading counts, from the
    /// beginning and between two of them: that bars one person too many rather than one too few.
    /// </summary>
    private static IEnumerable<string> NamesIn(string sentence)
    {
        // As it is compared, so that no spelling of the words hides the name before them.
        var folded = NameFolding.Name(sentence);
        var previous = 0;
        for (
            var at = folded.IndexOf(Asks, StringComparison.Ordinal);
            at >= 0;
            at = folded.IndexOf(Asks, at + 1, StringComparison.Ordinal)
        )
        {
            yield return folded[..at];
            if (previous > 0)
                yield return folded[previous..at];
            previous = at + Asks.Length;
        }
    }

    /// <summary>As LaunchDarkly writes it, for people to read.</summary>
    private static string ShownName(CreationBody body)
    {
        var end = body.ShortDescription.IndexOf(Asks, StringComparison.OrdinalIgnoreCase);
        var name = end > 0 ? body.ShortDescription[..end].Trim() : "";
        return SafeText.Line(
            name.Length > 0 ? name
                : body.RequesterEmail.Length > 0 ? body.RequesterEmail
                : "unknown",
            Names.Longest
        );
    }
}
