using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Insights;

/// <summary>
/// Keeps the figures of <see cref="ReadInsights"/>: follows the log from its first event and counts what happened to
/// each request, in the transaction that moves its cursor.
/// <code>
///   1  as what the requests of these events are counted so far, and how they are now
///   2  event by event: what was opened, answered and closed, on its day
///   3  request by request: from the rows in which it was counted to those in which it is
///   4  the sums of the batch are added to the rows
/// </code>
/// What an event doesn't say is read from the request as it is now; archived events say nothing, and their requests
/// still do.
/// </summary>
public sealed class SummaryConsumer(RetentionOptions retention) : ILogBatchConsumer
{
    private readonly SummarySets _sets = new();
    private readonly SummaryEnvironments _environments = new();

    public string Name => "insights";

    /// <summary>Figures may be a moment late, and a batch costs little more than one event.</summary>
    public TimeSpan Gather => TimeSpan.FromSeconds(1);

    public IReadOnlySet<string> Kinds { get; } =
        new HashSet<string>
        {
            "request.submitted",
            "request.revised",
            "request.answered",
            "request.approved",
            "request.rejected",
            "request.withdrawn",
            "request.step_opened",
            "request.escalated",
            "request.restamped",
            "request.checked",
            "request.reweighed",
            "request.stuck",
            "request.freed",
            "request.broke_glass",
            "request.barred",
            "request.disowned",
        };

    public async ValueTask HandleAll(Tx tx, IReadOnlyList<StoredEvent> news)
    {
        var about = news.Where(e => e.Request is not null).ToLookup(e => e.Request!.Value.Value);
        var counted = await CountedRequest.Find(tx, about.Select(g => g.Key));
        var now = await RequestNow.Find(
            tx,
            from events in about
            where
                counted.ContainsKey(events.Key)
                    ? !events.Any(IsClosing)
                    : events.Any(e => e.Kind == "request.submitted")
            select events.Key
        );
        var batch = new Batch(tx, await OpenAges.Fold(tx), new SummaryRows(tx.Now, retention.Insights), this);
        var (goOn, closed) = (new List<(CountedRequest? Before, CountedRequest After)>(), new List<string>());
        foreach (var events in about)
        {
            var before = counted.GetValueOrDefault(events.Key);
            var state = before;
            var isClosed = false;
            foreach (var e in events)
            {
                if (state is null && e.Kind == "request.submitted" && !isClosed)
                    state = now.TryGetValue(events.Key, out var request) ? await batch.Open(request, e) : null;
                else if (state is not null && !isClosed)
                    (state, isClosed) = await batch.Take(state, e);
            }
            if (isClosed && before is not null)
                closed.Add(events.Key);
            if (isClosed && before is not null)
                batch.Rows.Count(before, batch.Ages, -1);
            if (!isClosed && state is not null)
                goOn.Add((before, state));
        }

        var waiting = await WaitingNow.Find(
            tx,
            [.. goOn.Select(s => now.GetValueOrDefault(s.After.Id)).OfType<RequestNow>()]
        );
        foreach (var (before, state) in goOn)
        {
            var after = now.TryGetValue(state.Id, out var request) ? await batch.Place(state, request, waiting) : state;
            if (after == before)
                continue;
            if (before is not null)
                batch.Rows.Count(before, batch.Ages, -1);
            batch.Rows.Count(after, batch.Ages, 1);
            await (before is null ? after.Insert(tx) : after.Update(tx));
        }
        await CountedRequest.Delete(tx, closed);
        await batch.Rows.Write(tx);
    }

    private static bool IsClosing(StoredEvent e) =>
        e.Kind is "request.approved" or "request.rejected" or "request.withdrawn";

    private sealed class Batch(Tx tx, OpenAges ages, SummaryRows rows, SummaryConsumer consumer)
    {
        private readonly Dictionary<string, long> _sets = [];
        private readonly Dictionary<string, long> _environments = [];

        public OpenAges Ages => ages;
        public SummaryRows Rows => rows;

