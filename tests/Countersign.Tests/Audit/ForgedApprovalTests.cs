using System.Globalization;
using System.Text.Json;
using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Tests.Destinations;
using Xunit;

namespace Countersign.Tests.Audit;

/// <summary>
/// Events that an intruder appends: well hashed, chained, not sealed yet, and with all the rows that belong to them.
/// What they tell could not have happened, and verification says so.
/// </summary>
public sealed class ForgedApprovalTests
{
    [Theory, BothEngines]
    public async Task An_answer_that_its_author_could_give_is_not_told_from_a_real_one(Engine engine)
    {
        await using var scene = await Scene.Start(engine);
        var request = await scene.Ask();
        Assert.Equal([], await scene.Problems());

        await scene.Answer(request, scene.Ben);

        Assert.Equal([], await scene.Problems());
    }

    [Theory, BothEngines]
    public async Task An_answer_of_a_disabled_a_missing_or_an_unnamed_person_is_found(Engine engine)
    {
        await using var scene = await Scene.Start(engine);
        var (ofDisabled, ofMissing, ofNobody, inAnothersName) = (
            await scene.Ask(),
            await scene.Ask(),
            await scene.Ask(),
            await scene.Ask()
        );
        var cid = scene.Cid;
        await scene.Hub.Disable(cid);

        await scene.Answer(ofDisabled, cid, disablings: 1);
        await scene.Answer(ofMissing, cid with { Id = 999 });
        await scene.Answer(ofNobody, null);
        await scene.Answer(inAnothersName, scene.Ben, actor: scene.Eve);

        await scene.Find(
            (ofDisabled, "who was disabled"),
            (ofMissing, "who didn't exist"),
            (ofNobody, "not of its author"),
            (inAnothersName, "not of its author")
        );
    }

    [Theory, BothEngines]
    public async Task An_answer_of_someone_who_is_in_no_step_or_left_it_or_asks_is_found(Engine engine)
    {
        await using var scene = await Scene.Start(engine);
        var (ofEve, ofLeaver, ofRequester, ofWrongStep) = (
            await scene.Ask(),
            await scene.Ask(),
            await scene.Ask(by: scene.Ben),
            await scene.Ask()
        );
        Some.Done(await scene.Hub.Groups.RemoveMember("Team", scene.Cid.Email!, Some.Operator, default));

        await scene.Answer(ofEve, scene.Eve);
        await scene.Answer(ofLeaver, scene.Cid);
        await scene.Answer(ofRequester, scene.Ben);
        await scene.Answer(ofWrongStep, scene.Ben, steps: [1]);

        await scene.Find(
            (ofEve, "was not theirs to fill"),
            (ofLeaver, "was not theirs to fill"),
            (ofRequester, "is a requester and may not decide"),
            (ofWrongStep, "was not theirs to fill")
        );
    }

    [Theory, BothEngines]
    public async Task An_answer_for_someone_who_is_not_away_is_found(Engine engine)
    {
        await using var scene = await Scene.Start(engine);
        var (ofNobodysDelegate, ofDelegate) = (await scene.Ask(), await scene.Ask());
        await scene.Answer(ofNobodysDelegate, scene.Eve, @for: scene.Ben);
        Some.Done(
            await new Absences(scene.Hub.Store).Set(
                scene.Cid.Email!,
                scene.Hub.Clock.Now,
                scene.Hub.Clock.Now.AddDays(1),
                scene.Eve.Email,
                Some.Operator,
                default
            )
        );
        await scene.Answer(ofDelegate, scene.Eve, @for: scene.Cid);

        Assert.Equal(
            [],
            (await scene.Problems()).Where(p =>
                p.Contains($"request:{ofDelegate.Id},", StringComparison.Ordinal)
                && p.StartsWith("Event", StringComparison.Ordinal)
            )
        );
        await scene.Find((ofNobodysDelegate, "wasn't out of office"));
    }

