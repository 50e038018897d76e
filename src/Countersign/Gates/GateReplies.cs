using System.Globalization;
using System.Text.Json.Nodes;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

/// <summary>What an admin should know about a request that a system waits for.</summary>
public static class GateAlarms
{
    /// <summary>It went on without our verdict.</summary>
    public const string Passed = "passed";

    /// <summary>Decided, and the verdict couldn't be delivered yet.</summary>
    public const string Undelivered = "undelivered";

    /// <summary>The caller goes on without regard to the decision.</summary>
    public const string NotWaiting = "not_waiting";

    /// <summary>Decided, and the caller was gone.</summary>
    public const string Gone = "gone";

    public static readonly IReadOnlyList<string> All = [Passed, Undelivered, NotWaiting, Gone];
}

/// <summary>A request whose caller is owed a verdict, as stored.</summary>
internal sealed class GateReplyRow
{
    public required string RequestId { get; init; }
    public long SourceId { get; init; }
    public string? Reply { get; init; }
    public required string State { get; init; }
    public required string AskedAt { get; init; }
    public string? CloseAt { get; init; }
    public long Notes { get; init; }
    public string? Note { get; init; }
    public string? Alarm { get; init; }
    public string? PolledAt { get; init; }
    public long? PollGap { get; init; }

    public bool IsOpen => State == GateReplies.Open;

    /// <summary>Its caller asks how far it is, and is never called.</summary>
    public bool IsPolled => PollGap is not null;

    /// <summary>When its caller counts as gone, having stopped polling.</summary>
    public DateTimeOffset? SilentAt =>
        PolledAt is { } at && PollGap is { } gap ? Instant.Parse(at) + TimeSpan.FromSeconds(gap) : null;
}

/// <summary>Whom a verdict is owed, from the call that asks until it is delivered or not waited for any more.</summary>
internal static class GateReplies
{
    public const string Open = "open",
        Delivered = "delivered",
        Elsewhere = "elsewhere",
        Passed = "passed",
        Gone = "gone";

    public static readonly Origin OfHub = new(Actor.Hub, "gate", "");

    /// <summary>False for what was asked before, also at this moment.</summary>
    public static async ValueTask<bool> Begin(Tx tx, long source, string ask) =>
        await tx.Execute(
            """
            INSERT INTO gate_asks (source_id, ask, at) VALUES (@source, @ask, @now)
            ON CONFLICT (source_id, ask) DO NOTHING
            """,
            new
            {
                source,
                ask,
                now = tx.Now,
            }
        ) == 1;

    public static async ValueTask Add(
        Tx tx,
        ApprovalRequest request,
        GateAsk ask,
        string reply,
        DateTimeOffset? closeAt
    )
    {
        await tx.Execute(
            """
            INSERT INTO gate_replies (
              request_id, source_id, group_key, reply, state, asked_at, close_at, alarm, polled_at, poll_gap)
            VALUES (@id, @source, @group, @reply, 'open', @now, @closeAt, @alarm, @polledAt, @pollGap)
            """,
            new
            {
                id = request.Id,
                source = request.SourceId,
                group = ask.Group,
                reply,
                now = tx.Now,
                closeAt,
                alarm = ask.Waits ? null : GateAlarms.NotWaiting,
                polledAt = ask.PollGap is null ? (DateTimeOffset?)null : tx.Now,
                pollGap = (long?)ask.PollGap?.TotalSeconds,
            }
        );
        await Name(tx, request.Id, request.SourceId, ask.Id);
    }

    /// <summary>One more of what the request stands for; the latest address is the one that is answered.</summary>
    public static async ValueTask Join(Tx tx, RequestId id, long source, string ask, string reply)
    {
        await tx.Execute("UPDATE gate_replies SET reply = @reply WHERE request_id = @id", new { id, reply });
        await Name(tx, id, source, ask);
    }

    public static async ValueTask Name(Tx tx, RequestId id, long source, string ask) =>
        await tx.Execute(
            "UPDATE gate_asks SET request_id = @id WHERE source_id = @source AND ask = @ask",
            new
            {
                id,
                source,
                ask,
            }
        );

