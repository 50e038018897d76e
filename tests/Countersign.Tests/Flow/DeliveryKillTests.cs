using System.Collections.Concurrent;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>The real process, killed without warning between sending news and writing down that it was sent.</summary>
public sealed class DeliveryKillTests
{
    private const int Events = 60;

    [Theory, BothEngines]
    public async Task Killed_while_it_sends_every_event_arrives_and_a_repeat_has_the_id_it_had(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var heard = new ConcurrentQueue<(string Id, string Body)>();
        Action<int> killAt = _ => { };
        await using var receiver = new Receiver(call =>
        {
            heard.Enqueue((call.Headers["webhook-id"], call.Body));
            killAt(heard.Count);
            return new Conduct.Answers(200);
        });
        await shell.Json("webhook", "add", receiver.Address.ToString(), "--event", "request.submitted");
        var key = (await shell.Json("source", "add", "Shop", "--kind", "api")).Done.GetProperty("key").GetString()!;

        foreach (var moment in new[] { 5, 25, 45 })
        {
            using var server = shell.StartProgram(Settings);
            var address = await ProgramTests.Address(server.StandardOutput);
            var killed = new TaskCompletionSource();
            killAt = count =>
            {
                if (count < moment || killed.Task.IsCompleted)
                    return;
                // The call has arrived, and its answer never will.
                server.Kill();
                server.WaitForExit();
                killed.TrySetResult();
            };
            using var shop = new ApiClient(address, new("Bearer", key));
            for (var i = 0; i < Events / 3; i++)
            {
                try
                {
                    await shop.Post(
                        "/api/v1/requests",
                        new { subject = $"{moment}-{i}", externalId = $"{moment}-{i}" }
                    );
                }
                catch (HttpRequestException)
                {
                    // Killed meanwhile.
                }
            }
            await killed.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            killAt = _ => { };
            // Claims run out, as they would after a minute and a half.
            await shell.Place.Tamper(
                "UPDATE jobs SET next_at = '2020-01-01T00:00:00.000Z' WHERE kind = 'delivery' AND holder IS NOT NULL"
            );
        }
        using (var last = shell.StartProgram(Settings))
        {
            await ProgramTests.Address(last.StandardOutput);
            await Eventually.True(
                async () =>
                    await shell.Place.IsFollowed()
                    && await shell.Place.Number("SELECT count(*) FROM deliveries WHERE state <> 'delivered'") == 0,
                "everything is delivered"
            );
            last.Kill();
            last.WaitForExit();
        }

        var told = heard.GroupBy(h => h.Id).ToList();
        Assert.Equal(await shell.Place.Count("requests"), told.Count);
        Assert.Equal(told.Count, told.Select(t => t.First().Body).Distinct().Count());
        Assert.Contains(told, t => t.Count() > 1);
    }

    private static readonly string[] Settings =
    [
        "--Urls=http://127.0.0.1:0",
        "--Egress:Allow=127.0.0.0/8",
        "--PublicUrl=http://approvals.example.test",
    ];
}
