using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Countersign.Destinations.Manifest;

/// <summary>A call ready to leave.</summary>
internal sealed record RenderedCall(
    string Name,
    HttpMethod Method,
    Uri Url,
    IReadOnlyList<(string Name, string Value)> Headers,
    byte[]? Body
)
{
    public HttpRequestMessage ToMessage()
    {
        var message = new HttpRequestMessage(Method, Url);
        // Even an empty body says its length, which some systems ask of every POST and PATCH.
        if (Body is not null || Method != HttpMethod.Get)
            message.Content = new ByteArrayContent(Body ?? []);
        foreach (var (name, value) in Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, value))
                message.Content?.Headers.TryAddWithoutValidation(name, value);
        }
        return message;
    }
}

internal abstract record Rendering
{
    private Rendering() { }

    /// <param name="Shown">The same as it may be shown, every secret masked; null where it makes no sense without
    /// them.</param>
    public sealed record Ready(RenderedCall Call, RenderedCall? Shown) : Rendering;

    /// <summary>
    /// Nothing leaves: what is wrong, and at which place of the manifest. Holds no value of a secret.
    /// </summary>
    public sealed record Refused(string Place, string Why) : Rendering;
}

/// <summary>
/// Makes a call from its templates, and refuses to when the result would do harm or make no sense: an address that is
/// not whole, a secret that is empty, a name that means nothing, a line break in a header, a body that is not JSON.
/// </summary>
internal static class Renderer
{
    private const int MaxAddress = 8_000;

    public static Rendering Render(CallTemplate template, CallContext context)
    {
        try
        {
            return Whole(template, context);
        }
        catch (FormatException wrong)
        {
            return new Rendering.Refused(template.Name, wrong.Message);
        }
    }

    /// <summary>Where a call goes, as <c>https://host:port</c>; null where the settings do not say yet.</summary>
    public static string? HostOf(CallTemplate template, CallContext context)
    {
        try
        {
            return AddressOf(template.Url, context)?.GetLeftPart(UriPartial.Authority);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>
    /// The address that a template makes, null where it is not whole. Throws <see cref="FormatException"/> where a
    /// value of the request or of the other system would change its shape.
    /// </summary>
    public static Uri? AddressOf(Template url, CallContext context)
    {
        var address = ForeignValue.PutIn(
            url.Render(TemplateScope.Of(context, isBody: false, url.Roots, isAddress: true)).Trim()
        );
        if (address.Length > MaxAddress || address.Any(char.IsControl))
            throw new FormatException("The address contains a line break, or is too long.");
        return Address(address);
    }

    private static Rendering Whole(CallTemplate template, CallContext context)
    {
        var needs = template.Needs(context.Manifest);
        if (needs.Unset(context) is { } unset)
            return new Rendering.Refused(template.Name, $"The secret {unset} isn't set.");
        if (needs.Unknown is { } unknown)
        {
            return new Rendering.Refused(
                template.Name,
                $"Its address or a header uses {unknown.Text}, which is unknown."
            );
        }
        var (call, refused) = Call(template, context, null);
        if (call is null)
            return refused!;
        var (shown, _) = Call(template, context.Masked(), call);
        return new Rendering.Ready(call, shown);
    }

    /// <param name="clear">The same before masking: what no secret can be in is taken from it.</param>
    private static (RenderedCall? Call, Rendering.Refused? Refused) Call(
        CallTemplate template,
        CallContext context,
        RenderedCall? clear
    )
    {
        var needs = template.Needs(context.Manifest);
        var scope = TemplateScope.Of(context, isBody: false, clear is null ? needs.TextRoots : needs.SecretTextRoots);
        var url = clear?.Url;
        if (url is null || needs.MayHoldSecret(template.Url))
        {
            try
            {
                url = AddressOf(template.Url, context);
            }
            catch (FormatException wrong)
            {
                return Refused($"{template.Name}.endpoint.url", wrong.Message);
            }
            if (url is null)
            {
                return Refused(
                    $"{template.Name}.endpoint.url",
                    "The result isn't a complete address that starts with https:// or http://."
                );
            }
        }

        var body = clear?.Body;
        if (template.Body is { } text && (clear is null || needs.MayHoldSecret(text)))
        {
            body = Encoding.UTF8.GetBytes(text.Render(TemplateScope.Of(context, isBody: true, text.Roots)));
            if (JsonProblem(body) is { } problem)
                return Refused($"{template.Name}.jsonBody", problem);
        }

        var headers = new List<(string Name, string Value)>(template.Headers.Count + 3);
        foreach (var (name, value) in template.Headers)
        {
            if (clear is not null && !needs.MayHoldSecret(value))
            {
                headers.Add(clear.Headers[headers.Count]);
                continue;
            }
            var rendered = value.Render(scope).Trim(' ', '\t');
            if (rendered.Any(char.IsControl))
            {
                return Refused(
                    $"{template.Name}.endpoint.headers.{name}",
                    "The header's value contains a line break or another control character."
                );
            }
            headers.Add((name, rendered));
        }
        if (template.Hmac is { } hmac)
            headers.Add((hmac.Header, Signature(context, hmac.SecretKey, body ?? [])));
        if (body is not null && !headers.Exists(h => h.Name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)))
            headers.Add(("Content-Type", "application/json"));
        if (!headers.Exists(h => h.Name.Equals("Accept", StringComparison.OrdinalIgnoreCase)))
            headers.Add(("Accept", "application/json"));
        return (new RenderedCall(template.Name, template.Method, url, headers, body), null);

        static (RenderedCall?, Rendering.Refused?) Refused(string place, string why) =>
            (null, new Rendering.Refused(place, why));
    }

    private static Uri? Address(string text) =>
        Uri.TryCreate(text.Trim(), UriKind.Absolute, out var url)
        && url.Scheme is "http" or "https"
        && url.UserInfo.Length == 0
        && url.Host.Length > 0
            ? url
            : null;

    /// <summary>
    /// Lower-case hexadecimal HMAC-SHA256 over the very bytes that are sent, as LaunchDarkly signs its webhooks.
    /// </summary>
    private static string Signature(CallContext context, string key, byte[] body)
    {
        var secret = context.Secrets.First(s => s.Key == key).Value;
        return secret == TemplateHelpers.Mask
            ? TemplateHelpers.Mask
            : Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body));
    }

    private static string? JsonProblem(byte[] body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            while (reader.Read()) { }
            return null;
        }
        catch (JsonException broken)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"The result isn't JSON: line {(broken.LineNumber ?? 0) + 1}, byte "
                    + $"{(broken.BytePositionInLine ?? 0) + 1}."
            );
        }
    }
}
