using System.Globalization;
using System.Text.Json;
using Countersign.Destinations.Links;
using Countersign.Outcomes.Email;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Tests.Destinations;
using Countersign.Work;
using CsCheck;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Model;

/// <summary>
/// Random histories of a hub beside <see cref="ApprovalModel"/>, through the doors that people and programs use. After
/// every step both must say the same about the request; after each history approvals, the record and lists are looked
/// at without the model. A history that fails is made smaller, and becomes a named test below.
/// </summary>
public sealed class ModelTests
{
    public readonly record struct Act(string What, int A, int B, int C)
    {
        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"new(\"{What}\", {A}, {B}, {C})");
    }

    /// <summary>What can happen, as often as it stands here.</summary>
    private static readonly string[] Acts =
    [
        "submit",
        "submit",
        "approve",
        "approve",
        "approve",
        "approve",
        "approve",
        "approve",
        "reject",
        "abstain",
        "revise",
        "policy",
        "disable",
        "enable",
        "away",
        "away",
        "back",
        "join",
        "leave",
        "rename",
        "pass",
        "withdraw",
        "override",
        "confirm",
        "unconfirmed",
        "ticket",
        "ticket",
        "ticket",
    ];

    private static readonly Gen<Act[]> Histories = Gen.Select(
        Gen.Int[0, Acts.Length - 1],
        Gen.Int[0, ModelWorld.Policies.Length - 1],
        Gen.Int[0, 5],
        Gen.Int[0, 5],
        (what, a, b, c) => new Act(Acts[what], a, b, c)
    ).Array[8, 40];

    private static int Count =>
        int.TryParse(Environment.GetEnvironmentVariable("MODEL_HISTORIES"), CultureInfo.InvariantCulture, out var count)
            ? count
            : 1_000;

    [Theory, BothEngines]
    public async Task Whatever_happens_the_hub_decides_as_its_documentation_says(Engine engine)
    {
        if (LongRun.IsAskedFor)
        {
            var (last, played) = (await ModelWorld.Start(engine), 0);
            try
            {
                await Histories.SampleAsync(
                    async history =>
                    {
                        // Each history ends with a look at the whole log, so that no server gets a long one.
                        if (++played % 25 == 0)
                        {
                            await last.DisposeAsync();
                            last = await ModelWorld.Start(engine);
                        }
                        await last.Play(history);
                    },
                    iter: Count,
                    threads: 1,
                    print: history => $"[{string.Join(", ", history)}]"
                );
            }
            finally
            {
                await last.DisposeAsync();
            }
            return;
        }
        await using var world = await ModelWorld.Start(engine);
        // The same ones each time: what fails then is what was changed.
        for (var n = 1u; n <= (engine == Engine.Sqlite ? 12 : 4); n++)
            await world.Play(Histories.Generate(new PCG(n, seed: 1), null, out _));
    }

    /// <summary>
    /// Another approval for a step that is filled makes room: the person who fills it moves to the open step.
    /// </summary>
    [Theory, BothEngines]
    public async Task A_request_waits_for_those_whose_approval_moves_another_person_to_the_open_step(Engine engine)
    {
        await using var world = await ModelWorld.Start(engine);
        // The person out of office, 5, is in the first step only, which 3 fills. 3 could fill the open second one.
        await world.Play([
            new("policy", 4, 0, 0),
            new("submit", 0, 0, 0),
            new("approve", 0, 3, 5),
            new("away", 0, 5, 2),
        ]);
    }

    /// <summary>Found as seed dj-j8FNrWlS7: the time is that of the content, not of the request.</summary>
    [Theory, BothEngines]
    public async Task New_content_begins_the_time_to_expiry_again(Engine engine)
    {
        await using var world = await ModelWorld.Start(engine);
        await world.Play([
            new("submit", 0, 0, 0),
            new("pass", 0, 0, 4),
            // 30 hours from the content of now.
            new("policy", 4, 0, 0),
            new("revise", 0, 0, 0),
            new("pass", 0, 0, 4),
            new("pass", 0, 0, 0),
        ]);
    }
}

