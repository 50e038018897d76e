using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Proof;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit.Receipts;

/// <summary>
/// Checks a receipt with nothing but the file and the keys of those whom the verifier trusts: no store, no network.
/// <code>
///   1  the file, the proof and the checkpoint are what they should be, to the letter
///   2  the log's signature, by a key that was given, or that the log of such a key announced, and never by another
///      one from the file; known witnesses, and the quorum
///   3  the leaf's hash is in the tree of the signed size and root, at this index
///   4  each part, the content and the policy are the texts of which the digests are
///   5  the answers fill the policy
///   6  an earlier checkpoint ends before this index, and the tree grew from it
/// </code>
/// </summary>
public sealed class ReceiptCheck
{
    /// <summary>How far clocks of honest hubs and witnesses may be apart.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(10);

    /// <summary>Facts nest no deeper; what does isn't ours.</summary>
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    private readonly TrustPolicy? _trust;
    private readonly DateTimeOffset _now;
    private readonly ReceiptReport _report = new();

    /// <summary>Keys of logs that were given, or announced by the logs of such keys.</summary>
    private readonly List<NoteKey> _logs;

    private ReceiptCheck(TrustPolicy? trust, DateTimeOffset now) =>
        (_trust, _now, _logs) = (trust, now, [.. trust?.Logs ?? []]);

    /// <param name="trust">Null: no key was given, so the receipt's own proves nothing.</param>
    /// <param name="content">What the holder believes was decided on.</param>
    public static ReceiptReport Of(
        ReadOnlySpan<byte> file,
        TrustPolicy? trust,
        DateTimeOffset now,
        byte[]? content = null
    )
    {
        var check = new ReceiptCheck(trust, now);
        if (ReceiptFile.Parse(file, out var why) is { } receipt)
            check._report.Problem = check.Run(receipt, content);
        else
            check._report.Problem = why;
        return check._report;
    }

    /// <returns>What is wrong, or null.</returns>
    private string? Run(ReceiptFile receipt, byte[]? content)
    {
        if (TlogProof.Parse(receipt.Proof, out var why) is not { } proof)
            return why;
        if (
            SignedNote.Parse(proof.Note, out why) is not { } note
            || Checkpoint.Parse(note.Text, out why) is not { } head
        )
        {
            return why;
        }
        if (LeafText.Parse(receipt.Leaf) is not { } leaf)
            return "The leaf isn't the text of an event.";
        (_report.Origin, _report.Index, _report.Size) = (head.Origin, proof.Index, head.Size);
        (_report.Subject, _report.N, _report.Kind) = (leaf.Subject, leaf.N, leaf.Kind);
        (_report.Via, _report.HubTime) = (leaf.Via, leaf.At);
        var leafHash = MerkleTree.LeafHash(Encoding.UTF8.GetBytes(receipt.Leaf));
        return CheckEpochs(receipt.Epochs, head)
            ?? CheckSignatures(note, head)
            ?? (
                MerkleTree.IsIncluded((ulong)proof.Index, (ulong)head.Size, leafHash, proof.Hashes, head.Root)
                    ? null
                    : "The leaf is not in the tree that the checkpoint names."
            )
            ?? CheckParts(receipt, leaf)
            ?? CheckStory(receipt, content)
            ?? CheckBracket(receipt.NotBefore, head, proof.Index);
    }

    private string? CheckEpochs(string? epochs, Checkpoint head)
    {
        if (epochs is null)
            return null;
        if (EpochChain.Parse(epochs, out var why) is not { } chain)
            return why;
        if (chain.LastOrigin != head.Origin)
            return "The chain of epochs leads to another log than the one that signed the receipt.";
        foreach (var given in _logs.Where(key => key.Type == NoteKeyType.Ed25519).ToList())
        {
            var announced = chain.KeyOf(head.Origin, given, out var wrong);
            if (wrong is not null)
                return $"The chain of epochs: {wrong}";
            if (announced is null || _logs.Exists(key => key.ToString() == announced.ToString()))
                continue;
            _logs.Add(announced);
            _report.AnnouncedBy = given.Name;
        }
        return null;
    }

