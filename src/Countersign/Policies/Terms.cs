namespace Countersign.Policies;

/// <summary>What a no does: one is enough, or only too few possible yeses settle it.</summary>
public enum Rejection
{
    Any,
    Never,
}

/// <summary>Whom the open step waits for is reminded so long after it opened, and then every so often.</summary>
public sealed record Reminders(TimeSpan After, TimeSpan? Every)
{
    /// <summary>
    /// After one that was due and came now. Those that fell into a time without a running server are left out.
    /// </summary>
    public DateTimeOffset? Next(DateTimeOffset due, DateTimeOffset now) =>
        Every is { } every ? due + (every * (Math.Max(0, (long)Math.Floor((now - due) / every)) + 1)) : null;
}

/// <summary>So long after a step opened without being filled, these may fill it too.</summary>
public sealed record Escalation(TimeSpan After, IReadOnlyList<Approver> To);

/// <summary>So long after it was asked, an open question is over: rejected, or withdrawn.</summary>
public sealed record Expiry(TimeSpan After, bool AsWithdrawn = false);

/// <summary>The policy answers by itself, and says why in words.</summary>
public sealed record AutoAnswer(bool Approves, string Because);

/// <summary>
/// Answers given under an earlier policy of the same request: those up to number <paramref name="UpTo"/> fill the steps
/// that their authors could fill when this policy took its place, and no others.
/// </summary>
public sealed record Carried(int UpTo, IReadOnlyDictionary<int, IReadOnlyList<int>> Steps);

/// <summary>Nobody left could make this pass: why, and the smallest change that would free it.</summary>
public sealed record Blocked(string Why, string Fix)
{
    /// <summary>Two lines, the form in which it is kept.</summary>
    public string ToText() => $"{Why}\n{Fix}";

    public static Blocked? Read(string? text) =>
        text is null ? null
        : text.IndexOf('\n', StringComparison.Ordinal) is var end and >= 0 ? new Blocked(text[..end], text[(end + 1)..])
        : new Blocked(text, "");
}
