using System.Globalization;
using Countersign.Storage;

namespace Countersign.Insights;

/// <summary>
/// As what an active request is counted. It is taken out of the same rows when it changes or is closed.
/// </summary>
/// <param name="WaitsFor">The set of parties whose review it needs; 0 where it waits for no one.</param>
/// <param name="Excluded">Reviewers among those who can do nothing, because they ask or have answered.</param>
/// <param name="Blocked">It can't reach the required approvals now.</param>
/// <param name="WasBlocked">That was so at some time.</param>
internal sealed record CountedRequest(
    string Id,
    long Audience,
    long SourceId,
    long Environment,
    string OpenedAt,
    long WaitsFor,
    string Excluded,
    bool Blocked,
    bool WasBlocked,
    bool Overridden
)
{
    public IEnumerable<long> ExcludedPeople =>
        Excluded.Length == 0 ? [] : Excluded.Split(',').Select(n => long.Parse(n, CultureInfo.InvariantCulture));

    public static async ValueTask<Dictionary<string, CountedRequest>> Find(Reader reader, IEnumerable<string> ids)
    {
        var found = new Dictionary<string, CountedRequest>(StringComparer.Ordinal);
        foreach (var (list, arguments) in SqlList.Of(ids))
        {
            foreach (
                var row in await reader.All<Row>(
                    $"""
                    SELECT request, audience, source, environment, opened_at, waits_for, excluded, blocked,
                      was_blocked, overridden
                    FROM summary_requests WHERE request IN ({list})
                    """,
                    arguments
                )
            )
            {
                found[row.Request] = row.ToCounted();
            }
        }
        return found;
    }

    public async ValueTask Insert(Tx tx) =>
        await tx.Execute(
            """
            INSERT INTO summary_requests (request, audience, source, environment, opened_at, waits_for, excluded,
              blocked, was_blocked, overridden)
            VALUES (@id, @audience, @source, @environment, @openedAt, @waitsFor, @excluded, @blocked, @wasBlocked,
              @overridden)
            """,
            Arguments
        );

    public async ValueTask Update(Tx tx) =>
        await tx.Execute(
            """
            UPDATE summary_requests
            SET audience = @audience, source = @source, environment = @environment, opened_at = @openedAt,
              waits_for = @waitsFor, excluded = @excluded, blocked = @blocked, was_blocked = @wasBlocked,
              overridden = @overridden
            WHERE request = @id
            """,
            Arguments
        );

    public static async ValueTask Delete(Tx tx, IEnumerable<string> ids)
    {
        foreach (var (list, arguments) in SqlList.Of(ids))
            await tx.Execute($"DELETE FROM summary_requests WHERE request IN ({list})", arguments);
    }

    private object Arguments =>
        new
        {
            id = Id,
            audience = Audience,
            source = SourceId,
            environment = Environment,
            openedAt = OpenedAt,
            waitsFor = WaitsFor,
            excluded = Excluded,
            blocked = Blocked ? 1 : 0,
            wasBlocked = WasBlocked ? 1 : 0,
            overridden = Overridden ? 1 : 0,
        };

    private sealed class Row
    {
        public required string Request { get; init; }
        public long Audience { get; init; }
        public long Source { get; init; }
        public long Environment { get; init; }
        public required string OpenedAt { get; init; }
        public long WaitsFor { get; init; }
        public required string Excluded { get; init; }
        public long Blocked { get; init; }
        public long WasBlocked { get; init; }
        public long Overridden { get; init; }

        public CountedRequest ToCounted() =>
            new(
                Request,
                Audience,
                Source,
                Environment,
                OpenedAt,
                WaitsFor,
                Excluded,
                Blocked != 0,
                WasBlocked != 0,
                Overridden != 0
            );
    }
}
