using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.Hosting;
using Countersign.Proof;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>Where the log's tree is signed: what lies outside the store.</summary>
/// <param name="SignedFile">See <see cref="Audit.SignedFile"/>.</param>
/// <param name="Origin">The origin that the configuration gives the right to sign; null where the file does.</param>
/// <param name="Address">
/// The public host and path, which origins of new epochs begin with; null where no public address is set.
/// </param>
public sealed record SigningPlace(string SignedFile, string? Origin, string? Address)
{
    /// <summary>Whether each checkpoint gets a second line, by ML-DSA-44.</summary>
    public bool HasMlDsa { get; init; }

    public static SigningPlace Of(StoreOptions place, ProofOptions proof, ServerOptions server) =>
        new(
            Path.GetFullPath(proof.SignedFile ?? place.RootKeyFile + ".signed"),
            proof.Origin,
            server.PublicUrl is { } url ? (url.Authority + url.AbsolutePath).TrimEnd('/') : null
        )
        {
            HasMlDsa = proof.MlDsa,
        };
}

/// <summary>What others know of the log.</summary>
public interface IKnownHeads
{
    /// <summary>
    /// Compares it with the store. Who knows another history is noted in the store, and stops the signing.
    /// </summary>
    Task Compare(Epoch epoch, CancellationToken cancel);
}

/// <summary>
/// The tree of the log, as the sealer grows it: in the seal's transaction the head and the tiles that became full are
/// inserted; after the commit the head is signed, so that nothing is ever signed which isn't in the store. The right
/// edge is kept in memory between two seals and dropped after any failure.
/// </summary>
public sealed partial class LogTree
{
    /// <summary>In the store: the public address under which the log was signed last.</summary>
    internal const string SignedAt = "log_signed_at";

    private readonly Store _store;
    private readonly LogKeys _keys;
    private readonly SealKey _sealKey;
    private readonly SigningPlace _place;
    private readonly SignedFile _file;
    private readonly ILogger<LogTree> _log;
    private readonly IKnownHeads? _others;
    private State? _known;
    private bool _isCompared;

    /// <summary>The public address of which the store knows that this process signs under it.</summary>
    private string? _address;

    /// <param name="others">Asked before the first signature of a start.</param>
    public LogTree(
        Store store,
        RootKey rootKey,
        SealKey sealKey,
        SigningPlace place,
        ILogger<LogTree> log,
        IKnownHeads? others = null
    )
    {
        (_store, _keys, _sealKey, _place, _log) = (store, new LogKeys(rootKey), sealKey, place, log);
        _others = others;
        _file = new SignedFile(place.SignedFile);
    }

    /// <summary>Why events are in no signed tree for now; null where nothing is wrong.</summary>
    public string? Trouble { get; private set; }

    /// <summary>After a failure nothing that was remembered can be relied on.</summary>
    internal void Forget()
    {
        _known = null;
        _file.Doubt();
    }

    /// <summary>Where the tree stands; null before the first epoch.</summary>
    internal async ValueTask<State?> Follow(Reader reader)
    {
        if (await Epoch.Newest(reader) is not { } epoch)
            return _known = null;
        var head =
            await TreeHead.Newest(reader, epoch.Number)
            ?? throw new InvalidDataException(
                $"The heads of the log's tree are gone for epoch {epoch.Number}. The store was changed outside "
                    + "Countersign."
            );
        if (
            _known is { } known
            && known.Epoch.Number == epoch.Number
            && (known.Head.Size, known.Head.Root) == (head.Size, head.Root)
        )
        {
            return _known = known with { Head = head };
        }
        _file.Doubt();
        var edge = await new StoredTree(reader, epoch.Number).Edge(head.Size);
        // Growing on would bury the damage.
        return Convert.ToBase64String(edge.Root()) == head.Root
            ? _known = new State(epoch, head, edge)
            : throw new InvalidDataException(
                $"The tree of the log doesn't have the root that its head of size {head.Size} names. The store was "
                    + "changed outside Countersign."
            );
    }

    /// <summary>
    /// The tree with the events of one more seal. Until what it returns is in the store, the memory is ahead of it:
    /// then comes either <see cref="Stands"/> or <see cref="Forget"/>.
    /// </summary>
    internal static Growth Grow(State tree, long seal, long position, IEnumerable<byte[]> leaves) =>
        Grow(tree, seal, position, leaf: null, leaves);

    internal void Stands(State tree, Growth growth) => _known = tree with { Head = growth.Head };

