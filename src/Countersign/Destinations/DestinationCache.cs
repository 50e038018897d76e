using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text.Json;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection;

namespace Countersign.Destinations;

/// <summary>
/// All destinations as they are now, read and compiled again only when a node or a command changed one.
/// </summary>
internal sealed partial class DestinationCache(
    Store store,
    IDataProtectionProvider protection,
    ILogger<DestinationCache> log
) : IDisposable
{
    private const string Purpose = "Countersign.Destinations";

    internal static readonly EncryptedColumn[] Encrypted =
    [
        new("destinations", "secrets", "id", Purpose)
        {
            Event = (row, hash) => new($"destination:{row.Key}", "destination.reencrypted", new { @sealed = hash }),
        },
        new("destinations", "token", "id", Purpose),
    ];

    /// <summary>Compiling a manifest takes some milliseconds, so what was compiled is kept by its text.</summary>
    private readonly ConcurrentDictionary<string, ApprovalManifest> _compiled = new();
    private readonly SemaphoreSlim _one = new(1);
    private FrozenDictionary<long, Destination> _all = FrozenDictionary<long, Destination>.Empty;
    private long _revision = -1;

    public async ValueTask<IReadOnlyDictionary<long, Destination>> All(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            var revision = await store.Read(
                r => r.Number("SELECT revision FROM signals WHERE name = 'destinations'"),
                cancel
            );
            if (revision != _revision)
            {
                var rows = await store.Read(
                    r => r.All<DestinationRow>($"SELECT {DestinationRow.Columns} FROM destinations ORDER BY id"),
                    cancel
                );
                _all = rows.ConvertAll(TryRead).OfType<Destination>().ToFrozenDictionary(d => d.Id);
                _revision = revision;
            }
            return _all;
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask<Destination?> Find(string name, CancellationToken cancel) =>
        (await All(cancel)).Values.FirstOrDefault(d => AddDestination.KeyOf(d.Name) == AddDestination.KeyOf(name));

    public string Seal(string text) => protection.CreateProtector(Purpose).Protect(text);

    public string? Open(string @sealed)
    {
        try
        {
            return protection.CreateProtector(Purpose).Unprotect(@sealed);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    public void Dispose() => _one.Dispose();

    /// <summary>One that cannot be read is as good as paused; the others go on.</summary>
    private Destination? TryRead(DestinationRow row)
    {
        try
        {
            return Read(row);
        }
        catch (Exception unreadable) when (unreadable is FormatException or JsonException)
        {
            Log.Unusable(log, row.Id, unreadable.Message);
            return null;
        }
    }

    private Destination? Read(DestinationRow row)
    {
        if (!_compiled.TryGetValue(row.Manifest, out var manifest))
        {
            (manifest, var findings) = ManifestReader.Read(row.Manifest);
            if (manifest is null)
            {
                var why = findings.First(f => f.IsFatal);
                Log.Unusable(log, row.Id, $"{why.Place}: {why.Problem} {why.Fix}");
                return null;
            }
            _compiled.TryAdd(row.Manifest, manifest);
        }
        if (Open(row.Secrets) is not { } secrets)
        {
            Log.Unusable(log, row.Id, "Its secrets were encrypted under another root key.");
            return null;
        }
        return new Destination
        {
            Id = row.Id,
            Name = row.Name,
            Manifest = manifest,
            ManifestText = row.Manifest,
            Settings = DestinationRow.Values(row.Settings),
            Secrets = DestinationRow.Values(secrets),
            CreatedAt = Instant.Parse(row.CreatedAt),
            IsPaused = row.PausedAt is not null,
            FailingSince = row.FailingSince is null ? null : Instant.Parse(row.FailingSince),
        };
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "Destination {Id} can't be used: {Why}")]
        public static partial void Unusable(ILogger log, long id, string why);
    }
}
