using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.AspNetCore.DataProtection;

namespace Countersign.Outcomes.Webhooks;

/// <summary>A webhook just made, or its new secret: the only moment at which the secret is shown.</summary>
public sealed record NewWebhook(long Id, string Url, string Secret);

/// <summary>
/// Webhooks: add, rotate the secret, disable, enable, delete. During a rotation messages carry a signature by the
/// old and by the new secret, until the next rotation or until the old one is ended, so no receiver misses any.
/// </summary>
public sealed class Subscriptions(Store store, WebhookSecrets secrets)
{
    private const int MaxUrl = 2_000;

    public async Task<AccessOutcome<NewWebhook>> Add(
        string url,
        IReadOnlyList<string> kinds,
        IReadOnlyList<string> sources,
        Origin origin,
        long? owner,
        CancellationToken cancel
    )
    {
        url = url.Trim();
        if (UrlProblem(url) is { } badUrl)
            return new AccessOutcome<NewWebhook>.Invalid("url", badUrl);
        kinds = [.. kinds.Select(k => k.Trim()).Where(k => k.Length > 0).Distinct()];
        if (kinds.Select(EventKinds.Problem).FirstOrDefault(p => p is not null) is { } badKind)
            return new AccessOutcome<NewWebhook>.Invalid("events", badKind);
        var secret = StandardWebhook.NewSecret();
        var hidden = secrets.Hide(secret);
        return await store.InTransaction<AccessOutcome<NewWebhook>>(
            async tx =>
            {
                var sourceIds = new SortedSet<long>();
                foreach (var source in sources)
                {
                    var found = await tx.Number(
                        "SELECT id FROM sources WHERE name_key = @key",
                        new { key = PeopleDirectory.KeyOf(source) }
                    );
                    if (found == 0)
                        return new AccessOutcome<NewWebhook>.NotFound($"the source {source}");
                    sourceIds.Add(found);
                }
                var id = await tx.Number(
                    """
                    INSERT INTO webhooks (url, kinds, sources, owner_id, created_at)
                    VALUES (@url, @kinds, @sources, @owner, @now) RETURNING id
                    """,
                    new
                    {
                        url,
                        kinds = string.Join(',', kinds),
                        sources = string.Join(',', sourceIds),
                        owner,
                        now = tx.Now,
                    }
                );
                await tx.Execute(
                    "INSERT INTO webhook_secrets (webhook_id, secret, created_at) VALUES (@id, @hidden, @now)",
                    new
                    {
                        id,
                        hidden,
                        now = tx.Now,
                    }
                );
                await tx.Append(
                    Webhook.NameOf(id),
                    origin,
                    "webhook.added",
                    new
                    {
                        url = Webhook.Masked(url),
                        hash = Hashes.Sha256(url),
                        events = string.Join(',', kinds),
                        sources = string.Join(',', sourceIds),
                        owner,
                    }
                );
                return new AccessOutcome<NewWebhook>.Done(new NewWebhook(id, Webhook.Masked(url), secret));
            },
            cancel
        );
    }

    /// <summary>A new secret; the one before stays good, older ones end.</summary>
    public Task<AccessOutcome<NewWebhook>> Rotate(long id, Origin origin, CancellationToken cancel)
    {
        var secret = StandardWebhook.NewSecret();
        var hidden = secrets.Hide(secret);
        return Change<NewWebhook>(
            id,
            async tx =>
            {
                if (await tx.Text("SELECT url FROM webhooks WHERE id = @id" + tx.ForUpdate, new { id }) is not { } url)
                    return NoWebhook<NewWebhook>();
                await EndOld(tx, id);
                await tx.Execute(
                    "INSERT INTO webhook_secrets (webhook_id, secret, created_at) VALUES (@id, @hidden, @now)",
                    new
                    {
                        id,
                        hidden,
                        now = tx.Now,
                    }
                );
                await tx.Append(Webhook.NameOf(id), origin, "webhook.rotated", new { });
                return new AccessOutcome<NewWebhook>.Done(new NewWebhook(id, Webhook.Masked(url), secret));
            },
            cancel
        );
    }

