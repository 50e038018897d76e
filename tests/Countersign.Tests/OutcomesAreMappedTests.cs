using System.Text.RegularExpressions;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Wherever a door or a page maps what a use case came to, it says something to each outcome: one that is left out is
/// answered with 500. Read from the sources, since the compiler does not know that outcomes are closed.
/// </summary>
public sealed partial class OutcomesAreMappedTests
{
    /// <summary>Outcomes that cannot happen at that door, and why.</summary>
    private static readonly Dictionary<(string File, string Outcome), string[]> CannotHappen = new()
    {
        // A page gives no external id, and its key holds the digest of what was typed.
        [("NewRequestPage.cs", "SubmitOutcome")] = ["Known", "Revised", "Settled", "KeyTaken", "AssigneeDiffers"],
        // These doors name no ticket; LaunchDarkly gives no key and names no assignee either.
        [("SubmitEndpoint.cs", "SubmitOutcome")] = ["NoTicket", "TicketTaken", "TicketFull", "AssigneeAsks"],
        [("LaunchDarkly/CreateEndpoint.cs", "SubmitOutcome")] =
        [
            "Replayed",
            "KeyTaken",
            "NoTicket",
            "TicketTaken",
            "TicketFull",
            "AssigneeAsks",
            "AssigneeDiffers",
        ],
        // Agents give no external id, name no assignee and no ticket.
        [("Mcp/McpTools.cs", "SubmitOutcome")] =
        [
            "Known",
            "Revised",
            "Settled",
            "AssigneeDiffers",
            "NoTicket",
            "TicketTaken",
            "TicketFull",
            "AssigneeAsks",
        ],
        // The Zendesk door gives no external id; what was created is answered before.
        [("Zendesk/CreateEndpoint.cs", "SubmitOutcome")] =
        [
            "Created",
            "Known",
            "Revised",
            "Settled",
            "AssigneeDiffers",
        ],
        // The command line does not say on which version its file is based.
        [("Cli/PolicyVerbs.cs", "SetPoliciesOutcome")] = ["Changed"],
        [("Cli/RequestTypeVerbs.cs", "SetRequestTypesOutcome")] = ["Changed"],
        // The operator at the command line may reassign any request.
        [("Cli/RequestVerbs.cs", "ReassignOutcome")] = ["NotAllowed"],
    };

    [Fact]
    public void Every_outcome_of_a_use_case_is_answered()
    {
        var types = typeof(SubmitOutcome)
            .Assembly.GetTypes()
            .Where(t =>
                t is { IsAbstract: true, IsNested: false, IsGenericType: false }
                && t.Name.EndsWith("Outcome", StringComparison.Ordinal)
            )
            .ToDictionary(
                t => t.Name,
                t =>
                    t.GetNestedTypes(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.NonPublic)
                        .Where(n => t.IsAssignableFrom(n))
                        .Select(n => n.Name)
                        .ToList()
            );
        var source = Path.Combine(Repository.Root, "src", "Countersign");
        var seen = new HashSet<string>();
        var missing = new List<string>();
        foreach (var path in Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories))
        {
            var file = Path.GetRelativePath(source, path).Replace('\\', '/');
            foreach (Match mapping in Mapping().Matches(File.ReadAllText(path)))
            {
                foreach (
                    var outcomes in Named()
                        .Matches(mapping.Value)
                        .GroupBy(m => m.Groups["type"].Value)
                        .Where(o => types.ContainsKey(o.Key))
                )
                {
                    seen.Add(outcomes.Key);
                    var not =
                        CannotHappen
                            .FirstOrDefault(c =>
                                file.EndsWith(c.Key.File, StringComparison.Ordinal) && c.Key.Outcome == outcomes.Key
                            )
                            .Value
                        ?? [];
                    missing.AddRange(
                        types[outcomes.Key]
                            .Except(outcomes.Select(m => m.Groups["name"].Value))
                            .Except(not)
                            .Select(name => $"{file}: {outcomes.Key}.{name}")
                    );
                }
            }
        }
        Assert.True(missing.Count == 0, string.Join('\n', missing));
        Assert.Contains(nameof(SubmitOutcome), seen);
        Assert.Contains(nameof(DecideOutcome), seen);
    }

    /// <summary>A switch that takes what is left for unreachable.</summary>
    [GeneratedRegex(
        @"\bswitch\b((?!\bswitch\b).)*?UnreachableException",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline,
        10_000
    )]
    private static partial Regex Mapping();

    /// <summary>An outcome where a case begins, not where one is made of another.</summary>
    [GeneratedRegex(
        @"(?<=^\s*|\bcase |\bor )(?<type>\w+Outcome)\.(?<name>\w+)",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline,
        10_000
    )]
    private static partial Regex Named();
}
