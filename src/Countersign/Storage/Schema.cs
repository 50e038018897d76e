namespace Countersign.Storage;

/// <summary>What opening a store may do to its tables.</summary>
public enum TableChanges
{
    /// <summary>Nothing: the store is opened as it is, or not at all.</summary>
    None,

    /// <summary>Make them where there are none yet; tables of an older version stay as they are.</summary>
    Create,

    /// <summary>Make them or bring them up to date.</summary>
    Migrate,
}

/// <summary>What was done to the tables when the store was opened.</summary>
/// <param name="From">The last migration that the store had; null for a new store.</param>
/// <param name="Applied">The migrations that were applied, in their order.</param>
/// <param name="Copy">The copy that was made of an SQLite store first.</param>
public sealed record Migrated(string? From, IReadOnlyList<string> Applied, string? Copy)
{
    public static readonly Migrated Nothing = new(null, [], null);
}

/// <summary>The store was made by another version, and this opening must not change its tables.</summary>
public sealed class SchemaMismatch(string code, string message) : Exception(message)
{
    public const string Missing = "not_found",
        Older = "store_older",
        Newer = "store_newer",
        Different = "store_different";

    public string Code => code;
}

/// <summary>A store's migrations beside those that this program knows.</summary>
internal sealed record Schema(IReadOnlyList<AppliedMigration> Applied, IReadOnlyList<Migration> Known)
{
    public bool IsEmpty => Applied.Count == 0;

    public IReadOnlyList<string> Pending { get; } =
    [.. Known.Where(k => Applied.All(a => a.Number != k.Number)).Select(k => k.Name)];

    /// <summary>Those that this program does not know, or knows otherwise.</summary>
    public IReadOnlyList<string> Strangers { get; } =
    [
        .. Applied
            .Where(a => Known.FirstOrDefault(k => k.Number == a.Number)?.Checksum != a.Checksum)
            .Select(a => a.Name),
    ];

    public bool IsNewer => Applied is [.., var last] && last.Number > Known[^1].Number;

    public string? Last => Applied.Count == 0 ? null : Applied[^1].Name;

    public static async ValueTask<Schema> Of(Reader reader, string dialect)
    {
        var has = await reader.Number(
            dialect == "sqlite"
                ? "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'migrations'"
                : "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'migrations'"
        );
        return new Schema(
            has == 0
                ? []
                : await reader.All<AppliedMigration>(
                    "SELECT number, name, checksum, at FROM migrations ORDER BY number"
                ),
            Migration.For(dialect)
        );
    }

    /// <summary>Throws where this program can only work with the store after more than it is allowed to do.</summary>
    public void Require(TableChanges allowed)
    {
        if (IsNewer)
            throw Newer(Applied[^1].Name, Known[^1].Name);
        if (Strangers is [var stranger, ..])
            throw Different(stranger);
        if (IsEmpty && allowed == TableChanges.None)
        {
            throw new SchemaMismatch(
                SchemaMismatch.Missing,
                "There is no store in this database yet. Start with: countersign serve"
            );
        }
        if (!IsEmpty && Pending.Count > 0 && allowed != TableChanges.Migrate)
        {
            throw new SchemaMismatch(
                SchemaMismatch.Older,
                $"This store is older than this program: it lacks {string.Join(", ", Pending)}. Nothing was changed. "
                    + "To update the store, run: countersign migrate"
            );
        }
    }

    public static SchemaMismatch Newer(string theirs, string ours) =>
        new(
            SchemaMismatch.Newer,
            $"This store is newer than this program: it has migration {theirs}, and the program knows them up to "
                + $"{ours}. Start a newer Countersign, or restore a copy from before the upgrade."
        );

    public static SchemaMismatch Different(string name) =>
        new(
            SchemaMismatch.Different,
            $"Migration {name} in this store differs from this program's. The store was created by another build. "
                + "Use that build, or restore a backup."
        );
}
