using System.Text;
using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Proves the log's trees against the events that seals cover: each root follows from the leaves, each full tile is
/// there, each checkpoint is signed with the epoch's key, and each epoch's first leaf names what came before it and is
/// signed with the key that signs seals.
/// </summary>
internal sealed class TreeCheck : IAsyncDisposable
{
    private readonly Reader _reader;
    private readonly SealKey _key;
    private readonly List<string> _problems = [];
    private readonly CancellationToken _cancel;
    private readonly List<Grown> _trees = [];

    private TreeCheck(Reader reader, SealKey key, CancellationToken cancel) =>
        (_reader, _key, _cancel) = (reader, key, cancel);

    public static async ValueTask<TreeCheck> Begin(Reader reader, SealKey key, CancellationToken cancel)
    {
        var check = new TreeCheck(reader, key, cancel);
        var epochs = await reader.All<Epoch>($"SELECT {Epoch.Columns} FROM epochs e ORDER BY e.number");
        foreach (var epoch in epochs)
        {
            var tree = new Grown(epoch, check.HeadsOf(epoch.Number));
            check._trees.Add(tree);
            await tree.Next();
            await check.First(tree, epochs.FindLast(e => e.Number < epoch.Number));
            await check.OwnLeaves(tree);
        }
        return check;
    }

    /// <summary>
    /// The same from a head of one epoch on, to which its tree is taken as it lies in the store: only its root was
    /// compared.
    /// </summary>
    public static async ValueTask<TreeCheck> BeginAfter(
        Reader reader,
        SealKey key,
        TreeHead head,
        CancellationToken cancel
    )
    {
        var check = new TreeCheck(reader, key, cancel);
        var epochs = await reader.All<Epoch>($"SELECT {Epoch.Columns} FROM epochs e ORDER BY e.number");
        foreach (var epoch in epochs.Where(e => e.Number >= head.Epoch))
        {
            var tree = new Grown(epoch, check.HeadsOf(epoch.Number));
            check._trees.Add(tree);
            await tree.Next();
            await check.First(tree, epochs.FindLast(e => e.Number < epoch.Number));
            if (epoch.Number == head.Epoch)
            {
                var edge = await new StoredTree(reader, epoch.Number).Edge(head.Size);
                await tree.GoOn(edge, head, check.HeadsOf(epoch.Number, head.Size));
            }
            await check.OwnLeaves(tree);
        }
        return check;
    }

    /// <summary>Each seal in turn, with its events in rising order of ids.</summary>
    public async ValueTask Add(Seal seal, IReadOnlyList<SealedEvent> events)
    {
        foreach (var tree in _trees)
        {
            if (tree.Head is not { } head || tree.IsWrong || seal.N <= tree.Epoch.AfterSeal)
                continue;
            if (head.Seal != seal.N || head.Leaf is not null || head.Size - head.First != seal.Count)
            {
                Wrong(tree, $"has no head for seal {seal.N} of {seal.Count} events where one must be");
                continue;
            }
            foreach (var e in events)
                await Append(tree, Convert.FromHexString(e.Hash));
            await Reached(tree, head);
            await tree.Next();
            await OwnLeaves(tree);
        }
    }

    /// <summary>All that is wrong, once every seal was added.</summary>
    public async ValueTask<IReadOnlyList<string>> End()
    {
        foreach (var tree in _trees)
        {
            if (tree.IsWrong)
                continue;
            var epoch = tree.Epoch.Number;
            if (tree.Head is { } left)
            {
                Wrong(tree, $"has a head of size {left.Size} for seal {left.Seal}, which isn't there");
            }
            else if (
                await _reader.Number("SELECT count(*) FROM tiles WHERE epoch = @epoch", new { epoch }) != tree.Tiles
            )
            {
                Wrong(tree, "has tiles that aren't of it, or lacks some");
            }
        }
        var strange = await _reader.Number(
            """
            SELECT (SELECT count(*) FROM tree_heads WHERE epoch NOT IN (SELECT number FROM epochs))
              + (SELECT count(*) FROM tiles WHERE epoch NOT IN (SELECT number FROM epochs))
            """
        );
        if (strange > 0)
        {
            _problems.Add(
                $"{strange} heads and tiles are of no epoch of the log: one was removed, or they were added."
            );
        }
        return _problems;
    }

