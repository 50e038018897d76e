using System.Text.Json;

namespace Countersign.LaunchDarkly;

/// <summary>What a call to LaunchDarkly came to. The words are for people and hold nothing of an answer.</summary>
internal abstract record LaunchDarklyAnswer<T>
{
    private LaunchDarklyAnswer() { }

    public sealed record Found(T Value) : LaunchDarklyAnswer<T>;

    /// <summary>404: gone, not there yet, or hidden from the token.</summary>
    public sealed record NotFound : LaunchDarklyAnswer<T>;

    /// <summary>
    /// LaunchDarkly says no, and would say so again: a bad token, a missing right, a call it refuses.
    /// </summary>
    public sealed record Refused(int Status, string Why) : LaunchDarklyAnswer<T>;

    /// <summary>It may answer later: busy, down, out of reach, or not answering with JSON.</summary>
    /// <param name="After">How long to leave it alone, where it says so.</param>
    /// <param name="WasSent">Whether the call may have reached it.</param>
    public sealed record Later(TimeSpan? After, string Why, bool WasSent) : LaunchDarklyAnswer<T>;

    /// <summary>Why there is no value; null where there is one.</summary>
    public string? Problem =>
        this switch
        {
            Found => null,
            NotFound => "LaunchDarkly doesn't show this to the token.",
            Refused refused => refused.Why,
            Later later => later.Why,
            _ => "",
        };

    public LaunchDarklyAnswer<TOther> Select<TOther>(Func<T, TOther?> read)
        where TOther : class =>
        this switch
        {
            Found found => read(found.Value) is { } value
                ? new LaunchDarklyAnswer<TOther>.Found(value)
                : new LaunchDarklyAnswer<TOther>.Later(null, LaunchDarklyClient.Unreadable, WasSent: true),
            Refused refused => new LaunchDarklyAnswer<TOther>.Refused(refused.Status, refused.Why),
            Later later => new LaunchDarklyAnswer<TOther>.Later(later.After, later.Why, later.WasSent),
            _ => new LaunchDarklyAnswer<TOther>.NotFound(),
        };
}

/// <summary>An approval request as LaunchDarkly has it. Nothing of the raw answer is kept beside this.</summary>
internal sealed record ApprovalInLaunchDarkly
{
    public required string Id { get; init; }
    public required long Version { get; init; }

    /// <summary>The member who asked; null where a service token did.</summary>
    public string? RequestorId { get; init; }

    /// <summary><c>approved</c>, <c>declined</c> or <c>pending</c>.</summary>
    public string ReviewStatus { get; init; } = "";

    /// <summary><c>pending</c>, <c>completed</c>, <c>failed</c>, <c>scheduled</c>, or one we don't know.</summary>
    public string Status { get; init; } = "";

    /// <summary>An array; numbers as they were written.</summary>
    public required JsonElement Instructions { get; init; }

    /// <summary>The id that we answered, as LaunchDarkly took it down; null until it has.</summary>
    public string? ExternalId { get; init; }

    /// <summary>Our status as LaunchDarkly last read it.</summary>
    public string? ExternalStatus { get; init; }

    /// <summary><c>proj/P:env/E:flag/F</c>.</summary>
    public string? ResourceId { get; init; }
    public DateTimeOffset? ExecutionDate { get; init; }
    public string? OperatingOnId { get; init; }
    public bool IsApplied { get; init; }
    public bool AppliesByItself { get; init; }
    public int Conflicts { get; init; }

    public string? Project => PartOf("proj/");
    public string? Environment => PartOf("env/");
    public string? Flag => PartOf("flag/");
    public string? Segment => PartOf("segment/");

