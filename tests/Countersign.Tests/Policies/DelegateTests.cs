using Countersign.Outcomes.Notifications;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Tests.Pages;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Who stands in for whom is one rule: what may be decided, what the lists of every door show, who is told, what
/// counts as possible and what the request's page offers are the same for every story here.
/// </summary>
public sealed class DelegateTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <param name="BenMay">Whether Ben may decide, for himself or as a delegate.</param>
    /// <param name="Course">What happens before that is asked. SRE is Ann and Cleo; two approvals are needed.</param>
    private sealed record Story(string Title, bool BenMay, string Policy, string Requester, params string[] Course);

    private static readonly Story[] Stories =
    [
        new("A delegate of a person in the group", true, "group", "Rita", "Ann leaves to Ben"),
        new("A delegate of a person who is named", true, "person", "Rita", "Ann leaves to Ben"),
        new("A delegate of an admin", true, "admins", "Rita", "Ann is an admin", "Ann leaves to Ben"),
        new("Nobody's delegate", false, "group", "Rita"),
        new("The absence has not begun", false, "group", "Rita", "Ann will leave to Ben"),
        new("The absence is over", false, "group", "Rita", "Ann leaves to Ben", "Ann returns"),
        new("The delegate is out of office too", false, "group", "Rita", "Ann leaves to Ben", "Ben leaves"),
        new("The delegate will be out of office later", true, "group", "Rita", "Ann leaves to Ben", "Ben will leave"),
        new("There are no chains", false, "group", "Rita", "Ann leaves to Eve", "Eve leaves to Ben"),
        new("The delegate asked", false, "group", "Ben", "Ann leaves to Ben"),
        new("The principal asked", false, "group", "Ann", "Ann leaves to Ben"),
        new("One principal asked, the other did not", true, "group", "Ann", "Ann leaves to Ben", "Cleo leaves to Ben"),
        new("The delegate asked, and the policy lets them decide", true, "self", "Ben", "Ann leaves to Ben"),
        new("The principal asked, and the policy lets them decide", true, "self", "Ann", "Ann leaves to Ben"),
        new("The principal has answered", false, "group", "Rita", "Ann abstains", "Ann leaves to Ben"),
        new(
            "The principal's answer no longer counts, as they were disabled since",
            true,
            "group",
            "Rita",
            "Ann abstains",
            "Ann is disabled",
            "Ann is enabled",
            "Ann leaves to Ben"
        ),
        new("The principal is disabled", false, "group", "Rita", "Ann leaves to Ben", "Ann is disabled"),
        new(
            "Another delegate has answered for the principal",
            false,
            "group",
            "Rita",
            "Ann leaves to Dan",
            "Dan abstains",
            "Ann leaves to Ben"
        ),
        new(
            "The other delegate answered for somebody else",
            true,
            "group",
            "Rita",
            "Cleo leaves to Dan",
            "Dan abstains",
            "Ann leaves to Ben"
        ),
        new("A member of the group who asked", false, "group with Ben", "Ben"),
        new("A member of the group", true, "group with Ben", "Rita"),
        new("The principal's step has not come", false, "later", "Rita", "Ann leaves to Ben"),
        new("The principal's step has come", true, "later", "Rita", "Ann leaves to Ben", "Cleo approves"),
        new("The holder of the seat delegates it", true, "group", "Rita", "Ann delegates to Ben"),
        new("A person who is named delegates", true, "person", "Rita", "Ann delegates to Ben"),
        new("An admin delegates", true, "admins", "Rita", "Ann is an admin", "Ann delegates to Ben"),
        new("The holder takes it back", false, "group", "Rita", "Ann delegates to Ben", "Ann ends it"),
        new("It was delegated to somebody else", false, "group", "Rita", "Ann delegates to Dan"),
        new("The delegate of the seat leaves", false, "group", "Rita", "Ann delegates to Ben", "Ben leaves"),
        new("The holder is disabled", false, "group", "Rita", "Ann delegates to Ben", "Ann is disabled"),
        new(
            "The holder chose another for this request than for the absence",
            false,
            "group",
            "Rita",
            "Ann leaves to Ben",
            "Ann delegates to Dan"
        ),
        new(
            "The holder chose Ben for this request, another for the absence",
            true,
            "group",
            "Rita",
            "Ann leaves to Dan",
            "Ann delegates to Ben"
        ),
        new("Ben has given his own seat away", false, "group with Ben", "Rita", "Ben delegates to Dan"),
        new(
            "Ben has given his own seat away and taken it back",
            true,
            "group with Ben",
            "Rita",
            "Ben delegates to Dan",
            "Ben ends it"
        ),
        new(
            "Ben has given his own seat to somebody who was disabled",
            true,
            "group with Ben",
            "Rita",
            "Ben delegates to Dan",
            "Dan is disabled"
        ),
        new(
            "Ben has given his own seat away, and stands in for another",
            true,
            "group with Ben",
            "Rita",
            "Ann leaves to Ben",
            "Ben delegates to Dan"
        ),
        new(
            "Someone who could fill both steps is needed in that of the principal",
            true,
            "both",
            "Rita",
            "Ann leaves to Ben",
            "Cleo approves"
        ),
    ];

    [Theory, BothEngines]
    public async Task Decisions_lists_notifications_feasibility_and_pages_agree(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        var wrong = new List<string>();
        for (var n = 0; n < Stories.Length; n++)
        {
            var story = Stories[n];
            var (request, ben) = await Tell(host, story, n);
            foreach (var (place, may) in await Places(host, request, ben))
            {
                if (may != story.BenMay)
                    wrong.Add($"{story.Title}: {place} says {(may ? "yes" : "no")}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Null(await host.Hub.Proof());
    }

    [Theory, BothEngines]
    public async Task A_delegate_answers_once_for_one_principal_and_does_not_take_their_own_answer_back(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = (await hub.Hub.AddPeople("Ann", "Ben", "Cleo", "Rita")).ToDictionary(p => p.Name);
        var first = await hub.Hub.AddGroup("First", people["Ben"], people["Cleo"]);
        var second = await hub.Hub.AddGroup("Second", people["Ann"]);
        var now = hub.Hub.Clock.Now;
        var (ann, ben) = (people["Ann"].Email!, people["Ben"].Email);
        Some.Done(await hub.Absences.Set(ann, now, now + Day, ben, Some.Operator, default));
        var policy = Some.Policy(Some.Step("First", 1, first.AsApprover), Some.Step("Second", 1, second.AsApprover));
        var request = await hub.Hub.Ask(policy, s => s.AskedBy(people["Rita"]));

        // Ben's own step comes first. Having filled it, he is not asked in Ann's name too, and the request says so.
        var mine = Assert.IsType<DecideOutcome.Recorded>(await hub.Hub.Approve(request, people["Ben"])).Request;
        Assert.StartsWith("1 of 2 approvals, waiting for Second", mine.Display, StringComparison.Ordinal);
        await hub.Hub.Approve(request, people["Ben"]);
        Assert.Null(Assert.Single(await hub.Hub.Decisions(request.Id)).ForPerson);
        Assert.Empty((await Listed(hub.Hub, people["Ben"])).Requests);
        await hub.Looking.Drain();
        Assert.NotNull((await hub.Find(request)).Stuck);

        // Cleo can fill the first step instead, but an answer is not moved; Ann comes back and approves.
        await hub.Absences.Cancel(people["Ann"].Email!, Some.Operator, default);
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Approve(request, people["Ann"]));
    }

    private static ValueTask<Countersign.Requests.Page> Listed(TestHub hub, Person person) =>
        new RequestList(hub.Store, new RequestSummaries(hub.Store)).Run(
            Some.Viewer(person),
            new Filter { WaitingForMe = true },
            10,
            null,
            default
        );

    private static async Task<(ApprovalRequest Request, Person Ben)> Tell(PagesHost host, Story story, int n)
    {
        var (hub, clock) = (host.Hub, host.Hub.Clock);
        var people = new Dictionary<string, Person>();
        foreach (var name in new[] { "Ann", "Ben", "Cleo", "Dan", "Eve", "Rita" })
            people[name] = await hub.AddPerson($"{name}{n}", Role.Agent);
        var absences = host.Api.Services.GetRequiredService<Absences>();
        var (ann, ben, cleo) = (people["Ann"].AsApprover, people["Ben"].AsApprover, people["Cleo"].AsApprover);
        Approver[] sre = [(await hub.AddGroup($"SRE {n}", people["Ann"], people["Cleo"])).AsApprover];
        Approver[] more = [.. sre, (await hub.AddGroup($"More {n}", people["Ben"])).AsApprover];
        var policy = story.Policy switch
        {
            "group" => Some.Policy(Some.Step("SRE", 2, sre)),
            "group with Ben" => Some.Policy(Some.Step("SRE", 2, more)),
            "self" => Some.Policy(Some.Step("SRE", 2, sre)) with { AllowsSelfApproval = true },
            "person" => Some.Policy(Some.Step("Ann", 2, ann, cleo)),
            "admins" => Some.Policy(Some.Step("admins", 2, new Approver(Party.Admins, "an admin"))),
            "later" => Some.Policy(Some.Step("Cleo", 1, cleo), Some.Step("Ann", 1, ann)),
            "both" => Some.Policy(Some.Step("Cleo", 1, cleo, ben), Some.Step("Ann", 1, ann)),
            _ => throw new ArgumentException(story.Policy, nameof(story)),
        };
        var request = await hub.Ask(policy, s => s.AskedBy(people[story.Requester]));
        foreach (var line in story.Course)
        {
            var words = line.Split(' ');
            var (who, now) = (people[words[0]], clock.Now);
            var standIn = words[^2] == "to" ? people[words[^1]].Email : null;
            switch (words[1])
            {
                case "leaves":
                    Some.Done(await absences.Set(who.Email!, now, now + Day, standIn, Some.Operator, default));
                    break;
                case "will":
                    var (from, to) = (now + (3 * Day), now + (4 * Day));
                    Some.Done(await absences.Set(who.Email!, from, to, standIn, Some.Operator, default));
                    break;
                case "returns":
                    await absences.Cancel(who.Email!, Some.Operator, default);
                    break;
                case "is":
                    await (
                        words[^1] switch
                        {
                            "disabled" => hub.Disable(who),
                            "enabled" => hub.Enable(who),
                            _ => hub.People.SetRole(who.Email!, Role.Admin, Some.Operator, default),
                        }
                    );
                    if (words[^1] == "admin")
                        people[words[0]] = who with { Role = Role.Admin };
                    break;
                case "delegates":
                    Assert.IsType<DelegateOutcome.Delegated>(
                        await new DelegateSeat(hub.Store).Run(
                            request.Id,
                            Some.Viewer(who),
                            people[words[^1]].Id,
                            default
                        )
                    );
                    break;
                case "ends":
                    Assert.IsType<EndDelegationOutcome.Ended>(
                        await new EndDelegation(hub.Store).Run(request.Id, Some.Viewer(who), default)
                    );
                    break;
                default:
                    var answer = words[1] == "approves" ? Answer.Approve : Answer.Abstain;
                    Assert.IsType<DecideOutcome.Recorded>(await hub.Answer(request, who, answer));
                    break;
            }
        }
        await host.Api.Noticed();
        return (await hub.Find(request.Id), people["Ben"]);
    }

    /// <summary>What each part of the hub says about Ben; the decision last, as it changes the others.</summary>
    private static async Task<List<(string, bool)>> Places(PagesHost host, ApprovalRequest request, Person ben)
    {
        var id = request.Id.Value;
        using var client = await host.Api.Person(ben);
        using var browser = await host.Api.SignIn(ben);
        const string search = "/api/v2/approval_workflow_instances/any/approval_requests/search?status=active";
        var shown = await client.Get($"/api/v2/approval_requests/{id}");
        var assignee = shown.Status == 200 ? (long)shown.Json["approval_request"]!["assignee_user"]!["id"]! : 0;
        var (told, possible) = await host.Hub.Store.InTransaction(
            async tx =>
            {
                var pools = await PoolRows.All(tx);
                var decisions = await DecisionRow.Of(tx, request.Id);
                var said = ReviewerSeat.SaidIn(Weigh.LatestThatCount(request, decisions));
                var steps = Feasibility.Available(request.Policy, pools, request.BarredNow, said, request.Delegations);
                var open = ((Verdict.StillPending)Weigh.Of(request, decisions, tx.Now)).OpenStep;
                var waits = await Recipients.Waiting(tx, request.Id);
                return (
                    Recipients.People(request, decisions, waits!.Value.Parties, pools).Contains(ben.Id),
                    (steps.GetValueOrDefault(ben.Id) >> open & 1) == 1
                );
            },
            default
        );
        bool Shows(string text, string what) => text.Contains(what, StringComparison.Ordinal);
        return
        [
            ("the API's list", Shows((await client.Get("/api/v1/requests?waiting=me")).Text, id)),
            ("the inbox", Shows((await browser.Get("/?show=waiting")).Text, $"data-row=\"{id}\"")),
            ("the page", Shows((await browser.Get($"/requests/{id}")).Text, "value=\"approve\"")),
            ("Zendesk's search", Shows((await client.Post(search, new { })).Text, id)),
            ("Zendesk's show", assignee == ben.Id),
            ("who is told", told),
            ("what is possible", possible),
            ("the decision", await host.Hub.Approve(request, ben) is DecideOutcome.Recorded or DecideOutcome.Settled),
        ];
    }
}
