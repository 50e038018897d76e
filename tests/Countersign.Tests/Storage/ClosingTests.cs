using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

public sealed class ClosingTests
{
    [Fact]
    public async Task A_closed_store_is_one_file_whoever_read_and_wrote()
    {
        await using var place = await TestStore.Place(Engine.Sqlite);
        await using (var store = await Store.Open(place.Options, place.Clock))
        {
            await store.InTransaction(async tx => await tx.Signal("directory"), default);
            await Task.WhenAll(
                Enumerable
                    .Range(0, 4)
                    .Select(async _ =>
                        Assert.Equal(
                            2,
                            await store.Read(
                                reader => reader.Number("SELECT revision FROM signals WHERE name = 'directory'"),
                                default
                            )
                        )
                    )
            );
        }
        Assert.Equal(
            ["countersign.db"],
            System.IO.Directory.GetFiles(place.Options.DataFolder).Select(Path.GetFileName)
        );
    }

    [Fact]
    public async Task A_long_log_is_copied_into_the_file_while_the_store_is_open()
    {
        await using var place = await TestStore.Place(Engine.Sqlite);
        await using var store = await Store.Open(place.Options, place.Clock);
        var text = new string('x', 1_000_000);
        for (var n = 0; n < 36; n++)
        {
            await store.InTransaction(
                async tx =>
                    await tx.Execute(
                        "INSERT INTO hub (name, value) VALUES (@name, @text)",
                        new { name = $"{n}", text }
                    ),
                default
            );
        }
        await Eventually.True(
            () => new FileInfo(place.Options.SqliteFile).Length > 30_000_000,
            "the log lies in the file"
        );
        Assert.Equal(
            36,
            await store.Read(reader => reader.Number("SELECT count(*) FROM hub WHERE length(value) = 1000000"), default)
        );
    }
}
