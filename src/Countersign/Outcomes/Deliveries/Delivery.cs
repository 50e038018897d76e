using Countersign.Storage;

namespace Countersign.Outcomes;

/// <summary>One piece of news for one receiver through one channel, claimed to be sent.</summary>
public sealed class Delivery
{
    public long Id { get; init; }
    public long EventId { get; init; }
    public required string Kind { get; init; }
    public required string Subject { get; init; }
    public required string Receiver { get; init; }
    public required string Channel { get; init; }
    public required string Endpoint { get; init; }

    /// <summary>How often it was sent before, ever, and since it was last put on its way.</summary>
    public long Attempts { get; init; }
    public long Tries { get; init; }

    /// <summary>1 when it tells of all that was folded into it.</summary>
    public long Digest { get; init; }

    /// <summary>What the first attempt sent: every further one sends the same.</summary>
    public string? Sent { get; init; }
    public required string CreatedAt { get; init; }
    internal const string Columns =
        "id, event_id, kind, subject, receiver, channel, endpoint, attempts, tries, digest, sent, created_at";

    /// <summary>
    /// The same in every attempt, also after a crash and on another node: receivers know by it what they have had.
    /// </summary>
    public string MessageId => $"msg_{Id}";

    /// <summary>The number behind the colon of <c>webhook:3</c> or <c>person:7</c>.</summary>
    public long ReceiverNumber =>
        long.Parse(
            Receiver.AsSpan(Receiver.IndexOf(':', StringComparison.Ordinal) + 1),
            System.Globalization.CultureInfo.InvariantCulture
        );
}

/// <summary>How one attempt to send went.</summary>
public abstract record SendOutcome
{
    private SendOutcome() { }

    /// <summary>What was sent, to be kept and shown: without secrets.</summary>
    public string? Sent { get; init; }

    /// <summary>
    /// The first line and the headers of the call, where the channel has such things: without secrets.
    /// </summary>
    public string? Call { get; init; }

    /// <summary>The number of the answer, where the channel has such a thing.</summary>
    public int? Status { get; init; }

    /// <summary>The beginning of the answer.</summary>
    public string Answer { get; init; } = "";

    public sealed record Delivered : SendOutcome
    {
        /// <summary>What else is to be remembered when it arrived, in the same transaction.</summary>
        public Func<Tx, ValueTask>? Also { get; init; }
    }

    /// <summary>
    /// Nobody needs it any longer: a question that was answered meanwhile, a receiver that was switched off.
    /// </summary>
    public sealed record Dropped(string Why) : SendOutcome;

    public const string NotNeeded = "It was decided in the meantime, or the receiver can no longer see it.";

    /// <summary>Something that belongs to it will be there in a moment; that is no attempt.</summary>
    public sealed record NotYet(TimeSpan Wait) : SendOutcome;

    public sealed record Failed(Failure Failure) : SendOutcome
    {
        /// <summary>The receiver said for good that it will not take this message; others may do better.</summary>
        public bool Final { get; init; }

        /// <summary>The receiver said that it is no more.</summary>
        public bool Gone { get; init; }

        /// <summary>The receiver asked to be left alone for so long.</summary>
        public TimeSpan? RetryAfter { get; init; }
    }

    internal static SendOutcome Of(EgressOutcome.Failed failed) =>
        new Failed(failed.Failure) { Answer = failed.Detail };

    /// <summary>As much of an answer as is kept.</summary>
    internal static string Beginning(string text)
    {
        const int most = 2_000;
        var plain = text.Replace('\0', ' ');
        return plain.Length <= most
            ? plain
            : string.Concat(plain.AsSpan(0, char.IsHighSurrogate(plain[most - 1]) ? most - 1 : most), "…");
    }
}

/// <summary>A delivery that was sent, or tried to be, and how it went: to be written down.</summary>
public sealed record Attempt(Delivery Delivery, SendOutcome Outcome, TimeSpan Took);

/// <summary>A way to receivers: webhooks, mail, chat.</summary>
public interface IChannel
{
    string Name { get; }

    /// <summary>
    /// Calls under way at once to one endpoint, where the channel knows a smaller number than <see
    /// cref="OutcomeOptions.CallsPerReceiver"/>.
    /// </summary>
    int MaxAtOnce => int.MaxValue;

    /// <summary>Sends once. Every failure is an outcome; only <paramref name="cancel"/> throws.</summary>
    Task<SendOutcome> Send(Delivery delivery, CancellationToken cancel);

    /// <summary>
    /// Switches off an endpoint that is gone or has been dead for the whole schedule, and lets its owner know. Not
    /// every channel does.
    /// </summary>
    ValueTask SwitchOff(Tx tx, string endpoint, string why) => ValueTask.CompletedTask;
}
