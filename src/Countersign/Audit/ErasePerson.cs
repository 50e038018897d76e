using System.Globalization;
using System.Text.Json;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Audit;

/// <param name="Left">Where the person is still named, in what admins wrote themselves: in words.</param>
public sealed record Erased(long Id, string Name, IReadOnlyList<string> Left);

/// <summary>
/// Erases a person: shuts them out for good and replaces their names and addresses in every text:
/// <code>
///   1  one transaction: disabled, without sessions, tokens, groups, absence, names; a job that goes on with the rest
///   2  their answers to active requests cease to count, and active requests that they asked are withdrawn
///   3  request by request, table after table: texts that name them, and what they wrote, in rows and events
///   4  last of all what they were called, in their own events; then nothing deleted is left in the store's files
/// </code>
/// What they were called is known from these, so an interrupted erasure is gone on with by the job, and a second one
/// changes nothing.
/// </summary>
public sealed class ErasePerson(Store store, SealKey key, ReweighRequests reweigh, Withdraw withdraw) : IJobHandler
{
    private const int Page = 200;
    private static readonly Origin OfHub = new(Actor.Hub, "hub", "");

    /// <summary>Texts beside requests, and what identifies a row.</summary>
    private static readonly Swept[] Tables =
    [
        new("tickets", ["id"], ["type", "external_id", "tags", "fields"]),
        new("ticket_comments", ["ticket_id", "n"], ["body"]),
        new("deliveries", ["id"], ["sent"]),
        new("attempts", ["delivery_id", "n"], ["answer", "call", "failure"]),
        new("idempotency", ["key"], ["answer"]),
        new("links", ["id"], ["creation", "value", "display", "exchange", "problem"]),
        new("rejected_bodies", ["id"], ["why", "text"]),
        new("jobs", ["id"], ["error"]),
        new("webhooks", ["id"], ["disabled_why"]),
        new("summary_environments", ["id"], ["name"]),
    ];

    /// <summary>What admins wrote, and what others rely on: it is named, and left to them.</summary>
    private static readonly (string What, string Sql)[] Configured =
    [
        ("policy version {0}", "SELECT version AS id, text FROM policy_files"),
        ("request types version {0}", "SELECT version AS id, text FROM request_types"),
        ("group {0}", "SELECT id, name AS text FROM groups"),
        ("source {0}", "SELECT id, name AS text FROM sources"),
        ("destination {0}", "SELECT id, name || ' ' || manifest || ' ' || settings AS text FROM destinations"),
        ("webhook {0}", "SELECT id, url AS text FROM webhooks"),
    ];

    public string Kind => "erase";
    public TimeSpan MaxRun => TimeSpan.FromMinutes(30);

