namespace Countersign.Bench.Servers;

/// <summary>The published Countersign, as an operator would start it, without rate limits.</summary>
internal sealed class Product(string program)
{
    public Task<Server> Start(string data, string? database = null, string? rootKeyFile = null)
    {
        var url = Server.FreeAddress();
        var environment = new Dictionary<string, string>
        {
            ["COUNTERSIGN_Urls"] = url.GetLeftPart(UriPartial.Authority),
            ["COUNTERSIGN_RateLimit__PerKeyPerMinute"] = "0",
            ["COUNTERSIGN_Data"] = data,
        };
        if (database is not null)
            environment["COUNTERSIGN_Database"] = database;
        if (rootKeyFile is not null)
            environment["COUNTERSIGN_RootKeyFile"] = rootKeyFile;
        return Server.Start(
            program,
            ["serve"],
            environment,
            url,
            "/health/live",
            Path.Combine(data, $"server-{url.Port}.log")
        );
    }
}