    // CROSS JOIN keeps SQLite from starting at the requests of a status, which are all that are open in the hub.
    internal const string FindOpen = """
        SELECT g.request_id FROM gate_replies g CROSS JOIN requests r
        WHERE g.source_id = @source AND g.group_key = @group AND g.state = 'open'
          AND r.id = g.request_id AND r.status = 'active'
        ORDER BY g.asked_at DESC, g.request_id DESC LIMIT 1
        """;

    internal const string FindRejected = """
        SELECT g.request_id FROM gate_replies g CROSS JOIN requests r
        WHERE g.source_id = @source AND g.group_key = @group AND g.state = 'delivered'
          AND r.id = g.request_id AND r.status = 'rejected'
        ORDER BY g.asked_at DESC, g.request_id DESC LIMIT 1
        """;

    internal const string CountApproved = """
        SELECT count(*) FROM (
          SELECT 1 FROM gate_replies g CROSS JOIN requests r
          WHERE g.source_id = @source AND g.group_key = @group
            AND r.id = g.request_id AND r.status = 'approved' LIMIT 1) AS one
        """;

    internal const string FindLatest = """
        SELECT request_id FROM gate_replies WHERE source_id = @source AND group_key = @group
        ORDER BY asked_at DESC, request_id DESC LIMIT 1
        """;

    public static async ValueTask<RequestId?> LatestOf(Tx tx, long source, string group) =>
        await tx.Text(FindLatest, new { source, group }) is { } id ? RequestId.Of(id) : null;

    public static async ValueTask<RequestId?> OpenOf(Tx tx, long source, string group) =>
        await tx.Text(FindOpen, new { source, group }) is { } id ? RequestId.Of(id) : null;

    /// <summary>
    /// What was decided in the group and not delivered yet isn't delivered any more: no approval covers what is asked
    /// after it.
    /// </summary>
    public static async ValueTask Supersede(Tx tx, long source, string group, Origin origin)
    {
        var earlier = await tx.All<GateReplyRow>(
            """
            SELECT request_id, source_id, reply, state, asked_at, close_at, notes, note, alarm FROM gate_replies
            WHERE source_id = @source AND group_key = @group AND state = 'open' ORDER BY request_id
            """,
            new { source, group }
        );
        foreach (var row in earlier)
            await End(tx, RequestId.Of(row.RequestId), Gone, "It was asked again before the decision arrived.", origin);
    }

    public static async ValueTask<RequestId?> RequestOf(Tx tx, long source, string ask) =>
        await tx.Text("SELECT request_id FROM gate_asks WHERE source_id = @source AND ask = @ask", new { source, ask })
            is { } id
            ? RequestId.Of(id)
            : null;

    /// <summary>The digest of what is approved, without what later revisions add to it.</summary>
    public static async ValueTask<string?> DigestOf(Tx tx, RequestId id) =>
        await tx.Text("SELECT body FROM revisions WHERE request_id = @id ORDER BY n DESC LIMIT 1", new { id })
            is { Length: > 0 } body
        && JsonNode.Parse(body) is JsonObject content
            ? Digest.Of(Without(content, "asks").ToJsonString(History.Json))
            : null;

    /// <summary>The same content, asked for once more: another revision of it.</summary>
    public static string WithAsk(string content, string ask)
    {
        var members = (JsonObject)JsonNode.Parse(content)!;
        members["asks"] = ask;
        return members.ToJsonString(History.Json);
    }

    public static ValueTask<GateReplyRow?> Find(Reader reader, RequestId id) =>
        reader.First<GateReplyRow>(
            """
            SELECT request_id, source_id, reply, state, asked_at, close_at, notes, note, alarm, polled_at, poll_gap
            FROM gate_replies WHERE request_id = @id
            """,
            new { id }
        );

    /// <summary>The caller's latest word on it.</summary>
    public static async ValueTask Polled(Tx tx, RequestId id) =>
        await tx.Execute("UPDATE gate_replies SET polled_at = @now WHERE request_id = @id", new { id, now = tx.Now });

    /// <summary>The last of the group that was rejected and told so; null where a later one is another.</summary>
    public static async ValueTask<RequestId?> RejectedOf(Tx tx, long source, string group) =>
        await tx.Text(FindRejected, new { source, group }) is { } id ? RequestId.Of(id) : null;