    public ValueTask<int> AtOnce(Reader reader, string receiver) => new(1);

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        await Follow(long.Parse(job.Key, CultureInfo.InvariantCulture), OfHub, cancel);
        return new JobResult.Done();
    }

    /// <summary>
    /// Also goes on with an erasure that was interrupted, by the address that stands for the person since.
    /// </summary>
    public async Task<AccessOutcome<Erased>> Run(string email, Origin origin, CancellationToken cancel)
    {
        var begun = await store.InTransaction(tx => Begin(tx, email.Trim(), origin), cancel);
        if (begun is not AccessOutcome<long>.Done { Value: var id })
        {
            return begun is AccessOutcome<long>.Invalid refused
                ? new AccessOutcome<Erased>.Invalid(refused.Field, refused.Why)
                : Accounts.NoPerson<Erased>();
        }
        var left = await Follow(id, origin, cancel);
        await store.InTransaction(tx => Jobs.Cancel(tx, Kind, $"{id}"), cancel);
        return new AccessOutcome<Erased>.Done(new Erased(id, ErasedPerson.Name(id), left));
    }

    private async ValueTask<AccessOutcome<long>> Begin(Tx tx, string email, Origin origin)
    {
        var id = ErasedPerson.IdOf(email) is not 0 and var known
            ? known
            : await tx.Number(
                $"SELECT id FROM people WHERE email_key = @key AND role <> 'service'{tx.ForUpdate}",
                new { key = EmailAddress.KeyOf(email) }
            );
        var person = await tx.First<PersonRow>(
            "SELECT email, role, disabled_at FROM people WHERE id = @id",
            new { id }
        );
        if (person is null)
            return Accounts.NoPerson<long>();
        if (person.Email == ErasedPerson.Email(id))
            return new AccessOutcome<long>.Done(id);
        if (origin.Actor == Actor.Person(id))
            return new AccessOutcome<long>.Invalid("email", "You can't erase yourself. Ask another admin.");
        if (await Accounts.IsLastAdmin(tx, id))
            return Accounts.LastAdmin("email");
        var subject = Actor.Person(id).Text;
        if (
            await tx.Execute(
                """
                UPDATE people SET disabled_at = @now, disablings = disablings + 1
                WHERE id = @id AND disabled_at IS NULL
                """,
                new { now = tx.Now, id }
            ) == 1
        )
        {
            await tx.Append(subject, origin, "person.disabled", new { });
            await ReweighRequests.MustFollow(tx, id);
        }
        await Sessions.EndAll(tx, id, "erased", origin);
        foreach (
            var row in await tx.Rows(
                "SELECT id FROM tokens WHERE person_id = @id AND revoked_at IS NULL ORDER BY id",
                new { id }
            )
        )
        {
            var token = Convert.ToInt64(row["id"], CultureInfo.InvariantCulture);
            await tx.Execute("UPDATE tokens SET revoked_at = @now WHERE id = @token", new { now = tx.Now, token });
            await tx.Append(subject, origin, "token.revoked", new { token });
        }
        foreach (
            var row in await tx.Rows("SELECT group_id FROM members WHERE person_id = @id ORDER BY group_id", new { id })
        )
        {
            var group = Convert.ToInt64(row["group_id"], CultureInfo.InvariantCulture);
            await tx.Execute("DELETE FROM members WHERE person_id = @id AND group_id = @group", new { id, group });
            await tx.Append($"group:{group}", origin, "group.member_removed", new { person = id });
        }
        await Absences.Over(tx, id, origin);
        await SecondFactors.Forget(tx, id);
        foreach (
            var table in new[] { "claimed_members", "aliases", "former_names", "identities", "mutes", "policy_drafts" }
        )
        {
            await tx.Execute($"DELETE FROM {table} WHERE person_id = @id", new { id });
        }
        await tx.Execute(
            """
            UPDATE people
            SET name = @name, name_key = @nameKey, email = @address, email_key = NULL, password_hash = NULL
            WHERE id = @id
            """,
            new
            {
                name = ErasedPerson.Name(id),
                nameKey = NameFolding.Name(ErasedPerson.Name(id)),
                address = ErasedPerson.Email(id),
                id,
            }
        );
        await tx.Append(subject, origin, "person.erased", new { });
        // Whoever begins does the rest at once; the job is for when that was interrupted.
        await Jobs.Put(tx, new JobToAdd(Kind, $"{id}", subject, tx.Now + TimeSpan.FromMinutes(1)));
        await tx.Signal(PeopleDirectory.Signal);
        return new AccessOutcome<long>.Done(id);
    }

    private async Task<IReadOnlyList<string>> Follow(long id, Origin origin, CancellationToken cancel)
    {
        await reweigh.Run(id, origin, cancel);
        foreach (
            var row in await store.Read(
                reader =>
                    reader.Rows(
                        """
                        SELECT id FROM requests WHERE status = 'active' AND (creator_id = @id OR requester_id = @id)
                        ORDER BY id
                        """,
                        new { id }
                    ),
                cancel
            )
        )
        {
            await withdraw.Run(
                RequestId.Of((string)row["id"]!),
                Viewer.Hub(origin),
                "Its requester was erased.",
                cancel
            );
        }
        var person = await PersonToErase.Read(store, id, cancel);
        await Requests(person, origin, cancel);
        await Stamps(person, origin, cancel);
        await Tickets(person, origin, cancel);
        await Own(person, cancel);
        foreach (var table in Tables)
            await Sweep(table, person, cancel);
        await Events(person, origin, cancel);
        await store.ForgetDeleted(cancel);
        return await store.Read(reader => Configuration(reader, person), cancel);
    }

    /// <summary>What they wrote and what was sent to them, also where it doesn't name them.</summary>
    private Task Own(PersonToErase person, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                var (id, party) = (person.Id, person.Party);
                await tx.Execute(
                    "UPDATE ticket_comments SET body = @name WHERE author_id = @id",
                    new { name = person.Name, id }
                );
                await tx.Execute(
                    "UPDATE deliveries SET sent = NULL WHERE receiver = @party AND sent IS NOT NULL",
                    new { party }
                );
                await tx.Execute(
                    """
                    UPDATE attempts SET answer = '', call = NULL
                    WHERE delivery_id IN (SELECT id FROM deliveries WHERE receiver = @party)
                    """,
                    new { party }
                );
            },
            cancel
        );

    /// <summary>
    /// Every request, its contents, answers and comments; only those that name the person are written.
    /// </summary>
    private async Task Requests(PersonToErase person, Origin origin, CancellationToken cancel)
    {
        for (var after = ""; ; )
        {
            var ids = await store.Read(
                reader => reader.Rows("SELECT id FROM requests WHERE id > @after ORDER BY id LIMIT 200", new { after }),
                cancel
            );
            if (ids.Count == 0)
                return;
            foreach (var row in ids)
            {
                var id = RequestId.Of((string)row["id"]!);
                if (
                    await store.Read(
                        async reader =>
                            await RequestTexts.Read(reader, id, person) is { IsUnchanged: false }
                            || (await EventsOf(reader, id, person)).Count > 0,
                        cancel
                    )
                )
                {
                    await store.InTransaction(tx => Redact(tx, id, person, origin), cancel);
                }
            }
            after = (string)ids[^1]["id"]!;
        }
    }

    /// <summary>All others than those of requests; those that tell what the person was called come last.</summary>
    private async Task Events(PersonToErase person, Origin origin, CancellationToken cancel)
    {
        var theirTickets = (
            await store.Read(
                reader =>
                    reader.Rows(
                        "SELECT id FROM tickets WHERE requester_id = @id OR assignee_id = @id",
                        new { id = person.Id }
                    ),
                cancel
            )
        )
            .Select(row => $"ticket:{row["id"]}")
            .ToHashSet();
        foreach (var isLast in new[] { false, true })
        {
            for (var after = 0L; ; )
            {
                var page = await store.Read(
                    reader =>
                        reader.All<StoredEvent>(
                            $"""
                            SELECT {StoredEvent.Columns} FROM events
                            WHERE id > @after AND {(isLast ? PersonToErase.Naming : "subject NOT LIKE 'request:%'")}
                            ORDER BY id LIMIT {Page}
                            """,
                            new { after, subject = person.Party }
                        ),
                    cancel
                );
                if (page.Count == 0)
                    break;
                var changed = (
                    from e in page
                    where isLast || !PersonToErase.IsNaming(e, person.Party)
                    let becomes = ErasedEvents.Of(e, person, theirTickets.Contains(e.Subject))
                    where becomes is not null
                    select (e, becomes)
                ).ToList();
                if (changed.Count > 0)
                    await store.InTransaction(tx => ErasedEvents.Write(tx, person, changed, key, origin), cancel);
                after = page[^1].Id;
            }
        }
    }

    private static async ValueTask<List<(StoredEvent Before, StoredEvent Becomes)>> EventsOf(
        Reader reader,
        RequestId id,
        PersonToErase person
    )
    {
        var isAbout = await RequestTexts.IsAbout(reader, id, person);
        var events = await reader.All<StoredEvent>(
            $"SELECT {StoredEvent.Columns} FROM events WHERE subject = @subject ORDER BY n",
            new { subject = id.Subject }
        );
        return
        [
            .. from e in events
            let becomes = ErasedEvents.Of(e, person, isAbout)
            where becomes is not null
            select (e, becomes),
        ];
    }

    private async ValueTask Redact(Tx tx, RequestId id, PersonToErase person, Origin origin)
    {
        await ErasedEvents.Write(tx, person, await EventsOf(tx, id, person), key, origin);
        if (await RequestRow.Find(tx, id, Viewer.Hub(origin)) is not { } request)
            return;
        var texts = await RequestTexts.Read(tx, id, person);
        var terms = await RequestTerms.Read(tx, id);
        foreach (var (sql, arguments) in texts.Updates)
            await tx.Execute(sql, arguments);
        await RequestTerms.Change(tx, id, terms, await RequestTerms.Read(tx, id));
        if (await texts.Statement(tx, id, person) is { } statement)
        {
            await RequestChange.Save(
                tx,
                request,
                request,
                origin,
                Redaction.OfRequest,
                statement.SignedWith(key, id.Subject)
            );
        }
    }

    private async Task Stamps(PersonToErase person, Origin origin, CancellationToken cancel)
    {
        for (var after = ""; ; )
        {
            var page = await store.Read(
                reader =>
                    reader.Rows(
                        "SELECT hash, policy FROM stamps WHERE hash > @after ORDER BY hash LIMIT 200",
                        new { after }
                    ),
                cancel
            );
            if (page.Count == 0)
                return;
            foreach (var row in page)
            {
                var (hash, policy) = ((string)row["hash"]!, (string)row["policy"]!);
                var becomes = person.Terms.Replace(
                    policy,
                    policy.Contains($"\"{person.Party}\"", StringComparison.Ordinal)
                );
                if (becomes == policy)
                    continue;
                var told = new Redaction
                {
                    Person = person.Id,
                    Replaced = new() { [hash] = Hashes.Sha256(becomes) },
                }.SignedWith(key, "hub");
                await store.InTransaction(
                    async tx =>
                    {
                        if (
                            await tx.Execute(
                                "UPDATE stamps SET policy = @becomes WHERE hash = @hash AND policy = @policy",
                                new
                                {
                                    becomes,
                                    hash,
                                    policy,
                                }
                            ) == 1
                        )
                        {
                            await tx.Append("hub", origin, Redaction.OfStamp, told);
                        }
                    },
                    cancel
                );
            }
            after = (string)page[^1]["hash"]!;
        }
    }

    private async Task Tickets(PersonToErase person, Origin origin, CancellationToken cancel)
    {
        for (var after = 0L; ; )
        {
            var page = await store.Read(
                reader =>
                    reader.All<TicketRow>(
                        $"""
                        SELECT id, subject, requester_id, assignee_id FROM tickets WHERE id > @after
                        ORDER BY id LIMIT {Page}
                        """,
                        new { after }
                    ),
                cancel
            );
            if (page.Count == 0)
                return;
            foreach (var ticket in page)
            {
                var subject = person.Terms.Replace(
                    ticket.Subject,
                    ticket.RequesterId == person.Id || ticket.AssigneeId == person.Id
                );
                if (subject == ticket.Subject)
                    continue;
                await store.InTransaction(
                    async tx =>
                    {
                        if (
                            await tx.Execute(
                                "UPDATE tickets SET subject = @subject WHERE id = @id AND subject = @before",
                                new
                                {
                                    subject,
                                    id = ticket.Id,
                                    before = ticket.Subject,
                                }
                            ) == 1
                        )
                        {
                            await tx.Append($"ticket:{ticket.Id}", origin, "ticket.changed", new { subject });
                        }
                    },
                    cancel
                );
            }
            after = page[^1].Id;
        }
    }

    /// <summary>
    /// A page is read and looked through outside of any transaction; rows that have changed meanwhile are met by the
    /// next look.
    /// </summary>
    private async Task Sweep(Swept table, PersonToErase person, CancellationToken cancel)
    {
        var keys = string.Join(", ", table.Key);
        IDictionary<string, object?>? last = null;
        while (true)
        {
            var arguments = new Dictionary<string, object?>();
            foreach (var column in table.Key)
                arguments["k_" + column] = last?[column];
            var where = last is null ? "" : $"WHERE ({keys}) > ({string.Join(", ", table.Key.Select(k => "@k_" + k))})";
            var page = await store.Read(
                reader =>
                    reader.Rows(
                        $"""
                        SELECT {keys}, {string.Join(", ", table.Texts)} FROM {table.Name} {where}
                        ORDER BY {keys} LIMIT {Page}
                        """,
                        arguments
                    ),
                cancel
            );
            if (page.Count == 0)
                return;
            var changes = (
                from row in page
                from column in table.Texts
                let text = row[column] as string
                where text is not null && person.Terms.Finds(text, isAbout: false)
                select (row, column, text)
            ).ToList();
            if (changes.Count > 0)
            {
                await store.InTransaction(
                    async tx =>
                    {
                        foreach (var (row, column, text) in changes)
                        {
                            var change = table.Key.ToDictionary(k => "k_" + k, k => row[k]);
                            (change["text"], change["before"]) = (person.Terms.Replace(text, isAbout: false), text);
                            await tx.Execute(
                                $"""
                                UPDATE {table.Name} SET {column} = @text
                                WHERE {string.Join(" AND ", table.Key.Select(k => $"{k} = @k_{k}"))}
                                AND {column} = @before
                                """,
                                change
                            );
                        }
                    },
                    cancel
                );
            }
            last = page[^1];
        }
    }

    private static async ValueTask<IReadOnlyList<string>> Configuration(Reader reader, PersonToErase person)
    {
        var left = new List<string>();
        foreach (var (what, sql) in Configured)
        {
            left.AddRange(
                from row in await reader.Rows(sql)
                where person.Terms.Finds(row["text"] as string ?? "", isAbout: false)
                select string.Format(CultureInfo.InvariantCulture, what, row["id"])
            );
        }
        return left;
    }

    private sealed record Swept(string Name, string[] Key, string[] Texts);

    private sealed class PersonRow
    {
        public string? Email { get; init; }
        public required string Role { get; init; }
        public string? DisabledAt { get; init; }
    }

    private sealed class TicketRow
    {
        public long Id { get; init; }
        public required string Subject { get; init; }
        public long? RequesterId { get; init; }
        public long? AssigneeId { get; init; }
    }
}

