using Countersign.Audit;
using Countersign.Doors.Api;
using Countersign.Doors.LaunchDarkly;
using Countersign.Doors.Zendesk;
using Countersign.Hosting;
using Countersign.Outcomes;
using Countersign.Pages;
using Countersign.Pages.Layout;
using Countersign.Pages.SignIn;
using Countersign.Pages.SignIn.Oidc;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Countersign;

/// <summary>The running server: what it is made of, and the order in which a call passes through it.</summary>
public static class Application
{
    private static readonly TimeSpan MaxStop = TimeSpan.FromSeconds(15);

    /// <summary>Serves until told to stop; a store that cannot be opened is for the caller to tell.</summary>
    /// <param name="toSetUp">Hears the address at which the first admin is made, while there is none.</param>
    public static async Task<int> Run(
        CountersignOptions options,
        string[] switches,
        Action<string> toSetUp,
        CancellationToken cancel
    )
    {
        // The store opens before the host exists, and logs where the host will.
        using var logs = LoggerFactory.Create(logging =>
            logging.AddConfiguration(Composition.Configuration(switches, null, null).GetSection("Logging")).AddConsole()
        );
        var place = options.Get<StoreOptions>();
        var rootKey = RootKey.Load(place.RootKeyFile, place.MayCreateRootKey);
#pragma warning disable RS0030 // The server runs on the real clock; tests build it on theirs.
        await using var store = await Store.Open(place, TimeProvider.System, logs.CreateLogger<Store>());
#pragma warning restore RS0030
        await DemoMark.KeepOut(store, cancel);
        await using var app = Build(options, store, rootKey, switches);
        await app.StartAsync(cancel);
        if (await app.Services.GetRequiredService<SetUpLink>().Make(cancel) is { } secret)
            toSetUp($"{AddressOf(app, options.Get<ServerOptions>())}{SetUpPage.Path}?key={secret}");
        await app.WaitForShutdownAsync(cancel);
        return 0;
    }

    /// <summary>Under which somebody at this machine reaches the server, unless the public address is known.</summary>
    private static string AddressOf(WebApplication app, ServerOptions server)
    {
        if (server.PublicUrl is not null)
            return server.BaseUrl;
        var listening = new Uri(
            app.Urls.First()
                .Replace("://+", "://localhost", StringComparison.Ordinal)
                .Replace("://*", "://localhost", StringComparison.Ordinal)
        );
        var host = listening.Host is "0.0.0.0" or "[::]" ? "localhost" : listening.Host;
        return $"{listening.Scheme}://{host}:{listening.Port}{server.PathBase}";
    }

    public static WebApplication Build(
        CountersignOptions options,
        Store store,
        RootKey rootKey,
        string[] switches,
        Action<IServiceCollection>? replace = null
    )
    {
        var server = options.Get<ServerOptions>();
        var metrics = options.Get<MetricsOptions>();
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { ApplicationName = "countersign", ContentRootPath = AppContext.BaseDirectory }
        );
        builder.Configuration.AddConfiguration(Composition.Configuration(switches, null, null));
        builder
            .WebHost.UseKestrelHttpsConfiguration()
            .UseUrls([.. server.Urls])
            .ConfigureKestrel(kestrel =>
            {
                kestrel.AddServerHeader = false;
                kestrel.Limits.MaxRequestBodySize = BodyBytes.MaxSize;
            });
        // The framework's own filters would judge hosts before a proxy is heard, and could be told by a variable to
        // believe every proxy. Both stand in the pipeline below, with our settings.
        builder.Services.RemoveAll<IStartupFilter>();
        replace?.Invoke(builder.Services);
        AddServices(builder.Services, options, server, store, rootKey);
        builder.Services.AddTelemetry(builder.Configuration, metrics);

