using System.Text.Json;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>
/// What an approval request's instructions are read against. If something is missing, the changes that need it
/// are <i>not understood</i>; they never disappear.
/// </summary>
public sealed record ResourceState
{
    /// <summary>Nothing is known of the resource, as with an experiment.</summary>
    public static readonly ResourceState Unknown = new();

    /// <summary>The environment's key, under which a flag has its targeting.</summary>
    public string Environment { get; init; } = "";

    /// <summary>As <c>GET /api/v2/flags/{project}/{flag}?env={environment}</c> answers.</summary>
    public JsonElement? Flag { get; init; }

    /// <summary>As <c>GET /api/v2/segments/{project}/{environment}/{segment}</c> answers.</summary>
    public JsonElement? Segment { get; init; }

    /// <summary>Flags that are or become prerequisites, by key: their variations are theirs.</summary>
    public IReadOnlyDictionary<string, JsonElement> OtherFlags { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>The names of segments, by key.</summary>
    public IReadOnlyDictionary<string, string> SegmentNames { get; init; } = new Dictionary<string, string>();
}

/// <summary>What has to be asked for beside the resource itself.</summary>
public sealed record NeededState(IReadOnlySet<string> Flags, IReadOnlySet<string> Segments);