/// <summary>What an erased person was called, as their own events have it.</summary>
internal sealed record PersonToErase(long Id, ErasedTerms Terms)
{
    /// <summary>The events that say so.</summary>
    public const string Naming =
        "subject = @subject AND kind IN ('person.added', 'person.renamed', 'person.alias_added')";

    public static bool IsNaming(StoredEvent e, string party) =>
        e.Subject == party && e.Kind is "person.added" or "person.renamed" or "person.alias_added";

    public string Name => ErasedPerson.Name(Id);
    public string Party => Actor.Person(Id).Text;

    public static ValueTask<PersonToErase> Read(Store store, long id, CancellationToken cancel) =>
        store.Read(
            async reader =>
            {
                var (emails, names) = (
                    new HashSet<string>(StringComparer.OrdinalIgnoreCase),
                    new HashSet<string>(StringComparer.OrdinalIgnoreCase)
                );
                foreach (
                    var e in await reader.All<StoredEvent>(
                        $"""
                        SELECT {StoredEvent.Columns} FROM events WHERE {Naming} ORDER BY n
                        """,
                        new { subject = Actor.Person(id).Text }
                    )
                )
                {
                    var told = EventData.Read<Told>(e.Data);
                    foreach (
                        var text in new[] { told.Email, told.Name, told.Text }
                            .OfType<string>()
                            .Where(text => text != ErasedPerson.Name(id))
                    )
                    {
                        (Names.EmailProblem(text) is null ? emails : names).Add(text);
                    }
                }
                var others = (await reader.Rows("SELECT name FROM people WHERE id <> @id", new { id }))
                    .Select(row => NameFolding.Name((string)row["name"]!))
                    .ToHashSet();
                return new PersonToErase(
                    id,
                    new ErasedTerms(
                        ErasedPerson.Name(id),
                        emails,
                        names.Select(name => (name, !others.Contains(NameFolding.Name(name))))
                    )
                );
            },
            cancel
        );