        var app = builder.Build();
        UsePipeline(app, server);
        app.MapHealth();
        app.MapTelemetry(metrics);
        app.MapOpenApi().AllowAnonymous();
        app.MapApi();
        app.MapLaunchDarkly();
        app.MapPages();
        app.MapZendesk();
        return app;
    }

    private static void AddServices(
        IServiceCollection services,
        CountersignOptions settings,
        ServerOptions server,
        Store store,
        RootKey rootKey
    )
    {
        services.AddCountersign(settings.Configuration, store, rootKey);
        services
            .AddSingleton<RequestList>()
            .AddSingleton<EnvironmentNames>()
            .AddSingleton<Passwords>()
            .AddSingleton<PasswordSignIn>()
            .AddSingleton<SignInAttempts>()
            .AddSingleton<Callers>()
            .AddSingleton<RateLimits>()
            .AddSingleton<Cursors>();
        services.AddSingleton<LastUse>().AddHostedService(s => s.GetRequiredService<LastUse>());
        services.AddSingleton<EventFeed>().AddHostedService(s => s.GetRequiredService<EventFeed>());
        services.AddHostedService<Sequencer>().AddHostedService<LogFollower>();
        services.AddHostedService<PeopleDirectoryRefresher>();
        services.AddSingleton<Verify>().AddSingleton<Export>().AddSingleton<SearchEvents>().AddHostedService<Sealer>();
        services.AddSingleton<FailedSignIns>().AddHostedService(s => s.GetRequiredService<FailedSignIns>());
        services.AddHostedService(s => s.GetRequiredService<JobWorker>());

        services.Configure<HostOptions>(options =>
        {
            options.ShutdownTimeout = MaxStop;
            // Every worker goes on by itself; should one end all the same, the others still serve.
            options.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore;
        });
        services.AddCallerSchemes();
        services.AddPermissions();
        services.AddOidc(settings.OidcProviders());
        services.AddAntiforgery(options =>
        {
            options.HeaderName = "X-CSRF-Token";
            // Said better by the pages' content security policy.
            options.SuppressXFrameOptionsHeader = true;
        });
        services
            .AddHttpContextAccessor()
            .AddOptions<AntiforgeryOptions>()
            .Configure<IHttpContextAccessor>(
                (options, current) =>
                    options.Cookie = new AntiforgeryCookie(current, server.PathBase)
                    {
                        HttpOnly = true,
                        IsEssential = true,
                        SameSite = SameSiteMode.Lax,
                        // Not more than that: without TLS the framework would refuse to make one. The session's own
                        // cookie is stricter.
                        SecurePolicy = CookieSecurePolicy.SameAsRequest,
                        Path = server.PathBase.Length > 0 ? server.PathBase : "/",
                    }
            );
        services.AddHostFiltering(options => options.AllowedHosts = [.. server.AllowedHosts]);
        services.AddHsts(options => options.MaxAge = TimeSpan.FromDays(365));
        services.ConfigureHttpJsonOptions(json =>
            ApiJson.Configure(json.SerializerOptions).TypeInfoResolverChain.Insert(0, ApiJson.Default)
        );
        services.AddPages();
        services
            .AddRateLimiter(_ => { })
            .AddOptions<RateLimiterOptions>()
            .Configure<RateLimits>((options, limits) => limits.Configure(options));
        services.AddProblemDetails().AddExceptionHandler<FaultAnswer>();
        services.AddOpenApi(
            "v1",
            options =>
                options.AddDocumentTransformer(
                    (document, _, _) =>
                    {
                        document.Info.Version = Cli.CommandLine.Version;
                        return Task.CompletedTask;
                    }
                )
        );
        services.AddResponseCompression(options =>
        {
            // Answers carry no secret beside text that an outsider chooses (keys are shown once, in answers to admins),
            // so TLS is no obstacle.
            options.EnableForHttps = true;
            options.MimeTypes = ResponseCompressionDefaults.MimeTypes;
        });
    }

    /// <summary>What a call passes, from the outside in.</summary>
    private static void UsePipeline(WebApplication app, ServerOptions server)
    {
        app.UseExceptionHandler();
        app.Use(NothingToGuess);
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
        app.UseForwardedHeaders(forwarded);
        if (server.Hsts)
            app.UseHsts();
        app.UseStatusCodePages(Problems.WriteBare);
        app.UseResponseCompression();
        if (server.PathBase.Length > 0)
            app.UsePathBase(server.PathBase);
        app.Use(OneLeadingSlash);
        // Load balancers ask for health by address.
        app.UseWhen(http => !http.Request.Path.StartsWithSegments("/health"), named => named.UseHostFiltering());
        app.Use(ByDoor);
        // Apart, because it matches patterns against every path that it sees.
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments("/docs"),
            pages =>
                pages.UseSwaggerUI(docs =>
                {
                    docs.RoutePrefix = "docs";
                    docs.SwaggerEndpoint("../openapi/v1.json", "Countersign");
                })
        );
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments(ZendeskEndpoints.Root),
            around => around.UseMiddleware<Doors.Zendesk.ZendeskConventions>()
        );
        app.UseRouting();
        // This door says what it does not serve before it asks who is there.
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments(ZendeskEndpoints.Root),
            behind => behind.Use(Doors.Zendesk.ZendeskConventions.OnlyServed)
        );
        // First who calls, then how often, and only then whether they may: what is refused is counted too.
        app.UseAuthentication();
        app.UseMiddleware<RefusalLog>();
        app.UseRateLimiter();
        app.UseMiddleware<SameOrigin>();
        app.UseAuthorization();
        app.UseMiddleware<SessionForms>();
        app.UseMiddleware<PageForms>();
    }

    /// <summary>Which door a path belongs to; all that is not for programs is for browsers.</summary>
    private static Task ByDoor(HttpContext http, RequestDelegate next)
    {
        http.Features.Set(DoorOf(http.Request.Path));
        return next(http);
    }

    private static Door DoorOf(PathString path) =>
        path.StartsWithSegments(ApiEndpoints.Root) ? ApiEndpoints.Door
        : path.StartsWithSegments(LaunchDarklyEndpoints.Approvals)
        || path.StartsWithSegments(LaunchDarklyEndpoints.Members)
            ? LaunchDarklyEndpoints.Door
        : path.StartsWithSegments(ZendeskEndpoints.Root) ? ZendeskEndpoints.Door
        : PageDoor.One;

    /// <summary>
    /// Browsers take an answer for what it says it is, and nobody keeps one that was meant for somebody else.
    /// </summary>
    private static Task NothingToGuess(HttpContext http, RequestDelegate next)
    {
        http.Response.Headers.XContentTypeOptions = "nosniff";
        // In words that antiforgery does not replace by its own, with a warning in the log each time that it does.
        http.Response.Headers.CacheControl = "no-cache, no-store";
        return next(http);
    }

    /// <summary>A base URL that ends in a slash makes callers ask for <c>//api/…</c>; they mean the same.</summary>
    private static Task OneLeadingSlash(HttpContext http, RequestDelegate next)
    {
        if (http.Request.Path.Value is { } path && path.StartsWith("//", StringComparison.Ordinal))
            http.Request.Path = "/" + path.TrimStart('/');
        return next(http);
    }
}