/// <summary>One server on which one history after the other is played, each with people of its own.</summary>
internal sealed class ModelWorld : IAsyncDisposable
{
    private const int People = 6,
        Groups = 2;

    internal static readonly ModelPolicy[] Policies =
    [
        new("one", [new(1, [], [0])]) { },
        new("two", [new(2, [], [0, 1])], ExpiresAfterHours: 48),
        new("steps", [new(1, [1], [0]), new(2, [], [1])]) { ForbidsOverride = true },
        new("self", [new(2, [1, 2, 3], [])], AllowsSelf: true),
        new("three", [new(1, [], [1]), new(1, [2, 3], []), new(1, [], [0, 1])], ExpiresAfterHours: 30)
        {
            ExpiresAs = ModelStatus.Withdrawn,
        },
        new("overlap", [new(1, [4], [0]), new(1, [4], [1])]),
        new("elsewhere", []) { IsLeftToDestination = true },
    ];

    private readonly ApiHost _host;
    private readonly PolicyHub _policies;
    private readonly FakeDesk _desk = new();
    private readonly HandedOver _destinations;
    private int _histories;

    private ModelWorld(ApiHost host)
    {
        (_host, _policies) = (host, PolicyHub.On(host.Hub));
        _destinations = HandedOver.On(host.Hub, host.Services.GetRequiredService<IDataProtectionProvider>());
    }

    public static async Task<ModelWorld> Start(Engine engine)
    {
        var world = new ModelWorld(
            await ApiHost.Start(engine, ("RateLimit:PerKeyPerMinute", "0"), ("Egress:Allow", "127.0.0.0/8"))
        );
        await world._destinations.Destination(world._desk);
        return world;
    }

    public async Task Play(IReadOnlyList<ModelTests.Act> history)
    {
        var run = new Run(_host, _policies, _destinations, _desk, ++_histories);
        await run.Begin();
        foreach (var act in history)
            await run.Do(act);
        await run.End();
    }

    public async ValueTask DisposeAsync()
    {
        await _policies.DisposeAsync();
        await _destinations.DisposeAsync();
        await _host.DisposeAsync();
        await _desk.DisposeAsync();
    }

    private sealed class Run(ApiHost host, PolicyHub policies, HandedOver destinations, FakeDesk desk, int number)
    {
        private readonly ApprovalModel _model = new(People, Groups);
        private readonly List<Person> _people = [];
        private readonly List<ApiClient> _clients = [];
        private readonly List<(RequestId Id, int By, bool IsKept)> _requests = [];
        private readonly HashSet<(RequestId Request, int Content, string Status)> _told = [];
        private readonly List<string> _course = [];
        private ModelPolicy _active = Policies[0];

        public async Task Begin()
        {
            for (var i = 0; i < People; i++)
            {
                _people.Add(await host.Hub.AddPerson($"P{i} H{number}", i == 0 ? Role.Admin : Role.Agent));
                _clients.Add(await host.Person(_people[i]));
            }
            for (var g = 0; g < Groups; g++)
            {
                int[] members = g == 0 ? [1, 2] : [3, 4, 5];
                await host.Hub.AddGroup(Group(g), [.. members.Select(m => _people[m])]);
                _model.Groups[g].UnionWith(members);
            }
            _model.Now = host.Hub.Clock.Now;
            await SetPolicy(0);
        }