    private sealed record Told(string? Email, string? Name, string? Text);
}

/// <summary>
/// The texts of one request in which a person is named or which they wrote, and what takes their place.
/// </summary>
internal sealed class RequestTexts
{
    /// <summary>Of the request's own row; those that verification compares first.</summary>
    private static readonly string[] Proven = ["subject", "requester_name", "claim", "stuck"],
        Shown = ["display", "search"];

    private readonly SortedDictionary<string, string> _replaced = new(StringComparer.Ordinal);
    private readonly List<(string Sql, Dictionary<string, object?> Arguments)> _updates = [];

    public IReadOnlyList<(string Sql, Dictionary<string, object?> Arguments)> Updates => _updates;
    public bool IsUnchanged => _updates.Count == 0;

    /// <summary>Whether they asked, answered, wrote beside it, or may see it.</summary>
    public static async ValueTask<bool> IsAbout(Reader reader, RequestId id, PersonToErase person)
    {
        var row = (
            await reader.Rows("SELECT creator_id, requester_id, barred FROM requests WHERE id = @id", new { id })
        )[0];
        var decisions = await reader.Rows(
            "SELECT person_id, for_person FROM decisions WHERE request_id = @id",
            new { id }
        );
        var comments = await reader.Rows("SELECT actor FROM comments WHERE request_id = @id", new { id });
        return Is(row["creator_id"], person.Id)
            || Is(row["requester_id"], person.Id)
            || RequestRow.ReadNumbers((string)row["barred"]!).Contains(person.Id)
            || decisions.Exists(d => Is(d["person_id"], person.Id) || Is(d["for_person"], person.Id))
            || comments.Exists(c => (string)c["actor"]! == person.Party)
            || await reader.Number(
                "SELECT count(*) FROM parties WHERE party = @party AND request_id = @id",
                new { party = person.Party, id }
            ) != 0;
    }

