using System.Text.RegularExpressions;
using Countersign.Configuration;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>Every example of <c>docs/policies.md</c>, with the lines that follow it.</summary>
public sealed partial class PolicyDocsTests
{
    private static readonly string Document = Repository.Read("docs", "policies.md");

    [Theory, BothEngines]
    public async Task Every_example_does_what_it_says(Engine engine)
    {
        await using var hub = await PolicyHub.Start(engine);
        var people = new Dictionary<string, Person>();
        foreach (var name in new[] { "Ann", "Ben", "Cleo", "Dan", "Mia", "Rita" })
            people[name] = await hub.Hub.AddPerson(name);
        people["Ada"] = await hub.Hub.AddPerson("Ada", Role.Admin);
        await hub.Hub.AddGroup("owners", people["Ann"], people["Ben"]);
        await hub.Hub.AddGroup("operations", people["Cleo"], people["Dan"]);
        await hub.Hub.AddGroup("managers", people["Mia"]);

        var told = 0;
        foreach (Match block in Blocks().Matches(Document))
        {
            var (kind, text) = (block.Groups["kind"].Value, block.Groups["text"].Value);
            if (kind == "yaml")
            {
                Assert.Empty(PolicyFile.Read(text).Problems);
                await hub.Set(text);
                continue;
            }
            var teller = new Teller(hub, people);
            foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var (act, expected) = (line.Split(" → ")[0], line.Split(" → ")[1]);
                Assert.Equal(line, $"{act} → {await teller.Do(act)}");
                told++;
                Assert.NotEmpty(expected);
            }
            await teller.ComeBack();
        }
        Assert.True(told > 40, "The document has no examples.");
        Assert.Null(await hub.Proof());
    }

    [Fact]
    public void Every_key_of_a_policy_is_in_its_table()
    {
        var unknown = Assert.Single(
            PolicyFile
                .Read("version: 1\npolicies: [ { name: x, auto: { answer: reject, because: y }, zzzzzzzz: 1 } ]")
                .Problems
        );
        foreach (var key in unknown.Fix.Split("Known are ")[1].TrimEnd('.').Split(", "))
            Assert.Contains($"| `{key}` |", Document, StringComparison.Ordinal);
    }

    /// <summary>Does what a line of a story says, and tells what the request then says.</summary>
    private sealed class Teller(PolicyHub hub, Dictionary<string, Person> people)
    {
        private readonly HashSet<Person> _away = [];
        private ApprovalRequest? _request;

        public async Task<string> Do(string act)
        {
            if (Asking().Match(act) is { Success: true } asks)
                return await Ask(asks);
            if (act.EndsWith(" pass", StringComparison.Ordinal))
            {
                await hub.Wait(
                    Durations.Parse(act[..^" pass".Length].Replace(" ", "", StringComparison.Ordinal))!.Value
                );
                return (await hub.Find(_request!)).Display;
            }
            var (who, what) = (people[act.Split(' ')[0]], act[(act.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
            if (what.StartsWith("is out of office", StringComparison.Ordinal))
            {
                _away.Add(who);
                var standIn = what.Contains(", delegate ", StringComparison.Ordinal)
                    ? people[what.Split(", delegate ")[1]].Email
                    : null;
                Some.Done(
                    await hub.Absences.Set(
                        who.Email!,
                        hub.Hub.Clock.Now,
                        hub.Hub.Clock.Now.AddDays(1),
                        standIn,
                        Some.Operator,
                        default
                    )
                );
                await hub.Looking.Drain();
                return (await hub.Find(_request!)).Display;
            }
            if (what == "overrides")
            {
                return await hub.BreakGlass.Run(
                    _request!.Id,
                    Some.Viewer(who),
                    "The shop is down and nobody answers.",
                    null,
                    default
                ) switch
                {
                    OverrideOutcome.Approved { Request: var approved } => approved.Display,
                    OverrideOutcome.Forbidden => "forbidden",
                    var other => other.GetType().Name,
                };
            }
            return await hub.Hub.Answer(
                _request!,
                who,
                what switch
                {
                    "approves" => Answer.Approve,
                    "rejects" => Answer.Reject,
                    _ => Answer.Abstain,
                }
            ) switch
            {
                DecideOutcome.Recorded { Request: var request } => request.Display,
                DecideOutcome.Settled { Request: var request } => request.Display,
                DecideOutcome.AlreadySettled { Request: var request } => $"already settled: {request.Display}",
                DecideOutcome.NotAllowed { Rule: var rule } => rule,
                DecideOutcome.StepNotOpen => "step_not_open",
                DecideOutcome.NotFound => "not found",
                var other => other.GetType().Name,
            };
        }

        public async Task ComeBack()
        {
            foreach (var person in _away)
                await hub.Absences.Cancel(person.Email!, Some.Operator, default);
        }

        private async Task<string> Ask(Match asks)
        {
            var source = asks.Groups["source"].Value is { Length: > 0 } named ? named : "api";
            var assignee = asks.Groups["whom"].Value is { Length: > 0 } whom ? people[whom].AsApprover : null;
            _request = await hub.Ask(
                asks.Groups["facts"].Value,
                people[asks.Groups["who"].Value],
                assignee,
                source: source
            );
            return _request.Display;
        }
    }

    [GeneratedRegex(
        "^```(?<kind>yaml|story)\n(?<text>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Blocks();

    [GeneratedRegex(
        @"^(?<who>\w+) requests( from (?<whom>[A-Z]\w+))?( through (?<source>\S+))? (?<facts>\{.*\})$",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Asking();
}