    /// <summary>Whether something of the group was approved before, which the caller may still go by.</summary>
    public static async ValueTask<bool> HasApproval(Tx tx, long source, string group) =>
        await tx.Number(CountApproved, new { source, group }) > 0;

    /// <summary>Its verdict is owed once more, at this address.</summary>
    public static async ValueTask Reopen(Tx tx, RequestId id, long source, string reply)
    {
        await tx.Execute(
            "UPDATE gate_replies SET reply = @reply, state = 'open', ended_at = NULL WHERE request_id = @id",
            new { id, reply }
        );
        await Jobs.Put(tx, Job(DeliverVerdict.JobKind, id, source, tx.Now));
    }

    public static JobToAdd Job(string kind, ApprovalRequest request, DateTimeOffset due) =>
        Job(kind, request.Id, request.SourceId, due);

    public static JobToAdd Job(string kind, RequestId id, long source, DateTimeOffset due) =>
        new(kind, id.Value, id.Subject, due) { Receiver = source.ToString(CultureInfo.InvariantCulture) };

    /// <summary>
    /// Nothing is owed any more: the reply is erased, and the jobs end by themselves. A request that is still open is
    /// withdrawn, or, where the caller went on, on record as applied without an approval.
    /// </summary>
    public static async ValueTask End(Tx tx, RequestId id, string state, string why, Origin? origin = null)
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(OfHub)) is not { } request)
            return;
        if (
            await tx.First<GateReplyRow>(
                "SELECT request_id, source_id, reply, state, asked_at, close_at, notes, note, alarm, polled_at, "
                    + "poll_gap FROM gate_replies "
                    + $"WHERE request_id = @id AND state = 'open'{tx.ForUpdate}",
                new { id }
            )
            is not { } row
        )
        {
            return;
        }
        request = await Settle.IfExpired(tx, request);
        var wasDecided = request.IsSettled;
        var isApproved = request.Status == Status.Approved;
        var alarm =
            state == Passed && !isApproved ? GateAlarms.Passed
            : state == Gone && wasDecided ? GateAlarms.Gone
            : row.Alarm == GateAlarms.Undelivered ? null
            : row.Alarm;
        await tx.Execute(
            """
            UPDATE gate_replies SET state = @state, reply = NULL, alarm = @alarm, problem = @why, ended_at = @now
            WHERE request_id = @id
            """,
            new
            {
                id,
                state,
                alarm,
                why = alarm is null ? null : why,
                now = tx.Now,
            }
        );
        if (!wasDecided)
            request = await Withdraw.By(tx, request, why, origin ?? OfHub);
        if (state == Passed || (state is Delivered or Elsewhere && isApproved))
            request = await MarkApplied.By(tx, request, OfHub);
        await RequestChange.Save(tx, request, request, origin ?? OfHub, $"request.gate_{state}", new { why });
    }

    /// <summary>Told once, until it is past.</summary>
    public static async ValueTask Alarm(Tx tx, RequestId id, string alarm, string why)
    {
        if (await RequestRow.Find(tx, id, Viewer.Hub(OfHub)) is not { } request)
            return;
        var isNew =
            await tx.Execute(
                """
                UPDATE gate_replies SET alarm = @alarm, problem = @why
                WHERE request_id = @id AND state = 'open' AND COALESCE(alarm, '') <> @alarm
                """,
                new
                {
                    id,
                    alarm,
                    why,
                }
            ) == 1;
        if (isNew)
        {
            await RequestChange.Save(tx, request, request, OfHub, $"request.gate_{alarm}", new { why });
            return;
        }
        await tx.Execute(
            "UPDATE gate_replies SET problem = @why WHERE request_id = @id AND alarm = @alarm",
            new
            {
                id,
                alarm,
                why,
            }
        );
    }

    /// <summary>Rows that nothing is owed for, and that no repeated call can be about any more.</summary>
    public static CleaningStep OldCalls(Store store) =>
        CleaningStep.Delete(
            "calls of gates",
            store,
            TimeSpan.FromDays(8),
            """
            DELETE FROM gate_calls
            WHERE (source_id, call) IN (
              SELECT source_id, call FROM gate_calls WHERE at <= @oldest ORDER BY at LIMIT @chunk)
            """
        );

    private static JsonObject Without(JsonObject members, string name)
    {
        members.Remove(name);
        return members;
    }
}