    /// <summary>The first leaf says what its epoch's row says, names what came before it, and is signed.</summary>
    private async ValueTask First(Grown tree, Epoch? before)
    {
        var epoch = tree.Epoch;
        if (tree.Head is not { First: 0, Size: 1, Leaf: { } text } || EpochLeaf.Parse(text) is not { } leaf)
        {
            Wrong(tree, "doesn't begin with a leaf that names it");
            return;
        }
        var says = new Epoch
        {
            Number = leaf.Number,
            Origin = leaf.Origin,
            Vkey = leaf.Vkey,
            StartedAt = leaf.StartedAt,
            Reason = leaf.Reason,
            AfterSeal = leaf.Seal,
            Signature = epoch.Signature,
        };
        if (says != epoch)
            Wrong(tree, "isn't what its first leaf says");
        else if (!_key.IsSignatureOfSeal(epoch.AfterSeal, Hashes.Sha256(text), epoch.Signature))
            Wrong(tree, "isn't signed with this hub's key");
        else if (!NoteKey.TryParse(epoch.Vkey, out var key, out _) || key.Name != epoch.Origin)
            Wrong(tree, "has no key of its origin");
        else if (await Preceding(leaf, before) is { } problem)
            Wrong(tree, problem);
        else
            tree.Key = key;
    }

    private async ValueTask<string?> Preceding(EpochLeaf leaf, Epoch? before)
    {
        var seal = await _reader.First<Seal>($"SELECT {Seal.Columns} FROM seals WHERE n = @n", new { n = leaf.Seal });
        if ((seal?.Hash ?? "", seal?.Signature ?? "") != (leaf.SealHash, leaf.SealSignature))
            return $"names another seal {leaf.Seal} than the one that is there";
        if (leaf.Previous is not { } previous)
            return null;
        var head = await _reader.First<TreeHead>(
            $"SELECT {TreeHead.Columns} FROM tree_heads h WHERE h.epoch = @epoch AND h.size = @size",
            new { epoch = before?.Number ?? 0, size = previous.Size }
        );
        return
            before?.Origin == previous.Origin
            && head is not null
            && head.Seal == leaf.Seal
            && head.Root == Convert.ToBase64String(previous.Root)
            ? null
            : $"names a head of {previous.Origin} that isn't there";
    }

    /// <summary>Leaves of the log's own, which no seal covers.</summary>
    private async ValueTask OwnLeaves(Grown tree)
    {
        while (!tree.IsWrong && tree.Head is { Leaf: { } text } head)
        {
            if (head.Size - head.First != 1 || head.Seal != tree.Seal)
            {
                Wrong(tree, $"has a leaf of its own of size {head.Size} in a wrong place");
                return;
            }
            // The first one is looked at with its epoch. An event here would be in no history.
            if (head.Size > 1 && !EpochLeaf.IsEndOf(tree.Epoch.Number, text))
            {
                Wrong(tree, $"has a leaf of its own of size {head.Size} that doesn't name the key of the next epoch");
                return;
            }
            await Append(tree, MerkleTree.LeafHash(Encoding.UTF8.GetBytes(text)));
            await Reached(tree, head);
            await tree.Next();
        }
    }

    private async ValueTask Append(Grown tree, byte[] leaf)
    {
        foreach (var (tile, hashes, root) in tree.Edge.Append(leaf))
        {
            tree.Tiles++;
            var stored = await _reader.First<TileRow>(
                "SELECT root, hashes FROM tiles WHERE epoch = @epoch AND level = @level AND n = @n",
                new
                {
                    epoch = tree.Epoch.Number,
                    level = tile.Level,
                    n = tile.N,
                }
            );
            if (
                stored is null
                || !stored.Hashes.AsSpan().SequenceEqual(hashes)
                || !stored.Root.AsSpan().SequenceEqual(root)
            )
            {
                Wrong(tree, $"lacks the tile {tile.Level}, {tile.N}, or it doesn't follow from the events");
            }
        }
    }

