using System.Threading.Channels;
using Countersign.Bench.Stock;
using Countersign.Requests;
using Countersign.Storage;
using Microsoft.Data.Sqlite;

namespace Countersign.Bench.Servers;

/// <summary>
/// What the product is measured against: a bare Kestrel endpoint that keeps the body it gets, with the same SQLite
/// library and settings as the product and nothing else. One writer thread; <c>batch</c> commits what has gathered
/// while the last commit ran, <c>single</c> commits every call by itself. Whoever calls hears back after the commit.
/// </summary>
internal static class Control
{
    public static Task<Server> Start(string folder, bool batch)
    {
        System.IO.Directory.CreateDirectory(folder);
        var url = Server.FreeAddress();
        return Server.Start(
            Environment.ProcessPath!,
            [
                "control",
                batch ? "batch" : "single",
                Path.Combine(folder, "control.db"),
                url.GetLeftPart(UriPartial.Authority),
            ],
            new Dictionary<string, string>(),
            url,
            "/",
            Path.Combine(folder, "control.log")
        );
    }

    /// <summary>
    /// An endpoint that writes what the product writes for a request, each call in a transaction of its own.
    /// </summary>
    public static Task<Server> StartAlone(string folder)
    {
        System.IO.Directory.CreateDirectory(folder);
        var url = Server.FreeAddress();
        return Server.Start(
            Environment.ProcessPath!,
            ["control", "alone", folder, url.GetLeftPart(UriPartial.Authority)],
            new Dictionary<string, string>(),
            url,
            "/",
            Path.Combine(folder, "control.log")
        );
    }

