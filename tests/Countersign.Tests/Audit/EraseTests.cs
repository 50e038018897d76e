using Countersign.Audit;
using Countersign.Insights;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Cli;
using Countersign.Tests.Pages;
using Countersign.Work;
using Xunit;

namespace Countersign.Tests.Audit;

/// <summary>
/// A person is erased: no table names them, events neither, and the record goes on proving itself.
/// </summary>
public sealed class EraseTests
{
    private const string Name = "Jane Q. Doe-Näsi",
        Email = "jane.doe@example.test",
        Earlier = "Jane Smith",
        Alias = "jdoe@elsewhere.test";

    /// <summary>Tables that are not looked through, each with its reason.</summary>
    private static readonly Dictionary<string, string> Exceptions = new() { ["sqlite_sequence"] = "SQLite's own" };

    [Theory, BothEngines]
    public async Task Trap_29_nothing_names_the_person_any_more_and_the_record_proves_itself(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var jane = await Fill(hub);
        await recorded.Sealer.SealAll();
        Assert.NotEmpty(await Found(hub.Place));

        var erased = Some.Done(await Erase(recorded).Run(Email, Some.Operator, default));

        Assert.Equal((jane.Id, $"Erased person {jane.Id}", 0), (erased.Id, erased.Name, erased.Left.Count));
        Assert.Equal([], await Found(hub.Place));
        Assert.Equal([], (await recorded.Check()).Problems);
        Assert.NotEqual(0, (await recorded.Check()).Erased);
        if (engine == Engine.Sqlite)
            Assert.Equal([], InFiles(hub.Place.Options.DataFolder));
        await recorded.Sealer.SealAll();
        var before = await hub.Place.Everything("requests", "revisions", "decisions", "comments", "people", "stamps");
        var again = Some.Done(await Erase(recorded).Run(ErasedPerson.Email(jane.Id), Some.Operator, default));
        Assert.Equal(erased.Id, again.Id);
        Assert.Equal(
            before,
            await hub.Place.Everything("requests", "revisions", "decisions", "comments", "people", "stamps")
        );
        Assert.Equal([], (await recorded.Check()).Problems);
        Assert.Equal(0, await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'erase'"));
    }

    [Theory, BothEngines]
    public async Task The_person_is_shut_out_for_good_and_their_address_is_free(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var jane = await Fill(hub);
        await new PolicyDrafts(hub.Store).Save(jane.Id, 0, "# Jane's", "", default);
        Some.Done(await Erase(recorded).Run(Email, Some.Operator, default));
        foreach (
            var table in new[]
            {
                "sessions",
                "members",
                "absences",
                "aliases",
                "former_names",
                "identities",
                "mutes",
                "policy_drafts",
            }
        )
        {
            Assert.Equal(
                (table, 0),
                (table, await hub.Place.Number($"SELECT count(*) FROM {table} WHERE person_id = {jane.Id}"))
            );
        }
        Assert.Equal(
            0,
            await hub.Place.Number(
                "SELECT count(*) FROM tokens WHERE revoked_at IS NULL AND person_id = @id",
                new { id = jane.Id }
            )
        );
        Assert.Equal(
            1,
            await hub.Place.Number(
                "SELECT count(*) FROM people WHERE id = @id AND disabled_at IS NOT NULL AND password_hash IS NULL",
                new { id = jane.Id }
            )
        );
        foreach (var address in new[] { Email, ErasedPerson.Email(jane.Id) })
        {
            Assert.IsType<AccessOutcome<long>.NotFound>(await hub.People.Enable(address, Some.Operator, default));
            Assert.IsType<AccessOutcome<long>.NotFound>(
                await hub.People.Rename(address, "Back", Some.Operator, default)
            );
        }
        Assert.IsType<AccessOutcome<Person>.Invalid>(
            await hub.People.Add("x@erased.invalid", "X", Role.Agent, null, Some.Operator, default)
        );
        Some.Done(await hub.People.Add(Email, "Another", Role.Agent, null, Some.Operator, default));
        Assert.Equal([], (await recorded.Check()).Problems);
    }

    [Theory, BothEngines]
    public async Task Active_requests_that_they_asked_are_withdrawn_and_their_answers_to_others_cease_to_count(
        Engine engine
    )
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var jane = await hub.AddPerson("Jane Doe");
        var ben = await hub.AddPerson("Ben");
        var two = Some.Policy(Some.Step("two", 2, jane.AsApprover, ben.AsApprover));
        var asked = await hub.Ask(Some.Policy(ben.AsApprover), s => s.AskedBy(jane));
        var answered = await hub.Ask(two);
        await hub.Approve(answered, jane);
        Some.Done(await Erase(recorded).Run(jane.Email!, Some.Operator, default));
        Assert.Equal(Status.Withdrawn, (await hub.Find(asked.Id)).Status);
        Assert.Contains(
            "requester was erased",
            (await RequestDetails.Find(hub.Store, asked.Id, Viewer.Hub(Some.Origin), default))!.WithdrawnReason,
            StringComparison.Ordinal
        );
        var open = await hub.Find(answered.Id);
        Assert.Equal(Status.Active, open.Status);
        Assert.DoesNotContain("Jane", open.Display, StringComparison.Ordinal);
        await hub.Approve(answered, ben);
        Assert.Equal(Status.Active, (await hub.Find(answered.Id)).Status);
        Assert.Equal([], (await recorded.Check()).Problems);
    }

