using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Gates;

public abstract record HearGateOutcome
{
    private HearGateOutcome() { }

    /// <summary>Genuine, and stored where it asks something; the gate says how that is answered.</summary>
    public sealed record Heard(IGate Gate, GateMessage Message) : HearGateOutcome
    {
        /// <summary>How far what a polling caller asks for is; null where it doesn't poll.</summary>
        internal IReadOnlyList<GateStanding>? Standings { get; init; }

        public GateResponse Answer => Standings is null ? Gate.Acknowledge(Message) : Gate.Answer(Message, Standings);
    }

    /// <summary>Genuine, but nothing that we can answer.</summary>
    public sealed record Refused(string Why) : HearGateOutcome;

    public sealed record NotSigned : HearGateOutcome;

    /// <summary>Its secrets aren't set, so nothing could prove who calls.</summary>
    public sealed record NotSetUp : HearGateOutcome;

    public sealed record Disabled : HearGateOutcome;

    public sealed record NotFound : HearGateOutcome;
}

/// <summary>
/// A call of a system that waits. What it asks is stored before it is answered, and nothing else is waited for:
/// <code>
///   1  the source exists, is enabled, and has the secrets without which no call is taken
///   2  the signature is good over the bytes as they came; only then are they parsed
///   3  a call that came before, by its id or by what it asks, is answered alike and stored no more
///   4  what one verdict answers joins the open request of its group; with a review in, that review is dismissed
///   5  a verdict of the group that wasn't delivered yet never is: it would answer what came after it
///   6  a caller that polls is answered with how far its request is, which counts as told in the same transaction
/// </code>
/// </summary>
public sealed class HearGate(
    Store store,
    GateSources sources,
    PeopleDirectory directory,
    StoreAsk asks,
    RejectedBodies rejected,
    LastUse lastUse,
    Outcomes.OutcomeOptions outcomes
)
{
    public async Task<HearGateOutcome> Run(
        string kind,
        long sourceId,
        GateCall call,
        string address,
        CancellationToken cancel
    )
    {
        if (
            !sources.ByKind.TryGetValue(kind, out var gate)
            || (await directory.UpToDate(cancel)).Sources.GetValueOrDefault(sourceId) is not { } source
            || source.Kind != kind
            || (call.Path.Length > 0 && !gate.Traits.HasPaths)
        )
        {
            return new HearGateOutcome.NotFound();
        }
        if (source.IsDisabled)
            return new HearGateOutcome.Disabled();
        var stored = await sources.Open(sourceId, cancel);
        if (stored is null || GateSources.MissingOf(gate, stored).Count > 0)
            return new HearGateOutcome.NotSetUp();
        var settings = GateSources.WithDefaults(gate, stored);
        if (!gate.IsGenuine(call, settings))
        {
            await sources.NoteRefused(sourceId, GateRefusals.Signature, cancel);
            return new HearGateOutcome.NotSigned();
        }
        if (source.LastUsedAt is null)
            lastUse.NoteFirst(source.Key);
        else
            lastUse.Note(source.Key);
        await sources.NoteHeard(sourceId, cancel);

        var origin = new Origin(Actor.Source(sourceId), kind, address);
        var message = gate.Parse(call, settings);
        switch (message)
        {
            case GateMessage.Asked { Ask: var ask }:
                await asks.Run(gate, source, ask, message.CallId, origin, cancel);
                if (ask.PollGap is { } gap)
                {
                    return new HearGateOutcome.Heard(gate, message)
                    {
                        Standings = await Standings(sourceId, [ask.Id], gap, isTold: true, cancel),
                    };
                }
                break;
            case GateMessage.Looked looked:
                return new HearGateOutcome.Heard(gate, message)
                {
                    Standings = await Standings(sourceId, looked.Asks, looked.PollGap, isTold: false, cancel),
                };
            case GateMessage.Gone gone:
                await Withdraw(sourceId, gone, origin, cancel);
                break;
            case GateMessage.Refused { Why: var why }:
                if (await IsNew(sourceId, message.CallId, cancel))
                {
                    var shown = GateText.Without(call.Body, gate.Traits.SecretMembers);
                    await rejected.Keep(sourceId, why, shown, origin, cancel);
                }
                return new HearGateOutcome.Refused(why);
        }
        return new HearGateOutcome.Heard(gate, message);
    }

    /// <param name="isTold">The answer tells the caller what was decided, so that nothing is owed after it.</param>
    private async Task<IReadOnlyList<GateStanding>> Standings(
        long source,
        IReadOnlyList<string> asks,
        TimeSpan gap,
        bool isTold,
        CancellationToken cancel
    ) =>
        await store.InTransaction(
            async tx =>
            {
                var found = new List<GateStanding>();
                foreach (var ask in asks)
                {
                    if (await GateReplies.RequestOf(tx, source, ask) is not { } id)
                        continue;
                    await DeliverVerdict.Lock(tx, id);
                    if (
                        await RequestRow.Find(tx, id, Viewer.Hub(GateReplies.OfHub)) is not { } request
                        || await GateReplies.Find(tx, id) is not { } row
                    )
                    {
                        continue;
                    }
                    request = await Settle.IfExpired(tx, request);
                    if (isTold && request.IsSettled && row.IsOpen)
                        await GateReplies.End(tx, id, GateReplies.Delivered, request.Display);
                    var isCurrent = row.PolledAt is { } at && Instant.Parse(at) + gap > tx.Now;
                    var link = outcomes.Link($"/requests/{id}");
                    found.Add(new GateStanding(request.Status, request.Display, link, isCurrent));
                }
                return found;
            },
            cancel
        );

    private Task Withdraw(long source, GateMessage.Gone gone, Origin origin, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                if (await GateReplies.RequestOf(tx, source, gone.Ask) is not { } id)
                    return;
                var how =
                    !gone.WentOn ? GateReplies.Gone
                    : await RequestRow.Find(tx, id, Viewer.Hub(GateReplies.OfHub)) is { Status: Status.Approved }
                        ? GateReplies.Elsewhere
                    : GateReplies.Passed;
                await GateReplies.End(tx, id, how, gone.Why, origin);
            },
            cancel
        );

    private Task<bool> IsNew(long source, string? call, CancellationToken cancel) =>
        call is null ? Task.FromResult(true) : store.InTransaction(tx => StoreAsk.Take(tx, source, call), cancel);
}

/// <summary>Why a call wasn't taken, as pages translate it.</summary>
public static class GateRefusals
{
    public const string Signature = "signature",
        TooLarge = "too_large";

    public static readonly IReadOnlyList<string> All = [Signature, TooLarge];
}
