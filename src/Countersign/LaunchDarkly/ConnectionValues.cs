using System.Net;

namespace Countersign.LaunchDarkly;

/// <summary>What an admin may enter, and what is wrong with anything else. Pure functions.</summary>
public static class ConnectionValues
{
    public const string DefaultBaseUrl = "https://app.launchdarkly.com";

    /// <summary>For pages to offer.</summary>
    public static readonly IReadOnlyList<string> KnownBaseUrls =
    [
        DefaultBaseUrl,
        "https://app.eu.launchdarkly.com",
        "https://app.launchdarkly.us",
    ];

    private const int MaxSecret = 500;

    /// <summary>The origin alone: paths are the client's.</summary>
    public static (string? BaseUrl, string? Problem) BaseUrl(string text)
    {
        text = text.Trim().TrimEnd('/');
        if (
            !Uri.TryCreate(text, UriKind.Absolute, out var url)
            || url.Scheme is not ("https" or "http")
            || url.UserInfo.Length > 0
            || url is not { AbsolutePath: "/", Query: "", Fragment: "" }
        )
        {
            return (null, "Enter the address without a path, such as https://app.launchdarkly.com.");
        }
        return url.Scheme == "http" && !IsThisMachine(url)
            ? (null, "The token is only sent over https.")
            : (url.GetLeftPart(UriPartial.Authority), null);
    }

    /// <summary>What copying adds around a token is taken off; a blank inside means that it isn't one.</summary>
    public static (string? Token, string? Problem) Token(string text)
    {
        text = text.Trim();
        return text.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
                ? (null, "Enter the token alone, without Bearer: LaunchDarkly refuses it otherwise.")
            : text.StartsWith("sdk-", StringComparison.Ordinal) || text.StartsWith("mob-", StringComparison.Ordinal)
                ? (null, "This is a key for SDKs. Create an API access token in LaunchDarkly.")
            : IsSecret(text) ? (text, null)
            : (null, "A token has no blanks and at most 500 characters.");
    }

    public static (string? Secret, string? Problem) WebhookSecret(string text)
    {
        text = text.Trim();
        return IsSecret(text) ? (text, null) : (null, "A secret has no blanks and at most 500 characters.");
    }

    private static bool IsSecret(string text) => text.Length <= MaxSecret && text.All(c => c is > ' ' and <= '~');

    private static bool IsThisMachine(Uri url) =>
        url.Host == "localhost" || (IPAddress.TryParse(url.Host, out var address) && IPAddress.IsLoopback(address));
}
