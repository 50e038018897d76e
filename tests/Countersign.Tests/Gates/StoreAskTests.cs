using System.Collections.Concurrent;
using Countersign.Gates;
using Countersign.Outcomes;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>What is owed for a request that a system waits for.</summary>
public sealed class StoreAskTests
{
    [Theory, BothEngines]
    public async Task A_caller_that_cannot_be_asked_is_told_before_its_time_is_up_as_well(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await hub.AddPerson("Ada", Role.Admin);
        var gate = new Unwatched();
        var sources = new GateSources(
            hub.Store,
            new EphemeralDataProtectionProvider(),
            [gate],
            NullLogger<GateSources>.Instance
        );
        var key = await hub.AddSource("gate", kind: gate.Kind);
        Some.Done(await sources.Set("gate", new Dictionary<string, string>(), Some.Operator, default));
        using var directory = new PeopleDirectory(hub.Store);
        var source = (await directory.Refresh()).Sources[key.Id];
        using var egress = new Egress(new EgressOptions());
        using var worker = new JobWorker(
            hub.Store,
            [
                new WatchCaller(
                    hub.Store,
                    new CallerState(sources, new GateCaller(hub.Store, egress, sources), directory),
                    new OutcomeOptions()
                ),
            ],
            NullLogger<JobWorker>.Instance
        );
        await new StoreAsk(hub.Store, sources, directory, hub.Submit).Run(
            gate,
            source,
            new GateAsk
            {
                Id = "ask",
                Subject = "Go on",
                Facts = "{}",
                Content = "{}",
                Requester = new GateRequester("", "Someone", ["someone"], IsPerson: true),
                Reply = new GateReply("https://example.com", new Dictionary<string, string>()),
            },
            null,
            Some.Operator,
            default
        );
        var id = RequestId.Of((await hub.Place.Text("SELECT request_id FROM gate_replies"))!);
        hub.Clock.Advance(TimeSpan.FromMinutes(49));
        await worker.Drain();
        Assert.Equal(Status.Active, (await hub.Find(id)).Status);
        hub.Clock.Advance(TimeSpan.FromMinutes(2));
        await worker.Drain();
        Assert.Equal(Status.Withdrawn, (await hub.Find(id)).Status);
        Assert.Equal(
            1,
            await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'gate_verdict' AND key = @id", new { id })
        );
    }

    [Theory]
    [InlineData(GateReplies.FindOpen)]
    [InlineData(GateReplies.FindRejected)]
    [InlineData(GateReplies.FindLatest)]
    [InlineData(GateReplies.CountApproved)]
    public async Task What_a_group_has_is_found_without_reading_all_requests_of_a_status(string find)
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        var plan = await hub.Store.Read(r =>
            r.All<PlanRow>("EXPLAIN QUERY PLAN " + find, new { source = 1L, group = "g" })
        );
        Assert.Matches(
            "^SEARCH (g|gate_replies) USING",
            plan.First(p => p.Detail.StartsWith("SEARCH", StringComparison.Ordinal)).Detail
        );
    }

    [Fact]
    public async Task A_source_whose_lost_calls_cannot_be_looked_for_keeps_no_other_from_it()
    {
        await using var hub = await TestHub.Start(Engine.Sqlite);
        var gate = new Unwatched();
        var sources = new GateSources(
            hub.Store,
            new EphemeralDataProtectionProvider(),
            [gate],
            NullLogger<GateSources>.Instance
        );
        foreach (var name in new[] { "one", "two", "three" })
        {
            await hub.AddSource(name, kind: gate.Kind);
            Some.Done(await sources.Set(name, new Dictionary<string, string>(), Some.Operator, default));
        }
        using var directory = new PeopleDirectory(hub.Store);
        await directory.Refresh();
        using var egress = new Egress(new EgressOptions());
        var recover = new RecoverCalls(
            hub.Store,
            sources,
            new GateCaller(hub.Store, egress, sources),
            directory,
            new StoreAsk(hub.Store, sources, directory, hub.Submit),
            NullLogger<RecoverCalls>.Instance
        );
        var job = new Job
        {
            Kind = recover.Kind,
            Key = "all",
            Subject = JobToAdd.OfHub,
            DueAt = "",
            CreatedAt = "",
        };
        Assert.IsType<JobResult.Again>(await recover.Run(job, default));
        Assert.Equal(3, gate.Asked.Distinct().Count());
    }

    private sealed class PlanRow
    {
        public required string Detail { get; init; }
    }

    /// <summary>Waits for an hour, and has nothing that could be asked meanwhile.</summary>
    private sealed class Unwatched : IGate
    {
        public string Kind => SourceKinds.Terraform;
        public GateTraits Traits { get; } =
            new() { MaxWait = TimeSpan.FromHours(1), Margin = TimeSpan.FromMinutes(10) };
        public IReadOnlyList<GateField> Fields => [];

        /// <summary>Of which sources its lost calls were to be listed, which it can't.</summary>
        public ConcurrentBag<long> Asked { get; } = [];

        public OutgoingCall? Recent(GateSettings settings, DateTimeOffset now)
        {
            Asked.Add(settings.SourceId);
            throw new InvalidOperationException("It can't be listed.");
        }

        public bool IsGenuine(GateCall call, GateSettings settings) => true;

        public GateMessage Parse(GateCall call, GateSettings settings) => new GateMessage.Ping();

        public IReadOnlyList<Uri> Origins(GateSettings settings) => [];

        public OutgoingCall Verdict(GateSettings settings, GateReply reply, GateVerdict verdict) =>
            new(HttpMethod.Post, new Uri(reply.Url));

        public CallResult Classify(CallAnswer answer, TimeSpan age) => new CallResult.Delivered();
    }
}