    [Theory, BothEngines]
    public async Task An_override_by_someone_who_is_no_admin_is_found(Engine engine)
    {
        await using var scene = await Scene.Start(engine);
        var (byEve, byFormerAdmin, otherContent) = (await scene.Ask(), await scene.Ask(), await scene.Ask());
        Some.Done(
            await scene.Hub.People.SetRole(scene.Former.Email!, Role.Agent, Some.Operator, default, isForced: true)
        );

        await scene.Override(byEve, scene.Eve);
        await scene.Override(byFormerAdmin, scene.Former);
        await scene.Override(otherContent, scene.Ann, digest: new string('0', 64));

        await scene.Find(
            (byEve, "its author was no admin"),
            (byFormerAdmin, "its author was no admin"),
            (otherContent, "for another content")
        );
    }

    [Theory, BothEngines]
    public async Task A_restamp_to_a_policy_that_answers_by_itself_or_elsewhere_is_found(Engine engine)
    {
        await using var scene = await Scene.Start(engine);
        var (auto, elsewhere, weaker, byEve) = (
            await scene.Ask(),
            await scene.Ask(),
            await scene.Ask(),
            await scene.Ask()
        );

        await scene.Restamp(auto, new Policy("nobody minds", []) { Auto = new AutoAnswer(true, "nobody minds") });
        await scene.Approve(
            auto,
            "hub",
            """{"policy":"nobody minds","because":"nobody minds","status":"approved"}""",
            via: "policy"
        );
        await scene.Restamp(elsewhere, new Policy("by the desk", []) { Destination = "Desk" });
        await scene.Append(
            elsewhere,
            "request.linked",
            "destination:1",
            """{"destination":"Desk","externalId":"T1","url":null,"revision":1}"""
        );
        await scene.Approve(
            elsewhere,
            "destination:1",
            """{"status":"approved","destination":"Desk","content":"""
                + """1,"externalId":"T1","value":"yes","display":"yes","both":null}"""
        );
        await scene.Restamp(weaker, Some.Policy(scene.Eve.AsApprover));
        await scene.Answer(weaker, scene.Eve);
        await scene.Restamp(
            byEve,
            (await scene.Hub.Find(byEve.Id)).Policy with
            {
                Name = "two steps",
            },
            actor: $"person:{scene.Eve.Id}"
        );

        await scene.Find(
            (auto, "that can't be applied later"),
            (elsewhere, "that can't be applied later"),
            (weaker, "does not follow from the policy file"),
            (byEve, "its author was no admin")
        );
    }

    [Theory, BothEngines]
    public async Task A_new_content_under_a_policy_that_no_file_had_for_it_is_found(Engine engine)
    {
        await using var scene = await Scene.Start(engine);
        var (auto, own) = (await scene.Ask(), await scene.Ask());
        var file = new Policy("nobody minds", []) { Auto = new AutoAnswer(true, "nobody minds") };

        await scene.Revise(auto, file);
        await scene.Approve(
            auto,
            "hub",
            """{"policy":"nobody minds","because":"nobody minds","status":"approved"}""",
            via: "policy"
        );
        await scene.Revise(own, Some.Policy(scene.Eve.AsApprover));
        await scene.Answer(own, scene.Eve);

        await scene.Find((auto, "does not follow from the policy file"), (own, "does not follow from the policy file"));
    }

