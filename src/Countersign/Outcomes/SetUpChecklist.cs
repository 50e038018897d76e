using Countersign.Hosting;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Outcomes;

/// <summary>How far the set-up of a hub has come: each is true once it is done.</summary>
public sealed record SetUpProgress(
    bool HasPublicUrl,
    bool HasPeople,
    bool HasSource,
    bool HasCall,
    bool HasPolicy,
    bool HasDelivered
)
{
    public bool IsComplete => HasPublicUrl && HasPeople && HasSource && HasCall && HasPolicy && HasDelivered;
}

/// <summary>
/// What a new hub still lacks, for its admins. Read again only when something was written since, and no longer once an
/// admin has dismissed the complete list.
/// </summary>
public sealed class SetUpChecklist(
    Store store,
    PeopleDirectory directory,
    ServerOptions server,
    OidcProviders providers
)
{
    private const string Dismissed = "set_up_dismissed";

    /// <summary>Of mail and of chat, the latest deliveries that are looked at.</summary>
    private const int MaxLookedAt = 200;

    private (long Version, SetUpProgress Progress)? _kept;
    private volatile bool _isDismissed;

    /// <summary>Null once it was dismissed.</summary>
    public async ValueTask<SetUpProgress?> Progress(CancellationToken cancel)
    {
        if (_isDismissed)
            return null;
        var version = store.Version;
        if (_kept is { } kept && kept.Version == version)
            return kept.Progress;
        var snapshot = await directory.Refresh(cancel);
        var (isDismissed, hasPolicy, hasDelivered) = await store.Read(
            async reader =>
                (
                    // A demo comes with all it needs.
                    await reader.Number(
                        "SELECT count(*) FROM hub WHERE name IN (@Dismissed, 'demo')",
                        new { Dismissed }
                    ) > 0,
                    await reader.Number("SELECT count(*) FROM policy_files WHERE version = 1") > 0,
                    await reader.Number(
                        $"""
                        SELECT count(*) FROM ({Latest("mail")} UNION ALL {Latest("slack")}) d
                        WHERE state = 'delivered'
                        """
                    ) > 0
                ),
            cancel
        );
        if (isDismissed)
        {
            _isDismissed = true;
            return null;
        }
        var sources = snapshot.Sources.Values.Where(s => s.Kind != "built-in").ToList();
        var progress = new SetUpProgress(
            server.PublicUrl is not null,
            providers.All.Any(p => p.IsSetUp)
                || snapshot.People.Values.Count(p => p.Role != Role.Service && !p.IsDisabled) > 1,
            sources.Count > 0,
            sources.Exists(s => s.LastUsedAt is not null),
            hasPolicy,
            hasDelivered
        );
        _kept = (version, progress);
        return progress;
    }

    /// <summary>False while something is missing.</summary>
    public async Task<bool> Dismiss(Origin origin, CancellationToken cancel)
    {
        if (await Progress(cancel) is not { } progress)
            return true;
        if (!progress.IsComplete)
            return false;
        await store.InTransaction(
            async tx =>
            {
                if (
                    await tx.Execute(
                        "INSERT INTO hub (name, value) VALUES (@Dismissed, @now) ON CONFLICT (name) DO NOTHING",
                        new { Dismissed, now = tx.Now }
                    ) == 1
                )
                {
                    await tx.Append("hub", origin, "set_up.dismissed", new { });
                }
            },
            cancel
        );
        return true;
    }

    private static string Latest(string endpoint) =>
        $"""
            SELECT state FROM (
              SELECT state FROM deliveries WHERE endpoint = '{endpoint}' ORDER BY id DESC LIMIT {MaxLookedAt}
            ) {endpoint}
            """;
}