    /// <summary>Only the newest secret signs from now on.</summary>
    public Task<AccessOutcome<long>> EndOldSecret(long id, Origin origin, CancellationToken cancel) =>
        Change<long>(
            id,
            async tx =>
            {
                if (await tx.Number("SELECT id FROM webhooks WHERE id = @id", new { id }) == 0)
                    return NoWebhook<long>();
                if (await EndOld(tx, id) > 0)
                    await tx.Append(Webhook.NameOf(id), origin, "webhook.old_secret_ended", new { });
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );

    public Task<AccessOutcome<long>> Disable(long id, Origin origin, CancellationToken cancel) =>
        Change<long>(
            id,
            async tx =>
            {
                if (await tx.Number("SELECT id FROM webhooks WHERE id = @id", new { id }) == 0)
                    return NoWebhook<long>();
                await SwitchOff(tx, id, origin, "Disabled by an admin.");
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );

    public Task<AccessOutcome<long>> Enable(long id, Origin origin, CancellationToken cancel) =>
        Change<long>(
            id,
            async tx =>
            {
                if (await tx.Number("SELECT id FROM webhooks WHERE id = @id", new { id }) == 0)
                    return NoWebhook<long>();
                if (
                    await tx.Execute(
                        """
                        UPDATE webhooks SET disabled_at = NULL, disabled_why = NULL
                        WHERE id = @id AND disabled_at IS NOT NULL
                        """,
                        new { id }
                    ) == 1
                )
                {
                    await tx.Execute(
                        """
                        UPDATE endpoints
                        SET stopped_at = NULL, failures = 0, failing_since = NULL, held_until = NULL
                        WHERE name = @name
                        """,
                        new { name = Webhook.NameOf(id) }
                    );
                    await tx.Append(Webhook.NameOf(id), origin, "webhook.enabled", new { });
                }
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );

    /// <summary>What was sent stays listed; what waits for it is dropped.</summary>
    public Task<AccessOutcome<long>> Delete(long id, Origin origin, CancellationToken cancel) =>
        Change<long>(
            id,
            async tx =>
            {
                if (await tx.Text("SELECT url FROM webhooks WHERE id = @id" + tx.ForUpdate, new { id }) is not { } url)
                    return NoWebhook<long>();
                var name = Webhook.NameOf(id);
                await tx.Execute("DELETE FROM webhook_secrets WHERE webhook_id = @id", new { id });
                await tx.Execute("DELETE FROM webhooks WHERE id = @id", new { id });
                // Nothing holds back what waits any longer: each is looked at once and dropped.
                await tx.Execute("DELETE FROM endpoints WHERE name = @name", new { name });
                await Jobs.HurryReceiver(tx, DeliveryJob.JobKind, name);
                await tx.Append(name, origin, "webhook.deleted", new { url = Webhook.Masked(url) });
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );

    /// <summary>Whether messages are signed by an old secret too, during a rotation.</summary>
    public ValueTask<bool> HasOldSecret(long id, CancellationToken cancel) =>
        store.Read(
            async reader =>
                await reader.Number("SELECT count(*) FROM webhook_secrets WHERE webhook_id = @id", new { id }) > 1,
            cancel
        );

    public ValueTask<List<Webhook>> List(CancellationToken cancel) =>
        store.Read(reader => reader.All<Webhook>($"SELECT {Webhook.Columns} FROM webhooks ORDER BY id"), cancel);

    public ValueTask<Webhook?> Find(long id, CancellationToken cancel) =>
        store.Read(
            reader => reader.First<Webhook>($"SELECT {Webhook.Columns} FROM webhooks WHERE id = @id", new { id }),
            cancel
        );

    /// <summary>True when it was on. What waits for it is kept as failed, and can be sent again by hand.</summary>
    internal static async ValueTask<bool> SwitchOff(Tx tx, long id, Origin origin, string why)
    {
        if (
            await tx.Text(
                """
                UPDATE webhooks SET disabled_at = @now, disabled_why = @why WHERE id = @id AND disabled_at IS NULL
                RETURNING url
                """,
                new
                {
                    now = tx.Now,
                    why,
                    id,
                }
            )
            is not { } url
        )
        {
            return false;
        }
        await tx.Execute(
            "UPDATE endpoints SET stopped_at = @now WHERE name = @name",
            new { now = tx.Now, name = Webhook.NameOf(id) }
        );
        await Jobs.HurryReceiver(tx, DeliveryJob.JobKind, Webhook.NameOf(id));
        await tx.Append(Webhook.NameOf(id), origin, "webhook.disabled", new { why, url = Webhook.Masked(url) });
        return true;
    }

    private async Task<AccessOutcome<T>> Change<T>(
        long id,
        Func<Tx, ValueTask<AccessOutcome<T>>> work,
        CancellationToken cancel
    )
    {
        var outcome = await store.InTransaction(work, cancel);
        secrets.Forget(id);
        return outcome;
    }

    private static ValueTask<int> EndOld(Tx tx, long id) =>
        tx.Execute(
            """
            DELETE FROM webhook_secrets
            WHERE webhook_id = @id AND id < (SELECT max(id) FROM webhook_secrets WHERE webhook_id = @id)
            """,
            new { id }
        );

    private static AccessOutcome<T> NoWebhook<T>() => new AccessOutcome<T>.NotFound("a webhook with this ID");

    private static string? UrlProblem(string url) =>
        url.Length > MaxUrl ? $"A URL can have at most {MaxUrl} characters."
        : !Uri.TryCreate(url, UriKind.Absolute, out var uri)
        || uri.Scheme is not ("http" or "https")
        || uri.Host.Length == 0
            ? "This isn't an http or https URL."
        : uri.UserInfo.Length > 0
            ? "The URL can't contain a user name and password. Receivers verify the signature instead."
        : uri.Fragment.Length > 0 ? "The URL can't contain a fragment (#)."
        : null;
}

/// <summary>
/// Secrets are kept encrypted, for they must be known to sign. Opened ones stay in memory: each is needed for every
/// message.
/// </summary>
public sealed class WebhookSecrets(IDataProtectionProvider keyRing)
{
    private const int MaxKept = 10_000;
    private const string Purpose = "Countersign.webhook-secret";

    internal static readonly EncryptedColumn[] Encrypted = [new("webhook_secrets", "secret", "id", Purpose)];

    private readonly IDataProtector _protector = keyRing.CreateProtector(Purpose);
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, byte[]> _opened = new();

    private readonly System.Collections.Concurrent.ConcurrentDictionary<long, Known> _known = new();

    public string Hide(string secret) => _protector.Protect(secret);

    /// <summary>
    /// A webhook and the keys that sign for it, as they were at most a second ago: every message needs them.
    /// </summary>
    internal async ValueTask<(Webhook? Webhook, IReadOnlyList<byte[]> Keys)> Find(
        Store store,
        long id,
        CancellationToken cancel
    )
    {
        if (_known.TryGetValue(id, out var known) && Environment.TickCount64 - known.At < 1_000)
            return (known.Webhook, known.Keys);
        var at = Environment.TickCount64;
        var (webhook, keys) = await store.Read(
            async reader =>
                (
                    await reader.First<Webhook>($"SELECT {Webhook.Columns} FROM webhooks WHERE id = @id", new { id }),
                    await KeysOf(reader, id)
                ),
            cancel
        );
        if (_known.Count >= MaxKept)
            _known.Clear();
        _known[id] = new Known(webhook, keys, at);
        return (webhook, keys);
    }

    /// <summary>It was changed by this process, which need not wait a second to know.</summary>
    internal void Forget(long id) => _known.TryRemove(id, out _);

    /// <summary>The keys that sign for a webhook, the newest first.</summary>
    private async ValueTask<IReadOnlyList<byte[]>> KeysOf(Reader reader, long webhook)
    {
        var rows = await reader.All<SecretRow>(
            "SELECT secret FROM webhook_secrets WHERE webhook_id = @webhook ORDER BY id DESC",
            new { webhook }
        );
        return rows.ConvertAll(row => Open(row.Secret));
    }

    private byte[] Open(string hidden)
    {
        if (_opened.TryGetValue(hidden, out var known))
            return known;
        if (_opened.Count >= MaxKept)
            _opened.Clear();
        return _opened[hidden] =
            StandardWebhook.KeyOf(_protector.Unprotect(hidden))
            ?? throw new InvalidOperationException("A stored webhook secret is invalid.");
    }

    private sealed record Known(Webhook? Webhook, IReadOnlyList<byte[]> Keys, long At);

    private sealed class SecretRow
    {
        public required string Secret { get; init; }
    }
}
