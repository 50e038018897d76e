using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Countersign.Hosting;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Hosting;

/// <summary>What a server says while it starts, or when it can't.</summary>
public sealed partial class StartUpTests
{
    [Theory]
    [InlineData("simple")]
    [InlineData("json")]
    [InlineData("systemd")]
    public async Task The_whole_log_has_one_format_and_times_in_UTC(string format)
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        var lines = await Start(shell, $"--Logging:Console:FormatterName={format}");
        Assert.Contains(lines, line => line.Contains("Creating a new store", StringComparison.Ordinal));
        Assert.All(
            lines,
            line =>
                Assert.Matches(
                    Time(),
                    format switch
                    {
                        "json" => JsonDocument.Parse(line).RootElement.GetProperty("Timestamp").GetString(),
                        "systemd" => line[3..],
                        _ => line,
                    }
                )
        );
    }

    [Theory, BothEngines]
    public async Task A_server_begins_with_what_it_is_and_serves(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var lines = await Start(shell, "--PublicUrl=https://approvals.example.test");
        var line = Assert.Single(lines, l => l.Contains(" starts with ", StringComparison.Ordinal));
        foreach (
            var part in (string[])
                [
                    $"Countersign {Product.Version}",
                    engine == Engine.Sqlite ? "SQLite 3." : "PostgreSQL 1",
                    engine == Engine.Sqlite ? shell.Place.Options.SqliteFile : "on 127.0.0.1:",
                    "migration 0",
                    "https://approvals.example.test",
                ]
        )
        {
            Assert.Contains(part, line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Names_of_the_framework_work_or_are_said_to_be_ignored()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        shell.Variables["ASPNETCORE_URLS"] = "http://127.0.0.1:1";
        shell.Variables["Logging__LogLevel__Countersign.Storage"] = "None";
        shell.Variables["ASPNETCORE_ENVIRONMENT"] = "Development";
        var lines = await Start(shell);
        Assert.Contains(
            lines,
            l => l.Contains("ASPNETCORE_URLS is ignored; set COUNTERSIGN_Urls", StringComparison.Ordinal)
        );
        Assert.Contains(lines, l => l.Contains("ASPNETCORE_ENVIRONMENT is ignored", StringComparison.Ordinal));
        var hints = (await shell.Program("", "doctor", "--json")).Document.GetProperty("hints").EnumerateArray();
        Assert.Contains(
            hints,
            h => h.GetProperty("what").GetString()!.Contains("ASPNETCORE_URLS", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task A_port_that_is_taken_is_told_in_one_sentence(string host)
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var ran = await shell.Program("", "serve", $"--Urls=http://{host}:{port}");
        Assert.Equal(1, ran.ExitCode);
        Assert.Matches($"^Another program.* listens on http://[^ ]+:{port}\\. Stop it.*\n$", ran.Error);
        Assert.DoesNotContain("Exception", ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_written_is_told_in_one_sentence()
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        var file = Path.Combine(shell.Folder, "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        var folder = Path.Combine(file, "data");
        foreach (
            var key in (string[][])
                [
                    [],
                    ["--RootKeyFile", shell.RootKeyFile],
                ]
        )
        {
            var ran = await Shell.Anywhere(["serve", "--data", folder, "--Urls=http://127.0.0.1:0", .. key]);
            Assert.Equal(3, ran.ExitCode);
            Assert.Matches($"^The data folder {folder} can't be written by .*--data\\.\r?\n$", ran.Error);
        }
    }

    [Fact]
    public async Task Systemd_is_told_when_the_service_is_ready_and_when_it_stops()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "systemd runs on Linux.");
        await using var shell = await Shell.Start(Engine.Sqlite);
        var path = Path.Combine(shell.Folder, "notify");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(path));
        shell.Variables["NOTIFY_SOCKET"] = path;
        // Which program started it is how the service knows that it is one.
        var parent = Path.Combine(shell.Folder, "systemd");
        File.Copy("/bin/sh", parent);
        using var server = shell.StartProgramUnder(
            parent,
            "\"$0\" \"$@\" & trap 'kill $!' TERM; wait $!; wait $!",
            "serve",
            "--Urls=http://127.0.0.1:0"
        );
        Assert.Equal("READY=1", await Told());
        Process.Start("kill", $"-TERM {server.Id}").Dispose();
        Assert.Equal("STOPPING=1", await Told());
        await server.WaitForExitAsync(TestContext.Current.CancellationToken).Soon();

        async Task<string> Told()
        {
            var text = new byte[100];
            var length = await manager.ReceiveAsync(text, TestContext.Current.CancellationToken).AsTask().Soon();
            return Encoding.UTF8.GetString(text, 0, length);
        }
    }

    /// <summary>The log up to where the server listens.</summary>
    private static async Task<List<string>> Start(Shell shell, params string[] switches)
    {
        using var server = shell.StartProgram([.. switches, "--Urls=http://127.0.0.1:0"]);
        try
        {
            var lines = new List<string>();
            while (
                await server.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().Soon()
                    is { } line
            )
            {
                lines.Add(line);
                if (line.Contains("Now listening on", StringComparison.Ordinal))
                    return lines;
            }
            throw new InvalidOperationException(string.Join('\n', lines));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z( |$)", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Time();
}
