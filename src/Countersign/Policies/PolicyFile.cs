namespace Countersign.Policies;

/// <summary>A policy file as it is written, checked, with names of groups and people still to be looked up.</summary>
public sealed record PolicyFile(int Format, IReadOnlyList<PolicyRule> Rules)
{
    /// <summary>
    /// More than ten thousand lines of policies; whoever has more should ask whether people still understand them.
    /// </summary>
    public const int MaxSize = 1024 * 1024;
    public const int MaxRules = 5_000;
    public const int MaxSteps = 20;
    public const int MaxNames = 200;
    public const int MaxName = 200;
    public static readonly TimeSpan MaxTime = TimeSpan.FromDays(366);
    public static readonly TimeSpan ShortestTime = TimeSpan.FromSeconds(1);

    public static readonly PolicyFile Empty = new(1, []);

    /// <summary>What the editor shows while nothing is published.</summary>
    public const string EmptyText = "version: 1\npolicies: []\n";

    /// <summary>Reads a file: it, if nothing is wrong with it, and everything that is to be said about it.</summary>
    public static (PolicyFile? File, IReadOnlyList<PolicyProblem> Problems) Read(string text)
    {
        var problems = new List<PolicyProblem>();
        if (text.Length > MaxSize)
        {
            problems.Add(
                new PolicyProblem(
                    1,
                    1,
                    "size",
                    "",
                    $"A policy file can have at most {MaxSize / 1024} KiB.",
                    "Use wildcards and lists to write fewer policies."
                )
            );
            return (null, problems);
        }
        var file = Yaml.Read(text, problems) is { } root ? new PolicyReader(problems).Read(root) : null;
        return (
            problems.Exists(p => !p.IsWarning) ? null : file,
            [.. problems.OrderBy(p => p.Line).ThenBy(p => p.Column)]
        );
    }
}

/// <summary>One policy of a file: when it applies, and what it then asks for.</summary>
public sealed record PolicyRule(string Name, int Line, IReadOnlyList<Condition> When)
{
    public IReadOnlyList<StepRule> Steps { get; init; } = [];
    public bool AllowsSelfApproval { get; init; }
    public Rejection Rejection { get; init; }
    public IReadOnlyList<string>? NoteRequired { get; init; }
    public Reminders? Remind { get; init; }
    public (TimeSpan After, PoolRule To)? Escalate { get; init; }
    public Expiry? Expire { get; init; }
    public TimeSpan? GrantExpires { get; init; }
    public bool AllowsMailDecisions { get; init; }
    public bool ForbidsBreakGlass { get; init; }
    public AutoAnswer? Auto { get; init; }
    public string? Destination { get; init; }

    /// <summary>Null: the source says, or nobody does.</summary>
    public UnknownRequester? UnknownRequester { get; init; }
    public ClaimedRequester? ClaimedRequester { get; init; }
}

/// <summary>A fact and the values it may have, any of which will do.</summary>
public sealed record Condition(string Key, IReadOnlyList<string> AnyOf)
{
    public const string Source = "source";
    public const string Tags = "tags";
    public const string Requester = "requester";

    /// <summary>Keys with a meaning of their own. Any other fact is named with <see cref="Facts"/> before it.</summary>
    public static readonly IReadOnlyList<string> Known =
    [
        Source,
        "project",
        "environment",
        "flag",
        Tags,
        Requester,
        .. ChangeFacts.All,
    ];
    public const string Form = "form.";
    public const string Facts = "facts.";

    /// <summary>The fact that is looked at.</summary>
    public string Fact => Key.StartsWith(Facts, StringComparison.Ordinal) ? Key[Facts.Length..] : Key;
}

/// <param name="Need">Null: all who may fill it.</param>
public sealed record StepRule(string Name, int? Need, PoolRule From);

/// <summary>Names of groups and e-mail addresses of people, each with the line on which it stands.</summary>
public sealed record PoolRule(IReadOnlyList<NamedOnLine> Groups, IReadOnlyList<NamedOnLine> People);

public sealed record NamedOnLine(string Name, int Line, int Column);
