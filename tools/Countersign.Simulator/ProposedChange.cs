using System.Security.Cryptography;

namespace Countersign.Simulator;

/// <summary>Something in LaunchDarkly with a name, a key and tags.</summary>
public sealed record Resource(string Name, string Key, params IReadOnlyList<string> Tags)
{
    public static readonly Resource None = new("", "");
}

public sealed record Member(string Id, string Email);

/// <summary>
/// What LaunchDarkly knows of a change for which approval is requested, before it is rendered into a body.
/// </summary>
public sealed record ProposedChange
{
    public required string Id { get; init; }
    public required Resource Project { get; init; }
    public required Resource Environment { get; init; }
    public required Resource Flag { get; init; }
    public required string ShortDescription { get; init; }
    public required string Comment { get; init; }
    public string? Details { get; init; }

    /// <summary>Almost always absent: published contexts hold no such member.</summary>
    public Member? RequestedBy { get; init; }

    /// <summary>Milliseconds; the moment of the request or, of a scheduled change, the one in the future.</summary>
    public required long Timestamp { get; init; }

    /// <summary>The additional form fields. A null is one that LaunchDarkly's renderer cannot print.</summary>
    public IReadOnlyList<KeyValuePair<string, string?>> Form { get; init; } = [];

    public string Link =>
        $"https://app.launchdarkly.com/{Project.Key}/{(Environment.Key.Length == 0 ? "~" : Environment.Key)}/features/"
        + $"{Flag.Key}/approvals/{Id}";

    /// <summary>LaunchDarkly's ids are 24 lower-case hex digits.</summary>
    public static string NewId() => RandomNumberGenerator.GetHexString(24, lowercase: true);

    public static KeyValuePair<string, string?> Field(string key, string? value) => new(key, value);
}

/// <summary>Changes that a team might really ask for, one after the other.</summary>
public sealed class BelievableChanges(TimeProvider time, IReadOnlyList<string> requesters)
{
    private static readonly Resource Shop = new("Web shop", "web-shop", "customer-facing");

    private static readonly Resource[] Environments =
    [
        new("Production", "production", "critical"),
        new("Staging", "staging"),
        new("Production EU", "production-eu", "critical", "gdpr"),
    ];

    /// <summary>Who asks, unless others are named.</summary>
    public static readonly IReadOnlyList<string> Requesters =
    [
        "Priya Raman",
        "Tomás Herrera",
        "Hannah Vogel",
        "Kwame Mensah",
        "Sofia Lindqvist",
        "Daniel O'Brien",
    ];

    private static readonly (Resource Flag, string Change, string Comment)[] Wishes =
    [
        (
            new("New checkout", "new-checkout", "payments"),
            "Serve the new checkout to 25% of customers",
            "New checkout for a quarter of customers: two weeks at 10% without a rise in support tickets."
        ),
        (new("Dark mode", "dark-mode", "ui"), "Turn on the flag", "Dark mode on: design has signed off."),
        (
            new("Search ranking v3", "search-ranking-v3", "search"),
            "Change the default rule from v2 to v3",
            "Search ranking v3 as the default: offline evaluation is up 4 points, we watch click-through for a day."
        ),
        (
            new("Express refunds", "express-refunds", "payments"),
            "Add the segment \"Gold customers\" to the rule \"Early access\"",
            "Express refunds for gold customers before the sale, as finance asked."
        ),
        (
            new("Rate limiter", "api-rate-limiter", "platform"),
            "Set the variation \"strict\" for 100% of traffic",
            "Strict rate limits over the weekend: scrapers cost us the night. To be taken back on Monday."
        ),
        (
            new("Cookie banner", "cookie-banner", "legal"),
            "Turn on the flag",
            "Cookie banner live before the audit, for legal."
        ),
        (
            new("Recommendation model", "recommendation-model", "search", "ml"),
            "Roll out \"model-2\" to 50%",
            "Recommendation model 2 for half of the traffic: the canary is quiet."
        ),
        (
            new("Loyalty points", "loyalty-points", "marketing"),
            "Turn off the flag",
            "Loyalty points off until the fix is out: they are counted twice since noon."
        ),
        (
            new("Image lazy loading", "image-lazy-loading", "ui"),
            "Remove the targets of individual users",
            "Lazy loading for everyone alike: the trial with single users has ended."
        ),
        (
            new("Two-step sign-in", "two-step-sign-in", "security"),
            "Serve \"required\" to the segment \"Staff\"",
            "Two-step sign-in required for staff: everyone has a second factor now."
        ),
        (
            new("Invoice PDF service", "invoice-pdf-service", "payments"),
            "Change the percentage from 5% to 100%",
            "Invoice PDFs from the new service for all: no errors at 5% for a week."
        ),
        (
            new("Holiday theme", "holiday-theme", "marketing", "ui"),
            "Schedule: turn on the flag on Friday",
            "Holiday theme from Friday at nine, when the campaign starts."
        ),
    ];

    private int _made = -1;

    public ProposedChange Next()
    {
        var n = Interlocked.Increment(ref _made);
        var (flag, change, comment) = Wishes[n % Wishes.Length];
        var environment = Environments[n / 2 % Environments.Length];
        return new ProposedChange
        {
            Id = ProposedChange.NewId(),
            Project = Shop,
            Environment = environment,
            Flag = flag,
            ShortDescription =
                $"{requesters[n % requesters.Count]} requested approval for changes to the flag {flag.Name} "
                + $"in '{environment.Name}'",
            Comment = comment,
            Details = $"Created approval request: {comment}\nRequested change is:\n{change}",
            Timestamp = time.GetUtcNow().ToUnixTimeMilliseconds(),
            Form =
            [
                ProposedChange.Field("ticket", $"CHG-{4100 + n}"),
                ProposedChange.Field(
                    "risk",
                    (n % 3) switch
                    {
                        0 => "low",
                        1 => "medium",
                        _ => "high",
                    }
                ),
            ],
        };
    }
}
