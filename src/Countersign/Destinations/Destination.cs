using System.Text.Json;
using Countersign.Destinations.Manifest;
using Countersign.Storage;

namespace Countersign.Destinations;

/// <summary>
/// A workflow system that decides, with everything needed to talk to it. Secrets are in clear here and nowhere else.
/// </summary>
internal sealed record Destination
{
    public required long Id { get; init; }
    public required string Name { get; init; }
    public required ApprovalManifest Manifest { get; init; }
    public required string ManifestText { get; init; }

    /// <summary>Values by the manifest's own keys, and <c>oauth.*</c>.</summary>
    public required IReadOnlyDictionary<string, string> Settings { get; init; }
    public required IReadOnlyDictionary<string, string> Secrets { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public bool IsPaused { get; init; }
    public DateTimeOffset? FailingSince { get; init; }

    /// <summary>Who it is in events.</summary>
    public Origin Origin => new(new Actor($"destination:{Id}"), "destination", "");

    public Dictionary<string, string> AllValues => Over(Settings, Secrets);

    /// <summary>Where its secrets go: the hosts of all its calls and of the tokens that they need.</summary>
    public IReadOnlySet<string> Hosts()
    {
        var context = Context(Rehearsals.Full, TemplateHelpers.Mask);
        var hosts = Manifest
            .Calls.Concat(Manifest.Settings.Select(v => v.DynamicOptions).OfType<CallTemplate>())
            .Select(call => Renderer.HostOf(call, context));
        if (Uri.TryCreate(Settings.GetValueOrDefault(OAuthKeys.TokenUrl), UriKind.Absolute, out var tokens))
            hosts = hosts.Append(tokens.GetLeftPart(UriPartial.Authority));
        return hosts.OfType<string>().ToHashSet();
    }

    /// <summary>
    /// The same with these values in place of those there. A secret goes nowhere but where it was given for: with
    /// another host, each must be given again, or whoever may change an address could have it sent to one of their own.
    /// </summary>
    public (Destination Changed, (string Key, string Problem)? Mistake) With(
        IReadOnlyDictionary<string, string> settings,
        IReadOnlyDictionary<string, string> secrets
    )
    {
        var changed = this with { Settings = Over(Settings, settings), Secrets = Over(Secrets, secrets) };
        var kept = Secrets.FirstOrDefault(s => s.Value.Length > 0 && !secrets.ContainsKey(s.Key)).Key;
        return (
            changed,
            kept is null || changed.Hosts().IsSubsetOf(Hosts())
                ? null
                : (kept, "The address has changed. Enter this again to confirm that it goes there.")
        );
    }

    private static Dictionary<string, string> Over(
        IReadOnlyDictionary<string, string> kept,
        IReadOnlyDictionary<string, string> given
    )
    {
        var all = new Dictionary<string, string>(kept);
        foreach (var (key, value) in given)
            all[key] = value;
        return all;
    }

    public CallContext Context(
        ForwardedRequest forwarded,
        string accessToken,
        string externalId = "",
        string? creation = null
    ) =>
        new()
        {
            Manifest = Manifest,
            Values = FormValues.Read(Manifest, AllValues, forwarded.Form).Values,
            Request = forwarded,
            OAuthBaseUri = Settings.GetValueOrDefault("oauth.baseURI", ""),
            AccessToken = accessToken,
            ExternalId = externalId,
            CreationAnswer = creation,
        };
}

/// <summary>
/// The settings beside the manifest's own: how to get the token that it calls <c>oauth.accessToken</c>.
/// </summary>
internal static class OAuthKeys
{
    public const string BaseUri = "oauth.baseURI";
    public const string AccessToken = "oauth.accessToken";
    public const string TokenUrl = "oauth.tokenUrl";
    public const string ClientId = "oauth.clientId";
    public const string ClientSecret = "oauth.clientSecret";
    public const string Scope = "oauth.scope";

    public static readonly string[] All = [BaseUri, AccessToken, TokenUrl, ClientId, ClientSecret, Scope];
    public static readonly string[] Secret = [AccessToken, ClientSecret];
}

/// <summary>A destination as it lies in the store.</summary>
internal sealed class DestinationRow
{
    public const string Columns = "id, name, manifest, settings, secrets, created_at, paused_at, failing_since";

    public long Id { get; init; }
    public required string Name { get; init; }
    public required string Manifest { get; init; }
    public required string Settings { get; init; }
    public required string Secrets { get; init; }
    public required string CreatedAt { get; init; }
    public string? PausedAt { get; init; }
    public string? FailingSince { get; init; }

    public static Dictionary<string, string> Values(string json) =>
        JsonSerializer.Deserialize<Dictionary<string, string>>(json) ?? [];
}
