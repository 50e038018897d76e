using System.Security;
using System.Text;
using System.Text.Json;

namespace Countersign.Destinations.Manifest;

/// <summary>
/// A request as a workflow system gets it, in the words that LaunchDarkly's templates use; the same for a request
/// of any origin.
/// </summary>
internal sealed record ForwardedRequest
{
    /// <summary>The ID of the request here.</summary>
    public required string Id { get; init; }

    /// <summary>Where people find the change: LaunchDarkly's page where it came from there, else ours.</summary>
    public required string Link { get; init; }

    /// <summary>Our page, with the request's history.</summary>
    public string HistoryLink
    {
        get => field ?? Link;
        init;
    }

    /// <summary>In one line; the longer text; what the requester wrote beside it.</summary>
    public required string Title { get; init; }
    public string Details { get; init; } = "";
    public string Description { get; init; } = "";

    public Named Project { get; init; } = Named.None;
    public Named Environment { get; init; } = Named.None;
    public Named Flag { get; init; } = Named.None;
    public Requester? Member { get; init; }
    public required DateTimeOffset At { get; init; }
    public IReadOnlyList<KeyValuePair<string, string>> Form { get; init; } = [];
    public IReadOnlyList<KeyValuePair<string, IReadOnlyList<string>>> CustomProperties { get; init; } = [];

    public sealed record Named(string Name, string Key, IReadOnlyList<string> Tags)
    {
        public static readonly Named None = new("", "", []);
    }

    /// <param name="ExternalId">How the workflow system knows this person, found by e-mail in its own list.</param>
    public sealed record Requester(string Id, string Email, string Name, string ExternalId = "");
}

/// <summary>Everything that a call's templates may draw on.</summary>
internal sealed record CallContext
{
    public required ApprovalManifest Manifest { get; init; }
    public required FormValues Values { get; init; }
    public required ForwardedRequest Request { get; init; }
    public string OAuthBaseUri { get; init; } = "";
    public string AccessToken
    {
        get;
        init => (field, _spelled) = (value, null);
    } = "";

    /// <summary>The other system's id, once there is one.</summary>
    public string ExternalId { get; init; } = "";

    /// <summary>The answer to the creation as it came, kept because later templates may name parts of it.</summary>
    public string? CreationAnswer { get; init; }

    /// <summary>What is said when the change is applied.</summary>
    public string Comment { get; init; } = "";

    /// <summary>Every secret that has a value, by key.</summary>
    public IEnumerable<(string Key, string Value)> Secrets =>
        from secret in Manifest
            .FormVariables.Where(v => v.IsSecret)
            .Select(v => (v.Key, Value: Values.Form.GetValueOrDefault(v.Key)))
            .Concat(
                Manifest
                    .EnvironmentVariables.Where(v => v.IsSecret)
                    .Select(v => (v.Key, Value: Values.Environment.GetValueOrDefault(v.Key)))
            )
            .Append(("oauth.accessToken", AccessToken))
        let text = TemplateHelpers.Text(secret.Value)
        where text.Length > 0
        select (secret.Key, text);

    /// <summary>The same with every secret masked: what it renders may be shown.</summary>
    public CallContext Masked()
    {
        var masked = new FormValues();
        foreach (var (key, value) in Values.Request)
            masked.Request[key] = value;
        Mask(Manifest.FormVariables, Values.Form, masked.Form);
        Mask(Manifest.EnvironmentVariables, Values.Environment, masked.Environment);
        return this with { Values = masked, AccessToken = AccessToken.Length > 0 ? TemplateHelpers.Mask : "" };
    }

    /// <summary>
    /// Takes the secrets out of what a system sent: it may repeat what it was sent, in another spelling.
    /// </summary>
    public string Hide(string text)
    {
        foreach (var spelled in _spelled ??= [.. Spelled()])
            text = text.Replace(spelled, TemplateHelpers.Mask, StringComparison.Ordinal);
        return text;
    }

    private List<string>? _spelled;

    private IEnumerable<string> Spelled()
    {
        var names = Values
            .Form.Concat(Values.Environment)
            .Select(v => v.Value)
            .OfType<string>()
            .Where(v => v.Length > 0)
            .Distinct()
            .ToList();
        foreach (var (_, secret) in Secrets)
        {
            if (secret.Length > 2)
            {
                foreach (
                    var spelled in new[]
                    {
                        secret,
                        JsonText.Escape(secret),
                        JsonEncodedText.Encode(secret).ToString(),
                        Uri.EscapeDataString(secret),
                        SecurityElement.Escape(secret),
                        Base64(secret),
                    }.Distinct()
                )
                {
                    yield return spelled;
                }
            }
            // Credentials in Basic form hold the secret in a spelling that depends on the name before it.
            foreach (var name in names)
                yield return Base64($"{name}:{secret}");
        }
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static void Mask(
        IReadOnlyList<FormVariable> variables,
        Dictionary<string, object?> from,
        Dictionary<string, object?> to
    )
    {
        foreach (var (key, value) in from)
        {
            to[key] =
                TemplateHelpers.Text(value).Length > 0 && variables.Any(v => v.Key == key && v.IsSecret)
                    ? TemplateHelpers.Mask
                    : value;
        }
    }
}