    /// <summary>Null where it can't be one.</summary>
    public static ApprovalInLaunchDarkly? Read(JsonElement root)
    {
        if (
            root.ValueKind != JsonValueKind.Object
            || root.Text("_id") is not { } id
            || InstructionsOf(root) is not { } instructions
        )
        {
            return null;
        }
        var external = root.Member("integrationMetadata");
        return new ApprovalInLaunchDarkly
        {
            Id = id,
            Version = root.Number("_version") ?? 0,
            RequestorId = root.Text("requestorId"),
            ReviewStatus = root.Text("reviewStatus") ?? "",
            Status = root.Text("status") ?? "",
            Instructions = instructions,
            ExternalId = external?.Text("externalId"),
            ExternalStatus = external?.Member("externalStatus")?.Text("value"),
            ResourceId = root.Text("resourceId"),
            ExecutionDate = root.Time("executionDate"),
            OperatingOnId = root.Text("operatingOnId"),
            IsApplied = root.Time("appliedDate") is not null,
            AppliesByItself =
                root.Member("approvalSettings")?.Member("autoApplyApprovedChanges")?.ValueKind == JsonValueKind.True,
            Conflicts = root.Member("conflicts") is { ValueKind: JsonValueKind.Array } conflicts
                ? conflicts.GetArrayLength()
                : 0,
        };
    }

    /// <summary>
    /// Documentation shows them as text in places; either is read. Without any there is nothing to describe.
    /// </summary>
    private static JsonElement? InstructionsOf(JsonElement root)
    {
        if (root.Member("instructions") is not { } instructions)
            return Nothing;
        if (instructions.ValueKind == JsonValueKind.String)
        {
            try
            {
                using var inner = JsonDocument.Parse(instructions.GetString()!, LaunchDarklyJson.Strict);
                instructions = inner.RootElement.Clone();
            }
            catch (JsonException)
            {
                return null;
            }
        }
        return instructions.ValueKind switch
        {
            JsonValueKind.Array => instructions,
            JsonValueKind.Null => Nothing,
            _ => null,
        };
    }

    private static readonly JsonElement Nothing = JsonSerializer.SerializeToElement(Array.Empty<int>());

    private string? PartOf(string kind) =>
        ResourceId
            ?.Split(':')
            .Select(part => part.Split(';')[0])
            .FirstOrDefault(part => part.StartsWith(kind, StringComparison.Ordinal))
            ?[kind.Length..];
}

/// <summary>A member of the LaunchDarkly account.</summary>
internal sealed record MemberInLaunchDarkly(
    string Id,
    string Email,
    string Name,
    bool IsVerified,
    bool IsPending,
    string Role
)
{
    /// <summary>Only a verified address identifies a person.</summary>
    public bool IsKnownByEmail => IsVerified && !IsPending && Email.Length > 0;

    public static MemberInLaunchDarkly? Read(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object && root.Text("_id") is { } id
            ? new MemberInLaunchDarkly(
                id,
                (root.Text("email") ?? "").Trim(),
                $"{root.Text("firstName")} {root.Text("lastName")}".Trim(),
                root.Member("_verified")?.ValueKind == JsonValueKind.True,
                root.Member("_pendingInvite")?.ValueKind == JsonValueKind.True,
                root.Text("role") ?? ""
            )
            : null;
}

/// <param name="Next">The path of the next page; null after the last.</param>
internal sealed record MemberPage(IReadOnlyList<MemberInLaunchDarkly> Members, string? Next);

/// <summary>Who the token says it is.</summary>
internal sealed record CallerInLaunchDarkly(string? AccountId, bool? IsServiceToken, string? TokenName);

/// <summary>Reads members of an answer, none of which may be relied on to be there or of its type.</summary>
internal static class LaunchDarklyJson
{
    /// <summary>Of a member that is there twice it can't be told which one is meant.</summary>
    public static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    public static JsonElement? Member(this JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : null;

    /// <summary>Null where it is no text or an empty one.</summary>
    public static string? Text(this JsonElement value, string name) =>
        value.Member(name) is { ValueKind: JsonValueKind.String } text && text.GetString() is { Length: > 0 } given
            ? given
            : null;

    public static long? Number(this JsonElement value, string name) =>
        value.Member(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var given)
            ? given
            : null;

    /// <summary>Milliseconds since 1970; 0 stands for none.</summary>
    public static DateTimeOffset? Time(this JsonElement value, string name) =>
        value.Number(name) is > 0 and var milliseconds
        && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : null;
}
