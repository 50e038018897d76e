using System.CommandLine;
using System.Data.Common;
using System.Globalization;
using Countersign.Audit;
using Countersign.Configuration;
using Countersign.Hosting;
using Countersign.Outcomes.Email;
using Countersign.Outcomes.Slack;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign doctor</c>: what this hub runs on, which settings are in force and where they come from, and what is
/// wrong together with what to do about it. It looks and changes nothing: no store is made, no table brought up to
/// date.
/// </summary>
internal static class DoctorVerb
{
    private const long LittleSpace = 256L << 20;
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(2);

    /// <summary>Work that has been due, or events that have been unsealed, for so long are worth a word.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromMinutes(5);

    public static Command Build(Terminal terminal) =>
        Verb.Plain(
            terminal,
            "doctor",
            "Check the environment, settings and store, and report problems. Changes nothing.",
            [],
            async (parse, cancel) =>
            {
                var report = await Examine(Verb.Configuration(parse), cancel);
                return report.Ok
                    ? new Reply.Done(report, Text(terminal, report))
                    : new Reply.No(report, Text(terminal, report));
            }
        );

    private static async Task<Report> Examine(IConfigurationRoot configuration, CancellationToken cancel)
    {
        var options = new CountersignOptions(configuration);
        var (server, place) = (options.Get<ServerOptions>(), options.Get<StoreOptions>());
        List<Finding> problems = [.. options.Problems().Select(p => new Finding(p, "See docs/configuration.md."))];
        List<Finding> hints = [];
        var now = Hub.Clock.GetUtcNow();

        var folder = LookAtFolder(place, problems);
        var rootKey = LookAtRootKey(place, problems, hints);
        Inspection? seen = null;
        if (!Verb.HasStore(place))
        {
            hints.Add(new Finding("There is no store yet.", "Create one with: countersign serve"));
        }
        else
        {
            seen = await LookAtStore(place, problems, cancel);
        }
        var isCurrent = seen is { Pending.Count: 0, Strangers.Count: 0 };
        if (server.PublicUrl is null && !(isCurrent && await IsAddressKept(place, cancel)))
        {
            hints.Add(
                new Finding(
                    options.Get<MailOptions>().IsSetUp || options.Get<SlackOptions>().IsSetUp
                        ? "`PublicUrl` is missing, so nothing is sent, although email or Slack is configured."
                        : "`PublicUrl` is missing, so nothing is sent.",
                    "Set it to the public address of this server; see docs/notifications.md."
                )
            );
        }
        if (server.AllowedHosts.Contains("*"))
        {
            hints.Add(
                new Finding(
                    "`AllowedHosts` is missing, so the server accepts any host name.",
                    "Set it to the host names that people and systems "
                        + $"use{(server.PublicUrl is { } address ? $", such as {address.Host}" : "")}: "
                        + "docs/configuration.md."
                )
            );
        }
        foreach (var (variable, instead) in ConfigurationSources.IgnoredVariables())
        {
            hints.Add(
                new Finding(
                    $"The environment variable {variable} is ignored.",
                    instead.Length == 0 ? "Remove it." : $"Set {instead} instead."
                )
            );
        }
        if (seen is not null)
            Judge(seen, now, problems, hints);
        if (isCurrent && rootKey.Exists)
            rootKey = rootKey with { FitsStore = await LookAtSeals(place, problems, cancel) };
        hints.AddRange(OwnWitnesses(options));
        if (rootKey.FitsStore == true)
            await LookAtProof(options, problems, hints, cancel);
        var figures = isCurrent ? await LookAtEngine(place, now, problems, hints, cancel) : null;

        return new Report(
            problems.Count == 0,
            Product.Version,
            seen?.Engine ?? (place.Database is null ? Store.OpenAsIs(place, Hub.Clock).Description : "PostgreSQL"),
            !Verb.HasStore(place) ? "none yet"
                : seen is null ? "unreadable"
                : seen.Applied.Count == 0 ? "empty"
                : "present",
            folder,
            rootKey,
            seen is null ? null : new MigrationsSeen([.. seen.Applied.Select(a => a.Name)], seen.Pending),
            new ClockSeen(
                Instant.ToText(now),
                seen?.LastEventAt is { } last ? Instant.ToText(last) : null,
                seen?.DatabaseAhead is { } ahead ? (long)ahead.TotalMilliseconds : null
            ),
            seen is null ? null : new PeopleSeen(seen.People, seen.Admins),
            figures,
            InForce(configuration, options),
            problems,
            hints
        );
    }

