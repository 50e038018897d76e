using System.Text.Json;
using Countersign.Destinations.Manifest;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Destinations.Links;

/// <summary>A destination just made.</summary>
public sealed record NewDestination(long Id, string Name);

/// <summary>
/// Adds a destination, changes its values, pauses it. Nothing but what its manifest asks for is taken; secrets go in
/// and never come out.
/// </summary>
internal sealed class AddDestination(Store store, DestinationCache book)
{
    private const int MaxValue = 20_000;

    public static string KeyOf(string name) => PeopleDirectory.KeyOf(name);

    public async Task<AccessOutcome<NewDestination>> Run(
        string name,
        string manifestText,
        IReadOnlyDictionary<string, string> settings,
        IReadOnlyDictionary<string, string> secrets,
        Origin origin,
        CancellationToken cancel
    )
    {
        name = name.Trim();
        if (Names.Problem(name) is { } bad)
            return new AccessOutcome<NewDestination>.Invalid("name", bad);
        var (manifest, findings) = ManifestReader.Read(manifestText);
        if (manifest is null)
        {
            var worst = findings.First(f => f.IsFatal);
            return new AccessOutcome<NewDestination>.Invalid(
                "manifest",
                $"{(worst.Place.Length > 0 ? worst.Place + ": " : "")}{worst.Problem} {worst.Fix}"
            );
        }
        if (Sort(manifest, settings, secrets) is not ({ } plain, { } hidden, null))
            return Mistake<NewDestination>(Sort(manifest, settings, secrets).Mistake!.Value);
        if (Missing(manifest, plain, hidden) is { } missing)
            return Mistake<NewDestination>(missing);
        var sealedSecrets = book.Seal(JsonSerializer.Serialize(hidden));
        return await store.InTransaction<AccessOutcome<NewDestination>>(
            async tx =>
            {
                if (
                    await tx.Number("SELECT id FROM destinations WHERE name_key = @key", new { key = KeyOf(name) }) != 0
                )
                {
                    return new AccessOutcome<NewDestination>.Exists("a destination with this name");
                }
                var id = await tx.Number(
                    """
                    INSERT INTO destinations (name, name_key, manifest, settings, secrets, created_at)
                    VALUES (@name, @key, @manifest, @settings, @secrets, @now) RETURNING id
                    """,
                    new
                    {
                        name,
                        key = KeyOf(name),
                        manifest = manifestText,
                        settings = JsonSerializer.Serialize(plain),
                        secrets = sealedSecrets,
                        now = tx.Now,
                    }
                );
                await tx.Append(
                    $"destination:{id}",
                    origin,
                    "destination.added",
                    new
                    {
                        name,
                        manifest = Hashes.Sha256(manifestText),
                        system = manifest.Name,
                        settings = plain,
                        secrets = hidden.Keys,
                        @sealed = Hashes.Sha256(sealedSecrets),
                    }
                );
                await tx.Signal("destinations");
                // Requests that have waited for it are handed over now.
                var waiting = await tx.All<IdRow>(
                    "SELECT r.id FROM requests r JOIN stamps s ON s.hash = r.stamp WHERE r.status = 'active' "
                        + "AND s.policy LIKE '%\"destination\":\"%' ORDER BY r.id LIMIT 1000"
                );
                foreach (var row in waiting)
                    await OpenLinks.Open(tx, new Dictionary<string, long> { [KeyOf(name)] = id }, RequestId.Of(row.Id));
                return new AccessOutcome<NewDestination>.Done(new NewDestination(id, name));
            },
            cancel
        );
    }