    /// <summary>A bare endpoint that answers every call with these bytes, after this delay.</summary>
    public static async Task<Server> StartSame(string folder, byte[] answer, TimeSpan after = default)
    {
        System.IO.Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, "answer");
        await File.WriteAllBytesAsync(file, answer);
        var url = Server.FreeAddress();
        return await Server.Start(
            Environment.ProcessPath!,
            ["control", "same", file, url.GetLeftPart(UriPartial.Authority), $"{after.TotalMilliseconds:0}"],
            new Dictionary<string, string>(),
            url,
            "/",
            Path.Combine(folder, "control.log")
        );
    }

    /// <summary>The process that <see cref="StartSame"/> starts.</summary>
    public static async Task ServeSame(string file, string url, TimeSpan after)
    {
        var answer = await File.ReadAllBytesAsync(file);
        var app = Bare(url);
        app.Map(
            "/{**path}",
            async context =>
            {
                if (after > TimeSpan.Zero)
                    await Task.Delay(after, context.RequestAborted);
                context.Response.ContentType = "application/json; charset=utf-8";
                context.Response.ContentLength = answer.Length;
                await context.Response.BodyWriter.WriteAsync(answer);
            }
        );
        await app.RunAsync();
    }

    /// <summary>Stands for Terraform: notes when each task is heard of, and answers after a delay.</summary>
    public static Task<Server> StartCounting(string folder, TimeSpan after)
    {
        var url = Server.FreeAddress();
        return Server.Start(
            Environment.ProcessPath!,
            ["control", "counting", url.GetLeftPart(UriPartial.Authority), $"{after.TotalMilliseconds:0}"],
            new Dictionary<string, string>(),
            url,
            "/",
            Path.Combine(folder, "control.log")
        );
    }

    /// <summary>The process that <see cref="StartCounting"/> starts.</summary>
    public static async Task ServeCounting(string url, TimeSpan after)
    {
        var heard = new System.Collections.Concurrent.ConcurrentQueue<(string Task, long At)>();
        var app = Bare(url);
        app.MapGet("/", () => string.Join('\n', heard.Select(h => FormattableString.Invariant($"{h.Task} {h.At}"))));
        app.MapPatch(
            "/api/v2/task-results/{task}/callback",
            async (string task, HttpContext context) =>
            {
                heard.Enqueue((task, System.Diagnostics.Stopwatch.GetTimestamp()));
                await Task.Delay(after, context.RequestAborted);
                return Results.Json(new object());
            }
        );
        await app.RunAsync();
    }

    /// <summary>When it heard of which task, by the clock that all processes of a machine share.</summary>
    public static async Task<Dictionary<string, List<long>>> Heard(Server server)
    {
        using var http = new HttpClient();
        var lines = await http.GetStringAsync(server.Url);
        return lines
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' '))
            .GroupBy(
                parts => parts[0],
                parts => long.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture)
            )
            .ToDictionary(g => g.Key, g => g.Order().ToList());
    }

    /// <summary>The process that <see cref="StartAlone"/> starts.</summary>
    public static async Task ServeAlone(string folder, string url)
    {
        await using var store = await Session.OpenStore(folder);
        var town = await Town.Found(store);
        var submit = new Submit(store, new RequestIds());
        var origin = new Origin(Actor.Source(town.Askers[0].Id), "api", "127.0.0.1");
        // One after the other: of two that wait, the lane would take both into one commit.
        using var turns = new SemaphoreSlim(1);
        long last = 0;
        var app = Bare(url);
        app.MapGet("/", () => "here");
        app.MapPost(
            "/{**path}",
            async context =>
            {
                var (id, body) = (Interlocked.Increment(ref last), await Body(context));
                await turns.WaitAsync();
                await submit.Run(town.Asks($"{id}", body), origin, null, default);
                turns.Release();
                await Created(context, id);
            }
        );
        await app.RunAsync();
    }

    private static WebApplication Bare(string url)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url);
        return builder.Build();
    }

    private static async Task<string> Body(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        return await reader.ReadToEndAsync();
    }

    private static Task Created(HttpContext context, long id)
    {
        context.Response.StatusCode = StatusCodes.Status201Created;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($$"""{"id":"{{id}}"}""");
    }

    /// <summary>The process that <see cref="Start"/> starts.</summary>
    public static async Task Serve(bool batch, string file, string url)
    {
        SqliteLibrary.Use();
        using var connection = SqliteEngine.OpenForWriting(file);
        Execute(connection, "PRAGMA journal_mode = WAL");
        Execute(connection, "CREATE TABLE calls (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
        var queue = Channel.CreateBounded<Call>(new BoundedChannelOptions(10_000) { SingleReader = true });
        var thread = new Thread(() => Write(connection, queue.Reader, batch ? 512 : 1)) { IsBackground = true };
        thread.Start();

        var app = Bare(url);
        app.MapGet("/", () => "here");
        app.MapPost(
            "/{**path}",
            async context =>
            {
                var call = new Call(await Body(context));
                await queue.Writer.WriteAsync(call);
                await Created(context, await call.Done.Task);
            }
        );
        await app.RunAsync();
    }

    private static void Write(SqliteConnection connection, ChannelReader<Call> queue, int largest)
    {
        using var begin = Command(connection, "BEGIN IMMEDIATE");
        using var commit = Command(connection, "COMMIT");
        using var insert = Command(connection, "INSERT INTO calls (id, body) VALUES (@id, @body)");
        var (id, body) = (
            insert.Parameters.Add("id", SqliteType.Integer),
            insert.Parameters.Add("body", SqliteType.Text)
        );
        var batch = new List<Call>(largest);
        long last = 0;
        while (queue.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            batch.Clear();
            begin.ExecuteNonQuery();
            while (batch.Count < largest && queue.TryRead(out var call))
            {
                (id.Value, body.Value) = (++last, call.Body);
                insert.ExecuteNonQuery();
                call.Id = last;
                batch.Add(call);
            }
            commit.ExecuteNonQuery();
            foreach (var call in batch)
                call.Done.SetResult(call.Id);
        }
    }

    private static SqliteCommand Command(SqliteConnection connection, string sql)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = Command(connection, sql);
        command.ExecuteNonQuery();
    }

    private sealed record Call(string Body)
    {
        public long Id { get; set; }
        public TaskCompletionSource<long> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
