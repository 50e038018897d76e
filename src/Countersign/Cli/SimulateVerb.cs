using System.CommandLine;
using Countersign.Configuration;
using Countersign.Destinations.Manifest;
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
        Description = "The application's base URL, as you would paste it into LaunchDarkly.",
        Required = true,
        HelpName = "base",
    };
    private static readonly Option<string> Key = new("--key")
    {
        Description = "The application's API token.",
        Required = true,
        HelpName = "key",
    };
    private static readonly Option<string?> RotatedKey = new("--rotated-key")
    {
        Description = "A second token that must work too, as during a rotation.",
        HelpName = "key",
    };
    private static readonly Option<string?> Manifest = new("--manifest")
    {
        Description = "The approval manifest to use. The default is our own description of custom approvals.",
        HelpName = "file",
    };
    private static readonly Option<string> EscapingOption = new("--escaping")
    {
        Description = "The HTML escaping: go as in LaunchDarkly's engine, js as in the reference implementation.",
        DefaultValueFactory = _ => "go",
    };
    private static readonly Option<string> Template = new("--template")
    {
        Description =
            "The body without a manifest: the current one, the one from before mid-2025, or that of the OAuth twin.",
        DefaultValueFactory = _ => "current",
    };
    private static readonly Option<int> Requests = new("--requests")
    {
        Description = "How often each case runs.",
        DefaultValueFactory = _ => 5,
        HelpName = "n",
    };
    private static readonly Option<bool> AutoApply = new("--auto-apply")
    {
        Description = "Apply a change as soon as it's approved.",
    };
    private static readonly Option<double> Speed = new("--speed")
    {
        Description = "How many times faster the clock runs: with 600, the five-minute poll happens every half second.",
        DefaultValueFactory = _ => 600,
        HelpName = "n",
    };
    private static readonly Option<string?> Every = new("--every")
    {
        Description = "Open one realistic change at a time, such as every 10s, instead of all at once.",
        HelpName = "time",
    };
    private static readonly Option<string[]> Requester = new("--requester")
    {
        Description =
            "The requester's name; can be repeated. Name people whom the application knows. The default is "
            + "six people it may not know.",
        HelpName = "name",
    };
    private static readonly Option<string?> For = new("--for")
    {
        Description = "How long to wait for decisions at the end (2m).",
        HelpName = "time",
    };
    private static readonly Option<bool> NoWait = new("--no-wait") { Description = "Don't wait for decisions." };
    private static readonly Option<bool> All = new("--all") { Description = "Run all of the following cases." };
    private static readonly IReadOnlyList<(Case Case, Option<bool> Switch)> OddCases =
    [
        .. Cases.Odd.Select(c => (c, new Option<bool>($"--{c.Name}") { Description = c.Does })),
    ];

    public static Command Build(Terminal terminal) =>
        Verb.Family("simulate", "Simulate the other side, to test an application.", LaunchDarkly(terminal));

    private static Command LaunchDarkly(Terminal terminal)
    {
        EscapingOption.AcceptOnlyFromAmong("go", "js");
        Template.AcceptOnlyFromAmong("current", "old", "oauth");
        return Verb.Plain(
            terminal,
            "launchdarkly",
            "Test any custom approvals application with a simulated LaunchDarkly. It requests approvals, "
                + "polls, applies and cancels; people or the application decide. Exits with 1 if the two sides "
                + "disagree or the protocol is broken. docs/simulate.md explains every finding.",
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
            mistakes.Add($"--manifest can't be read: {failure.Message}");
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
            ? throw new FormatException($"The manifest is invalid: {problem}")
            : template.Render;
    }

    public Func<string, bool> Pattern(string text) => StatusPattern.Parse(text).IsMatch;
}
