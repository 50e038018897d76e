using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection;

namespace Countersign.Gates;

/// <summary>A source's gate as admins see it; secrets never come out.</summary>
/// <param name="Values">Of secrets only whether they are set.</param>
/// <param name="Missing">Required fields that aren't set: without them no call is taken.</param>
/// <param name="HeardAt">When the first genuine call came.</param>
/// <param name="Refused">Why a call was refused last, after the last genuine one; null: none was.</param>
/// <param name="Problem">Why the caller couldn't be called; null where it could.</param>
/// <param name="Alarms">Requests about which the admin should know, the newest first.</param>
public sealed record GateView(
    long SourceId,
    string Kind,
    IReadOnlyDictionary<string, string> Values,
    IReadOnlyList<string> Secrets,
    IReadOnlyList<string> OldSecrets,
    IReadOnlyList<string> Missing,
    DateTimeOffset? HeardAt,
    DateTimeOffset? RefusedAt,
    string? Refused,
    string? Problem,
    IReadOnlyList<GateAlarm> Alarms
);

/// <param name="Kind">One of <see cref="GateAlarms"/>.</param>
public sealed record GateAlarm(string RequestId, string Kind, string Why, DateTimeOffset At);

/// <summary>
/// How each source's gate is set up. Secrets go in encrypted and never come out. A signing secret that is replaced goes
/// on being taken until the admin ends it, because the other side changes at another moment.
/// </summary>
public sealed partial class GateSources(
    Store store,
    IDataProtectionProvider keyRing,
    IEnumerable<IGate> gates,
    ILogger<GateSources> log
)
{
    private const int MaxAlarms = 20;

    /// <summary>How often a refused call, or a failed one, is noted of one source.</summary>
    private static readonly TimeSpan NoteInterval = TimeSpan.FromMinutes(1);

    private const string Purpose = "Countersign.Gates";

    internal static readonly EncryptedColumn[] Encrypted =
    [
        new("gates", "secrets", "source_id", Purpose)
        {
            Event = (row, hash) => new($"source:{row.Key}", "source.gate_reencrypted", new { @sealed = hash }),
        },
        new("gate_replies", "reply", "request_id", Purpose) { HasTextKey = true },
    ];

    private readonly IDataProtector _protector = keyRing.CreateProtector(Purpose);
    private readonly ConcurrentDictionary<long, (string Secrets, GateSettings Settings)> _open = new();

    public IReadOnlyDictionary<string, IGate> ByKind { get; } = gates.ToDictionary(g => g.Kind);

    public bool Knows(string kind) => ByKind.ContainsKey(kind);

    /// <summary>
    /// Sets the fields that are named; an empty value removes one, and with it what it replaced: from then on nothing
    /// that it signed is taken.
    /// </summary>
    public async Task<AccessOutcome<long>> Set(
        string source,
        IReadOnlyDictionary<string, string> values,
        Origin origin,
        CancellationToken cancel
    )
    {
        var found = await store.Read(
            reader =>
                reader.First<SourceRow>(
                    "SELECT id, kind FROM sources WHERE name_key = @key",
                    new { key = PeopleDirectory.KeyOf(source) }
                ),
            cancel
        );
        if (found is null)
            return new AccessOutcome<long>.NotFound("a source with this name");
        if (!ByKind.TryGetValue(found.Kind, out var gate))
            return new AccessOutcome<long>.Invalid("source", $"A source of kind {found.Kind} isn't set up this way.");
        var wanted = values.ToDictionary(v => v.Key, v => v.Value.Trim());
        foreach (var (name, value) in wanted)
        {
            if (gate.Fields.FirstOrDefault(f => f.Name == name) is not { } field)
            {
                var known = string.Join(", ", gate.Fields.Select(f => f.Name));
                return new AccessOutcome<long>.Invalid(name, $"There is no setting {name}. There are: {known}.");
            }
            if (value.Length > 0 && gate.ProblemWith(field, value) is { } problem)
                return new AccessOutcome<long>.Invalid(name, problem);
        }
        var ready = Prepare(gate, await Open(found.Id, cancel), wanted);
        return await Save(found.Id, ready, origin, cancel);
    }

    /// <summary>Settings as they are stored: secrets encrypted.</summary>
    internal sealed record ReadySettings(IReadOnlyDictionary<string, string> Plain, string Secrets);

    /// <summary>Encrypting may ask the store for the key ring, which nothing inside a transaction may.</summary>
    /// <param name="wanted">What was checked.</param>
    internal ReadySettings Prepare(IGate gate, GateSettings? before, IReadOnlyDictionary<string, string> wanted)
    {
        var after = new Dictionary<string, string>(before?.Values ?? new Dictionary<string, string>());
        foreach (var (name, value) in wanted)
        {
            var field = gate.Fields.First(f => f.Name == name);
            if (field.Signs && value.Length == 0)
                after.Remove(GateSettings.Old + name);
            else if (field.Signs && after.TryGetValue(name, out var old) && old != value)
                after[GateSettings.Old + name] = old;
            after[name] = value;
        }
        return Prepare(gate, after);
    }

    private ReadySettings Prepare(IGate gate, Dictionary<string, string> values)
    {
        var secretNames = gate
            .Fields.Where(f => f.IsSecret)
            .SelectMany(f => new[] { f.Name, GateSettings.Old + f.Name });
        var kept = values.Where(v => v.Value.Length > 0).OrderBy(v => v.Key, StringComparer.Ordinal).ToList();
        return new ReadySettings(
            kept.Where(v => !secretNames.Contains(v.Key)).ToDictionary(),
            _protector.Protect(
                JsonSerializer.Serialize(kept.Where(v => secretNames.Contains(v.Key)).ToDictionary(), History.Json)
            )
        );
    }

    /// <summary>Inside a transaction that has more to do; everything was checked before.</summary>
    internal static async ValueTask<AccessOutcome<long>> Set(Tx tx, string source, ReadySettings ready, Origin origin)
    {
        var id = await tx.Number(
            "SELECT id FROM sources WHERE name_key = @key",
            new { key = PeopleDirectory.KeyOf(source) }
        );
        if (id == 0)
            return new AccessOutcome<long>.NotFound("a source with this name");
        await Save(tx, id, ready, origin);
        return new AccessOutcome<long>.Done(id);
    }

    /// <summary>From now on only the newest signing secrets are taken.</summary>
    public async Task<AccessOutcome<long>> EndOldSecrets(
        long source,
        string kind,
        Origin origin,
        CancellationToken cancel
    )
    {
        if (!ByKind.TryGetValue(kind, out var gate) || await Open(source, cancel) is not { } before)
            return new AccessOutcome<long>.NotFound("a gate of this source");
        var after = before
            .Values.Where(v => !v.Key.StartsWith(GateSettings.Old, StringComparison.Ordinal))
            .ToDictionary();
        return await Save(source, Prepare(gate, after), origin, cancel);
    }

    private async Task<AccessOutcome<long>> Save(
        long source,
        ReadySettings ready,
        Origin origin,
        CancellationToken cancel
    )
    {
        await store.InTransaction(tx => Save(tx, source, ready, origin), cancel);
        return new AccessOutcome<long>.Done(source);
    }

    private static async ValueTask Save(Tx tx, long source, ReadySettings ready, Origin origin)
    {
        await tx.Execute(
            """
            INSERT INTO gates (source_id, settings, secrets) VALUES (@source, @settings, @secrets)
            ON CONFLICT (source_id) DO UPDATE SET settings = @settings, secrets = @secrets,
              problem = NULL, problem_at = NULL, refused = NULL, refused_at = NULL
            """,
            new
            {
                source,
                settings = JsonSerializer.Serialize(ready.Plain, History.Json),
                secrets = ready.Secrets,
            }
        );
        await tx.Append(
            $"source:{source}",
            origin,
            "source.gate_set",
            new { settings = ready.Plain, @sealed = Hashes.Sha256(ready.Secrets) }
        );
        await PeopleDirectory.Changed(tx);
    }

    /// <summary>Null where nothing is set.</summary>
    internal async ValueTask<GateSettings?> Open(long source, CancellationToken cancel)
    {
        var row = await store.Read(reader => RowOf(reader, source), cancel);
        if (row is null)
            return null;
        var stored = row.Settings + "\n" + row.Secrets;
        if (_open.TryGetValue(source, out var open) && open.Secrets == stored)
            return open.Settings;
        var values = Read(row.Settings);
        foreach (var (name, value) in Read(Reveal(row.Secrets, source)))
            values[name] = value;
        var settings = new GateSettings(source, values);
        _open[source] = (stored, settings);
        return settings;
    }

    /// <summary>With what counts where nothing is set.</summary>
    internal static GateSettings WithDefaults(IGate gate, GateSettings settings) =>
        settings with
        {
            Values = gate
                .Fields.Where(f => f.Default.Length > 0 && settings[f.Name].Length == 0)
                .Select(f => KeyValuePair.Create(f.Name, f.Default))
                .Concat(settings.Values)
                .DistinctBy(v => v.Key)
                .ToDictionary(),
        };

    internal static IReadOnlyList<string> MissingOf(IGate gate, GateSettings? settings) =>
        [
            .. gate
                .Fields.Where(f => f.IsRequired && f.Default.Length == 0 && (settings?[f.Name] ?? "").Length == 0)
                .Select(f => f.Name),
        ];

    /// <summary>Null for sources of other kinds.</summary>
    public async ValueTask<GateView?> Find(long source, string kind, CancellationToken cancel)
    {
        if (!ByKind.TryGetValue(kind, out var gate))
            return null;
        var settings = await Open(source, cancel);
        var (row, alarms) = await store.Read(
            async reader =>
                (
                    await RowOf(reader, source),
                    await reader.All<AlarmRow>(
                        """
                        SELECT request_id, alarm, problem, asked_at FROM gate_replies
                        WHERE source_id = @source AND alarm IS NOT NULL ORDER BY asked_at DESC LIMIT @most
                        """,
                        new { source, most = MaxAlarms }
                    )
                ),
            cancel
        );
        var secrets = gate.Fields.Where(f => f.IsSecret).Select(f => f.Name).ToList();
        return new GateView(
            source,
            kind,
            gate.Fields.Where(f => !f.IsSecret)
                .ToDictionary(f => f.Name, f => settings?[f.Name] is { Length: > 0 } set ? set : f.Default),
            [.. secrets.Where(s => (settings?[s] ?? "").Length > 0)],
            [.. secrets.Where(s => (settings?[GateSettings.Old + s] ?? "").Length > 0)],
            MissingOf(gate, settings),
            Time(row?.HeardAt),
            Time(row?.RefusedAt),
            row?.Refused,
            row?.Problem,
            [.. alarms.Select(a => new GateAlarm(a.RequestId, a.Alarm, a.Problem ?? "", Instant.Parse(a.AskedAt)))]
        );
    }

    internal string Hide(GateReply reply) => _protector.Protect(JsonSerializer.Serialize(reply, History.Json));

    /// <summary>What another root key encrypted is as good as missing.</summary>
    internal GateReply? OpenReply(string? hidden, long source) =>
        hidden is not null && Reveal(hidden, source) is { Length: > 2 } text
            ? JsonSerializer.Deserialize<GateReply>(text, History.Json)
            : null;

    /// <summary>A genuine call came; what was refused before is past.</summary>
    internal Task NoteHeard(long source, CancellationToken cancel) =>
        Note(
            source,
            "heard_at IS NULL OR refused IS NOT NULL",
            "heard_at = COALESCE(heard_at, @now), refused = NULL, refused_at = NULL",
            "",
            cancel
        );

    /// <summary>Anyone can call with a wrong signature, so that is noted once in a while and is no event.</summary>
    internal Task NoteRefused(long source, string why, CancellationToken cancel) =>
        Note(source, "refused_at IS NULL OR refused_at < @old", "refused_at = @now, refused = @why", why, cancel);

    /// <summary>Anyone can send it, so nothing is kept of it but that it came.</summary>
    public Task NoteTooLarge(long source, CancellationToken cancel) =>
        NoteRefused(source, GateRefusals.TooLarge, cancel);

    /// <param name="why">Null: the caller answers.</param>
    internal Task NoteProblem(long source, string? why, CancellationToken cancel) =>
        why is null
            ? Note(source, "problem IS NOT NULL", "problem_at = NULL, problem = NULL", "", cancel)
            : Note(
                source,
                "problem IS NULL OR problem_at < @old OR problem <> @why",
                "problem_at = @now, problem = @why",
                why,
                cancel
            );

    private async Task Note(long source, string differs, string set, string why, CancellationToken cancel)
    {
        var arguments = new
        {
            source,
            now = store.Now,
            old = store.Now - NoteInterval,
            why,
        };
        // Looking first keeps each call from being a write.
        var look = $"SELECT count(*) FROM gates WHERE source_id = @source AND ({differs})";
        if (await store.Read(reader => reader.Number(look, arguments), cancel) == 0)
            return;
        await store.InTransaction(
            async tx =>
                await tx.Execute($"UPDATE gates SET {set} WHERE source_id = @source AND ({differs})", arguments),
            cancel
        );
    }

    private static ValueTask<GateRow?> RowOf(Reader reader, long source) =>
        reader.First<GateRow>(
            "SELECT settings, secrets, heard_at, refused_at, refused, problem FROM gates WHERE source_id = @source",
            new { source }
        );

    private static Dictionary<string, string> Read(string json) =>
        JsonSerializer.Deserialize<Dictionary<string, string>>(json, History.Json) ?? [];

    private static DateTimeOffset? Time(string? text) => text is null ? null : Instant.Parse(text);

    private string Reveal(string hidden, long source)
    {
        try
        {
            return _protector.Unprotect(hidden);
        }
        catch (CryptographicException)
        {
            Log.Unusable(log, source);
            return "{}";
        }
    }

    private sealed class SourceRow
    {
        public long Id { get; init; }
        public required string Kind { get; init; }
    }

    private sealed class GateRow
    {
        public required string Settings { get; init; }
        public required string Secrets { get; init; }
        public string? HeardAt { get; init; }
        public string? RefusedAt { get; init; }
        public string? Refused { get; init; }
        public string? Problem { get; init; }
    }

    private sealed class AlarmRow
    {
        public required string RequestId { get; init; }
        public required string Alarm { get; init; }
        public string? Problem { get; init; }
        public required string AskedAt { get; init; }
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "The gate of source {Source} can't be used: its secrets were encrypted under another root key"
        )]
        public static partial void Unusable(ILogger log, long source);
    }
}