    /// <summary>Whether the tree in the store ends where it was known to; else nothing is written to it.</summary>
    internal static async ValueTask<bool> IsStill(Tx tx, State? tree)
    {
        var epoch = await tx.Number("SELECT max(number) FROM epochs");
        return tree is null
            ? epoch == 0
            : epoch == tree.Epoch.Number
                && await tx.Number("SELECT max(size) FROM tree_heads WHERE epoch = @epoch", new { epoch })
                    == tree.Head.Size;
    }

    internal static async ValueTask Write(Tx tx, Growth growth)
    {
        var head = growth.Head;
        await tx.Execute(
            """
            INSERT INTO tree_heads (epoch, size, first, seal, position, leaf, root)
            VALUES (@Epoch, @Size, @First, @Seal, @Position, @Leaf, @Root)
            """,
            new
            {
                head.Epoch,
                head.Size,
                head.First,
                head.Seal,
                head.Position,
                head.Leaf,
                head.Root,
            }
        );
        foreach (var (tile, hashes, root) in growth.Tiles)
        {
            await tx.Execute(
                "INSERT INTO tiles (epoch, level, n, root, hashes) VALUES (@epoch, @level, @n, @root, @hashes)",
                new
                {
                    epoch = head.Epoch,
                    level = tile.Level,
                    n = tile.N,
                    root,
                    hashes,
                }
            );
        }
    }

    /// <summary>
    /// Begins the first tree of a store, unless the file outside says that there was one already: then this store is
    /// behind, and an operator decides.
    /// </summary>
    internal async Task<bool> BeginFirst(CancellationToken cancel)
    {
        try
        {
            if (_file.Read() is { } signed && (signed.Head.Size > 0 || signed.Epoch > 1))
            {
                Refuse(
                    $"This store has no tree yet, but {signed.Head.Origin} was signed up to {signed.Head.Size} "
                        + $"({_file.Path}): the store was restored from a backup."
                );
                return false;
            }
        }
        catch (Exception unreadable) when (IsFileTrouble(unreadable))
        {
            Refuse(unreadable.Message);
            return false;
        }
        return await Begin(EpochReason.First, cancel) is not null;
    }

    /// <summary>
    /// Begins another tree, whose first leaf names the last signed head of the one before. Events that no signed head
    /// has are in it again. Null where another process was first, or the file outside can't be written.
    /// </summary>
    public async Task<Epoch?> Begin(string reason, CancellationToken cancel, Func<Tx, Epoch, ValueTask>? also = null)
    {
        var (planned, before) = await _store.ReadSnapshot(
            async reader => (await Plan(reader, _keys, reason), await Epoch.Newest(reader)),
            cancel
        );
        // Another process has begun it meanwhile: it needs no second one.
        if (reason == EpochReason.First && before is not null)
            return null;
        try
        {
            Keep(new SignedHead(planned.Epoch.Number, new Checkpoint(planned.Epoch.Origin, 0, MerkleTree.EmptyRoot)));
        }
        catch (Exception unwritable) when (IsFileTrouble(unwritable))
        {
            Refuse(
                $"{_file.Path} can't be written: {unwritable.Message} Make it writable, or set `Proof:SignedFile` "
                    + "or `Proof:Origin`."
            );
            return null;
        }
        var isFirst = await _store.InTransaction(
            async tx =>
            {
                await LockSealing(tx);
                if (await tx.Number("SELECT max(number) FROM epochs") != (before?.Number ?? 0))
                    return false;
                await Insert(tx, planned);
                await KeepAddress(tx);
                if (also is not null)
                    await also(tx, planned.Epoch);
                return true;
            },
            cancel
        );
        Forget();
        if (!isFirst)
            return null;
        Log.Began(_log, planned.Epoch.Number, planned.Epoch.Origin, reason);
        return planned.Epoch;
    }

    /// <summary>Sealers and those who begin an epoch come one after the other.</summary>
    internal static ValueTask<long> LockSealing(Tx tx) =>
        tx.Number($"SELECT position FROM cursors WHERE name = @name{tx.ForUpdate}", new { name = Sealer.CursorName });

