using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.HubAsCode;

/// <summary>
/// What a file says about a hub. Null says nothing about it, so that it stays as it is, down to single members of a
/// person or a source.
/// </summary>
internal sealed record HubFile
{
    public const string Version = "version",
        PeopleKey = "people",
        GroupsKey = "groups",
        SourcesKey = "sources",
        PoliciesKey = "policies",
        RequestTypesKey = "request_types";

    /// <summary>More than ten thousand people with their groups.</summary>
    public const int MaxSize = 4 * 1024 * 1024;
    public const int MaxEntries = 10_000;

    public IReadOnlyList<PersonEntry>? People { get; init; }
    public IReadOnlyList<GroupEntry>? Groups { get; init; }
    public IReadOnlyList<SourceEntry>? Sources { get; init; }
    internal PoliciesEntry? Policies { get; init; }
    public IReadOnlyList<RequestType>? RequestTypes { get; init; }
}

/// <param name="Aliases">All that the person should have; what isn't listed is only removed when pruning.</param>
/// <param name="Password">In clear, from a file that this one names.</param>
internal sealed record PersonEntry(int Line, string Email)
{
    public string? Name { get; init; }
    public Role? Role { get; init; }
    public IReadOnlyList<NamedOnLine>? Aliases { get; init; }
    public bool? IsDisabled { get; init; }
    public string? Password { get; init; }
}

/// <param name="Members">Email addresses; who isn't listed is only removed when pruning.</param>
internal sealed record GroupEntry(int Line, string Name, IReadOnlyList<NamedOnLine>? Members);

internal sealed record SourceEntry(int Line, string Name)
{
    public string? Kind { get; init; }
    public SourceReviewers? Reviewers { get; init; }
    public SourceRequesterRules Requesters { get; init; } = new();
    public SourceForm? Form { get; init; }
    public ConnectionChange? Connection { get; init; }

    /// <summary>How a system that waits calls, and is called back.</summary>
    public IReadOnlyList<GateSettingEntry>? Gate { get; init; }

    /// <summary>A day, a time or <c>never</c>.</summary>
    public NamedOnLine? KeyExpires { get; init; }

    /// <summary>Of an agent: the client ID, or <c>none</c>.</summary>
    public NamedOnLine? OauthClient { get; init; }
    public string? OauthSubject { get; init; }
    public bool? IsDisabled { get; init; }
}

/// <param name="Value">Of a file, its content.</param>
internal sealed record GateSettingEntry(int Line, string Name, string Value, bool IsFromFile);

/// <summary>The policies, which are published whole.</summary>
/// <param name="Text">As a policy file of its own, with the comments that stand between them.</param>
internal sealed record PoliciesEntry(int Line, PolicyFile File, string Text, YamlNode List);

/// <summary>What has to be the same as when a plan was made.</summary>
internal sealed record HubRevision(long Directory, long RequestTypes)
{
    public override string ToString() => $"{Directory}.{RequestTypes}";
}
