using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Countersign.Bench.Servers;
using Microsoft.Data.Sqlite;

namespace Countersign.Bench.Rows;

/// <summary>
/// What SQLite's file grows by for a request that is asked through the LaunchDarkly door, approved through the API and
/// applied: rows, indexes, history and seals together.
/// </summary>
internal sealed class StoreSize(Options options, Product product, Report report)
{
    private const int Callers = 16;

    public async Task Run()
    {
        var folder = Session.Fresh(options, "store-size");
        var town = await Session.NewTown(folder);
        var before = SizeOf(folder);
        var settled = new ConcurrentBag<string>();
        var most = options.Quick ? 2_000 : 10_000;
        await using (var server = await product.Start(folder))
        {
            var next = 0;
            await Task.WhenAll(
                Enumerable
                    .Range(0, Callers)
                    .Select(_ =>
                        Task.Run(async () =>
                        {
                            using var http = new HttpClient { BaseAddress = server.Url };
                            using var connection = Open(folder);
                            using var find = connection.CreateCommand();
                            find.CommandText = "SELECT id FROM requests WHERE external_id = $id";
                            find.Parameters.Add("$id", SqliteType.Text);
                            while (Interlocked.Increment(ref next) is var n && n <= most)
                                settled.Add(await Settle(http, find, town, n));
                        })
                    )
            );
            await server.Settle();
        }
        var each = (SizeOf(folder) - before) / 1024d / settled.Count;
        report.Add(Row.Of("store per request settled, everything included", each, "0.0", "KB", Bar.AtMost(8, 4, "KB")));
    }

    private static async Task<string> Settle(HttpClient http, SqliteCommand find, Stock.Town town, int n)
    {
        var body = JsonSerializer.Serialize(
            new
            {
                _id = $"size-{n}",
                _site = new
                {
                    href = $"https://ld.example.com/shop/production/features/checkout-v2/approvals/size-{n}",
                },
                details = "Created approval request: Open the new checkout for a quarter of the customers\n"
                    + "Requested change is:\n* Set the percentage rollout of the default rule to 25 percent "
                    + "true and 75 percent false",
                project = new
                {
                    name = "Shop",
                    key = "shop",
                    tags = (string[])["web"],
                },
                environment = new
                {
                    name = "Production",
                    key = "production",
                    tags = (string[])["critical"],
                },
                flag = new
                {
                    name = "Checkout v2",
                    key = "checkout-v2",
                    tags = (string[])["checkout"],
                },
                shortDescription = "Person Number7 "
                    + "requested approval for changes to the flag Checkout v2 in 'Production'",
                timestamp = "1746196607127",
                comment = "Open the new checkout for a quarter of the customers",
            }
        );
        await Call(http, "/api/approvals", town.Source, body);
        find.Parameters["$id"].Value = $"size-{n}";
        var id = (string)(await find.ExecuteScalarAsync())!;
        await Call(
            http,
            $"/api/v1/requests/{id}/decisions",
            town.Viewer,
            """{"answer":"approve","note":"Looked at the numbers."}"""
        );
        await Call(http, $"/api/approvals/size-{n}/apply", town.Source, "{}");
        return id;
    }

    private static async Task Call(HttpClient http, string path, string authorization, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Authorization = AuthenticationHeaderValue.Parse(authorization);
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await http.SendAsync(request);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException(
                $"{path} answered {answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}"
            );
        }
    }

    /// <summary>Of the file with its log written back, in bytes that hold something.</summary>
    private static double SizeOf(string folder)
    {
        using var connection = Open(folder);
        using var command = connection.CreateCommand();
        command.CommandText = """
            PRAGMA wal_checkpoint(TRUNCATE);
            SELECT (p.page_count - f.freelist_count) * s.page_size
            FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s
            """;
        using var rows = command.ExecuteReader();
        rows.NextResult();
        rows.Read();
        return rows.GetInt64(0);
    }

    private static SqliteConnection Open(string folder)
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(folder, "countersign.db")};Pooling=False");
        connection.Open();
        return connection;
    }
}