    [Theory, BothEngines]
    public async Task An_approval_of_a_destination_needs_its_question_and_the_right_destination(Engine engine)
    {
        await using var scene = await Scene.Start(engine);
        var (unopened, foreign, otherContent, byNobody) = (
            await scene.Ask("desk"),
            await scene.Ask("desk"),
            await scene.Ask("desk"),
            await scene.Ask("desk")
        );
        const string Answer =
            """{"status":"approved","destination":"Desk","content":"""
            + """1,"externalId":"T1","value":"yes","display":"yes","both":null}""";
        const string Linked = """{"destination":"Desk","externalId":"T1","url":null,"revision":1}""";

        await scene.Approve(unopened, "destination:1", Answer);
        await scene.Append(foreign, "request.linked", "destination:7", Linked);
        await scene.Approve(foreign, "destination:7", Answer);
        await scene.Append(otherContent, "request.linked", "destination:1", Linked);
        await scene.Approve(
            otherContent,
            "destination:1",
            Answer.Replace("\"content\":1", "\"content\":2", StringComparison.Ordinal)
        );
        await scene.Approve(byNobody, "hub", """{"status":"approved"}""");

        await scene.Find(
            (unopened, "that was never opened there"),
            (foreign, "left the decision to Desk"),
            (otherContent, "an answer to another content"),
            (byNobody, "no one who could had decided")
        );
    }

    /// <summary>People, a policy file, and requests that came by it.</summary>
    [Theory, BothEngines]
    public async Task An_event_that_tells_otherwise_how_it_came_is_found_before_a_receipt_shows_it(Engine engine)
    {
        await using var scene = await Scene.Start(engine);
        var (told, silent, other, invented) = (
            await scene.Ask(),
            await scene.Ask(),
            await scene.Ask(),
            await scene.Ask()
        );
        await scene.Withdraw(told, Story(told));
        Assert.Equal([], await scene.Problems());

        scene.Hub.Place.IsTampered = true;
        await scene.Withdraw(silent, null);
        await scene.Withdraw(other, Story(other with { Digest = new string('0', 64) }));
        await scene.Withdraw(invented, Story(invented, """{"n":1,"person":3,"answer":"approve","steps":[0]}"""));
        await scene.Find(
            (silent, "without saying how that came"),
            (other, "tells another content"),
            (invented, "tells other answers")
        );

        static string Story(ApprovalRequest request, string answers = "") =>
            $$"""
                {"revision":{{request.Revision}},"digest":"{{request.Digest}}","stamp":"{{request.Policy.Stamp}}",
                "requester":{{request.RequesterId?.ToString(CultureInfo.InvariantCulture) ?? "null"}},
                "certainty":"{{request.Certainty.ToWireName()}}","answers":[{{answers}}]}
                """;
    }

    private sealed class Scene : IAsyncDisposable
    {
        private readonly RecordedHub _recorded;
        private readonly PolicyHub _policies;

        private Scene(RecordedHub recorded) => (_recorded, _policies) = (recorded, PolicyHub.On(recorded.Hub));

        public TestHub Hub => _recorded.Hub;
        public Person Ann { get; private set; } = null!;
        public Person Ben { get; private set; } = null!;
        public Person Cid { get; private set; } = null!;
        public Person Eve { get; private set; } = null!;
        public Person Former { get; private set; } = null!;

        public static async Task<Scene> Start(Engine engine)
        {
            var scene = new Scene(await RecordedHub.Start(engine));
            scene.Ann = await scene.Hub.AddPerson("Ann", Role.Admin);
            scene.Former = await scene.Hub.AddPerson("Former", Role.Admin);
            scene.Ben = await scene.Hub.AddPerson("Ben");
            scene.Cid = await scene.Hub.AddPerson("Cid");
            scene.Eve = await scene.Hub.AddPerson("Eve");
            await scene.Hub.AddGroup("Team", scene.Ben, scene.Cid);
            var over = HandedOver.On(scene.Hub);
            await using (over)
            {
                await over.Destination(
                    Destinations.Manifest.Sample.Text,
                    new Dictionary<string, string> { ["baseURL"] = "http://127.0.0.1:9" },
                    new Dictionary<string, string> { ["apiKey"] = "k" }
                );
            }
            await scene._policies.Set(
                """
                version: 1
                policies:
                  - name: nobody minds
                    when: { environment: [test] }
                    auto: { answer: approve, because: nobody minds }
                  - { name: by the desk, when: { environment: [desk] }, destination: Desk }
                  - name: the team
                    when: { environment: [production] }
                    steps: [ { name: team, from: { groups: [Team] } } ]
                """
            );
            return scene;
        }

