using Countersign.Audit;
using Countersign.Cli;
using Countersign.Destinations;
using Countersign.Doors;
using Countersign.Doors.Api;
using Countersign.Doors.Zendesk;
using Countersign.Gates;
using Countersign.Hosting;
using Countersign.Insights;
using Countersign.LaunchDarkly;
using Countersign.Outcomes;
using Countersign.Pages;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Witnessing;
using Countersign.Work;

namespace Countersign;

/// <summary>Countersign as a table of contents. <c>docs/flow.md</c> follows a request through it.</summary>
public static class Program
{
    /// <summary>The verbs, one file each in <c>Cli/</c>; without one, <c>serve</c>.</summary>
    public static Task<int> Main(string[] args) => CommandLine.Run(args);

    /// <summary>What the server and the command line are both made of: the use cases of every folder.</summary>
    internal static IServiceCollection AddCountersign(
        this IServiceCollection services,
        IConfiguration settings,
        Store store,
        RootKey rootKey
    ) =>
        services
            .AddCountersignOptions(settings) // CountersignOptions.cs lists the options class of each folder
            .AddStorage(store)
            .AddWork() // one log, one queue
            .AddPolicies() // who must approve
            .AddRequests() // a decision is recorded by Requests/Decide.cs and weighed by Requests/Weigh.cs
            .AddPeople()
            .AddSignIn(rootKey)
            .AddAudit() // the sealed record
            .AddInsights() // figures, from counts that follow the log
            .AddOutcomes() // email, chat, webhooks
            .AddDestinations() // workflow systems that decide
            .AddLaunchDarkly() // what we ask LaunchDarkly
            .AddGates() // what systems that wait have in common
            .AddWitnessing(); // who else has seen the record

    /// <summary>The server, not started. Tests start it the same way.</summary>
    public static WebApplication Build(
        CountersignOptions options,
        Store store,
        RootKey rootKey,
        string[] switches,
        Action<IServiceCollection>? replace = null
    )
    {
        var (server, metrics) = (options.Get<ServerOptions>(), options.Get<MetricsOptions>());
        var builder = ServerHost.CreateBuilder(server, switches);
        replace?.Invoke(builder.Services);
        builder.Services.AddCountersign(options.Configuration, store, rootKey).AddServerHost(server);
        builder.Services.AddCallers().AddPermissions().AddRateLimits().AddFormProtection(server.PathBase);
        builder.Services.AddDoors().AddPages().AddIdentityProviders(options.OidcProviders());
        builder.Services.AddTelemetry(builder.Configuration, metrics);
        builder
            .Services.AddBackgroundService<LastUse>() // what runs beside the calls, in the order in which it starts
            .AddBackgroundService<EventFeed>()
            .AddLogFollowers()
            .AddBackgroundService<PeopleDirectoryRefresher>()
            .AddBackgroundService<Sealer>()
            .AddBackgroundService<FailedSignIns>()
            .AddBackgroundService<JobWorker>();
        var app = builder.Build();
        app.UseHead().UseExceptionHandler();
        app.UseSafeHeaders();
        app.UseKnownProxies(server);
        app.UseStatusCodePages(Problems.WriteBare);
        app.UseResponseCompression();
        app.UseOwnAddresses(server);
        app.UseDoors(PageDoor.One, server); // Doors/ProgramDoors.cs: the API, LaunchDarkly, Zendesk, agents
        app.UsePageLanguages();
        app.UseApiDocs();
        app.UseZendeskConventions();
        app.UseRouting();
        app.UseOnlyServedByZendesk();
        // First who calls, then how often, and only then whether they may: what is refused is counted too.
        app.UseAuthentication(); // SignIn/Schemes.cs: source key, person, session
        app.UseMiddleware<RefusalLog>();
        app.UseRateLimiter(); // SignIn/RateLimits.cs
        app.UseMiddleware<SameOrigin>();
        app.UseAuthorization(); // SignIn/Permissions.cs: policies on the groups below; without one, refused
        app.UseMiddleware<SessionForms>();
        app.UseMiddleware<PageForms>();
        app.MapHealth();
        app.MapTelemetry(metrics); // /metrics
        app.MapDoors(); // /api, /mcp
        app.MapPages();
        return app;
    }
}
