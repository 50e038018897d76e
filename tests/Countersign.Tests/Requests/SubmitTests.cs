using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

public sealed class SubmitTests
{
    [Theory, BothEngines]
    public async Task A_request_begins_with_one_event_one_piece_of_news_and_the_inboxes_it_waits_in(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben", "Rita");
        var sre = await hub.AddGroup("SRE", people[0], people[1]);
        var request = await hub.Ask(
            Some.Policy(Some.Step("SRE", 1, sre.AsApprover), Some.Step("Ann", 1, people[0].AsApprover)),
            s => s.AskedBy(people[2])
        );

        Assert.Equal(Status.Active, request.Status);
        Assert.Equal("0 of 2 approvals, waiting for SRE", request.Display);
        Assert.Equivalent(request, await hub.Find(request.Id));
        var submitted = Assert.Single(await hub.Place.Events(request.Id.Subject));
        Assert.Equal("request.submitted", submitted.Kind);
        Assert.Equal([sre.AsApprover.Party.Text], await hub.WaitsFor(request.Id));
        Assert.Equal(0, await hub.Place.Count("decisions"));
    }

    /// <summary>Whoever reads exports, and the check of the record, relies on these names.</summary>
    [Theory, BothEngines]
    public async Task The_event_of_a_request_says_everything_that_its_row_says_under_the_same_names_as_ever(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        var rita = await hub.AddPerson("Rita");
        var request = await hub.Ask(
            Some.Policy(new Approver(Party.Admins, "an admin")),
            s => s.AskedBy(rita) with { Subject = "Grüße <b> & \"🖋\"" }
        );
        var data = Assert.Single(await hub.Place.Events(request.Id.Subject)).Data;

        using var said = System.Text.Json.JsonDocument.Parse(data);
        string[] names =
        [
            "revision",
            "digest",
            "subject",
            "content",
            "stamp",
            "barred",
            "source",
            "external",
            "sentBy",
            "creator",
            "requester",
            "requesterName",
            "assigneeUser",
            "assigneeGroup",
            "ticket",
            "expires",
            "status",
        ];
        Assert.Equal(names, said.RootElement.EnumerateObject().Select(m => m.Name).Where(names.Contains));
        Assert.StartsWith(
            $"{{\"form\":2,\"revision\":1,\"digest\":\"{request.Digest}\",\"subject\":\"Grüße <b> & \\\"",
            data,
            StringComparison.Ordinal
        );
        Assert.Contains($"\"barred\":[{rita.Id}],\"source\":", data, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task The_same_question_under_the_same_id_is_known_and_writes_nothing(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var request = await hub.Ask(Some.Policy(new Approver(Party.Admins, "an admin")));
        var again = await Submit(hub, s => s with { ExternalId = request.ExternalId });
        Assert.Equal(request.Id, Assert.IsType<SubmitOutcome.Known>(again).Request.Id);
        Assert.Equal(1, await hub.Place.Count("requests"));
        Assert.Equal(["request.submitted"], await hub.Kinds(request.Id));
    }

    [Theory, BothEngines]
    public async Task Another_content_under_the_same_id_is_a_revision_to_which_earlier_answers_do_not_speak(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben", "Cleo");
        var (sre, security) = (
            await hub.AddGroup("SRE", people[0], people[1]),
            await hub.AddGroup("Security", people[2])
        );
        var request = await hub.Ask(Some.Policy(Some.Step("SRE", 2, sre.AsApprover)));
        await hub.Approve(request, people[0]);

        hub.Clock.Advance(TimeSpan.FromMinutes(1));
        var revised = Assert
            .IsType<SubmitOutcome.Revised>(
                await Submit(
                    hub,
                    s =>
                        s.Saying("And light mode off") with
                        {
                            ExternalId = request.ExternalId,
                            Policy = Some.Policy(Some.Step("Security", 1, security.AsApprover)),
                        }
                )
            )
            .Request;

        Assert.Equal((request.Id, 2), (revised.Id, revised.Revision));
        Assert.NotEqual(request.Digest, revised.Digest);
        Assert.Equal("0 of 1 approval, waiting for Security", revised.Display);
        Assert.Equal(request.CreatedAt, revised.CreatedAt);
        Assert.Equal([security.AsApprover.Party.Text], await hub.WaitsFor(request.Id));
        Assert.Equal(["request.submitted", "request.answered", "request.revised"], await hub.Kinds(request.Id));
        Assert.Equal(2, await hub.Place.Count("revisions"));
        // Once there is more than one content, an answer names the one it means.
        Assert.IsType<DecideOutcome.Changed>(await hub.Approve(revised, people[2]));
        Assert.IsType<DecideOutcome.Changed>(
            await hub.Answer(revised, people[2], Answer.Approve, digest: request.Digest)
        );
        Assert.IsType<DecideOutcome.Settled>(
            await hub.Answer(revised, people[2], Answer.Approve, digest: revised.Digest)
        );
        Assert.Equal("Approved by Cleo", (await hub.Find(request.Id)).Display);
    }

    [Theory, BothEngines]
    public async Task Another_content_under_the_id_of_a_settled_request_is_refused_on_record_and_changes_nothing(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        await hub.Approve(request, ann);
        var before = await hub.Find(request.Id);
        Assert.IsType<SubmitOutcome.Settled>(
            await Submit(hub, s => s.Saying("Something worse") with { ExternalId = request.ExternalId })
        );

        var after = await hub.Find(request.Id);
        Assert.Equivalent(before with { Head = after.Head }, after);
        Assert.Equal(["request.submitted", "request.approved", "request.conflicted"], await hub.Kinds(request.Id));
        Assert.Equal(1, await hub.Place.Count("revisions"));
        // The first content is known as ever.
        Assert.IsType<SubmitOutcome.Known>(await Submit(hub, s => s with { ExternalId = request.ExternalId }));
    }

    [Theory, BothEngines]
    public async Task Two_sources_may_use_the_same_id(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (one, other) = (await hub.AddSource("one"), await hub.AddSource("other"));
        Assert.IsType<SubmitOutcome.Created>(await Submit(hub, s => s with { SourceId = one.Id, ExternalId = "42" }));
        Assert.IsType<SubmitOutcome.Created>(await Submit(hub, s => s with { SourceId = other.Id, ExternalId = "42" }));
        Assert.IsType<SubmitOutcome.Created>(await Submit(hub, s => s with { SourceId = other.Id, ExternalId = null }));
        Assert.IsType<SubmitOutcome.Created>(await Submit(hub, s => s with { SourceId = other.Id, ExternalId = null }));
        Assert.Equal(4, await hub.Place.Count("requests"));
    }

    [Theory, BothEngines]
    public async Task A_repeated_call_gets_the_first_answer_and_another_call_under_its_key_is_refused(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var first = Assert.IsType<SubmitOutcome.Created>(await Submit(hub, key: "key-1", call: "a")).Request;
        Assert.Equal(
            $$"""{"id":"{{first.Id}}"}""",
            Assert.IsType<SubmitOutcome.Replayed>(await Submit(hub, key: "key-1", call: "a")).Answer
        );
        Assert.IsType<SubmitOutcome.KeyTaken>(await Submit(hub, s => s.Saying("Another"), key: "key-1", call: "b"));
        Assert.IsType<SubmitOutcome.Created>(await Submit(hub, key: "key-2", call: "a"));
        Assert.Equal(2, await hub.Place.Count("requests"));
        Assert.Equal(2, await hub.Place.Count("events"));
    }

    [Theory, BothEngines]
    public async Task A_key_is_kept_for_a_day_also_when_the_clock_goes_back(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await Submit(hub, key: "key", call: "a");
        hub.Clock.Advance(Countersign.Work.RetentionOptions.LeastIdempotencyKeys - TimeSpan.FromMilliseconds(1));
        Assert.IsType<SubmitOutcome.Replayed>(await Submit(hub, key: "key", call: "a"));
        hub.Clock.Advance(TimeSpan.FromDays(-30));
        Assert.IsType<SubmitOutcome.Replayed>(await Submit(hub, key: "key", call: "a"));
        hub.Clock.Advance(TimeSpan.FromDays(30) + TimeSpan.FromMilliseconds(1));
        Assert.IsType<SubmitOutcome.Created>(await Submit(hub, key: "key", call: "b"));
        Assert.IsType<SubmitOutcome.Replayed>(await Submit(hub, key: "key", call: "b"));
        Assert.IsType<SubmitOutcome.KeyTaken>(await Submit(hub, key: "key", call: "a"));
        Assert.Equal(2, await hub.Place.Count("requests"));
    }

    [Theory, BothEngines]
    public async Task Sixty_four_identical_calls_at_once_on_two_nodes_are_one_request_by_their_key(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var outcomes = await AtOnce(hub, submit => Submit(submit, key: "key", call: "a"));
        var created = Assert.Single(outcomes.OfType<SubmitOutcome.Created>()).Request;
        Assert.Equal(
            63,
            outcomes.OfType<SubmitOutcome.Replayed>().Count(r => r.Answer == $$"""{"id":"{{created.Id}}"}""")
        );
        Assert.Equal((1, 1), (await hub.Place.Count("requests"), await hub.Place.Count("events")));
    }

    [Theory, BothEngines]
    public async Task Sixty_four_identical_calls_at_once_on_two_nodes_are_one_request_by_the_sources_own_id(
        Engine engine
    )
    {
        await using var hub = await TestHub.Start(engine);
        var outcomes = await AtOnce(hub, submit => Submit(submit, s => s with { ExternalId = "42" }));
        var created = Assert.Single(outcomes.OfType<SubmitOutcome.Created>()).Request;
        Assert.Equal(63, outcomes.OfType<SubmitOutcome.Known>().Count(k => k.Request.Id == created.Id));
        Assert.Equal((1, 1), (await hub.Place.Count("requests"), await hub.Place.Count("events")));
    }

    [Theory, BothEngines]
    public async Task What_cannot_be_recorded_does_not_happen(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(ann.AsApprover);
        await hub.Place.Tamper("ALTER TABLE events RENAME TO gone");
        Assert.NotNull(await Record.ExceptionAsync(() => Submit(hub)));
        Assert.NotNull(await Record.ExceptionAsync(() => hub.Approve(request, ann)));
        Assert.NotNull(
            await Record.ExceptionAsync(() =>
                hub.Withdraw.Run(request.Id, Some.Viewer(ann) with { IsAdmin = true }, "", default)
            )
        );
        await hub.Place.Tamper("ALTER TABLE gone RENAME TO events");
        Assert.Equivalent(request, await hub.Find(request.Id));
        Assert.Equal(
            (1, 0, 1),
            (await hub.Place.Count("requests"), await hub.Place.Count("decisions"), await hub.Place.Count("revisions"))
        );
        Assert.Equal(["request.submitted"], await hub.Kinds(request.Id));
        Assert.Equal([ann.AsApprover.Party.Text], await hub.WaitsFor(request.Id));
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, ann));
    }

