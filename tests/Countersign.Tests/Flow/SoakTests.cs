using System.Globalization;
using Countersign.Hosting;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>
/// The program under a steady, mixed load: it logs no error, its queue stays short, and, over the hour that
/// <c>./test.sh --long</c> takes, it needs no more memory and files at the end than after it got warm. SOAK_MINUTES
/// sets another length.
/// </summary>
public sealed class SoakTests
{
    private const string Email = "ada@example.test",
        Password = "correct horse battery";

    /// <summary>Rounds of the load at a time, and how long each rests after one.</summary>
    private const int Callers = 3;

    private const int Samples = 60;
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(200),
        MaxQueueAge = TimeSpan.FromSeconds(30);

    /// <summary>What may grow until then isn't compared: pools, caches, compiled code.</summary>
    private const double WarmUp = 0.3;

    private static readonly TimeSpan Length =
        Environment.GetEnvironmentVariable("SOAK_MINUTES") is { Length: > 0 } set
            ? TimeSpan.FromMinutes(double.Parse(set, CultureInfo.InvariantCulture))
        : LongRun.IsAskedFor ? TimeSpan.FromHours(1)
        : TimeSpan.Zero;

    [Theory, BothEngines]
    public async Task Under_a_steady_load_nothing_grows_and_nothing_fails(Engine engine)
    {
        Assert.SkipWhen(Length == TimeSpan.Zero, "An hour long: only ./test.sh --long, or SOAK_MINUTES, asks for it.");
        await using var shell = await Shell.Start(engine);
        await using var receiver = await FastReceiver.Start(_ => { });
        await using var box = new MailBox { Keeps = false };
        await shell.RunWithInput(
            Password + "\n",
            ["user", "add", Email, "--name", "Ada", "--role", "admin", "--password-stdin"]
        );
        var token = (await shell.Json("token", "add", Email)).Done.GetProperty("token").GetString()!;
        var key = (await shell.Json("source", "add", "Shop", "--kind", "api")).Done.GetProperty("key").GetString()!;
        await shell.Json("webhook", "add", receiver.Address.ToString(), "--event", "request.*");
        await using var node = await Node.Start(
            shell,
            Shell.OwnProgram,
            "--Urls=http://127.0.0.1:0",
            "--PublicUrl=http://approvals.example.test",
            "--Egress:Allow=127.0.0.0/8",
            "--RateLimit:PerKeyPerMinute=0",
            "--Shutdown:Drain=0s",
            "--Email:Host=127.0.0.1",
            $"--Email:Port={box.Port}",
            "--Email:Security=none",
            "--Email:From=approvals@example.test"
        );

        using var end = new CancellationTokenSource();
        var load = Task.WhenAll(Enumerable.Range(0, Callers).Select(n => Call(node, key, token, n, end.Token)));
        var samples = new List<Sample>();
        try
        {
            while (samples.Count < Samples && !load.IsCompleted)
            {
                await Task.WhenAny(load, Task.Delay(Length / Samples, TestContext.Current.CancellationToken));
                samples.Add(await Sample.Of(node, shell));
            }
        }
        finally
        {
            await end.CancelAsync();
        }
        var rounds = (await load).Sum();

        // Summaries by email may be due later.
        await Eventually.True(
            async () => (await Sample.Of(node, shell)).QueueAge == TimeSpan.Zero,
            "all that is due is done"
        );
        Assert.Equal([], node.Faults);
        Assert.Equal(0, await shell.Place.Number("SELECT count(*) FROM jobs WHERE state = 'dead'"));
        Assert.True((await shell.Json("audit", "verify")).Done.GetProperty("ok").GetBoolean());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{engine}: {rounds} rounds, {box.Count} mails\n{string.Join('\n', samples)}"
        );
        NothingGrew(samples);
    }

    private static void NothingGrew(List<Sample> samples)
    {
        var warm = samples.Skip((int)(Samples * WarmUp)).Take(Samples / 6).ToList();
        var last = samples.TakeLast(Samples / 6).ToList();
        Assert.All(samples, s => Assert.True(s.QueueAge < MaxQueueAge, $"{s}"));
        if (OperatingSystem.IsLinux())
        {
            var (memory, now) = (Median(warm, s => s.Memory), Median(last, s => s.Memory));
            Assert.True(now <= memory * 1.1, $"Memory grew from {memory:N0} to {now:N0} bytes.");
            var (files, open) = (Median(warm, s => s.Files), Median(last, s => s.Files));
            Assert.True(open <= files + 10, $"Open files grew from {files} to {open}.");
        }
    }

    private static long Median(List<Sample> samples, Func<Sample, long> of) =>
        samples.Select(of).Order().ElementAt(samples.Count / 2);

    /// <summary>One after the other what sources, people and browsers do; how many rounds of it.</summary>
    private static async Task<int> Call(Node node, string key, string token, int caller, CancellationToken end)
    {
        using var shop = new ApiClient(node.Address, new("Bearer", key));
        using var ada = new ApiClient(
            node.Address,
            new("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{Email}/token:{token}")))
        );
        using var browser = new Browser(node.Address, null);
        Assert.Equal(
            302,
            (await browser.Submit("/sign-in", "/sign-in", ("email", Email), ("password", Password))).Status
        );
        for (var n = 0; ; n++)
        {
            if (end.IsCancellationRequested)
                return n;
            var asked = await shop.Post(
                "/api/v1/requests",
                new
                {
                    subject = $"Change {caller}-{n}",
                    message = $"As **planned** in round {n}.",
                    facts = new { environment = "production", round = n },
                    externalId = $"{caller}-{n}",
                }
            );
            Assert.Equal(201, asked.Status);
            var path = $"/api/v1/requests/{asked["id"]}";
            Assert.Equal("active", (await shop.Get(path))["status"]);
            Assert.Equal(200, (await ada.Get("/api/v1/requests?waiting=me&size=20")).Status);
            Assert.Equal(200, (await browser.Get("/")).Status);
            Assert.Equal(200, (await browser.Get($"/requests/{asked["id"]}")).Status);
            Assert.Equal(201, (await ada.Post($"{path}/comments", new { text = "Looking at it." })).Status);
            // Some wait for good: lists have something to show.
            if (n % 10 != 9)
            {
                var answer = n % 3 == 0 ? "reject" : "approve";
                Assert.Equal(200, (await ada.Post($"{path}/decisions", new { answer, note = "Seen." })).Status);
                Assert.NotEqual("active", (await shop.Get($"{path}?wait=10s"))["status"]);
            }
            await Task.WhenAny(Task.Delay(Rest, CancellationToken.None), Task.Delay(-1, end));
        }
    }

    /// <summary>What the process and the queue were like at one moment.</summary>
    private sealed record Sample(long Memory, long Files, TimeSpan QueueAge)
    {
        public static async Task<Sample> Of(Node node, Shell shell)
        {
            var (memory, files) = OperatingSystem.IsLinux() ? OfProcess(node.Id) : (0, 0);
#pragma warning disable RS0030 // The server is a process of its own, and goes by the system's clock.
            var now = TimeProvider.System.GetUtcNow();
#pragma warning restore RS0030
            var figures = await shell.Place.Store.Read(reader => EngineFigures.Of(reader, now));
            return new Sample(memory, files, figures.Jobs.Select(j => j.Overdue).Append(TimeSpan.Zero).Max());
        }

        private static (long Memory, long Files) OfProcess(int id)
        {
            var resident = File.ReadLines($"/proc/{id}/status")
                .First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2];
            return (
                long.Parse(resident, CultureInfo.InvariantCulture) * 1024,
                System.IO.Directory.GetFileSystemEntries($"/proc/{id}/fd").Length
            );
        }
    }
}