    private string? CheckSignatures(SignedNote note, Checkpoint head)
    {
        if (_trust is null)
        {
            _report.Doubts.Add("No key was given. Add --key with the log's key, from a source that you trust.");
            _report.NotCounted = note.Signatures.Count;
            return null;
        }
        var signers = _logs.FindAll(key => note.IsSignedBy(key, out _) != null);
        if (signers.Exists(key => note.IsSignedBy(key, out _) == false))
            return "The log's signature is wrong.";
        if (signers.Exists(key => key.Name != head.Origin))
            return "The checkpoint names another log than the key that signed it.";
        if (signers.Count == 0)
            _report.Doubts.Add($"The log \"{Visible.Text(head.Origin)}\" isn't one whose key was given.");
        else
            _report.Strength = "signed";
        if (Cosigned(note, out var witnesses) is { } wrong)
            return wrong;
        _report.Witnesses = witnesses;
        _report.KnownWitnesses = _trust.Witnesses.Count;
        _report.NotCounted = note.Signatures.Count(line => !IsKnown(line));
        if (!IsQuorum(witnesses))
            _report.Doubts.Add($"Not enough known witnesses have cosigned it: {Count(witnesses)}.");
        else if (signers.Count > 0 && witnesses.Count > 0)
            _report.Strength = "witnessed";
        return null;
    }

    private string Count(List<ReceiptWitness> witnesses) => $"{witnesses.Count} of {_trust!.Witnesses.Count}";

    private bool IsQuorum(List<ReceiptWitness> witnesses) =>
        _trust!.IsReachedBy(witnesses.Select(w => w.Name).ToHashSet(StringComparer.Ordinal));

    private bool IsKnown(NoteSignature line) =>
        _logs.Concat(_trust!.Witnesses.Select(w => w.Key)).Any(k => k.Name == line.Name && k.Id == line.KeyId);

    /// <summary>A time that hasn't come yet says nothing, so that cosignature isn't counted.</summary>
    private string? Cosigned(SignedNote note, out List<ReceiptWitness> witnesses)
    {
        witnesses = [];
        foreach (var witness in _trust!.Witnesses)
        {
            if (note.IsSignedBy(witness.Key, out var times) is not { } isGood)
                continue;
            if (!isGood)
                return $"The cosignature of the witness {Visible.Text(witness.Name)} is wrong.";
            var latest = (ulong)(_now + Skew).ToUnixTimeSeconds();
            // An ML-DSA-44 signature may have no time, and then says nothing about when.
            if (times.Max() <= latest && times.Min() > 0)
            {
                witnesses.Add(
                    new ReceiptWitness(
                        witness.Name,
                        DateTimeOffset.FromUnixTimeSeconds((long)times.Max()),
                        witness.IsRunByLog
                    )
                );
            }
        }
        return null;
    }

    private string? CheckParts(ReceiptFile receipt, LeafText leaf)
    {
        if (receipt.Parts.Keys.FirstOrDefault(name => !leaf.Digests.ContainsKey(name)) is { } unknown)
            return $"An event has no part \"{Visible.Text(unknown)}\".";
        foreach (var (name, digest) in leaf.Digests)
        {
            var text = receipt.Parts.GetValueOrDefault(name);
            if (digest is null && text is not null)
                return $"The part \"{name}\" is empty, and the receipt shows one.";
            _report.Parts[name] =
                digest is null ? ReceiptReport.Empty
                : text is null ? ReceiptReport.Withheld
                : text == ReceiptFile.Erased ? ReceiptReport.IsErased
                : ReceiptReport.Shown;
            if (_report.Parts[name] != ReceiptReport.Shown)
                continue;
            if (Hashes.Sha256(text!) != digest)
                return $"The part \"{name}\" is not the one that was logged.";
            if (
                text!.Split('\n', 4) is not ["countersign-part-v1", var label, _, var json]
                || label != name
                || Json(json) is not { } value
            )
            {
                return $"The part \"{name}\" isn't the text of a part.";
            }
            _report.Disclosed[name] = value;
        }
        return null;
    }

