using System.Globalization;
using Countersign.Audit;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Storage;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Pages.Admin;

/// <summary>
/// <c>/audit</c>: what happened, narrowed in the address bar; whether the record holds; all of it as a file.
/// </summary>
internal static class AuditPage
{
    public const string Path = "/audit";

    private const int PageSize = 50,
        MaxShown = 400;

    public static async Task<IResult> Show(
        HttpContext http,
        SearchEvents browse,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var typed = Typed.Of(http.Request.Query);
        // A person who was added a moment ago can be searched for.
        var snapshot = await directory.Refresh(cancel);
        var wanted = typed.Read(snapshot, Texts.For(http), out var refused);
        var page = refused is null ? await browse.Run(wanted, typed.Below, PageSize, cancel) : new EventPage([], null);
        return Page(typed, page, snapshot, refused, null);
    }

    public static async Task<IResult> VerifyNow(
        HttpContext http,
        Verify verify,
        SearchEvents browse,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var head = (await http.Request.ReadFormAsync(cancel))["head"].ToString().Trim();
        SealHead? earlier = null;
        var refused =
            head.Length > 0 && (earlier = SealHead.TryParse(head)) is null
                ? new Refused("head", Texts.For(http).HeadWrong)
                : null;
        var found = refused is null ? await verify.Run(earlier, cancel) : null;
        return Page(
            new Typed("", "", "", "", "", null),
            await browse.Run(new EventFilter(null, null, null, null, null), null, PageSize, cancel),
            directory.Current,
            refused,
            found
        );
    }

    private static PageResponse Page(
        Typed typed,
        EventPage page,
        PeopleSnapshot snapshot,
        Refused? refused,
        Verification? found
    ) =>
        new(
            t => t.Audit,
            html =>
            {
                html.Outcome(refused);
                if (found is not null)
                {
                    html.Notice(
                        found.Ok ? Tone.Good : Tone.Bad,
                        h =>
                            h.Add(
                                $"<p>{(found.Ok ? h.Says.RecordHolds(found.Events, found.Sealed) : h.Says.RecordBroken)}</p>{Problems(found)}<p class=\"small\">{h.Says.Head}: <code>{found.Head}</code></p>"
                            )
                    );
                }
                html.Add(
                    $"<section class=\"sheet\"><h2>{html.Says.TheRecord}</h2><p class=\"soft\">{html.Says.RecordWhat}</p>"
                );
                html.Form(
                    Path,
                    form =>
                    {
                        form.Field(
                            new Field("head", form.Says.EarlierHead)
                            {
                                Hint = form.Says.EarlierHeadHint,
                                Error = Refused.Of(refused, "head"),
                                Autocomplete = "off",
                            }
                        );
                        form.Add($"<div class=\"buttons\">");
                        form.Button(form.Says.VerifyNow, "main");
                        form.Add(
                            $"<a class=\"button\" href=\"{form.Base}/api/v1/audit/export\" download>{form.Says.Export}</a></div>"
                        );
                    }
                );
                html.Add($"</section><section><h2>{html.Says.Events}</h2>");
                Filters(html, typed, refused);
                if (page.Events.Count == 0)
                {
                    html.Nothing(
                        html.Says.NoEvents,
                        page.Next is null ? html.Says.NoEventsWhat : html.Says.NoEventsYet
                    );
                }
                else
                {
                    html.Table(
                        html.Says.Events,
                        [
                            html.Says.HappenedAt,
                            html.Says.What,
                            html.Says.About,
                            html.Says.Who,
                            html.Says.ThroughDoor,
                            html.Says.More,
                        ],
                        page.Events,
                        (h, e) =>
                        {
                            h.Add($"<td>")
                                .Time(Instant.Parse(e.At))
                                .Add(
                                    $"</td><td><code>{e.Kind}</code></td><td>{About(e.Subject, snapshot)}</td><td>{Name(e.Actor, snapshot)}</td><td>{e.Via} <span class=\"soft small\">{e.Address}</span></td>"
                                );
                            h.Add(
                                $"<td class=\"data\">{(e.Data.Length <= MaxShown ? e.Data : e.Data[..MaxShown] + "…")}</td>"
                            );
                        }
                    );
                }
                html.Pager(
                    typed.Below is null ? null : html.Base + typed.Address(null),
                    page.Next is { } next ? html.Base + typed.Address(next) : null
                );
                html.Add($"</section>");
            }
        )
        {
            Section = Path,
            Status = AdminParts.StatusOf(refused),
        };

    private static Action<Html> Problems(Verification found) =>
        h =>
        {
            if (found.Ok)
                return;
            h.Add($"<ul>");
            foreach (var problem in found.Problems)
                h.Add($"<li>{problem}</li>");
            h.Add($"</ul>");
            if (found.MoreProblems > 0)
                h.Add($"<p>{h.Says.MoreProblems(found.MoreProblems)}</p>");
        };

