using System.Runtime.CompilerServices;
using Countersign.Audit;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary><c>GET /audit.csv</c>: the events that the address asks for, all of its pages.</summary>
internal static class AuditFile
{
    public const string Path = "/audit.csv";

    private const int PageSize = 500;

    public static async Task<IResult> Send(
        HttpContext http,
        CurrentCaller caller,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var t = http.Strings();
        var snapshot = await directory.Refresh(cancel);
        if (AuditFilter.Of(http.Request.Query).Read(snapshot, t, out var refused) is not { } wanted)
            return ErrorModel.Page(http, StatusCodes.Status422UnprocessableEntity, refused!.Why);
        return new Csv(
            "audit.csv",
            [
                t["audit.time"],
                t["audit.event"],
                t["audit.kind"],
                t["audit.target"],
                t["audit.actor"],
                t["audit.via"],
                t["audit.address"],
                t["audit.details"],
            ],
            Rows(http, caller, wanted, snapshot, cancel)
        );
    }

    private static async IAsyncEnumerable<IReadOnlyList<string?>> Rows(
        HttpContext http,
        CurrentCaller caller,
        EventFilter wanted,
        PeopleSnapshot snapshot,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var search = http.RequestServices.GetRequiredService<SearchEvents>();
        var subjects = http.RequestServices.GetRequiredService<EventSubjects>();
        var t = http.Strings();
        await using var watch = CallerWatch.Over(http, caller.Caller, c => c.IsAdmin);
        long? below = null;
        do
        {
            if (!await watch.IsStillLetIn())
            {
                // A file that breaks off must not look like a whole one.
                http.Abort();
                yield break;
            }
            var page = await search.Run(wanted, below, PageSize, cancel);
            var about = page.Events.SelectMany(EventWords.SubjectsOf).Distinct().ToList();
            var words = new EventWords(t, snapshot, await subjects.Names(about, cancel));
            foreach (var e in page.Events)
            {
                yield return
                [
                    e.At,
                    words.Text(e),
                    e.Kind,
                    words.NameOf(e.Subject).Text,
                    words.NameOf(e.Actor).Text,
                    AuditPage.ViaOf(t, e.Via),
                    e.Address,
                    e.Data,
                ];
            }
            below = page.Next;
        } while (below is not null);
    }
}