    private static FolderSeen LookAtFolder(StoreOptions place, List<Finding> problems)
    {
        var folder = Path.GetFullPath(place.DataFolder);
        var exists = System.IO.Directory.Exists(folder);
        var nearest = folder;
        while (!System.IO.Directory.Exists(nearest))
            nearest = Path.GetDirectoryName(nearest)!;
        var writable = IsWritable(nearest);
        var free = new DriveInfo(nearest).AvailableFreeSpace;
        // With PostgreSQL nothing needs to be kept here.
        if (place.Database is null)
        {
            if (!writable)
            {
                problems.Add(
                    new Finding(
                        $"{nearest} cannot be written by {Environment.UserName}.",
                        "Give this account write access, or choose another folder with --data."
                    )
                );
            }
            if (free < LittleSpace)
            {
                problems.Add(
                    new Finding(
                        $"Only {Bytes(free)} are free on the store's disk.",
                        "Free up space: a full disk stops every change."
                    )
                );
            }
        }
        return new FolderSeen(folder, exists, writable, free);
    }

    private static RootKeySeen LookAtRootKey(StoreOptions place, List<Finding> problems, List<Finding> hints)
    {
        var file = Path.GetFullPath(place.RootKeyFile);
        if (!File.Exists(file))
        {
            // That it is not named at all with PostgreSQL is told as a mistake in the settings.
            if (Verb.HasStore(place) && (place.Database is null || place.NamesRootKeyFile))
            {
                problems.Add(
                    new Finding(
                        $"The root key {file} is missing.",
                        "Restore the file that belongs to this store. With another key, seals can't be "
                            + "checked and secrets can't be read."
                    )
                );
            }
            return new RootKeySeen(file, false, null, null);
        }
        string? mode = null;
        if (!OperatingSystem.IsWindows())
        {
            var rights = File.GetUnixFileMode(file);
            mode = Convert.ToString((int)rights, 8).PadLeft(4, '0');
            if (
                (rights & (UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite))
                != UnixFileMode.None
            )
            {
                problems.Add(
                    new Finding(
                        $"Other accounts can read or change the root key {file} (mode {mode}).",
                        $"chmod 600 {file}"
                    )
                );
            }
            else if ((rights & UnixFileMode.GroupRead) != UnixFileMode.None)
            {
                hints.Add(
                    new Finding(
                        $"The group of {file} can read the root key (mode {mode}).",
                        $"Run chmod 600 {file}, unless this is intended."
                    )
                );
            }
        }
        try
        {
            RootKey.Load(file, mayCreate: false);
        }
        catch (StoreUnavailable unavailable)
        {
            problems.Add(new Finding(unavailable.Message, "Restore the right file."));
        }
        return new RootKeySeen(file, true, mode, null);
    }

    /// <summary>Whether the server has a public address, which the settings here may lack.</summary>
    private static async Task<bool> IsAddressKept(StoreOptions place, CancellationToken cancel)
    {
        try
        {
            await using var store = Store.OpenAsIs(place, Hub.Clock);
            return (await store.Read(PublicAddress.Kept, cancel)).Count > 0;
        }
        catch (Exception failure) when (failure is StoreUnavailable or DbException)
        {
            return false;
        }
    }

    /// <summary>Null where the key or the store can't be read, which is told elsewhere.</summary>
    private static async Task<bool?> LookAtSeals(StoreOptions place, List<Finding> problems, CancellationToken cancel)
    {
        try
        {
            var rootKey = RootKey.Load(place.RootKeyFile, mayCreate: false);
            using var sealKey = new SealKey(rootKey);
            await using var store = Store.OpenAsIs(place, Hub.Clock);
            var fits = await store.Read(new RootKeyCheck(rootKey, sealKey).Fits, cancel);
            if (fits)
            {
                await LookAtEncryption(store, rootKey, problems, cancel);
            }
            else
            {
                problems.Add(
                    new Finding(
                        RootKeyCheck.WhatIsWrong(place),
                        "Set `RootKeyFile` to the key file that belongs to this store. With another one, the server "
                            + "doesn't start."
                    )
                );
            }
            return fits;
        }
        catch (Exception failure) when (failure is StoreUnavailable or DbException)
        {
            return null;
        }
    }