    /// <summary>What the next epoch will be.</summary>
    /// <param name="keys">Those that sign it.</param>
    /// <param name="named">Its origin, where that is settled already.</param>
    internal async ValueTask<(Epoch Epoch, Growth First)> Plan(
        Reader reader,
        LogKeys keys,
        string reason,
        string? named = null
    )
    {
        var before = await Epoch.Newest(reader);
        var signed = before is null ? null : await TreeHead.NewestSigned(reader, before.Number);
        var number = Math.Max(before?.Number ?? 0, OutsideEpoch()) + 1;
        var seal = signed?.Seal ?? before?.AfterSeal ?? await reader.Number("SELECT max(n) FROM seals");
        var origin =
            named
            ?? (
                _place.Origin is { } given && given != before?.Origin
                    ? given
                    : OriginOf(number, isNew: number == 1 && seal == 0)
            );
        var last = await reader.First<Seal>($"SELECT {Seal.Columns} FROM seals WHERE n = @seal", new { seal });
        var (vkey, at) = (keys.Of(number, origin).Key.ToString(), Instant.ToText(_store.Now));
        var leaf = new EpochLeaf(
            number,
            origin,
            vkey,
            at,
            reason,
            signed is null ? null : new Checkpoint(before!.Origin, signed.Size, signed.RootHash),
            seal,
            last?.Hash ?? "",
            last?.Signature ?? "",
            _sealKey.PublicKey
        )
        {
            Cosignatures = signed is null
                ? []
                : (await Cosignatures.NoteOf(reader, signed))[signed.Note!.Length..]
                    .Split('\n', StringSplitOptions.RemoveEmptyEntries),
        }.ToString();
        var epoch = new Epoch
        {
            Number = number,
            Origin = origin,
            Vkey = vkey,
            StartedAt = at,
            Reason = reason,
            AfterSeal = seal,
            Signature = _sealKey.Sign(Hashes.Sha256(leaf)),
        };
        var covered = await reader.Number("SELECT sum(count) FROM seals WHERE n <= @seal", new { seal });
        var empty = new State(
            epoch,
            new TreeHead
            {
                Epoch = number,
                Seal = seal,
                Root = "",
            },
            new TreeEdge()
        );
        return (epoch, Grow(empty, seal, covered, leaf, [MerkleTree.LeafHash(Encoding.UTF8.GetBytes(leaf))]));
    }

    internal static async ValueTask Insert(Tx tx, (Epoch Epoch, Growth First) planned)
    {
        var (epoch, first) = planned;
        await tx.Execute(
            """
            INSERT INTO epochs (number, origin, vkey, started_at, reason, after_seal, signature)
            VALUES (@Number, @Origin, @Vkey, @StartedAt, @Reason, @AfterSeal, @Signature)
            """,
            new
            {
                epoch.Number,
                epoch.Origin,
                epoch.Vkey,
                epoch.StartedAt,
                epoch.Reason,
                epoch.AfterSeal,
                epoch.Signature,
            }
        );
        await Write(tx, first);
    }

    /// <summary>
    /// Ends the tree as planned, while no server runs: its last leaf is the key that takes over, and signed like every
    /// other. Returns the tree that begins then; null without a tree to end or the right to sign it.
    /// </summary>
    internal async Task<(Epoch Epoch, Growth First)?> HandOver(RootKey next, CancellationToken cancel)
    {
        if (await _store.ReadSnapshot(Follow, cancel) is not { } tree || await Obstacle(cancel) is not null)
            return null;
        var keys = new LogKeys(next);
        var planned = await _store.ReadSnapshot(reader => Plan(reader, keys, EpochReason.KeyRotation), cancel);
        var text = EpochLeaf.EndOf(tree.Epoch.Number, planned.Epoch.Vkey);
        var leaf = MerkleTree.LeafHash(Encoding.UTF8.GetBytes(text));
        var growth = Grow(tree, tree.Head.Seal, tree.Head.Position, text, [leaf]);
        var stands = await _store.InTransaction(
            async tx =>
            {
                await LockSealing(tx);
                if (!await IsStill(tx, tree))
                    return false;
                await Write(tx, growth);
                return true;
            },
            cancel
        );
        if (!stands)
            throw new InvalidDataException("A server is running: the log's tree grew meanwhile.");
        Stands(tree, growth);
        await SignNewest(cancel);
        // Once more, because its first leaf names the head that was just signed.
        return await _store.ReadSnapshot(
            reader => Plan(reader, keys, EpochReason.KeyRotation, planned.Epoch.Origin),
            cancel
        );
    }

