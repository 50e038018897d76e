using System.Text.RegularExpressions;
using Countersign.People;

namespace Countersign.Outcomes.Webhooks;

/// <summary>A receiver of events: an address, the kinds of event it hears of, and of which sources.</summary>
public sealed class Webhook
{
    internal const string Columns = "id, url, kinds, sources, owner_id, created_at, disabled_at, disabled_why";

    public long Id { get; init; }
    public required string Url { get; init; }

    /// <summary>Separated by commas; empty: all.</summary>
    public required string Kinds { get; init; }

    /// <summary>Ids, separated by commas; empty: all.</summary>
    public required string Sources { get; init; }
    public long? OwnerId { get; init; }
    public required string CreatedAt { get; init; }
    public string? DisabledAt { get; init; }
    public string? DisabledWhy { get; init; }

    public bool IsDisabled => DisabledAt is not null;

    public IReadOnlyList<string> KindList => Kinds.Split(',', StringSplitOptions.RemoveEmptyEntries);

    public IReadOnlyList<long> SourceList =>
        [
            .. Sources
                .Split(',', StringSplitOptions.RemoveEmptyEntries)
                .Select(s => long.Parse(s, System.Globalization.CultureInfo.InvariantCulture)),
        ];

    /// <summary>As people know them.</summary>
    public IEnumerable<string> SourceNames(PeopleSnapshot directory) =>
        SourceList.Select(id =>
            directory.Sources.TryGetValue(id, out var source)
                ? source.Name
                : id.ToString(System.Globalization.CultureInfo.InvariantCulture)
        );

    public bool Hears(string kind) =>
        Kinds.Length == 0
        || KindList.Any(k =>
            k == kind
            || (k.EndsWith(".*", StringComparison.Ordinal) && kind.StartsWith(k[..^1], StringComparison.Ordinal))
        );

    /// <summary>How its receiver, its endpoint and its history are called.</summary>
    public string Name => NameOf(Id);

    public static string NameOf(long id) => $"webhook:{id}";

    /// <summary>Its address wherever it is shown.</summary>
    public string ShownUrl => Masked(Url);

    /// <summary>Some addresses carry a secret behind the question mark, or a name and password.</summary>
    public static string Masked(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || (uri.Query.Length <= 1 && uri.UserInfo.Length == 0))
            return url;
        var (user, query) = (uri.UserInfo.Length > 0 ? "…@" : "", uri.Query.Length > 1 ? "?…" : "");
        return $"{uri.Scheme}://{user}{uri.Authority}{uri.AbsolutePath}{query}";
    }
}

/// <summary>What webhooks may subscribe to.</summary>
public static partial class EventKinds
{
    /// <summary>Everything that leaves the building and is not for one person alone.</summary>
    public static readonly IReadOnlyList<string> Known =
    [
        "request.submitted",
        "request.revised",
        "request.step_opened",
        "request.reminded",
        "request.escalated",
        "request.stuck",
        "request.freed",
        "request.delegated",
        "request.delegation_revoked",
        "request.reassigned",
        "request.commented",
        "request.approved",
        "request.rejected",
        "request.withdrawn",
        "request.broke_glass",
        "request.redeemed",
        "request.breached",
        "request.conflicted",
        "request.checked",
        "request.apply_failed",
        "request.gate_undelivered",
        "request.disowned",
        "request.linked",
        "request.held",
        "destination.dead",
        "webhook.disabled",
    ];

    /// <summary>Null, or what is wrong with a kind or a family of kinds (<c>request.*</c>).</summary>
    public static string? Problem(string kind) =>
        Known.Contains(kind)
        || (Family().IsMatch(kind) && Known.Any(k => k.StartsWith(kind[..^1], StringComparison.Ordinal)))
            ? null
            : $"There is no event {kind}. Events are: {string.Join(", ", Known)}; and families such as request.*";

    [GeneratedRegex(@"^[a-z_]+\.\*$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Family();
}