    [Theory, BothEngines]
    public async Task A_request_that_was_settled_by_LaunchDarklys_answer_stays_proven(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var jane = Some.Done(await hub.People.Add(Email, Name, Role.Agent, null, Some.Operator, default));
        var quinn = await hub.AddPerson("Quinn");
        var request = await hub.Ask(
            Some.Policy(jane.AsApprover),
            s => s with { SentBy = SentBy.LaunchDarkly, Check = OpenCheck.Requester }
        );
        await hub.Approve(request, jane);
        var learned = new LearnedRequester(quinn.Id, quinn.Name, quinn.DisplayName, [quinn.Id], quinn.Email);
        await hub.Store.InTransaction(async tx =>
            await EndCheck.Run(
                tx,
                request.Id,
                new CheckResult(1, OpenCheck.Requester) { Requester = learned },
                (r, _, _) => r.Policy with { Carried = null }
            )
        );
        Assert.Equal(Status.Approved, (await hub.Find(request.Id)).Status);
        await recorded.Sealer.SealAll();

        Some.Done(await Erase(recorded).Run(Email, Some.Operator, default));

        Assert.Equal([], await Found(hub.Place));
        Assert.Equal([], (await recorded.Check()).Problems);
        // Who answered what, as a number, is a fact and stays.
        var told = (await hub.Place.Events(request.Id.Subject)).Single(e => e.Kind == "request.approved");
        Assert.Contains("\"story\"", told.Data, StringComparison.Ordinal);
        Assert.Contains($"\"person\":{jane.Id},\"answer\":\"approve\"", told.Data, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Nobody_erases_themselves_or_the_last_admin(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var root = await recorded.Hub.AddPerson("Root", Role.Admin);
        var erase = Erase(recorded);
        Assert.IsType<AccessOutcome<Erased>.Invalid>(await erase.Run(root.Email!, Some.Operator, default));
        await recorded.Hub.AddPerson("Other", Role.Admin);
        Assert.IsType<AccessOutcome<Erased>.Invalid>(
            await erase.Run(root.Email!, new Origin(Actor.Person(root.Id), "api", ""), default)
        );
        Assert.IsType<AccessOutcome<Erased>.NotFound>(await erase.Run("nobody@example.test", Some.Operator, default));
        Assert.IsType<AccessOutcome<Erased>.NotFound>(
            await erase.Run("erased-99@erased.invalid", Some.Operator, default)
        );
        Some.Done(await erase.Run(root.Email!, Some.Operator, default));
    }

    /// <summary>Begun by a process that ended: the job does the rest.</summary>
    [Theory, BothEngines]
    public async Task An_erasure_that_was_interrupted_is_gone_on_with(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        await Fill(hub);
        using var cancel = new CancellationTokenSource();
        hub.Store.EventsCommitted += cancel.Cancel;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            Erase(recorded).Run(Email, Some.Operator, cancel.Token)
        );
        Assert.NotEmpty(await Found(hub.Place));
        Assert.Equal([], (await recorded.Check()).Problems);
        hub.Clock.Advance(TimeSpan.FromMinutes(2));
        using var worker = new JobWorker(
            hub.Store,
            [Erase(recorded)],
            Microsoft.Extensions.Logging.Abstractions.NullLogger<JobWorker>.Instance
        );
        await worker.Drain();
        Assert.Equal([], await Found(hub.Place));
        Assert.Equal([], (await recorded.Check()).Problems);
        Assert.Equal(0, await hub.Place.Number("SELECT count(*) FROM jobs WHERE kind = 'erase'"));
    }

    [Theory, BothEngines]
    public async Task Words_that_only_look_like_a_name_stay_and_so_do_namesakes(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var production = await hub.AddPerson("Production");
        var (one, other) = (
            Some.Done(await hub.People.Add("one@example.test", "Ann Smith", Role.Agent, null, Some.Operator, default)),
            Some.Done(await hub.People.Add("other@example.test", "Ann Smith", Role.Agent, null, Some.Operator, default))
        );
        var ben = await hub.AddPerson("Ben");
        var request = await hub.Ask(
            Some.Policy(ben.AsApprover),
            s => s.Saying("Switch it on in Production, says Ann Smith of one@example.test.org")
        );
        Some.Done(await Erase(recorded).Run(production.Email!, Some.Operator, default));
        Some.Done(await Erase(recorded).Run("one@example.test", Some.Operator, default));
        Assert.Equal(
            "Switch it on in Production, says Ann Smith of one@example.test.org",
            (await hub.Find(request.Id)).Subject
        );
        Assert.Equal(
            "Ann Smith",
            await hub.Place.Text("SELECT name FROM people WHERE id = @id", new { id = other.Id })
        );
        Assert.NotEqual(
            "Ann Smith",
            await hub.Place.Text("SELECT name FROM people WHERE id = @id", new { id = one.Id })
        );
    }

    [Theory, BothEngines]
    public async Task What_was_replaced_is_proven_and_another_change_in_its_place_is_found(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        await Fill(hub);
        Some.Done(await Erase(recorded).Run(Email, Some.Operator, default));
        await recorded.Sealer.SealAll();
        var intruder = await Intruder.Of(recorded);
        foreach (
            var change in new[]
            {
                "UPDATE requests SET subject = 'Another' WHERE subject LIKE '%Erased%'",
                "UPDATE requests SET requester_name = 'Ben' WHERE requester_name LIKE '%Erased%'",
                "UPDATE decisions SET note = 'Yes'",
                "UPDATE comments SET text = 'Yes'",
                "UPDATE revisions SET message = 'Another' WHERE message LIKE '%Erased%'",
                "UPDATE revisions SET body = '' WHERE body <> ''",
                "UPDATE stamps SET policy = replace(policy, '\"need\":1', '\"need\":0')",
                "UPDATE people SET name = 'Jane' WHERE name LIKE 'Erased%'",
                "UPDATE events SET data = replace(data, '\"person\"', '\"people\"') WHERE kind = 'request.redacted'",
            }
        )
        {
            await intruder.Run(change);
            Assert.False((await recorded.Check()).Ok, change);
            await intruder.PutBack();
        }
        Assert.Equal([], (await recorded.Check()).Problems);
    }

    [Theory, BothEngines]
    public async Task Nobody_without_the_key_can_pass_a_change_off_as_an_erasure(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await Fill(recorded.Hub);
        using var another = recorded.NewKey("another.key");
        Some.Done(await Erase(recorded, another).Run(Email, Some.Operator, default));
        recorded.Hub.Place.IsTampered = true;
        Assert.Contains(
            (await recorded.Check()).Problems,
            p => p.Contains("pass a change off as an erasure", StringComparison.Ordinal)
        );
    }

    [Theory, BothEngines]
    public async Task An_archived_request_is_erased_as_well_and_still_proven(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        await Fill(hub);
        await recorded.Sealer.SealAll();
        await hub.Place.Follow();
        var folder = System.IO.Directory.CreateTempSubdirectory("countersign-erase-").FullName;
        var path = Path.Combine(folder, "old.jsonl");
        var archive = new Archive(hub.Store, recorded.Key);
        await using (var stream = File.Create(path))
            await archive.Write(hub.Clock.Now.AddDays(2), stream, default);
        var (file, _) = await ArchiveFile.Read(path, default);
        Assert.NotEqual(0, (await archive.Remove(file!, Some.Operator, default)).Removed);
        Some.Done(await Erase(recorded).Run(Email, Some.Operator, default));
        Assert.Equal([], await Found(hub.Place));
        Assert.Equal([], (await recorded.Check()).Problems);
        Assert.Equal(
            [],
            (await new Verify(hub.Store, recorded.Key) { ChecksPolicies = false }.Run(null, [path], default)).Problems
        );
        System.IO.Directory.Delete(folder, recursive: true);
    }

    [Theory, BothEngines]
    public async Task The_verb_erases_and_names_what_admins_wrote_themselves(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "root@example.test", "--name", "Root", "--role", "admin");
        await shell.Json("user", "add", Email, "--name", Name);
        await shell.Json("group", "add", $"Friends of {Name}");
        var done = (await shell.Json("user", "erase", Email)).Done;
        Assert.Equal(
            ("Erased person 2", "group 1"),
            (done.GetProperty("name").GetString(), done.GetProperty("left")[0].GetString())
        );
        Assert.Equal((1, "not_found"), (await shell.Json("user", "erase", Email)).Failure);
        Assert.Equal(0, (await shell.Json("user", "erase", "erased-2@erased.invalid")).ExitCode);
        Assert.Equal((1, "invalid"), (await shell.Json("user", "erase", "root@example.test")).Failure);
        Assert.Equal(0, (await shell.Json("audit", "verify")).ExitCode);
    }