        public async Task Do(ModelTests.Act act)
        {
            var (a, person) = (_requests.Count == 0 ? -1 : act.A % _requests.Count, act.B);
            var request = a < 0 ? null : _model.Requests[a];
            _course.Add(act.ToString());
            switch (act.What)
            {
                case "submit":
                    await Submit(1 + act.B % (People - 1), isKept: act.C == 5);
                    break;
                case "approve" or "reject" or "abstain" when request is not null:
                    await Decide(a, person, act.What, act.C);
                    break;
                case "revise"
                    when request is not null && !_requests[a].IsKept && !_model.People[_requests[a].By].IsDisabled:
                    var again = await _clients[_requests[a].By]
                        .Post(
                            "/api/v1/requests",
                            new { subject = $"Content {request.Content + 1}", externalId = External(a) }
                        );
                    Same(request.Revise(_active), again.Status == 200, act, again.Text);
                    break;
                case "policy":
                    await SetPolicy(act.A);
                    break;
                case "disable" when person != 0:
                    _model.Disable(person);
                    await host.Hub.Disable(_people[person]);
                    await host.Noticed();
                    break;
                case "enable":
                    _model.People[person].IsDisabled = false;
                    await host.Hub.Enable(_people[person]);
                    await host.Noticed();
                    break;
                case "away":
                    await Leave(person, act.C);
                    break;
                case "back":
                    (_model.People[person].AwayUntil, _model.People[person].Delegate) = (null, null);
                    await policies.Absences.Cancel(_people[person].Email!, Some.Operator, default);
                    break;
                case "join" or "leave":
                    var (group, email) = (Group(act.A % Groups), _people[person].Email!);
                    if (act.What == "join")
                        _model.Groups[act.A % Groups].Add(person);
                    else
                        _model.Groups[act.A % Groups].Remove(person);
                    await (
                        act.What == "join"
                            ? host.Hub.Groups.AddMember(group, email, Some.Operator, default)
                            : host.Hub.Groups.RemoveMember(group, email, Some.Operator, default)
                    );
                    break;
                case "rename":
                    await host.Hub.People.Rename(
                        _people[person].Email!,
                        $"P{person} H{number} {act.C}",
                        Some.Operator,
                        default
                    );
                    break;
                case "pass":
                    // LaunchDarkly is waited for only for a while; here it always answers in time.
                    for (var i = 0; i < _requests.Count; i++)
                        await Confirm(i, null);
                    await Pass(TimeSpan.FromHours(1 + act.C * 7));
                    break;
                case "ticket" when request is not null:
                    await Ticket(a, act.B, act.C);
                    break;
                case "withdraw"
                    when request is not null && !_model.People[_requests[a].By].IsDisabled && !_requests[a].IsKept:
                    var withdrawn = await _clients[_requests[a].By]
                        .Post($"/api/v1/requests/{_requests[a].Id}/withdrawal", new { reason = "No longer needed" });
                    Same(request.Withdraw(), withdrawn.Status == 200, act, withdrawn.Text);
                    break;
                case "override" when request is not null && !_model.People[0].IsDisabled:
                    var overridden = await _clients[0]
                        .Post(
                            $"/api/v1/requests/{_requests[a].Id}/break-glass",
                            new
                            {
                                reason = "The shop is down and no one answers.",
                                digest = (await Find(a)).AnswerDigest,
                            }
                        );
                    Same(request.Override(), overridden.Status == 200, act, overridden.Text);
                    break;
                case "confirm" or "unconfirmed" when request is not null && _requests[a].IsKept:
                    await Confirm(a, act.What == "confirm" ? person : null);
                    break;
            }
            await Compare(act);
        }

        private async Task Pass(TimeSpan time)
        {
            await policies.Wait(time);
            await AskDestinations();
            _model.Pass(time);
        }

        /// <summary>The server's own worker may be in the middle of a call.</summary>
        private async Task AskDestinations()
        {
            await destinations.Work();
            await Eventually.True(
                async () =>
                    await host.Hub.Place.Number(
                        $"""
                        SELECT count(*) FROM jobs WHERE kind = '{LinkJob.Kind}'
                          AND (holder IS NOT NULL OR next_at <= '{Instant.ToText(host.Hub.Clock.Now)}')
                        """
                    ) == 0,
                $"the destination has been asked: {string.Join(", ", _course)}"
            );
        }