    private async ValueTask Reached(Grown tree, TreeHead head)
    {
        if (tree.IsWrong)
            return;
        if (tree.Position < 0)
        {
            tree.Position = await _reader.Number(
                "SELECT sum(count) FROM seals WHERE n <= @seal",
                new { seal = tree.Epoch.AfterSeal }
            );
        }
        if (head.Leaf is null)
            tree.Position += head.Size - head.First;
        var root = tree.Edge.Root();
        if (head.First != tree.Size || head.Size != tree.Edge.Size || head.Position != tree.Position)
            Wrong(tree, $"has a head of size {head.Size} that doesn't follow from the one before it");
        else if (head.Root != Convert.ToBase64String(root))
            Wrong(tree, $"doesn't have the root that its head of size {head.Size} names");
        else if (head.Note is { } note && !IsSigned(tree, note, new Checkpoint(tree.Epoch.Origin, head.Size, root)))
            Wrong(tree, $"has a checkpoint of size {head.Size} that isn't signed with the key of its epoch");
        (tree.Size, tree.Seal) = (head.Size, head.Seal);
    }

    private static bool IsSigned(Grown tree, string note, Checkpoint head) =>
        tree.Key is not null
        && SignedNote.Parse(note, out _) is { } signed
        && signed.Text == head.ToString()
        && signed.IsSignedBy(tree.Key, out _) == true;

    private IAsyncEnumerator<TreeHead> HeadsOf(long epoch, long after = long.MinValue) =>
        Pages
            .Each<TreeHead, HeadKey>(
                _reader,
                $"""
                SELECT {TreeHead.Columns} FROM tree_heads h WHERE h.epoch = @Epoch AND h.size > @Size
                ORDER BY h.size
                """,
                new HeadKey(epoch, after),
                h => new HeadKey(epoch, h.Size),
                500,
                _cancel
            )
            .GetAsyncEnumerator(_cancel);

    private void Wrong(Grown tree, string what)
    {
        tree.IsWrong = true;
        _problems.Add($"The log's tree of epoch {tree.Epoch.Number} {what}: it was changed.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var tree in _trees)
            await tree.DisposeAsync();
    }

    private sealed record HeadKey(long Epoch, long Size);

    private sealed class TileRow
    {
        public required byte[] Root { get; init; }
        public required byte[] Hashes { get; init; }
    }

    /// <summary>A tree as it grows again from the events.</summary>
    private sealed class Grown(Epoch epoch, IAsyncEnumerator<TreeHead> heads) : IAsyncDisposable
    {
        private IAsyncEnumerator<TreeHead> _heads = heads;

        public Epoch Epoch { get; } = epoch;
        public TreeEdge Edge { get; private set; } = new();

        /// <summary>Where the next head must lead; null after the last.</summary>
        public TreeHead? Head { get; private set; }
        public NoteKey? Key { get; set; }
        public long Size { get; set; }
        public long Seal { get; set; } = epoch.AfterSeal;
        public long Position { get; set; } = -1;
        public long Tiles { get; set; }
        public bool IsWrong { get; set; }

        public async ValueTask Next() => Head = await _heads.MoveNextAsync() ? _heads.Current : null;

        /// <summary>Goes on after a head, with the tree as it is there.</summary>
        public async ValueTask GoOn(TreeEdge edge, TreeHead from, IAsyncEnumerator<TreeHead> later)
        {
            await _heads.DisposeAsync();
            (Edge, _heads) = (edge, later);
            (Size, Seal, Position) = (from.Size, from.Seal, from.Position);
            for (var full = from.Size / Tile.FullWidth; full > 0; full /= Tile.FullWidth)
                Tiles += full;
            await Next();
        }

        public ValueTask DisposeAsync() => _heads.DisposeAsync();
    }
}