    /// <summary>Signs the newest head, if that isn't done and this hub has the right to.</summary>
    internal async Task SignNewest(CancellationToken cancel)
    {
        if (_known is not { } tree || tree.Head.Note is not null)
        {
            Trouble = null;
            return;
        }
        var (epoch, head) = (tree.Epoch, tree.Head);
        var signer = _keys.Of(epoch.Number, epoch.Origin);
        try
        {
            if (!_isCompared && _others is not null && await MissingRight(cancel) is null)
            {
                await _others.Compare(epoch, cancel);
                _isCompared = true;
            }
            if (await _store.ReadSnapshot(reader => AnyObstacle(reader, epoch, signer), cancel) is { } obstacle)
            {
                Refuse(obstacle);
                return;
            }
            var checkpoint = new Checkpoint(epoch.Origin, head.Size, head.RootHash);
            Keep(new SignedHead(epoch.Number, checkpoint));
            var note = signer.Sign(checkpoint.ToString());
            if (_place.HasMlDsa)
                note += _keys.MlDsaOf(epoch.Number, epoch.Origin).Line(checkpoint.ToString());
            await _store.InTransaction(
                async tx =>
                {
                    await tx.Execute(
                        """
                        UPDATE tree_heads SET note = @note
                        WHERE epoch = @epoch AND size = @size AND root = @root AND note IS NULL
                        """,
                        new
                        {
                            note,
                            epoch = epoch.Number,
                            size = head.Size,
                            root = head.Root,
                        }
                    );
                    if (_address != _place.Address)
                        await KeepAddress(tx);
                },
                cancel
            );
            _address = _place.Address;
            Trouble = null;
        }
        catch (Exception trouble) when (IsFileTrouble(trouble))
        {
            Refuse(trouble.Message);
        }
    }

    /// <summary>
    /// The key of an epoch's second lines; null if that is off, or if an earlier root key signed the epoch.
    /// </summary>
    public NoteKey? MlDsaKeyOf(Epoch epoch) =>
        _place.HasMlDsa && _keys.Of(epoch.Number, epoch.Origin).Key.ToString() == epoch.Vkey
            ? _keys.MlDsaOf(epoch.Number, epoch.Origin).Key
            : null;

    /// <summary>
    /// An operator says that the hub has another public address and goes on with its log. Returns the address from
    /// before; null where it hasn't changed.
    /// </summary>
    public Task<string?> Moved(Origin origin, CancellationToken cancel) =>
        _store.InTransaction(
            async tx =>
            {
                if (await HubValues.Find(tx, SignedAt) is not { } before || before == _place.Address)
                    return null;
                await KeepAddress(tx);
                await tx.Append("hub", origin, "proof.moved", new { before, address = _place.Address });
                return before;
            },
            cancel
        );

    /// <summary>Without a public address there is nothing that tells a copy from its original.</summary>
    private ValueTask KeepAddress(Tx tx) => HubValues.Set(tx, SignedAt, _place.Address);

    /// <summary>Why this hub doesn't sign the tree of its store; null where it does.</summary>
    public ValueTask<string?> Obstacle(CancellationToken cancel) => Look(AnyObstacle, cancel);

    /// <summary>
    /// Why this hub has no right to sign the tree of its store, apart from what witnesses say; null where it has it.
    /// </summary>
    internal ValueTask<string?> MissingRight(CancellationToken cancel) => Look(Obstacle, cancel);

    private async ValueTask<string?> Look(
        Func<Reader, Epoch, NoteSigner, ValueTask<string?>> obstacle,
        CancellationToken cancel
    )
    {
        try
        {
            return await _store.ReadSnapshot(
                async reader =>
                    await Epoch.Newest(reader) is { } epoch
                        ? await obstacle(reader, epoch, _keys.Of(epoch.Number, epoch.Origin))
                        : null,
                cancel
            );
        }
        catch (Exception trouble) when (IsFileTrouble(trouble))
        {
            return trouble.Message;
        }
    }

    private async ValueTask<string?> AnyObstacle(Reader reader, Epoch epoch, NoteSigner signer) =>
        await Obstacle(reader, epoch, signer) ?? await WitnessRow.FindFork(reader, epoch.Number);

