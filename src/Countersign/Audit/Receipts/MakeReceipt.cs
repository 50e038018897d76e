using System.Globalization;
using System.Text.Json;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit.Receipts;

public abstract record ReceiptOutcome
{
    private ReceiptOutcome() { }

    public sealed record Made(ReceiptFile Receipt) : ReceiptOutcome
    {
        /// <summary>How many witnesses have cosigned the checkpoint of its proof.</summary>
        public int Witnesses { get; init; }
    }

    /// <summary>It happened a moment ago, and the log's head that covers it isn't signed yet: ask again.</summary>
    public sealed record NotSealed : ReceiptOutcome;

    /// <summary>The request isn't closed; decisions have receipts of their own.</summary>
    public sealed record NotSettled : ReceiptOutcome;

    /// <summary>There will be none: the event is older than the log's tree, or was archived.</summary>
    public sealed record Never : ReceiptOutcome;

    /// <summary>There is no such request or decision, or it isn't the viewer's to see.</summary>
    public sealed record NotFound : ReceiptOutcome;
}

/// <summary>
/// Makes the receipt of a closed request, or of one decision, for a viewer of the request: with the parts that the
/// viewer sees elsewhere too. Network addresses are for admins and for the person whose act it was; the content as it
/// was sent is for admins and its source.
/// </summary>
public sealed class MakeReceipt(Store store)
{
    /// <param name="decision">The number of a decision; null for what settled the request.</param>
    public ValueTask<ReceiptOutcome> Run(
        RequestId id,
        long? decision,
        Viewer viewer,
        CancellationToken cancel = default
    ) => store.ReadSnapshot(reader => Make(reader, id, decision, viewer), cancel);

    private static async ValueTask<ReceiptOutcome> Make(Reader reader, RequestId id, long? decision, Viewer viewer)
    {
        if (await RequestRow.Find(reader, id, viewer) is not { } request)
            return new ReceiptOutcome.NotFound();
        if (decision is null && !request.IsSettled)
            return new ReceiptOutcome.NotSettled();
        var events = await reader.All<StoredEvent>(
            $"""
            SELECT {StoredEvent.Columns} FROM events WHERE subject = @subject
            AND kind IN ('request.answered', 'request.approved', 'request.rejected', 'request.withdrawn')
            ORDER BY n DESC
            """,
            new { subject = id.Subject }
        );
        var told = events.Find(e => decision is { } n ? IsDecision(e, n) : e.Kind != "request.answered");
        if (told is null)
            return decision is null ? new ReceiptOutcome.Never() : new ReceiptOutcome.NotFound();
        var previous =
            told.N == 1
                ? ""
                : await reader.Text(
                    "SELECT hash FROM events WHERE subject = @subject AND n = @n",
                    new { subject = id.Subject, n = told.N - 1 }
                );
        // Of an event of the earlier form the tree has a hash, and no text.
        if (previous is null || EventLeaf.Of(told) is not { } leaf || leaf.HashAfter(previous) != told.Hash)
            return new ReceiptOutcome.Never();
        if (await IsDamaged(reader, id))
            return new ReceiptOutcome.Never();
        return await ProofOf.Event(reader, told.Id) switch
        {
            ProofOutcome.Sealed found => new ReceiptOutcome.Made(
                await With(
                    reader,
                    request,
                    viewer,
                    leaf,
                    new ReceiptFile(
                        leaf.TextAfter(previous),
                        PartsFor(viewer, leaf, told.Actor),
                        found.Proof.ToString()
                    )
                    {
                        NotBefore = await ProofOf.NotBefore(reader, found) is { } before
                            ? new EarlierCheckpoint(
                                before.Note,
                                string.Concat(before.Consistency.Select(h => Convert.ToBase64String(h) + "\n"))
                            )
                            : null,
                        Epochs = await LogFiles.Announced(reader, found.Epoch),
                    }
                )
            )
            {
                Witnesses = found.Witnesses,
            },
            ProofOutcome.NotYet => new ReceiptOutcome.NotSealed(),
            _ => new ReceiptOutcome.Never(),
        };
    }

    /// <summary>
    /// Whether an event of the request doesn't match its hash: what led to its state is unknown then. Events of the
    /// earlier form aren't looked at, since erased ones don't match theirs.
    /// </summary>
    private static async ValueTask<bool> IsDamaged(Reader reader, RequestId id)
    {
        var history = await reader.All<ChainedEvent>(
            $"SELECT {ChainedEvent.Columns} FROM events WHERE subject = @subject AND salts IS NOT NULL",
            new { subject = id.Subject }
        );
        return history.Exists(e => e.HashAfter(e.Previous ?? "") != e.Hash);
    }

    private static bool IsDecision(StoredEvent e, long n)
    {
        using var data = JsonDocument.Parse(e.Data);
        return data.RootElement.TryGetProperty("answer", out _)
            && data.RootElement.TryGetProperty("n", out var number)
            && number.TryGetInt64(out var told)
            && told == n;
    }

    private static Dictionary<string, string> PartsFor(Viewer viewer, EventLeaf leaf, string actor)
    {
        var isOwn = viewer.PersonId is { } person && actor == Actor.Person(person).Text;
        return leaf
            .Parts.Where(part => part.Digest != EventLeaf.Nothing)
            .Where(part => part.Name != EventLeaf.OriginPart || viewer.IsAdmin || isOwn)
            .ToDictionary(part => part.Name, part => part.Text ?? ReceiptFile.Erased);
    }

    private static async ValueTask<ReceiptFile> With(
        Reader reader,
        ApprovalRequest request,
        Viewer viewer,
        EventLeaf leaf,
        ReceiptFile receipt
    )
    {
        using var facts = JsonDocument.Parse(leaf.Parts[0].Json ?? "{}");
        var root = facts.RootElement;
        var story = root.TryGetProperty("story", out var whole) ? whole : root;
        if (
            !story.TryGetProperty("digest", out var digest)
            || !story.TryGetProperty("revision", out var revision)
            || !revision.TryGetInt64(out var n)
        )
        {
            return receipt;
        }
        var isSenders = viewer.IsAdmin || viewer.Party == Party.Source(request.SourceId);
        var stamp = story.TryGetProperty("stamp", out var text) ? text.GetString() : null;
        return receipt with
        {
            Content = isSenders ? await ContentOf(reader, request.Id, n, digest.GetString()!) : null,
            Policy = stamp is null ? null : await PolicyOf(reader, stamp),
        };
    }

    /// <summary>
    /// The text of which the digest is. It is made anew from the body, since the same body always gives the same text;
    /// a body that was deleted, or changed because it named a person who was erased, no longer does.
    /// </summary>
    private static async ValueTask<string> ContentOf(Reader reader, RequestId id, long n, string digest)
    {
        var body = await reader.Text("SELECT body FROM revisions WHERE request_id = @id AND n = @n", new { id, n });
        if (body is null or "")
            return ReceiptFile.Erased;
        var content = Digest.TextOf(WellFormed.Json(body));
        return Hashes.Sha256(content) == digest ? content : ReceiptFile.Erased;
    }

    private static async ValueTask<string> PolicyOf(Reader reader, string stamp) =>
        await reader.Text("SELECT policy FROM stamps WHERE hash = @stamp", new { stamp }) is { } policy
        && Hashes.Sha256(policy) == stamp
            ? policy
            : ReceiptFile.Erased;

    /// <summary>What the file is called where it is saved.</summary>
    public static string FileName(RequestId id, long? decision) =>
        decision is { } n
            ? string.Create(CultureInfo.InvariantCulture, $"receipt-{id}-decision-{n}.json")
            : $"receipt-{id}.json";
}
