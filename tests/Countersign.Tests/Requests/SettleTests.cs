using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

/// <summary>Every way to settle a request passes one place, which looks at time, revision and status.</summary>
public sealed class SettleTests
{
    private const string File = """
        version: 1
        policies:
          - name: patient
            steps: [ { name: devs, need: 1, from: { people: [Ann@example.test, Ben@example.test] } } ]
            expire: { after: 72h }
        """;

    private static readonly Origin Desk = new(new Actor("destination:1"), "destination", "");

    private sealed record Scene(PolicyHub Hub, ApprovalRequest Request, Person Ann, Person Ben, Person Ada)
    {
        public TestHub Uses => Hub.Hub;
    }

    /// <summary>What anyone or anything may do to an active request, by name.</summary>
    private static readonly Dictionary<string, Func<Scene, Task>> Ways = new()
    {
        ["approval by API"] = s => s.Uses.Approve(s.Request, s.Ann),
        ["rejection by API"] = s => s.Uses.Reject(s.Request, s.Ann),
        ["abstention"] = s => s.Uses.Abstain(s.Request, s.Ann),
        ["approval on the page"] = s => Decide(s, "page"),
        ["approval by mail"] = s => Decide(s, "mail"),
        ["approval in chat"] = s => Decide(s, "slack"),
        ["override"] = s =>
            s.Hub.BreakGlass.Run(
                s.Request.Id,
                Some.Viewer(s.Ada),
                "The site is down and everybody sleeps.",
                null,
                default
            ),
        ["withdrawal"] = s => s.Uses.Withdraw.Run(s.Request.Id, Viewer.Hub(Some.Origin), "No longer needed", default),
        ["application"] = s => s.Uses.MarkApplied.Run(s.Request.Id, Viewer.Hub(Some.Origin), default),
        ["the same request again"] = s => Submit(s, "Turn on dark mode"),
        ["a revision"] = s => Submit(s, "Turn on bright mode"),
        ["another policy"] = async s =>
        {
            await s.Hub.Set(File.Replace("patient", "other", StringComparison.Ordinal));
            Assert.Contains(
                await s.Hub.Apply.Run(onlyLook: false, Some.Operator, default),
                c => c.Left == "It has expired."
            );
        },
        ["a reviewer is disabled"] = async s =>
        {
            await s.Uses.Disable(s.Ben);
            await s.Uses.Reweigh.Run(s.Ben.Id, Some.Operator, default);
            await new BlockedRequests(s.Uses.Store).Run(Some.Operator, default);
        },
        ["a comment"] = s => s.Uses.Comment.Run(s.Request.Id, Some.Viewer(s.Ann), "Too late?", default),
        ["an approval by the destination"] = s => Answer(s, approves: true),
        ["a rejection by the destination"] = s => Answer(s, approves: false),
    };

    public static readonly TheoryData<string> WayNames = [.. Ways.Keys];

    [Theory, MemberData(nameof(WayNames))]
    public Task After_its_time_nothing_but_expiry_settles_a_request_on_SQLite(string way) =>
        AfterItsTime(Engine.Sqlite, way);

