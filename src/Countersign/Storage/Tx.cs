using System.Data.Common;

namespace Countersign.Storage;

/// <summary>What a transaction leaves to others of this process, once it stands.</summary>
internal readonly record struct Committed(bool HasEvents, bool HasWork)
{
    public bool IsNothing => !HasEvents && !HasWork;
}

/// <summary>
/// An open transaction: the only way to write. It has one time, <see cref="Now"/>, and writes history beside the
/// change. Inside it stand SQL and pure functions, nothing that waits for anything else.
/// </summary>
public sealed partial class Tx : Reader
{
    private readonly Engine _engine;

    internal Tx(Engine engine, DbConnection connection, bool keepCommands)
        : base(engine, connection, keepCommands)
    {
        _engine = engine;
    }

    /// <summary>The time of everything written in this transaction.</summary>
    public DateTimeOffset Now { get; internal set; }

    /// <summary>
    /// Appended to a SELECT whose row this transaction is going to change: on PostgreSQL it waits for its turn at that
    /// row.
    /// </summary>
    public string ForUpdate => _engine.ForUpdate;

    /// <summary>
    /// Appended to a SELECT of rows on which a decision rests: on PostgreSQL whoever changes them comes before this
    /// transaction or after it, and so do their events.
    /// </summary>
    public string ForShare => _engine.ForUpdate.Length == 0 ? "" : " FOR SHARE";

    /// <summary>
    /// Appended to a SELECT of work to claim: on PostgreSQL it passes over rows that another node is at.
    /// </summary>
    public string SkipLocked => _engine.SkipLocked;

    /// <summary>Whether this transaction wrote events: what wakes those who follow them once it stands.</summary>
    internal bool HasEvents { get; set; }

    /// <summary>
    /// Whether it leaves work that is due now: what wakes the workers of this process once it stands.
    /// </summary>
    internal bool HasWork { get; set; }

    internal Committed Leaves => new(HasEvents, HasWork);

    /// <summary>How many rows were written.</summary>
    public async ValueTask<int> Execute(string sql, object? arguments = null)
    {
        await using var use = Use(sql, arguments);
        return await use.Command.ExecuteNonQueryAsync();
    }

    /// <summary>Writes the next event of a subject whose head the caller keeps in its own row (a request).</summary>
    public ValueTask<Head> Append(string subject, Head head, Origin origin, string kind, object data) =>
        Append(subject, head, origin, kind, History.Text(data));

    /// <inheritdoc cref="Append(string, Head, Origin, string, object)"/>
    public async ValueTask<Head> Append(string subject, Head head, Origin origin, string kind, EventText data)
    {
        var (at, n, text) = (Instant.ToText(Now), head.Count + 1, data.Json);
        var source = EventLeaf.OriginJson(origin.Actor.Text, origin.Address);
        var hash = EventLeaf.HashOf(
            EventLeaf.Text(
                head.Hash,
                subject,
                n,
                at,
                kind,
                origin.Via,
                data.Facts.Digest,
                data.PeopleThen.Digest,
                data.Words.Digest,
                EventLeaf.DigestOf(EventLeaf.OriginPart, data.OriginSalt, System.Text.Encoding.UTF8.GetBytes(source))
            )
        );
        await Execute(
            """
            INSERT INTO events (subject, n, at, kind, actor, via, address, data, hash, people, salts)
            VALUES (@subject, @n, @at, @kind, @actor, @via, @address, @data, @hash, @people, @salts)
            """,
            new
            {
                subject,
                n,
                at,
                kind,
                actor = origin.Actor,
                via = origin.Via,
                address = origin.Address,
                data = text,
                hash,
                people = data.People,
                salts = data.Salts,
            }
        );
        HasEvents = true;
        Log.Appended(_engine.Logger, kind, n, subject, origin.Actor.Text, origin.Via);
        return new Head(n, hash);
    }

    /// <summary>
    /// Writes the next event of any other subject: <c>person:7</c>, <c>group:3</c>, <c>source:2</c>, <c>hub</c>.
    /// </summary>
    public async ValueTask Append(string subject, Origin origin, string kind, object data)
    {
        // The row is made first so that, on PostgreSQL, two writers of one history meet at its lock.
        await Execute(
            "INSERT INTO event_heads (subject, n, hash) VALUES (@subject, 0, '') ON CONFLICT (subject) DO NOTHING",
            new { subject }
        );
        var row = (
            await First<HeadRow>(
                $"SELECT n, hash FROM event_heads WHERE subject = @subject{ForUpdate}",
                new { subject }
            )
        )!;
        var head = await Append(subject, new Head(row.N, row.Hash), origin, kind, data);
        await Execute(
            "UPDATE event_heads SET n = @n, hash = @hash WHERE subject = @subject",
            new
            {
                n = head.Count,
                hash = head.Hash,
                subject,
            }
        );
    }

    /// <summary>Tells every node that what it caches under this name is stale, once this transaction stands.</summary>
    public async ValueTask Signal(string name)
    {
        await Execute("UPDATE signals SET revision = revision + 1 WHERE name = @name", new { name });
        await _engine.Notify(this, name);
    }

    /// <summary>
    /// One line per change for whoever follows the log: switched on with
    /// Logging:LogLevel:Countersign.Storage.Store=Debug.
    /// </summary>
    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "{Kind}: event {N} of {Subject} by {Actor} through {Via}")]
        public static partial void Appended(ILogger log, string kind, long n, string subject, string actor, string via);
    }

    private sealed class HeadRow
    {
        public long N { get; init; }
        public required string Hash { get; init; }
    }
}
