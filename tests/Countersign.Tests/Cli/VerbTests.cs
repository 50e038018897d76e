using System.Text.Json;
using Countersign.Audit;
using Countersign.SignIn;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Cli;

public sealed class VerbTests
{
    [Theory, BothEngines]
    public async Task People_are_added_listed_shut_out_and_let_in_again(Engine engine)
    {
        await using var shell = await Shell.StartEmpty(engine);
        var ada = (
            await shell.RunWithInput(
                "correct horse\nmore\n",
                "user",
                "add",
                "ada@example.test",
                "--name",
                "Ada Löve",
                "--role",
                "admin",
                "--password-stdin",
                "--json"
            )
        ).Done;
        Assert.Equal("""{"id":1,"email":"ada@example.test","name":"Ada Löve","role":"admin"}""", ada.GetRawText());
        Assert.Equal(
            "agent",
            (await shell.Json("user", "add", "bob@example.test", "--name", "Bob")).Done.GetProperty("role").GetString()
        );

        Assert.Equal((1, "exists"), (await shell.Json("user", "add", "ADA@example.test", "--name", "Another")).Failure);
        Assert.Equal((1, "invalid"), (await shell.Json("user", "add", "nobody", "--name", "Nobody")).Failure);
        Assert.Equal(
            (1, "invalid"),
            (
                await shell.RunWithInput(
                    "short\n",
                    "user",
                    "password",
                    "bob@example.test",
                    "--password-stdin",
                    "--json"
                )
            ).Failure
        );
        Assert.Equal(
            (2, "usage"),
            (await shell.RunWithInput("", "user", "password", "bob@example.test", "--password-stdin", "--json")).Failure
        );
        Assert.Equal((1, "not_found"), (await shell.Json("user", "disable", "eve@example.test")).Failure);

        Assert.True(
            (await shell.Json("user", "disable", "Bob@example.test")).Done.GetProperty("disabled").GetBoolean()
        );
        var people = (await shell.Json("user", "list")).Done.GetProperty("people").EnumerateArray().ToList();
        Assert.Equal(
            [("ada@example.test", false), ("bob@example.test", true)],
            people.Select(p => (p.GetProperty("email").GetString()!, p.GetProperty("disabled").GetBoolean()))
        );
        Assert.Equal(
            ["id", "email", "name", "role", "disabled", "createdAt", "aliases", "earlierNames"],
            people[0].EnumerateObject().Select(p => p.Name)
        );
        Assert.Equal(24, people[0].GetProperty("createdAt").GetString()!.Length);
        Assert.False(
            (await shell.Json("user", "enable", "bob@example.test")).Done.GetProperty("disabled").GetBoolean()
        );

        await using var store = await Store.Open(shell.Place.Options, shell.Place.Clock);
        var events = await store.Read(r => r.All<StoredEvent>($"SELECT {StoredEvent.Columns} FROM events ORDER BY id"));
        Assert.Equal(["person.added", "person.added", "person.disabled", "person.enabled"], events.Select(e => e.Kind));
        Assert.All(
            events,
            e => Assert.Equal(("operator", "cli", $"os:{Environment.UserName}"), (e.Actor, e.Via, e.Address))
        );
        Assert.DoesNotContain(events, e => e.Data.Contains("correct horse", StringComparison.Ordinal));
    }

    [Theory, BothEngines]
    public async Task The_last_admin_is_only_taken_away_by_force(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada", "--role", "admin");
        await shell.Json("user", "add", "bob@example.test", "--name", "Bob");
        string[] disable = ["user", "disable", "ada@example.test"],
            demote = ["user", "role", "ada@example.test", "agent"];
        var events = await shell.Place.Count("events");
        foreach (var verb in new[] { disable, demote })
            Assert.Equal((1, "invalid"), (await shell.Json(verb)).Failure);
        var import = await shell.RunWithInput(
            """[{"email":"ada@example.test","role":"agent"}]""",
            ["user", "import", "-", "--json"]
        );
        Assert.Contains("No admin would be left", import.Error, StringComparison.Ordinal);
        Assert.Equal(events, await shell.Place.Count("events"));

        // Someone who can't sign in is no admin that is left; one who can is.
        await shell.Json("user", "add", "cyd@example.test", "--name", "Cyd", "--role", "admin");
        await shell.Json("user", "disable", "cyd@example.test");
        Assert.Equal((1, "invalid"), (await shell.Json(disable)).Failure);
        await shell.Json("user", "enable", "cyd@example.test");
        Assert.Equal(0, (await shell.Json(demote)).ExitCode);
        Assert.Equal((1, "invalid"), (await shell.Json("user", "disable", "cyd@example.test")).Failure);
        Assert.Equal(0, (await shell.Json("user", "disable", "cyd@example.test", "--force")).ExitCode);
    }

