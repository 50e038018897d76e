using System.CommandLine;
using Countersign.Destinations.Manifest;
using Countersign.Policies;
using Countersign.Simulator;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign simulate launchdarkly</c>: plays LaunchDarkly against any custom approvals application, and tells
/// where the two come to believe different things. The playing is Countersign.Simulator's.
/// </summary>
internal static class SimulateVerb
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly Option<string> Url = new("--url")
    {
        Description = "The application's base URL, as it would be pasted into LaunchDarkly.",
        Required = true,
        HelpName = "base",
    };
    private static readonly Option<string> Key = new("--key")
    {
        Description = "Its API token.",
        Required = true,
        HelpName = "key",
    };
    private static readonly Option<string?> RotatedKey = new("--rotated-key")
    {
        Description = "Another token that must work as well, as during a rotation.",
        HelpName = "key",
    };
    private static readonly Option<string?> Manifest = new("--manifest")
    {
        Description = "Go by this approval manifest; without it, by our own description of custom approvals.",
        HelpName = "file",
    };
    private static readonly Option<string> EscapingOption = new("--escaping")
    {
        Description = "Whose HTML escaping: go as LaunchDarkly's engine, js as the reference one.",
        DefaultValueFactory = _ => "go",
    };
    private static readonly Option<string> Template = new("--template")
    {
        Description =
            "Whose body, without a manifest: today's, that of before the middle of 2025, or that of the OAuth twin.",
        DefaultValueFactory = _ => "current",
    };
    private static readonly Option<int> Requests = new("--requests")
    {
        Description = "How often each case is played.",
        DefaultValueFactory = _ => 5,
        HelpName = "n",
    };
    private static readonly Option<bool> AutoApply = new("--auto-apply")
    {
        Description = "Apply a change as soon as it reads as approved.",
    };
    private static readonly Option<double> Speed = new("--speed")
    {
        Description =
            "How many times faster the clock runs: with 600, the poll of every five minutes comes every half second.",
        DefaultValueFactory = _ => 600,
        HelpName = "n",
    };
    private static readonly Option<string?> Every = new("--every")
    {
        Description = "Open one believable change now and then, such as every 10s, instead of all at once.",
        HelpName = "time",
    };
    private static readonly Option<string[]> Requester = new("--requester")
    {
        Description =
            "Who asks, by name; repeat it for more. Name people whom the application knows; without it, six "
            + "whom it does not.",
        HelpName = "name",
    };
    private static readonly Option<string?> For = new("--for")
    {
        Description = "How long to wait for decisions once all is played (2m).",
        HelpName = "time",
    };
    private static readonly Option<bool> NoWait = new("--no-wait")
    {
        Description = "Do not wait for decisions at all.",
    };
    private static readonly Option<bool> All = new("--all") { Description = "Play all of the following cases." };
    private static readonly IReadOnlyList<(Case Case, Option<bool> Switch)> OddCases =
    [
        .. Cases.Odd.Select(c => (c, new Option<bool>($"--{c.Name}") { Description = c.Does })),
    ];

    public static Command Build(Terminal terminal) =>
        Verb.Family("simulate", "Play the other side, to try an application out.", LaunchDarkly(terminal));

    private static Command LaunchDarkly(Terminal terminal)
    {
        EscapingOption.AcceptOnlyFromAmong("go", "js");
        Template.AcceptOnlyFromAmong("current", "old", "oauth");
        return Verb.Plain(
            terminal,
            "launchdarkly",
            "Play LaunchDarkly against a custom approvals application, anyone's. It asks for approvals, "
                + "polls, applies and cancels; people or the application decide. "
                + "Exit code 1 when the two sides disagree or the protocol is broken. docs/simulate.md "
                + "explains every finding.",
            [
                Url,
                Key,
                RotatedKey,
                Manifest,
                EscapingOption,
                Template,
                Requests,
                AutoApply,
                Speed,
                Every,
                Requester,
                For,
                NoWait,
                All,
                .. OddCases.Select(c => c.Switch),
            ],
            (parse, cancel) => Run(terminal, parse, cancel)
        );
    }

    private static async Task<Reply> Run(Terminal terminal, ParseResult parse, CancellationToken cancel)
    {
        var mistakes = new List<string>();
        var (plan, contract) = (ReadPlan(parse, mistakes), ReadContract(parse, mistakes));
        if (mistakes.Count > 0)
            return new Reply.Failed(Reply.Usage, string.Join(Environment.NewLine, mistakes));
        using var http = ApprovalApplication.NewHttp(Patience);
        var report = new SimulationReport(terminal.IsJson ? null : new SimulationPrinter(terminal.Output));
        var application = new ApprovalApplication(http, contract!, parse.GetValue(Url)!, plan.Key);
        var simulation = new Simulation(plan, application, report, Hub.Clock);
        await simulation.Run(cancel);
        return SimulationPrinter.ToReply(report, application, simulation.Tickets);
    }

    private static SimulationPlan ReadPlan(ParseResult parse, List<string> mistakes)
    {
        if (!Uri.TryCreate(parse.GetValue(Url), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            mistakes.Add("--url must be an address such as https://approvals.example.com");
        if (parse.GetValue(Requests) < 1)
            mistakes.Add("--requests must be at least 1.");
        if (parse.GetValue(Speed) is not (>= 1 and <= 300_000))
            mistakes.Add("--speed must be between 1, LaunchDarkly's own pace, and 300000.");
        return new SimulationPlan
        {
            Key = parse.GetValue(Key)!,
            RotatedKey = parse.GetValue(RotatedKey),
            Requests = parse.GetValue(Requests),
            Cases =
            [
                .. Cases.Usual,
                .. OddCases.Where(c => parse.GetValue(All) || parse.GetValue(c.Switch)).Select(c => c.Case),
            ],
            Escaping = EscapingOf(parse),
            AutoApply = parse.GetValue(AutoApply),
            Speed = parse.GetValue(Speed),
            Requesters = parse.GetValue(Requester) is { Length: > 0 } named ? named : BelievableChanges.Requesters,
            Every = Time(parse, Every, mistakes),
            WaitAtMost = parse.GetValue(NoWait) ? TimeSpan.Zero : Time(parse, For, mistakes) ?? TimeSpan.FromMinutes(2),
        };
    }

    private static Contract? ReadContract(ParseResult parse, List<string> mistakes)
    {
        var escaping = EscapingOf(parse);
        if (parse.GetValue(Manifest) is not { } file)
        {
            return Contract.BuiltIn(
                escaping,
                parse.GetValue(Template) == "current" ? Generation.Current : Generation.Old
            );
        }
        try
        {
            return ManifestContract.Read(File.ReadAllText(file), escaping, new ManifestLanguage());
        }
        catch (FormatException failure)
        {
            mistakes.Add(failure.Message);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            mistakes.Add($"--manifest cannot be read: {failure.Message}");
        }
        return null;
    }

    private static Escaping EscapingOf(ParseResult parse) =>
        parse.GetValue(EscapingOption) == "js" ? Escaping.Js : Escaping.Go;

    private static TimeSpan? Time(ParseResult parse, Option<string?> option, List<string> mistakes)
    {
        if (parse.GetValue(option) is not { } text)
            return null;
        if (Durations.Parse(text) is { } time)
            return time;
        mistakes.Add($"{option.Name} must be a duration such as 30s or 5m.");
        return null;
    }
}

/// <summary>Manifests are played in the same template language and by the same patterns as destinations use.</summary>
internal sealed class ManifestLanguage : IManifestLanguage
{
    public Func<IReadOnlyDictionary<string, object?>, string> Template(
        string text,
        bool isBody,
        Func<string, string> html
    )
    {
        var template = new Templates(html).Of(text, isBody);
        return template.CompileProblem() is { } problem
            ? throw new FormatException($"The manifest cannot be used: {problem}")
            : template.Render;
    }

    public Func<string, bool> Pattern(string text) => StatusPattern.Parse(text).IsMatch;
}
