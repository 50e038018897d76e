using System.Text.Json;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Whole lives of requests, generated: people answer, change their minds, leave, are disabled and come back, contents
/// are revised, withdrawn and applied, in any order and with a clock that jumps. After every step the store must agree
/// with the laws.
/// </summary>
public sealed class LifeTests
{
    private static readonly string[] Contents = ["one", "another", "a third"];

    [Theory, BothEngines]
    public async Task Whatever_happens_in_whatever_order_the_laws_hold(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben", "Cleo", "Dan", "Eve");
        var groups = new List<Group>
        {
            await hub.AddGroup("Red", people[0], people[1]),
            await hub.AddGroup("Green", people[1], people[2], people[3]),
            await hub.AddGroup("Blue", people[0], people[3], people[4]),
        };
        var ends = new Dictionary<Status, int>();
        for (var seed = 0; seed < 25; seed++)
        {
            var life = new Life(hub, people, groups, seed);
            await life.Begin();
            for (var step = 0; step < 14; step++)
                await life.Step();
            ends[life.Status] = ends.GetValueOrDefault(life.Status) + 1;
            foreach (var person in people)
                await hub.Enable(person);
        }
        // The generator reaches every state, or it would prove little.
        Assert.Equal(4, ends.Count);
    }

    private sealed class Life(TestHub hub, List<Person> people, List<Group> groups, int seed)
    {
        private readonly Random _random = Seeded.Random(seed);
        private readonly List<string> _course = [];
        private ApprovalRequest _request = null!;

        public Status Status => _request.Status;

        public async Task Begin()
        {
            _request = await hub.Ask(
                AnyPolicy(),
                s =>
                    s.Saying(Contents[0]).AskedBy(people[_random.Next(people.Count)]) with
                    {
                        ExternalId = $"life {seed}",
                    }
            );
            await Check(_request, "begins");
        }

        public async Task Step()
        {
            var before = _request;
            hub.Clock.Advance(
                TimeSpan.FromMilliseconds(_random.Next(5) == 0 ? -_random.Next(50) : 1 + _random.Next(100))
            );
            var person = people[_random.Next(people.Count)];
            var act = _random.Next(100) switch
            {
                < 55 => await Decided(person, Answer.Approve),
                < 63 => await Decided(person, Answer.Abstain),
                < 67 => await Decided(person, Answer.Reject),
                < 75 => await Revised(),
                < 82 => await Changed(person, hub.Disable, "disabled"),
                < 89 => await Changed(person, hub.Enable, "enabled"),
                < 92 => (await hub.Withdraw.Run(_request.Id, Viewer.Hub(Some.Origin), "", default)).ToString(),
                < 95 => (await hub.MarkApplied.Run(_request.Id, Viewer.Hub(Some.Origin), default)).ToString(),
                _ => (await hub.Comment.Run(_request.Id, Viewer.Hub(Some.Origin), "Well.", default)).ToString(),
            };
            _request = await hub.Find(_request.Id);
            await Check(before, act!);
        }

        private async Task<string> Decided(Person person, Answer answer)
        {
            var outcome = await hub.Answer(_request, person, answer, digest: _request.Digest);
            if (answer == Answer.Abstain)
                Assert.IsNotType<DecideOutcome.Settled>(outcome);
            return $"{person.Name} says {answer}: {outcome.GetType().Name}";
        }

        private async Task<string> Revised()
        {
            var submission = Some.Submission(AnyPolicy())
                .Saying(Contents[_random.Next(Contents.Length)])
                .AskedBy(people[_random.Next(people.Count)]);
            return (await hub.Submit.Run(submission with { ExternalId = $"life {seed}" }, Some.Origin, null, default))
                .GetType()
                .Name;
        }

        private static async Task<string> Changed(Person person, Func<Person, Task> change, string what)
        {
            await change(person);
            return $"{person.Name} is {what}";
        }

        private Policy AnyPolicy() =>
            Some.Policy([
                .. Enumerable
                    .Range(0, 1 + _random.Next(3))
                    .Select(i =>
                        Some.Step(
                            $"step {i}",
                            1 + _random.Next(2),
                            [.. _random.Shuffled(groups).Take(1 + _random.Next(2)).Select(g => g.AsApprover)]
                        )
                    ),
            ]);

        private async Task Check(ApprovalRequest before, string act)
        {
            _course.Add(act);
            try
            {
                await Check(before);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"Seed {seed}: {string.Join("; ", _course)}", failure);
            }
        }

        private async Task Check(ApprovalRequest before)
        {
            var decisions = await hub.Decisions(_request.Id);
            var verdict = Weigh.Of(_request, decisions, hub.Clock.Now);
            Assert.True(
                before.Status == _request.Status || before.MayBecome(_request.Status),
                $"{before.Status} → {_request.Status}"
            );

            // Inboxes and display follow from the answers as long as it is active, and are empty afterwards.
            Assert.Equal(
                _request.Status == Status.Active
                    ? RequestChange.WaitsFor(_request.Policy, verdict).Order(StringComparer.Ordinal)
                    : [],
                await hub.WaitsFor(_request.Id)
            );
            if (_request.Status == Status.Active)
                Assert.Equal(Assert.IsType<Verdict.StillPending>(verdict).Display, _request.Display);

            // What became approved did so by enough distinct people who may: counted without the scales.
            if (before.Status == Status.Active && _request.Status == Status.Approved)
            {
                var yes = decisions
                    .Where(d =>
                        d.Revision == _request.Revision && !d.AuthorDisabled && !_request.Barred.Contains(d.PersonId)
                    )
                    .GroupBy(d => d.PersonId)
                    .Select(g => g.Last())
                    .Where(d => d.Answer == Answer.Approve)
                    .ToList();
                Assert.True(yes.Count >= _request.Policy.Steps.Sum(s => s.Need));
                for (var step = 0; step < _request.Policy.Steps.Count; step++)
                    Assert.True(yes.Count(d => d.Steps.Contains(step)) >= _request.Policy.Steps[step].Need);
            }

            // The history is whole and its last word is the row's.
            var events = await hub.Place.Events(_request.Id.Subject);
            Assert.Equal(_request.Head, new Storage.Head(events[^1].N, events[^1].Hash));
            Assert.Equal(Enumerable.Range(1, events.Count), events.Select(e => (int)e.N));
            var told = events
                .Select(e => JsonDocument.Parse(e.Data).RootElement)
                .Where(d => d.TryGetProperty("status", out _))
                .Last()
                .GetProperty("status")
                .GetString();
            Assert.Equal(_request.Status.ToWireName(), told);
        }
    }
}