    public static async ValueTask<RequestTexts> Read(Reader reader, RequestId id, PersonToErase person)
    {
        var texts = new RequestTexts();
        var row = (
            await reader.Rows(
                """
                SELECT subject, requester_name, claim, stuck, display, search, creator_id, requester_id, barred
                FROM requests WHERE id = @id
                """,
                new { id }
            )
        )[0];
        var decisions = await reader.Rows(
            "SELECT n, person_id, for_person, note FROM decisions WHERE request_id = @id ORDER BY n",
            new { id }
        );
        var comments = await reader.Rows(
            "SELECT n, actor, text FROM comments WHERE request_id = @id ORDER BY n",
            new { id }
        );
        var isAbout = await IsAbout(reader, id, person);
        var terms = person.Terms;
        foreach (var column in Proven.Concat(Shown))
        {
            if (row[column] is string text && terms.Replace(text, isAbout) is var becomes && becomes != text)
            {
                texts.Put(
                    id,
                    "requests",
                    null,
                    column,
                    column == "search" ? becomes.ToLowerInvariant() : becomes,
                    Proven.Contains(column) ? column : null
                );
            }
        }
        foreach (
            var revision in await reader.Rows(
                "SELECT n, message, facts, body FROM revisions WHERE request_id = @id ORDER BY n",
                new { id }
            )
        )
        {
            var n = Convert.ToInt64(revision["n"], CultureInfo.InvariantCulture);
            var (message, facts) = (
                terms.Replace((string)revision["message"]!, isAbout),
                terms.Replace((string)revision["facts"]!, isAbout)
            );
            if (message != (string)revision["message"]! || facts != (string)revision["facts"]!)
            {
                texts.Put(id, "revisions", n, "message", message, null);
                texts.Put(id, "revisions", n, "facts", facts, null);
            }
            // Also where only the title was replaced, which the event has.
            if (
                await ContentOf(reader, id, n) is { } content
                && NewRequestDraft.ContentHash(content.Subject ?? "", message, facts) is var hash
                && hash != content.Content
            )
            {
                texts._replaced[$"revision:{n}:content"] = Hashes.Sha256(hash);
            }
            // A body is kept as it came or not at all: its digest is what was decided about.
            if (
                terms.Finds((string)revision["body"]!, isAbout)
                || terms.Finds(Unescaped((string)revision["body"]!), isAbout)
            )
            {
                texts.Put(id, "revisions", n, "body", "", $"revision:{n}:body");
            }
        }
        foreach (var decision in decisions)
        {
            var (n, note) = (Convert.ToInt64(decision["n"], CultureInfo.InvariantCulture), (string)decision["note"]!);
            var becomes = Is(decision["person_id"], person.Id) ? "" : terms.Replace(note, isAbout);
            if (becomes != note)
                texts.Put(id, "decisions", n, "note", becomes, $"decision:{n}:note");
        }
        // Targets of a flag may be addresses.
        foreach (
            var read in await reader.Rows(
                "SELECT revision, n, changes, facts FROM request_changes WHERE request_id = @id ORDER BY revision, n",
                new { id }
            )
        )
        {
            var (revision, n) = (
                Convert.ToInt64(read["revision"], CultureInfo.InvariantCulture),
                Convert.ToInt64(read["n"], CultureInfo.InvariantCulture)
            );
            var (changes, becomes) = ((string)read["changes"]!, terms.Replace((string)read["changes"]!, isAbout));
            if (becomes == changes)
                continue;
            texts._updates.Add(
                (
                    """
                    UPDATE request_changes SET changes = @text
                    WHERE request_id = @id AND revision = @revision AND n = @n
                    """,
                    new()
                    {
                        ["text"] = becomes,
                        ["id"] = id.Value,
                        ["revision"] = revision,
                        ["n"] = n,
                    }
                )
            );
            texts._replaced[$"change:{revision}:{n}:changes"] = Hashes.Sha256(
                ReadChanges.HashOf(becomes, (string)read["facts"]!)
            );
        }
        foreach (var comment in comments)
        {
            var (n, text) = (Convert.ToInt64(comment["n"], CultureInfo.InvariantCulture), (string)comment["text"]!);
            var becomes = (string)comment["actor"]! == person.Party ? person.Name : terms.Replace(text, isAbout);
            if (becomes != text)
                texts.Put(id, "comments", n, "text", becomes, $"comment:{n}:text");
        }
        return texts;
    }

