using System.Globalization;
using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Audit.Receipts;

/// <summary>The lines of an event's leaf (<see cref="EventLeaf"/>), for those who have nothing else of it.</summary>
/// <param name="Previous">The hash of the event before it in its history; null for the first.</param>
/// <param name="At">By the hub's clock.</param>
/// <param name="Digests">Of its parts, by name; null where a part is empty.</param>
public sealed record LeafText(
    string? Previous,
    string Subject,
    long N,
    string At,
    string Kind,
    string Via,
    IReadOnlyDictionary<string, string?> Digests
)
{
    public static readonly IReadOnlyList<string> PartNames =
    [
        EventLeaf.FactsPart,
        EventLeaf.PeoplePart,
        EventLeaf.WordsPart,
        EventLeaf.OriginPart,
    ];

    public static LeafText? Parse(string text)
    {
        if (
            text.Split('\n')
                is not [
                    "countersign-leaf-v1",
                    var previous,
                    { Length: > 0 } subject,
                    var number,
                    var at,
                    { Length: > 0 } kind,
                    var via,
                    .. { Length: 4 } digests,
                ]
            || !IsDigest(previous)
            || !Checkpoint.TryNumber(number, out var n)
            || !DateTimeOffset.TryParse(at, CultureInfo.InvariantCulture, out var time)
            || Instant.ToText(time) != at
            || !digests.All(IsDigest)
        )
        {
            return null;
        }
        return new LeafText(
            OrNull(previous),
            subject,
            n,
            at,
            kind,
            via,
            PartNames.Zip(digests).ToDictionary(pair => pair.First, pair => OrNull(pair.Second))
        );
    }

    private static bool IsDigest(string text) =>
        text == EventLeaf.Nothing || (text.Length == 64 && text.All(char.IsAsciiHexDigitLower));

    private static string? OrNull(string digest) => digest == EventLeaf.Nothing ? null : digest;
}
