using System.Net;
using Countersign.Tests.Cli;
using Npgsql;
using Xunit;

namespace Countersign.Tests.Hosting;

/// <summary>What load balancers are told, and how a server leaves.</summary>
public sealed class ReadinessTests
{
    [Theory, BothEngines]
    public async Task A_server_told_to_stop_is_not_ready_and_still_serves_until_it_has_drained(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        using var server = shell.StartProgram("--Urls=http://127.0.0.1:0", "--Shutdown:Drain=30s");
        try
        {
            using var client = new HttpClient { BaseAddress = await ProgramTests.Address(server.StandardOutput) };
            Assert.Equal(HttpStatusCode.OK, await Get("/health/ready"));
            await Signal(server, "-TERM");
            await Eventually.True(
                async () => await Get("/health/ready") == HttpStatusCode.ServiceUnavailable,
                "it is not ready any more"
            );
            Assert.Equal(HttpStatusCode.OK, await Get("/health/live"));
            Assert.Equal(HttpStatusCode.OK, await Get("/sign-in"));
            // Who sits at the terminal need not wait.
            await Signal(server, "-INT");
            await server.WaitForExitAsync(TestContext.Current.CancellationToken).Soon();
            Assert.Equal(0, server.ExitCode);

            async ValueTask<HttpStatusCode> Get(string path) =>
                (await client.GetAsync(path, TestContext.Current.CancellationToken)).StatusCode;
        }
        finally
        {
            if (!server.HasExited)
                server.Kill();
        }
    }

    [Theory, BothEngines]
    public async Task A_node_that_cannot_write_is_not_ready_until_it_can(Engine engine)
    {
        await using var api = await ApiHost.Start(engine);
        var nobody = api.Nobody();
        Assert.Equal(200, (await nobody.Get("/health/ready")).Status);
        api.Hub.Clock.Advance(TimeSpan.FromSeconds(6));
        await using (await StopWrites(api.Hub.Place))
        {
            var ready = await nobody.Get("/health/ready");
            Assert.Equal(503, ready.Status);
            Assert.NotEmpty(ready.Json["reasons"]!.AsArray());
            Assert.Equal(200, (await nobody.Get("/health/live")).Status);
        }
        api.Hub.Clock.Advance(TimeSpan.FromSeconds(6));
        await Eventually.True(async () => (await nobody.Get("/health/ready")).Status == 200, "it is ready again");
    }

    [Fact]
    public async Task HEAD_answers_as_GET_does_without_a_body()
    {
        await using var api = await ApiHost.Start(Engine.Sqlite);
        var ann = await api.Person(await api.Hub.AddPerson("Ann"));
        using var client = new HttpClient { BaseAddress = api.Address };
        foreach (var path in (string[])["/health/live", "/health/ready", "/sign-in", "/openapi/v1.json", "/nowhere"])
        {
            using var get = await client.GetAsync(path, TestContext.Current.CancellationToken);
            using var head = await Head(client, path);
            Assert.Equal((path, get.StatusCode), (path, head.StatusCode));
            Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        }
        Assert.Equal(HttpStatusCode.Unauthorized, (await Head(client, "/api/v1/requests")).StatusCode);
        // A stream ends where it begins.
        using var stream = await Head(ann.Http, "/api/v1/events");
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
        Assert.Equal("text/event-stream", stream.Content.Headers.ContentType!.MediaType);
        Assert.Equal(HttpStatusCode.OK, (await Head(ann.Http, "/api/v1/requests")).StatusCode);
    }

    private static async Task<HttpResponseMessage> Head(HttpClient client, string path)
    {
        using var call = new HttpRequestMessage(HttpMethod.Head, path);
        return await client.SendAsync(call, TestContext.Current.CancellationToken).Soon();
    }

    private static async Task Signal(System.Diagnostics.Process process, string signal)
    {
        var id = process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(0, (await Programs.Run("kill", [signal, id])).Code);
    }

    /// <summary>Until it is disposed of: another process holds SQLite's lock, PostgreSQL takes reads alone.</summary>
    private static async Task<IAsyncDisposable> StopWrites(TestStore place)
    {
        if (place.Engine == Engine.Sqlite)
        {
            var connection = await place.OpenRaw();
            await using var command = connection.CreateCommand();
            command.CommandText = "BEGIN IMMEDIATE";
            await command.ExecuteNonQueryAsync();
            return connection;
        }
        var name = new NpgsqlConnectionStringBuilder(place.Options.Database).Database;
        await PostgresServer.Run($"ALTER DATABASE {name} SET default_transaction_read_only = on");
        await PostgresServer.EndConnections(place.Options.Database!);
        return new Undo(async () =>
        {
            await PostgresServer.Run($"ALTER DATABASE {name} RESET default_transaction_read_only");
            await PostgresServer.EndConnections(place.Options.Database!);
        });
    }

    private sealed class Undo(Func<Task> action) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await action();
    }
}
