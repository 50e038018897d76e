using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.Extensions.Options;

namespace Countersign.Pages.Layout;

/// <summary>
/// What every form of ours carries to prove that it came from a page of ours. It holds for a browser's cookie and
/// whoever is signed in there, so it is worked out for the first page and kept for those that follow.
/// </summary>
internal sealed class FormProof(IAntiforgery antiforgery, IOptions<AntiforgeryOptions> options)
{
    private const int MaxKept = 2_000;

    private readonly ConcurrentDictionary<(string Cookie, string? Person), string> _kept = new();

    public string Field => options.Value.FormFieldName;

    public string For(HttpContext http)
    {
        var cookie = http.Request.Cookies[options.Value.Cookie.Name!] ?? "";
        var key = (cookie, http.User.FindFirstValue(ClaimTypes.NameIdentifier));
        if (_kept.TryGetValue(key, out var known))
            return known;
        var made = antiforgery.GetAndStoreTokens(http);
        // A cookie that was missing, or that is not one of ours, is replaced with this answer: what goes with the new
        // one is kept when it comes back.
        if (made.CookieToken is null)
        {
            if (_kept.Count >= MaxKept)
                _kept.Clear();
            _kept[key] = made.RequestToken!;
        }
        return made.RequestToken!;
    }
}
