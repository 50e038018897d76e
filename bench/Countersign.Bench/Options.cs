// Processor time and memory are read from /proc.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace Countersign.Bench;

/// <summary>What the bench was asked to do.</summary>
internal sealed record Options
{
    public required string Product { get; init; }
    public required string Folder { get; init; }

    /// <summary>Fewer and shorter slices: for a first impression, not for the record.</summary>
    public bool Quick { get; init; }

    /// <summary>Fails the process when a bar is missed.</summary>
    public bool Strict { get; init; }
    public int LargeList { get; init; } = 1_000_000;

    /// <summary>Only the parts named, of <see cref="Parts"/>.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Where loaded list stores stay for the next run; null: they go with this one.</summary>
    public string? Stores { get; init; }

    public int Pairs => Quick ? 3 : 5;
    public TimeSpan Slice => TimeSpan.FromSeconds(Quick ? 2 : 5);

    /// <summary>Until the hot paths are compiled for good; on a busy machine that takes a while.</summary>
    public TimeSpan WarmUp => TimeSpan.FromSeconds(Quick ? 5 : 12);
    public static TimeSpan ListSlice => TimeSpan.FromSeconds(1);

    public bool Wants(string part) => Only.Count == 0 || Only.Contains(part);

    public static readonly IReadOnlyList<string> Parts =
    [
        "poll",
        "launchdarkly",
        "create",
        "decide",
        "zendesk",
        "gates",
        "lists",
        "pages",
        "nodes",
        "destinations",
        "outcomes",
        "size",
        "start",
        "policies",
        "proof",
    ];

    public static Options? Read(string[] args)
    {
        string? product = null,
            folder = null,
            stores = null;
        var (quick, strict, large) = (false, false, 1_000_000);
        var only = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--product" when i + 1 < args.Length:
                    product = args[++i];
                    break;
                case "--folder" when i + 1 < args.Length:
                    folder = args[++i];
                    break;
                case "--stores" when i + 1 < args.Length:
                    stores = Path.GetFullPath(args[++i]);
                    break;
                case "--quick":
                    quick = true;
                    break;
                case "--strict":
                    strict = true;
                    break;
                case "--ten-million":
                    large = 10_000_000;
                    break;
                case "--only" when i + 1 < args.Length && args[i + 1].Split(',').All(Parts.Contains):
                    only.AddRange(args[++i].Split(','));
                    break;
                default:
                    return Wrong($"{args[i]} is not understood.");
            }
        }
        return product is null || folder is null
            ? Wrong("Start it with ./bench.sh, which says where the published product is.")
            : new Options
            {
                Product = Path.GetFullPath(product),
                Folder = Path.GetFullPath(folder),
                Quick = quick,
                Strict = strict,
                LargeList = large,
                Stores = stores,
                Only = only,
            };
    }

    private static Options? Wrong(string why)
    {
        Console.Error.WriteLine(why);
        Console.Error.WriteLine(
            "Usage: ./bench.sh [--quick] [--ten-million] [--strict] [--stores <folder>] [--only "
                + $"{string.Join(',', Parts)}]"
        );
        return null;
    }
}
