using System.Globalization;
using Countersign.Hosting;
using Countersign.Pages.Account;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary>API tokens: one's own on <c>/account</c>, all of them on <c>/tokens</c> for admins.</summary>
internal static class TokensPage
{
    public const string Path = "/tokens",
        NewPath = Path + "/new",
        CsvPath = Path + ".csv";

    public static async Task<IResult> Show(HttpContext http, Tokens tokens, CancellationToken cancel) =>
        new PageResult(
            new PageFrame(http.Strings()["tokens.title"]) { Section = Path },
            TokensSlice.Create(new TokensModel(await tokens.List(cancel), Path))
        );

    /// <summary>The list as a file: whose tokens there are, not the tokens.</summary>
    public static async Task<IResult> Export(Tokens tokens, CancellationToken cancel) =>
        Csv.Of(
            "tokens.csv",
            ["id", "owner", "acts_for_others", "created_at", "last_used_at", "revoked_at"],
            (await tokens.List(cancel)).Select(token =>
                (IReadOnlyList<string?>)
                    [
                        token.Id.ToString(CultureInfo.InvariantCulture),
                        token.Email,
                        token.Impersonates ? "true" : "false",
                        token.CreatedAt,
                        token.LastUsedAt,
                        token.RevokedAt,
                    ]
            )
        );

    /// <summary>The page that a new token is shown on, once.</summary>
    public static IResult ShowNew(HttpContext http, ServerOptions server) =>
        ShownOnce.Take(http, NewPath)?.Split('\n') is [var token, var email, var back]
            ? new PageResult(
                new PageFrame(http.Strings()["tokens.new"])
                {
                    Section = back.StartsWith(PeoplePage.Path, StringComparison.Ordinal) ? PeoplePage.Path : back,
                },
                NewTokenSlice.Create(new NewTokenModel(token, email, server.BaseUrl, back))
            )
            : TypedResults.LocalRedirect($"{http.Request.PathBase}{AccountPage.Path}#tokens");

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Tokens tokens,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var (owner, back) = (form["person"].ToString(), LocalPath.Of(form["back"].ToString()) ?? AccountPage.Path);
        var isAdmin = caller.Caller.IsAdmin;
        switch (form["do"].ToString())
        {
            case "add":
                var person =
                    isAdmin && long.TryParse(owner, System.Globalization.CultureInfo.InvariantCulture, out var id)
                        ? (await directory.Refresh(cancel)).People.GetValueOrDefault(id)
                        : caller.Person;
                if (person?.Email is not { } email)
                    return NotFoundPage.Page(http);
                var outcome = await tokens.Add(
                    email,
                    caller.Viewer.Origin,
                    cancel,
                    impersonates: isAdmin && form["impersonates"] == "true"
                );
                if (outcome is not AccessOutcome<NewToken>.Done { Value: var made })
                    return NotFoundPage.Page(http);
                ShownOnce.Leave(http, NewPath, $"{made.Token}\n{email}\n{back}");
                return TypedResults.LocalRedirect(http.Request.PathBase + NewPath);
            case "revoke"
                when long.TryParse(
                    form["id"].ToString(),
                    System.Globalization.CultureInfo.InvariantCulture,
                    out var token
                ):
                return
                    await tokens.Revoke(token, caller.Viewer.Origin, cancel, isAdmin ? null : caller.Person.Id)
                    is AccessOutcome<long>.Done
                    ? AdminParts.Done(http, back, "revoked")
                    : NotFoundPage.Page(http);
            default:
                return NotFoundPage.Page(http);
        }
    }

    /// <summary>One person's, without those that were revoked.</summary>
    public static async ValueTask<TokensModel> Of(
        Person owner,
        string back,
        CurrentCaller caller,
        Tokens tokens,
        CancellationToken cancel
    ) =>
        new([.. (await tokens.List(cancel, owner.Id)).Where(t => t.RevokedAt is null)], back)
        {
            Owner = owner,
            MayImpersonate = owner.Role == Role.Admin && caller.Caller.IsAdmin,
        };
}
