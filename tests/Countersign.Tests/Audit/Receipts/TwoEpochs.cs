using Countersign.Audit;
using Countersign.Audit.Receipts;
using Countersign.Storage;

namespace Countersign.Tests.Audit.Receipts;

/// <summary>A log that ended as planned, and the one that follows, with a receipt of it.</summary>
internal sealed record TwoEpochs
{
    public MemoryLog First { get; } = new MemoryLog().Grow(4);
    public MemoryLog Second { get; init; } = new("hub.example.com/2");

    /// <summary>The key that the first log's last leaf names; null for that of the second.</summary>
    public string? Announced { get; init; }

    /// <summary>Whether the first log ends with such a leaf.</summary>
    public bool IsAnnounced { get; init; } = true;
    public string Reason { get; init; } = EpochReason.KeyRotation;

    /// <summary>How many leaves of the first log the second one says that it follows; null for all.</summary>
    public long? Follows { get; init; }

    public ReceiptFile Receipt()
    {
        var end = EpochLeaf.EndOf(1, Announced ?? Second.Key.Key.ToString());
        if (IsAnnounced)
            First.Append(end);
        var begin = new EpochLeaf(
            2,
            "hub.example.com/2",
            Second.Key.Key.ToString(),
            Instant.ToText(SomeReceipt.At),
            Reason,
            First.Head(Follows ?? First.Size),
            7,
            new string('a', 64),
            "c2ln",
            "a2V5"
        ).ToString();
        Second.Append(begin);
        var receipt = new SomeReceipt { Log = Second }.Make();
        return receipt with
        {
            Epochs = (IsAnnounced ? Entry(First, end, First.Size - 1) : "") + Entry(Second, begin, 0),
        };
    }

    private static string Entry(MemoryLog log, string leaf, long index) =>
        EpochChain.Entry(leaf, index, log.Proof(index, log.Note(log.Size)).Hashes, log.Note(log.Size));
}
