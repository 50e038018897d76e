namespace Countersign.Destinations.Manifest;

/// <summary>
/// All that can be found wrong with a manifest without calling anybody: what reading finds, and what a rehearsal shows.
/// </summary>
internal static class Linter
{
    public static IReadOnlyList<Finding> Run(string json)
    {
        var (manifest, findings) = ManifestReader.Read(json);
        return manifest is null ? findings : [.. findings, .. Rehearse(manifest)];
    }

    /// <summary>
    /// Every call is rendered with everything filled in, with as little as possible, and with texts that templates
    /// stumble over.
    /// </summary>
    private static IEnumerable<Finding> Rehearse(ApprovalManifest manifest)
    {
        foreach (var call in manifest.Calls)
        {
            var place = $"capabilities.approval.{call.Name}";
            var problems = Rehearsals
                .All.Select(r => Renderer.Render(call, Rehearsals.Context(manifest, r)))
                .OfType<Rendering.Refused>()
                .Where(r => !r.Why.Contains("means nothing here", StringComparison.Ordinal))
                .ToList();
            var refused = problems.Find(p => p.Place.EndsWith("jsonBody", StringComparison.Ordinal));
            if (refused is not null)
            {
                yield return new Finding(
                    $"{place}.jsonBody",
                    problems.Count(p => p.Place == refused.Place) == Rehearsals.All.Count
                        ? $"{refused.Why} This affects every approval."
                        : $"{refused.Why} This affects some approvals: with or without details, with or without "
                            + "tags, or with quotes in a name.",
                    "Check commas, quotes and braces for each block that may be left out."
                );
            }
            else if (problems.Count == Rehearsals.All.Count)
            {
                yield return new Finding(place, problems[0].Why, "Fix the call.");
            }
        }
    }
}

/// <summary>Approvals that never were, to try templates on.</summary>
internal static class Rehearsals
{
    public static readonly ForwardedRequest Full = new()
    {
        Id = "01JCW9ZQ6GQ2XK5T0V3R8M4N7P",
        Link = "https://approvals.example.com/requests/01JCW9ZQ6GQ2XK5T0V3R8M4N7P",
        Title = "Jane Doe requested approval for changes to the flag Dark mode in Production",
        Details = "Turn on the flag\nfor 25% of customers",
        Description = "Design has signed off.",
        Project = new("Web shop", "web-shop", ["customer-facing", "critical"]),
        Environment = new("Production", "production", ["critical"]),
        Flag = new("Dark mode", "dark-mode", ["ui"]),
        Member = new("569f514183f2164430000002", "jane.doe@example.com", "Jane Doe", "jane.doe"),
        At = DateTimeOffset.FromUnixTimeMilliseconds(1746196607127),
        Form = [new("ticket", "OPS-12"), new("risk", "low")],
    };

    public static readonly IReadOnlyList<ForwardedRequest> All =
    [
        Full,
        new ForwardedRequest
        {
            Id = Full.Id,
            Link = Full.Link,
            Title = "A change",
            At = Full.At,
        },
        Full with
        {
            Title = "\"Quotes\", \\back\\ <b>&amp; 'it''s' 日本 😀",
            Details = "a\ttab and\nlines \"q\"",
            Description = "{{braces}} {\"json\": 1}",
            Project = new("R&D \"x\"", "r-d", []),
            Flag = new("A \"x\" \\", "a-x", ["one", "t\"wo"]),
        },
    ];

    public static CallContext Context(ApprovalManifest manifest, ForwardedRequest forwarded)
    {
        var settings = manifest
            .Settings.Where(v => !v.IsMultiple && !v.IsBoolean)
            .DistinctBy(v => v.Key)
            .ToDictionary(
                v => v.Key,
                v =>
                    v.AllowedValues.Count > 0 ? v.AllowedValues[0]
                    : v.Default is { } value && Pointer.Text(value) is { Length: > 0 } text ? text
                    : v.Type == "uri"
                    || v.Key.Contains("url", StringComparison.OrdinalIgnoreCase)
                    || v.Key.Contains("host", StringComparison.OrdinalIgnoreCase)
                    || v.Key.Contains("uri", StringComparison.OrdinalIgnoreCase)
                        ? "https://example.com"
                    : "4711"
            );
        return new CallContext
        {
            Manifest = manifest,
            Values = FormValues.Read(manifest, settings, forwarded.Form).Values,
            Request = forwarded,
            OAuthBaseUri = "https://example.com",
            AccessToken = "sample",
            ExternalId = "4711",
            CreationAnswer = "{}",
        };
    }
}