    /// <summary>Whether the log is sealed and signed, and if not, why.</summary>
    private static async Task LookAtProof(
        CountersignOptions options,
        List<Finding> problems,
        List<Finding> hints,
        CancellationToken cancel
    )
    {
        var place = options.Get<StoreOptions>();
        try
        {
            var rootKey = RootKey.Load(place.RootKeyFile, mayCreate: false);
            using var sealKey = new SealKey(rootKey);
            await using var store = Store.OpenAsIs(place, Hub.Clock);
            var server = new CountersignOptions(
                await PublicAddress.AddTo(options.Configuration, store)
            ).Get<ServerOptions>();
            var signing = SigningPlace.Of(place, options.Get<ProofOptions>(), server);
            var tree = new LogTree(store, rootKey, sealKey, signing, NullLogger<LogTree>.Instance);
            if (await tree.Obstacle(cancel) is { } obstacle)
                problems.Add(new Finding($"The log isn't signed. {obstacle}", "See docs/proof.md#keys-and-epochs."));
            if (!store.IsSqlite && await store.Read(WeakSync, cancel) is { } weak)
            {
                hints.Add(
                    new Finding(
                        $"PostgreSQL has {weak}: a checkpoint could be signed for events that a power cut takes away.",
                        "Switch it on for this database."
                    )
                );
            }
            if (await Sealer.Damage(store, sealKey, cancel) is { } damage)
                problems.Add(new Finding($"The log isn't sealed. {damage}", "Run countersign audit verify."));
        }
        catch (Exception failure) when (failure is StoreUnavailable or DbException)
        {
            // Told elsewhere.
        }
    }

    /// <summary>The setting by which a commit isn't on the disk when it returns, or null without one.</summary>
    private static async ValueTask<string?> WeakSync(Reader reader) =>
        await reader.Text("SHOW synchronous_commit") == "off" ? "`synchronous_commit = off`"
        : await reader.Text("SHOW fsync") == "off" ? "`fsync = off`"
        : null;

    private static async Task<Inspection?> LookAtStore(
        StoreOptions place,
        List<Finding> problems,
        CancellationToken cancel
    )
    {
        try
        {
            return await Inspection.Of(place, Hub.Clock, cancel);
        }
        catch (StoreUnavailable unavailable)
        {
            problems.Add(
                new Finding(
                    unavailable.Message,
                    place.Database is null
                        ? "Check the file and its folder's permissions. If the file is damaged, restore a backup."
                        : "Check `Database`, the network and the server's log."
                )
            );
        }
        catch (Exception failure) when (failure is DbException or ArgumentException)
        {
            problems.Add(
                new Finding(
                    $"The store cannot be read: {failure.Message}",
                    place.Database is null ? "Restore a backup." : "Check `Database`."
                )
            );
        }
        return null;
    }

    private static void Judge(Inspection seen, DateTimeOffset now, List<Finding> problems, List<Finding> hints)
    {
        if (seen.IsNewer)
        {
            problems.Add(
                new Finding(
                    $"The store is newer than this program: it has migration {seen.Applied[^1].Name}.",
                    "Start a newer Countersign, or restore a copy from before the upgrade."
                )
            );
        }
        else if (seen.Strangers.Count > 0)
        {
            problems.Add(
                new Finding(
                    $"The store was created by another build: {string.Join(", ", seen.Strangers)}.",
                    "Start the build that created it, or restore an earlier backup."
                )
            );
        }
        else if (seen.Pending.Count > 0)
        {
            hints.Add(
                new Finding(
                    $"Migrations not applied yet: {string.Join(", ", seen.Pending)}.",
                    "Back up the store, then run countersign migrate or start the server."
                )
            );
        }
        if (seen.LastEventAt > now + Tolerance)
        {
            problems.Add(
                new Finding(
                    $"The last event is dated {Instant.ToText(seen.LastEventAt.Value)}, in the future.",
                    "Check this machine's clock and its time synchronization."
                )
            );
        }
        if (seen.DatabaseAhead is { } ahead && ahead.Duration() > Tolerance)
        {
            problems.Add(
                new Finding(
                    $"The database's clock and this machine's are {ahead.Duration().TotalSeconds:0.0} s apart.",
                    "Check the time synchronization of both."
                )
            );
        }
        if (seen.Admins == 0)
        {
            hints.Add(
                new Finding(
                    "There is no admin yet.",
                    "countersign user add <email> --name <name> --role admin --password-stdin"
                )
            );
        }
    }

