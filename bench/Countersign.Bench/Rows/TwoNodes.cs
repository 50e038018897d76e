using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Countersign.Bench.Load;
using Countersign.Bench.Servers;
using Countersign.Bench.Stock;

namespace Countersign.Bench.Rows;

/// <summary>
/// Two nodes on one PostgreSQL against one node, on the same machine; then one of the two is killed under load.
/// </summary>
internal sealed class TwoNodes(Options options, Product product, Report report)
{
    private const int Connections = 64;
    private static readonly TimeSpan UntilKill = TimeSpan.FromSeconds(2),
        AfterKill = TimeSpan.FromSeconds(1);

    public async Task Run()
    {
        var folder = Session.Fresh(options, "nodes");
        // PostgreSQL runs as another user and must get through to its own folder.
        File.SetUnixFileMode(
            options.Folder,
            File.GetUnixFileMode(options.Folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute
        );
        var (data, first, second) = (Folder(folder, "postgres"), Folder(folder, "first"), Folder(folder, "second"));
        await using var postgres = await PostgresCluster.Start(data);
        Town town;
        await using (var store = await Session.OpenStore(folder, postgres.ConnectionString))
            town = await Town.Found(store);
        var key = Path.Combine(folder, "root.key");
        await File.WriteAllTextAsync(
            key,
            Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)) + "\n"
        );

        await using var one = await product.Start(first, postgres.ConnectionString, key);
        await using var two = await product.Start(second, postgres.ConnectionString, key);
        await Ask(one, "warm-up-1", Connections, options.WarmUp);
        await Ask(two, "warm-up-2", Connections, options.WarmUp);
        var (both, alone) = await Measured.Pairs(
            options.Pairs,
            async i =>
            {
                var halves = await Task.WhenAll(
                    Ask(one, $"one-{i}", Connections / 2, options.Slice),
                    Ask(two, $"two-{i}", Connections / 2, options.Slice)
                );
                return halves[0] with
                {
                    Requests = halves.Sum(h => h.Requests),
                    Failed = halves.Sum(h => h.Failed),
                    Cpu = halves[0].Cpu + halves[1].Cpu,
                };
            },
            i => Ask(one, $"alone-{i}", Connections, options.Slice)
        );
        report.Add(
            Measured.Ratio(
                "create on PostgreSQL, two nodes against one on the same machine",
                both,
                alone,
                Bar.AtLeast(0.85)
            )
        );

        var acknowledged = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource();
        var callers = Enumerable
            .Range(0, 32)
            .Select(n => Create(n % 2 == 0 ? one : two, n, town, acknowledged, stop.Token))
            .ToArray();
        await Task.Delay(UntilKill);
        await two.Kill();
        var atKill = acknowledged.Count;
        await Task.Delay(AfterKill);
        await stop.CancelAsync();
        await Task.WhenAll(callers);
        var kept = await postgres.Requests();
        var lost = acknowledged.Count(id => !kept.Contains(id));
        var wentOn = acknowledged.Count > atKill;
        report.Add(
            new Row(
                "one of the two killed under load: acknowledged requests that are lost",
                $"{lost} of {acknowledged.Count}",
                "",
                wentOn ? $"{lost} lost" : $"{lost} lost, and the other stopped",
                lost,
                Bar.AtMost(0, unit: "lost"),
                Failed: !wentOn
            )
        );

        Task<Slice> Ask(Server server, string name, int connections, TimeSpan length) =>
            Wrk.Run(
                new Uri(server.Url, "/api/v1/requests"),
                "create.lua",
                connections,
                length,
                server.Cpu,
                name,
                town.Source
            );
    }

    /// <summary>Asks until told to stop or until the server is gone, and notes what was acknowledged.</summary>
    private static async Task Create(
        Server server,
        int caller,
        Town town,
        ConcurrentBag<string> acknowledged,
        CancellationToken stop
    )
    {
        using var http = new HttpClient { BaseAddress = server.Url };
        http.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(town.Source);
        try
        {
            for (var n = 0; !stop.IsCancellationRequested; n++)
            {
                using var body = new StringContent(
                    $$"""{"externalId":"kill-{{caller}}-{{n}}","subject":"Turn it on"}""",
                    Encoding.UTF8,
                    "application/json"
                );
                using var answer = await http.PostAsync(
                    new Uri("/api/v1/requests", UriKind.Relative),
                    body,
                    CancellationToken.None
                );
                if (answer.StatusCode == HttpStatusCode.Created)
                {
                    acknowledged.Add(
                        JsonElement
                            .Parse(await answer.Content.ReadAsStringAsync(CancellationToken.None))
                            .GetProperty("id")
                            .GetString()!
                    );
                }
            }
        }
        catch (HttpRequestException)
        {
            // Its server was killed.
        }
    }

    private static string Folder(string parent, string name) =>
        System.IO.Directory.CreateDirectory(Path.Combine(parent, name)).FullName;
}
