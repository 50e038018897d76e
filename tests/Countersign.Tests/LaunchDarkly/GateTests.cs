using Countersign.Outcomes.Email;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.LaunchDarkly;

/// <summary>
/// While LaunchDarkly is asked, nothing approves a request, by whichever way; what was answered counts when it ends.
/// </summary>
public sealed class GateTests
{
    private static readonly Origin Desk = new(new Actor("destination:1"), "destination", "");

    [Theory, BothEngines]
    public async Task A_persons_approval_is_kept_and_counts_when_LaunchDarkly_has_answered(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover));
        Assert.Equal("0 of 1 approval, waiting for Ann, confirming with LaunchDarkly", request.Display);

        var kept = Assert.IsType<DecideOutcome.Recorded>(await hub.Hub.Approve(request, ann)).Request;

        Assert.Equal((Status.Active, "Confirming with LaunchDarkly"), (kept.Status, kept.Display));
        Assert.Empty(await hub.Hub.WaitsFor(request.Id));
        var ended = await hub.End(request);
        Assert.Equal((Status.Approved, "Approved by Ann"), (ended.Status, ended.Display));
        Assert.Equal(
            ["request.submitted", "request.answered", "request.checked", "request.approved"],
            await hub.Hub.Kinds(request.Id)
        );
    }

    [Theory, BothEngines]
    public async Task A_rejection_and_a_withdrawal_need_not_wait(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        var rejected = await hub.Ask(Some.Policy(ann.AsApprover));
        var withdrawn = await hub.Ask(Some.Policy(ann.AsApprover));
        await hub.Hub.Approve(rejected, ann);

        var no = Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Reject(rejected, ann)).Request;
        await hub.Hub.Withdraw.Run(withdrawn.Id, Some.Viewer(hub.Key), "Deleted", default);

        Assert.Equal((Status.Rejected, OpenCheck.None), (no.Status, no.OpenCheck));
        Assert.Equal(Status.Withdrawn, (await hub.Hub.Find(withdrawn.Id)).Status);
        // What LaunchDarkly says later changes nothing any more.
        Assert.Equal(Status.Rejected, (await hub.End(rejected, new CheckResult(1, OpenCheck.Requester))).Status);
    }

    [Theory, BothEngines]
    public async Task A_delegate_and_a_seat_that_was_given_away_wait_as_well(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var (ann, ben, cid) = (
            await hub.Hub.AddPerson("Ann", Role.Agent),
            await hub.Hub.AddPerson("Ben", Role.Agent),
            await hub.Hub.AddPerson("Cid", Role.Agent)
        );
        var away = await hub.Ask(Some.Policy(ann.AsApprover));
        var given = await hub.Ask(Some.Policy(ann.AsApprover));
        Assert.IsType<DelegateOutcome.Delegated>(
            await new DelegateSeat(hub.Hub.Store).Run(given.Id, Some.Viewer(ann), cid.Id, default)
        );
        Some.Done(
            await new Absences(hub.Hub.Store).Set(
                ann.Email!,
                hub.Hub.Clock.Now,
                hub.Hub.Clock.Now.AddDays(1),
                ben.Email,
                Some.Operator,
                default
            )
        );

        Assert.IsType<DecideOutcome.Recorded>(await hub.Hub.Approve(away, ben));
        Assert.IsType<DecideOutcome.Recorded>(await hub.Hub.Approve(given, cid));

        Assert.Equal("Approved by Ben for Ann", (await hub.End(away)).Display);
        Assert.Equal("Approved by Cid for Ann", (await hub.End(given)).Display);
    }

    [Theory, BothEngines]
    public async Task A_mailed_link_waits_as_well(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover) with { AllowsMailDecisions = true });
        var folder = Directory.CreateTempSubdirectory("countersign-key-").FullName;
        var links = new MailLinks(RootKey.Load(Path.Combine(folder, "root.key"), mayCreate: true));
        var token = links.Write(
            new MailLink.Decide(
                7,
                ann.Id,
                hub.Hub.Clock.Now.AddDays(1),
                request.Id,
                request.AnswerDigest,
                Answer.Approve
            )
        );

        Assert.IsType<MailDecisionOutcome.Done>(
            await new DecideByMail(hub.Hub.Store, links).Run(token, "", "127.0.0.1", default)
        );

        Assert.Equal(Status.Active, (await hub.Hub.Find(request.Id)).Status);
        Assert.Equal(Status.Approved, (await hub.End(request)).Status);
    }

    [Theory, BothEngines]
    public async Task A_policy_that_answers_by_itself_answers_only_when_LaunchDarkly_has(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        var yes = new Policy("low risk", []) { Auto = new AutoAnswer(Approves: true, "it is low risk") };
        var refuses = Some.Policy(ann.AsApprover) with
        {
            UnknownRequester = UnknownRequester.Refuse,
            RequesterUnknown = true,
        };

        var waits = await hub.Ask(yes);
        var unknown = await hub.Ask(refuses);
        var other = await hub.Ask(yes);

        foreach (var request in new[] { waits, unknown, other })
            Assert.Equal((Status.Active, "Confirming with LaunchDarkly"), (request.Status, request.Display));
        Assert.Equal("Approved by policy: it is low risk", (await hub.End(waits)).Display);
        Assert.Equal(Status.Rejected, (await hub.End(unknown)).Status);
        // It turns out to be another change, which people decide.
        var asked = await hub.End(other, today: (_, _, _) => Some.Policy(ann.AsApprover));
        Assert.Equal(Status.Active, asked.Status);
        Assert.Equal([$"person:{ann.Id}"], await hub.Hub.WaitsFor(other.Id));
    }

    [Theory, BothEngines]
    public async Task An_override_is_refused_until_LaunchDarkly_has_answered(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var admin = await hub.Hub.AddPerson("Ada", Role.Admin);
        var ann = await hub.Hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover));
        var past = new OverridePolicy(hub.Hub.Store);
        const string reason = "The shop is down and nobody answers.";

        Assert.IsType<OverrideOutcome.BeingConfirmed>(
            await past.Run(request.Id, Some.Viewer(admin), reason, null, default)
        );

        await hub.End(request);
        Assert.IsType<OverrideOutcome.Approved>(await past.Run(request.Id, Some.Viewer(admin), reason, null, default));
    }

    [Theory, BothEngines]
    public async Task A_destinations_answer_is_kept_and_counts_when_LaunchDarkly_has_answered(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        // No destination was added; what it says is handed in.
        hub.Hub.Place.IsTampered = true;
        var left = new Policy("elsewhere", []) { Destination = "Desk" };
        var (request, toOthers) = (await hub.Ask(left), await hub.Ask(left));
        var ann = await hub.Hub.AddPerson("Ann");
        foreach (var one in new[] { request, toOthers })
            Assert.IsType<DestinationAnswerOutcome.Kept>(await Answered(hub, one));

        Assert.Equal(Status.Active, (await hub.Hub.Find(request.Id)).Status);
        var ended = await hub.End(request);
        Assert.Equal((Status.Approved, "Approved by Desk: Yes"), (ended.Status, ended.Display));
        var last = (await hub.Hub.Place.Events(request.Id.Subject))[^1];
        Assert.Equal(("request.approved", "destination:1"), (last.Kind, last.Actor));
        // Where it is not the destination's to decide any more, its answer counts for nothing.
        Assert.Equal(Status.Active, (await hub.End(toOthers, today: (_, _, _) => Some.Policy(ann.AsApprover))).Status);
    }

    [Theory, BothEngines]
    public async Task What_was_decided_elsewhere_about_another_change_is_withdrawn_and_hangs_nowhere(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        // No destination was added; what it says is handed in.
        hub.Hub.Place.IsTampered = true;
        var request = await hub.Ask(new Policy("elsewhere", []) { Destination = "Desk" });
        var all = OpenCheck.Requester | OpenCheck.Change;
        request = await hub.End(request, new CheckResult(1, all) { Change = ConnectedHub.Change() });
        Assert.IsType<DestinationAnswerOutcome.Kept>(await Answered(hub, request));
        var compared = new CheckResult(1, OpenCheck.Comparison) { Change = ConnectedHub.Change("turnFlagOff") };
        var ended = await hub.End(request, compared);
        Assert.Equal((Status.Withdrawn, 2), (ended.Status, ended.Reading));
    }

    [Theory, BothEngines]
    public async Task Through_the_doors_an_approval_waits_as_well(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var admin = await host.Hub.AddPerson("Ada", Role.Admin);
        var ann = await host.Hub.AddPerson("Ann", Role.Agent);
        var request = await host.Hub.Ask(Some.Policy(ann.AsApprover), s => s with { Check = OpenCheck.Requester });
        await host.Noticed();
        using var asAnn = await host.Person(ann);
        using var asAdmin = await host.Person(admin);

        var answer = await asAnn.Post($"/api/v1/requests/{request.Id}/decisions", new { answer = "approve" });
        var again = await asAnn.Send(
            HttpMethod.Patch,
            $"/api/v2/approval_workflow_instances/x/approval_requests/{request.Id}/decision",
            System.Net.Http.Json.JsonContent.Create(new { status = "approved", notes = "" })
        );
        var past = await asAdmin.Post(
            $"/api/v1/requests/{request.Id}/break-glass",
            new { reason = "The shop is down and nobody answers." }
        );

        Assert.Equal((200, "active"), (answer.Status, answer["status"]));
        Assert.Equal("requester", answer.Json["confirming"]![0]!.ToString());
        Assert.Equal(200, again.Status);
        Assert.Equal((409, "being_confirmed"), (past.Status, past.Code));
        Assert.Equal(Status.Active, (await host.Hub.Find(request.Id)).Status);
    }

    [Theory, BothEngines]
    public async Task Nothing_else_in_the_program_can_approve_it_either(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover));

        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            hub.Hub.Store.InTransaction(async tx =>
            {
                await Settle.As(tx, request, 1, [], Status.Approved, "By force", Some.Origin, new { });
            })
        );

        Assert.Equal(Status.Active, (await hub.Hub.Find(request.Id)).Status);
    }

    [Theory, BothEngines]
    public async Task A_check_that_was_ended_past_the_hub_is_named_by_verification(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover));
        await hub.Hub.Approve(request, ann);
        Assert.Null(await hub.Hub.Proof());

        await hub.Hub.Place.Tamper("UPDATE requests SET open_check = NULL");
        hub.Hub.Place.IsTampered = true;

        Assert.Contains("open_check", await hub.Hub.Proof(), StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Other_content_is_asked_about_anew(Engine engine)
    {
        await using var hub = await ConnectedHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover));
        await hub.End(request, new CheckResult(1, request.OpenCheck) { Change = ConnectedHub.Change() });
        var revised = Assert
            .IsType<SubmitOutcome.Revised>(
                await hub.Hub.Submit.Run(
                    Some.Submission(request.Policy).Saying("Something else") with
                    {
                        SourceId = hub.Key.Id,
                        SentBy = SentBy.LaunchDarkly,
                        ExternalId = request.ExternalId,
                        Check = OpenCheck.Requester | OpenCheck.Change,
                    },
                    Some.Origin,
                    null,
                    default
                )
            )
            .Request;

        Assert.Equal(OpenCheck.Requester | OpenCheck.Change, revised.OpenCheck);
        Assert.Null(revised.ChangeDigest);
        // An answer to the earlier content ends nothing.
        Assert.Equal(revised.OpenCheck, (await hub.End(revised, new CheckResult(1, revised.OpenCheck))).OpenCheck);
        Assert.Equal(OpenCheck.None, (await hub.End(revised)).OpenCheck);
    }

    private static Task<DestinationAnswerOutcome> Answered(ConnectedHub hub, ApprovalRequest request) =>
        hub.Hub.Store.InTransaction(async tx =>
        {
            await AnswerFromDestination.Note(
                tx,
                request.Id,
                Desk,
                "request.linked",
                new
                {
                    destination = "Desk",
                    externalId = "T1",
                    revision = 1,
                }
            );
            return await AnswerFromDestination.Take(
                tx,
                new DestinationAnswer(request.Id, "Desk", 1, true, "yes", "Yes", WasBoth: false, "T1"),
                Desk
            );
        });
}
