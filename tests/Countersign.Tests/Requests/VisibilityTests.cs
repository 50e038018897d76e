using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Lists, single views and decisions follow one rule. Random people, groups, absences, delegates and decisions are
/// held beside what the pure functions say about each person and request.
/// </summary>
public sealed class VisibilityTests
{
    private const int Worlds = 4;
    private const int Turns = 60;
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);

    [Theory, BothEngines]
    public async Task Lists_single_views_and_decisions_agree_about_every_person_and_request(Engine engine)
    {
        var seen = new HashSet<string>();
        for (var seed = 1; seed <= Worlds; seed++)
        {
            await using var hub = await PolicyHub.Start(engine);
            var world = new World(hub, seed);
            await world.Begin();
            for (var turn = 0; turn < Turns; turn++)
            {
                await world.Turn();
                if (turn % 6 == 0)
                    await world.Compare($"world {seed}, turn {turn}");
            }
            seen.UnionWith(world.Seen);
        }
        // Every kind of seat came up, or nothing was compared.
        Assert.Equal(["needed", "needed as a delegate", "open", "open as a delegate"], seen.Order());
    }

    [Theory, BothEngines]
    public async Task A_delegate_keeps_what_the_principal_may_still_reject_when_others_have_filled_the_step(
        Engine engine
    )
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = (await hub.Hub.AddPeople("Ann", "Ben", "Cleo", "Dan")).ToDictionary(p => p.Name);
        var sre = await hub.Hub.AddGroup("SRE", people["Ann"], people["Cleo"]);
        var policy = Some.Policy(Some.Step("SRE", 1, sre.AsApprover), Some.Step("Dan", 1, people["Dan"].AsApprover));
        var now = hub.Hub.Clock.Now;
        Some.Done(
            await hub.Absences.Set(people["Ann"].Email!, now, now + Week, people["Ben"].Email, Some.Operator, default)
        );
        var (rejected, approved) = (await hub.Hub.Ask(policy), await hub.Hub.Ask(policy));
        var ben = Some.Viewer(people["Ben"]);
        Assert.Equal([approved.Id, rejected.Id], await Listed(hub, ben, new Filter { WaitingForMe = true }));

        await hub.Hub.Approve(rejected, people["Cleo"]);
        await hub.Hub.Approve(approved, people["Cleo"]);

        // It needs nothing of Ben, so that it isn't in his inbox; but he may look and reject, as Ann could.
        Assert.Empty(await Listed(hub, ben, new Filter { WaitingForMe = true }));
        Assert.Equal([approved.Id, rejected.Id], await Listed(hub, ben, new Filter()));
        Assert.IsType<DecideOutcome.Settled>(await hub.Hub.Reject(rejected, people["Ben"]));

        await hub.Hub.Approve(approved, people["Dan"]);
        Assert.Equal([rejected.Id], await Listed(hub, ben, new Filter()));
        Assert.Equal(0, await hub.Hub.Place.Count("answerable"));
    }

    [Theory, BothEngines]
    public async Task What_a_delegate_said_is_not_counted_when_they_turn_out_to_be_the_requester(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = (await hub.Hub.AddPeople("Ann", "Ben", "Cleo", "Dan")).ToDictionary(p => p.Name);
        var sre = await hub.Hub.AddGroup("SRE", people["Ann"], people["Cleo"]);
        var (ann, now) = (people["Ann"].Email!, hub.Hub.Clock.Now);
        Some.Done(await hub.Absences.Set(ann, now, now + Week, people["Dan"].Email, Some.Operator, default));
        var claim = RequesterClaim.Of(["danny@elsewhere.test"], []);
        var request = await hub.Hub.Ask(
            Some.Policy(Some.Step("SRE", 2, sre.AsApprover)),
            s => s with { Requester = new Requester(null, "Danny", [], Certainty.Claimed) { Claim = claim } }
        );
        await hub.Hub.Approve(request, people["Dan"]);
        Some.Done(await hub.Absences.Set(ann, now, now + Week, people["Ben"].Email, Some.Operator, default));
        var ben = Some.Viewer(people["Ben"]);
        Assert.Empty(await Listed(hub, ben, new Filter { WaitingForMe = true }));

        Some.Done(
            await new Aliases(hub.Hub.Store).Add(
                people["Dan"].Email!,
                "danny@elsewhere.test",
                Some.Operator,
                default,
                isForced: true
            )
        );

        Assert.Equal([request.Id], await Listed(hub, ben, new Filter { WaitingForMe = true }));
        Assert.IsType<DecideOutcome.Recorded>(await hub.Hub.Approve(request, people["Ben"]));
    }

    [Theory, BothEngines]
    public async Task No_condition_reads_a_whole_table(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        foreach (
            var condition in new[]
            {
                Visibility.MaySee,
                Visibility.TakesPart("@mine"),
                Visibility.WaitsFor("@mine"),
                Visibility.WaitsFor(null),
            }
        )
        {
            var statement = $"SELECT r.id FROM requests r WHERE r.id = @id AND {condition}";
            var arguments = new
            {
                id = new RequestIds().Next(hub.Clock.Now),
                admin = 0L,
                source = 0L,
                person = 7L,
                mine = "group:3",
            };
            var plan = await hub.Store.InTransaction(
                async tx =>
                {
                    // PostgreSQL reads empty tables from end to end, unless an index could be used at all.
                    if (engine == Engine.Postgres)
                        await tx.Execute("SET LOCAL enable_seqscan = off");
                    var explain = engine == Engine.Postgres ? "EXPLAIN " : "EXPLAIN QUERY PLAN ";
                    return (await tx.Rows(explain + statement, arguments)).ConvertAll(row =>
                        row.Values.OfType<string>().Last()
                    );
                },
                default
            );
            Assert.DoesNotContain(
                plan,
                line =>
                    line.Contains("Seq Scan", StringComparison.Ordinal)
                    || (
                        line.StartsWith("SCAN", StringComparison.Ordinal)
                        && !line.Contains("CONSTANT", StringComparison.Ordinal)
                    )
            );
        }
    }

    private static async Task<List<RequestId>> Listed(PolicyHub hub, Viewer viewer, Filter filter)
    {
        var list = new RequestList(hub.Hub.Store, new RequestSummaries(hub.Hub.Store));
        return [.. (await list.Run(viewer, filter, 50, null, default)).Requests.Select(r => r.Id)];
    }

    /// <summary>A few people, groups and requests to whom anything may happen.</summary>
    private sealed class World(PolicyHub hub, int seed)
    {
        private static readonly string[] Names = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus"];
        private readonly Random _random = Seeded.Random(seed);
        private readonly List<Person> _people = [];
        private readonly List<Group> _groups = [];
        private readonly List<RequestId> _requests = [];
        private readonly HashSet<long> _disabled = [];

        public HashSet<string> Seen { get; } = [];

        public async Task Begin()
        {
            foreach (var name in Names)
                _people.Add(await hub.Hub.AddPerson(name, _people.Count < 2 ? Role.Admin : Role.Agent));
            for (var i = 0; i < 3; i++)
                _groups.Add(await hub.Hub.AddGroup($"Group {i}", [.. Pick(_people, 3)]));
            for (var i = 0; i < 8; i++)
                await Ask();
            for (var i = 0; i < 3; i++)
                await Leave();
        }

        public async Task Turn()
        {
            switch (_random.Next(12))
            {
                case 0:
                    await Ask();
                    break;
                case 1 or 2:
                    await Leave();
                    break;
                case 3:
                    await hub.Absences.Cancel(One(_people).Email!, Some.Operator, default);
                    break;
                case 4:
                    var (group, person) = (One(_groups).Name, One(_people).Email!);
                    if (_random.Next(2) == 0)
                        await hub.Hub.Groups.AddMember(group, person, Some.Operator, default);
                    else
                        await hub.Hub.Groups.RemoveMember(group, person, Some.Operator, default);
                    break;
                case 5:
                    var one = One(_people);
                    if (_disabled.Remove(one.Id))
                        await hub.Hub.Enable(one);
                    else if (_disabled.Count < 2 && _disabled.Add(one.Id))
                        await hub.Hub.Disable(one);
                    break;
                default:
                    await Decide();
                    break;
            }
            await hub.Clockwork.Drain();
        }

        /// <summary>A decision is taken if, and only if, the rule says so.</summary>
        private async Task Decide()
        {
            var (id, person) = (One(_requests), One(_people.Where(p => !_disabled.Contains(p.Id))));
            var (request, decisions, pools) = await Load(id);
            var seat = SeatOf(request, decisions, pools, person);
            var answer = _random.Next(4) switch
            {
                0 => Answer.Reject,
                1 => Answer.Abstain,
                _ => Answer.Approve,
            };
            var outcome = await hub.Hub.Answer(request, person, answer);
            var expected =
                !Sees(request, decisions, pools, person) ? "NotFound"
                : request.IsSettled ? "AlreadySettled"
                : seat.IsOpen ? "Recorded or Settled"
                : seat.Steps.Count > 0 ? "StepNotOpen"
                : "NotAllowed";
            Assert.Contains(outcome.GetType().Name, expected.Split(" or "));
        }

        public async Task Compare(string when)
        {
            foreach (var person in _people.Where(p => !_disabled.Contains(p.Id)))
            {
                var viewer = Some.Viewer(person);
                var (sees, takesPart, needed) = (new List<RequestId>(), new List<RequestId>(), new List<RequestId>());
                foreach (var id in _requests.OrderByDescending(r => r.Value, StringComparer.Ordinal))
                {
                    var (request, decisions, pools) = await Load(id);
                    var seat = SeatOf(request, decisions, pools, person);
                    if (!request.IsSettled && seat.IsOpen)
                        Seen.Add((seat.IsNeeded ? "needed" : "open") + (seat.For is null ? "" : " as a delegate"));
                    if (Sees(request, decisions, pools, person, asAdmin: false))
                        takesPart.Add(id);
                    if (Sees(request, decisions, pools, person))
                        sees.Add(id);
                    if (!request.IsSettled && seat.IsNeeded)
                        needed.Add(id);
                    Assert.True(
                        Sees(request, decisions, pools, person)
                            == await hub.Hub.Store.Read(r => RequestRow.Find(r, id, viewer)) is not null,
                        $"{when}: {person.Name} opens {id}"
                    );
                }
                Assert.True(needed.TrueForAll(sees.Contains), $"{when}: {person.Name} needs what they don't see");
                await Same(sees, new Filter());
                await Same(sees, new Filter { Sources = [TestHub.ApiSource] });
                await Same(sees, new Filter { Statuses = Enum.GetValues<Status>() });
                await Same(takesPart, new Filter { TakesPart = true });
                await Same(needed, new Filter { WaitingForMe = true });

                async Task Same(List<RequestId> expected, Filter filter)
                {
                    var listed = await Listed(hub, viewer, filter);
                    Assert.True(
                        expected.SequenceEqual(listed),
                        $"{when}: {person.Name}, {filter}: expected {string.Join(' ', expected)}, "
                            + $"listed {string.Join(' ', listed)}"
                    );
                }
            }
        }

        /// <summary>In words of its own, so that it does not repeat a mistake of the conditions.</summary>
        private static bool Sees(
            ApprovalRequest request,
            List<Decision> decisions,
            Pools pools,
            Person person,
            bool asAdmin = true
        )
        {
            bool IsIn(long id, Step step) => step.From.Any(a => pools.Of(a.Party).Contains(id));
            var counting = Weigh.LatestThatCount(request, decisions);
            var open = Weigh.Of(request, decisions, request.CreatedAt) is Verdict.StillPending pending
                ? request.Policy.Steps.Take(pending.OpenStep + 1)
                : [];
            return (asAdmin && person.Role == Role.Admin)
                || request.RequesterId == person.Id
                || request.Policy.Steps.Any(step => IsIn(person.Id, step))
                || decisions.Exists(d => d.PersonId == person.Id && d.ForPerson is not null)
                || (
                    !request.IsSettled
                    && ReviewerSeat
                        .DelegatesOf(request, counting, pools)
                        .PrincipalsOf(person.Id)
                        .Any(away => open.Any(step => IsIn(away.Id, step)))
                );
        }

        private static ReviewerSeat SeatOf(
            ApprovalRequest request,
            List<Decision> decisions,
            Pools pools,
            Person person
        ) => ReviewerSeat.Of(request, decisions, Weigh.Of(request, decisions, request.CreatedAt), pools, person.Id);

        private ValueTask<(ApprovalRequest, List<Decision>, Pools)> Load(RequestId id) =>
            hub.Hub.Store.Read(async reader =>
                (
                    (await RequestRow.Find(reader, id, Viewer.Hub(Some.Origin)))!,
                    await DecisionRow.Of(reader, id),
                    await PoolRows.All(reader)
                )
            );

        private async Task Ask()
        {
            var steps = new List<Step>();
            for (var i = _random.Next(1, 4); i > 0; i--)
            {
                Approver[] from =
                [
                    .. Pick(_groups, _random.Next(2)).Select(g => g.AsApprover),
                    .. Pick(_people, _random.Next(1, 3)).Select(p => p.AsApprover),
                    .. _random.Next(4) == 0 ? [new Approver(Party.Admins, "an admin")] : Array.Empty<Approver>(),
                ];
                steps.Add(Some.Step($"Step {i}", _random.Next(1, 3), from));
            }
            var policy = Some.Policy([.. steps]) with { AllowsSelfApproval = _random.Next(4) == 0 };
            _requests.Add((await hub.Hub.Ask(policy, s => s.AskedBy(One(_people)))).Id);
        }

        private async Task Leave()
        {
            var (who, other, now) = (One(_people), One(_people), hub.Hub.Clock.Now);
            await hub.Absences.Set(who.Email!, now, now + Week, other.Email, Some.Operator, default);
        }

        private T One<T>(IEnumerable<T> items) => Pick(items, 1)[0];

        private List<T> Pick<T>(IEnumerable<T> items, int count) => [.. _random.Shuffled(items).Take(count)];
    }
}