        /// <summary>
        /// The destination changes the status of a request's ticket, or of one for earlier content, and is asked about
        /// it at once or only when time passes.
        /// </summary>
        private async Task Ticket(int a, int what, int which)
        {
            await AskDestinations();
            var tickets = (await destinations.Links(await Find(a))).FindAll(l => l.ExternalId is not null);
            if (tickets.Count == 0)
                return;
            var ticket = tickets.OrderByDescending(l => l.Revision).ElementAt(which / 2 % tickets.Count);
            var status = what switch
            {
                < 3 => "yes",
                < 5 => "no",
                _ => "thinking",
            };
            desk.Asks[ticket.ExternalId!]["state"] = status;
            _told.Add((_requests[a].Id, ticket.Revision, status));
            _model.Requests[a].Tell(ticket.Revision, status);
            if (which % 2 == 0)
                await Pass(TimeSpan.FromMinutes(6));
        }

        /// <summary>
        /// Without the model: what was approved, the record, and every list beside every single view.
        /// </summary>
        public async Task End()
        {
            for (var i = 0; i < _requests.Count; i++)
            {
                var request = await Find(i);
                if (request.Status != Status.Approved || _model.Requests[i].WasOverridden)
                    continue;
                True(
                    request.Policy.Destination is null || _told.Contains((request.Id, request.Revision, "yes")),
                    $"{request.Id} was approved by no one"
                );
                var approvals = (await host.Hub.Decisions(request.Id))
                    .Where(d => d.Revision == request.Revision)
                    .GroupBy(d => d.PersonId)
                    .Select(g => g.Last())
                    .Where(d => d.Answer == Answer.Approve)
                    .ToList();
                if (!request.Policy.AllowsSelfApproval)
                    approvals.RemoveAll(d => request.Barred.Contains(d.PersonId));
                True(approvals.Count >= request.Policy.Steps.Sum(s => s.Need), $"{request.Id} has too few approvals");
                for (var step = 0; step < request.Policy.Steps.Count; step++)
                {
                    True(
                        approvals.Count(d => d.Steps.Contains(step)) >= request.Policy.Steps[step].Need,
                        $"step {step} of {request.Id} is not filled"
                    );
                }
            }
            True(await host.Hub.Proof() is null, $"the record: {await host.Hub.Proof()}");
            for (var person = 0; person < People; person++)
            {
                if (_model.People[person].IsDisabled)
                    continue;
                var (listed, waiting) = (await Listed(person, ""), await Listed(person, "&waiting=me"));
                for (var i = 0; i < _requests.Count; i++)
                {
                    var id = $"{_requests[i].Id}";
                    var single = (await _clients[person].Get($"/api/v1/requests/{id}")).Status;
                    True(listed.Contains(id) == (single == 200), $"P{person} lists {id} and opens it with {single}");
                    True(
                        waiting.Contains(id) == _model.Requests[i].Needs(person),
                        $"{id} {(waiting.Contains(id) ? "waits" : "doesn't wait")} for P{person}"
                    );
                }
            }
            // The next history has tickets of its own.
            for (var i = 0; i < _requests.Count; i++)
                await Confirm(i, null);
            desk.Decide("no");
            await Pass(TimeSpan.FromMinutes(6));
        }