    [Theory]
    [InlineData(false, false, "one admin", 1)]
    [InlineData(false, true, "source", 3)]
    [InlineData(true, true, "assignee", 1)]
    [InlineData(true, false, "assignee", 1)]
    public void Who_decides_is_the_assignee_else_as_the_source_says_else_one_admin(
        bool assigned,
        bool sourceSays,
        string policy,
        int need
    )
    {
        var assignee = assigned ? new Approver(Party.Person(7), "Ann") : null;
        var ofTheSource = sourceSays ? PolicySelection.OfSource(new Approver(Party.Group(3), "SRE"), 3) : null;
        foreach (var unknown in new[] { false, true })
        {
            var found = PolicySelection.For(null, assignee, ofTheSource, unknown ? Certainty.None : Certainty.Proven);
            Assert.Equal((policy, unknown), (found.Name, found.RequesterUnknown));
            Assert.Equal(unknown ? need + 1 : need, Assert.Single(found.Steps).Need);
            Assert.Equal(found.ToText(), Policy.Read(found.Stamp, found.ToText()).ToText());
        }
    }

    [Theory, BothEngines]
    public async Task A_policy_that_changes_later_does_not_touch_what_was_stamped(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben");
        var policy = Some.Policy(Some.Step("both", 2, people[0].AsApprover, people[1].AsApprover));
        var requests = new List<ApprovalRequest>();
        for (var i = 0; i < 3; i++)
            requests.Add(await hub.Ask(policy));
        Assert.Equal(1, await hub.Place.Count("stamps"));
        Assert.All(requests, r => Assert.Equal(policy.ToText(), r.Policy.ToText()));
        // A second node reads the stamp from the store.
        var another = await hub.Place.OpenAnother();
        var read = await another.Read(r => RequestRow.Find(r, requests[0].Id, Viewer.Hub(Some.Origin)));
        Assert.Equal(policy.ToText(), read!.Policy.ToText());
    }

    private static Task<SubmitOutcome> Submit(
        TestHub hub,
        Func<Submission, Submission>? change = null,
        string? key = null,
        string call = ""
    ) => Submit(hub.Submit, change, key, call);

    private static Task<SubmitOutcome> Submit(
        Submit submit,
        Func<Submission, Submission>? change = null,
        string? key = null,
        string call = ""
    )
    {
        var submission = Some.Content($"Turn on dark mode {call}".TrimEnd());
        submission = change?.Invoke(submission) ?? submission;
        return submit.Run(
            submission,
            Some.Origin,
            key is null ? null : new Repeatable(key, submission.Digest, r => $$"""{"id":"{{r.Id}}"}"""),
            default
        );
    }

    /// <summary>Sixty-four calls, half of them on a second node.</summary>
    private static async Task<SubmitOutcome[]> AtOnce(TestHub hub, Func<Submit, Task<SubmitOutcome>> call)
    {
        var other = new Submit(await hub.Place.OpenAnother(), new RequestIds());
        return await Task.WhenAll(
                Enumerable.Range(0, 64).Select(i => Task.Run(() => call(i % 2 == 0 ? hub.Submit : other)))
            )
            .Soon();
    }
}
