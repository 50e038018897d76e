using Countersign.Outcomes.Email;
using Countersign.Outcomes.Notifications;
using Countersign.Outcomes.Slack;
using Countersign.Outcomes.Webhooks;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes;

internal static class OutcomeServices
{
    /// <summary>Notifications and webhooks: channels send, and log consumers choose the recipients.</summary>
    public static IServiceCollection AddOutcomes(this IServiceCollection services) =>
        services
            .AddSingleton<Egress>()
            .AddSingleton<EventFeed>()
            .AddSingleton<SetUpChecklist>()
            .AddDeliveries()
            .AddSingleton<Subscriptions>()
            .AddSingleton<WebhookSecrets>()
            .AddSingleton<TestWebhook>()
            .AddSingleton<WebhookChannel>()
            .AddSingleton<IChannel>(s => s.GetRequiredService<WebhookChannel>())
            .AddLogConsumer<WebhookConsumer>()
            .AddSingleton<MailLinks>()
            .AddSingleton<DecideByMail>()
            .AddSingleton<MailSignIn>()
            .AddSingleton<NotificationPreferences>()
            .AddSingleton<MailServer>()
            .AddSingleton<IChannel, MailChannel>()
            .AddSingleton<IChannel, SlackChannel>()
            .AddLogConsumer<NotificationConsumer>()
            .AddSingleton(s =>
                MailLinks.OldUses(s.GetRequiredService<Store>(), s.GetRequiredService<RetentionOptions>())
            )
            .AddSingleton(s =>
                SlackChannel.OldMessages(s.GetRequiredService<Store>(), s.GetRequiredService<RetentionOptions>())
            );

    private static IServiceCollection AddDeliveries(this IServiceCollection services) =>
        services
            .AddSingleton<RecordAttempt>()
            .AddSingleton<Deliveries>()
            .AddSingleton<ForgetDeliveries>()
            .AddSingleton<IJobHandler, SendDelivery>()
            .AddSingleton(s => new CleaningStep("deliveries", s.GetRequiredService<ForgetDeliveries>().Run));
}
