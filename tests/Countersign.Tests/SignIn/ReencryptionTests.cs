using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using Countersign.Audit;
using Countersign.Cli;
using Countersign.Gates.GitHub;
using Countersign.SignIn;
using Countersign.Tests.Audit;
using Countersign.Tests.Cli;
using Microsoft.AspNetCore.DataProtection;
using Xunit;

namespace Countersign.Tests;

/// <summary>A new root key takes over the stored secrets, too.</summary>
public sealed class ReencryptionTests
{
    private const string Stopped = "--servers-are-stopped";

    /// <summary>How data protection begins every text that it encrypts, in base64.</summary>
    private const string Encrypted = "CfDJ8";

    /// <summary>Why what these encrypt isn't stored.</summary>
    private static readonly Dictionary<Type, string> StoreNothing = new()
    {
        [typeof(CreateGitHubApp)] = "The state that a browser brings back from GitHub.",
        [typeof(ReencryptSecrets)] = "Encrypts the others.",
    };

    [Fact]
    public void Everything_that_stores_encrypted_texts_says_in_which_columns()
    {
        var silent =
            from type in typeof(Program).Assembly.GetTypes()
            where !StoreNothing.ContainsKey(type)
            where
                type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                    .Any(c => c.GetParameters().Any(p => p.ParameterType == typeof(IDataProtectionProvider)))
            where
                type.GetField("Encrypted", BindingFlags.Static | BindingFlags.NonPublic)?.GetValue(null)
                    is not EncryptedColumn[] { Length: > 0 } columns
                || columns.Any(c => !EncryptedColumns.All.Contains(c))
            select type.FullName;

        Assert.Equal([], silent);
    }

    [Theory, BothEngines]
    public async Task No_stored_secret_stays_under_a_key_that_the_earlier_root_key_opens(Engine engine)
    {
        await using var scene = await Scene.Start(engine);
        var before = await scene.Secrets();
        await scene.EveryEncryptedColumnIsKnownAndFilled();
        var stolen = scene
            .KeyRing()
            .CreateProtector("Countersign.anything")
            .Protect("made with the ring's earlier key");

        var rotated = (await scene.Shell.Json("key", "rotate", Stopped)).Done;

        Assert.Equal(before.Count, rotated.GetProperty("reencrypted").GetInt32());
        Assert.Equal(0, rotated.GetProperty("unreadable").GetInt32());
        await scene.NothingIsUnderTheEarlierKeys(before);
        Assert.ThrowsAny<CryptographicException>(() =>
            scene.KeyRing().CreateProtector("Countersign.anything").Unprotect(stolen)
        );
    }

    [Theory, BothEngines]
    public async Task A_replacement_that_was_interrupted_is_finished_by_a_further_run_and_doctor_says_so(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var scene = await Scene.Start(engine);
        var before = await scene.Secrets();
        var earlier = await File.ReadAllTextAsync(scene.Shell.RootKeyFile, TestContext.Current.CancellationToken);
        await scene.Refuse("launchdarkly_connections");

        Assert.NotEqual(0, (await scene.Shell.Json("key", "rotate", Stopped)).ExitCode);

        var replaced = await File.ReadAllTextAsync(scene.Shell.RootKeyFile, TestContext.Current.CancellationToken);
        Assert.NotEqual(earlier, replaced);
        Assert.Equal(before.Values.Select(s => s.Plain), (await scene.Secrets()).Values.Select(s => s.Plain));
        Assert.Contains("a key that the earlier root key opens: 2.", await scene.Doctor(), StringComparison.Ordinal);

        await scene.RefuseNoMore("launchdarkly_connections");
        var finished = (await scene.Shell.Json("key", "rotate", Stopped)).Done;

        Assert.Equal(2, finished.GetProperty("reencrypted").GetInt32());
        Assert.Equal(
            replaced,
            await File.ReadAllTextAsync(scene.Shell.RootKeyFile, TestContext.Current.CancellationToken)
        );
        await scene.NothingIsUnderTheEarlierKeys(before);
    }

