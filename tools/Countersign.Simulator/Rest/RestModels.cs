using System.Security.Cryptography;

namespace Countersign.Simulator.Rest;

/// <summary>What a token may do.</summary>
[Flags]
public enum RestRights
{
    None = 0,

    /// <summary>Requests, projects, flags and segments.</summary>
    View = 1,
    ListMembers = 2,
    Apply = 4,
    Review = 8,
    Read = View | ListMembers,
}

/// <summary>A member of the account.</summary>
public sealed class RestMember
{
    public string Id { get; init; } = ProposedChange.NewId();
    public required string Email { get; set; }
    public string? FirstName { get; set; }
    public string? LastName { get; set; }
    public string Role { get; set; } = "reader";
    public bool IsVerified { get; set; } = true;
    public bool IsInvited { get; set; }
    public IReadOnlyList<string> Teams { get; set; } = [];

    /// <summary>Has left: asked for by ID, there's a 404; the IDs in requests stay.</summary>
    public bool IsRemoved { get; set; }

    public string Name => $"{FirstName} {LastName}".Trim() is { Length: > 0 } name ? name : Email;
}

/// <summary>An access token. A service token belongs to no member.</summary>
public sealed class RestToken
{
    public string Id { get; init; } = ProposedChange.NewId();
    public string Value { get; init; } = "api-" + RandomNumberGenerator.GetHexString(32, lowercase: true);
    public string Name { get; init; } = "Countersign";
    public RestRights Rights { get; set; } = RestRights.Read;
    public RestMember? Member { get; init; }
    public bool IsRevoked { get; set; }
}

/// <summary>An approval request, as the REST API knows it.</summary>
public sealed class RestApproval
{
    public string Id { get; init; } = ProposedChange.NewId();
    public int Version { get; set; } = 1;
    public long CreatedAt { get; set; }
    public string ServiceKind { get; set; } = "custom-approvals";

    /// <summary>A member's ID. Absent where a service token requested the change.</summary>
    public string? RequestorId { get; set; }
    public string Description { get; set; } = "";
    public string ReviewStatus { get; set; } = "pending";
    public string Status { get; set; } = "pending";

    /// <summary>A JSON array, returned exactly as it's written here.</summary>
    public string Instructions { get; set; } = "[]";

    /// <summary>A JSON array of <c>{instruction, reason}</c>.</summary>
    public string Conflicts { get; set; } = "[]";
    public IReadOnlyList<string> NotifiedMembers { get; set; } = [];
    public long? AppliedAt { get; set; }
    public string? AppliedByMember { get; set; }
    public string? AppliedByToken { get; set; }
    public string? ApplyComment { get; set; }
    public long? ExecutionDate { get; set; }
    public string? OperatingOnId { get; set; }

    public string Project { get; set; } = "default";
    public string Environment { get; set; } = "production";

    /// <summary>flag, segment or aiConfig.</summary>
    public string ResourceKind { get; set; } = "flag";
    public string Resource { get; set; } = "";
    public bool AutoApply { get; set; }

    /// <summary>What the approval application answered; null until it has.</summary>
    public RestExternal? External { get; set; }
    public bool IsDeleted { get; set; }

    /// <summary>A workflow's ID that leads to this request as well.</summary>
    public string? WorkflowId { get; set; }

    /// <summary>As many reads answer 404 before the request can be seen.</summary>
    public int HiddenReads { get; set; }

    /// <summary>
    /// What LaunchDarkly answers when the change is applied: null for success, else why it conflicts.
    /// </summary>
    public string? ConflictReason { get; set; }

    public string ResourceId => $"proj/{Project}:env/{Environment}:{ResourceKind.ToLowerInvariant()}/{Resource}";
}

/// <summary>What LaunchDarkly keeps of the approval application's answers.</summary>
public sealed record RestExternal(string Id, string Url, string Value, string Display, long LastChecked);

/// <summary>A call that the API received; kept as soon as it arrives.</summary>
public sealed record RestCall(
    string Method,
    string Path,
    string Query,
    string? Authorization,
    string? Version,
    string Body
)
{
    /// <summary>0 while it waits for its answer, and when it gets none.</summary>
    public int Status { get; internal set; }
}
