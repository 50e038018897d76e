using Microsoft.AspNetCore.HttpOverrides;

namespace Countersign.Hosting;

/// <summary>Parts of the pipeline that know no door.</summary>
internal static class Pipeline
{
    /// <summary>
    /// HEAD is answered like GET wherever that is. The server itself, which keeps the method as it came, leaves out the
    /// body.
    /// </summary>
    public static IApplicationBuilder UseHead(this IApplicationBuilder app) =>
        app.Use(
            async (HttpContext http, RequestDelegate next) =>
            {
                if (!HttpMethods.IsHead(http.Request.Method))
                {
                    await next(http);
                    return;
                }
                http.Features.Set(HeadOnly.One);
                http.Request.Method = HttpMethods.Get;
                await next(http);
                http.Request.Method = HttpMethods.Head;
            }
        );

    /// <summary>Whether the caller asks for the head alone: a stream must then end where it begins.</summary>
    public static bool IsHead(this HttpContext http) => http.Features.Get<HeadOnly>() is not null;

    /// <summary>
    /// Browsers use the declared content type, and no cache keeps an answer meant for another caller.
    /// </summary>
    public static void UseSafeHeaders(this IApplicationBuilder app) =>
        app.Use(
            (HttpContext http, RequestDelegate next) =>
            {
                http.Response.Headers.XContentTypeOptions = "nosniff";
                // In words that antiforgery does not replace by its own, with a warning in the log each time that it
                // does.
                http.Response.Headers.CacheControl = "no-cache, no-store";
                return next(http);
            }
        );

    /// <summary>The caller's address, scheme and host, as the proxies say that we are told to believe.</summary>
    public static void UseKnownProxies(this IApplicationBuilder app, ServerOptions server)
    {
        var forwarded = new ForwardedHeadersOptions
        {
            ForwardedHeaders =
                ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            ForwardLimit = null,
        };
        forwarded.KnownIPNetworks.Clear();
        forwarded.KnownProxies.Clear();
        foreach (var network in server.KnownProxies)
            forwarded.KnownIPNetworks.Add(network);
        app.Use(OnlyForwardedHostNames);
        app.UseForwardedHeaders(forwarded);
        if (server.Hsts)
            app.UseHsts();
    }

    /// <summary>What is no host name makes the framework's reading of the header fail.</summary>
    private static Task OnlyForwardedHostNames(HttpContext http, RequestDelegate next)
    {
        if (http.Request.Headers.TryGetValue("X-Forwarded-Host", out var given))
        {
            foreach (var host in given.SelectMany(value => (value ?? "").Split(',')))
            {
                try
                {
                    _ = new HostString(host.Trim()).ToUriComponent();
                }
                catch (ArgumentException invalid)
                {
                    throw new BadHttpRequestException(
                        "X-Forwarded-Host isn't a host name.",
                        StatusCodes.Status400BadRequest,
                        invalid
                    );
                }
            }
        }
        return next(http);
    }

    /// <summary>Under which path and which host names we are reached.</summary>
    public static void UseOwnAddresses(this IApplicationBuilder app, ServerOptions server)
    {
        if (server.PathBase.Length > 0)
            app.UsePathBase(server.PathBase);
        app.Use(OneLeadingSlash);
        // Load balancers ask for health by address.
        app.UseWhen(http => !http.Request.Path.StartsWithSegments("/health"), named => named.UseHostFiltering());
    }

    /// <summary>A base URL that ends in a slash makes callers ask for <c>//api/…</c>; they mean the same.</summary>
    private static Task OneLeadingSlash(HttpContext http, RequestDelegate next)
    {
        if (http.Request.Path.Value is { } path && path.StartsWith("//", StringComparison.Ordinal))
            http.Request.Path = "/" + path.TrimStart('/');
        return next(http);
    }

    private sealed class HeadOnly
    {
        public static readonly HeadOnly One = new();
    }
}