    private static async Task<EngineFigures?> LookAtEngine(
        StoreOptions place,
        DateTimeOffset now,
        List<Finding> problems,
        List<Finding> hints,
        CancellationToken cancel
    )
    {
        EngineFigures figures;
        try
        {
            await using var store = Store.OpenAsIs(place, Hub.Clock);
            figures = await store.ReadSnapshot(reader => EngineFigures.Of(reader, now), cancel);
        }
        catch (Exception failure) when (failure is StoreUnavailable or DbException)
        {
            problems.Add(
                new Finding(
                    $"The queue and the log cannot be read: {failure.Message}",
                    "Restore a backup, or check `Database`."
                )
            );
            return null;
        }
        if (figures.SetAside > 0)
        {
            problems.Add(
                new Finding(
                    $"Jobs that failed for good: {figures.SetAside}.",
                    "Find the reason with countersign work list, fix it, then retry them."
                )
            );
        }
        foreach (var alarm in figures.GateAlarms)
        {
            (alarm.Alarm is "undelivered" or "unreachable" ? problems : hints).Add(
                new Finding(
                    alarm.Alarm switch
                    {
                        "undelivered" => $"{alarm.Name}: {alarm.Count} decided, and not delivered yet.",
                        "passed" => $"{alarm.Name}: {alarm.Count} went through without a decision from here.",
                        "gone" => $"{alarm.Name}: {alarm.Count} decided, and no longer waited for.",
                        "not_waiting" => $"{alarm.Name}: {alarm.Count} asked without waiting for the decision.",
                        "refused" => $"{alarm.Name}: its last call was refused.",
                        _ => $"{alarm.Name} can't be called.",
                    },
                    $"See countersign source gate \"{alarm.Name}\", or the source's page."
                )
            );
        }
        foreach (var key in figures.ExpiringKeys.Where(k => k.Left <= Countersign.People.KeyExpiry.Warning))
        {
            hints.Add(
                new Finding(
                    key.Left <= TimeSpan.Zero
                        ? $"The key of the source {key.Name} has expired."
                        : $"The key of the source {key.Name} expires in {Rough(key.Left)}.",
                    $"Rotate it: countersign source rotate \"{key.Name}\""
                )
            );
        }
        foreach (var witness in figures.Witnesses)
        {
            if (witness.Fork is { } fork)
            {
                problems.Add(
                    new Finding(
                        $"A witness knows another history of the log. {fork}",
                        "Until then nothing is signed, and requests go on being decided."
                    )
                );
            }
            else if (witness.Failing > Late)
            {
                hints.Add(
                    new Finding(
                        $"The witness {witness.Name} hasn't cosigned for {Rough(witness.Failing.Value)}. "
                            + witness.Problem,
                        "Receipts have no cosignature of it meanwhile."
                    )
                );
            }
        }
        var late = figures.Jobs.Where(j => j.Overdue > Late).ToList();
        if (late.Count > 0)
        {
            hints.Add(
                new Finding(
                    $"Background work has been due for {Rough(late.Max(j => j.Overdue))}: "
                        + $"{string.Join(", ", late.Select(j => j.Kind))}.",
                    "Is a server running? Check its log."
                )
            );
        }
        if (figures.SealLag > Late)
        {
            hints.Add(
                new Finding(
                    $"{figures.Unsealed} events have not been sealed for {Rough(figures.SealLag)}.",
                    "Is a server running? Check its log."
                )
            );
        }
        return figures;
    }

