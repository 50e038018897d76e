using System.Collections.Concurrent;
using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// Summaries for the requests of a list. A content never changes, so what was read once is kept, and a list that was
/// shown before costs no look at its contents.
/// </summary>
public sealed class RequestSummaries(Store store)
{
    private const int MaxKept = 10_000;

    /// <summary>Enough for a summary's reason, however long a message is.</summary>
    private const int MessageRead = 400;

    private static readonly RequestSummary None = new(new Headline("", "", ""), 0, "", "");
    private readonly ConcurrentDictionary<(RequestId, int, string?), RequestSummary> _known = new();

    /// <summary>By request; those whose content can't be read yet have a summary of their title.</summary>
    public async ValueTask<IReadOnlyDictionary<RequestId, RequestSummary>> Of(
        IReadOnlyCollection<ApprovalRequest> requests,
        CancellationToken cancel
    )
    {
        var summaries = new Dictionary<RequestId, RequestSummary>(requests.Count);
        List<ApprovalRequest>? unknown = null;
        foreach (var request in requests)
        {
            if (_known.TryGetValue(KeyOf(request), out var summary))
                summaries[request.Id] = summary;
            else
                (unknown ??= []).Add(request);
        }
        if (unknown is null)
            return summaries;

        var (ids, arguments) = SqlList.Whole(unknown.Select(r => r.Id).Distinct());
        var described = new Dictionary<RequestId, DescribedChanges?>();
        var rows = await store.Read(
            async reader =>
            {
                foreach (var request in unknown.Where(r => r.ChangeDigest is not null))
                    described[request.Id] = await ReadChanges.Of(reader, request);
                return await reader.All<Row>(
                    $"""
                    SELECT request_id, n, substr(message, 1, {MessageRead}) AS message, facts FROM revisions
                    WHERE request_id IN ({ids})
                    """,
                    arguments
                );
            },
            cancel
        );
        var contents = rows.ToDictionary(row => (row.RequestId, (int)row.N));
        if (_known.Count > MaxKept)
            _known.Clear();
        foreach (var request in unknown)
        {
            // A list read a moment before its contents may not know the newest one yet.
            summaries[request.Id] = contents.TryGetValue((request.Id.Value, request.Revision), out var row)
                ? _known[KeyOf(request)] = Read(request, row, described.GetValueOrDefault(request.Id))
                : None with
                {
                    Headline = new Headline(request.Subject, "", ""),
                };
        }
        return summaries;
    }

    private static (RequestId, int, string?) KeyOf(ApprovalRequest request) =>
        (request.Id, request.Revision, request.ChangeDigest);

    private static RequestSummary Read(ApprovalRequest request, Row row, DescribedChanges? described)
    {
        using var facts = JsonDocument.Parse(row.Facts);
        return RequestSummary.Of(request.SentBy, request.Subject, row.Message, facts.RootElement, described);
    }

    private sealed class Row
    {
        public required string RequestId { get; init; }
        public long N { get; init; }
        public required string Message { get; init; }
        public required string Facts { get; init; }
    }
}
