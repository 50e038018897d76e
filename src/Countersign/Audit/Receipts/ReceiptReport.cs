using System.Text.Json;

namespace Countersign.Audit.Receipts;

/// <param name="Time">When it had seen this tree and none larger, by its clock.</param>
/// <param name="IsRunByLog">The policy says that the log's operator runs it too.</param>
public sealed record ReceiptWitness(string Name, DateTimeOffset Time, bool IsRunByLog);

/// <summary>One answer that counted.</summary>
/// <param name="For">For whom its author stood in.</param>
/// <param name="Steps">The steps of the policy that its author could fill.</param>
public sealed record ReceiptAnswer(
    long Person,
    string? Name,
    string? Login,
    string Answer,
    long? For,
    string? ForName,
    IReadOnlyList<int> Steps,
    string Via,
    string At
);

/// <summary>What a verifier found in a receipt.</summary>
public sealed class ReceiptReport
{
    public const string Valid = "valid",
        Invalid = "invalid",
        Undecided = "undecided";

    public const string Shown = "shown",
        Withheld = "withheld",
        IsErased = "erased",
        Empty = "empty";

    /// <summary>Not valid where anything is wrong with it, and undecided where something can't be told.</summary>
    public string Verdict =>
        Problem is not null ? Invalid
        : Doubts.Count > 0 ? Undecided
        : Valid;

    /// <summary>What is wrong; checking ends there.</summary>
    public string? Problem { get; internal set; }

    /// <summary>What couldn't be told.</summary>
    public List<string> Doubts { get; } = [];

    public string? Origin { get; internal set; }
    public long? Index { get; internal set; }
    public long? Size { get; internal set; }

    /// <summary>
    /// The earlier epoch whose key was given, and which announced the key that signed the receipt, in one or more
    /// steps; null where the key of the receipt's own epoch was given.
    /// </summary>
    public string? AnnouncedBy { get; internal set; }

    /// <summary><c>signed</c>, <c>witnessed</c> or <c>bracketed</c>; null where no known log signed it.</summary>
    public string? Strength { get; internal set; }
    public IReadOnlyList<ReceiptWitness> Witnesses { get; internal set; } = [];

    /// <summary>How many witnesses the policy names.</summary>
    public int KnownWitnesses { get; internal set; }

    /// <summary>Signature lines by keys that the verifier doesn't know.</summary>
    public int NotCounted { get; internal set; }

    /// <summary>It was logged after this time, by witness clocks.</summary>
    public DateTimeOffset? LoggedAfter { get; internal set; }

    /// <summary>It was logged before this time, by witness clocks.</summary>
    public DateTimeOffset? LoggedBefore { get; internal set; }

    public string? Subject { get; internal set; }
    public long? N { get; internal set; }
    public string? Kind { get; internal set; }
    public string? Via { get; internal set; }

    /// <summary>By the hub's clock.</summary>
    public string? HubTime { get; internal set; }

    public string? Status { get; internal set; }
    public string? Requester { get; internal set; }
    public string? Digest { get; internal set; }
    public string? Policy { get; internal set; }
    public IReadOnlyList<ReceiptAnswer> Answers { get; internal set; } = [];

    /// <summary>How the answers were weighed; null where there was nothing to weigh.</summary>
    public string? Weighed { get; internal set; }

    /// <summary>
    /// <c>shown</c>, <c>withheld</c> by a person who passed it on, <c>erased</c> in the hub, or <c>empty</c>.
    /// </summary>
    public Dictionary<string, string> Parts { get; } = [];

    /// <summary>The parts that are shown, as they were hashed.</summary>
    public Dictionary<string, JsonElement> Disclosed { get; } = [];
}