        public async ValueTask<CountedRequest> Open(RequestNow request, StoredEvent e)
        {
            var opened = new CountedRequest(
                request.Id,
                await consumer._sets.IdOf(tx, request.Groups, _sets),
                request.SourceId,
                await consumer._environments.IdOf(tx, request.Environment, _environments),
                e.At,
                WaitsFor: 0,
                Excluded: "",
                Blocked: false,
                WasBlocked: false,
                Overridden: false
            );
            rows.Count(opened, e.At, new DayCounts { Opened = 1 });
            return opened;
        }

        /// <summary>What the event changes, and whether it closes the request.</summary>
        public async ValueTask<(CountedRequest State, bool IsClosed)> Take(CountedRequest state, StoredEvent e)
        {
            switch (e.Kind)
            {
                case "request.stuck":
                    return (state with { WasBlocked = true }, false);
                case "request.broke_glass":
                    return (state with { Overridden = true }, false);
                case "request.answered":
                    await Review(state, e);
                    return (state, false);
                case "request.approved" or "request.rejected" or "request.withdrawn":
                    if (!state.Overridden)
                        await Review(state, e);
                    await Close(state, e);
                    return (state, true);
                default:
                    return (state, false);
            }
        }

        private async ValueTask Close(CountedRequest state, StoredEvent e)
        {
            var isHub = e.Actor == Actor.Hub.Text;
            var isExpired = isHub && await IsExpired(e);
            var counts = new DayCounts { Blocked = state.WasBlocked ? 1 : 0 };
            if (isExpired)
                counts.Expired = 1;
            else if (e.Kind == "request.withdrawn")
                counts.Withdrawn = 1;
            else if (state.Overridden)
                counts.Overridden = 1;
            else if (isHub)
                counts.Automatic = 1;
            else if (e.Kind == "request.approved")
                counts.Approved = 1;
            else
                counts.Rejected = 1;
            if (counts.Decided > 0)
                counts.Times.Add(Instant.Parse(e.At) - Instant.Parse(state.OpenedAt));
            rows.Count(state, e.At, counts);
        }

        private async ValueTask<bool> IsExpired(StoredEvent e) =>
            e.Data == ArchivedRequest.Mark
                ? await tx.Number(
                    "SELECT count(*) FROM requests WHERE id = @id AND settled_at >= expires_at",
                    new { id = e.Request }
                ) > 0
                : Member(e, "expired") is { ValueKind: JsonValueKind.True };

        /// <summary>A person's answer, where the event tells of one.</summary>
        private async ValueTask Review(CountedRequest state, StoredEvent e)
        {
            if (new Policies.Party(e.Actor).IdAfter("person:") is not { } person)
                return;
            var answer =
                e.Data == ArchivedRequest.Mark
                    ? await tx.Text(
                        "SELECT answer FROM decisions WHERE request_id = @id AND person_id = @person AND at = @at",
                        new
                        {
                            id = e.Request,
                            person,
                            at = e.At,
                        }
                    )
                : Member(e, "answer") is { ValueKind: JsonValueKind.String } said ? said.GetString()
                : null;
            if (answer is not null)
                rows.Count(state, e.At, person, answer);
        }

        /// <summary>As what it is counted from now on.</summary>
        public async ValueTask<CountedRequest> Place(CountedRequest state, RequestNow request, WaitingNow waiting)
        {
            string[] parties = [.. waiting.PartiesOf(state.Id)];
            return state with
            {
                Audience = await consumer._sets.IdOf(tx, request.Groups, _sets),
                Environment = await consumer._environments.IdOf(tx, request.Environment, _environments),
                WaitsFor = parties.Length == 0 ? 0 : await consumer._sets.IdOf(tx, parties, _sets),
                Excluded = waiting.ExcludedOf(state.Id),
                Blocked = request.Blocked != 0,
            };
        }

        private static JsonElement? Member(StoredEvent e, string name)
        {
            using var data = JsonDocument.Parse(e.Data);
            return data.RootElement.TryGetProperty(name, out var value) ? value.Clone() : null;
        }
    }
}
