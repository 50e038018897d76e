using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Data.Sqlite;

namespace Countersign.Bench.Stock;

/// <summary>
/// Fills a store with requests by writing to its tables in big transactions, which only a bench may do. The rows are
/// what the use cases would have written, histories included. Everything follows from a request's number, so stores of
/// any size have the same distribution: 5 % active, 0.5 % withdrawn; half assigned to a group and nearly half to a
/// person; the first group, person and source get a good part, the others share the rest.
/// </summary>
internal sealed class Loader : IDisposable
{
    private const int PerTransaction = 20_000;
    private static readonly DateTimeOffset Began = new(2025, 6, 1, 8, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(20);

    private readonly Town _town;
    private readonly SqliteConnection _connection;
    private readonly Insert _request,
        _revision,
        _stamp,
        _party,
        _waiting,
        _decision,
        _event;
    private readonly HashSet<string> _stamps = [];
    private long _events;

    public Loader(string file, Town town)
    {
        _town = town;
        _connection = SqliteEngine.OpenForWriting(file);
        Execute("PRAGMA synchronous = OFF");
        Execute("PRAGMA foreign_keys = OFF");
        Execute("PRAGMA cache_size = -400000");
        _request = new Insert(
            _connection,
            "requests",
            "id",
            "source_id",
            "external_id",
            "sent_by",
            "status",
            "display",
            "revision",
            "digest",
            "stamp",
            "barred",
            "subject",
            "search",
            "creator_id",
            "requester_id",
            "requester_name",
            "assignee_user",
            "assignee_group",
            "created_at",
            "expires_at",
            "settled_at",
            "events",
            "head",
            "certainty"
        );
        _revision = new Insert(
            _connection,
            "revisions",
            "request_id",
            "n",
            "digest",
            "stamp",
            "message",
            "facts",
            "body",
            "at"
        );
        _stamp = new Insert(_connection, "stamps", "hash", "policy");
        _party = new Insert(_connection, "parties", "party", "request_id");
        _waiting = new Insert(_connection, "waiting", "party", "request_id", "expires_at");
        _decision = new Insert(
            _connection,
            "decisions",
            "request_id",
            "n",
            "revision",
            "digest",
            "person_id",
            "answer",
            "note",
            "steps",
            "disablings",
            "via",
            "at"
        );
        _event = new Insert(
            _connection,
            "events",
            "id",
            "subject",
            "n",
            "at",
            "kind",
            "actor",
            "via",
            "address",
            "data",
            "hash"
        );
        using var last = _connection.CreateCommand();
        last.CommandText = "SELECT coalesce(max(id), 0) FROM events";
        _events = (long)last.ExecuteScalar()!;
    }

    /// <summary>When request number <paramref name="n"/> was made.</summary>
    public static DateTimeOffset TimeOf(long n) => Began + (Apart * n);

    /// <summary>A hub's past and present, as the class says.</summary>
    public void Mixed(int count) =>
        Load(
            count,
            n =>
            {
                var (chance, group, person) = (
                    Mix(n, 1) % 1000,
                    _town.Teams[Choose(n, 2, _town.Teams.Count)],
                    _town.Persons[Choose(n, 3, _town.Persons.Count)]
                );
                var status = chance switch
                {
                    < 50 => Status.Active,
                    < 55 => Status.Withdrawn,
                    < 200 => Status.Rejected,
                    _ => Status.Approved,
                };
                var assignee = (Mix(n, 4) % 100) switch
                {
                    < 50 => group.AsApprover,
                    < 95 => person.AsApprover,
                    _ => null,
                };
                return (status, assignee, _town.Askers[Choose(n, 5, _town.Askers.Count)]);
            }
        );

    /// <summary>Requests that wait for the first group; their ids, to be decided one by one.</summary>
    public IReadOnlyList<string> Waiting(int count)
    {
        var ids = new List<string>(count);
        Load(count, _ => (Status.Active, _town.Teams[0].AsApprover, _town.Askers[0]), ids);
        return ids;
    }

    public void Dispose()
    {
        Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        // Without statistics on both, the planner might treat a small store and a large one differently.
        _connection.Dispose();
    }

    /// <summary>A fifth goes to the first, the rest to all alike.</summary>
    private static int Choose(long n, int purpose, int among) =>
        Mix(n, purpose) % 5 == 0 ? 0 : (int)(Mix(n, purpose + 100) % (ulong)among);

    /// <summary>An even spread that is the same in every run (the finalizer of SplitMix64).</summary>
    private static ulong Mix(long n, int purpose)
    {
        var x = ((ulong)n * 0x9E3779B97F4A7C15) + ((ulong)purpose * 0xD1B54A32D192ED03);
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    private void Load(
        int count,
        Func<long, (Status Status, Approver? Assignee, Source Source)> choose,
        List<string>? ids = null
    )
    {
        for (var n = 0; n < count; n++)
        {
            if (n % PerTransaction == 0)
                Execute(n == 0 ? "BEGIN" : "COMMIT; BEGIN");
            var (status, assignee, source) = choose(n);
            var id = RequestId.Write(TimeOf(n).ToUnixTimeMilliseconds(), (ushort)(Mix(n, 50) & 0x7FFF), Mix(n, 51));
            ids?.Add(id.Value);
            Write(n, id, status, assignee, source);
        }
        Execute("COMMIT");
    }

    private void Write(long n, RequestId id, Status status, Approver? assignee, Source source)
    {
        var (at, external, settled) = (Instant.ToText(TimeOf(n)), $"loaded-{n}", status != Status.Active);
        // Some expire, long after anything is measured.
        var expires =
            settled || Mix(n, 7) % 3 > 0 ? null : Instant.ToText(TimeOf(n).AddDays(3_650 + (long)(Mix(n, 8) % 300)));
        var policy = PolicySelection.For(null, assignee, source.Policy, Certainty.Proven);
        if (_stamps.Add(policy.Stamp))
            _stamp.Run(policy.Stamp, policy.ToText());
        var party = policy.Steps[0].From[0].Party;
        var decider = Decider(party);
        var subject =
            $"Turn on feature {n % 977} for {n % 100} percent of all "
            + $"customers{(Mix(n, 6) % 20 == 0 ? ", before the holidays" : "")}";
        var message =
            "The new checkout has run for two weeks for our own people and for one percent of the customers. "
            + "Error rate and latency are the same as before, "
            + "the conversion is a little better. We would like to open it for a quarter of the customers on "
            + "Tuesday morning and watch it for a day.";
        var facts =
            """{"project":"shop","environment":"production","flag":"feature-"""
            + $$"""{{n % 977}}","risk":"medium","change":"{{n}}"}""";
        var body =
            $$"""{"externalId":"{{external}}","subject":"{{subject}}","message":"{{message}}","facts":{{facts}}}""";
        var digest = Hashes.Sha256(body);

        var (kind, display) = status switch
        {
            Status.Active => ("", $"0 of 1 approval, waiting for {policy.Steps[0].From[0].Name}"),
            Status.Approved => ("request.approved", $"Approved by {decider.Name}"),
            Status.Rejected => ("request.rejected", $"Declined by {decider.Name}"),
            _ => ("request.withdrawn", "Cancelled"),
        };
        var head = Append(
            id,
            Head.None,
            at,
            "request.submitted",
            $"source:{source.Id}",
            $$"""{"revision":1,"digest":"{{digest}}","stamp":"{{policy.Stamp}}","barred":"""
                + $$"""[],"source":{{source.Id}},"external":"{{external}}","status":"active"}"""
        );
        if (status is Status.Approved or Status.Rejected)
        {
            var answer = status == Status.Approved ? "approve" : "reject";
            _decision.Run(
                id.Value,
                1L,
                1L,
                digest,
                decider.Id,
                answer,
                "Looked at the numbers of last week.",
                "0",
                0L,
                "api",
                at
            );
            head = Append(
                id,
                head,
                at,
                kind,
                $"person:{decider.Id}",
                $$"""{"n":1,"person":{{decider.Id}},"answer":"{{answer}}","note":"Looked """
                    + $$"""at the numbers of last week.","digest":"{{digest}}","steps":"""
                    + $$"""[0],"status":"{{status.ToWireName()}}"}"""
            );
        }
        else if (settled)
        {
            head = Append(id, head, at, kind, $"source:{source.Id}", """{"reason":""}""");
        }

        _request.Run(
            id.Value,
            source.Id,
            external,
            "api",
            status.ToWireName(),
            display,
            1L,
            digest,
            policy.Stamp,
            "",
            subject,
            null,
            source.PersonId,
            source.PersonId,
            source.Name,
            NumberOf(assignee, "person:"),
            NumberOf(assignee, "group:"),
            at,
            expires,
            settled ? at : null,
            head.Count,
            head.Hash,
            Certainty.Proven.ToWireName()
        );
        _revision.Run(id.Value, 1L, digest, policy.Stamp, message, facts, body, at);
        _party.Run(party.Text, id.Value);
        if (!settled)
            _waiting.Run(party.Text, id.Value, expires);
    }

    private Head Append(RequestId id, Head head, string at, string kind, string actor, string data)
    {
        var hash = History.HashOf(head.Hash, id.Subject, head.Count + 1, at, kind, actor, "api", "127.0.0.1", data);
        _event.Run(++_events, id.Subject, head.Count + 1, at, kind, actor, "api", "127.0.0.1", data, hash);
        return new Head(head.Count + 1, hash);
    }

    private Person Decider(Party party)
    {
        var number = NumberOf(new Approver(party, ""), "person:");
        return number is null ? _town.Persons[0] : _town.Persons.First(p => p.Id == number);
    }

    private static long? NumberOf(Approver? approver, string prefix) =>
        approver?.Party.Text is { } text && text.StartsWith(prefix, StringComparison.Ordinal)
            ? long.Parse(text.AsSpan(prefix.Length), System.Globalization.CultureInfo.InvariantCulture)
            : null;

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>One prepared insert, bound by position.</summary>
    private sealed class Insert
    {
        private readonly SqliteCommand _command;

        public Insert(SqliteConnection connection, string table, params string[] columns)
        {
            _command = connection.CreateCommand();
            _command.CommandText = $"""
                INSERT INTO {table} ({string.Join(", ", columns)})
                VALUES ({string.Join(", ", columns.Select(c => "@" + c))})
                """;
            foreach (var column in columns)
                _command.Parameters.AddWithValue("@" + column, DBNull.Value);
        }

        public void Run(params object?[] values)
        {
            for (var i = 0; i < values.Length; i++)
                _command.Parameters[i].Value = values[i] ?? DBNull.Value;
            _command.ExecuteNonQuery();
        }
    }
}