    private static void Filters(Html html, Typed typed, Refused? refused)
    {
        html.Add($"<form method=\"get\" action=\"{html.Base}{Path}\" class=\"sheet filters pairs\">");
        html.Field(
            new Field("subject", html.Says.About)
            {
                Value = typed.Subject,
                Hint = html.Says.AboutHint,
                Autocomplete = "off",
            }
        );
        html.Field(
            new Field("kind", html.Says.What)
            {
                Value = typed.Kind,
                Hint = html.Says.KindHint,
                Autocomplete = "off",
            }
        );
        html.Field(
            new Field("who", html.Says.Who)
            {
                Value = typed.Who,
                Hint = html.Says.WhoHint,
                Error = Refused.Of(refused, "who"),
                Autocomplete = "off",
            }
        );
        html.Field(
            new Field("from", html.Says.From)
            {
                Type = "date",
                Value = typed.From,
                Error = Refused.Of(refused, "from"),
            }
        );
        html.Field(
            new Field("until", html.Says.Until)
            {
                Type = "date",
                Value = typed.Until,
                Error = Refused.Of(refused, "until"),
            }
        );
        html.Button(html.Says.ShowThese);
        html.Add($"</form>");
    }

    /// <summary>Requests lead to their page; people, groups and sources to theirs.</summary>
    private static Action<Html> About(string subject, PeopleSnapshot snapshot)
    {
        var colon = subject.IndexOf(':', StringComparison.Ordinal);
        var (kind, id) = colon < 0 ? (subject, "") : (subject[..colon], subject[(colon + 1)..]);
        var folder = kind switch
        {
            "request" => "/requests/",
            "person" => PeoplePage.Path + "/",
            "group" => GroupPage.Path + "/",
            "source" => SourcesPage.Path + "/",
            _ => null,
        };
        return h =>
        {
            if (folder is null)
            {
                h.Add($"{subject}");
            }
            else
            {
                h.Add(
                    $"<a href=\"{h.Base}{folder}{id}\">{(kind == "request" ? h.Says.RequestName(id) : Name(subject, snapshot))}</a>"
                );
            }
        };
    }

    private static string Name(string party, PeopleSnapshot snapshot) =>
        party.Split(':') is [var kind, var text]
        && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? kind switch
            {
                "person" => snapshot.People.GetValueOrDefault(id)?.DisplayName,
                "group" => snapshot.Groups.GetValueOrDefault(id)?.Name,
                "source" => snapshot.Sources.GetValueOrDefault(id)?.Name,
                _ => null,
            } ?? party
            : party;

    private sealed record Typed(string Subject, string Kind, string Who, string From, string Until, long? Below)
    {
        public static Typed Of(IQueryCollection query) =>
            new(
                query["subject"].ToString().Trim(),
                query["kind"].ToString().Trim(),
                query["who"].ToString().Trim(),
                query["from"].ToString().Trim(),
                query["until"].ToString().Trim(),
                long.TryParse(query["below"].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var below)
                    ? below
                    : null
            );

        public EventFilter Read(PeopleSnapshot snapshot, Texts says, out Refused? refused)
        {
            refused = null;
            var actor = Who.Length == 0 ? null : Who;
            if (actor is not null && actor.Contains('@', StringComparison.Ordinal))
            {
                if (snapshot.FindPerson(actor) is { } person)
                    actor = Actor.Person(person.Id).Text;
                else
                    refused = new Refused("who", says.NobodyWithAddress(actor));
            }
            var (from, until) = (Day(From), Day(Until));
            if (From.Length > 0 && from is null)
                refused = new Refused("from", says.NoDate);
            if (Until.Length > 0 && until is null)
                refused = new Refused("until", says.NoDate);
            var subject =
                Subject.Contains('@', StringComparison.Ordinal) && snapshot.FindPerson(Subject) is { } about
                    ? $"person:{about.Id}"
                    : Subject;
            return new EventFilter(
                subject.Length == 0 ? null : subject,
                Kind.Length == 0 ? null : Kind,
                actor,
                from,
                until?.AddDays(1)
            );
        }

        public string Address(long? below)
        {
            var parts = new Dictionary<string, string?>
            {
                ["subject"] = Subject,
                ["kind"] = Kind,
                ["who"] = Who,
                ["from"] = From,
                ["until"] = Until,
                ["below"] = below?.ToString(CultureInfo.InvariantCulture),
            };
            return QueryHelpers.AddQueryString(Path, parts.Where(p => !string.IsNullOrEmpty(p.Value)));
        }

        private static DateTimeOffset? Day(string text) =>
            DateTimeOffset.TryParseExact(
                text,
                "yyyy-MM-dd",
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal,
                out var day
            )
                ? day
                : null;
    }
}
