using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Audit;

/// <summary>
/// Every column of every table is changed past the hub, and docs/security/verify-coverage.md says what
/// <c>audit verify</c> answers. A column that isn't noticed needs a reason here.
/// </summary>
public sealed partial class VerifyCoverageTests
{
    private static readonly string[] File = ["docs", "security", "verify-coverage.md"];

    /// <summary>By column, or by table with <c>*</c>.</summary>
    private static readonly Dictionary<string, string> NotNoticed = new(StringComparer.Ordinal)
    {
        ["answerable.*"] = "A missing row gives no one a right; one that doesn't follow from the events is noticed.",
        ["attempts.*"] = Outgoing,
        ["chats.*"] = Outgoing,
        ["claimed_members.*"] =
            "Which memberships the identity provider may end. Each that it ends or starts has an event.",
        ["cosignatures.*"] =
            "A line verifies under a witness's key or is worth nothing; without it, a receipt shows less.",
        ["cursors.name"] = "A consumer without its cursor stops and says so.",
        ["deliveries.*"] = Outgoing + " Links in emails are signed and don't rest on this row.",
        ["destinations.token"] = Token,
        ["destinations.token_until"] = Token,
        ["destinations.token_renew_at"] = Token,
        ["destinations.failing_since"] = "How the destination last answered.",
        ["destinations.dead_at"] = "How the destination last answered.",
        ["endpoints.*"] = Outgoing,
        ["gate_asks.*"] = Owed,
        ["gate_calls.*"] = "Calls that came, so that one that comes again is known. It asks for nothing new.",
        ["gate_replies.*"] = Owed,
        ["gates.heard_at"] = "How the system that asks last called or answered.",
        ["gates.refused_at"] = "How the system that asks last called or answered.",
        ["gates.refused"] = "How the system that asks last called or answered.",
        ["gates.problem_at"] = "How the system that asks last called or answered.",
        ["gates.problem"] = "How the system that asks last called or answered.",
        ["hub.*"] = "Marks and notes of the server (the demo's mark, its address, how far a job came).",
        ["idempotency.status"] = "The response to a repeated call; no decision rests on it.",
        ["idempotency.at"] = "Until when a call can be repeated; no decision rests on it.",
        ["idempotency.key"] = "Another key makes the next call a new one.",
        ["jobs.*"] = "How far the work came. The server plans it again, and what it changes has events.",
        ["jobs.kind"] = Planned,
        ["jobs.key"] = Planned,
        ["jobs.due_at"] = Planned,
        ["key_ring.*"] = "Encrypted with the root key: a changed key opens nothing, and what it sealed is unreadable.",
        ["launchdarkly_connections.account_id"] = "How LaunchDarkly last answered.",
        ["launchdarkly_connections.checked_at"] = "How LaunchDarkly last answered.",
        ["launchdarkly_connections.problem"] = "How LaunchDarkly last answered.",
        ["leases.*"] = "Which node does the work at the moment.",
        ["links.id"] = Progress,
        ["links.state"] = Progress,
        ["links.wish"] = Progress,
        ["links.creation"] = Progress,
        ["links.value"] = Progress,
        ["links.display"] = Progress,
        ["links.seen_at"] = Progress,
        ["links.attempts"] = Progress,
        ["links.polls"] = Progress,
        ["links.problem"] = Progress,
        ["links.exchange"] = Progress,
        ["links.created_at"] = Progress,
        ["log_checks.*"] = "A note of the page **Audit log**. For a proof, verify.",
        ["people.name_key"] = "Decides only beside which names the email is shown.",
        ["people.password_hash"] =
            "No event contains a password hash. See what an attacker can do with the database alone.",
        ["policy_drafts.*"] = "Drafts, which decide nothing. Publishing one has an event with its whole text.",
        ["rejected_bodies.*"] = "Shown to admins, to find out why a call was refused.",
        ["request_terms.*"] = Search,
        ["requests.display"] = "Only displayed. `status` is noticed.",
        ["requests.search"] = Search,
        ["pending_sign_ins.*"] =
            "A sign-in that waits for its second step. Someone who can write it can replace a password hash too.",
        ["second_factors.name"] = Shown,
        ["second_factors.last_used_at"] = Shown,
        ["second_factors.counter"] = "How often a security key was used, to notice a copy of it.",
        ["second_factors.credential"] =
            "No event contains it. Like a password hash, someone who replaces it can take over the account.",
        ["sessions.how"] = Shown,
        ["sessions.browser"] = Shown,
        ["sessions.address"] = Shown,
        ["sessions.last_used_at"] = Shown,
        ["set_up_links.*"] = "Works only while there is no admin. The admin it makes has an event.",
        ["signals.*"] = "Tells nodes to read again. Decisions read people in their own transaction.",
        ["sources.last_used_at"] = Shown,
        ["summary_ages.*"] = Figures,
        ["summary_days.*"] = Figures,
        ["summary_environments.*"] = Figures,
        ["summary_excluded.*"] = Figures,
        ["summary_open.*"] = Figures,
        ["summary_requests.*"] = Figures,
        ["summary_reviews.*"] = Figures,
        ["summary_set_members.*"] = Figures,
        ["summary_sets.*"] = Figures,
        ["summary_waiting.*"] = Figures,
        ["ticket_comments.*"] = "Texts beside a ticket, which decide nothing.",
        ["tickets.id"] = "a ticket that a request made up has an ID and no more.",
        ["tickets.subject"] = "a ticket that a request made up has an ID and no more.",
        ["tickets.status"] = "a ticket that a request made up has an ID and no more.",
        ["tickets.created_at"] = Shown,
        ["tickets.priority"] = Shown,
        ["tickets.type"] = Shown,
        ["tickets.group_id"] = Shown,
        ["tickets.external_id"] = Shown,
        ["tickets.tags"] = Shown,
        ["tickets.fields"] = Shown,
        ["tickets.updated_at"] = Shown,
        ["tokens.last_used_at"] = Shown,
        ["witnesses.*"] = "How each witness last answered. They are asked again.",
        ["webhook_secrets.*"] = "Encrypted. Only receivers of webhooks rely on it, and would refuse what it signs.",
        ["webhooks.disabled_why"] = Shown,
    };