    [Theory, BothEngines]
    public async Task A_secret_that_cannot_be_read_stays_as_it_is_and_is_counted(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var scene = await Scene.Start(engine);
        await scene.Shell.Place.Tamper("UPDATE webhook_secrets SET secret = secret || 'AAAA'");
        var damaged = await scene.Shell.Place.Count("webhook_secrets");

        var rotated = (await scene.Shell.Json("key", "rotate", Stopped)).Done;

        Assert.Equal(damaged, rotated.GetProperty("unreadable").GetInt32());
        Assert.DoesNotContain("interrupted", await scene.Doctor(), StringComparison.Ordinal);
    }

    /// <summary>The real process, ended without warning.</summary>
    [Theory, BothEngines]
    public async Task A_process_that_is_killed_in_the_middle_loses_no_secret(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var scene = await Scene.Start(engine);
        await scene.AddWebhookSecrets(LongRun.IsAskedFor ? 5_000 : 1_000);
        var before = await scene.Secrets();
        for (var round = 0; round < (LongRun.IsAskedFor ? 10 : 1); round++)
        {
            using var process = scene.Shell.StartProgram("key", "rotate", Stopped, "--json");
            // The earlier file is kept after the store has the new key, and before any secret is encrypted anew.
            var kept = Directory.GetFiles(scene.KeyFolder, "*.old").Length;
            await Eventually.True(
                () => process.HasExited || Directory.GetFiles(scene.KeyFolder, "*.old").Length > kept,
                "the new root key is in its place"
            );
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).Soon();
        }