        private async Task Submit(int by, bool isKept)
        {
            if (_requests.Count >= 4 || _model.People[by].IsDisabled)
                return;
            var index = _requests.Count;
            if (isKept)
            {
                // As LaunchDarkly's door does while its source is connected: who asked is confirmed later.
                var kept = await policies.Ask(
                    "{}",
                    _people[by],
                    change: s =>
                        s with
                        {
                            SentBy = SentBy.LaunchDarkly,
                            Check = OpenCheck.Requester,
                            ExternalId = $"h{number}-{index}",
                        }
                );
                // No one is asked by the server itself: Confirm answers, when the history says so.
                await host.Hub.Store.InTransaction(tx => Jobs.Cancel(tx, OpenChecks.JobKind, kept.Id.Value));
                _requests.Add((kept.Id, by, true));
            }
            else
            {
                var sent = await _clients[by]
                    .Post("/api/v1/requests", new { subject = "Content 1", externalId = External(index) });
                True(sent.Status == 201, sent.Text);
                _requests.Add(
                    (
                        RequestId.TryParse(sent["id"]!, out var id)
                            ? id
                            : throw new InvalidOperationException(sent.Text),
                        by,
                        false
                    )
                );
            }
            _model.Submit(by, _active, isKept);
        }

        private async Task Decide(int a, int person, string answer, int door)
        {
            var (id, request) = (_requests[a].Id, await Find(a));
            var taken = false;
            var text = "";
            switch (door)
            {
                case 0 when answer != "abstain":
                    var zendesk = await _clients[person]
                        .Send(
                            HttpMethod.Patch,
                            $"/api/v2/approval_workflow_instances/1/approval_requests/{id}/decision",
                            new StringContent(
                                JsonSerializer.Serialize(
                                    new
                                    {
                                        status = answer == "approve" ? "approved" : "rejected",
                                        notes = "x",
                                        digest = request.AnswerDigest,
                                    }
                                ),
                                System.Text.Encoding.UTF8,
                                "application/json"
                            )
                        );
                    (taken, text) = (zendesk.Status == 200, zendesk.Text);
                    break;
                case 1 when !_model.People[person].IsDisabled:
                    using (var browser = await host.SignIn(_people[person]))
                    {
                        var page = await browser.Submit(
                            "/account",
                            $"/requests/{id}",
                            ("do", answer),
                            ("note", "x"),
                            ("digest", request.AnswerDigest)
                        );
                        (taken, text) = (page.Status is 302 or 303, $"{page.Status} {page.Location}");
                    }
                    break;
                case 2 when answer != "abstain":
                    var links = host.Services.GetRequiredService<MailLinks>();
                    var link = links.Write(
                        new MailLink.Decide(
                            number * 10_000 + _course.Count,
                            _people[person].Id,
                            host.Hub.Clock.Now.AddDays(1),
                            id,
                            request.AnswerDigest,
                            answer == "approve" ? Answer.Approve : Answer.Reject
                        )
                    );
                    using (var mail = host.Browser())
                    {
                        var shown = await mail.Get($"/mail/{link}");
                        var sent =
                            shown.Status == 200 && shown.Token is not null
                                ? await mail.Submit($"/mail/{link}", $"/mail/{link}", ("note", "x"))
                                : shown;
                        (taken, text) = (sent.Status is 302 or 303, $"{sent.Status}");
                    }
                    break;
                default:
                    var api = await _clients[person]
                        .Post(
                            $"/api/v1/requests/{id}/decisions",
                            new
                            {
                                answer,
                                digest = request.AnswerDigest,
                                note = "x",
                            }
                        );
                    (taken, text) = (api.Status == 200, api.Text);
                    break;
            }
            Same(_model.Requests[a].Decide(person, answer), taken, new(answer, a, person, door), text);
        }

        private async Task Confirm(int a, int? asked)
        {
            if (!_requests[a].IsKept)
                return;
            var learned = asked is { } p
                ? new LearnedRequester(
                    _people[p].Id,
                    _people[p].Name,
                    _people[p].Name,
                    [_people[p].Id],
                    _people[p].Email
                )
                : new LearnedRequester(null, "", "", [], null);
            await host.Hub.Store.InTransaction(async tx =>
            {
                await EndCheck.Run(
                    tx,
                    _requests[a].Id,
                    new CheckResult((await Find(a)).Revision, OpenCheck.Requester) { Requester = learned },
                    (r, _, _) => r.Policy with { Carried = null }
                );
            });
            _model.Requests[a].Confirm(asked);
        }

