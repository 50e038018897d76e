using System.Diagnostics;
using Countersign.Bench.Stock;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Bench;

/// <summary>
/// For whoever looks where time goes: creating and deciding without HTTP, in this process, 64 callers at a time.
/// Start it with <c>./bench.sh store</c>; it has no bar.
/// </summary>
internal static class StoreOnly
{
    private const int Callers = 64;

    public static async Task Run(string folder, TimeSpan length)
    {
        await using var store = await Session.OpenStore(folder);
        var town = await Town.Found(store);
        var (submit, decide) = (new Submit(store, new RequestIds()), new Decide(store));
        var (asks, answers) = (
            new Origin(Actor.Source(town.Askers[0].Id), "api", "127.0.0.1"),
            new Origin(Actor.Person(town.Persons[0].Id), "api", "127.0.0.1")
        );
        var viewer = new Viewer(
            Party.Person(town.Persons[0].Id),
            town.Persons[0].Id,
            IsAdmin: false,
            town.Persons[0].Name,
            answers
        );
        var created = new System.Collections.Concurrent.ConcurrentQueue<RequestId>();
        var message = new string('m', 300);
        for (var round = 0; round < 4; round++)
        {
            var r = round;
            await Measure(
                "create",
                async n =>
                {
                    var external = $"{r}-{n}";
                    var outcome = await submit.Run(
                        town.Asks(external, external + message + message),
                        asks,
                        null,
                        default
                    );
                    created.Enqueue(((SubmitOutcome.Created)outcome).Request.Id);
                    return true;
                }
            );
            await Measure(
                "decide",
                async _ =>
                    created.TryDequeue(out var id)
                    && await decide.Run(id, viewer, Answer.Approve, "Looked at the numbers.", null, default)
                        is DecideOutcome.Settled
            );
        }

        async Task Measure(string what, Func<long, Task<bool>> once)
        {
            long done = 0;
            var cpu = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            await Task.WhenAll(
                Enumerable
                    .Range(0, Callers)
                    .Select(_ =>
                        Task.Run(async () =>
                        {
                            while (watch.Elapsed < length && await once(Interlocked.Increment(ref done))) { }
                        })
                    )
            );
            var used = Environment.CpuUsage.TotalTime - cpu;
            Console.WriteLine(
                $"{what}: {done / watch.Elapsed.TotalSeconds:0}/s, {used.TotalMicroseconds / done:0.0} µs CPU each"
            );
        }
    }
}
