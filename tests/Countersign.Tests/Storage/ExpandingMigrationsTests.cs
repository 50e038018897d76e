using System.Text.RegularExpressions;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// While nodes are replaced one by one, those of the version before work on today's tables. So migrations only add
/// (docs/upgrading.md); what both versions do with each other is tried by OldAndNewTests.
/// </summary>
public sealed partial class ExpandingMigrationsTests
{
    /// <summary>The last migration of the version before. A release sets it to its own.</summary>
    private const string Before = "039_key_expiry";

    /// <summary>What events of requests held in the version before. A release sets it to its own.</summary>
    private static readonly int FormBefore = 2;

    /// <summary>
    /// Migrations since then after which nodes of the version before don't work. With one, docs/upgrading.md
    /// and the changelog say that all nodes must be stopped first.
    /// </summary>
    private static readonly string[] StopOldNodes = [];

    [Theory, PostgresOnly]
    public async Task Nodes_of_the_version_before_find_everything_they_read_and_may_write_what_they_write(Engine engine)
    {
        var all = Migration.For("postgres");
        var first = all.First(m => m.Name == (StopOldNodes.LastOrDefault() ?? Before));
        if (first == all[^1])
            return;
        await using var before = await TestStore.Place(engine);
        await MigrationTests.MigrateUpTo(before, all.First(m => m.Number > first.Number).Name);
        await using var today = await TestStore.Place(engine, migrated: true);
        var (old, now) = (await Tables.Of(before), await Tables.Of(today));
        var problems = Problems(old, now).ToList();
        Assert.True(
            problems.Count == 0,
            $"Nodes of the version before can't work on today's tables:\n{string.Join('\n', problems)}\n"
                + "Add instead: leave the column, make the new one nullable or give it a default, and tighten or drop "
                + "a version later. Where that can't be, add to StopOldNodes and say so in docs/upgrading.md."
        );
    }

    [Fact]
    public void Verification_takes_the_events_of_the_version_before()
    {
        Assert.True(
            NewRequestDraft.EventForm == FormBefore || StopOldNodes.Length > 0,
            "Once an event has the new form, verification takes those of older nodes for forged: add a migration "
                + "of this version to StopOldNodes and say in docs/upgrading.md that all nodes must be stopped first."
        );
    }

    [Fact]
    public void What_would_stop_nodes_of_the_version_before_is_named()
    {
        var old = new Tables(
            [
                new Column("people", "name", "text", false, null),
                new Column("people", "email", "text", true, null),
                new Column("sources", "kind", "text", false, null),
                new Column("used", "at", "text", false, null),
            ],
            [
                new Rule("sources", "CHECK ((kind = ANY (ARRAY['api'::text, 'agent'::text])))"),
                new Rule("sources", "CHECK ((need > 0))"),
            ]
        );
        var now = new Tables(
            [
                new Column("people", "name", "integer", false, null),
                new Column("people", "email", "text", false, null),
                new Column("people", "nick", "text", false, null),
                new Column("people", "fine", "text", false, "''"),
                new Column("sources", "kind", "text", false, null),
                new Column("brand_new", "id", "text", false, null),
            ],
            [
                new Rule("sources", "CHECK ((kind = ANY (ARRAY['api'::text, 'agent'::text, 'more'::text])))"),
                new Rule("sources", "UNIQUE (kind)"),
                new Rule("brand_new", "PRIMARY KEY (id)"),
            ]
        );
        Assert.Equal(
            [
                "people.name is of type integer, and was of type text",
                "people.email can't be null any more",
                "used.at is gone",
                "people.nick must be given, and old nodes don't know it",
                "sources: UNIQUE (kind) is new",
            ],
            Problems(old, now)
        );
    }

    private static IEnumerable<string> Problems(Tables old, Tables now)
    {
        foreach (var column in old.Columns)
        {
            if (now.Columns.FirstOrDefault(c => c.Id == column.Id) is not { } today)
                yield return $"{column.Id} is gone";
            else if (today.Type != column.Type)
                yield return $"{column.Id} is of type {today.Type}, and was of type {column.Type}";
            else if (column.IsNullable && !today.IsNullable)
                yield return $"{column.Id} can't be null any more";
            else if (column.Default is not null && today.Default is null && !today.IsNullable)
                yield return $"{column.Id} has no default any more";
        }
        var tables = old.Columns.Select(c => c.Table).ToHashSet();
        foreach (var column in now.Columns.Where(c => tables.Contains(c.Table)))
        {
            if (!column.IsNullable && column.Default is null && old.Columns.All(c => c.Id != column.Id))
                yield return $"{column.Id} must be given, and old nodes don't know it";
        }
        foreach (var rule in now.Rules.Where(r => tables.Contains(r.Table)))
        {
            if (!old.Rules.Any(r => r.Table == rule.Table && rule.Allows(r)))
                yield return $"{rule.Table}: {rule.Text} is new";
        }
    }

    private sealed record Column(string Table, string Name, string Type, bool IsNullable, string? Default)
    {
        public string Id => $"{Table}.{Name}";
    }

    /// <summary>A constraint or a unique index.</summary>
    private sealed partial record Rule(string Table, string Text)
    {
        /// <summary>Whether it allows all that an earlier one did: the same, or a longer list of words.</summary>
        public bool Allows(Rule earlier) =>
            Text == earlier.Text
            || (
                Text.StartsWith("CHECK", StringComparison.Ordinal)
                && Words(earlier.Text).Any()
                && ListOfWords().Replace(Text, "?") == ListOfWords().Replace(earlier.Text, "?")
                && !Words(earlier.Text).Except(Words(Text)).Any()
            );

        private static IEnumerable<string> Words(string text) => Word().Matches(text).Select(m => m.Value);

        [GeneratedRegex(@"ARRAY\[[^\]]*\]", RegexOptions.ExplicitCapture, 1000)]
        private static partial Regex ListOfWords();

        [GeneratedRegex("'[^']*'", RegexOptions.ExplicitCapture, 1000)]
        private static partial Regex Word();
    }

    private sealed record Tables(IReadOnlyList<Column> Columns, IReadOnlyList<Rule> Rules)
    {
        public static async Task<Tables> Of(TestStore place)
        {
            var columns = await Rows(
                """
                SELECT table_name, column_name, data_type, is_nullable,
                  COALESCE(column_default, identity_generation, generation_expression)
                FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position
                """
            );
            var rules = await Rows(
                """
                SELECT c.relname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
                WHERE k.connamespace = 'public'::regnamespace AND k.contype <> 'n'
                UNION ALL
                SELECT c.relname, regexp_replace(pg_get_indexdef(i.indexrelid), ' INDEX \S+ ', ' INDEX ')
                FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
                ORDER BY 1, 2
                """
            );
            return new Tables(
                [.. columns.Select(c => new Column(c[0]!, c[1]!, c[2]!, c[3] == "YES", c[4]))],
                [.. rules.Select(r => new Rule(r[0]!, r[1]!))]
            );

            async Task<List<string?[]>> Rows(string sql)
            {
                var found = new List<string?[]>();
                await using var connection = await place.OpenRaw();
                await using var command = connection.CreateCommand();
                command.CommandText = sql;
                await using var rows = await command.ExecuteReaderAsync();
                while (await rows.ReadAsync())
                {
                    found.Add([
                        .. Enumerable
                            .Range(0, rows.FieldCount)
                            .Select(i => rows.IsDBNull(i) ? null : rows.GetString(i)),
                    ]);
                }
                return found;
            }
        }
    }
}