    [Theory, BothEngines]
    public async Task Groups_gain_and_lose_members(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada");
        await shell.Json("user", "add", "bob@example.test", "--name", "Bob");
        Assert.Equal(
            """{"id":1,"name":"SRE"}""",
            (
                await shell.Json("group", "add", "SRE", "--member", "ada@example.test", "--member", "bob@example.test")
            ).Done.GetRawText()
        );
        Assert.Equal((1, "exists"), (await shell.Json("group", "add", "sre")).Failure);
        Assert.Equal(
            (1, "not_found"),
            (await shell.Json("group", "add", "Others", "--member", "eve@example.test")).Failure
        );
        Assert.Equal(
            (1, "not_found"),
            (await shell.Json("group", "member", "add", "Others", "ada@example.test")).Failure
        );

        Assert.Equal(
            ["ada@example.test"],
            Members((await shell.Json("group", "member", "remove", "SRE", "bob@example.test")).Done)
        );
        Assert.Equal(
            ["ada@example.test", "bob@example.test"],
            Members((await shell.Json("group", "member", "add", "SRE", "bob@example.test")).Done)
        );
        var group = Assert.Single((await shell.Json("group", "list")).Done.GetProperty("groups").EnumerateArray());
        Assert.Equal(["ada@example.test", "bob@example.test"], Members(group));

        static IEnumerable<string?> Members(JsonElement group) =>
            group.GetProperty("members").EnumerateArray().Select(m => m.GetString());
    }

