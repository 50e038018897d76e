using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>What replacing the root key came to.</summary>
public abstract record RotateRootKeyOutcome
{
    private RotateRootKeyOutcome() { }

    /// <param name="KeyFile">Holds the new key now.</param>
    /// <param name="Kept">Where the earlier key file is.</param>
    public sealed record Done(string KeyFile, string Kept, int Resealed) : RotateRootKeyOutcome;

    /// <summary>The log can't be sealed to its end, so forgeries of later could pass for the earlier key's.</summary>
    public sealed record NotSealed(string Why) : RotateRootKeyOutcome;
}

/// <summary>
/// Puts a new root key in place of the one there is, while no server runs: the log is sealed to its end, the key ring
/// is encrypted with the new key, and the new key file says what the earlier key had sealed. The log's tree ends with
/// the key that takes over, and another tree begins. The new file is written
/// beside the old one first and takes its place last, so after an interruption the store opens with one of the two;
/// a further run finishes it.
/// </summary>
public sealed class RotateRootKey(Store store, SigningPlace signing, TimeProvider time, ILoggerFactory logs)
{
    /// <summary>Where the new key waits until the store has it.</summary>
    public static string NextFile(string file) => file + ".next";

    public async Task<RotateRootKeyOutcome> Run(RootKey current, string file, Origin origin, CancellationToken cancel)
    {
        var waiting = NextFile(file);
        if (File.Exists(waiting))
        {
            var interrupted = RootKey.Load(waiting, mayCreate: false);
            if (
                !await store.Read(reader => KeyRing.IsFrom(reader, current), cancel)
                && await store.Read(reader => KeyRing.IsFrom(reader, interrupted), cancel)
            )
            {
                return await Finish(interrupted, file, 0, cancel);
            }
            File.Delete(waiting);
        }
        RootKey next;
        using (var sealKey = new SealKey(current))
        {
            try
            {
                await Seal(current, sealKey, cancel);
            }
            catch (InvalidDataException damage)
            {
                return new RotateRootKeyOutcome.NotSealed(damage.Message);
            }
            var (seal, lastEvent) = await store.ReadSnapshot(
                async reader =>
                    ((await Sealer.Last(reader)).N, await reader.Number("SELECT COALESCE(max(id), 0) FROM events")),
                cancel
            );
            next = current.Next(new FormerSealKey(sealKey.PublicKey, seal, lastEvent));
        }
        next.WriteTo(waiting);
        using var nextKey = new SealKey(next);
        var publicKey = nextKey.PublicKey;
        using var endKey = new SealKey(current);
        var tree = new LogTree(store, current, endKey, signing, logs.CreateLogger<LogTree>());
        var epoch = await tree.HandOver(next, cancel);
        var resealed = await store.InTransaction(
            async tx =>
            {
                var count = await KeyRing.Reseal(tx, current, next);
                if (epoch is { } begun)
                    await LogTree.Insert(tx, begun);
                await tx.Append("hub", origin, "root_key.rotated", new { publicKey });
                return count;
            },
            cancel
        );
        return await Finish(next, file, resealed, cancel);
    }

    private async Task<RotateRootKeyOutcome> Finish(RootKey next, string file, int resealed, CancellationToken cancel)
    {
        var kept = $"{file}.{store.Now.UtcDateTime:yyyyMMddHHmmssfff}.old";
        await using (var copy = PrivateFile.Create(kept))
            await copy.WriteAsync(await File.ReadAllBytesAsync(file, cancel), cancel);
        File.Move(NextFile(file), file, overwrite: true);
        // From here on the new key seals, beginning with the event that tells of it.
        using var sealKey = new SealKey(next);
        await Seal(next, sealKey, cancel);
        return new RotateRootKeyOutcome.Done(file, kept, resealed);
    }

    private async Task Seal(RootKey root, SealKey key, CancellationToken cancel)
    {
        await store.GivePositions(cancel);
        var tree = new LogTree(store, root, key, signing, logs.CreateLogger<LogTree>());
        using var sealer = new Sealer(store, key, tree, time, logs.CreateLogger<Sealer>());
        await sealer.SealAll(cancel);
    }
}
