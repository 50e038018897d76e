using Countersign.Access;
using Countersign.Doors;
using Countersign.Review.Frame;

namespace Countersign.Review.Account;

/// <summary><c>/account</c>: what belongs to the person who looks.</summary>
internal static class AccountPage
{
    public const string Path = "/account";

    public static async Task<IResult> Show(HttpContext http, Asking asking, Absences absences, Access.Directory directory, CancellationToken cancel)
    {
        var channels = await ChannelsSection.Of(http, asking.Person.Id, cancel);
        var absence = await absences.Find(asking.Person.Id, cancel);
        return new PageAnswer(asking.Person.Name, html =>
        {
            html.Facts([("E-mail", h => h.Add($"{asking.Person.Email}")), ("Role", h => h.Add($"{asking.Person.Role.Ours()}"))]);
            AbsenceSection.Write(html, absence, directory.Current);
            channels(html);
        })
        { Section = Path };
    }
}
