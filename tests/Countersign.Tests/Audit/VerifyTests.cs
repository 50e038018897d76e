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

        Assert.Equal(new Verification(true, 0, 0, 0, "0:", null), verification);
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
    public async Task Every_column_of_the_record_and_of_requests_is_proven(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        var intruder = await Intruder.Of(recorded);
        // Words that are only shown, credentials of which no event tells, and what a hub notes by the way.
        string[] notProven =
        [
            "requests.display", "requests.search", "people.name_key", "webhooks.disabled_why", "people.password_hash", "tokens.hash", "tokens.last_used_at", "sessions.hash", "sessions.how", "sessions.browser", "sessions.address", "sessions.last_used_at",
            "sources.key_hash", "sources.old_key_hash", "sources.person_id", "sources.last_used_at",
        ];

        var missed = new List<string>();
        foreach (var (table, key) in Intruder.Tables)
        {
            foreach (var row in await intruder.Rows(table, key))
            {
                foreach (var column in await intruder.Columns(table))
                {
                    // Nobody signs in as a service person or a built-in source, so only a new role makes one of them somebody.
                    if ((table == "people" && column != "role" && await recorded.Hub.Place.Number($"SELECT count(*) FROM people WHERE {row} AND role = 'service'") == 1)
                        || (table == "sources" && column != "kind" && await recorded.Hub.Place.Number($"SELECT count(*) FROM sources WHERE {row} AND kind = 'built-in'") == 1))
                    {
                        continue;
                    }
                    // An unsealed event has no place in the order yet; it gets one when it is sealed.
                    if (notProven.Contains($"{table}.{column}") || (table == "events" && column == "id" && await intruder.IsUnsealed(row)))
                        continue;
                    await intruder.Change(table, column, row);
                    var verification = await recorded.Check();
                    if (verification.Ok || verification.Problem is not { Length: > 20 })
                        missed.Add($"{table}.{column} where {row}: {verification}");
                    await intruder.PutBack(table);
                }
            }
        }

        Assert.Empty(missed);
        Assert.True((await recorded.Check()).Ok);
    }

    [Theory, BothEngines]
    public async Task What_was_removed_added_or_moved_is_named(Engine engine)
    {
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
            ($"DELETE FROM events WHERE subject = 'request:{approved}' AND n = 2", $"Event number 2 of request:{approved} is missing"),
            ($"DELETE FROM events WHERE id = {lastSealed}", "is gone"),
            ($"DELETE FROM events WHERE id = {last}", $"Event number 3 of request:{waiting} is gone"),
            ($"UPDATE events SET id = 0 WHERE subject = 'request:{approved}' AND n = 2", "in the order of the hub"),
            ("UPDATE events SET id = 9999 WHERE id = 3; UPDATE events SET id = 3 WHERE id = 4; UPDATE events SET id = 4 WHERE id = 9999", "Seal 1 does not match"),
            ($"UPDATE events SET n = 99 WHERE subject = 'request:{approved}' AND n = 3; UPDATE events SET n = 3 WHERE subject = 'request:{approved}' AND n = 4; UPDATE events SET n = 4 WHERE subject = 'request:{approved}' AND n = 99", "does not match its hash"),
            ("DELETE FROM events WHERE subject = 'person:2'; DELETE FROM event_heads WHERE subject = 'person:2'", "Person 2 is in the store, but no event"),
            ($"DELETE FROM events WHERE subject = 'request:{approved}'; DELETE FROM comments WHERE request_id = '{approved}'; DELETE FROM decisions WHERE request_id = '{approved}'; DELETE FROM revisions WHERE request_id = '{approved}'; DELETE FROM requests WHERE id = '{approved}'", "is gone: seal 2 covers it"),
            ($"DELETE FROM event_heads WHERE subject = 'person:2'", "person:2 ends is gone from event_heads"),
            ($"DELETE FROM requests WHERE id = '{approved}'", $"Request {approved} is gone"),
            ($"DELETE FROM decisions WHERE request_id = '{approved}' AND n = 1", $"Decision 1 of request {approved} is gone"),
            ($"DELETE FROM decisions WHERE request_id = '{waiting}'", $"Decision 1 of request {waiting} is gone"),
            ($"DELETE FROM comments WHERE request_id = '{approved}'", $"Comment 1 on request {approved} is gone"),
            ($"DELETE FROM revisions WHERE request_id = '{approved}'", $"Revision 1 of request {approved} is gone"),
            ("DELETE FROM stamps", "is gone"),
            ($"INSERT INTO decisions SELECT request_id, 3, revision, digest, person_id, 'reject', note, steps, disablings, via, at, NULL FROM decisions WHERE request_id = '{approved}' AND n = 1", $"Decision 3 of request {approved} is in the store, but no event"),
            ($"INSERT INTO comments SELECT request_id, 2, actor, text, via, at FROM comments WHERE request_id = '{waiting}'", $"Comment 2 on request {waiting} is in the store, but no event"),
            ($"INSERT INTO requests SELECT '7ZZZZZZZZZZZZZZZZZZZZZZZZZ', source_id, 'other', sent_by, status, display, revision, digest, stamp, barred, subject, search, creator_id, requester_id, requester_name, assignee_user, assignee_group, ticket_id, created_at, expires_at, settled_at, applied_at, breached_at, events, head, NULL, NULL, certainty, claim FROM requests WHERE id = '{approved}'", "Request 7ZZZZZZZZZZZZZZZZZZZZZZZZZ is in the store, but no event"),
            ($"INSERT INTO event_heads (subject, n, hash) VALUES ('group:99', 1, 'x')", "The history of group:99 is in the store, but no event"),
            ("INSERT INTO people (id, email, email_key, name, role, created_at) VALUES (77, 'eve@example.test', 'eve@example.test', 'Eve', 'admin', '2026-03-04T05:06:07.089Z')", "Person 77 is in the store, but no event"),
            ("DELETE FROM people WHERE id = 2", "Person 2 is gone"),
            ("DELETE FROM members WHERE person_id = 3", "The membership in group 1 of person 3 is gone"),
            ("INSERT INTO members (group_id, person_id) VALUES (1, 4)", "The membership in group 1 of person 4 is in the store, but no event"),
            ("UPDATE people SET role = 'admin' WHERE id = 2", "Person 2: its role is not what its events say"),
            ("UPDATE tokens SET person_id = 1", "Token 1: its person_id is not"),
            ("DELETE FROM seals WHERE n = 2", "Seal 2 is missing"),
            ("UPDATE seals SET n = 99 WHERE n = 2; UPDATE seals SET n = 2 WHERE n = 3; UPDATE seals SET n = 3 WHERE n = 99", "Seal 2"),
        ];
        foreach (var (sql, expected) in intrusions)
        {
            await intruder.Run(sql);
            var verification = await recorded.Check();
            Assert.False(verification.Ok, sql);
            Assert.True(verification.Problem!.Contains(expected, StringComparison.Ordinal), $"{sql}\nexpected: {expected}\nbut: {verification.Problem}");
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
        var id = (await recorded.Hub.Place.Text("SELECT id FROM requests WHERE status = 'approved' ORDER BY id LIMIT 1"))!;

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
        await intruder.Run("DELETE FROM seals");
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
        var cut = IdRanges.Parse((await recorded.Hub.Place.Text("SELECT events FROM seals WHERE n = 5"))!)!.Ranges[0].From;

        await intruder.CutAt(cut);
        await intruder.Run("DELETE FROM seals WHERE n = 5");

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
        await intruder.Rewrite(id, data => data.Contains("\"answer\"", StringComparison.Ordinal) ? data.Replace("\"active\"", "\"approved\"", StringComparison.Ordinal) : data);
        var at = await recorded.Hub.Place.Text($"SELECT at FROM events WHERE subject = 'request:{id}' ORDER BY n DESC LIMIT 1");
        await intruder.Run($"UPDATE requests SET status = 'approved', settled_at = '{at}' WHERE id = '{id}'");

        var verification = await recorded.Check();
        Assert.False(verification.Ok);
        Assert.Contains($"approves request {id}, but the answers so far do not fill the steps", verification.Problem, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task An_event_slipped_in_among_sealed_ones_is_found_once_it_is_too_old_to_be_late(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.Hub.AddPeople("Ann", "Ben");
        await recorded.Sealer.SealAll();
        // An id that no event has: on PostgreSQL undone transactions leave some.
        await recorded.Hub.Place.Tamper("UPDATE events SET id = id + 10 WHERE id = 2");
        await recorded.Hub.Place.Tamper("DELETE FROM seals");
        recorded.Hub.Clock.Advance(TimeSpan.FromHours(1));
        await recorded.Sealer.SealAll();
        var at = "2026-03-04T05:06:07.089Z";
        var hash = History.HashOf("", "policy:99", 1, at, "person.added", "hub", "api", "", "{}");
        await recorded.Hub.Place.Tamper($"INSERT INTO events (id, subject, n, at, kind, actor, via, address, data, hash) VALUES (5, 'policy:99', 1, '{at}', 'person.added', 'hub', 'api', '', '{{}}', '{hash}')");
        await recorded.Hub.Place.Tamper($"INSERT INTO event_heads (subject, n, hash) VALUES ('policy:99', 1, '{hash}')");

        var verification = await recorded.Check();

        Assert.False(verification.Ok);
        Assert.Contains("Event 5 (policy:99, number 1) lies among sealed events", verification.Problem, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task It_sees_one_moment_while_others_go_on_writing(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        var ann = (await recorded.Hub.AddPerson("Zoe")).AsApprover;
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var request = await recorded.Hub.Ask(ann);
                await recorded.Hub.Withdraw.Run(request.Id, Viewer.Hub(Some.Origin), "", default);
                await recorded.Sealer.SealOnce();
            }
        }, TestContext.Current.CancellationToken);

        for (var i = 0; i < 10; i++)
        {
            var verification = await recorded.Check();
            Assert.True(verification.Ok, verification.Problem);
        }

        await stop.CancelAsync();
        await writing.Soon();
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("-1:ab")]
    [InlineData("0:ab")]
    [InlineData("7:abc")]
    [InlineData("7:zz3456789012345678901234567890123456789012345678901234567890abcd")]
    public void A_head_that_is_none_is_not_read(string text) => Assert.Null(SealHead.TryParse(text));

    /// <summary>All kinds of event from which something is reconstructed: a story without one would prove nothing about it.</summary>
    private static IEnumerable<string> KindsThatVerifyKnows() =>
        from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "Countersign", "Audit"), "*.cs")
        from Match kind in Kind().Matches(File.ReadAllText(file))
        select kind.Groups["kind"].Value;

    [GeneratedRegex("\"(?<kind>(request|person|group|source|token|session|policy|webhook)\\.[a-z_]+)\"", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Kind();
}
