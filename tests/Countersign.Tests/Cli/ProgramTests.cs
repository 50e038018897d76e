using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary>The built program, in processes of its own.</summary>
public sealed class ProgramTests
{
    [Theory, BothEngines]
    public async Task What_the_command_line_changes_reaches_a_running_server_within_a_moment(Engine engine)
    {
        await using var shell = await Shell.StartEmpty(engine);
        using var server = shell.StartProgram("--Urls=http://127.0.0.1:0");
        try
        {
            var address = await Address(server.StandardOutput);
            var added = await shell.Program(
                "correct horse\n",
                "user",
                "add",
                "ada@example.test",
                "--name",
                "Ada",
                "--role",
                "admin",
                "--password-stdin",
                "--json"
            );
            Assert.Equal("admin", added.Done.GetProperty("role").GetString());
            var token = (await shell.Json("token", "add", "ada@example.test")).Done.GetProperty("token").GetString()!;

            using var client = new HttpClient { BaseAddress = address };
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
                "Basic",
                Convert.ToBase64String(Encoding.UTF8.GetBytes($"ada@example.test/token:{token}"))
            );
            Assert.Equal(HttpStatusCode.OK, await Ask());
            await shell.Json("token", "revoke", "1");
            await Eventually.True(
                async () => await Ask() == HttpStatusCode.Unauthorized,
                "the revoked token is refused"
            );

            async ValueTask<HttpStatusCode> Ask() =>
                (await client.GetAsync("/api/v1/requests", TestContext.Current.CancellationToken)).StatusCode;
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_first_start_prints_where_the_first_admin_is_made()
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        using var server = shell.StartProgram("--Urls=http://127.0.0.1:0", "--PathBase=/hub");
        try
        {
            string? line;
            do line = await server.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().Soon();
            while (line is not null && !line.Contains("/hub/set-up?key=", StringComparison.Ordinal));
            _ = server.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            using var client = new HttpClient();
            Assert.Equal(
                HttpStatusCode.OK,
                (await client.GetAsync(line!.Trim(), TestContext.Current.CancellationToken)).StatusCode
            );
            await shell.Program(
                "correct horse\n",
                "user",
                "add",
                "ada@example.test",
                "--name",
                "Ada",
                "--role",
                "admin",
                "--password-stdin",
                "--json"
            );
            Assert.Equal(
                HttpStatusCode.NotFound,
                (await client.GetAsync(line.Trim(), TestContext.Current.CancellationToken)).StatusCode
            );
            // The tests' own process takes fewer.
            await shell.Place.Reopen();
            var hash = await shell.Place.Text("SELECT password_hash FROM people");
            Assert.InRange(PasswordsTests.IterationsOf(hash!), 210_000, int.MaxValue);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Theory, BothEngines]
    public async Task The_command_line_knows_the_public_address_of_the_server_that_started_last(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada", "--role", "admin");
        await Serve("--PublicUrl=https://approvals.example.test/hub", "--PathBase=/hub");
        var made = await shell.Run("source", "add", "Pipeline", "--kind", "api");
        Assert.Contains("https://approvals.example.test/hub/api/v1/requests", made.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "PublicUrl",
            (await shell.Run("webhook", "add", "https://receiver.example.test")).Output,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(
            (await shell.Json("doctor")).Done.GetProperty("hints").EnumerateArray(),
            h => h.GetProperty("what").GetString()!.Contains("`PublicUrl` is missing", StringComparison.Ordinal)
        );
        // Settings of its own win.
        Assert.Contains(
            "https://other.example.test/api/v1/requests",
            (
                await shell.Run("source", "add", "Other", "--kind", "api", "--PublicUrl=https://other.example.test")
            ).Output,
            StringComparison.Ordinal
        );
        await Serve();
        Assert.DoesNotContain(
            "approvals.example.test",
            (await shell.Run("source", "add", "Third", "--kind", "api")).Output,
            StringComparison.Ordinal
        );

        async Task Serve(params string[] switches)
        {
            using var server = shell.StartProgram([.. switches, "--Urls=http://127.0.0.1:0"]);
            await Address(server.StandardOutput);
            server.Kill();
            await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_server_that_cannot_start_says_why()
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        await File.WriteAllTextAsync(
            shell.Place.Options.SqliteFile,
            new string('x', 4096),
            TestContext.Current.CancellationToken
        );
        Assert.Equal((3, "unavailable"), (await shell.Json("serve", "--Urls=http://127.0.0.1:0")).Failure);
    }

    [Fact]
    public async Task Failures_speak_on_standard_error_alone()
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        Assert.Equal((2, "usage"), (await shell.Program("", "nonsense", "--json")).Failure);
        Assert.Equal((3, "not_found"), (await shell.Program("", "user", "list", "--json")).Failure);
    }

    internal static async Task<Uri> Address(StreamReader output)
    {
        const string announcement = "Now listening on: ";
        while (await output.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().Soon() is { } line)
        {
            if (line.IndexOf(announcement, StringComparison.Ordinal) is >= 0 and var at)
            {
                _ = output.ReadToEndAsync(TestContext.Current.CancellationToken);
                return new Uri(line[(at + announcement.Length)..]);
            }
        }
        throw new InvalidOperationException("The server ended before it listened.");
    }
}
