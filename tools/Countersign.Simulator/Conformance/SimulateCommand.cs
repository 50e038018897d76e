using System.CommandLine;
using System.CommandLine.Parsing;

namespace Countersign.Simulator.Conformance;

/// <summary>What a simulation from the command line came to.</summary>
public abstract record SimulateOutcome
{
    private SimulateOutcome() { }

    /// <summary>The application was tested, and the files are written.</summary>
    public sealed record Tested(ConformanceReport Report) : SimulateOutcome;

    /// <summary>Wrong use: nothing was sent.</summary>
    public sealed record Misused(string Message) : SimulateOutcome;

    /// <summary>A report couldn't be written.</summary>
    public sealed record NotWritten(string Message) : SimulateOutcome;
}

/// <summary>
/// The command <c>simulate launchdarkly</c>, as both Countersign itself and the conformance kit have it: its options
/// and the run.
/// </summary>
/// <param name="language">In which manifests are understood.</param>
/// <param name="parseTime">Reads a duration such as 30s; null for what isn't one.</param>
public sealed class SimulateCommand(IManifestLanguage language, Func<string, TimeSpan?> parseTime, TimeProvider clock)
{
    public const string Name = "launchdarkly",
        Description =
            "Test any custom approvals application with a simulated LaunchDarkly. It requests approvals, "
            + "polls, applies and cancels; people or the application decide. Exits with 1 if the two sides "
            + "disagree or the protocol is broken. docs/simulate.md explains every finding.";

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
    private static readonly Option<string[]> Report = new("--report")
    {
        Description =
            "Write a report to this file: JUnit XML if its name ends in .xml, JSON for .json, else text. "
            + "Can be repeated.",
        HelpName = "file",
    };
    private static readonly Option<bool> All = new("--all") { Description = "Run all of the following cases." };
    private static readonly IReadOnlyList<(Case Case, Option<bool> Switch)> OddCases =
    [
        .. Cases.Odd.Select(c => (c, new Option<bool>($"--{c.Name}") { Description = c.Does })),
    ];

    public static IReadOnlyList<Option> Options { get; } = AllOptions();

    /// <param name="lines">Where to tell what happens while it runs; null for nowhere.</param>
    public async Task<SimulateOutcome> Run(ParseResult parse, TextWriter? lines, CancellationToken cancel)
    {
        var mistakes = new List<string>();
        var (plan, contract) = (ReadPlan(parse, mistakes), ReadContract(parse, mistakes));
        var files = parse.GetValue(Report) ?? [];
        mistakes.AddRange(
            from file in files
            where Path.GetDirectoryName(Path.GetFullPath(file)) is not { } folder || !Directory.Exists(folder)
            select $"--report can't be written: there is no folder for {file}"
        );
        if (mistakes.Count > 0)
            return new SimulateOutcome.Misused(string.Join(Environment.NewLine, mistakes));
        using var http = ApprovalApplication.NewHttp(Patience);
        var observed = new SimulationReport(lines is null ? null : new SimulationPrinter(lines));
        var application = new ApprovalApplication(http, contract!, parse.GetValue(Url)!, plan.Key);
        var simulation = new Simulation(plan, application, observed, clock);
        await simulation.Run(cancel);
        var report = new ConformanceReport(observed, application, simulation.Tickets);
        try
        {
            foreach (var file in files)
                await File.WriteAllTextAsync(file, ReportFormats.ForFile(report, file), CancellationToken.None);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new SimulateOutcome.NotWritten($"--report can't be written: {failure.Message}");
        }
        return new SimulateOutcome.Tested(report);
    }

    private static IReadOnlyList<Option> AllOptions()
    {
        EscapingOption.AcceptOnlyFromAmong("go", "js");
        Template.AcceptOnlyFromAmong("current", "old", "oauth");
        return
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
            Report,
            All,
            .. OddCases.Select(c => c.Switch),
        ];
    }

    private SimulationPlan ReadPlan(ParseResult parse, List<string> mistakes)
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

    private Contract? ReadContract(ParseResult parse, List<string> mistakes)
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
            return ManifestContract.Read(File.ReadAllText(file), escaping, language);
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

    private TimeSpan? Time(ParseResult parse, Option<string?> option, List<string> mistakes)
    {
        if (parse.GetValue(option) is not { } text)
            return null;
        if (parseTime(text) is { } time)
            return time;
        mistakes.Add($"{option.Name} must be a duration such as 30s or 5m.");
        return null;
    }
}
