using Xunit;

namespace Countersign.Tests;

/// <summary>Statements stay prepared, and what was learnt from their first row must hold for every later one.</summary>
public sealed class ReaderTests
{
    [Theory, BothEngines]
    public async Task A_column_may_be_null_in_one_row_and_not_in_the_next_whichever_comes_first(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await test.Store.InTransaction(async tx =>
        {
            await tx.Execute("INSERT INTO hub (name, value) VALUES ('empty', '')");
            await tx.Execute("INSERT INTO hub (name, value) VALUES ('full', 'x')");
        });
        // Columns, and expressions, of which SQLite knows no type but that of the value at hand.
        const string sql = """
            SELECT h.name, CASE WHEN h.value = '' THEN NULL ELSE 7 END AS number, CASE WHEN h.value = '' THEN NULL
            ELSE 'seven' END AS text,
              'group:' || s.id AS "group", s.need, s.created_at
            FROM hub h LEFT JOIN sources s ON s.id = 1 AND h.value <> '' WHERE h.name <> @not ORDER BY h.name
            """;
        foreach (var writing in new[] { true, false })
        {
            foreach (var not in new[] { "full", "empty", "none", "full", "none" })
            {
                var rows = writing
                    ? await test.Store.InTransaction(tx => tx.All<Row>(sql, new { not }))
                    : await test.Store.Read(r => r.All<Row>(sql, new { not }));
                Assert.Equal(
                    not == "none" ? ["empty", "full"]
                        : not == "full" ? ["empty"]
                        : ["full"],
                    rows.Select(r => r.Name)
                );
                Assert.All(
                    rows,
                    row =>
                    {
                        Assert.Equal(row.Name == "full" ? 7 : null, row.Number);
                        Assert.Equal(row.Name == "full" ? "seven" : null, row.Text);
                        Assert.Equal(row.Name == "full" ? "group:1" : null, row.Group);
                        Assert.Equal(row.Name == "full" ? "2026-01-01T00:00:00.000Z" : null, row.CreatedAt);
                        Assert.Null(row.Need);
                    }
                );
            }
        }
    }

    [Theory, BothEngines]
    public async Task A_statement_may_be_asked_again_while_its_rows_are_still_being_read(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var seen = await test.Store.Read(async reader =>
        {
            var names = new List<string>();
            const string sql = "SELECT name FROM sources WHERE id <= @most ORDER BY id";
            await foreach (var outer in reader.Each<Row>(sql, new { most = 2L }))
            {
                names.Add(outer.Name);
                // On PostgreSQL a connection answers one question at a time; there, exports ask nothing meanwhile.
                if (engine == Engine.Sqlite)
                    names.AddRange((await reader.All<Row>(sql, new { most = 1L })).Select(r => r.Name));
            }
            return names;
        });
        Assert.Equal(engine == Engine.Sqlite ? ["api", "api", "zendesk", "api"] : ["api", "zendesk"], seen);
    }

    [Theory, BothEngines]
    public async Task More_statements_than_are_kept_all_work(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var sum = await test.Store.InTransaction(async tx =>
        {
            var sum = 0L;
            for (var i = 0; i < 450; i++)
                sum += await tx.Number($"SELECT max(id) + {i} - {i} FROM sources WHERE id <= @most", new { most = 2L });
            return sum;
        });
        Assert.Equal(900, sum);
        Assert.Equal(2, await test.Count("sources"));
    }

    [Theory, BothEngines]
    public async Task Values_go_in_and_come_out_unchanged(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        string[] texts =
        [
            "",
            " ",
            "O'Brien; DROP TABLE hub --",
            "Grüße 🖋 e\u0301",
            "line\nbreak\ttab",
            new('x', 100_000),
            "@name",
            "\u202E",
        ];
        await test.Store.InTransaction(async tx =>
        {
            for (var i = 0; i < texts.Length; i++)
            {
                await tx.Execute(
                    "INSERT INTO hub (name, value) VALUES (@name, @value)",
                    new { name = $"{i}", value = texts[i] }
                );
            }
        });
        for (var i = 0; i < texts.Length; i++)
        {
            Assert.Equal(
                texts[i],
                await test.Text(
                    "SELECT value FROM hub WHERE name = @name",
                    new Dictionary<string, object?> { ["name"] = $"{i}" }
                )
            );
        }
    }

    /// <summary>PostgreSQL refuses it; SQLite would keep it, and the engines would differ.</summary>
    [Theory, BothEngines]
    public async Task A_null_character_is_replaced(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await test.Store.InTransaction(tx =>
            tx.Execute("INSERT INTO hub (name, value) VALUES ('a', @value)", new { value = "a\0b" })
        );
        Assert.Equal("a\uFFFDb", await test.Text("SELECT value FROM hub WHERE name = 'a'"));
    }

    [Theory, BothEngines]
    public async Task A_type_without_a_column_form_is_refused_and_harms_no_later_use(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await test.Number("SELECT count(*) FROM hub WHERE name = @name", new { name = 1.5m })
        );
        Assert.Equal(0, await test.Number("SELECT count(*) FROM hub WHERE name = @name", new { name = "" }));
    }

    private sealed class Row
    {
        public required string Name { get; init; }
        public long? Number { get; init; }
        public string? Text { get; init; }
        public string? Group { get; init; }
        public long? Need { get; init; }
        public string? CreatedAt { get; init; }
    }
}
