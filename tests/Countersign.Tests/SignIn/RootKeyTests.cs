using System.Net;
using Countersign.Audit;
using Countersign.SignIn;
using Countersign.Tests.Cli;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests;

public sealed class RootKeyTests
{
    [Fact]
    public async Task A_store_that_came_without_its_key_gets_no_other_one()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        File.Delete(shell.RootKeyFile);
        using var server = shell.StartProgram("--Urls=http://127.0.0.1:0");
        var why = await server.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken).Soon();
        await server.WaitForExitAsync(TestContext.Current.CancellationToken).Soon();
        Assert.Equal(3, server.ExitCode);
        Assert.Contains("from a backup", why, StringComparison.Ordinal);
        Assert.False(File.Exists(shell.RootKeyFile));
    }

    [Fact]
    public async Task Whoever_starts_at_the_same_time_gets_the_same_new_key()
    {
        const int processes = 4,
            rounds = 500;
        var folder = Directory.CreateTempSubdirectory("countersign-root-");
        var keys = new string[processes, rounds];
        using var begin = new Barrier(processes);
        await Task.WhenAll(
            Enumerable
                .Range(0, processes)
                .Select(process => Task.Factory.StartNew(() => Start(process), TaskCreationOptions.LongRunning))
        );
        for (var round = 0; round < rounds; round++)
        {
            Assert.Single(Enumerable.Range(0, processes).Select(process => keys[process, round]).Distinct());
            Assert.Equal(["root.key"], Directory.GetFiles(FolderOf(round)).Select(Path.GetFileName));
        }
        folder.Delete(recursive: true);

        void Start(int process)
        {
            for (var round = 0; round < rounds; round++)
            {
                begin.SignalAndWait();
                using var key = new SealKey(RootKey.Load(Path.Combine(FolderOf(round), "root.key"), mayCreate: true));
                keys[process, round] = key.PublicKey;
            }
        }

        string FolderOf(int round) => Path.Combine(folder.FullName, $"{round}");
    }

    [Theory, BothEngines]
    public async Task With_the_key_of_another_store_a_server_does_not_start_and_nothing_is_changed(Engine engine)
    {
        await using var shell = await Sealed(engine);
        await OtherKey(shell);
        var before = await shell.Place.Everything("events", "seals", "key_ring", "people");

        Assert.Equal((1, WrongRootKey.Code), (await shell.Json("serve", "--Urls=http://127.0.0.1:0")).Failure);
        Assert.Equal(
            (1, WrongRootKey.Code),
            (await shell.Json("user", "add", "bob@example.test", "--name", "Bob")).Failure
        );

        Assert.Equal(before, await shell.Place.Everything("events", "seals", "key_ring", "people"));
        // What only reads says itself what it finds, or needs no key.
        Assert.Equal(0, (await shell.Json("user", "list")).ExitCode);
        Assert.Equal(1, (await shell.Json("audit", "verify")).ExitCode);
    }

    [Theory, BothEngines]
    public async Task The_key_ring_tells_a_wrong_key_before_the_first_seal(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var api = await ApiHost.Start(hub);
        await using var shell = Shell.On(hub.Place);
        await hub.Place.Tamper("DELETE FROM seals");
        Assert.NotEqual(0, await hub.Place.Count("key_ring"));
        Assert.Equal(
            (1, WrongRootKey.Code),
            (await shell.Json("user", "add", "bob@example.test", "--name", "Bob")).Failure
        );
    }

    [Theory, BothEngines]
    public async Task Doctor_tells_a_wrong_key(Engine engine)
    {
        await using var shell = await Sealed(engine);
        Assert.True((await shell.Json("doctor")).Done.GetProperty("rootKey").GetProperty("fitsStore").GetBoolean());
        await OtherKey(shell);
        var ran = await shell.Json("doctor");
        Assert.Equal(1, ran.ExitCode);
        Assert.False(ran.Document.GetProperty("rootKey").GetProperty("fitsStore").GetBoolean());
        Assert.Contains("isn't the one that this store was sealed with", ran.Output, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task A_node_whose_key_turns_out_to_be_another_is_not_ready(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var api = await ApiHost.Start(hub);
        Assert.Equal(200, (await api.Nobody().Get("/health/ready")).Status);
        await hub.AddPerson("Ada");
        await api.Services.GetRequiredService<Sealer>().SealAll(TestContext.Current.CancellationToken);
        Assert.Equal(200, (await api.Nobody().Get("/health/ready")).Status);
        // As another node with another key would have sealed.
        await hub.Place.Tamper("UPDATE seals SET signature = 'another'");
        var ready = await api.Nobody().Get("/health/ready");
        Assert.Equal(503, ready.Status);
        Assert.Contains("root key", ready.Text, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task A_hub_whose_key_is_lost_serves_when_told_so(Engine engine)
    {
        await using var shell = await Sealed(engine);
        await OtherKey(shell);
        using var server = shell.StartProgram("--Urls=http://127.0.0.1:0", "--RootKeyLost=true");
        try
        {
            using var client = new HttpClient { BaseAddress = await ProgramTests.Address(server.StandardOutput) };
            var ready = await client.GetAsync("/health/ready", TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
            Assert.Contains(
                "degraded",
                await ready.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
                StringComparison.Ordinal
            );
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    private static async Task<Shell> Sealed(Engine engine)
    {
        var shell = await Shell.Start(engine);
        Assert.Equal(0, (await shell.Json("user", "add", "ada@example.test", "--name", "Ada")).ExitCode);
        using var key = new SealKey(RootKey.Load(shell.RootKeyFile, mayCreate: false));
        await Sealers.Of(shell, key).SealAll(TestContext.Current.CancellationToken);
        return shell;
    }

    private static async Task OtherKey(Shell shell) =>
        await File.WriteAllTextAsync(
            shell.RootKeyFile,
            Convert.ToBase64String(new byte[32]),
            TestContext.Current.CancellationToken
        );
}
