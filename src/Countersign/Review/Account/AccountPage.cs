using Countersign.Access;
using Countersign.Doors;
using Countersign.Review.Frame;

namespace Countersign.Review.Account;

/// <summary><c>/account</c>: what belongs to the person who looks.</summary>
internal static class AccountPage
{
    public const string Path = "/account";

    public static PageAnswer Show(Asking asking) => new(asking.Person.Name, html =>
        html.Facts([("E-mail", h => h.Add($"{asking.Person.Email}")), ("Role", h => h.Add($"{asking.Person.Role.Ours()}"))]))
    { Section = Path };
}