    private async ValueTask<string?> Obstacle(Reader reader, Epoch epoch, NoteSigner signer)
    {
        const string begin = "If this store is to go on alone, run: countersign proof new-epoch --reason restore";
        if (signer.Key.ToString() != epoch.Vkey)
            return $"The root key isn't the one that signs {epoch.Origin}. {begin}";
        if (_place.Origin is { } given && given != epoch.Origin)
            return $"`Proof:Origin` is {given}, but the store's log is {epoch.Origin}. {begin}";
        if (_file.IsAsWritten())
            return null;
        if (await HubValues.Find(reader, SignedAt) is { } address && address != _place.Address)
        {
            return $"The log was last signed at {address}, and the public address is "
                + $"{_place.Address ?? "not set"} now. If this is the same hub at another address, run: countersign "
                + "proof moved. If it's a copy of another hub, run: countersign proof new-epoch --reason copy";
        }
        if (_file.Read() is not { } signed)
        {
            return _place.Origin == epoch.Origin
                ? null
                : $"{_file.Path} is missing: this store may be a copy of another hub's. {begin}";
        }
        if (signed.Head.Origin != epoch.Origin)
        {
            if (_place.Origin == epoch.Origin)
                return null;
            // A planned change of keys passes the right on.
            return
                epoch.Reason == EpochReason.KeyRotation
                && await Epoch.Find(reader, signed.Epoch) is { } earlier
                && earlier.Origin == signed.Head.Origin
                && await FirstLeaf(reader, epoch.Number) is { Previous: { } previous }
                && previous.Origin == signed.Head.Origin
                && previous.Size >= signed.Head.Size
                && await Begins(reader, signed)
                ? null
                : $"{_file.Path} is of {signed.Head.Origin}, and the store's log is {epoch.Origin}. {begin}";
        }
        var size = (await TreeHead.Newest(reader, epoch.Number))?.Size ?? 0;
        if (signed.Head.Size > size)
        {
            return $"The store's log has {size} leaves, but {signed.Head.Size} were signed ({_file.Path}): it was "
                + $"restored from a backup. {begin}";
        }
        return await Begins(reader, signed)
            ? null
            : $"The store's log differs from what was signed at size {signed.Head.Size} ({_file.Path}): it was "
                + $"restored from a backup or replaced. {begin}";
    }

    /// <summary>Where the configuration gives the right to sign, the file is kept as far as it can be.</summary>
    private void Keep(SignedHead head)
    {
        try
        {
            _file.Write(head);
        }
        catch (Exception unwritable) when (_place.Origin is not null && IsFileTrouble(unwritable))
        {
            _file.Doubt();
        }
    }

    /// <summary>Whether the tree in the store begins with what was signed.</summary>
    private static async ValueTask<bool> Begins(Reader reader, SignedHead signed)
    {
        var root = await new StoredTree(reader, signed.Epoch).Root(signed.Head.Size);
        return CryptographicOperations.FixedTimeEquals(root, signed.Head.Root);
    }

    internal static async ValueTask<EpochLeaf?> FirstLeaf(Reader reader, long epoch) =>
        EpochLeaf.Parse(
            await reader.Text("SELECT leaf FROM tree_heads WHERE epoch = @epoch AND size = 1", new { epoch }) ?? ""
        );

    /// <summary>
    /// The origin is fixed here for the whole epoch: another public address later changes nothing. Without an address
    /// it is a name that no other hub has. Unless the hub is new, it ends at random: a backup that is restored once
    /// more must not lead to the same name, key and number with another history.
    /// </summary>
    private string OriginOf(long number, bool isNew)
    {
        var host = _place.Address;
        if (host is null || !NoteKey.IsName(host))
        {
            host = $"countersign.invalid/{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
        }
        var ending = isNew ? "" : $"-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        return string.Create(CultureInfo.InvariantCulture, $"{host}/{number}{ending}");
    }

    private long OutsideEpoch()
    {
        try
        {
            return _file.Read() is { } signed ? signed.Epoch - (signed.Head.Size == 0 ? 1 : 0) : 0;
        }
        catch (Exception unreadable) when (IsFileTrouble(unreadable))
        {
            return 0;
        }
    }

    private static Growth Grow(State tree, long seal, long position, string? leaf, IEnumerable<byte[]> leaves)
    {
        var tiles = new List<(Tile, byte[], byte[])>();
        foreach (var hash in leaves)
            tiles.AddRange(tree.Edge.Append(hash));
        return new Growth(
            new TreeHead
            {
                Epoch = tree.Epoch.Number,
                Size = tree.Edge.Size,
                First = tree.Head.Size,
                Seal = seal,
                Position = position,
                Leaf = leaf,
                Root = Convert.ToBase64String(tree.Edge.Root()),
            },
            tiles
        );
    }

    private void Refuse(string why)
    {
        if (Trouble != why)
            Log.NotSigned(_log, why);
        Trouble = why;
    }

    private static bool IsFileTrouble(Exception trouble) =>
        trouble is IOException or UnauthorizedAccessException or InvalidDataException;

    /// <param name="Edge">Where leaves are added; it is as large as the head.</param>
    internal sealed record State(Epoch Epoch, TreeHead Head, TreeEdge Edge);

    /// <summary>What a seal adds to the tree: its head, and the tiles that became full.</summary>
    internal sealed record Growth(TreeHead Head, IReadOnlyList<(Tile Tile, byte[] Hashes, byte[] Root)> Tiles);

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "The log's tree {Number} begins: {Origin} (reason: {Reason})"
        )]
        public static partial void Began(ILogger log, long number, string origin, string reason);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "The log isn't signed, while requests go on being decided: {Reason}"
        )]
        public static partial void NotSigned(ILogger log, string reason);
    }
}