    private string? CheckStory(ReceiptFile receipt, byte[]? content)
    {
        string? stamp = null;
        JsonElement? people = _report.Disclosed.TryGetValue(EventLeaf.PeoplePart, out var then) ? then : null;
        var hasFacts = _report.Disclosed.TryGetValue(EventLeaf.FactsPart, out var facts);
        if (hasFacts && ReceiptAnswers.Read(_report, facts, people, out stamp) is { } unreadable)
            return unreadable;
        if (CheckText("content", receipt.Content, _report.Digest) is { } otherContent)
            return otherContent;
        if (CheckText("policy", receipt.Policy, stamp) is { } otherPolicy)
            return otherPolicy;
        if (content is not null && CheckContent(content) is { } other)
            return other;
        if (_report.Kind is not ("request.approved" or "request.rejected"))
            return null;
        if (!hasFacts || _report.Parts["policy"] != ReceiptReport.Shown)
        {
            _report.Doubts.Add(
                $"The {(hasFacts ? "policy" : "facts")} is missing, so whether the answers suffice can't be told."
            );
            return null;
        }
        if (ReceiptAnswers.Object(facts, "story") is null)
            return "The event settles a request and doesn't tell how.";
        if ("request." + _report.Status != _report.Kind)
            return "The event's facts tell of another outcome than its kind.";
        return Json(receipt.Policy!) is { } policy
            ? ReceiptAnswers.Weigh(_report, facts, policy)
            : "The policy can't be read.";
    }

    private string? CheckText(string name, string? text, string? digest)
    {
        _report.Parts[name] =
            text is null ? (digest is null ? ReceiptReport.Empty : ReceiptReport.Withheld)
            : text == ReceiptFile.Erased ? ReceiptReport.IsErased
            : ReceiptReport.Shown;
        return text is null or ReceiptFile.Erased || Hashes.Sha256(text) == digest
            ? null
            : $"The {name} is not the one that was decided on.";
    }

    /// <summary>The bytes as they are, or as JSON in the form of which the hub takes the digest.</summary>
    private string? CheckContent(byte[] content)
    {
        if (_report.Digest is null)
        {
            _report.Doubts.Add("The receipt doesn't show which content was decided on.");
            return null;
        }
        if (Hashes.Sha256(content) == _report.Digest)
            return null;
        try
        {
            using var document = JsonDocument.Parse(content, Strict);
            if (Digest.Of(document.RootElement) == _report.Digest)
                return null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            // Then it is no JSON, and its bytes have another digest.
        }
        return "The content that you gave is not the one that was decided on.";
    }

    private string? CheckBracket(EarlierCheckpoint? earlier, Checkpoint head, long index)
    {
        if (_report.Strength == "witnessed")
            _report.LoggedBefore = _report.Witnesses.Max(w => w.Time);
        if (earlier is null)
            return CheckTimes();
        if (
            SignedNote.Parse(earlier.Checkpoint, out var why) is not { } note
            || Checkpoint.Parse(note.Text, out why) is not { } old
        )
        {
            return $"The earlier checkpoint: {why}";
        }
        if (old.Origin != head.Origin || old.Size > index)
            return "The earlier checkpoint is of another log, or of a tree that has the event already.";
        var hashes = new List<byte[]>();
        foreach (var line in earlier.Consistency.Split('\n')[..^1])
        {
            if (!StrictBase64.TryDecode(line, MerkleTree.HashSize, out var hash))
                return "The earlier checkpoint: a line of \"consistency\" isn't a hash.";
            hashes.Add(hash);
        }
        if (
            !(earlier.Consistency.Length == 0 || earlier.Consistency.EndsWith('\n'))
            || !MerkleTree.IsConsistent((ulong)old.Size, (ulong)head.Size, hashes, old.Root, head.Root)
        )
        {
            return "The tree did not grow from the earlier checkpoint.";
        }
        if (_trust is null || _report.Strength is null)
            return null;
        if (!_logs.Exists(key => key.Name == old.Origin && note.IsSignedBy(key, out _) == true))
            return "The earlier checkpoint isn't signed by the log.";
        if (Cosigned(note, out var witnesses) is { } wrong)
            return wrong;
        // Without a quorum it says nothing about the time; the rest of the receipt is as good as without it.
        if (_report.Strength == "witnessed" && witnesses.Count > 0 && IsQuorum(witnesses))
        {
            _report.Strength = "bracketed";
            _report.LoggedAfter = witnesses.Min(w => w.Time);
        }
        return CheckTimes();
    }

    private string? CheckTimes()
    {
        var at = Instant.Parse(_report.HubTime!);
        if (at < _report.LoggedAfter - Skew || at > _report.LoggedBefore + Skew)
            _report.Doubts.Add("The hub's time contradicts the witnesses' times.");
        return null;
    }

    private static JsonElement? Json(string text)
    {
        try
        {
            var value = JsonElement.Parse(text, Strict);
            return value.ValueKind == JsonValueKind.Object ? value : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
