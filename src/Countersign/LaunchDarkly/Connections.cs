using System.Security.Cryptography;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection;

namespace Countersign.LaunchDarkly;

/// <summary>
/// Each source's connection to LaunchDarkly. Secrets go in encrypted and never come out; a token goes to the address it
/// was given for and nowhere else, so another address takes it away.
/// </summary>
public sealed partial class Connections(Store store, IDataProtectionProvider keyRing, ILogger<Connections> log)
{
    private const string Columns = """
        c.source_id, s.name, c.base_url, c.token, c.webhook_secret, c.identify, c.describe, c.apply, c.import_members,
        c.account_id, c.checked_at, c.problem
        """;

    private const string From = "FROM launchdarkly_connections c JOIN sources s ON s.id = c.source_id";

    private const string Purpose = "Countersign.LaunchDarkly",
        Reencrypted = "source.launchdarkly_reencrypted";

    internal static readonly EncryptedColumn[] Encrypted =
    [
        new("launchdarkly_connections", "token", "source_id", Purpose)
        {
            Event = (row, hash) => new($"source:{row.Key}", Reencrypted, new { @sealed = hash }),
        },
        new("launchdarkly_connections", "webhook_secret", "source_id", Purpose)
        {
            Event = (row, hash) => new($"source:{row.Key}", Reencrypted, new { secret = hash }),
        },
    ];

    private readonly IDataProtector _protector = keyRing.CreateProtector(Purpose);

    /// <summary>Connects the source, or changes its connection.</summary>
    public async Task<AccessOutcome<ConnectionView>> Set(
        string source,
        ConnectionChange change,
        Origin origin,
        CancellationToken cancel
    )
    {
        var (ready, refused) = Prepare(change);
        return ready is null ? refused! : await store.InTransaction(tx => Set(tx, source, ready, origin), cancel);
    }

    /// <summary>Checks and encrypts what a transaction then takes; or what is wrong with it.</summary>
    internal (ReadyChange? Ready, AccessOutcome<ConnectionView>? Refused) Prepare(ConnectionChange change)
    {
        var (baseUrl, badUrl) = change.BaseUrl is { } url ? ConnectionValues.BaseUrl(url) : (null, null);
        if (badUrl is not null)
            return (null, new AccessOutcome<ConnectionView>.Invalid("baseUrl", badUrl));
        var (token, badToken) = change.Token is { } given ? ConnectionValues.Token(given) : (null, null);
        if (badToken is not null)
            return (null, new AccessOutcome<ConnectionView>.Invalid("token", badToken));
        var (secret, badSecret) = change.WebhookSecret is { } signs ? ConnectionValues.WebhookSecret(signs) : default;
        if (badSecret is not null)
            return (null, new AccessOutcome<ConnectionView>.Invalid("webhookSecret", badSecret));
        // Encrypting may ask the store for the key ring, which nothing inside a transaction may.
        return (new ReadyChange(change, baseUrl, Hide(token), Hide(secret)), null);
    }

    /// <summary>Inside a transaction that has more to do.</summary>
    internal static async ValueTask<AccessOutcome<ConnectionView>> Set(
        Tx tx,
        string source,
        ReadyChange ready,
        Origin origin
    )
    {
        var (id, kind) = await SourceOf(tx, source);
        if (id == 0)
            return NoSource<ConnectionView>();
        if (kind != "launchdarkly")
        {
            return new AccessOutcome<ConnectionView>.Invalid(
                "source",
                "Only a source of kind launchdarkly can be connected to LaunchDarkly."
            );
        }
        var before = await RowOf(tx, id);
        var after = new ConnectionRow
        {
            SourceId = id,
            Name = source.Trim(),
            BaseUrl = ready.BaseUrl ?? before?.BaseUrl ?? ConnectionValues.DefaultBaseUrl,
            Identify = Number(ready.Change.Identify) ?? before?.Identify ?? 0,
            Describe = Number(ready.Change.Describe) ?? before?.Describe ?? 0,
            Apply = Number(ready.Change.Apply) ?? before?.Apply ?? 0,
            ImportMembers = Number(ready.Change.ImportMembers) ?? before?.ImportMembers ?? 0,
            WebhookSecret = ready.Change.WebhookSecret is null ? before?.WebhookSecret : ready.WebhookSecret,
        };
        var isElsewhere = before is not null && before.BaseUrl != after.BaseUrl;
        after = after with
        {
            Token =
                ready.Change.Token is not null ? ready.Token
                : isElsewhere ? null
                : before?.Token,
        };
        var hasOther = isElsewhere || ready.Change.Token is not null;
        after = after with
        {
            AccountId = hasOther ? null : before?.AccountId,
            CheckedAt = hasOther ? null : before?.CheckedAt,
            Problem = hasOther ? null : before?.Problem,
        };
        if (after is { Apply: not 0, Describe: 0 })
        {
            return new AccessOutcome<ConnectionView>.Invalid(
                "apply",
                "Only a change that LaunchDarkly describes can be compared before it is applied. "
                    + "Turn on describe, too."
            );
        }
        if (after != before)
            await Save(tx, after, origin);
        return new AccessOutcome<ConnectionView>.Done(after.ToView());
    }