    private static IEnumerable<Finding> OwnWitnesses(CountersignOptions options) =>
        from witness in options.Get<ProofOptions>().Witnesses
        where witness.Url.IsLoopback || witness.Url.Host == options.Get<ServerOptions>().PublicUrl?.Host
        select new Finding(
            $"The witness {witness.Key.Name} runs on this hub's own machine.",
            "It shows nothing to people who don't trust the hub's owner. Ask someone else to run one: see "
                + "docs/proof.md."
        );

    private static string Rough(TimeSpan time) =>
        time.TotalDays >= 2 ? $"{time.TotalDays:0} days"
        : time.TotalHours >= 2 ? $"{time.TotalHours:0} hours"
        : $"{time.TotalMinutes:0} minutes";

    private static bool IsWritable(string folder)
    {
        try
        {
            var probe = Path.Combine(folder, $".countersign-{Environment.ProcessId}");
            using (
                new FileStream(
                    probe,
                    FileMode.CreateNew,
                    FileAccess.Write,
                    FileShare.None,
                    1,
                    FileOptions.DeleteOnClose
                )
            )
            {
                return true;
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static List<SettingSeen> InForce(IConfigurationRoot configuration, CountersignOptions options) =>
        [
            .. from inForce in options.InForce()
            let setting = inForce.Setting
            select new SettingSeen(
                setting.Name,
                Shown(configuration, setting, inForce.Value),
                CameFrom(configuration, setting.Name)
            ),
        ];

    private static string Shown(IConfigurationRoot configuration, Setting setting, string value) =>
        !setting.IsSecret ? value
        : Source(configuration, setting.Name) is SecretFiles ? "***"
        : Masked(value);

    private static IConfigurationProvider? Source(IConfigurationRoot configuration, string name) =>
        configuration.Providers.LastOrDefault(p => p.TryGet(name, out var value) && !string.IsNullOrEmpty(value));

    private static string CameFrom(IConfigurationRoot configuration, string name) =>
        Source(configuration, name) switch
        {
            null => "default",
            SecretFiles files => files
                .Files.First(f => string.Equals(f.Setting, name, StringComparison.OrdinalIgnoreCase))
                .File,
            CommandLineConfigurationProvider => $"--{name}",
            MemoryConfigurationProvider => $"--{name.ToLowerInvariant()}",
            EnvironmentVariablesConfigurationProvider => ConfigurationSources.EnvironmentPrefix
                + name.Replace(":", "__", StringComparison.Ordinal),
            JsonConfigurationProvider { Source: var source } => source
                .FileProvider?.GetFileInfo(source.Path ?? "")
                .PhysicalPath
                ?? source.Path
                ?? "appsettings.json",
            var other => other.ToString() ?? "",
        };

    /// <summary>A connection string without what must not be seen.</summary>
    private static string Masked(string connection)
    {
        try
        {
            var parts = new DbConnectionStringBuilder { ConnectionString = connection };
            foreach (
                var name in parts
                    .Keys.Cast<string>()
                    .Where(n =>
                        n.Contains("pass", StringComparison.OrdinalIgnoreCase)
                        || n.Contains("pwd", StringComparison.OrdinalIgnoreCase)
                    )
                    .ToList()
            )
            {
                parts[name] = "***";
            }
            return parts.ConnectionString;
        }
        catch (ArgumentException)
        {
            return "***";
        }
    }

    /// <summary>Whether a replacement of the root key was interrupted before it reached all stored secrets.</summary>
    private static async Task LookAtEncryption(
        Store store,
        RootKey rootKey,
        List<Finding> problems,
        CancellationToken cancel
    )
    {
        var earlier = await store.Read(reader => KeyRing.EarlierKeys(reader, rootKey), cancel);
        if (earlier.Count == 0)
            return;
        var left = await store.Read(reader => ReencryptSecrets.Count(reader, EncryptedColumns.All, earlier), cancel);
        problems.Add(
            new Finding(
                "The root key was replaced, but the command was interrupted. Stored secrets that are still encrypted "
                    + $"with a key that the earlier root key opens: {left}.",
                "Stop all servers and run: countersign key rotate --servers-are-stopped"
            )
        );
    }

    private static string Text(Terminal terminal, Report report)
    {
        var facts = new List<string[]>
        {
            new[] { "engine", report.Engine },
            new[] { "store", report.Store },
            new[]
            {
                "data",
                $"{report.Data.Folder}, "
                    + (
                        !report.Data.Exists ? "not there yet"
                        : report.Data.Writable ? "writable"
                        : "not writable"
                    )
                    + ", "
                    + $"{Bytes(report.Data.FreeBytes)} free",
            },
            new[]
            {
                "root key",
                report.RootKey.Exists
                    ? $"{report.RootKey.File}, mode {report.RootKey.Mode ?? "unknown"}"
                        + (
                            report.RootKey.FitsStore switch
                            {
                                true => ", fits the store",
                                false => ", belongs to another store",
                                null => "",
                            }
                        )
                    : $"{report.RootKey.File}, not there",
            },
        };
        if (report.Migrations is { } migrations)
            facts.Add(["migrations", $"{migrations.Applied.Count} applied, {migrations.Pending.Count} pending"]);
        facts.Add([
            "clock",
            report.Clock.Now
                + (report.Clock.LastEventAt is { } last ? $", last event {last}" : "")
                + (report.Clock.DatabaseAheadMs is { } ahead ? $", database {ahead:+0;-0;0} ms" : ""),
        ]);
        if (report.People is { } people)
            facts.Add(["people", $"{people.Total}, including {people.Admins} admins who can sign in"]);
        if (report.Figures is { } figures)
        {
            facts.Add([
                "jobs",
                $"{figures.Jobs.Sum(j => j.Waiting)} in the queue, {figures.Jobs.Sum(j => j.Due)} due, "
                    + $"{figures.SetAside} set aside",
            ]);
            facts.Add([
                "log",
                figures.Followers.All(f => f.Behind == 0)
                    ? "followed to its end"
                    : string.Join(
                        ", ",
                        figures.Followers.Where(f => f.Behind > 0).Select(f => $"{f.Name} {f.Behind} events behind")
                    ),
            ]);
            facts.Add([
                "oldest pending request",
                figures.OldestPending is { } oldest ? $"asked {Rough(oldest)} ago" : "none",
            ]);
        }
        var settings = report.Settings.Select(s => new[] { s.Name, s.Value.Length == 0 ? "-" : s.Value, s.From });
        return string.Join(
            "\n\n",
            new[]
            {
                $"Countersign {report.Version}",
                terminal.Table(facts),
                terminal.Table([
                    ["setting", "value", "from"],
                    .. settings,
                ]),
                report.Problems.Count == 0 ? "" : "Wrong:\n" + Lines(report.Problems),
                report.Hints.Count == 0 ? "" : "Suggestions:\n" + Lines(report.Hints),
                report.Ok ? "No problems found." : "",
            }.Where(part => part.Length > 0)
        );

        static string Lines(IReadOnlyList<Finding> findings) =>
            string.Join('\n', findings.Select(f => $"- {f.What} {f.Fix}"));
    }

    private static string Bytes(long bytes) =>
        bytes >= 1L << 30
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB")
            : string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20} MiB");

    private sealed record Report(
        bool Ok,
        string Version,
        string Engine,
        string Store,
        FolderSeen Data,
        RootKeySeen RootKey,
        MigrationsSeen? Migrations,
        ClockSeen Clock,
        PeopleSeen? People,
        EngineFigures? Figures,
        IReadOnlyList<SettingSeen> Settings,
        IReadOnlyList<Finding> Problems,
        IReadOnlyList<Finding> Hints
    );

    private sealed record FolderSeen(string Folder, bool Exists, bool Writable, long FreeBytes);

    private sealed record RootKeySeen(string File, bool Exists, string? Mode, bool? FitsStore);

    private sealed record MigrationsSeen(IReadOnlyList<string> Applied, IReadOnlyList<string> Pending);

    private sealed record ClockSeen(string Now, string? LastEventAt, long? DatabaseAheadMs);

    private sealed record PeopleSeen(long Total, long Admins);

    private sealed record SettingSeen(string Name, string Value, string From);

    private sealed record Finding(string What, string Fix);
}
