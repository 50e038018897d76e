using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Gates;

/// <summary>A request that a system waits for is decided, or gets further: its verdict, or a note, is a job.</summary>
internal sealed class GateConsumer : ILogConsumer
{
    private static readonly HashSet<string> Ends =
    [
        "request.approved",
        "request.rejected",
        "request.withdrawn",
        "request.broke_glass",
    ];

    private static readonly HashSet<string> Steps =
    [
        "request.answered",
        "request.step_opened",
        "request.revised",
        "request.stuck",
        "request.freed",
        "request.reweighed",
    ];

    /// <summary>Reviews that come together are told in one note.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromSeconds(2);

    public string Name => "gates";

    public IReadOnlySet<string> Kinds { get; } = Ends.Concat(Steps).ToHashSet();

    public async ValueTask<HandleEvent?> Begin(Tx tx) =>
        await tx.Number("SELECT count(*) FROM (SELECT 1 FROM gate_replies WHERE state = 'open' LIMIT 1) AS one") == 0
            ? null
            : news => Plan(tx, news);

    private static async ValueTask Plan(Tx tx, StoredEvent news)
    {
        if (news.Request is not { } id || await GateReplies.Find(tx, id) is not { IsOpen: true } row)
            return;
        if (Ends.Contains(news.Kind))
            await Jobs.Put(tx, GateReplies.Job(DeliverVerdict.JobKind, id, row.SourceId, tx.Now));
        else if (row.Notes > 0)
            await Jobs.Add(tx, GateReplies.Job(SendNote.JobKind, id, row.SourceId, tx.Now + Gathering));
    }
}