    [Theory, BothEngines]
    public async Task A_token_is_shown_once_and_kept_as_a_hash(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada");
        var made = (await shell.Json("token", "add", "ada@example.test")).Done;
        Assert.Equal(["id", "token"], made.EnumerateObject().Select(p => p.Name));
        var token = made.GetProperty("token").GetString()!;
        Assert.Equal(Keys.HashOf(token), await shell.Place.Text("SELECT hash FROM tokens"));
        Assert.DoesNotContain(token, (await shell.Json("token", "list")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain(await shell.Place.Events(), e => e.Data.Contains(token, StringComparison.Ordinal));

        Assert.NotEqual(
            JsonValueKind.Null,
            (await shell.Json("token", "revoke", "1")).Done.GetProperty("revokedAt").ValueKind
        );
        Assert.Equal((1, "not_found"), (await shell.Json("token", "revoke", "2")).Failure);
        Assert.Equal((1, "not_found"), (await shell.Json("token", "add", "eve@example.test")).Failure);
        Assert.Contains("revoked", (await shell.Run("token", "list")).Output, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task A_sources_key_is_shown_once_and_rotates(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await shell.Json("group", "add", "SRE");
        var made = (await shell.Json("source", "add", "LaunchDarkly", "--group", "SRE", "--need", "2")).Done;
        Assert.Equal(["id", "name", "key"], made.EnumerateObject().Select(p => p.Name));
        var key = made.GetProperty("key").GetString()!;
        Assert.Matches("^[A-Za-z0-9_-]+$", key);
        Assert.Equal((1, "exists"), (await shell.Json("source", "add", "launchdarkly")).Failure);
        Assert.Equal((1, "not_found"), (await shell.Json("source", "add", "Another", "--group", "None")).Failure);
        Assert.Equal((1, "invalid"), (await shell.Json("source", "add", "Another", "--need", "2")).Failure);

        var second = (await shell.Json("source", "rotate", "launchdarkly")).Done;
        Assert.Equal("LaunchDarkly", second.GetProperty("name").GetString());
        Assert.Equal((Keys.HashOf(second.GetProperty("key").GetString()!), Keys.HashOf(key)), await Hashes());
        await shell.Json("source", "rotate", "LaunchDarkly", "--end-old");
        Assert.Equal((Keys.HashOf(second.GetProperty("key").GetString()!), null), await Hashes());

        var source = Assert.Single((await shell.Json("source", "list")).Done.GetProperty("sources").EnumerateArray());
        Assert.Equal(
            [
                "id",
                "name",
                "kind",
                "group",
                "need",
                "destination",
                "disabled",
                "createdAt",
                "lastUsedAt",
                "unknownRequester",
                "claimedRequester",
                "owner",
                "requesterRequired",
                "keyExpires",
                "oldKeyExpires",
                "oauthClient",
                "oauthSubject",
            ],
            source.EnumerateObject().Select(p => p.Name)
        );
        Assert.Equal(
            ("launchdarkly", "SRE", 2),
            (
                source.GetProperty("kind").GetString(),
                source.GetProperty("group").GetString(),
                source.GetProperty("need").GetInt32()
            )
        );
        var set = (await shell.Json("source", "set", "launchdarkly", "--need", "3")).Done;
        Assert.Equal(("SRE", 3), (set.GetProperty("group").GetString(), set.GetProperty("need").GetInt32()));
        Assert.Equal((1, "invalid"), (await shell.Json("source", "set", "LaunchDarkly")).Failure);
        Assert.Equal(
            (1, "invalid"),
            (await shell.Json("source", "set", "LaunchDarkly", "--admin", "--group", "SRE")).Failure
        );
        Assert.Equal(
            (1, "not_found"),
            (await shell.Json("source", "set", "LaunchDarkly", "--destination", "None")).Failure
        );
        Assert.Equal(
            "Platform",
            (await shell.Json("group", "rename", "sre", "Platform")).Done.GetProperty("name").GetString()
        );
        Assert.Contains(
            "are decided by 3 of Platform.",
            (await shell.Run("source", "set", "LaunchDarkly", "--group", "platform")).Output,
            StringComparison.Ordinal
        );
        Assert.Equal((1, "not_found"), (await shell.Json("group", "rename", "SRE", "Again")).Failure);
        Assert.Contains(
            "are decided by one admin.",
            (await shell.Run("source", "set", "LaunchDarkly", "--admin")).Output,
            StringComparison.Ordinal
        );
        Assert.Equal((1, "invalid"), (await shell.Json("source", "set", "LaunchDarkly", "--need", "2")).Failure);
        Assert.True((await shell.Json("source", "disable", "LaunchDarkly")).Done.GetProperty("disabled").GetBoolean());
        Assert.False((await shell.Json("source", "enable", "LaunchDarkly")).Done.GetProperty("disabled").GetBoolean());
        Assert.Equal((1, "not_found"), (await shell.Json("source", "disable", "zendesk")).Failure);

        async Task<(string?, string?)> Hashes() =>
            (
                await shell.Place.Text("SELECT key_hash FROM sources WHERE name = 'LaunchDarkly'"),
                await shell.Place.Text("SELECT old_key_hash FROM sources WHERE name = 'LaunchDarkly'")
            );
    }

    [Fact]
    public async Task A_new_source_says_what_to_paste_where()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        var inside = (await shell.Run("source", "add", "Inside", "--PathBase", "/approvals")).Output;
        Assert.Contains("http://localhost:5080/approvals", inside, StringComparison.Ordinal);
        Assert.Contains("set PublicUrl", inside, StringComparison.OrdinalIgnoreCase);
        foreach (
            var told in new[]
            {
                "API Token                          csk_",
                "Approval system                          Inside\n",
                "Name                               Inside\n",
                "--url http://localhost:5080/approvals --key csk_",
            }
        )
        {
            Assert.Contains(told, inside, StringComparison.Ordinal);
        }
        var outside = (
            await shell.Run("source", "add", "Outside", "--PublicUrl=https://approvals.example.test/")
        ).Output;
        Assert.Contains("https://approvals.example.test\n", outside, StringComparison.Ordinal);
        Assert.DoesNotContain("set PublicUrl", outside, StringComparison.Ordinal);
        Assert.Contains(
            "Authorization: Bearer csk_",
            (await shell.Run("source", "add", "Pipeline", "--kind", "api")).Output,
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task Verbs_work_while_others_write_without_a_pause(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        using var stop = new CancellationTokenSource();
        var writers = Enumerable
            .Range(0, 8)
            .Select(n =>
                Task.Run(async () =>
                {
                    while (!stop.IsCancellationRequested)
                    {
                        await shell.Place.Store.InTransaction(async tx =>
                            await tx.Append($"test:{n}", Some.Origin, "test.written", new { })
                        );
                    }
                })
            )
            .ToList();

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(
                0,
                (await shell.Json("user", "add", $"person{i}@example.test", "--name", "Somebody")).ExitCode
            );
        }
        Assert.Equal(5, (await shell.Json("user", "list")).Done.GetProperty("people").GetArrayLength());

        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    [Theory, BothEngines]
    public async Task A_person_gets_and_loses_aliases_and_a_file_brings_more(Engine engine)
    {
        await using var shell = await Shell.StartEmpty(engine);
        await shell.Json("user", "add", "ann@example.test", "--name", "Ann");
        var ann = (await shell.Json("user", "alias", "add", "Ann@example.test", "ann.smith@darkly.example")).Done;
        Assert.Equal(["ann.smith@darkly.example"], Texts(ann, "aliases"));
        Assert.Equal(
            "Ann is also known as asmith.\n",
            (await shell.Run("user", "alias", "add", "ann@example.test", "asmith")).Output.ReplaceLineEndings("\n")
        );
        Assert.Equal((1, "invalid"), (await shell.Json("user", "alias", "add", "ann@example.test", " ")).Failure);
        Assert.Equal((1, "not_found"), (await shell.Json("user", "alias", "add", "eve@example.test", "eve")).Failure);
        Assert.Equal(
            ["asmith"],
            Texts(
                (await shell.Json("user", "alias", "remove", "ann@example.test", "ANN.SMITH@darkly.example")).Done,
                "aliases"
            )
        );
        Assert.Equal(
            (1, "not_found"),
            (await shell.Json("user", "alias", "remove", "ann@example.test", "other")).Failure
        );

        var file = Path.Combine(shell.Folder, "people.csv");
        await File.WriteAllTextAsync(
            file,
            "email,name,aliases\nann@example.test,Ann Smith,asmith;annie\nben@example.test,Ben,\n"
        );
        Assert.Equal(
            """{"added":["ben@example.test"],"changed":["ann@example.test"],"unchanged":0,"aliases":1}""",
            (await shell.Json("user", "import", file)).Done.GetRawText()
        );
        Assert.Contains(
            "0 added, 0 changed, 2 unchanged; 0 new aliases.",
            (await shell.Run("user", "import", file)).Output,
            StringComparison.Ordinal
        );
        Assert.Equal(["Ann"], Texts((await shell.Json("user", "list")).Done.GetProperty("people")[0], "earlierNames"));
        await File.WriteAllTextAsync(file, "email,name\ncid@example.test,Cid\nx,X\n");
        Assert.Equal((1, "invalid"), (await shell.Json("user", "import", file)).Failure);
        Assert.Contains(
            "line 3: This isn't an email address.",
            (await shell.Run("user", "import", file)).Error,
            StringComparison.Ordinal
        );
        Assert.Equal(2, (await shell.Json("user", "list")).Done.GetProperty("people").GetArrayLength());
        Assert.Equal((1, "not_found"), (await shell.Json("user", "import", file + ".none")).Failure);

        static IEnumerable<string?> Texts(JsonElement person, string member) =>
            person.GetProperty(member).EnumerateArray().Select(a => a.GetString());
    }

    [Theory, BothEngines]
    public async Task A_source_says_what_an_unknown_requester_costs_and_who_answers_for_it(Engine engine)
    {
        await using var shell = await Shell.StartEmpty(engine);
        await shell.Json("user", "add", "ann@example.test", "--name", "Ann");
        await shell.Json("source", "add", "LD", "--owner", "ann@example.test");
        await shell.Json("source", "add", "builds", "--kind", "api");
        Assert.Equal(
            (1, "not_found"),
            (await shell.Json("source", "add", "more", "--owner", "eve@example.test")).Failure
        );
        var set = (
            await shell.Json(
                "source",
                "set",
                "LD",
                "--unknown-requester",
                "allow",
                "--claimed-requester",
                "one_more",
                "--admin"
            )
        ).Done;
        Assert.Equal(("allow", "one_more", "ann@example.test", false), Settings(set));
        Assert.Contains(
            "can approve their own change",
            (await shell.Run("source", "set", "LD", "--no-owner")).Output,
            StringComparison.Ordinal
        );
        Assert.Equal(
            ("one_more", "accept", (string?)null, true),
            Settings((await shell.Json("source", "set", "builds", "--requester", "required")).Done)
        );
        Assert.Equal(
            ("one_more", "accept", (string?)null, false),
            Settings((await shell.Json("source", "set", "builds", "--requester", "optional")).Done)
        );
        Assert.Equal((1, "invalid"), (await shell.Json("source", "set", "LD", "--requester", "required")).Failure);
        Assert.Equal((2, "usage"), (await shell.Json("source", "set", "LD", "--unknown-requester", "maybe")).Failure);
        // Both halves or neither.
        Assert.Equal(
            (1, "not_found"),
            (await shell.Json("source", "set", "LD", "--unknown-requester", "refuse", "--group", "None")).Failure
        );
        var sources = (await shell.Json("source", "list")).Done.GetProperty("sources");
        Assert.Equal(("allow", "one_more", (string?)null, false), Settings(sources[0]));

        static (string? Unknown, string? Claimed, string? Owner, bool Required) Settings(JsonElement source) =>
            (
                source.GetProperty("unknownRequester").GetString(),
                source.GetProperty("claimedRequester").GetString(),
                source.TryGetProperty("owner", out var owner) ? owner.GetString() : null,
                source.GetProperty("requesterRequired").GetBoolean()
            );
    }

    [Fact]
    public async Task An_agents_OAuth_client_is_set_and_removed()
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        await shell.Json("user", "add", "ann@example.test", "--name", "Ann");
        string[] add = ["source", "add", "bot", "--kind", "agent", "--owner", "ann@example.test"];
        Assert.Equal((2, "usage"), (await shell.Json([.. add, "--oauth-subject", "x"])).Failure);
        await shell.Json([.. add, "--oauth-client", "release-bot"]);
        Assert.Equal(
            (1, "invalid"),
            (await shell.Json("source", "add", "builds", "--kind", "api", "--oauth-client", "x")).Failure
        );
        var bot = (await shell.Json("source", "list")).Done.GetProperty("sources")[0];
        Assert.Equal(("release-bot", "release-bot"), Client(bot));
        string[] set = ["source", "set", "bot"];
        Assert.Equal(
            ("ide", "ann"),
            Client((await shell.Json([.. set, "--oauth-client", "ide", "--oauth-subject", "ann"])).Done)
        );
        Assert.Equal((2, "usage"), (await shell.Json([.. set, "--oauth-subject", "ann"])).Failure);
        Assert.Contains(
            "Access tokens of the OAuth client ide with the subject ann act as it.",
            (await shell.Run([.. set, "--unknown-requester", "refuse"])).Output,
            StringComparison.Ordinal
        );
        Assert.False(
            (await shell.Json([.. set, "--oauth-client", "none"])).Done.TryGetProperty("oauthClient", out var gone)
                && gone.ValueKind != JsonValueKind.Null
        );

        static (string?, string?) Client(JsonElement source) =>
            (source.GetProperty("oauthClient").GetString(), source.GetProperty("oauthSubject").GetString());
    }
}
