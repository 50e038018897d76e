using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Destinations.Manifest;
using Countersign.Outcomes;
using Countersign.Storage;

namespace Countersign.Destinations;

/// <summary>A call and its answer as people may see them: every secret masked, long texts cut.</summary>
public sealed record RedactedExchange
{
    private const int MaxText = 4_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

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

    public static RedactedExchange? Read(string? text) =>
        text is null ? null : JsonSerializer.Deserialize<RedactedExchange>(text, Json);

    /// <summary>A call that is only rendered.</summary>
    internal static RedactedExchange Of(CallTemplate template, CallContext context) =>
        Of(template, Renderer.Render(template, context), context, null, null);

    internal static RedactedExchange Of(
        CallTemplate template,
        Rendering? rendering,
        CallContext context,
        EgressOutcome? outcome,
        DateTimeOffset? at
    )
    {
        var shown = new RedactedExchange { Call = template.Name, At = at is { } when ? Instant.ToText(when) : null };
        return rendering switch
        {
            Rendering.Refused(var place, var why) => shown with { Refused = $"{place}: {why}" },
            Rendering.Ready({ } call, var masked) => shown with
            {
                Method = call.Method.Method,
                Url = masked?.Url.ToString() ?? TemplateHelpers.Mask,
                Headers = masked?.Headers.Select(h => $"{h.Name}: {h.Value}").ToList(),
                Body = masked?.Body is { } body ? Cut(Encoding.UTF8.GetString(body)) : null,
                Status = (outcome as EgressOutcome.Answered)?.Status,
                Answer = outcome is EgressOutcome.Answered answered ? Cut(context.Hide(answered.Text)) : null,
                Failure = outcome is EgressOutcome.Failed failed ? $"{failed.Failure.Word()}: {failed.Detail}" : null,
            },
            // Nothing was rendered, since there was no token for it.
            _ => shown,
        };
    }

    private static string Cut(string text) => text.Length > MaxText ? WellFormed.Cut(text, MaxText) + "…" : text;
}
