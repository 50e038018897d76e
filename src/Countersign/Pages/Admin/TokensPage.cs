using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Admin;

/// <summary>API tokens: everybody's own on <c>/account</c>, all of them on <c>/tokens</c> for admins.</summary>
internal static class TokensPage
{
    public const string Path = "/tokens";

    public static async Task<IResult> Show(Tokens tokens, CancellationToken cancel)
    {
        var all = await tokens.List(cancel);
        return new PageResponse(
            t => t.Tokens,
            html =>
            {
                html.Outcome(null);
                html.Add($"<p class=\"lede\">{html.Says.TokensLede}</p>");
                List(html, all, Path, withOwner: true);
            }
        )
        {
            Section = Path,
        };
    }

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Tokens tokens,
        PeopleDirectory directory,
        ServerOptions server,
        CancellationToken cancel
    )
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var (owner, back) = (form["person"].ToString(), LocalPath.Of(form["back"].ToString()) ?? "/account");
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
                return outcome is AccessOutcome<NewToken>.Done { Value: var made }
                    ? Made(made, email, back, server)
                    : NotFoundPage.Page(http);
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

    /// <summary>Those of one person, and another one.</summary>
    public static void Section(Html html, List<TokenView> tokens, Person person, string back, bool mayImpersonate)
    {
        html.Add($"<section class=\"sheet\"><h2>{html.Says.Tokens}</h2><p class=\"soft\">{html.Says.TokensWhat}</p>");
        var open = tokens.Where(t => t.RevokedAt is null).ToList();
        if (open.Count > 0)
            List(html, open, back, withOwner: false);
        html.Form(
            Path,
            form =>
            {
                form.Hidden("do", "add").Hidden("person", $"{person.Id}").Hidden("back", back);
                if (mayImpersonate && html.Caller is { IsAdmin: true })
                    form.Check("impersonates", form.Says.TokenImpersonates);
                form.Button(form.Says.AddToken);
            }
        );
        html.Add($"</section>");
    }

    private static void List(Html html, List<TokenView> tokens, string back, bool withOwner)
    {
        if (tokens.Count == 0)
        {
            html.Nothing(html.Says.NoTokens, html.Says.TokensWhat);
            return;
        }
        var says = html.Says;
        string[] heads = withOwner
            ? [says.Number, says.Owner, says.Added, says.LastUsed, ""]
            : [says.Number, says.Added, says.LastUsed, ""];
        html.Table(
            says.Tokens,
            heads,
            tokens,
            (h, t) =>
            {
                h.Add($"<td>{t.Id}");
                if (t.Impersonates)
                    h.Add($" ").Badge(Tone.Careful, h.Says.SpeaksForOthers);
                h.Add($"</td>");
                if (withOwner)
                    h.Add($"<td>{t.Email}</td>");
                h.Add($"<td>").Time(Instant.Parse(t.CreatedAt)).Add($"</td><td>");
                if (t.LastUsedAt is { } used)
                    h.Ago(Instant.Parse(used));
                else
                    h.Add($"{h.Says.Never}");
                h.Add($"</td><td>");
                if (t.RevokedAt is not null)
                {
                    h.Badge(Tone.Plain, h.Says.Revoked);
                }
                else
                {
                    h.Confirm(
                        h.Says.Revoke,
                        h.Says.RevokeQuestion(t.Id),
                        Path,
                        h.Says.RevokeDo(t.Id),
                        f => f.Hidden("do", "revoke").Hidden("id", $"{t.Id}").Hidden("back", back)
                    );
                }
                h.Add($"</td>");
            }
        );
    }

    private static PageResponse Made(NewToken made, string email, string back, ServerOptions server) =>
        new(
            t => t.NewToken,
            html =>
            {
                html.Notice(Tone.Careful, html.Says.ShownOnce);
                html.Add($"<section class=\"sheet\">");
                html.Once(html.Says.TokenOf(email), made.Token);
                html.Add(
                    $"<p>{html.Says.TokenUse}</p><pre>curl -u '{email}/token:{made.Token}' {server.BaseUrl}/api/v1/requests</pre></section><p><a href=\"{html.Base}{back}\">{html.Says.KeptIt}</a></p>"
                );
            }
        )
        {
            Section = back == "/account" ? back : Path,
        };
}
