using Countersign.Storage;

namespace Countersign.Policies;

/// <summary>A version of the policy file.</summary>
public sealed record PolicyVersion(long Version, string Hash, string Actor, DateTimeOffset At, string Text);

public abstract record SetPoliciesOutcome
{
    private SetPoliciesOutcome() { }

    public sealed record Set(PolicyVersion Version, IReadOnlyList<PolicyProblem> Warnings, string Diff)
        : SetPoliciesOutcome;

    /// <summary>The text is the one in force: nothing was written.</summary>
    public sealed record Same(PolicyVersion Version, IReadOnlyList<PolicyProblem> Warnings) : SetPoliciesOutcome;

    /// <summary>Nothing was written; every mistake is named.</summary>
    public sealed record Wrong(IReadOnlyList<PolicyProblem> Problems) : SetPoliciesOutcome;

    /// <summary>Somebody else set another version since this one was written.</summary>
    public sealed record Changed(long Version) : SetPoliciesOutcome;
}

/// <summary>
/// The policy file: its versions in the store, the last of them in force. A file with a mistake is never stored, so
/// what is in force can be read; setting one is an event with what changed.
/// </summary>
public sealed class PolicyFiles(Store store, IPolicyNames names)
{
    public const string Subject = "policy";

    /// <summary>An event is not a place for books; the versions themselves keep all of it.</summary>
    private const int MaxDiff = 20_000;

    /// <summary>What is to be said about a text, with names that nobody has made yet among the warnings.</summary>
    public async Task<(PolicyFile? File, IReadOnlyList<PolicyProblem> Problems)> Check(
        string text,
        CancellationToken cancel
    )
    {
        var (file, problems) = PolicyFile.Read(text);
        if (file is null)
            return (null, problems);
        var unknown = await names.FindUnknown(file, cancel);
        return (file, [.. problems.Concat(unknown).OrderBy(p => p.Line).ThenBy(p => p.Column)]);
    }

    /// <param name="basedOn">The version that the author had before them, when that is known: another one in force is
    /// not overwritten.</param>
    public async Task<SetPoliciesOutcome> Set(string text, long? basedOn, Origin origin, CancellationToken cancel)
    {
        text = text.ReplaceLineEndings("\n");
        var (file, problems) = await Check(text, cancel);
        if (file is null)
            return new SetPoliciesOutcome.Wrong(problems);
        var outcome = await store.InTransaction(tx => Set(tx, text, file, problems, basedOn, origin), cancel);
        // The author's next request through this node is matched against the new file.
        await names.Reload(cancel);
        return outcome;
    }

    /// <summary>Inside a transaction that has more to do; the text was checked before.</summary>
    internal async ValueTask<SetPoliciesOutcome> Set(
        Tx tx,
        string text,
        PolicyFile file,
        IReadOnlyList<PolicyProblem> problems,
        long? basedOn,
        Origin origin
    )
    {
        var last = await Latest(tx);
        if (basedOn is { } seen && seen != (last?.Version ?? 0))
            return new SetPoliciesOutcome.Changed(last?.Version ?? 0);
        if (last?.Text == text)
            return new SetPoliciesOutcome.Same(last, problems);
        var version = new PolicyVersion((last?.Version ?? 0) + 1, Hashes.Sha256(text), origin.Actor.Text, tx.Now, text);
        var diff = TextDiff.Excerpt(last?.Text ?? "", text);
        await tx.Execute(
            """
            INSERT INTO policy_files (version, text, hash, actor, at)
            VALUES (@version, @text, @hash, @actor, @at)
            """,
            new
            {
                version = version.Version,
                text,
                hash = version.Hash,
                actor = version.Actor,
                at = tx.Now,
            }
        );
        await tx.Append(
            Subject,
            origin,
            "policy.set",
            new
            {
                version = version.Version,
                hash = version.Hash,
                policies = file.Rules.Count,
                diff = diff.Length > MaxDiff ? WellFormed.Cut(diff, MaxDiff) + "…\n" : diff,
            }
        );
        await names.NotifyPublished(tx);
        return new SetPoliciesOutcome.Set(version, problems, diff);
    }

    /// <summary>The version in force, or a certain one; null when there is none.</summary>
    public ValueTask<PolicyVersion?> Find(long? version, CancellationToken cancel) =>
        store.Read(
            async reader =>
                version is { } wanted
                    ? (
                        await reader.First<Row>(
                            "SELECT version, hash, actor, at, text FROM policy_files WHERE version = @wanted",
                            new { wanted }
                        )
                    )?.ToVersion()
                    : await Latest(reader),
            cancel
        );

    /// <summary>The newest versions first, without their texts.</summary>
    public ValueTask<List<PolicyVersion>> List(CancellationToken cancel) =>
        store.Read(
            async reader =>
                (
                    await reader.All<Row>(
                        "SELECT version, hash, actor, at, '' AS text FROM policy_files ORDER BY version DESC LIMIT 200"
                    )
                ).ConvertAll(r => r.ToVersion()),
            cancel
        );

    /// <summary>For a snapshot: what is in force, read again only when it is another version than the last.</summary>
    internal static async ValueTask<PolicyBook> Load(
        Reader reader,
        PolicyBook last,
        Func<string, Approver?> group,
        Func<string, Approver?> person
    )
    {
        var version = await reader.Number("SELECT max(version) FROM policy_files");
        if (version == last.Version)
            return last.With(group, person);
        var text = await reader.Text("SELECT text FROM policy_files WHERE version = @version", new { version });
        return PolicyBook.Of(version, PolicyFile.Read(text ?? "").File, group, person);
    }

    private static async ValueTask<PolicyVersion?> Latest(Reader reader) =>
        (
            await reader.First<Row>(
                "SELECT version, hash, actor, at, text FROM policy_files ORDER BY version DESC LIMIT 1"
            )
        )?.ToVersion();

    private sealed class Row
    {
        public long Version { get; init; }
        public required string Hash { get; init; }
        public required string Actor { get; init; }
        public required string At { get; init; }
        public required string Text { get; init; }

        public PolicyVersion ToVersion() => new(Version, Hash, Actor, Instant.Parse(At), Text);
    }
}
