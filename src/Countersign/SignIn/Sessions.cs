using Countersign.People;
using Countersign.Storage;

namespace Countersign.SignIn;

/// <summary>From where somebody signs in.</summary>
/// <param name="Browser">What it calls itself.</param>
public sealed record ClientInfo(string Via, string Address, string Browser);

/// <summary>A session just begun; the only moment at which its secret is known.</summary>
public sealed record NewSession(long Id, long PersonId, string Secret, DateTimeOffset Until);

/// <param name="How">
/// password, oidc, oidc-fresh, mail, set-up: what proved who they are. Behind a plus, the second step: app, passkey,
/// recovery-code.
/// </param>
public sealed record Session(
    long Id,
    long PersonId,
    string How,
    string Browser,
    string Address,
    DateTimeOffset CreatedAt,
    DateTimeOffset LastUsedAt,
    DateTimeOffset Until
)
{
    /// <summary>
    /// An identity provider that says nothing else may have recognized the browser, and not the person.
    /// </summary>
    public const string ByProvider = "oidc",
        ByProviderJustNow = "oidc-fresh",
        ByPassword = "password",
        ByMail = "mail",
        BySetUp = "set-up";

    /// <summary>Whether it began with a single proof that isn't an identity provider's.</summary>
    public static bool IsOneStep(string how) => how is ByPassword or ByMail or BySetUp;

    public bool IsByPassword => How == ByPassword || How.StartsWith(ByPassword + "+", StringComparison.Ordinal);

    /// <summary>What it is called in rate limits and in the record of last use.</summary>
    public string Key { get; } = $"session:{Id}";

    /// <summary>Whether its beginning proves that the person was there.</summary>
    public bool IsProof => How != ByProvider;
}

/// <summary>
/// Sessions of people in browsers. The cookie carries 256 random bits, the store their hash, so every node knows them
/// and a restart changes nothing. A row is there as long as the session is; its beginning and its end are events.
/// </summary>
public sealed class Sessions(Store store, BrowserSessionOptions options, PasswordPolicy? passwordPolicy = null)
{
    private readonly PasswordPolicy _policy = passwordPolicy ?? PasswordPolicy.Default;

    /// <summary>Of one person; the one that has been quiet longest makes room.</summary>
    public const int MaxPerPerson = 50;

    private const int MaxBrowser = 200;
    private const string Columns = "id, person_id, how, browser, address, created_at, last_used_at, until";

    /// <summary>
    /// Begins one; null when the person was shut out, or got another password than <paramref name="stored"/>, in this
    /// very moment.
    /// </summary>
    public async Task<NewSession?> Start(
        long person,
        string how,
        ClientInfo visit,
        CancellationToken cancel,
        string? stored = null
    )
    {
        var secret = Keys.NewSessionSecret();
        var hash = Keys.HashOf(secret);
        return await store.InTransaction(tx => Start(tx, person, how, visit, secret, hash, stored), cancel);
    }

    /// <summary>
    /// The same inside a transaction that has more to do; the secret and its hash are made before it.
    /// </summary>
    internal async ValueTask<NewSession?> Start(
        Tx tx,
        long person,
        string how,
        ClientInfo visit,
        string secret,
        string hash,
        string? stored = null
    )
    {
        var row = await tx.First<Standing>(
            $"SELECT id, password_hash FROM people WHERE id = @person AND disabled_at IS NULL{tx.ForUpdate}",
            new { person }
        );
        if (row is null || (stored is not null && row.PasswordHash != stored))
            return null;
        // No way of signing in goes past the second factor.
        if (Session.IsOneStep(how) && (_policy.NeedsSecondFactor || await SecondFactors.Count(tx, person) > 0))
        {
            return null;
        }
        var origin = new Origin(Actor.Person(person), visit.Via, visit.Address);
        foreach (
            var old in await tx.All<Row>(
                $"""
                SELECT {Columns} FROM sessions WHERE person_id = @person
                ORDER BY last_used_at DESC, id DESC LIMIT 100 OFFSET {MaxPerPerson - 1}
                """,
                new { person }
            )
        )
        {
            await End(tx, old.Id, person, "too many", origin);
        }
        var until = tx.Now + options.Longest;
        var browser = WellFormed.Cut(visit.Browser, MaxBrowser);
        var id = await tx.Number(
            """
            INSERT INTO sessions (person_id, hash, how, browser, address, created_at, last_used_at, until)
            VALUES (@person, @hash, @how, @browser, @address, @now, @now, @until) RETURNING id
            """,
            new
            {
                person,
                hash,
                how,
                browser,
                address = visit.Address,
                now = tx.Now,
                until,
            }
        );
        await tx.Append(
            $"person:{person}",
            origin,
            "session.started",
            new
            {
                session = id,
                how,
                until = Instant.ToText(until),
                key = Keys.Fingerprint(hash),
            }
        );
        return new NewSession(id, person, secret, until);
    }

