using System.Text.Json;
using Countersign.Destinations.Manifest;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Destinations;

/// <summary>Puts a request into the words of manifests. A fact that no door knows of is simply not there.</summary>
internal static class ForwardedRequests
{
    /// <summary>
    /// How the other system is to know this content: a later content of the same request is another ticket.
    /// </summary>
    public static string IdOf(RequestId request, int revision) =>
        revision == 1 ? request.Value : $"{request.Value}-{revision}";

    /// <summary>A request as it would be handed over now.</summary>
    public static async ValueTask<ForwardedRequest?> Of(
        Store store,
        ApprovalManifest manifest,
        RequestId request,
        int revision,
        string baseUrl,
        CancellationToken cancel
    ) =>
        await store.Read(reader => Content(reader, request, revision), cancel) is { } row
            ? From(row, manifest, baseUrl)
            : null;

    private const string Columns =
        "r.id, v.n, r.subject, r.requester_name, p.id AS person_id, p.email, r.sent_by, r.certainty, v.message, "
        + "v.facts, v.at";
    private const string Person = "LEFT JOIN people p ON p.id = coalesce(r.requester_id, r.creator_id)";

    private static ValueTask<ContentRow?> Content(Reader reader, RequestId id, int revision) =>
        reader.First<ContentRow>(
            $"""
            SELECT {Columns}
            FROM requests r JOIN revisions v ON v.request_id = r.id AND v.n = @revision {Person}
            WHERE r.id = @id
            """,
            new { id, revision = (long)revision }
        );

    private static ForwardedRequest From(ContentRow row, ApprovalManifest manifest, string baseUrl)
    {
        using var facts = JsonDocument.Parse(row.Facts);
        var root = facts.RootElement;
        string Fact(string name) => root.TryGetProperty(name, out var value) ? Pointer.Text(value) ?? "" : "";
        static IReadOnlyList<string> Texts(JsonElement list) =>
            [.. list.EnumerateArray().Select(Pointer.Text).OfType<string>()];
        IReadOnlyList<string> Facts(string name) =>
            root.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array ? Texts(list) : [];
        ForwardedRequest.Named Named(string name) =>
            new(Or(Fact(name + ".name"), Fact(name)), Fact(name), Facts(name + ".tags"));

        const string form = "form.",
            custom = "customProperties.";
        var filled = new List<KeyValuePair<string, string>>();
        var properties = new List<KeyValuePair<string, IReadOnlyList<string>>>();
        var variables = manifest.RequestVariables.Select(v => v.Key).ToHashSet();
        foreach (var fact in root.EnumerateObject())
        {
            if (fact.Name.StartsWith(form, StringComparison.Ordinal) && Pointer.Text(fact.Value) is { } text)
            {
                filled.Add(new(fact.Name[form.Length..], text));
            }
            else if (fact.Name.StartsWith(custom, StringComparison.Ordinal))
            {
                properties.Add(
                    new(
                        fact.Name[custom.Length..],
                        fact.Value.ValueKind == JsonValueKind.Array
                            ? Texts(fact.Value)
                            : [Pointer.Text(fact.Value) ?? ""]
                    )
                );
            }
            else if (variables.Contains(fact.Name) && Pointer.Text(fact.Value) is { } plain)
            {
                filled.Add(new(fact.Name, plain));
            }
        }
        // People there work with LaunchDarkly: its own page of the change leads, and ours stands beside it.
        var (ours, theirs) = ($"{baseUrl}/requests/{row.Id}", LinkOf(row.SentBy, Fact("link")));
        var details = Or(Fact("details"), row.Message);
        // Where the hub knows who asks, no fact says otherwise; any fact of an API request is its author's own.
        var isClaimed =
            row.SentBy == SentBy.LaunchDarkly.ToWireName() && row.Certainty != Certainty.Proven.ToWireName();
        var email = Or(isClaimed ? Fact("requester.email") : "", row.Email ?? "");
        return new ForwardedRequest
        {
            Id = IdOf(RequestId.Of(row.Id), (int)row.N),
            Link = theirs ?? ours,
            HistoryLink = ours,
            Title = Or(Fact("description"), row.Subject),
            Details = theirs is null ? details : $"{details}\n\nReview in Countersign: {ours}".TrimStart(),
            Description = Fact("comment"),
            Project = Named("project"),
            Environment = Named("environment"),
            Flag = Named("flag"),
            Member =
                email.Length > 0 ? new ForwardedRequest.Requester($"{row.PersonId}", email, row.RequesterName) : null,
            At = Instant.Parse(
                Or(
                    Fact("timestamp") is { Length: > 0 } at
                    && DateTimeOffset.TryParse(at, System.Globalization.CultureInfo.InvariantCulture, out var time)
                        ? Instant.ToText(time)
                        : "",
                    row.At
                )
            ),
            Form = filled,
            CustomProperties = properties,
        };
    }

    /// <summary>The address of the change's page in LaunchDarkly; null if there is none.</summary>
    private static string? LinkOf(string sentBy, string link) =>
        sentBy == SentBy.LaunchDarkly.ToWireName()
        && Uri.TryCreate(link, UriKind.Absolute, out var uri)
        && uri.Scheme is "https" or "http"
            ? link
            : null;

    private static string Or(string text, string other) => text.Length > 0 ? text : other;

    private sealed class ContentRow
    {
        public required string Id { get; init; }
        public long N { get; init; }
        public required string Subject { get; init; }
        public required string RequesterName { get; init; }
        public long? PersonId { get; init; }
        public string? Email { get; init; }
        public required string SentBy { get; init; }
        public required string Certainty { get; init; }
        public required string Message { get; init; }
        public required string Facts { get; init; }
        public required string At { get; init; }
    }
}
