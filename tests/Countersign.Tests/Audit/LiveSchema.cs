using System.Globalization;
using System.Text.RegularExpressions;

namespace Countersign.Tests.Audit;

/// <param name="IsText">Holds text; otherwise a number.</param>
/// <param name="KeyPlace">From 1 in the primary key, or 0.</param>
/// <param name="Words">The only values that the schema accepts, where it names them.</param>
internal sealed record SchemaColumn(string Name, bool IsText, int KeyPlace, IReadOnlyList<string> Words);

internal sealed record SchemaTable(string Name, IReadOnlyList<SchemaColumn> Columns)
{
    public string Key =>
        string.Join(", ", Columns.Where(c => c.KeyPlace > 0).OrderBy(c => c.KeyPlace).Select(c => c.Name));
}

/// <summary>The tables that a store really has, asked of the engine.</summary>
internal static partial class LiveSchema
{
    /// <summary>The migrator's own table, which holds nothing but what was done to the others.</summary>
    private const string Migrations = "migrations";

    private const string OfSqlite = """
        SELECT m.name, c.name, CASE c.type WHEN 'TEXT' THEN 1 ELSE 0 END, c.pk, m.sql
        FROM sqlite_master m JOIN pragma_table_info(m.name) c
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.cid
        """;

    private const string OfPostgres = """
        SELECT c.table_name::text, c.column_name::text, CASE c.data_type WHEN 'text' THEN 1 ELSE 0 END,
          coalesce((SELECT k.ordinal_position FROM information_schema.table_constraints p
                    JOIN information_schema.key_column_usage k USING (constraint_schema, constraint_name)
                    WHERE p.constraint_type = 'PRIMARY KEY' AND p.table_schema = 'public'
                      AND p.table_name = c.table_name AND k.column_name = c.column_name), 0),
          (SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k
           WHERE k.contype = 'c' AND k.conrelid = format('public.%I', c.table_name)::regclass)
        FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
        ORDER BY c.table_name COLLATE "C", c.ordinal_position
        """;

    public static async Task<List<SchemaTable>> Of(TestStore place)
    {
        await using var connection = await place.OpenRaw();
        await using var command = connection.CreateCommand();
        command.CommandText = place.Engine == Engine.Postgres ? OfPostgres : OfSqlite;
        await using var rows = await command.ExecuteReaderAsync();
        var columns = new List<(string Table, SchemaColumn Column)>();
        while (await rows.ReadAsync())
        {
            var name = rows.GetString(1);
            var rules = rows.IsDBNull(4) ? "" : rows.GetString(4);
            columns.Add(
                (
                    rows.GetString(0),
                    new SchemaColumn(
                        name,
                        Convert.ToInt32(rows.GetValue(2), CultureInfo.InvariantCulture) == 1,
                        Convert.ToInt32(rows.GetValue(3), CultureInfo.InvariantCulture),
                        [
                            .. Rule()
                                .Matches(rules)
                                .Where(m => m.Groups["column"].Value == name)
                                .SelectMany(m => Word().Matches(m.Value).Select(w => w.Groups["word"].Value)),
                        ]
                    )
                )
            );
        }
        return
        [
            .. columns
                .Where(c => c.Table != Migrations && !c.Table.StartsWith("kept_", StringComparison.Ordinal))
                .GroupBy(c => c.Table)
                .Select(t => new SchemaTable(t.Key, [.. t.Select(c => c.Column)])),
        ];
    }

    [GeneratedRegex(@"CHECK\s*\(+(?<column>\w+) (IN|= ANY)[^)\]]*", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Rule();

    [GeneratedRegex("'(?<word>[^']*)'", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Word();
}