        public async Task<ApprovalRequest> Ask(string environment = "production", Person? by = null)
        {
            var request = await _policies.Ask($$"""{"environment":"{{environment}}"}""", by);
            // Long after everything before.
            Hub.Clock.Advance(TimeSpan.FromMinutes(5));
            return request;
        }

        public async Task<IReadOnlyList<string>> Problems() =>
            (await new Verify(Hub.Store, _recorded.Key).Run(null)).Problems;

        /// <summary>Each is named, and the rows that belong to it are no reason: only its events are.</summary>
        public async Task Find(params (ApprovalRequest Request, string Problem)[] expected)
        {
            Hub.Clock.Advance(TimeSpan.FromMinutes(5));
            var problems = await Problems();
            foreach (var (request, problem) in expected)
            {
                Assert.True(
                    problems.Any(p =>
                        p.StartsWith("Event", StringComparison.Ordinal)
                        && p.Contains($"request:{request.Id},", StringComparison.Ordinal)
                        && p.Contains(problem, StringComparison.Ordinal)
                    ),
                    $"Not found for {request.Id}: {problem}\n{string.Join('\n', problems)}"
                );
            }
        }

        /// <summary>In the form of which receipts are made.</summary>
        public Task Withdraw(ApprovalRequest request, string? story)
        {
            Hub.Clock.Advance(TimeSpan.FromMinutes(5));
            var data = $$"""{"reason":"","status":"withdrawn"{{(story is null ? "" : $",\"story\":{story}")}}}""";
            return Hub.Store.InTransaction(async tx =>
            {
                var head = await tx.Append(
                    request.Id.Subject,
                    request.Head,
                    new Origin(Actor.Person(Ann.Id), "api", ""),
                    "request.withdrawn",
                    new EventText(data, null)
                );
                await tx.Execute(
                    """
                    UPDATE requests SET status = 'withdrawn', display = 'Cancelled', settled_at = @now, events = @count,
                      head = @hash
                    WHERE id = @id
                    """,
                    new
                    {
                        id = request.Id,
                        now = tx.Now,
                        count = head.Count,
                        hash = head.Hash,
                    }
                );
                await tx.Execute("DELETE FROM waiting WHERE request_id = @id", new { id = request.Id });
            });
        }

        public Task Append(ApprovalRequest request, string kind, string actor, string data, string via = "api")
        {
            Hub.Clock.Advance(TimeSpan.FromMinutes(5));
            return Intruder.Append(Hub.Place, request.Id.Subject, kind, actor, data, via);
        }

        public async Task Approve(ApprovalRequest request, string actor, string data, string via = "destination")
        {
            await Append(request, "request.approved", actor, data, via);
            await Settle(request);
        }

        public async Task Answer(
            ApprovalRequest request,
            Person? author,
            int[]? steps = null,
            Person? @for = null,
            Person? actor = null,
            int disablings = 0
        )
        {
            var now = await Hub.Find(request.Id);
            var data = JsonSerializer.Serialize(
                new
                {
                    n = 1,
                    person = author?.Id,
                    answer = "approve",
                    note = "",
                    revision = now.Revision,
                    digest = now.Digest,
                    steps = steps ?? [0],
                    disablings,
                    @for = @for?.Id,
                    status = "approved",
                }
            );
            await Append(request, "request.approved", $"person:{(actor ?? author)?.Id ?? 0}", data);
            await Intruder.Run(
                Hub.Place,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"""
                    INSERT INTO decisions (request_id, n, revision, digest, person_id, answer, note, steps, disablings,
                    for_person, via, at)
                    VALUES ('{request.Id}', 1, {now.Revision}, '{now.Digest}', {author?.Id
                        ?? 0}, 'approve', '', '{string.Join(',', steps ?? [0])}', {disablings}, {(
                        @for is null ? "NULL" : $"{@for.Id}"
                    )}, 'api', '{Instant.ToText(Hub.Clock.Now)}')
                    """
                )
            );
            if (@for is not null)
            {
                await Intruder.Run(
                    Hub.Place,
                    $"INSERT INTO parties (party, request_id) VALUES ('person:{author!.Id}', '{request.Id}')"
                );
            }
            await Settle(request);
        }