    /// <summary>
    /// What is said about it, once it is done; null where nothing changed that verification compares.
    /// </summary>
    public async ValueTask<Redaction?> Statement(Reader reader, RequestId id, PersonToErase person)
    {
        if (_replaced.Count == 0)
            return null;
        if (
            await reader.Text(
                "SELECT data FROM events WHERE subject = @subject AND n = 1",
                new { subject = id.Subject }
            ) == ArchivedRequest.Mark
        )
        {
            var row = (
                await reader.First<RequestState>(
                    $"SELECT {RequestState.Columns} FROM requests r WHERE id = @id",
                    new { id }
                )
            )!;
            _replaced["archived content"] = Hashes.Sha256(
                ArchiveStatement.StateOf(
                    row,
                    await EventChainCheck.RevisionState.Of(reader, id),
                    await EventChainCheck.DecisionState.Of(reader, id)
                )
            );
            _replaced["requester"] = Hashes.Sha256(ArchiveStatement.AskedOf(row.RequesterId, row.Certainty, row.Claim));
        }
        return new Redaction { Person = person.Id, Replaced = _replaced };
    }

    private void Put(RequestId id, string table, long? n, string column, string text, string? place)
    {
        _updates.Add(
            n is null
                ? ($"UPDATE {table} SET {column} = @text WHERE id = @id", new() { ["text"] = text, ["id"] = id.Value })
                : (
                    $"UPDATE {table} SET {column} = @text WHERE request_id = @id AND n = @n",
                    new()
                    {
                        ["text"] = text,
                        ["id"] = id.Value,
                        ["n"] = n,
                    }
                )
        );
        if (place is not null)
            _replaced[place] = Hashes.Sha256(text);
    }

    /// <summary>Of a content, as the event that brought it says; null where that was archived.</summary>
    private static async ValueTask<RequestReplay.Told?> ContentOf(Reader reader, RequestId id, long revision)
    {
        foreach (
            var e in await reader.All<StoredEvent>(
                $"""
                SELECT {StoredEvent.Columns} FROM events
                WHERE subject = @subject AND kind IN ('request.submitted', 'request.revised') ORDER BY n
                """,
                new { subject = id.Subject }
            )
        )
        {
            if (RequestReplay.Read(e.Data) is { Revision: { } n } told && n == revision)
                return told;
        }
        return null;
    }

    private static bool Is(object? value, long id) =>
        value is not null && Convert.ToInt64(value, CultureInfo.InvariantCulture) == id;

    /// <summary>JSON may hold any character as an escape.</summary>
    private static string Unescaped(string json)
    {
        if (!json.Contains("\\u", StringComparison.Ordinal))
            return "";
        try
        {
            using var document = JsonDocument.Parse(json);
            return JsonSerializer.Serialize(document.RootElement, History.Json);
        }
        catch (JsonException)
        {
            return "";
        }
    }
}
