using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Requests under policies of the file: automatic answers, asking oneself, notes, breaking glass, and another file
/// later.
/// </summary>
public sealed class PolicyUseTests
{
    [Theory, BothEngines]
    public async Task A_policy_that_answers_in_words_settles_at_once_and_the_record_says_why(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        await hub.Set(
            """
            version: 1
            policies:
              - { name: test, when: { environment: test }, auto: { answer: approve, because: "no customer sees it" } }
              - { name: frozen, auto: { answer: reject, because: "the year is closing" } }
            """
        );
        var (approved, rejected) = (await hub.Ask("""{"environment":"test"}"""), await hub.Ask());
        Assert.Equal((Status.Approved, "Approved by policy: no customer sees it"), (approved.Status, approved.Display));
        Assert.Equal((Status.Rejected, "Declined by policy: the year is closing"), (rejected.Status, rejected.Display));
        Assert.Equal(["request.submitted", "request.approved"], await hub.Kinds(approved));
        Assert.Empty(await hub.Hub.WaitsFor(approved.Id));
        Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task Whoever_asks_may_answer_only_where_the_policy_says_so(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        await hub.Set(
            """
            version: 1
            policies:
              - name: own
                when: { facts.risk: low }
                steps: [ { from: { people: [Ann@example.test] } } ]
                self_approval: allow
              - { name: four eyes, steps: [ { from: { people: [Ann@example.test] } } ] }
            """
        );
        var (own, other) = (await hub.Ask("""{"risk":"low"}""", by: ann), await hub.Ask(by: ann));
        Assert.Null(own.Stuck);
        Assert.Equal("Ann@example.test needs 1 more eligible reviewer (Ann can't approve this)", other.Stuck?.Why);
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(own, ann));
        Assert.Equal(
            "requester_may_not_decide",
            Assert.IsType<DecideOutcome.NotAllowed>(await hub.Hub.Approve(other, ann)).Rule
        );
        Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task A_note_is_asked_for_where_people_write_by_hand(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var ann = await hub.Hub.AddPerson("Ann");
        await hub.Set(
            "version: 1\npolicies: [ { name: p, steps: [ { from: { people: [Ann@example.test] } } ], "
                + "note_required: [reject] } ]"
        );
        foreach (var via in new[] { "page", "mail", "slack" })
        {
            Assert.Equal(
                "note_required",
                Assert
                    .IsType<DecideOutcome.NotAllowed>(
                        await hub.Hub.Decide.Run(
                            (await hub.Ask()).Id,
                            Some.Viewer(ann, via),
                            Answer.Reject,
                            "",
                            null,
                            default
                        )
                    )
                    .Rule
            );
        }
        Assert.IsType<DecideOutcome.Settled>(
            await hub.Hub.Decide.Run((await hub.Ask()).Id, Some.Viewer(ann, "page"), Answer.Approve, "", null, default)
        );
        Assert.IsType<DecideOutcome.Settled>(
            await hub.Hub.Decide.Run(
                (await hub.Ask()).Id,
                Some.Viewer(ann, "zendesk"),
                Answer.Reject,
                "",
                null,
                default
            )
        );
    }

    [Theory]
    [InlineData("", "reject")]
    [InlineData("note_required: []", "")]
    [InlineData("note_required: [approve]", "approve")]
    [InlineData("note_required: [approve, reject]", "approve reject")]
    public async Task Whoever_says_no_gives_the_reason_unless_the_policy_says_otherwise(string rule, string needed)
    {
        await using var hub = await PolicyHub.Start(Engine.Sqlite);
        var ann = await hub.Hub.AddPerson("Ann");
        await hub.Set(
            (
                "version: 1\npolicies: [ { name: p, steps: "
                + $"[ {{ from: {{ people: [Ann@example.test] }} }} ], {rule} }} ]"
            ).Replace(",  }", " }", StringComparison.Ordinal)
        );
        var refused = new List<string>();
        foreach (var answer in new[] { Answer.Approve, Answer.Reject, Answer.Abstain })
        {
            if (
                await hub.Hub.Decide.Run((await hub.Ask()).Id, Some.Viewer(ann, "page"), answer, "", null, default)
                is DecideOutcome.NotAllowed { Rule: "note_required" }
            )
            {
                refused.Add(answer.ToString().ToLowerInvariant());
            }
        }
        Assert.Equal(needed, string.Join(' ', refused));
    }

    [Theory, BothEngines]
    public async Task No_single_no_settles_it_where_the_policy_says_never(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben", "Cleo");
        await hub.Hub.AddGroup("SRE", [.. people]);
        await hub.Set(
            "version: 1\npolicies: [ { name: p, steps: [ { need: 2, from: { groups: [SRE] } } ], rejection: never } ]"
        );
        var (passes, fails) = (await hub.Ask(), await hub.Ask());
        Assert.IsType<DecideOutcome.Recorded>(await hub.Hub.Reject(passes, people[0]));
        Assert.IsType<DecideOutcome.Recorded>(await hub.Hub.Approve(passes, people[1]));
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(passes, people[2]));
        await hub.Hub.Reject(fails, people[0]);
        Assert.Equal(
            "Declined by Ann and Ben: too few others could approve",
            Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Reject(fails, people[1])).Request.Display
        );
        Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task An_admin_breaks_glass_loudly_and_not_where_it_is_forbidden(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var (ada, ann) = (await hub.Hub.AddPerson("Ada", Role.Admin), await hub.Hub.AddPerson("Ann"));
        await hub.Set(
            """
            version: 1
            policies:
              - name: never
                when: { facts.vault: yes }
                steps: [ { from: { people: [Ann@example.test] } } ]
                break_glass: forbid
              - { name: usual, steps: [ { from: { people: [Ann@example.test] } } ] }
            """
        );
        var (request, vault) = (await hub.Ask(by: ada), await hub.Ask("""{"vault":"yes"}"""));
        const string reason = "Checkout is down and Ann does not answer.";
        Assert.IsType<OverrideOutcome.NotAllowed>(
            await hub.BreakGlass.Run(request.Id, Some.Viewer(ann), reason, null, default)
        );
        Assert.IsType<OverrideOutcome.ReasonTooShort>(
            await hub.BreakGlass.Run(request.Id, Some.Viewer(ada), "  because I say so   ", null, default)
        );
        Assert.IsType<OverrideOutcome.Forbidden>(
            await hub.BreakGlass.Run(vault.Id, Some.Viewer(ada), reason, null, default)
        );
        Assert.IsType<OverrideOutcome.Changed>(
            await hub.BreakGlass.Run(request.Id, Some.Viewer(ada), reason, "another", default)
        );
        var broken = Assert
            .IsType<OverrideOutcome.Approved>(
                await hub.BreakGlass.Run(request.Id, Some.Viewer(ada), reason, request.Digest, default)
            )
            .Request;
        Assert.Equal((Status.Approved, "Approved by Ada, overriding the policy"), (broken.Status, broken.Display));
        Assert.NotNull((await hub.Find(request)).BrokeGlassAt);
        Assert.Equal(["request.submitted", "request.broke_glass", "request.approved"], await hub.Kinds(request));
        Assert.IsType<OverrideOutcome.AlreadySettled>(
            await hub.BreakGlass.Run(request.Id, Some.Viewer(ada), reason, null, default)
        );
        Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task Requests_keep_their_policy_until_somebody_applies_the_new_one_and_hears_what_that_changes(
        Engine engine
    )
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben", "Cleo");
        await hub.Hub.AddGroup("SRE", people[0], people[1]);
        await hub.Set(
            "version: 1\npolicies: [ { name: old, steps: [ { name: SRE, need: 2, from: { groups: [SRE] } } ] } ]"
        );
        var (half, fresh) = (await hub.Ask(), await hub.Ask());
        await hub.Hub.Approve(half, people[0]);
        Assert.Empty(await hub.Apply.Run(onlyLook: false, Some.Operator, default));

        Assert.Equal(
            2,
            await hub.Set(
                """
                version: 1
                policies:
                  - name: new
                    steps:
                      - { name: security, need: 1, from: { people: [Cleo@example.test] } }
                      - { name: SRE, need: 1, from: { groups: [SRE] } }
                    expire: { after: 2h }
                """
            )
        );
        Assert.Equal("old", (await hub.Find(half)).Policy.Name);
        var looked = await hub.Apply.Run(onlyLook: true, Some.Operator, default);
        Assert.Equal([half.Id, fresh.Id], looked.Select(c => c.Id));
        Assert.Equal("old", (await hub.Find(half)).Policy.Name);
        var changed = await hub.Apply.Run(onlyLook: false, Some.Operator, default);
        Assert.Equal(looked.Select(c => c.After), changed.Select(c => c.After));
        var now = await hub.Find(half);
        Assert.Equal(
            ("new", "0 of 2 approvals, waiting for Cleo", hub.Hub.Clock.Now.AddHours(2)),
            (now.Policy.Name, now.Display, now.ExpiresAt!.Value)
        );
        Assert.Empty(await hub.Apply.Run(onlyLook: false, Some.Operator, default));
        // Ann's yes still stands, in the step that is now hers.
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(half, people[2]));
        Assert.Equal(
            ["request.submitted", "request.answered", "request.restamped", "request.approved"],
            await hub.Kinds(half)
        );
        Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task Applying_policies_settles_nothing_and_names_whose_answer_is_lost(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = await hub.Hub.AddPeople("Ann", "Ben", "Cleo");
        await hub.Set(
            "version: 1\npolicies: [ { name: old, steps: [ { name: both, need: 2, from: { people: "
                + "[Ann@example.test, Ben@example.test] } } ] } ]"
        );
        var request = await hub.Ask();
        await hub.Hub.Approve(request, people[0]);
        await hub.Set(
            "version: 1\npolicies: [ { name: one, steps: [ { name: both, need: 1, from: { people: "
                + "[Ann@example.test] } } ] } ]"
        );
        Assert.Contains(
            "would close",
            Assert.Single(await hub.Apply.Run(onlyLook: false, Some.Operator, default)).Left,
            StringComparison.Ordinal
        );
        Assert.Equal(
            (Status.Active, "old"),
            (await hub.Find(request)) is var left ? (left.Status, left.Policy.Name) : default
        );
        await hub.Set(
            "version: 1\npolicies: [ { name: other, steps: [ { name: Cleo, from: { people: "
                + "[Cleo@example.test] } } ] } ]"
        );
        var change = Assert.Single(await hub.Apply.Run(onlyLook: false, Some.Operator, default));
        Assert.Equal(["Ann"], change.Lost);
        Assert.Equal("0 of 1 approval, waiting for Cleo", (await hub.Find(request)).Display);
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(request, people[2]));
        await hub.Set("version: 1\npolicies: [ { name: test, auto: { answer: approve, because: whatever } } ]");
        var another = await hub.Hub.Ask(people[0].AsApprover);
        Assert.Contains(
            "decides automatically",
            Assert.Single(await hub.Apply.Run(onlyLook: false, Some.Operator, default)).Left,
            StringComparison.Ordinal
        );
        Assert.Equal(Status.Active, (await hub.Find(another)).Status);
        Assert.Null(await hub.Proof());
    }

    [Theory, BothEngines]
    public async Task Every_version_stays_and_a_file_with_a_mistake_changes_nothing(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        const string one = "version: 1\npolicies: []\n";
        Assert.Equal(1, await hub.Set(one));
        Assert.IsType<SetPoliciesOutcome.Same>(
            await hub.Files.Set(one.ReplaceLineEndings("\r\n"), null, Some.Operator, default)
        );
        Assert.IsType<SetPoliciesOutcome.Wrong>(
            await hub.Files.Set("version: 1\npolicies: 7", null, Some.Operator, default)
        );
        Assert.IsType<SetPoliciesOutcome.Changed>(
            await hub.Files.Set(
                "version: 1\npolicies:\n  - { name: a, auto: { answer: reject, because: no } }\n",
                0,
                Some.Operator,
                default
            )
        );
        var set = Assert.IsType<SetPoliciesOutcome.Set>(
            await hub.Files.Set(
                "version: 1\npolicies:\n  - { name: a, steps: [ { from: { groups: [ghosts], people: "
                    + "[no@body.test] } } ] }\n",
                1,
                Some.Operator,
                default
            )
        );
        Assert.Equal(["unknown-group", "unknown-person"], set.Warnings.Select(w => w.Rule));
        var (_, warnings) = await hub.Files.Check(
            "version: 1\npolicies:\n  - { name: a, destination: ServiceNow }\n",
            default
        );
        Assert.Equal(("unknown-destination", true), (Assert.Single(warnings).Rule, warnings[0].IsWarning));
        Assert.Equal(
            "  version: 1\n- policies: []\n+ policies:\n+   - { name: a, steps: [ { from: { groups: "
                + "[ghosts], people: [no@body.test] } } ] }\n",
            set.Diff
        );
        Assert.Equal([2, 1], (await hub.Files.List(default)).Select(v => v.Version));
        Assert.Equal(one, (await hub.Files.Find(1, default))!.Text);
        Assert.Equal(
            ["policy.set", "policy.set"],
            (await hub.Hub.Place.Events(PolicyFiles.Subject)).Select(e => e.Kind)
        );
        Assert.Null(await hub.Proof());
        await hub.Hub.Place.Tamper("UPDATE policy_files SET text = 'version: 1' WHERE version = 1");
        Assert.Equal("Policy version 1: its text is not what its events say.", await hub.Proof());
    }
}
