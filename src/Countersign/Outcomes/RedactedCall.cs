using System.Text;
using Countersign.Outcomes.Webhooks;

namespace Countersign.Outcomes;

/// <summary>A call as admins may see it: its first line and its headers, without what proves who calls.</summary>
internal static class RedactedCall
{
    public static string Of(HttpRequestMessage request)
    {
        var text = new StringBuilder()
            .Append(request.Method)
            .Append(' ')
            .Append(Webhook.Masked(request.RequestUri!.OriginalString));
        foreach (var (name, values) in request.Headers.NonValidated)
            text.Append('\n').Append(name).Append(": ").Append(Masked(name, values.ToString()));
        foreach (var (name, values) in request.Content?.Headers.NonValidated ?? default)
            text.Append('\n').Append(name).Append(": ").Append(values.ToString());
        return text.ToString();
    }

    /// <summary>Of a token its kind is left, of each signature its version.</summary>
    private static string Masked(string name, string value) =>
        name switch
        {
            "Authorization" => $"{value.Split(' ')[0]} …",
            StandardWebhook.SignatureHeader => string.Join(
                ' ',
                value.Split(' ').Select(signature => $"{signature.Split(',')[0]},…")
            ),
            _ => value,
        };
}