    private static readonly Dictionary<string, string> OnlyOnPostgres = new(StringComparer.Ordinal)
    {
        ["events.position"] =
            "On PostgreSQL only, and always noticed: positions have no gaps, and sealed events are the first.",
    };

    /// <summary>There, an event that isn't sealed yet has no place in the order of ids.</summary>
    private const string UnsealedOnPostgres = "events.id";

    private const string Shown = "Only displayed.",
        Search = "Only searched.",
        Figures = "Figures on the page **Insights**.",
        Planned = "only reminders, escalations and expiries of requests are compared.",
        Owed = "Who gets a decision, and whether they did. What was decided is noticed; sending it has an event.",
        Outgoing = "What was sent, and to whom; no decision rests on it.",
        Token = "Fetched again from the destination when it doesn't work.",
        Progress =
            "How far a question at the destination came. The answer that decides is noticed, and so is which ticket.";

    [Theory, BothEngines]
    public async Task Every_column_of_the_schema_is_in_the_table_and_no_other(Engine engine)
    {
        await using var place = await TestStore.Start(engine);

        var columns = (await LiveSchema.Of(place)).SelectMany(t => t.Columns.Select(c => $"{t.Name}.{c.Name}"));

        Assert.Equal(
            columns.Order(StringComparer.Ordinal),
            Documented()
                .Select(d => d.Column)
                .Where(c => engine == Engine.Postgres || !OnlyOnPostgres.ContainsKey(c))
                .Order(StringComparer.Ordinal)
        );
    }

