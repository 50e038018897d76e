using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Destinations.Manifest;
using Countersign.Outcomes;
using Countersign.Storage;

namespace Countersign.Destinations;

/// <summary>A call and its answer as people may see them: every secret masked, long texts cut.</summary>
public sealed record ShownExchange
{
    private const int LongestText = 4_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required string Call { get; init; }
    public string? At { get; init; }
    public string? Method { get; init; }
    public string? Url { get; init; }
    public IReadOnlyList<string>? Headers { get; init; }
    public string? Body { get; init; }

    /// <summary>Why nothing left.</summary>
    public string? Refused { get; init; }
    public int? Status { get; init; }
    public string? Answer { get; init; }

    /// <summary>Why there was no answer.</summary>
    public string? Failure { get; init; }

    public string ToText() => JsonSerializer.Serialize(this, Json);

    public static ShownExchange? Read(string? text) => text is null ? null : JsonSerializer.Deserialize<ShownExchange>(text, Json);

    internal static ShownExchange Of(CallTemplate template, CallContext context, EgressOutcome? outcome, DateTimeOffset? at) => Renderer.RenderMasked(template, context) switch
    {
        Rendering.Refused(var place, var why) => new ShownExchange { Call = template.Name, At = at is { } then ? Instant.ToText(then) : null, Refused = $"{place}: {why}" },
        Rendering.Ready({ } call) => new ShownExchange
        {
            Call = template.Name,
            At = at is { } when ? Instant.ToText(when) : null,
            Method = call.Method.Method,
            Url = call.Url.ToString(),
            Headers = [.. call.Headers.Select(h => $"{h.Name}: {h.Value}")],
            Body = call.Body is null ? null : Cut(Encoding.UTF8.GetString(call.Body)),
            Status = (outcome as EgressOutcome.Answered)?.Status,
            Answer = outcome is EgressOutcome.Answered answered ? Cut(Masked(answered.Text, context)) : null,
            Failure = outcome is EgressOutcome.Failed failed ? $"{failed.Failure.Word()}: {failed.Detail}" : null,
        },
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>A system may repeat what it was sent, in whatever spelling.</summary>
    internal static string Masked(string text, CallContext context)
    {
        foreach (var (_, secret) in context.Secrets.Where(s => s.Value.Length > 2))
        {
            foreach (var spelled in new[] { secret, Escapes.Json(secret), JsonEncodedText.Encode(secret).ToString(), Uri.EscapeDataString(secret), Escapes.Go.Html(secret), Convert.ToBase64String(Encoding.UTF8.GetBytes(secret)) })
                text = text.Replace(spelled, TemplateHelpers.Mask, StringComparison.Ordinal);
        }
        // Credentials in Basic form hold the secret in a spelling that depends on the name before it.
        foreach (var header in context.Secrets.Any() ? BasicForms(context) : [])
            text = text.Replace(header, TemplateHelpers.Mask, StringComparison.Ordinal);
        return text;
    }

    private static IEnumerable<string> BasicForms(CallContext context) =>
        from name in context.Values.Form.Concat(context.Values.Environment).Select(v => v.Value).OfType<string>().Distinct()
        where name.Length > 0
        from secret in context.Secrets
        select Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{secret.Value}"));

    private static string Cut(string text) => text.Length > LongestText ? text[..LongestText] + "…" : text;
}
