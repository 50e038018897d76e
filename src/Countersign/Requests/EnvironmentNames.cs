using System.Collections.Concurrent;
using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// Where the changes of a list would take place, at a glance: the environment that a content names. A content never
/// changes, so what was read once is kept, and a list that was shown before costs no look at its contents.
/// </summary>
public sealed class EnvironmentNames(Store store)
{
    private const int MaxKept = 20_000;
    private static readonly string[] Names = ["environment.name", "environment", "place"];
    private readonly ConcurrentDictionary<(RequestId, int), string> _known = new();

    /// <summary>By request; an empty text where the content names none.</summary>
    public async ValueTask<IReadOnlyDictionary<RequestId, string>> Of(
        IReadOnlyCollection<ApprovalRequest> requests,
        CancellationToken cancel
    )
    {
        var places = new Dictionary<RequestId, string>(requests.Count);
        List<ApprovalRequest>? unknown = null;
        foreach (var request in requests)
        {
            if (_known.TryGetValue((request.Id, request.Revision), out var place))
                places[request.Id] = place;
            else
                (unknown ??= []).Add(request);
        }
        if (unknown is null)
            return places;

        var arguments = unknown
            .DistinctBy(r => r.Id)
            .Select((request, i) => (Name: $"i{i}", request.Id))
            .ToDictionary(a => a.Name, a => (object?)a.Id);
        var rows = await store.Read(
            reader =>
                reader.All<Row>(
                    $"""
                    SELECT request_id, n, facts FROM revisions
                    WHERE request_id IN ({string.Join(", ", arguments.Keys.Select(name => "@" + name))})
                    """,
                    arguments
                ),
            cancel
        );
        var facts = rows.ToDictionary(row => (row.RequestId, (int)row.N), row => row.Facts);
        if (_known.Count > MaxKept)
            _known.Clear();
        foreach (var request in unknown)
        {
            // A list read a moment before its contents may not know the newest one yet.
            if (facts.TryGetValue((request.Id.Value, request.Revision), out var json))
                places[request.Id] = _known[(request.Id, request.Revision)] = Place(json);
        }
        return places;
    }

    private static string Place(string facts)
    {
        using var document = JsonDocument.Parse(facts);
        foreach (var name in Names)
        {
            if (
                document.RootElement.TryGetProperty(name, out var value)
                && value.ValueKind == JsonValueKind.String
                && value.GetString() is { Length: > 0 } place
            )
            {
                return WellFormed.Cut(place, 60);
            }
        }
        return "";
    }

    private sealed class Row
    {
        public required string RequestId { get; init; }
        public long N { get; init; }
        public required string Facts { get; init; }
    }
}
