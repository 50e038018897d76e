using Countersign.Storage;

namespace Countersign.Hosting;

/// <summary>
/// The public address of the server, kept in the store: the command line has no settings of the server's, and prints
/// links and sends test messages all the same. It is that of the server that started last.
/// </summary>
internal static class PublicAddress
{
    private const string Url = "public_url",
        Path = "path_base";

    public static async Task Keep(Store store, ServerOptions server, CancellationToken cancel)
    {
        var now = new Dictionary<string, string?>
        {
            [nameof(ServerOptions.PublicUrl)] = server.PublicUrl?.OriginalString,
            [nameof(ServerOptions.PathBase)] = server.PublicUrl is null ? null : server.PathBase,
        };
        var kept = await store.Read(Kept, cancel);
        if (now.All(setting => kept.GetValueOrDefault(setting.Key) == setting.Value))
            return;
        var values = new Dictionary<string, string?>
        {
            [Url] = server.PublicUrl?.OriginalString,
            [Path] = server.PublicUrl is null ? null : server.PathBase,
        };
        await HubValues.Keep(store, values, cancel);
    }

    /// <summary>As settings; empty where no server has had an address.</summary>
    public static async ValueTask<Dictionary<string, string?>> Kept(Reader reader)
    {
        var settings = new Dictionary<string, string?>();
        if (await HubValues.Find(reader, Url) is { } url)
        {
            settings[nameof(ServerOptions.PublicUrl)] = url;
            settings[nameof(ServerOptions.PathBase)] = await HubValues.Find(reader, Path);
        }
        return settings;
    }

    /// <summary>The settings with the kept address, unless they have one of their own.</summary>
    public static async Task<IConfiguration> AddTo(IConfiguration configuration, Store store)
    {
        if (configuration[nameof(ServerOptions.PublicUrl)] is { Length: > 0 })
            return configuration;
        var kept = await store.Read(Kept);
        return kept.Count == 0
            ? configuration
            : new ConfigurationBuilder().AddConfiguration(configuration).AddInMemoryCollection(kept).Build();
    }
}