    /// <summary>Null where the source has none.</summary>
    public ValueTask<ConnectionView?> Find(string source, CancellationToken cancel) =>
        store.Read(
            async reader =>
                (
                    await reader.First<ConnectionRow>(
                        $"SELECT {Columns} {From} WHERE s.name_key = @key",
                        new { key = PeopleDirectory.KeyOf(source) }
                    )
                )?.ToView(),
            cancel
        );

    public ValueTask<List<ConnectionView>> All(CancellationToken cancel) =>
        store.Read(
            async reader =>
                (await reader.All<ConnectionRow>($"SELECT {Columns} {From} ORDER BY c.source_id")).ConvertAll(row =>
                    row.ToView()
                ),
            cancel
        );

    /// <summary>What waits for LaunchDarkly ends with what is known without it.</summary>
    public Task<AccessOutcome<long>> Remove(string source, Origin origin, CancellationToken cancel) =>
        store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                var (id, _) = await SourceOf(tx, source);
                if (id == 0)
                    return NoSource<long>();
                if (await tx.Execute("DELETE FROM launchdarkly_connections WHERE source_id = @id", new { id }) == 0)
                {
                    return new AccessOutcome<long>.NotFound("a connection to LaunchDarkly of this source");
                }
                await tx.Append($"source:{id}", origin, "source.launchdarkly_removed", new { });
                await PeopleDirectory.Changed(tx);
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );

    /// <summary>With its secrets in clear; null where the source has no connection.</summary>
    internal async ValueTask<Connection?> Open(long sourceId, CancellationToken cancel)
    {
        var row = await store.Read(reader => RowOf(reader, sourceId), cancel);
        return row is null
            ? null
            : new Connection
            {
                SourceId = row.SourceId,
                BaseUrl = new Uri(row.BaseUrl),
                Token = Reveal(row.Token, sourceId),
                WebhookSecret = Reveal(row.WebhookSecret, sourceId),
                Identify = row.Identify != 0,
                Describe = row.Describe != 0,
                Apply = row.Apply != 0,
                ImportMembers = row.ImportMembers != 0,
                AccountId = row.AccountId,
            };
    }

    /// <summary>
    /// Notes how asking went, where that has changed or the last note is old: not worth an event, as nothing rests on
    /// it.
    /// </summary>
    /// <param name="problem">Null: it answered.</param>
    internal async Task Note(Connection connection, string? problem, CancellationToken cancel)
    {
        var old = Instant.ToText(store.Now - TimeSpan.FromMinutes(1));
        const string differs = """
            source_id = @id AND base_url = @baseUrl
            AND (checked_at IS NULL OR checked_at < @old OR coalesce(problem, '') <> @problem)
            """;
        var arguments = new
        {
            id = connection.SourceId,
            baseUrl = connection.BaseUrl.GetLeftPart(UriPartial.Authority),
            old,
            problem = problem ?? "",
            now = store.Now,
            newProblem = problem,
        };
        // Looking first keeps each answer from being a write.
        if (
            await store.Read(
                r => r.Number($"SELECT count(*) FROM launchdarkly_connections WHERE {differs}", arguments),
                cancel
            ) == 0
        )
        {
            return;
        }
        await store.InTransaction(
            async tx =>
            {
                await tx.Execute(
                    $"""
                    UPDATE launchdarkly_connections SET checked_at = @now, problem = @newProblem WHERE {differs}
                    """,
                    arguments
                );
            },
            cancel
        );
    }

    private static async ValueTask Save(Tx tx, ConnectionRow after, Origin origin)
    {
        await tx.Execute(
            """
            INSERT INTO launchdarkly_connections (source_id, base_url, token, webhook_secret, identify, describe, apply,
            import_members, account_id, checked_at, problem)
            VALUES (@SourceId, @BaseUrl, @Token, @WebhookSecret, @Identify, @Describe, @Apply, @ImportMembers,
            @AccountId, @CheckedAt, @Problem)
            ON CONFLICT (source_id) DO UPDATE SET base_url = @BaseUrl, token = @Token, webhook_secret = @WebhookSecret,
              identify = @Identify, describe = @Describe, apply = @Apply, import_members = @ImportMembers,
              account_id = @AccountId, checked_at = @CheckedAt, problem = @Problem
            """,
            new
            {
                after.SourceId,
                after.BaseUrl,
                after.Token,
                after.WebhookSecret,
                after.Identify,
                after.Describe,
                after.Apply,
                after.ImportMembers,
                after.AccountId,
                after.CheckedAt,
                after.Problem,
            }
        );
        await tx.Append(
            $"source:{after.SourceId}",
            origin,
            "source.launchdarkly_set",
            new
            {
                baseUrl = after.BaseUrl,
                identify = after.Identify != 0,
                describe = after.Describe != 0,
                apply = after.Apply != 0,
                importMembers = after.ImportMembers != 0,
                @sealed = after.Token is null ? null : Hashes.Sha256(after.Token),
                secret = after.WebhookSecret is null ? null : Hashes.Sha256(after.WebhookSecret),
            }
        );
        await PeopleDirectory.Changed(tx);
    }

    private string? Hide(string? secret) => string.IsNullOrEmpty(secret) ? null : _protector.Protect(secret);

    /// <summary>What another root key encrypted is as good as missing.</summary>
    private string? Reveal(string? hidden, long source)
    {
        try
        {
            return hidden is null ? null : _protector.Unprotect(hidden);
        }
        catch (CryptographicException)
        {
            Log.Unusable(log, source);
            return null;
        }
    }

    private static async ValueTask<(long Id, string Kind)> SourceOf(Tx tx, string name) =>
        await tx.First<SourceRow>(
            $"SELECT id, kind FROM sources WHERE name_key = @key AND kind <> 'built-in'{tx.ForUpdate}",
            new { key = PeopleDirectory.KeyOf(name) }
        )
            is { } row
            ? (row.Id, row.Kind)
            : (0, "");

    private static ValueTask<ConnectionRow?> RowOf(Reader reader, long id) =>
        reader.First<ConnectionRow>($"SELECT {Columns} {From} WHERE c.source_id = @id", new { id });

    private static AccessOutcome<T> NoSource<T>() => new AccessOutcome<T>.NotFound("a source with this name");

    private static long? Number(bool? flag) => flag is { } on ? (on ? 1 : 0) : null;

    private sealed class SourceRow
    {
        public long Id { get; init; }
        public required string Kind { get; init; }
    }

    /// <summary>A change that was checked, with its secrets encrypted.</summary>
    internal sealed record ReadyChange(ConnectionChange Change, string? BaseUrl, string? Token, string? WebhookSecret);

    private sealed record ConnectionRow
    {
        public long SourceId { get; init; }
        public required string Name { get; init; }
        public required string BaseUrl { get; init; }
        public string? Token { get; init; }
        public string? WebhookSecret { get; init; }
        public long Identify { get; init; }
        public long Describe { get; init; }
        public long Apply { get; init; }
        public long ImportMembers { get; init; }
        public string? AccountId { get; init; }
        public string? CheckedAt { get; init; }
        public string? Problem { get; init; }

        public ConnectionView ToView() =>
            new(
                SourceId,
                Name,
                BaseUrl,
                Token is not null,
                WebhookSecret is not null,
                Identify != 0,
                Describe != 0,
                Apply != 0,
                ImportMembers != 0,
                AccountId,
                CheckedAt is null ? null : Instant.Parse(CheckedAt),
                Problem
            );
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "The LaunchDarkly connection of source {Source} can't be used: its secrets were encrypted under "
                + "another root key"
        )]
        public static partial void Unusable(ILogger log, long source);
    }
}