        /// <summary>At most one has a delegate at a time, so that it's clear for whom one decides.</summary>
        private async Task Leave(int person, int other)
        {
            if (person == other || _model.People.Any(p => p.Delegate is not null && p.AwayUntil > _model.Now))
                return;
            var now = host.Hub.Clock.Now;
            if (
                await policies.Absences.Set(
                    _people[person].Email!,
                    now,
                    now.AddDays(1),
                    _people[other].Email,
                    Some.Operator,
                    default
                ) is AccessOutcome<Absence>.Done
            )
            {
                (_model.People[person].AwayUntil, _model.People[person].Delegate) = (_model.Now.AddDays(1), other);
            }
        }

        private async Task SetPolicy(int index)
        {
            _active = Policies[index];
            if (_active.IsLeftToDestination)
            {
                await Publish($"version: 1\npolicies:\n  - name: {_active.Name}\n    destination: {HandedOver.Name}\n");
                return;
            }
            var steps = _active.Steps.Select(
                (s, i) =>
                    $"      - {{ name: step {i}, need: {s.Need}, from: {{ "
                    + string.Join(
                        ", ",
                        new[]
                        {
                            s.Groups.Length == 0 ? null : $"groups: [{string.Join(", ", s.Groups.Select(Group))}]",
                            s.People.Length == 0
                                ? null
                                : $"people: [{string.Join(", ", s.People.Select(p => $"\"{_people[p].Email}\""))}]",
                        }.OfType<string>()
                    )
                    + " } }"
            );
            await Publish(
                $"version: 1\npolicies:\n  - name: {_active.Name}\n    mail_decisions: allow\n"
                    + (_active.AllowsSelf ? "    self_approval: allow\n" : "")
                    + (_active.ForbidsOverride ? "    break_glass: forbid\n" : "")
                    + (
                        _active.ExpiresAfterHours is { } hours
                            ? $"    expire: {{ after: {hours}h, as: {_active.ExpiresAs} }}\n".ToLowerInvariant()
                            : ""
                    )
                    + $"    steps:\n{string.Join('\n', steps)}\n"
            );
        }

        private async Task Publish(string file)
        {
            var set = await policies.Files.Set(file, null, Some.Operator, default);
            True(set is SetPoliciesOutcome.Set or SetPoliciesOutcome.Same, $"{set}");
            await host.Noticed();
        }

        private async Task Compare(ModelTests.Act act)
        {
            for (var i = 0; i < _requests.Count; i++)
            {
                var index = i;
                var expected = _model.Requests[i].Status.ToString();
                // What is due by time may be with the server's own worker at this moment.
                if (act.What is "pass" or "ticket")
                {
                    await Eventually.True(
                        async () => (await Find(index)).Status.ToString() == expected,
                        $"{_requests[i].Id} becomes {expected}: {string.Join(", ", _course)}"
                    );
                }
                var found = await Find(i);
                True(found.Status.ToString() == expected, $"request {i} is {found.Status}, and should be {expected}");
            }
        }

        private void Same(bool expected, bool taken, ModelTests.Act act, string text) =>
            True(expected == taken, $"{act} was {(taken ? "taken" : "refused")}, unlike the model: {text}");

        private void True(bool condition, string what)
        {
            if (!condition)
                throw new InvalidOperationException($"{what}\n[{string.Join(", ", _course)}]");
        }

        private async Task<HashSet<string>> Listed(int person, string filter) =>
            [
                .. (await _clients[person].Get($"/api/v1/requests?size=100{filter}")).Json["requests"]!
                    .AsArray()
                    .Select(r => r!["id"]!.ToString()),
            ];

        private Task<ApprovalRequest> Find(int index) => host.Hub.Find(_requests[index].Id);

        private string External(int index) => $"h{number}-{index}";

        private string Group(int group) => $"G{group} H{number}";
    }
}