        public async Task Override(ApprovalRequest request, Person author, string? digest = null)
        {
            const string Reason = "The shop is down and nobody answers.";
            var data = JsonSerializer.Serialize(
                new
                {
                    reason = Reason,
                    person = author.Id,
                    digest = digest ?? request.Digest,
                    revision = request.Revision,
                }
            );
            await Append(request, "request.broke_glass", $"person:{author.Id}", data);
            await Intruder.Run(
                Hub.Place,
                $"UPDATE requests SET broke_glass_at = '{Instant.ToText(Hub.Clock.Now)}' WHERE id = '{request.Id}'"
            );
            await Approve(
                request,
                $"person:{author.Id}",
                JsonSerializer.Serialize(
                    new
                    {
                        status = "approved",
                        breakGlass = true,
                        reason = Reason,
                    }
                ),
                via: "api"
            );
        }

        public async Task Restamp(ApprovalRequest request, Policy policy, string actor = "operator")
        {
            await Stamp(request, policy);
            await Append(
                request,
                "request.restamped",
                actor,
                JsonSerializer.Serialize(
                    new
                    {
                        stamp = policy.Stamp,
                        expires = (string?)null,
                        policy = policy.Name,
                        before = request.Policy.Name,
                        lost = Array.Empty<string>(),
                    }
                )
            );
        }

        public async Task Revise(ApprovalRequest request, Policy policy)
        {
            var draft = Some.Submission(policy).Saying("Something else") with
            {
                ExternalId = request.ExternalId,
                Facts = """{"environment":"production"}""",
            };
            var revised = request with
            {
                Revision = 2,
                Digest = draft.Digest,
                Policy = policy,
                Subject = draft.Subject,
            };
            await Stamp(request, policy);
            await Append(request, "request.revised", "hub", NewRequestDraft.Data(revised, draft).Json);
            await Intruder.Run(
                Hub.Place,
                $"""
                INSERT INTO revisions (request_id, n, digest, stamp, message, facts, body, at)
                VALUES ('{request.Id}', 2, '{draft.Digest}', '{policy.Stamp}', '{draft.Message}', '{draft.Facts}',
                '{draft.Body}', '{Instant.ToText(
                    Hub.Clock.Now
                )}');
                UPDATE requests SET revision = 2, digest = '{draft.Digest}', subject = '{draft.Subject}'
                WHERE id = '{request.Id}'
                """
            );
        }

        private Task Stamp(ApprovalRequest request, Policy policy) =>
            Intruder.Run(
                Hub.Place,
                $"""
                INSERT INTO stamps (hash, policy) VALUES ('{policy.Stamp}', '{policy.ToText()}')
                ON CONFLICT (hash) DO NOTHING;
                UPDATE requests SET stamp = '{policy.Stamp}' WHERE id = '{request.Id}'
                """
            );

        private Task Settle(ApprovalRequest request) =>
            Intruder.Run(
                Hub.Place,
                $"""
                UPDATE requests SET status = 'approved', settled_at = '{Instant.ToText(
                    Hub.Clock.Now
                )}' WHERE id = '{request.Id}';
                DELETE FROM waiting WHERE request_id = '{request.Id}'
                """
            );

        public async ValueTask DisposeAsync()
        {
            await _policies.DisposeAsync();
            await _recorded.DisposeAsync();
        }
    }
}
