using System.Text.Json;
using Countersign.LaunchDarkly;
using Countersign.Pages.Layout;

namespace Countersign.Pages.Admin;

/// <summary>A source's connection to LaunchDarkly as it is chosen in a form; secrets never come back.</summary>
/// <param name="Where">One of LaunchDarkly's own addresses, or <see cref="Elsewhere"/>.</param>
public sealed record SourceConnectionForm(
    string Where,
    string BaseUrl,
    bool Identify,
    bool Describe,
    bool Apply,
    bool ImportMembers
)
{
    public const string Elsewhere = "other";

    public static SourceConnectionForm Of(ConnectionView? connection) =>
        connection is null
            ? new(ConnectionValues.DefaultBaseUrl, "", true, true, false, false)
            : new(
                ConnectionValues.KnownBaseUrls.Contains(connection.BaseUrl) ? connection.BaseUrl : Elsewhere,
                ConnectionValues.KnownBaseUrls.Contains(connection.BaseUrl) ? "" : connection.BaseUrl,
                connection.Identify,
                connection.Describe,
                connection.Apply,
                connection.ImportMembers
            );

    public static SourceConnectionForm Typed(IFormCollection form) =>
        new(
            form["where"].ToString(),
            form["baseUrl"].ToString(),
            form.ContainsKey("identify"),
            form.ContainsKey("describe"),
            form.ContainsKey("apply"),
            form.ContainsKey("importMembers")
        );

    /// <summary>Empty secrets leave those that are there.</summary>
    public ConnectionChange ChosenWith(IFormCollection form) =>
        new()
        {
            BaseUrl = ConnectionValues.KnownBaseUrls.Contains(Where) ? Where : BaseUrl,
            Token = NotEmpty(form["token"].ToString()),
            WebhookSecret = NotEmpty(form["webhookSecret"].ToString()),
            Identify = Identify,
            Describe = Describe,
            Apply = Apply,
            ImportMembers = ImportMembers,
        };

    private static string? NotEmpty(string typed) => typed.Trim().Length == 0 ? null : typed;
}

/// <summary>What the page shows once after a test or an import.</summary>
public sealed record SourceConnectionNews(ConnectionReport? Test, ImportedMembers? Imported)
{
    private const int MaxSkipped = 10;

    public static readonly SourceConnectionNews None = new(null, null);

    public void Leave(HttpContext http, string path) =>
        ShownOnce.Leave(http, WhereOf(path), JsonSerializer.Serialize(this));

    public static SourceConnectionNews Take(HttpContext http, string path) =>
        ShownOnce.Take(http, WhereOf(path)) is { } text
            ? JsonSerializer.Deserialize<SourceConnectionNews>(text) ?? None
            : None;

    /// <summary>Counts, and the first few members that were skipped: a cookie holds no long list.</summary>
    public static SourceConnectionNews Of(ImportedMembers imported) =>
        new(null, imported with { Skipped = [.. imported.Skipped.Take(MaxSkipped)], Added = [], Changed = [] })
        {
            Added = imported.Added.Count,
            SkippedInAll = imported.Skipped.Count,
        };

    public int Added { get; init; }
    public int SkippedInAll { get; init; }

    private static string WhereOf(string path) => path + "/launchdarkly";
}

/// <summary>The part of a source's page that is about LaunchDarkly's own API.</summary>
/// <param name="Connection">Null: there is none yet.</param>
/// <param name="WebhookUrl">What LaunchDarkly's webhook is given.</param>
public sealed record SourceConnectionModel(
    string Path,
    string Source,
    ConnectionView? Connection,
    SourceConnectionForm Form,
    SourceConnectionNews News,
    string WebhookUrl,
    Parts.Refused? Refused
)
{
    /// <summary>What LaunchDarkly's webhook is limited to.</summary>
    public const string WebhookPolicy = """
        [
          {
            "effect": "allow",
            "resources": ["proj/*:env/*:flag/*"],
            "actions": [
              "createApprovalRequest",
              "updateApprovalRequest",
              "applyApprovalRequest",
              "deleteApprovalRequest"
            ]
          }
        ]
        """;

    public bool IsImportBlocked => Refused is { Blocked.Count: > 0 };
}
