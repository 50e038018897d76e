using System.Text.RegularExpressions;
using Countersign.Audit;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Audit;

public sealed partial class VerifyTests
{
    [Theory, BothEngines]
    public async Task A_hub_on_which_nothing_happened_verifies(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);

        var verification = await recorded.Check("0:");

        Assert.Equal(
            (true, 0, 0, 0, "0:", 0),
            (
                verification.Ok,
                verification.Events,
                verification.Sealed,
                verification.Unsealed,
                verification.Head,
                verification.Problems.Count
            )
        );
    }

    [Theory, BothEngines]
    public async Task A_busy_history_verifies_sealed_and_unsealed(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();

        var verification = await recorded.Check();

        Assert.Null(verification.Problem);
        Assert.True(verification.Ok);
        Assert.Equal(await recorded.Hub.Place.Count("events"), verification.Events);
        Assert.Equal([], KindsThatVerifyKnows().Except((await recorded.Hub.Place.Events()).Select(e => e.Kind)));
        Assert.InRange(verification.Unsealed, 4, 6);
        Assert.Equal(verification.Events, verification.Sealed + verification.Unsealed);
        Assert.StartsWith("4:", verification.Head, StringComparison.Ordinal);

        await recorded.Sealer.SealAll();
        var afterwards = await recorded.Check(verification.Head);

        Assert.True(afterwards.Ok, afterwards.Problem);
        Assert.Equal(0, afterwards.Unsealed);
    }

    [Theory, BothEngines]
    public async Task What_was_removed_added_or_moved_is_named(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        var intruder = await Intruder.Of(recorded);
        var place = recorded.Hub.Place;
        var approved = (await place.Text("SELECT id FROM requests ORDER BY id LIMIT 1"))!;
        var waiting = (await place.Text("SELECT id FROM requests ORDER BY id DESC LIMIT 1"))!;
        var lastSealed = await place.Number("SELECT max(id) FROM events") - (await recorded.Check()).Unsealed;
        var last = await place.Number("SELECT max(id) FROM events");

        (string Sql, string Expected)[] intrusions =
        [
            (
                $"DELETE FROM events WHERE subject = 'request:{approved}' AND n = 2",
                $"Event number 2 of request:{approved} is missing"
            ),
            ($"DELETE FROM events WHERE id = {lastSealed}", "is gone"),
            ($"DELETE FROM events WHERE id = {last}", $"Event number 3 of request:{waiting} is gone"),
            ($"UPDATE events SET id = 0 WHERE subject = 'request:{approved}' AND n = 2", "in the order of the hub"),
            (
                """
                UPDATE events SET id = 9999 WHERE id = 3; UPDATE events SET id = 3 WHERE id = 4; UPDATE events
                SET id = 4 WHERE id = 9999
                """,
                "Seal 1 does not match"
            ),
            (
                $"""
                UPDATE events SET n = 99 WHERE subject = 'request:{approved}' AND n = 3; UPDATE events SET n = 3
                WHERE subject = 'request:{approved}' AND n = 4; UPDATE events SET n = 4
                WHERE subject = 'request:{approved}' AND n = 99
                """,
                "does not match its hash"
            ),
            (
                "DELETE FROM events WHERE subject = 'person:2'; DELETE FROM event_heads WHERE subject = 'person:2'",
                "Person 2 is in the store, but no event"
            ),
            (
                $"""
                DELETE FROM events WHERE subject = 'request:{approved}'; DELETE FROM comments
                WHERE request_id = '{approved}'; DELETE FROM decisions WHERE request_id = '{approved}'; DELETE
                FROM revisions WHERE request_id = '{approved}'; DELETE FROM requests WHERE id = '{approved}'
                """,
                "is gone: seal 2 covers it"
            ),
            ($"DELETE FROM event_heads WHERE subject = 'person:2'", "person:2 ends is gone from event_heads"),
            ($"DELETE FROM requests WHERE id = '{approved}'", $"Request {approved} is gone"),
            (
                $"DELETE FROM decisions WHERE request_id = '{approved}' AND n = 1",
                $"Decision 1 of request {approved} is gone"
            ),
            ($"DELETE FROM decisions WHERE request_id = '{waiting}'", $"Decision 1 of request {waiting} is gone"),
            ($"DELETE FROM comments WHERE request_id = '{approved}'", $"Comment 1 on request {approved} is gone"),
            ($"DELETE FROM revisions WHERE request_id = '{approved}'", $"Revision 1 of request {approved} is gone"),
            ("DELETE FROM stamps", "is gone"),
            (
                $"""
                INSERT INTO decisions SELECT request_id, 3, revision, digest, person_id, 'reject', note, steps,
                disablings, via, at, NULL, reading
                FROM decisions WHERE request_id = '{approved}' AND n = 1
                """,
                $"Decision 3 of request {approved} is in the store, but no event"
            ),
            (
                $"""
                INSERT INTO comments SELECT request_id, 2, actor, text, via, at FROM comments
                WHERE request_id = '{waiting}'
                """,
                $"Comment 2 on request {waiting} is in the store, but no event"
            ),
            (
                $"""
                INSERT INTO requests SELECT '7ZZZZZZZZZZZZZZZZZZZZZZZZZ', source_id, 'other', sent_by, status,
                display, revision, digest, stamp, barred, subject, search, creator_id, requester_id, requester_name,
                assignee_user, assignee_group, ticket_id, created_at, expires_at, settled_at, applied_at,
                breached_at, events, head, NULL, NULL, certainty, claim, NULL, open_check, reading,
                change_digest
                FROM requests WHERE id = '{approved}'
                """,
                "Request 7ZZZZZZZZZZZZZZZZZZZZZZZZZ is in the store, but no event"
            ),
            (
                $"INSERT INTO event_heads (subject, n, hash) VALUES ('group:99', 1, 'x')",
                "The history of group:99 is in the store, but no event"
            ),
            (
                """
                INSERT INTO people (id, email, email_key, name, role, created_at)
                VALUES (77, 'eve@example.test', 'eve@example.test', 'Eve', 'admin', '2026-03-04T05:06:07.089Z')
                """,
                "Person 77 is in the store, but no event"
            ),
            ("DELETE FROM people WHERE id = 2", "Person 2 is gone"),
            ("DELETE FROM members WHERE person_id = 3", "The membership in group 1 of person 3 is gone"),
            (
                "INSERT INTO members (group_id, person_id) VALUES (1, 4)",
                "The membership in group 1 of person 4 is in the store, but no event"
            ),
            ("UPDATE people SET role = 'admin' WHERE id = 2", "Person 2: its role is not what its events say"),
            ("UPDATE tokens SET person_id = 1", "Token 1: its person_id is not"),
            (
                "UPDATE sources SET old_key_hash = 'x' WHERE name = 'deploys'",
                "its old_key_hash is not what its events say"
            ),
            ("UPDATE sources SET person_id = 1 WHERE name = 'deploys'", "its owner is not what its events say"),
            (
                "UPDATE sources SET group_id = 1, need = 1 WHERE id = 1",
                "Source 1: its group_id is not what its events say"
            ),
            ("DELETE FROM sources WHERE id = 2", "Source 2 is gone"),
            (
                "UPDATE links SET external_id = 'T9' WHERE external_id = 'T1'",
                "its external_id is not what its events say"
            ),
            ("UPDATE links SET answer = '' WHERE external_id = 'T1'", "its answer is not what its events say"),
            (
                $"UPDATE links SET request_id = '{waiting}' WHERE external_id = 'T1'",
                "at destination 1 is gone: events tell of it"
            ),
            ("DELETE FROM links WHERE external_id = 'T1'", "at destination 1 is gone: events tell of it"),
            (
                $"""
                INSERT INTO links (id, request_id, revision, destination_id, state, external_id, created_at)
                VALUES (99, '{waiting}', 1, 1, 'open', 'T9', '2026-03-04T05:06:07.089Z')
                """,
                "its external_id is not what its events say"
            ),
            ("UPDATE delegations SET delegate_id = 1", "is gone: events tell of it"),
            ("DELETE FROM delegations", "is gone: events tell of it"),
            (
                $"UPDATE requests SET open_check = 'requester' WHERE id = '{waiting}'",
                "its open_check is not what its events say"
            ),
            ("UPDATE request_changes SET facts = '{}'", "its changes is not what its events say"),
            (
                """
                INSERT INTO request_changes (request_id, revision, n, digest, changes, facts, read_at)
                SELECT request_id, revision, n + 7, digest, changes, facts, read_at FROM request_changes WHERE n = 1
                """,
                "but no event tells of it"
            ),
            ("DELETE FROM launchdarkly_connections", "The LaunchDarkly connection of source"),
            ("UPDATE requests SET delegations = '1>2'", "its delegations is not what its events say"),
            ("UPDATE destinations SET settings = '{}'", "Destination 1: its settings is not"),
            ("UPDATE destinations SET manifest = '{}'", "Destination 1: its manifest is not"),
            ("DELETE FROM destinations", "Destination 1 is gone"),
            (
                """
                INSERT INTO destinations (id, name, name_key, manifest, settings, secrets, created_at)
                VALUES (9, 'x', 'x', '', '{}', '', '2026-03-04T05:06:07.089Z')
                """,
                "Destination 9 is in the store, but no event"
            ),
            ("UPDATE tickets SET assignee_id = 1", "its assignee is not what its events say"),
            ("UPDATE tickets SET requester_id = 1", "its owner is not what its events say"),
            ("DELETE FROM tickets WHERE requester_id IS NOT NULL", "is gone: events tell of it"),
            (
                """
                INSERT INTO tickets (id, subject, created_at, assignee_id)
                VALUES (999, 'x', '2026-03-04T05:06:07.089Z', 2)
                """,
                "Ticket 999 is in the store, but no event"
            ),
            ("UPDATE source_forms SET variables = '[]'", "The form of source 5: its text is not what its events say"),
            ("DELETE FROM source_forms", "The form of source 5 is gone"),
            ("UPDATE agent_clients SET subject = 'eve'", "its subject is not what its events say"),
            ("DELETE FROM agent_clients", "The OAuth client of source"),
            (
                "UPDATE launchdarkly_hints SET email = 'eve@example.test'",
                "of source 5: its text is not what its events"
            ),
            ("UPDATE launchdarkly_members SET person_id = 1", "of source 5: its person_id is not what its events say"),
            ("DELETE FROM launchdarkly_members", "of source 5 is gone: events tell of it"),
            ("DELETE FROM used_links", "The use of link 12 is gone"),
            (
                "INSERT INTO mutes (person_id, channel) VALUES (1, 'mail')",
                "What person 1 switched off, mail is in the store"
            ),
            ("DELETE FROM mutes", "is gone: events tell of it"),
            (
                $"INSERT INTO parties (party, request_id) VALUES ('person:99', '{approved}')",
                $"person:99 may see request {approved}, which does not follow"
            ),
            (
                $"DELETE FROM parties WHERE party = 'group:1' AND request_id = '{approved}'",
                $"group:1 may not see request {approved} any more"
            ),
            (
                "INSERT INTO parties (party, request_id) VALUES ('person:99', 'other')",
                "person:99 may see request other, of which no event tells"
            ),
            (
                $"DELETE FROM waiting WHERE request_id = '{waiting}'",
                $"Request {waiting} waits for no one, but its events say for group:1"
            ),
            (
                $"INSERT INTO waiting (party, request_id) VALUES ('person:99', '{approved}')",
                $"Request {approved} waits for person:99, but its events say for no one"
            ),
            ("DELETE FROM seals WHERE n = 2", "Seal 2 is missing"),
            (
                """
                UPDATE seals SET n = 99 WHERE n = 2; UPDATE seals SET n = 2 WHERE n = 3; UPDATE seals SET n = 3
                WHERE n = 99
                """,
                "Seal 2"
            ),
        ];
        foreach (var (sql, expected) in intrusions)
        {
            await intruder.Run(sql);
            var verification = await recorded.Check();
            Assert.False(verification.Ok, sql);
            Assert.True(
                verification.Problems.Any(p => p.Contains(expected, StringComparison.Ordinal)),
                $"{sql}\nexpected: {expected}\nbut: {string.Join('\n', verification.Problems)}"
            );
            await intruder.PutBack();
        }
        Assert.True((await recorded.Check()).Ok);
    }

    [Theory, BothEngines]
    public async Task Rewriting_a_sealed_history_with_all_its_hashes_is_found_by_its_seal(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        var intruder = await Intruder.Of(recorded);
        var id = (
            await recorded.Hub.Place.Text("SELECT id FROM requests WHERE status = 'approved' ORDER BY id LIMIT 1")
        )!;

        // Somebody who knows how it works: the note is changed everywhere, and every hash after it is made anew.
        await intruder.Rewrite(id, data => data.Replace("ahead", "ahead!", StringComparison.Ordinal));
        await intruder.Run("UPDATE decisions SET note = replace(note, 'ahead', 'ahead!')");

        var verification = await recorded.Check();
        Assert.False(verification.Ok);
        Assert.StartsWith("Seal 2 does not match what it covers", verification.Problem, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task A_seal_made_with_another_key_is_a_forgery(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        var intruder = await Intruder.Of(recorded);
        await intruder.Run(
            """
            DELETE FROM seals; DELETE FROM epochs; DELETE FROM tree_heads; DELETE FROM tiles;
            UPDATE cursors SET position = 0 WHERE name = 'sealer'
            """
        );
        using var forged = recorded.NewKey("another.key");
        using var sealer = recorded.NewSealer(recorded.Hub.Store, forged);
        await sealer.SealAll();

        var verification = await recorded.Check();

        Assert.False(verification.Ok);
        Assert.StartsWith("Seal 1 is not signed with this hub's key", verification.Problem, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task A_record_cut_at_its_end_verifies_but_not_against_its_earlier_head(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        await recorded.Sealer.SealAll();
        var head = (await recorded.Check()).Head;
        var intruder = await Intruder.Of(recorded);
        var cut = IdRanges
            .Parse((await recorded.Hub.Place.Text("SELECT events FROM seals WHERE n = 5"))!)!
            .Ranges[0]
            .From;

        await intruder.CutAt(cut);
        await intruder.Run("DELETE FROM seals WHERE n = 5; DELETE FROM tree_heads WHERE seal = 5");
        Assert.Contains((await recorded.Check()).Problems, p => p.Contains("cursor", StringComparison.Ordinal));
        await intruder.Run(
            "UPDATE cursors SET position = least_of(position)".Replace(
                "least_of(position)",
                recorded.Hub.Place.Engine == Engine.Sqlite
                    ? "min(position, (SELECT max(id) FROM events))"
                    : "least(position, (SELECT max(position) FROM events))",
                StringComparison.Ordinal
            )
        );

        var unaware = await recorded.Check();
        Assert.True(unaware.Ok, unaware.Problem);
        var aware = await recorded.Check(head);
        Assert.False(aware.Ok);
        Assert.Contains("cut or replaced before seal 5", aware.Problem, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task An_approval_that_its_answers_do_not_carry_is_found(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        var intruder = await Intruder.Of(recorded);
        var id = (await recorded.Hub.Place.Text("SELECT id FROM requests ORDER BY id DESC LIMIT 1"))!;

        // Not sealed yet, so hashes can be made anew; but one answer is not two.
        await intruder.Rewrite(
            id,
            data =>
                data.Contains("\"answer\"", StringComparison.Ordinal)
                    ? data.Replace("\"active\"", "\"approved\"", StringComparison.Ordinal)
                    : data
        );
        var at = await recorded.Hub.Place.Text(
            $"SELECT at FROM events WHERE subject = 'request:{id}' ORDER BY n DESC LIMIT 1"
        );
        await intruder.Run($"UPDATE requests SET status = 'approved', settled_at = '{at}' WHERE id = '{id}'");

        var verification = await recorded.Check();
        Assert.False(verification.Ok);
        Assert.Contains(
            "turns active into approved, but is of a kind that doesn't",
            verification.Problem,
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task An_event_slipped_in_among_sealed_ones_is_found_once_it_is_too_old_to_be_late(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben");
        await recorded.Sealer.SealAll();
        // An id that no event has: on PostgreSQL undone transactions leave some.
        await recorded.Hub.Place.Tamper("UPDATE events SET id = id + 10 WHERE id = 2");
        await recorded.Hub.Place.Tamper(
            """
            DELETE FROM seals; DELETE FROM epochs; DELETE FROM tree_heads; DELETE FROM tiles;
            UPDATE cursors SET position = 0 WHERE name = 'sealer'
            """
        );
        recorded.Hub.Clock.Advance(TimeSpan.FromHours(1));
        await recorded.Sealer.SealAll();
        var at = "2026-03-04T05:06:07.089Z";
        var hash = History.HashOf("", "policy:99", 1, at, "person.added", "hub", "api", "", "{}");
        await recorded.Hub.Place.Tamper(
            "INSERT INTO events (id, subject, n, at, kind, actor, via, address, data, hash) VALUES (5, "
                + $"'policy:99', 1, '{at}', 'person.added', 'hub', 'api', '', '{{}}', '{hash}')"
        );
        await recorded.Hub.Place.Tamper(
            $"INSERT INTO event_heads (subject, n, hash) VALUES ('policy:99', 1, '{hash}')"
        );

        var verification = await recorded.Check();

        Assert.False(verification.Ok);
        Assert.Contains(
            verification.Problems,
            p => p.Contains("is of a kind that does not belong into this history", StringComparison.Ordinal)
        );
        Assert.Contains(
            verification.Problems,
            p => p.Contains("Event 5 (policy:99, number 1) lies among sealed events", StringComparison.Ordinal)
        );
    }

    [Theory, BothEngines]
    public async Task It_sees_one_moment_while_others_go_on_writing(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        var ann = (await recorded.Hub.AddPerson("Zoe")).AsApprover;
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(
            async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    var request = await recorded.Hub.Ask(ann);
                    await recorded.Hub.Withdraw.Run(request.Id, Viewer.Hub(Some.Origin), "", default);
                    await recorded.Sealer.SealOnce();
                }
            },
            TestContext.Current.CancellationToken
        );

        for (var i = 0; i < 10; i++)
        {
            var verification = await recorded.Check();
            Assert.True(verification.Ok, verification.Problem);
        }

        await stop.CancelAsync();
        await writing.Soon();
    }

    [Theory, BothEngines]
    public async Task Every_problem_is_named_up_to_a_hundred_and_the_rest_counted(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var ben = await recorded.Hub.AddPerson("Ben");
        for (var i = 0; i < 60; i++)
            await recorded.Hub.Ask(ben.AsApprover);
        await recorded.Hub.Place.Tamper("UPDATE requests SET subject = 'other', requester_name = 'Eve'");

        var verification = await recorded.Check();

        Assert.Equal((100, 20), (verification.Problems.Count, verification.MoreProblems));
        Assert.All(
            verification.Problems,
            p => Assert.Matches("its (subject|requester_name) is not what its events say", p)
        );
    }

    [Theory, BothEngines]
    public async Task What_cannot_be_read_is_a_problem_of_its_subject_and_the_others_are_looked_at(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var ben = await recorded.Hub.AddPerson("Ben");
        var (first, second) = (await recorded.Hub.Ask(ben.AsApprover), await recorded.Hub.Ask(ben.AsApprover));
        await recorded.Hub.Approve(first, ben);
        await recorded.Hub.Place.Tamper(
            $"UPDATE events SET data = 'nothing', at = 'never' WHERE subject = 'request:{first.Id}' AND n = 2"
        );
        await recorded.Hub.Place.Tamper(
            $"UPDATE revisions SET body = '{{\"a\":\"\\ud83d\"' WHERE request_id = '{first.Id}'"
        );
        await recorded.Hub.Place.Tamper($"UPDATE requests SET subject = 'other' WHERE id = '{second.Id}'");

        var verification = await recorded.Check();

        Assert.Contains(verification.Problems, p => p.Contains($"request:{first.Id}", StringComparison.Ordinal));
        Assert.Contains(
            verification.Problems,
            p => p.Contains($"Request {second.Id}: its subject is not", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("-1:ab")]
    [InlineData("0:ab")]
    [InlineData("7:abc")]
    [InlineData("7:zz3456789012345678901234567890123456789012345678901234567890abcd")]
    public void A_head_that_is_none_is_not_read(string text) => Assert.Null(SealHead.TryParse(text));

    /// <summary>
    /// All kinds of event from which something is reconstructed: a story without one would prove nothing about it.
    /// </summary>
    private static IEnumerable<string> KindsThatVerifyKnows() =>
        from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "Countersign", "Audit"), "*.cs")
        // It writes an event and reconstructs nothing.
        where Path.GetFileName(file) != "RejectedBodies.cs"
        from Match kind in Kind().Matches(File.ReadAllText(file))
        // Only a new root key writes these: ReencryptionTests verifies the story of one.
        where !kind.Groups["kind"].Value.EndsWith("reencrypted", StringComparison.Ordinal)
        select kind.Groups["kind"].Value;

    [GeneratedRegex(
        "\"(?<kind>(request|person|group|source|token|session|policy|webhook|destination|ticket)\\.[a-z_]+)\"",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Kind();
}
