using System.Net;
using System.Text.RegularExpressions;
using Countersign.SignIn;

namespace Countersign.Tests;

/// <summary>
/// What a browser without scripts does: it keeps cookies, shows a page and sends the forms that are on it. It does not
/// follow redirects.
/// </summary>
public sealed partial class Browser : IDisposable
{
    /// <param name="way">How to get there. Without it, as usual.</param>
    public Browser(Uri address, string? session, SocketsHttpHandler? way = null)
    {
        Cookies = new CookieContainer();
        if (session is not null)
            Cookies.Add(address, new Cookie(SessionCookie.Name, session));
        way ??= new SocketsHttpHandler();
        (way.AllowAutoRedirect, way.CookieContainer) = (false, Cookies);
        Http = new HttpClient(way) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };
        Origin = address.GetLeftPart(UriPartial.Authority);
    }

    public HttpClient Http { get; }
    public CookieContainer Cookies { get; }
    public string Origin { get; }

    public Task<Page> Get(string path) => Send(new HttpRequestMessage(HttpMethod.Get, path));

    /// <summary>
    /// Opens the page and sends a form from it: its antiforgery token goes along, the other fields are given here.
    /// </summary>
    public async Task<Page> Submit(string page, string action, params (string Name, string Value)[] fields)
    {
        var shown = await Get(page);
        return await Post(
            action,
            [
                (
                    TokenField,
                    shown.Token
                        ?? throw new InvalidOperationException(
                            $"{page} answered {shown.Status} and holds no form: {shown.Text}"
                        )
                ),
                .. fields,
            ]
        );
    }

    public const string TokenField = "__RequestVerificationToken";

    public Task<Page> Post(string path, params (string Name, string Value)[] fields) =>
        Send(
            new HttpRequestMessage(HttpMethod.Post, path)
            {
                Content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value))),
                Headers = { { "Origin", Origin } },
            }
        );

    public async Task<Page> Send(HttpRequestMessage request)
    {
        using (request)
        {
            using var response = await Http.SendAsync(request);
            return new Page(
                (int)response.StatusCode,
                await response.Content.ReadAsStringAsync(),
                response.Headers.Location?.ToString(),
                response.Headers
            );
        }
    }

    public void Dispose() => Http.Dispose();

    [GeneratedRegex(
        "name=\"__RequestVerificationToken\"[^>]*value=\"(?<token>[^\"]+)\"",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex TokenInput();

    public sealed record Page(
        int Status,
        string Text,
        string? Location,
        System.Net.Http.Headers.HttpResponseHeaders Headers
    )
    {
        public string? Token =>
            TokenInput().Match(Text) is { Success: true } found ? found.Groups["token"].Value : null;
    }
}
