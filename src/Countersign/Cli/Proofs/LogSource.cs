using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Countersign.Audit;
using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Cli.Proofs;

/// <summary>
/// A log as <c>proof compare</c> and <c>proof follow</c> look at it: the store, an exported folder, an address, or a
/// file with nothing but a checkpoint.
/// </summary>
internal abstract class LogSource : IAsyncDisposable
{
    public const string OfStore = "store";

    /// <summary>Beside the checkpoint.</summary>
    public const string ChainFile = "chain";

    /// <summary>The signed note, or null if the log has none yet.</summary>
    public abstract ValueTask<string?> Checkpoint(CancellationToken cancel);

    /// <summary>How the log's epochs follow each other (<see cref="EpochChain"/>); null where it doesn't say.</summary>
    public abstract ValueTask<string?> Chain(CancellationToken cancel);

    /// <summary>Null where this source has no tiles, or not this one.</summary>
    /// <param name="epoch">Null for the one of the checkpoint.</param>
    public abstract ValueTask<List<byte[]>?> Hashes(Tile tile, long? epoch, CancellationToken cancel);

    public virtual bool HasTiles => true;

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <param name="key">A person's token, as <c>email/token:…</c>, for an address that needs one.</param>
    public static async Task<LogSource> Open(string name, CountersignOptions options, string? key)
    {
        if (name == OfStore)
            return new StoreLog(await Hub.OpenForReading(options));
        if (Uri.TryCreate(name, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            return new SiteLog(url, key);
        return System.IO.Directory.Exists(name) ? new FolderLog(name) : new NoteFile(name);
    }

    /// <summary>The folder of an epoch that has ended.</summary>
    private static string In(long? epoch) =>
        epoch is { } number ? string.Create(CultureInfo.InvariantCulture, $"epochs/{number}/") : "";

    private static List<byte[]>? Split(byte[]? tile) => tile?.Chunk(MerkleTree.HashSize).ToList();

    private sealed class StoreLog(Hub hub) : LogSource
    {
        private readonly LogFiles _log = hub.Get<LogFiles>();

        public override ValueTask<string?> Checkpoint(CancellationToken cancel) => _log.Checkpoint(null, cancel);

        public override ValueTask<string?> Chain(CancellationToken cancel) => _log.Chain(cancel);

        public override ValueTask<List<byte[]>?> Hashes(Tile tile, long? epoch, CancellationToken cancel) =>
            _log.Hashes(tile, epoch, cancel);

        public override async ValueTask DisposeAsync()
        {
            await hub.DisposeAsync();
            await base.DisposeAsync();
        }
    }

    private sealed class FolderLog(string folder) : LogSource
    {
        public override async ValueTask<string?> Checkpoint(CancellationToken cancel) =>
            await Read("checkpoint", cancel) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

        public override async ValueTask<string?> Chain(CancellationToken cancel) =>
            await Read(ChainFile, cancel) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

        public override async ValueTask<List<byte[]>?> Hashes(Tile tile, long? epoch, CancellationToken cancel) =>
            // A partial tile may be gone once the full one is there.
            Split(
                await Read(In(epoch) + tile.Path, cancel)
                    ?? await Read(In(epoch) + (tile with { Width = Tile.FullWidth }).Path, cancel)
            );

        private async Task<byte[]?> Read(string path, CancellationToken cancel)
        {
            var file = Path.Combine(folder, path);
            return File.Exists(file) ? await File.ReadAllBytesAsync(file, cancel) : null;
        }
    }

    private sealed class NoteFile(string file) : LogSource
    {
        public override bool HasTiles => false;

        public override async ValueTask<string?> Checkpoint(CancellationToken cancel) =>
            File.Exists(file) ? await File.ReadAllTextAsync(file, cancel) : null;

        public override ValueTask<string?> Chain(CancellationToken cancel) => new((string?)null);

        public override ValueTask<List<byte[]>?> Hashes(Tile tile, long? epoch, CancellationToken cancel) =>
            new((List<byte[]>?)null);
    }

    /// <summary>Redirects aren't followed, since the token must not go elsewhere.</summary>
    private sealed class SiteLog : LogSource
    {
        private const int MaxAnswer = 1 << 20;
        private readonly HttpClient _http;

        public SiteLog(Uri url, string? key)
        {
            _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
            {
                BaseAddress = new Uri(url.ToString().TrimEnd('/') + "/"),
                Timeout = TimeSpan.FromSeconds(30),
                MaxResponseContentBufferSize = MaxAnswer,
            };
            if (key is not null)
            {
                _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
                    "Basic",
                    Convert.ToBase64String(Encoding.UTF8.GetBytes(key))
                );
            }
        }

        public override async ValueTask<string?> Checkpoint(CancellationToken cancel) =>
            await Get("checkpoint", cancel) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

        public override async ValueTask<string?> Chain(CancellationToken cancel) =>
            await Get(ChainFile, cancel) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

        public override async ValueTask<List<byte[]>?> Hashes(Tile tile, long? epoch, CancellationToken cancel) =>
            Split(
                await Get(In(epoch) + tile.Path, cancel)
                    ?? await Get(In(epoch) + (tile with { Width = Tile.FullWidth }).Path, cancel)
            );

        public override ValueTask DisposeAsync()
        {
            _http.Dispose();
            return base.DisposeAsync();
        }

        private async Task<byte[]?> Get(string path, CancellationToken cancel)
        {
            try
            {
                using var answer = await _http.GetAsync(path, cancel);
                if (answer.StatusCode == System.Net.HttpStatusCode.NotFound)
                    return null;
                return answer.IsSuccessStatusCode
                    ? await answer.Content.ReadAsByteArrayAsync(cancel)
                    : throw new StoreUnavailable($"{_http.BaseAddress}{path} answered {(int)answer.StatusCode}.");
            }
            catch (HttpRequestException failure)
            {
                throw new StoreUnavailable($"{_http.BaseAddress} can't be reached: {failure.Message}", failure);
            }
        }
    }
}