    /// <summary>Takes values in place of those there; what is not named stays as it is.</summary>
    public async Task<AccessOutcome<long>> Change(
        string name,
        IReadOnlyDictionary<string, string> settings,
        IReadOnlyDictionary<string, string> secrets,
        Origin origin,
        CancellationToken cancel
    )
    {
        if (await book.Find(name, cancel) is not { } destination)
            return NoDestination<long>();
        if (Sort(destination.Manifest, settings, secrets) is not ({ } plain, { } hidden, null))
            return Mistake<long>(Sort(destination.Manifest, settings, secrets).Mistake!.Value);
        var (changed, mistake) = destination.With(plain, hidden);
        if ((mistake ?? Missing(destination.Manifest, changed.Settings, changed.Secrets)) is { } wrong)
            return Mistake<long>(wrong);
        var sealedSecrets = book.Seal(JsonSerializer.Serialize(changed.Secrets));
        return await store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                await tx.Execute(
                    """
                    UPDATE destinations
                    SET settings = @settings, secrets = @secrets, token = NULL, token_until = NULL,
                    token_renew_at = NULL
                    WHERE id = @id
                    """,
                    new
                    {
                        id = destination.Id,
                        settings = JsonSerializer.Serialize(changed.Settings),
                        secrets = sealedSecrets,
                    }
                );
                await tx.Append(
                    $"destination:{destination.Id}",
                    origin,
                    "destination.changed",
                    new
                    {
                        settings = plain,
                        secrets = hidden.Keys,
                        @sealed = Hashes.Sha256(sealedSecrets),
                    }
                );
                await tx.Signal("destinations");
                return new AccessOutcome<long>.Done(destination.Id);
            },
            cancel
        );
    }

    /// <summary>Paused, nothing leaves for it; what waits goes on waiting.</summary>
    public Task<AccessOutcome<long>> Pause(string name, bool pause, Origin origin, CancellationToken cancel) =>
        store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                var id = await tx.Number(
                    "SELECT id FROM destinations WHERE name_key = @key",
                    new { key = KeyOf(name) }
                );
                if (id == 0)
                    return NoDestination<long>();
                var changed = pause
                    ? await tx.Execute(
                        "UPDATE destinations SET paused_at = @now WHERE id = @id AND paused_at IS NULL",
                        new { id, now = tx.Now }
                    )
                    : await tx.Execute(
                        "UPDATE destinations SET paused_at = NULL WHERE id = @id AND paused_at IS NOT NULL",
                        new { id }
                    );
                if (changed == 1)
                {
                    await tx.Append(
                        $"destination:{id}",
                        origin,
                        pause ? "destination.paused" : "destination.resumed",
                        new { }
                    );
                    await tx.Signal("destinations");
                }
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );

    public static AccessOutcome<T> NoDestination<T>() => new AccessOutcome<T>.NotFound("a destination with this name");

    /// <summary>
    /// Every value where it belongs, whichever way it was given: a secret given as a setting is still kept as a secret.
    /// </summary>
    private static (
        Dictionary<string, string>? Plain,
        Dictionary<string, string>? Hidden,
        (string Key, string Problem)? Mistake
    ) Sort(
        ApprovalManifest manifest,
        IReadOnlyDictionary<string, string> settings,
        IReadOnlyDictionary<string, string> secrets
    )
    {
        var (plain, hidden) = (new Dictionary<string, string>(), new Dictionary<string, string>());
        foreach (var (key, value) in settings.Concat(secrets))
        {
            var variable = manifest.Settings.FirstOrDefault(v => v.Key == key);
            if (variable is null && !(OAuthKeys.All.Contains(key) && manifest.UsesOAuth))
            {
                var known = manifest.Settings.Select(v => v.Key).Concat(manifest.UsesOAuth ? OAuthKeys.All : []);
                return (null, null, (key, $"This manifest has no setting {key}. It has {string.Join(", ", known)}."));
            }
            if (value.Length > MaxValue || value.Contains('\0', StringComparison.Ordinal))
                return (null, null, (key, "The value is too long."));
            var isSecret = variable?.IsSecret ?? OAuthKeys.Secret.Contains(key);
            (isSecret || secrets.ContainsKey(key) ? hidden : plain)[key] = value;
        }
        return (plain, hidden, null);
    }

    private static (string Key, string Problem)? Missing(
        ApprovalManifest manifest,
        IReadOnlyDictionary<string, string> plain,
        IReadOnlyDictionary<string, string> hidden
    )
    {
        var all = plain.Concat(hidden).ToDictionary(p => p.Key, p => p.Value);
        var (_, mistakes) = FormValues.Read(manifest, all);
        if (mistakes.Count > 0)
            return mistakes[0];
        if (!manifest.UsesOAuth)
            return null;
        bool Has(string key) => all.TryGetValue(key, out var value) && value.Length > 0;
        bool IsAddress(string key) =>
            Uri.TryCreate(all[key], UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https";
        return !Has(OAuthKeys.BaseUri) || !IsAddress(OAuthKeys.BaseUri)
                ? (OAuthKeys.BaseUri, "Enter the system's address, such as https://example.service-now.com.")
            : Has(OAuthKeys.AccessToken) ? null
            : !Has(OAuthKeys.TokenUrl) || !IsAddress(OAuthKeys.TokenUrl)
                ? (
                    OAuthKeys.TokenUrl,
                    "Set oauth.accessToken, or oauth.tokenUrl, oauth.clientId and oauth.clientSecret."
                )
            : !Has(OAuthKeys.ClientId) ? (OAuthKeys.ClientId, "Enter the client ID.")
            : !Has(OAuthKeys.ClientSecret) ? (OAuthKeys.ClientSecret, "Enter the client secret.")
            : null;
    }

    private static AccessOutcome<T> Mistake<T>((string Key, string Problem) mistake) =>
        new AccessOutcome<T>.Invalid(mistake.Key, mistake.Problem);

    private sealed class IdRow
    {
        public required string Id { get; init; }
    }
}
