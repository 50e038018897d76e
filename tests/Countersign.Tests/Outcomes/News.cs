using Countersign.Configuration;
using Countersign.Outcomes;
using Countersign.Outcomes.Email;
using Countersign.Outcomes.Notifications;
using Countersign.Outcomes.Slack;
using Countersign.Outcomes.Webhooks;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Tests.Outcomes;

/// <summary>
/// All that news passes on its way out, on a hub's store and the test's clock; nothing goes by itself.
/// </summary>
public sealed class News : IDisposable
{
    private readonly JobWorker _worker;
    private readonly LogCursor[] _cursors;
    private readonly Store _store;
    private readonly Egress _egress;

    public News(
        TestHub hub,
        OutcomeOptions? options = null,
        EgressOptions? egress = null,
        Store? store = null,
        MailOptions? mail = null,
        SlackOptions? slack = null
    )
    {
        Hub = hub;
        _store = store ??= hub.Store;
        Options = options ?? Plain;
        var bounds = egress ?? new EgressOptions { Allow = [EgressAllowance.Parse("127.0.0.0/8")!] };
        _egress = new Egress(bounds);
        var secrets = new WebhookSecrets(KeyRing);
        Webhooks = new Subscriptions(store, secrets);
        var channel = new WebhookChannel(store, _egress, secrets, Options);
        Links = new MailLinks(Root);
        var (toMail, toSlack) = (mail ?? new MailOptions(), slack ?? new SlackOptions());
        MailServer = new MailServer(_egress, toMail, Options, hub.Clock);
        IChannel[] channels =
        [
            channel,
            new MailChannel(
                store,
                MailServer,
                toMail,
                Options,
                new PageOptions(),
                Links,
                new Countersign.Audit.Receipts.MakeReceipt(store)
            ),
            new SlackChannel(store, _egress, toSlack, Options, new PageOptions()),
        ];
        ByMail = new DecideByMail(store, Links);
        Switches = new NotificationPreferences(store);
        var record = new RecordAttempt(Options, channels);
        Test = new TestWebhook(store, channel, record);
        _cursors =
        [
            new LogCursor(store, new WebhookConsumer()),
            new LogCursor(store, new NotificationConsumer(toMail, toSlack, Options)),
        ];
        _worker = new JobWorker(
            store,
            [new SendDelivery(store, channels, record, Options, bounds, NullLogger<SendDelivery>.Instance)],
            NullLogger<JobWorker>.Instance
        );
        Deliveries = new Deliveries(store);
    }

    /// <summary>Without jitter, so that times are what the schedule says.</summary>
    public static OutcomeOptions Plain { get; } =
        new() { PublicUrl = new Uri("https://approvals.example.test"), Jitter = () => 0.5 };

    public static IDataProtectionProvider KeyRing { get; } = new EphemeralDataProtectionProvider();

    public TestHub Hub { get; }
    public MailLinks Links { get; }
    public MailServer MailServer { get; }
    public DecideByMail ByMail { get; }
    public NotificationPreferences Switches { get; }

    private static readonly RootKey Root = RootKey.Load(
        Path.Combine(Path.GetTempPath(), $"countersign-test-{Environment.ProcessId}.key"),
        mayCreate: true
    );

    public static MailOptions Mail(MailBox box) =>
        new()
        {
            Host = "127.0.0.1",
            Port = box.Port,
            Security = MailSecurity.None,
            From = new System.Net.Mail.MailAddress("approvals@example.test", "Countersign"),
        };

    public OutcomeOptions Options { get; }
    public Subscriptions Webhooks { get; }
    public TestWebhook Test { get; }
    public Deliveries Deliveries { get; }

    public async Task<NewWebhook> Hook(Receiver receiver, params string[] kinds) => await Hook(receiver.Address, kinds);

    public async Task<NewWebhook> Hook(Uri address, params string[] kinds) =>
        Some.Done(await Webhooks.Add(address.ToString(), kinds, [], Some.Operator, null, default));

    /// <summary>Leads webhooks and notifications to the end of the log.</summary>
    public async Task Expand()
    {
        foreach (var cursor in _cursors)
            await cursor.ToTheEnd(_store);
    }

    /// <summary>Expands and sends until nothing is due now.</summary>
    public async Task Go()
    {
        await Expand();
        await _worker.Drain().Soon();
    }

    public ValueTask<List<Row>> Lines() =>
        Hub.Store.Read(reader =>
            reader.All<Row>(
                """
                SELECT d.id, d.kind, d.subject, d.receiver, d.channel, d.endpoint, d.attempts, d.folded_into,
                COALESCE(j.next_at, '') AS due_at,
                  CASE WHEN d.state = 'due' AND j.state = 'behind' THEN 'waiting' ELSE d.state END AS state
                FROM deliveries d LEFT JOIN jobs j ON j.kind = 'delivery' AND j.key = CAST(d.id AS text) ORDER BY d.id
                """
            )
        );

    public ValueTask<List<Try>> Tries(long delivery) =>
        Hub.Store.Read(reader =>
            reader.All<Try>(
                "SELECT n, at, failure, status, answer FROM attempts WHERE delivery_id = @delivery ORDER BY n",
                new { delivery }
            )
        );

    public void Dispose()
    {
        _worker.Dispose();
        MailServer.Dispose();
        _egress.Dispose();
    }

    public sealed class Row
    {
        public long Id { get; init; }
        public required string Kind { get; init; }
        public required string Subject { get; init; }
        public required string Receiver { get; init; }
        public required string Channel { get; init; }
        public required string Endpoint { get; init; }
        public required string State { get; init; }
        public required string DueAt { get; init; }
        public long Attempts { get; init; }
        public long? FoldedInto { get; init; }
    }

    public sealed class Try
    {
        public long N { get; init; }
        public required string At { get; init; }
        public string? Failure { get; init; }
        public long? Status { get; init; }
        public required string Answer { get; init; }
    }
}
