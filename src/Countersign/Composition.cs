using Countersign.Audit;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Outcomes;
using Countersign.Outcomes.Email;
using Countersign.Outcomes.Notifications;
using Countersign.Outcomes.Slack;
using Countersign.Outcomes.Webhooks;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Countersign;

/// <summary>What the server and the command line are both made of: the store, the root key and the use cases.</summary>
public static class Composition
{
    public static IServiceCollection AddCountersign(
        this IServiceCollection services,
        IConfiguration configuration,
        Store store,
        RootKey rootKey
    )
    {
#pragma warning disable RS0030 // The one place where the real clock comes in; tests put theirs before.
        services.TryAddSingleton(TimeProvider.System);
#pragma warning restore RS0030
        return services
            .AddCountersignOptions(configuration)
            .AddSingleton(store)
            .AddSingleton(rootKey)
            .AddSingleton<Egress>()
            .AddOutcomes()
            .AddDestinations()
            .AddJobs()
            .AddKeyRing()
            .AddSingleton<RequestIds>()
            .AddSingleton<PeopleDirectory>()
            .AddSingleton<IPolicyNames>(s => s.GetRequiredService<PeopleDirectory>())
            .AddSingleton<Accounts>()
            .AddSingleton<Aliases>()
            .AddSingleton<PeopleImport>()
            .AddSingleton<SealKey>()
            .AddSingleton<ErasePerson>()
            .AddSingleton<IJobHandler>(s => s.GetRequiredService<ErasePerson>())
            .AddSingleton<Groups>()
            .AddSingleton<Tokens>()
            .AddSingleton<Sessions>()
            .AddSingleton<PasswordHashing>()
            .AddSingleton<SetUpLink>()
            .AddSingleton<ExternalSignIn>()
            .AddSingleton<Sources>()
            .AddSingleton<RejectedBodies>()
            .AddSingleton<Submit>()
            .AddSingleton<Tickets>()
            .AddSingleton<Decide>()
            .AddSingleton<Comment>()
            .AddSingleton<Withdraw>()
            .AddSingleton<MarkApplied>()
            .AddSingleton<ReweighRequests>()
            .AddSingleton<OverridePolicy>()
            .AddSingleton<Disown>()
            .AddSingleton<BlockedRequests>()
            .AddSingleton<Restamp>()
            .AddSingleton<PolicyFiles>()
            .AddSingleton<ApplyPolicies>()
            .AddSingleton<Absences>()
            .AddSingleton<AbsenceHistory>()
            .AddSingleton<ExplainPolicy>()
            .AddCleaning();
    }

    /// <summary>
    /// What is thrown away when its time is over; <c>docs/operating.md</c> says what is and what is not.
    /// </summary>
    private static IServiceCollection AddCleaning(this IServiceCollection services) =>
        services
            .AddSingleton<DeleteOldBodies>()
            .AddSingleton(s => new CleaningStep(
                "sessions that have ended",
                s.GetRequiredService<Sessions>().EndExpired
            ))
            .AddSingleton(s => new CleaningStep("deliveries", s.GetRequiredService<ForgetDeliveries>().Run))
            .AddSingleton(s => new CleaningStep(
                "bodies of closed requests",
                s.GetRequiredService<DeleteOldBodies>().Run
            ))
            .AddSingleton(s => Submit.OldKeys(s.GetRequiredService<Store>(), s.GetRequiredService<RetentionOptions>()))
            .AddSingleton(s =>
                MailLinks.OldUses(s.GetRequiredService<Store>(), s.GetRequiredService<RetentionOptions>())
            )
            .AddSingleton(s =>
                SlackChannel.OldMessages(s.GetRequiredService<Store>(), s.GetRequiredService<RetentionOptions>())
            )
            .AddSingleton(s =>
                RejectedBodies.Old(s.GetRequiredService<Store>(), s.GetRequiredService<RetentionOptions>())
            )
            .AddSingleton(s => new CleaningStep(
                "jobs that were set aside",
                cancel =>
                    s.GetRequiredService<WorkList>().ForgetSetAside(s.GetRequiredService<RetentionOptions>(), cancel)
            ));

