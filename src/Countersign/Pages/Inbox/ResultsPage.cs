using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Inbox;

/// <summary>What became of each request that a form decided.</summary>
/// <param name="Back">The list from which it was sent.</param>
public sealed record ResultsModel(Answer Answer, IReadOnlyList<ResultRow> Rows, InboxFilter Back)
{
    public int Done => Rows.Count(row => row.Result == BulkResult.Done);

    public int Skipped => Rows.Count - Done;
}

/// <param name="Request">Null where it isn't there, or not the reader's to see any more.</param>
public sealed record ResultRow(BulkResult Result, ApprovalRequest? Request, RequestSummary? Summary);

/// <summary><c>GET /results</c>: the page that deciding several requests leads to.</summary>
internal static class ResultsPage
{
    public const string Path = "/results";

    public static async Task<IResult> Show(
        string? of,
        string? from,
        HttpContext http,
        CurrentCaller caller,
        BulkResults results,
        Store store,
        RequestSummaries summaries,
        CancellationToken cancel
    )
    {
        if (results.Read(caller.Person.Id, of ?? "") is not var (answer, written))
            return NotFoundPage.Page(http);
        var requests = new Dictionary<RequestId, ApprovalRequest>();
        foreach (var (id, _) in written)
        {
            if (await RequestDetails.FindRequest(store, id, caller.Viewer, cancel) is { } request)
                requests[id] = request;
        }
        var found = await summaries.Of(requests.Values, cancel);
        var rows = written.Select(one => new ResultRow(
            one.Result,
            requests.GetValueOrDefault(one.Id),
            found.GetValueOrDefault(one.Id)
        ));
        var back = InboxFilter.Read(from ?? "");
        return new PageResult(
            new PageFrame(http.Strings()["results.title"])
            {
                Section = back.Section,
                Breadcrumbs = [(back.Address(), InboxRows.TitleOf(back, http.Strings()))],
            },
            ResultsSlice.Create(new ResultsModel(answer, [.. rows], back))
        );
    }
}
