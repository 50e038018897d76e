using System.Diagnostics;
using Countersign.Audit;
using Countersign.Audit.Receipts;
using Countersign.Bench.Stock;
using Countersign.Policies;
using Countersign.Proof;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using EventLog = Countersign.Storage.EventLog;

namespace Countersign.Bench.Rows;

/// <summary>
/// What the signed log costs, in this process and on SQLite: while 64 callers create and decide, and afterwards for
/// receipts and for verification, which is measured again on a copy of the store that has seals and no tree.
/// </summary>
internal sealed class ProofRows(Options options, Report report)
{
    private const int Callers = 64,
        Hashed = 900,
        Receipts = 1_000;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);

    public async Task Run()
    {
        var folder = Session.Fresh(options, "proof");
        var root = RootKey.Load(Path.Combine(folder, "root.key"), mayCreate: true);
        using var key = new SealKey(root);
        await using (var store = await Session.OpenStore(folder))
        {
            var town = await Town.Found(store);
            var place = new SigningPlace(Path.Combine(folder, "signed"), null, "bench.example.test");
            var tree = new LogTree(store, root, key, place, NullLogger<LogTree>.Instance);
#pragma warning disable RS0030 // The bench is a program of its own, and this is where its clock comes in.
            using var sealer = new Sealer(store, key, tree, TimeProvider.System, NullLogger<Sealer>.Instance);
#pragma warning restore RS0030
            await sealer.StartAsync(default);
            var ids = await UnderLoad(store, town);
            await sealer.StopAsync(default);
            await TreeWork(store);
            await ReceiptsOf(store, town, ids);
        }
        await VerifyWithAndWithout(folder, key);
    }

    /// <summary>The longest time from an event's commit to a signed head that has it.</summary>
    private async Task<List<RequestId>> UnderLoad(Store store, Town town)
    {
        var (submit, decide) = (new Submit(store, new RequestIds()), new Decide(store));
        var asks = new Origin(Actor.Source(town.Askers[0].Id), "api", "127.0.0.1");
        var viewer = ViewerOf(town);
        var ids = new System.Collections.Concurrent.ConcurrentBag<RequestId>();
        var (watch, length, next) = (Stopwatch.StartNew(), options.Slice * 4, 0L);
        var load = Task.WhenAll(
            Enumerable
                .Range(0, Callers)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        while (watch.Elapsed < length)
                        {
                            var n = $"{Interlocked.Increment(ref next)}";
                            var body = $$"""{"subject":"Turn on checkout-v2","number":"{{n}}"}""";
                            var digest = Hashes.Sha256(Digest.TextOf(WellFormed.Json(body)));
                            var asked = town.Asks(n, body) with { Digest = digest };
                            var created = (SubmitOutcome.Created)await submit.Run(asked, asks, null, default);
                            await decide.Run(created.Request.Id, viewer, Answer.Approve, "Fine.", null, default);
                            ids.Add(created.Request.Id);
                        }
                    })
                )
        );
        var longest = TimeSpan.Zero;
        while (!load.IsCompleted)
        {
            var (end, since) = (await store.Read(EventLog.End), Stopwatch.GetTimestamp());
            while (await store.Read(r => r.Number(Signed)) < end)
                await Task.Delay(Poll);
            // Until both are compiled and the first tree has begun.
            if (watch.Elapsed > length / 2 && Stopwatch.GetElapsedTime(since) is var took && took > longest)
                longest = took;
        }
        await load;
        var rate = await store.Read(EventLog.End) / watch.Elapsed.TotalSeconds;
        report.Add(
            Row.Of(
                $"longest time from commit to seal and signature, at {rate:0} events/s",
                longest.TotalSeconds,
                "0.00",
                "s",
                Bar.AtMost(1, unit: "s")
            )
        );
        return [.. ids];
    }

    private const string Signed = "SELECT max(position) FROM tree_heads WHERE note IS NOT NULL";

    /// <summary>What the sealer does for each event besides reading: hashing its parts and leaf, and a node.</summary>
    private async Task TreeWork(Store store)
    {
        var events = await store.Read(r =>
            r.All<StoredEvent>($"SELECT {StoredEvent.Columns} FROM events ORDER BY id DESC LIMIT {Hashed}")
        );
        var (before, best, edge) = (new string('a', 64), TimeSpan.MaxValue, new TreeEdge());
        for (var round = 0; round < 60; round++)
        {
            var started = Stopwatch.GetTimestamp();
            foreach (var e in events)
            {
                foreach (var _ in edge.Append(Convert.FromHexString(e.HashAfter(before)!))) { }
            }
            var each = Stopwatch.GetElapsedTime(started) / Hashed;
            best = each < best ? each : best;
        }
        report.Add(Row.Of("tree work per event", best.TotalMicroseconds, "0.0", "µs", Bar.AtMost(6, unit: "µs")));
    }

    private async Task ReceiptsOf(Store store, Town town, List<RequestId> ids)
    {
        var (make, viewer, took) = (new MakeReceipt(store), ViewerOf(town), new List<double>());
        for (var i = 0; i < 2 * Receipts; i++)
        {
            var started = Stopwatch.GetTimestamp();
            var id = ids[(int)((long)i * ids.Count / (2 * Receipts))];
            if (await make.Run(id, null, viewer) is not ReceiptOutcome.Made)
                throw new InvalidOperationException("The bench does not measure what it says.");
            took.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        // The first half warms up.
        var sorted = took.Skip(Receipts).Order().ToList();
        var slowest = sorted[Receipts * 99 / 100];
        report.Add(Row.Of("receipt made, 99 of 100", slowest, "0.00", "ms", Bar.AtMost(10, unit: "ms")));
    }

    private async Task VerifyWithAndWithout(string folder, SealKey key)
    {
        var bare = Session.Fresh($"{folder}-bare");
        foreach (var file in new[] { "countersign.db", "root.key" })
            File.Copy(Path.Combine(folder, file), Path.Combine(bare, file));
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(bare, "countersign.db")}"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM tree_heads; DELETE FROM tiles; DELETE FROM epochs";
            command.ExecuteNonQuery();
        }
        SqliteConnection.ClearAllPools();
        await using var whole = await Session.OpenStore(folder);
        await using var without = await Session.OpenStore(bare);
        var (with, other) = (double.MaxValue, double.MaxValue);
        for (var i = 0; i <= options.Pairs; i++)
        {
            var (one, two) = (await Verified(whole), await Verified(without));
            if (i > 0)
                (with, other) = (Math.Min(with, one), Math.Min(other, two));
        }
        report.Add(
            new Row(
                "audit verify per event, against the same without the tree (CPU)",
                $"{Report.Text(with, "0.0")} µs",
                $"{Report.Text(other, "0.0")} µs",
                $"{Report.Text(with / other)} ×",
                with / other,
                Bar.AtMost(1.15)
            )
        );

        async Task<double> Verified(Store store)
        {
            var before = Environment.CpuUsage.TotalTime;
            var verification = await new Verify(store, key) { ChecksPolicies = false }.Run(null);
            if (!verification.Ok)
                throw new InvalidOperationException(verification.Problem);
            return (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / verification.Events;
        }
    }

    private static Viewer ViewerOf(Town town)
    {
        var person = town.Persons[0];
        var origin = new Origin(Actor.Person(person.Id), "api", "127.0.0.1");
        return new Viewer(Party.Person(person.Id), person.Id, IsAdmin: false, person.Name, origin);
    }
}
