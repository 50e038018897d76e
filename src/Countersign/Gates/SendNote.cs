using Countersign.Outcomes;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

/// <summary>
/// Shows the people at the caller how far the request is, within the caller's budget of notes. A note that isn't taken
/// is left out: nothing rests on it.
/// </summary>
internal sealed class SendNote(Store store, GateCaller caller, CallerState state, OutcomeOptions outcomes) : IJobHandler
{
    public const string JobKind = "gate_note";

    /// <summary>Kept for what the caller counts otherwise, and for what is still to come.</summary>
    private const int Reserve = 1;

    public string Kind => JobKind;

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        var id = RequestId.Of(job.Key);
        var (row, request) = await store.Read(
            async reader =>
                (await GateReplies.Find(reader, id), await RequestRow.Find(reader, id, Viewer.Hub(GateReplies.OfHub))),
            cancel
        );
        if (
            row is not { IsOpen: true }
            || request is not { IsSettled: false }
            || await store.Read(reader => Sources.IsDisabled(reader, row.SourceId), cancel)
        )
        {
            return new JobResult.Done();
        }
        if (await state.Open(row, cancel) is not ({ } gate, { } settings, { } reply))
            return new JobResult.Done();
        var text = Progress(gate, request, outcomes);
        if (row.Notes >= gate.Traits.MaxNotes - Reserve || text == row.Note)
            return new JobResult.Done();
        if (gate.Note(settings, reply, text) is not { } call)
            return new JobResult.Done();
        // Counted before it is sent: one whose answer is lost counts there as well.
        await store.InTransaction(
            async tx =>
                await tx.Execute(
                    "UPDATE gate_replies SET notes = notes + 1, note = @text WHERE request_id = @id",
                    new { id, text }
                ),
            cancel
        );
        await caller.Send(gate, settings, call, cancel);
        return new JobResult.Done();
    }

    /// <summary>How far it is, and where to see more.</summary>
    internal static string Progress(IGate gate, ApprovalRequest request, OutcomeOptions outcomes) =>
        Cut(
            string.Join(" – ", new[] { request.Display, outcomes.Link($"/requests/{request.Id}") }.OfType<string>()),
            gate.Traits.MaxNote
        );

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..(most - 1)] + "…";
}
