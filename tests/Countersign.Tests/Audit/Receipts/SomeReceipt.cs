using System.Text;
using System.Text.Json;
using Countersign.Audit.Receipts;
using Countersign.Policies;
using Countersign.Proof;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Audit.Receipts;

/// <summary>A receipt of a request that two people approved, in a log of its own.</summary>
internal sealed record SomeReceipt
{
    public static readonly DateTimeOffset At = new(2026, 11, 3, 10, 0, 0, TimeSpan.Zero);
    public const string Canonical =
        """{"facts":{"line":"a\u2028b","share":1.0,"smile":"\uD83D\uDE00"},"subject":"Turn on loyalty points"}""";

    public string Kind { get; init; } = "request.approved";
    public string Status { get; init; } = "approved";
    public string Content { get; init; } = Canonical;
    public string? People { get; init; }
    public string Note { get; init; } = "Looks good.";

    /// <summary>Members of the facts beside the story.</summary>
    public object More { get; init; } = new { };
    public Policy Policy { get; init; } =
        new("production", [new Step("SRE", 2, [new Approver(Party.Group(1), "SRE")])]);
    public long? Requester { get; init; } = 3;

    /// <summary>Person, answer, for whom, and the steps that they could fill.</summary>
    public (long Person, string Answer, long? For, int[] Steps)[] Answers { get; init; } =
    [(7, "approve", null, [0]), (8, "approve", null, [0])];
    public MemoryLog Log { get; init; } = new MemoryLog().Grow(5);
    public int Later { get; init; } = 3;
    public DateTimeOffset[] Cosigned { get; init; } = [];
    public DateTimeOffset[] CosignedBefore { get; init; } = [];
    public bool HasOrigin { get; init; }

    public ReceiptFile Make() => Make(out _);

    public ReceiptFile Make(out EventLeaf leaf)
    {
        var facts = JsonSerializer.SerializeToNode(More, History.Json)!.AsObject();
        facts["status"] = Status;
        facts["note"] = Note;
        facts["story"] = JsonSerializer.SerializeToNode(
            new
            {
                revision = 1,
                digest = Hashes.Sha256(Content),
                stamp = Policy.Stamp,
                requester = Requester,
                certainty = "proven",
                answers = Answers.Select(
                    (a, i) =>
                        new
                        {
                            n = i + 1,
                            person = a.Person,
                            answer = a.Answer,
                            @for = a.For,
                            revision = 1,
                            digest = Hashes.Sha256(Content),
                            steps = a.Steps,
                            via = "page",
                            at = Instant.ToText(At.AddMinutes(-i)),
                        }
                ),
            },
            History.Json
        );
        var people =
            People
            ?? JsonSerializer.Serialize(
                new
                {
                    requester = "Rita Roe",
                    answered = Answers.Select(a => new
                    {
                        id = a.Person,
                        name = $"Person {a.Person}",
                        login = $"p{a.Person}@example.com",
                        via = "page",
                        @for = (string?)null,
                    }),
                    by = "person:8",
                },
                History.Json
            );
        var text = new EventText(facts.ToJsonString(History.Json), people);
        leaf = EventLeaf.Of(
            new StoredEvent
            {
                Subject = "request:01KB3ZQ4M6W8T0Y2N4R6P8X1CD",
                N = 3,
                At = Instant.ToText(At),
                Kind = Kind,
                Actor = "person:8",
                Via = "page",
                Address = "192.0.2.7",
                Data = text.Json,
                Hash = "",
                People = people,
                Salts = text.Salts,
            }
        )!;
        var leafText = leaf.TextAfter(new string('a', 64));
        var earlier = Log.Size;
        var index = Log.Append(leafText);
        Log.Grow(Later);
        NoteSigner[] witnesses = [Log.Ann, Log.Ben];
        return new ReceiptFile(
            leafText,
            leaf.Parts.Where(p => p.Text is not null && (HasOrigin || p.Name != EventLeaf.OriginPart))
                .ToDictionary(p => p.Name, p => p.Text!),
            Log.Proof(index, Log.Note(Log.Size, [.. witnesses.Zip(Cosigned)])).ToString()
        )
        {
            Content = Content,
            Policy = Policy.ToText(),
            NotBefore =
                CosignedBefore.Length == 0
                    ? null
                    : new EarlierCheckpoint(
                        Log.Note(earlier, [.. witnesses.Zip(CosignedBefore)]),
                        Log.Consistency(earlier, Log.Size)
                    ),
        };
    }

    /// <summary>Verified as the log's key asks for, or a policy.</summary>
    public static ReceiptReport Check(ReceiptFile receipt, TrustPolicy? trust, DateTimeOffset? now = null) =>
        Check(receipt.ToText(), trust, now);

    public static ReceiptReport Check(string file, TrustPolicy? trust, DateTimeOffset? now = null) =>
        ReceiptCheck.Of(Encoding.UTF8.GetBytes(file), trust, now ?? At.AddDays(30));

    public static TrustPolicy Trust(string text)
    {
        var policy = TrustPolicy.Parse(text, out var why);
        Assert.True(policy is not null, why);
        return policy;
    }
}