    [Theory, MemberData(nameof(WayNames))]
    public async Task After_its_time_nothing_but_expiry_settles_a_request_on_PostgreSQL(string way)
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        await AfterItsTime(Engine.Postgres, way);
    }

    /// <summary>Timed work is held up: the clock has gone on, and the timekeeper has not come by.</summary>
    private static async Task AfterItsTime(Engine engine, string way)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben");
        var ada = await hub.Hub.AddPerson("Ada", Role.Admin);
        await hub.Set(File);
        var leftToDesk = way.Contains("destination", StringComparison.Ordinal);
        var request = leftToDesk
            ? await hub.Hub.Ask(
                new Policy("elsewhere", []) { Destination = "Desk", Expire = new Expiry(TimeSpan.FromHours(72)) }
            )
            : await hub.Ask();
        if (leftToDesk)
            await Linked(hub.Hub, request, "T1");
        hub.Hub.Clock.Advance(TimeSpan.FromHours(72));

        await Ways[way](new Scene(hub, request, people[0], people[1], ada));
        await hub.Clockwork.Drain();
        var now = await hub.Find(request);
        Assert.Equal((Status.Rejected, "Expired after 72 h"), (now.Status, now.Display));
        Assert.Single(await hub.Kinds(request), "request.rejected");
        Assert.DoesNotContain("request.approved", await hub.Kinds(request));
        Assert.Empty(await hub.Hub.WaitsFor(request.Id));
        Assert.Equal(0, await hub.Hub.Planned());
        if (leftToDesk)
            Assert.Equal("request.answer_refused", (await hub.Kinds(request))[^1]);
        else
            Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task No_use_case_changes_a_status_past_the_one_place(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        foreach (var status in new[] { Status.Approved, Status.Rejected, Status.Withdrawn })
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() =>
                hub.Store.InTransaction(async tx =>
                    await RequestChange.Save(
                        tx,
                        request,
                        request with
                        {
                            Status = status,
                            SettledAt = tx.Now,
                        },
                        Some.Origin,
                        $"request.{status.ToWireName()}",
                        new { status = status.ToWireName() }
                    )
                )
            );
        }
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            hub.Store.InTransaction(async tx =>
                await Settle.As(tx, request, revision: 2, [], Status.Approved, "Approved", Some.Origin, new { })
            )
        );
        Assert.Equal(Status.Active, (await hub.Find(request.Id)).Status);
        Assert.Equal(["request.submitted"], await hub.Kinds(request.Id));
    }

    [Theory, BothEngines]
    public async Task An_answer_counts_only_under_the_id_that_the_activity_recorded(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        // No destination was added; what it says is handed in.
        hub.Place.IsTampered = true;
        var request = await hub.Ask(new Policy("elsewhere", []) { Destination = "Desk" });
        await Refused(hub, request, "T1", "other_id");
        await Linked(hub, request, "T1");
        await Refused(hub, request, "T2", "other_id");
        await Refused(hub, request, "T1", "other_revision", revision: 2);
        // Handed over once more, so the earlier id does not count any longer.
        await Linked(hub, request, "T3");
        await Refused(hub, request, "T1", "other_id");
        Assert.IsType<DestinationAnswerOutcome.Settled>(await Take(hub, request, "T3"));
        Assert.Equal(Status.Approved, (await hub.Find(request.Id)).Status);
        await Refused(hub, request, "T3", "settled");
    }

    private static async Task Refused(
        TestHub hub,
        ApprovalRequest request,
        string externalId,
        string rule,
        int revision = 1
    )
    {
        var before = (await hub.Find(request.Id)).Status;
        Assert.IsType<DestinationAnswerOutcome.Refused>(await Take(hub, request, externalId, revision: revision));
        Assert.Equal(before, (await hub.Find(request.Id)).Status);
        var last = (await hub.Place.Events(request.Id.Subject))[^1];
        Assert.Equal("request.answer_refused", last.Kind);
        Assert.Contains($"\"rule\":\"{rule}\"", last.Data, StringComparison.Ordinal);
    }

    private static Task<DestinationAnswerOutcome> Take(
        TestHub hub,
        ApprovalRequest request,
        string externalId,
        bool approves = true,
        int revision = 1
    ) =>
        hub.Store.InTransaction(tx =>
            AnswerFromDestination.Take(
                tx,
                new DestinationAnswer(request.Id, "Desk", revision, approves, "yes", "Yes", WasBoth: false, externalId),
                Desk
            )
        );

    private static Task<bool> Linked(TestHub hub, ApprovalRequest request, string externalId) =>
        hub.Store.InTransaction(tx =>
            AnswerFromDestination.Note(
                tx,
                request.Id,
                Desk,
                "request.linked",
                new
                {
                    destination = "Desk",
                    externalId,
                    revision = 1,
                }
            )
        );

    private static Task<DestinationAnswerOutcome> Answer(Scene scene, bool approves) =>
        Take(scene.Uses, scene.Request, "T1", approves);

    private static Task<DecideOutcome> Decide(Scene scene, string via) =>
        scene.Uses.Decide.Run(
            scene.Request.Id,
            Some.Viewer(scene.Ann, via),
            Requests.Answer.Approve,
            "",
            null,
            default
        );

    private static Task<SubmitOutcome> Submit(Scene scene, string subject) =>
        scene.Uses.Submit.Run(
            Some.Submission(scene.Request.Policy).Saying(subject) with
            {
                ExternalId = scene.Request.ExternalId,
            },
            Some.Origin,
            null,
            default
        );
}
