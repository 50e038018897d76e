using System.ComponentModel;
using Countersign.Configuration;
using Microsoft.Extensions.Options;

namespace Countersign.Storage;

/// <summary>Where the store is: a PostgreSQL connection string, or a folder for SQLite's file.</summary>
public sealed record StoreOptions
{
    private readonly string? _rootKeyFile;

    public StoreOptions() { }

    public StoreOptions(string dataFolder, string? database) => (DataFolder, Database) = (dataFolder, database);

    [ConfigurationKeyName("Data"), Description("The folder for the SQLite file and the root key.")]
    public string DataFolder { get; init; } = "data";

    [Description("A PostgreSQL connection string; without it the store is SQLite."), Secret]
    public string? Database { get; init; }

    [Description("The file with the secret outside the database."), DefaultValue("<Data>/root.key")]
    public string RootKeyFile
    {
        get => _rootKeyFile ?? Path.Combine(DataFolder, "root.key");
        init => _rootKeyFile = value;
    }

    [Description("Whether to serve although the root key that belongs to the store is lost.")]
    public bool RootKeyLost { get; init; }

    [Description("Whether the server updates an older store when it starts.")]
    [MustBe("auto or never")]
    public MigrationMode Migrate { get; init; } = MigrationMode.Auto;

    public string SqliteFile => Path.Combine(DataFolder, "countersign.db");

    /// <summary>
    /// A key is made together with its store and never later: a store without its key came from a backup, and sealing
    /// it with another one would make its record look forged. Nodes on PostgreSQL must share theirs on purpose.
    /// </summary>
    public bool MayCreateRootKey => Database is null && !File.Exists(SqliteFile);

    /// <summary>Whether the key file was named, and not only expected beside the store.</summary>
    public bool NamesRootKeyFile => _rootKeyFile is not null;
}

public enum MigrationMode
{
    Auto,

    /// <summary>Only <c>countersign migrate</c> does.</summary>
    Never,
}

internal sealed class StoreOptionsValidator : IValidateOptions<StoreOptions>
{
    public ValidateOptionsResult Validate(string? name, StoreOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (options is { Database: not null, NamesRootKeyFile: false })
        {
            result.AddError(
                "`RootKeyFile` is missing. With `Database`, every node needs the same key file. Create one "
                    + "with: head -c 32 /dev/urandom | base64 > root.key"
            );
        }
        if (options.Database?.Contains('=', StringComparison.Ordinal) == false)
        {
            result.AddError(
                "`Database` must be a PostgreSQL connection string, such as "
                    + "Host=db;Database=countersign;Username=countersign;Password=…"
            );
        }
        return result.Build();
    }
}
