using Countersign.Audit;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Npgsql;
using Xunit;

namespace Countersign.Tests.Cli;

public sealed class BackupTests
{
    [Fact]
    public async Task A_copy_taken_while_others_write_is_whole_and_restores_with_the_root_key()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        var submit = new Submit(shell.Place.Store, new RequestIds());
        var source = Some.Done(
            await new Sources(shell.Place.Store).Add("Pipeline", "api", null, null, Some.Operator, default)
        );
        var asked = 0;
        using var stop = new CancellationTokenSource();
        var writers = Enumerable
            .Range(0, 4)
            .Select(n =>
                Task.Run(async () =>
                {
                    while (!stop.IsCancellationRequested)
                    {
                        await submit.Run(
                            Some.Content($"Change {n}") with
                            {
                                SourceId = source.Id,
                            },
                            Some.Origin,
                            null,
                            default
                        );
                        Interlocked.Increment(ref asked);
                    }
                })
            )
            .ToList();
        await Eventually.True(() => Volatile.Read(ref asked) > 100, "a hundred requests");

        var before = Volatile.Read(ref asked);
        var copy = Path.Combine(shell.Folder, "copy.db");
        var made = (await shell.Json("backup", copy)).Done;
        Assert.Equal(("sqlite", copy), (made.GetProperty("engine").GetString(), made.GetProperty("file").GetString()));
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(copy));
        Assert.True(made.GetProperty("noted").GetBoolean());
        Assert.NotNull((await shell.Place.Store.Read(LastBackup.Of)).At);

        var restored = System.IO.Directory.CreateDirectory(Path.Combine(shell.Folder, "restored")).FullName;
        File.Copy(copy, Path.Combine(restored, "countersign.db"));
        File.Copy(shell.RootKeyFile, Path.Combine(restored, "root.key"));
        await using (var store = await Store.Open(new StoreOptions(restored, null), shell.Place.Clock))
        {
            Assert.InRange(await store.Read(r => r.Number("SELECT count(*) FROM requests")), before, asked);
            Assert.Equal("ok", await store.Read(r => r.Text("PRAGMA integrity_check")));
        }
        var verified = (await Shell.Anywhere(["audit", "verify", "--data", restored, "--json"])).Done;
        Assert.True(verified.GetProperty("ok").GetBoolean());
        Assert.InRange(verified.GetProperty("events").GetInt64(), before, asked + 1);
    }

    [Fact]
    public async Task A_backup_replaces_no_file_and_leaves_no_half_one()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        var file = Path.Combine(shell.Folder, "copy.db");
        await File.WriteAllTextAsync(file, "precious", TestContext.Current.CancellationToken);
        Assert.Equal((1, "exists"), (await shell.Json("backup", file)).Failure);
        Assert.NotNull((await shell.Place.Store.Read(LastBackup.Of)).FailedAt);
        Assert.Equal("precious", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal(
            (1, "not_found"),
            (await shell.Json("backup", Path.Combine(shell.Folder, "nowhere", "copy.db"))).Failure
        );
        Assert.Equal(
            ["copy.db", "root.key"],
            System.IO.Directory.EnumerateFiles(shell.Folder).Select(Path.GetFileName).Order()
        );
    }

    [Fact]
    public async Task A_copy_of_a_store_from_before_an_upgrade_is_not_upgraded()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        await shell.Place.Tamper("UPDATE migrations SET checksum = 'of another build'");
        Assert.Equal((1, "store_different"), (await shell.Json("user", "list")).Failure);
        var made = await shell.Json("backup", Path.Combine(shell.Folder, "copy.db"));
        Assert.Equal(0, made.ExitCode);
        Assert.False(made.Done.GetProperty("noted").GetBoolean());
    }

    [Theory, PostgresOnly]
    public async Task PostgreSQL_is_copied_to_a_file_that_restores(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada");
        var file = Path.Combine(shell.Folder, "copy.dump");
        var made = (await shell.Json("backup", file)).Done;
        Assert.Equal(
            ("postgresql", file),
            (made.GetProperty("engine").GetString(), made.GetProperty("file").GetString())
        );
        Assert.Equal(new FileInfo(file).Length, made.GetProperty("bytes").GetInt64());
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

        await using var other = await Shell.StartEmpty(engine);
        var to = new NpgsqlConnectionStringBuilder(other.Place.Options.Database);
        var restored = await Programs.Run(
            "pg_restore",
            [
                "--no-owner",
                "--exit-on-error",
                $"--host={to.Host}",
                $"--port={to.Port}",
                $"--username={to.Username}",
                $"--dbname={to.Database}",
                file,
            ]
        );
        Assert.Equal((0, ""), (restored.Code, restored.Error));
        var people = (await other.Json("user", "list")).Done.GetProperty("people").EnumerateArray();
        Assert.Equal("ada@example.test", Assert.Single(people).GetProperty("email").GetString());
    }

    [Theory, PostgresOnly]
    public async Task Where_no_copy_can_be_made_the_verb_fails_and_says_how(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var file = Path.Combine(shell.Folder, "copy.dump");
        shell.Variables["PATH"] = shell.Folder;
        var missing = await shell.Program("", "backup", file, "--json");
        Assert.Equal((1, "unavailable"), missing.Failure);
        Assert.Contains("pg_dump isn't installed", missing.Error, StringComparison.Ordinal);

        var program = Path.Combine(shell.Folder, "pg_dump");
        await File.WriteAllTextAsync(
            program,
            "#!/bin/sh\necho 'pg_dump: error: server version mismatch' >&2\nexit 1\n",
            TestContext.Current.CancellationToken
        );
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var old = await shell.Program("", "backup", file, "--json");
        Assert.Equal((1, "unavailable"), old.Failure);
        Assert.Contains("server version mismatch", old.Error, StringComparison.Ordinal);
        Assert.Equal(
            ["pg_dump", "root.key"],
            System.IO.Directory.EnumerateFiles(shell.Folder).Select(Path.GetFileName).Order()
        );
    }

    [Theory]
    [InlineData(
        "Host=db;Port=5433;Database=hub;Username=ann;Password='p;w';SSL Mode=VerifyFull;Root Certificate=/ca.pem",
        "PGDATABASE=hub PGHOST=db PGPASSWORD=p;w PGPORT=5433 PGSSLMODE=verify-full PGSSLROOTCERT=/ca.pem PGUSER=ann"
    )]
    [InlineData(
        "Host=one:5433,two,[::1]:5434;Username=ann",
        "PGDATABASE=ann PGHOST=one,two,::1 PGPORT=5433,5432,5434 PGSSLMODE=prefer PGUSER=ann"
    )]
    [InlineData(
        "Host=/run/postgresql;Username=ann;Passfile=/pass;SSL Mode=Disable",
        "PGDATABASE=ann PGHOST=/run/postgresql PGPASSFILE=/pass PGPORT=5432 PGSSLMODE=disable PGUSER=ann"
    )]
    public void A_connection_string_becomes_the_variables_of_its_own_programs(string connection, string variables) =>
        Assert.Equal(
            variables,
            string.Join(
                ' ',
                PostgresDump
                    .Variables(connection)
                    .Where(v => v.Key != "PGAPPNAME")
                    .Select(v => $"{v.Key}={v.Value}")
                    .Order()
            )
        );
}