    /// <summary>What goes out, and to whom: each channel sends, each consumer of the log says who hears.</summary>
    private static IServiceCollection AddOutcomes(this IServiceCollection services) =>
        services
            .AddSingleton<RecordAttempt>()
            .AddSingleton<Deliveries>()
            .AddSingleton<ForgetDeliveries>()
            .AddSingleton<Subscriptions>()
            .AddSingleton<WebhookSecrets>()
            .AddSingleton<TestWebhook>()
            .AddSingleton<WebhookChannel>()
            .AddSingleton<IChannel>(s => s.GetRequiredService<WebhookChannel>())
            .AddConsumer<WebhookConsumer>()
            .AddSingleton<MailLinks>()
            .AddSingleton<DecideByMail>()
            .AddSingleton<MailSignIn>()
            .AddSingleton<NotificationPreferences>()
            .AddSingleton<MailServer>()
            .AddSingleton<IChannel, MailChannel>()
            .AddSingleton<IChannel, SlackChannel>()
            .AddConsumer<NotificationConsumer>();

    /// <summary>One that follows the log, and what is tried again of it.</summary>
    private static IServiceCollection AddConsumer<T>(this IServiceCollection services)
        where T : class, ILogConsumer =>
        services
            .AddSingleton<T>()
            .AddSingleton<ILogConsumer>(s => s.GetRequiredService<T>())
            .AddSingleton<IJobHandler>(s => new RetryEvent(s.GetRequiredService<T>()));

    /// <summary>What is done later or elsewhere: the worker, and a handler for each kind of job.</summary>
    private static IServiceCollection AddJobs(this IServiceCollection services)
    {
        foreach (var handler in Absences.Handlers())
            services.AddSingleton(handler);
        return services
            .AddSingleton<JobWorker>()
            .AddSingleton<WorkList>()
            .AddSingleton<IJobHandler, Remind>()
            .AddSingleton<IJobHandler, Escalate>()
            .AddSingleton<IJobHandler, Expire>()
            .AddSingleton<IJobHandler>(s => s.GetRequiredService<ReweighRequests>())
            .AddSingleton<IJobHandler, CheckForBlocked>()
            .AddSingleton<IJobHandler, SendDelivery>()
            .AddSingleton<IJobHandler, CleanUp>();
    }

    /// <summary>Workflow systems that decide: who they are, and how they are talked to.</summary>
    private static IServiceCollection AddDestinations(this IServiceCollection services) =>
        services
            .AddSingleton<DestinationCache>()
            .AddSingleton<AddDestination>()
            .AddSingleton<StartOpening>()
            .AddSingleton<ResolveLink>()
            .AddSingleton<StoreAccessToken>()
            .AddSingleton<AccessTokens>()
            .AddSingleton<DestinationCalls>()
            .AddSingleton<TestDestination>()
            .AddSingleton<DestinationViews>()
            .AddSingleton<IJobHandler, CallDestination>()
            .AddConsumer<OpenLinks>();

    /// <summary>
    /// Settings from <c>appsettings.json</c>, the environment and switches, in rising order of precedence.
    /// </summary>
    public static IConfigurationRoot Configuration(string[] switches, string? data, string? database)
    {
        var builder = new ConfigurationBuilder()
            .SetBasePath(AppContext.BaseDirectory)
            .AddJsonFile("appsettings.json", optional: true)
            .AddJsonFile(Path.Combine(Environment.CurrentDirectory, "appsettings.json"), optional: true)
            .AddEnvironmentVariables(CountersignOptions.EnvironmentPrefix)
            .AddCommandLine(switches);
        var given = new Dictionary<string, string?>();
        if (data is not null)
            given["Data"] = data;
        if (database is not null)
            given["Database"] = database;
        return builder.AddInMemoryCollection(given).Build();
    }
}