    [Theory, BothEngines]
    public async Task What_changes_past_the_hub_is_noticed_or_the_table_says_why_not(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        await recorded.FillTile();
        var intruder = await Intruder.Of(recorded);
        await intruder.FillEmptyTables();
        Assert.Null((await recorded.Check()).Problem);

        var (text, wrong) = (new StringBuilder(Head), new List<string>());
        var (documented, seen) = (Documented().ToDictionary(d => d.Column, d => d.Line), 0);
        foreach (var table in intruder.Tables)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"\n### `{table.Name}`\n\n| Column | `audit verify` |\n|---|---|\n"
            );
            var rows = await intruder.Rows(table.Name, table.Key);
            foreach (var column in table.Columns)
            {
                var name = $"{table.Name}.{column.Name}";
                // The short run changes a third of the columns, and takes the table's word for the others.
                if (!LongRun.IsAskedFor && seen++ % 3 != 0 && documented.TryGetValue(name, out var line))
                {
                    text.Append(CultureInfo.InvariantCulture, $"{line}\n");
                    continue;
                }
                var reason = NotNoticed.GetValueOrDefault(name) ?? NotNoticed.GetValueOrDefault($"{table.Name}.*");
                var (answer, missed) = ((string?)null, new List<string>());
                // Where every row must be noticed, the short run looks at one; where some may be missed, at all.
                var looked =
                    NotNoticed.ContainsKey(name) || (reason is null && LongRun.IsAskedFor) ? rows.Count
                    : reason is null ? 1
                    : 2;
                foreach (var row in rows.Take(looked))
                {
                    await intruder.Change(table.Name, column, row);
                    var problem = (await recorded.Check()).Problem;
                    answer ??= problem;
                    if (problem is not { Length: > 20 })
                        missed.Add(row);
                    await intruder.PutBack(table.Name);
                }
                if (missed.Count > 0 && reason is null && name != UnsealedOnPostgres)
                    wrong.Add($"{name} where {missed[0]} ({missed.Count} of {rows.Count} rows)");
                if (missed.Count == 0 && NotNoticed.ContainsKey(name))
                    wrong.Add($"{name} is noticed, and needs no reason");
                if (rows.Count == 0)
                    wrong.Add($"{name} has no row to change");
                var says =
                    missed.Count == 0 || reason is null ? Plain(answer ?? "")
                    : answer is null ? $"nothing. {reason}"
                    : $"{Plain(answer)} Not always: {reason}";
                text.Append(CultureInfo.InvariantCulture, $"| `{column.Name}` | {says} |\n");
            }
            foreach (var (column, says) in OnlyOnPostgres)
            {
                if (column.Split('.') is [var of, var name] && of == table.Name)
                    text.Append(CultureInfo.InvariantCulture, $"| `{name}` | {says} |\n");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True((await recorded.Check()).Ok);
        // The engines have their columns in another order, so the table is that of one.
        if (engine == Engine.Postgres)
            return;
        var written = Path.Combine(Repository.Root, "artifacts", "verify-coverage.md");
        if (text.ToString() != Repository.Read(File))
        {
            await System.IO.File.WriteAllTextAsync(written, text.ToString());
            Assert.Fail($"docs/security/verify-coverage.md says otherwise. Compare and copy {written}.");
        }
    }

    private static IEnumerable<(string Column, string Line)> Documented()
    {
        var table = "";
        foreach (var line in Repository.Read(File).Split('\n'))
        {
            if (line.StartsWith("### `", StringComparison.Ordinal))
                table = line[5..^1];
            else if (line.StartsWith("| `", StringComparison.Ordinal))
                yield return ($"{table}.{line[3..line.IndexOf('`', 3)]}", line);
        }
    }

    /// <summary>Without what differs from run to run.</summary>
    private static string Plain(string problem) =>
        $"`{Varying().Replace(problem, "…").Replace("|", "\\|", StringComparison.Ordinal)}`";

    [GeneratedRegex(
        @"(?<![\w:.-])[0-9A-Za-z][0-9A-Za-z:.-]{18,}[0-9A-Za-z]\b|(?<=[\s:>])\d+(,\d+)*\b",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Varying();

    private const string Head = """
        # What verification notices

        Each column of each table is changed past Countersign, by someone with the database's password and without
        the root key. The right column is what `countersign audit verify` answers. `VerifyCoverageTests` makes this
        table and fails for a column that isn't in it. What follows from it is in
        [Operating](../operating.md#what-an-attacker-can-still-do).

        """;
}
