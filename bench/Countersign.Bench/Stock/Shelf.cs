using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Bench.Stock;

/// <summary>A loaded store and who may ask. It is loaded once for all rows that want so many requests.</summary>
internal sealed record Shelf(
    string Folder,
    int Count,
    string Admin,
    string Viewer,
    IReadOnlyList<long> People,
    IReadOnlyList<long> Groups
)
{
    public static async Task<Shelf> Stock(Options options, int count)
    {
        var folder = Path.Combine(options.Stores ?? options.Folder, $"lists-{count}");
        var note = Path.Combine(folder, "shelf.json");
        if (
            File.Exists(note)
            && JsonSerializer.Deserialize<Shelf>(await File.ReadAllTextAsync(note)) is { People: not null } kept
        )
        {
            return kept with { Folder = folder };
        }
        Session.Fresh(folder);
        Report.Say($"  loading {count:N0} requests");
        Town town;
        await using (var store = await Session.OpenStore(folder))
            town = await Town.Found(store);
        using (var loader = new Loader(new StoreOptions(folder, null).SqliteFile, town))
            loader.Mixed(count);
        var shelf = new Shelf(
            folder,
            count,
            town.Admin,
            town.Viewer,
            [.. town.Persons.Take(100).Select(p => p.Id)],
            [.. town.Teams.Take(100).Select(g => g.Id)]
        );
        await File.WriteAllTextAsync(note, JsonSerializer.Serialize(shelf));
        return shelf;
    }
}
