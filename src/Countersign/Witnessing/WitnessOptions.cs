using System.ComponentModel;
using Countersign.Configuration;
using Countersign.Hosting;
using Countersign.Proof;
using Countersign.Storage;
using Microsoft.Extensions.Options;

namespace Countersign.Witnessing;

/// <summary>
/// Of whom this program is a witness: with <c>countersign witness</c>, or beside a hub where there are logs.
/// </summary>
public sealed record WitnessOptions
{
    [Description("The keys of the logs that this server cosigns as a witness; without any it is no witness.")]
    [MustBe("keys as `countersign proof keys` prints them, separated by commas")]
    public IReadOnlyList<LogKey> Logs { get; init; } = [];

    [Description("The name of this witness, fixed when its key is made; without it, PublicUrl and /witness.")]
    public string? Name { get; init; }

    [Description("The folder with the witness's key and what it cosigned; without it, witness in the data folder.")]
    public string? Folder { get; init; }

    public bool IsOn => Logs.Count > 0;

    public string FolderIn(StoreOptions place) => Folder ?? Path.Combine(place.DataFolder, "witness");

    /// <summary>Null where neither is set.</summary>
    public string? NameAt(ServerOptions server) =>
        Name ?? (server.PublicUrl is { } url ? $"{url.Authority}{url.AbsolutePath.TrimEnd('/')}/witness" : null);
}

/// <summary>The published key of a log ("vkey").</summary>
public sealed record LogKey(NoteKey Key) : IParsable<LogKey>
{
    public static bool TryParse(string? s, IFormatProvider? provider, out LogKey result)
    {
        result = null!;
        if (
            s is null
            || !NoteKey.TryParse(s, out var key, out _)
            || key.Type is not (NoteKeyType.Ed25519 or NoteKeyType.EcdsaP256)
        )
        {
            return false;
        }
        result = new LogKey(key);
        return true;
    }

    public static LogKey Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var result) ? result : throw new FormatException($"{s} is not the key of a log.");

    public override string ToString() => Key.ToString();
}

internal sealed class WitnessOptionsValidator : IValidateOptions<WitnessOptions>
{
    public ValidateOptionsResult Validate(string? name, WitnessOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (options.Name is { } given && !NoteKey.IsName(given))
        {
            result.AddError(
                "`Witness:Name` must be a name without spaces and \"+\", such as witness.example.com/countersign"
            );
        }
        return result.Build();
    }
}