    /// <summary>The open session with this secret.</summary>
    public async ValueTask<Session?> Find(string secret, CancellationToken cancel)
    {
        if (secret.Length is 0 or > 100)
            return null;
        var hash = Keys.HashOf(secret);
        var row = await store.Read(
            reader => reader.First<Row>($"SELECT {Columns} FROM sessions WHERE hash = @hash", new { hash }),
            cancel
        );
        return row?.ToSession() is { } session && !IsOver(session) ? session : null;
    }

    /// <summary>Whether this session could still be used.</summary>
    internal async ValueTask<bool> IsOpen(long id, CancellationToken cancel)
    {
        var row = await store.Read(
            reader => reader.First<Row>($"SELECT {Columns} FROM sessions WHERE id = @id", new { id }),
            cancel
        );
        return row?.ToSession() is { } session && !IsOver(session);
    }

    /// <summary>Those that are open, the last used first; of one person, or of all.</summary>
    public async Task<List<Session>> List(long? person, CancellationToken cancel)
    {
        var rows = await store.Read(
            reader =>
                reader.All<Row>(
                    $"""
                    SELECT {Columns} FROM sessions WHERE @person = 0 OR person_id = @person
                    ORDER BY last_used_at DESC, id DESC LIMIT 1000
                    """,
                    new { person = person ?? 0 }
                ),
            cancel
        );
        return [.. rows.Select(r => r.ToSession()).Where(s => !IsOver(s))];
    }

    /// <param name="ofPerson">Only if it is theirs; null for admins.</param>
    public Task<AccessOutcome<long>> End(
        long id,
        long? ofPerson,
        string why,
        Origin origin,
        CancellationToken cancel
    ) =>
        store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                var person = await tx.Number(
                    "SELECT person_id FROM sessions WHERE id = @id AND (@owner = 0 OR person_id = @owner)",
                    new { id, owner = ofPerson ?? 0 }
                );
                if (person == 0)
                    return new AccessOutcome<long>.NotFound("an open session with this id");
                await End(tx, id, person, why, origin);
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );

    /// <summary>All of a person's sessions but one; how many that were.</summary>
    public Task<int> EndOthers(long person, long kept, Origin origin, CancellationToken cancel) =>
        store.InTransaction(async tx => await EndAll(tx, person, "ended by its owner elsewhere", origin, kept), cancel);

    /// <summary>Those whose time is over; how many.</summary>
    public async Task<int> EndExpired(CancellationToken cancel)
    {
        const int Chunk = 500;
        for (var ended = 0; ; )
        {
            var some = await store.InTransaction(
                async tx =>
                {
                    var over = await tx.All<Row>(
                        $"""
                        SELECT {Columns} FROM sessions WHERE until <= @now OR last_used_at <= @quiet
                        ORDER BY id LIMIT {Chunk}
                        """,
                        new { now = tx.Now, quiet = tx.Now - options.Idle }
                    );
                    foreach (var session in over)
                        await End(tx, session.Id, session.PersonId, "over", new Origin(Actor.Hub, "hub", ""));
                    return over.Count;
                },
                cancel
            );
            ended += some;
            if (some < Chunk)
                return ended;
        }
    }

    /// <summary>Inside a transaction that shuts a person out or changes what proves who they are.</summary>
    internal static async ValueTask<int> EndAll(Tx tx, long person, string why, Origin origin, long kept = 0)
    {
        var open = await tx.All<Row>(
            $"SELECT {Columns} FROM sessions WHERE person_id = @person AND id <> @kept ORDER BY id",
            new { person, kept }
        );
        foreach (var session in open)
            await End(tx, session.Id, person, why, origin);
        return open.Count;
    }

    private static async ValueTask End(Tx tx, long id, long person, string why, Origin origin)
    {
        if (await tx.Execute("DELETE FROM sessions WHERE id = @id", new { id }) == 1)
            await tx.Append($"person:{person}", origin, "session.ended", new { session = id, why });
    }

    private bool IsOver(Session session) =>
        store.Now >= session.Until || store.Now >= session.LastUsedAt + options.Idle;

    private sealed class Standing
    {
        public long Id { get; init; }
        public string? PasswordHash { get; init; }
    }

    private sealed class Row
    {
        public long Id { get; init; }
        public long PersonId { get; init; }
        public required string How { get; init; }
        public required string Browser { get; init; }
        public required string Address { get; init; }
        public required string CreatedAt { get; init; }
        public required string LastUsedAt { get; init; }
        public required string Until { get; init; }

        public Session ToSession() =>
            new(
                Id,
                PersonId,
                How,
                Browser,
                Address,
                Instant.Parse(CreatedAt),
                Instant.Parse(LastUsedAt),
                Instant.Parse(Until)
            );
    }
}