        Assert.Equal(0, (await scene.Shell.Json("key", "rotate", Stopped)).ExitCode);
        if ((await scene.Doctor()).Contains("interrupted", StringComparison.Ordinal))
            Assert.Equal(0, (await scene.Shell.Json("key", "rotate", Stopped)).ExitCode);
        await scene.NothingIsUnderTheEarlierKeys(before);
    }

    /// <param name="RingKey">With which it is encrypted.</param>
    private sealed record Secret(string Plain, Guid RingKey);

    /// <summary>A hub that has lived through a lot, and its command line.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        private readonly RecordedHub _recorded;

        private Scene(RecordedHub recorded) =>
            (_recorded, Shell) = (recorded, Shell.On(recorded.Hub.Place, recorded.RootKeyFile));

        public Shell Shell { get; }
        public string KeyFolder => Path.GetDirectoryName(Shell.RootKeyFile)!;

        public static async Task<Scene> Start(Engine engine)
        {
            var recorded = await RecordedHub.Start(engine);
            await recorded.LiveThroughALot();
            await recorded.Sealer.SealAll();
            var scene = new Scene(recorded);
            // What isn't there after all that: a token that was fetched, and a caller that waits.
            var (place, ring) = (recorded.Hub.Place, recorded.KeyRing);
            var (token, reply) = (
                ring.CreateProtector("Countersign.Destinations").Protect("a token"),
                ring.CreateProtector("Countersign.Gates").Protect("{}")
            );
            await place.Tamper($"UPDATE destinations SET token = '{token}'");
            await place.Tamper(
                $"""
                INSERT INTO gate_replies (request_id, source_id, reply, state, asked_at)
                SELECT min(id), 1, '{reply}', 'open', '2026-03-04T05:06:07.089Z' FROM requests
                """
            );
            return scene;
        }

        public IDataProtectionProvider KeyRing() => KeyRingTests.ProviderOf(Shell.Place.Store, Shell.RootKeyFile);

        public async Task AddWebhookSecrets(int count)
        {
            var protector = _recorded.KeyRing.CreateProtector("Countersign.webhook-secret");
            var webhook = await Shell.Place.Number("SELECT min(id) FROM webhooks");
            await Shell.Place.Store.InTransaction(async tx =>
            {
                for (var n = 0; n < count; n++)
                {
                    await tx.Execute(
                        "INSERT INTO webhook_secrets (webhook_id, secret, created_at) VALUES (@webhook, @secret, @now)",
                        new
                        {
                            webhook,
                            secret = protector.Protect($"secret {n}"),
                            now = tx.Now,
                        }
                    );
                }
            });
        }

        /// <summary>By column and row, decrypted as a process does that starts now.</summary>
        public async Task<SortedDictionary<string, Secret>> Secrets()
        {
            var (ring, found) = (KeyRing(), new SortedDictionary<string, Secret>(StringComparer.Ordinal));
            foreach (var column in EncryptedColumns.All)
            {
                var rows = await Shell.Place.Store.Read(r =>
                    r.All<EncryptedText>(
                        $"SELECT CAST({column.Key} AS TEXT) AS key, {column.Person ?? "NULL"} AS person, "
                            + $"{column.Column} AS text FROM {column.Table} WHERE {column.Column} IS NOT NULL"
                    )
                );
                foreach (var row in rows)
                {
                    var protector = ring.CreateProtector(column.Purpose);
                    if (row.Person is { } person)
                        protector = protector.CreateProtector(person.ToString(CultureInfo.InvariantCulture));
                    found.Add(
                        $"{column.Table}.{column.Column} {row.Key}",
                        new Secret(protector.Unprotect(row.Text), row.RingKey!.Value)
                    );
                }
            }
            return found;
        }

        /// <summary>A new column with encrypted texts fails here until its feature names it.</summary>
        public async Task EveryEncryptedColumnIsKnownAndFilled()
        {
            var encrypted = new List<string>();
            foreach (var table in await LiveSchema.Of(Shell.Place))
            {
                foreach (var column in table.Columns.Where(c => c.IsText))
                {
                    if (
                        await Shell.Place.Number(
                            $"SELECT count(*) FROM {table.Name} WHERE {column.Name} LIKE '%{Encrypted}%'"
                        ) > 0
                    )
                    {
                        encrypted.Add($"{table.Name}.{column.Name}");
                    }
                }
            }
            Assert.Equal(
                EncryptedColumns.All.Select(c => $"{c.Table}.{c.Column}").Order(StringComparer.Ordinal),
                encrypted.Order(StringComparer.Ordinal)
            );
        }

        public async Task NothingIsUnderTheEarlierKeys(SortedDictionary<string, Secret> before)
        {
            var after = await Secrets();
            Assert.Equal(before.Select(s => (s.Key, s.Value.Plain)), after.Select(s => (s.Key, s.Value.Plain)));
            Assert.Empty(after.Values.Select(s => s.RingKey).Intersect(before.Values.Select(s => s.RingKey)));
            Assert.DoesNotContain("interrupted", await Doctor(), StringComparison.Ordinal);
            // The policies of these requests come from no file.
            using var key = new SealKey(RootKey.Load(Shell.RootKeyFile, mayCreate: false));
            Assert.Null((await new Verify(Shell.Place.Store, key) { ChecksPolicies = false }.Run(null)).Problem);
        }

        public async Task<string> Doctor() =>
            (await Shell.Json("doctor")).Document.GetProperty("problems").GetRawText();

        /// <summary>Changes of this table fail, as they do where a run ends in the middle.</summary>
        public Task<int> Refuse(string table) =>
            Shell.Place.Tamper(
                Shell.Place.Engine == Engine.Postgres
                    ? $"ALTER TABLE {table} ADD CONSTRAINT refused CHECK (base_url = '') NOT VALID"
                    : $"CREATE TRIGGER refused BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END"
            );

        public Task<int> RefuseNoMore(string table) =>
            Shell.Place.Tamper(
                Shell.Place.Engine == Engine.Postgres
                    ? $"ALTER TABLE {table} DROP CONSTRAINT refused"
                    : "DROP TRIGGER refused"
            );

        public async ValueTask DisposeAsync()
        {
            await Shell.DisposeAsync();
            await _recorded.DisposeAsync();
        }
    }
}