    [Theory, BothEngines]
    public async Task On_the_page_it_is_confirmed_asks_for_a_recent_sign_in_and_shows_what_remains(Engine engine)
    {
        await using var pages = await PagesHost.Start(engine);
        var request = await pages.Ask();
        await pages.Hub.Comment.Run(request.Id, Some.Viewer(pages.Ann), "A word of mine", default);
        using var root = await pages.Api.SignIn(pages.Root);
        var path = $"/people/{pages.Ann.Id}";
        Assert.Contains(
            "can&#39;t be undone",
            (await root.Get(path)).Text.Replace("&#x27;", "&#39;", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
        Assert.Equal(
            422,
            (await root.Submit($"/people/{pages.Root.Id}", $"/people/{pages.Root.Id}", ("do", "erase"))).Status
        );
        Assert.Equal(302, (await root.Submit(path, path, ("do", "erase"))).Status);
        var page = await root.Get(path);
        Assert.Contains($"Erased person {pages.Ann.Id}", page.Text, StringComparison.Ordinal);
        Assert.Contains("This person was erased", page.Text, StringComparison.Ordinal);
        var shown = (await root.Get($"/requests/{request.Id}")).Text;
        Assert.DoesNotContain("A word of mine", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("Ann Approver", shown, StringComparison.Ordinal);
        var caller = await pages.Api.Person(pages.Root);
        Assert.Equal(200, (await caller.Post($"/api/v1/people/{pages.Ben.Email}/erase", new { })).Status);
        Assert.Equal(404, (await caller.Post($"/api/v1/people/{pages.Ben.Email}/erase", new { })).Status);
    }

    private static ErasePerson Erase(RecordedHub recorded, SealKey? key = null) =>
        new(recorded.Hub.Store, key ?? recorded.Key, recorded.Hub.Reweigh, recorded.Hub.Withdraw);

    /// <summary>The person everywhere where a person can be named.</summary>
    private static async Task<Person> Fill(TestHub hub)
    {
        var root = await hub.AddPerson("Root", Role.Admin);
        var ben = await hub.AddPerson("Ben");
        var jane = Some.Done(
            await hub.People.Add(Email, Earlier, Role.Agent, "correct horse battery", Some.Operator, default)
        );
        Some.Done(await hub.People.Rename(Email, Name, Some.Operator, default));
        jane = jane with { Name = Name, DisplayName = Name };
        Some.Done(await new Aliases(hub.Store).Add(Email, Alias, Some.Operator, default));
        Some.Done(await new Aliases(hub.Store).Add(Email, "Doe, Jane Quentin", Some.Operator, default));
        await hub.AddGroup("Team", jane, ben);
        Some.Done(await hub.Tokens.Add(Email, Some.Operator, default));
        await hub.Sessions.Start(jane.Id, "password", new ClientInfo("page", "203.0.113.7", "a browser"), default);
        Some.Done(
            await new Absences(hub.Store).Set(
                Email,
                hub.Clock.Now,
                hub.Clock.Now.AddDays(2),
                ben.Email,
                Some.Operator,
                default
            )
        );
        var either = Some.Policy(Some.Step("either", 1, jane.AsApprover, ben.AsApprover));
        // Asked by her, with what LaunchDarkly would say; answered by her; named by others.
        var claim = RequesterClaim.Of([Email], [Name]) with
        {
            People = [jane.Id],
        };
        var asked = await hub.Ask(
            Some.Policy(ben.AsApprover),
            s =>
                s.Saying($"Please, for {Name}") with
                {
                    Message = $"Line one\n{Name} <{Email}> asks",
                    Facts = $$"""{"requester":"{{Name}}","details":"x\n{{Name}}","environment":"of {{Name}}"}""",
                    Requester = new Requester(jane.Id, Name, [jane.Id], Certainty.Claimed) { Claim = claim },
                }
        );
        await hub.Comment.Run(asked.Id, Some.Viewer(jane), "I need this", default);
        await hub.Comment.Run(asked.Id, Some.Viewer(ben), $"Hello {Name}, known as {Alias}", default);
        await hub.Answer(asked, ben, Answer.Reject, $"Not for {Earlier}");
        var open = await hub.Ask(Some.Policy(ben.AsApprover), s => s.AskedBy(jane));
        var answered = await hub.Ask(either);
        await hub.Answer(answered, jane, Answer.Approve, "As I said to my neighbour");
        await hub.Ask(either, s => s.Saying($"Mentions {Email} only"));
        await hub.Submit.Run(
            Some.Content("again"),
            Some.Origin,
            new Repeatable("k1", Some.Content("again").Digest, r => $"{{\"id\":\"{r.Id}\",\"name\":\"{Name}\"}}"),
            default
        );
        await hub.Store.InTransaction(async tx =>
        {
            await tx.Execute(
                """
                INSERT INTO deliveries (event_id, kind, subject, receiver, channel, endpoint, state, sent,
                created_at)
                VALUES (1, 'k', 's', @to, 'mail', 'mail', 'delivered', @text, @now)
                """,
                new
                {
                    to = $"person:{jane.Id}",
                    now = tx.Now,
                    text = $"To: {Email}",
                }
            );
            await tx.Execute(
                "INSERT INTO attempts (delivery_id, n, at, took, answer, call) VALUES (1, 1, @now, 1, @text, @text)",
                new { now = tx.Now, text = $"RCPT TO:<{Email}>" }
            );
            await tx.Execute(
                """
                INSERT INTO jobs (kind, key, subject, receiver, order_no, state, due_at, next_at, error, created_at)
                VALUES ('k', '1', '', 'k', 0, 'dead', @now, @now, @text, @now)
                """,
                new { now = tx.Now, text = $"No {Email}" }
            );
            await tx.Execute(
                """
                INSERT INTO identities (person_id, issuer, subject, created_at)
                VALUES (@id, 'https://login.test', 'jane-subject', @now)
                """,
                new { id = jane.Id, now = tx.Now }
            );
            await tx.Append(
                $"person:{jane.Id}",
                Some.Operator,
                "person.linked",
                new
                {
                    identity = 1,
                    issuer = "https://login.test",
                    subject = "jane-subject",
                }
            );
        });
        var source = await hub.AddSource("deploys");
        await new RejectedBodies(hub.Store).Keep(
            source.Id,
            "No JSON.",
            $$"""{"requester":"{{Email}}" """,
            Some.Origin,
            default
        );
        await new Tickets(hub.Store).Add(
            new TicketChange { Subject = $"A laptop for {Name}", RequesterId = jane.Id },
            root.Id,
            Some.Origin,
            default
        );
        await new LogCursor(hub.Store, new SummaryConsumer(new RetentionOptions())).ToTheEnd(hub.Store);
        return jane;
    }

    /// <summary>Also free pages and the write-ahead log keep texts.</summary>
    private static IEnumerable<string> InFiles(string folder) =>
        from file in System.IO.Directory.EnumerateFiles(folder, "countersign.db*")
        let bytes = ReadShared(file)
        from text in new[] { Name, Email, Earlier, Alias, "jane-subject", "my neighbour" }
        where bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(text)) >= 0
        select $"{Path.GetFileName(file)}: {text}";

    private static byte[] ReadShared(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Every text of every table that holds one of the person's names or addresses.</summary>
    private static async Task<List<string>> Found(TestStore place)
    {
        var found = new List<string>();
        await using var connection = await place.OpenRaw();
        var tables = new List<string>();
        await using (var command = connection.CreateCommand())
        {
            command.CommandText =
                place.Engine == Engine.Sqlite
                    ? "SELECT name FROM sqlite_master WHERE type = 'table'"
                    : "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
                tables.Add(rows.GetString(0));
        }
        foreach (var table in tables.Where(t => !Exceptions.ContainsKey(t)))
        {
            await using var command = connection.CreateCommand();
            command.CommandText = $"SELECT * FROM {table}";
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
            {
                for (var i = 0; i < rows.FieldCount; i++)
                {
                    if (
                        rows.GetValue(i) is string text
                        && new[]
                        {
                            Name,
                            Email,
                            Earlier,
                            Alias,
                            "Doe, Jane Quentin",
                            "jane-subject",
                            "my neighbour",
                            "I need this",
                            "203.0.113.7",
                        }.Any(t =>
                            text.Contains(t, StringComparison.OrdinalIgnoreCase)
                            || text.Contains(
                                Countersign.Requests.NameFolding.Name(t),
                                StringComparison.OrdinalIgnoreCase
                            )
                        )
                    )
                    {
                        found.Add($"{table}.{rows.GetName(i)}: {text}");
                    }
                }
            }
        }
        return found;
    }
}
