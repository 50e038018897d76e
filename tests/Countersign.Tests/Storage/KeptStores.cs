using System.Globalization;
using System.IO.Compression;
using System.Reflection;
using System.Text;
using Countersign.Storage;
using Countersign.Tests.Audit;
using Npgsql;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace Countersign.Tests;

/// <summary>
/// Stores as the program left them whose last migration is in the file's name: SQLite's file, or PostgreSQL's SQL.
/// </summary>
internal static class KeptStores
{
    public const string HowToKeepOne =
        "Run tools/keep-store.sh and commit what it writes to tests/Countersign.Tests/Storage/Kept.";

    public static bool ShouldKeep { get; } = Environment.GetEnvironmentVariable("KEEP_STORES") == "1";

    private static string Folder => Path.Combine(Repository.Root, "tests", "Countersign.Tests", "Storage", "Kept");

    public static IReadOnlyList<int> Of(Engine engine) =>
        [
            .. System
                .IO.Directory.GetFiles(Folder, $"*.{Extension(engine)}.gz")
                .Select(file => int.Parse(Path.GetFileName(file)[..3], CultureInfo.InvariantCulture))
                .Order(),
        ];

    public static string KeyFile(Engine engine, int kept) => File(engine, kept, "key");

    /// <summary>Puts a kept store where none is yet.</summary>
    public static async Task Restore(TestStore place, int kept)
    {
        await using var zipped = new GZipStream(
            System.IO.File.OpenRead(File(place.Engine, kept, "gz")),
            CompressionMode.Decompress
        );
        if (place.Engine == Engine.Sqlite)
        {
            await using var file = System.IO.File.Create(place.Options.SqliteFile);
            await zipped.CopyToAsync(file);
            return;
        }
        using var reader = new StreamReader(zipped);
        await using var connection = await place.OpenRaw();
        await using var command = connection.CreateCommand();
        command.CommandText = await reader.ReadToEndAsync();
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Keeps a store of today's version, after everything that can happen has happened in it.</summary>
    public static async Task Keep(Engine engine)
    {
        await using var lived = await RecordedHub.Start(engine);
        await lived.LiveThroughALot();
        await lived.Hub.Store.GivePositions();
        var options = lived.Hub.Place.Options;
        var last = Migration.For(engine == Engine.Sqlite ? "sqlite" : "postgres")[^1].Number;
        System.IO.Directory.CreateDirectory(Folder);
        System.IO.File.Copy(lived.KeyFile, KeyFile(engine, last), overwrite: true);
        await using var zipped = new GZipStream(
            System.IO.File.Create(File(engine, last, "gz")),
            CompressionLevel.SmallestSize
        );
        await zipped.WriteAsync(engine == Engine.Sqlite ? await Copy(lived.Hub.Store) : await Dump(options.Database!));
    }

    private static async Task<byte[]> Copy(Store store)
    {
        var folder = System.IO.Directory.CreateTempSubdirectory("countersign-keep-").FullName;
        try
        {
            var copy = Path.Combine(folder, "copy.db");
            await store.CopyTo(copy, default);
            return await System.IO.File.ReadAllBytesAsync(copy);
        }
        finally
        {
            System.IO.Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Statements that older servers know too, and none that only psql knows.</summary>
    private static async Task<byte[]> Dump(string database)
    {
        var place = new NpgsqlConnectionStringBuilder(database);
        var (code, output, error) = await Programs.Run(
            "pg_dump",
            [
                "--inserts",
                "--rows-per-insert=100",
                "--no-owner",
                "--no-privileges",
                $"--dbname=postgresql://{place.Username}@{place.Host}:{place.Port}/{place.Database}",
            ]
        );
        Assert.True(code == 0, error);
        var lines = output
            .Split('\n')
            .Where(line =>
                !line.StartsWith('\\') && !line.StartsWith("SET transaction_timeout", StringComparison.Ordinal)
            );
        return Encoding.UTF8.GetBytes(string.Join('\n', lines));
    }

    private static string File(Engine engine, int kept, string end) =>
        Path.Combine(Folder, $"{kept:000}.{Extension(engine)}.{end}");

    private static string Extension(Engine engine) => engine == Engine.Sqlite ? "sqlite" : "postgres";
}

/// <summary>
/// A case per kept store, and per migration of the last three before today's: from the newest store that is kept of it
/// or of one before, with the migrations in between.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class KeptStoresAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(
        MethodInfo testMethod,
        DisposalTracker disposalTracker
    )
    {
        var migrations = Migration.For("sqlite").Select(m => m.Number).ToList();
        var cases =
            from engine in new[] { Engine.Sqlite, Engine.Postgres }
            let kept = KeptStores.Of(engine)
            from number in kept.Concat(migrations.SkipLast(1).TakeLast(3)).Distinct()
            select new TheoryDataRow<Engine, int, int>(engine, kept.LastOrDefault(k => k <= number), number)
            {
                Skip = engine == Engine.Postgres ? PostgresServer.Missing : null,
            };
        return ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>([.. cases]);
    }

    public override bool SupportsDiscoveryEnumeration() => true;
}
