using System.Text.Json;
using Countersign.Cli;
using Countersign.LaunchDarkly;
using Countersign.Policies;
using Countersign.Simulator.GitHub;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.HubAsCode;

/// <summary><c>countersign apply -f</c> and <c>countersign export config</c>: a hub as one file.</summary>
public sealed class HubAsCodeTests
{
    private const string Whole = """
        version: 1
        people:
          - email: ann@example.com
            name: Ann Archer
            role: admin
            password: "@ann-password"
          - email: ben@example.com
            name: "Ben: the second"
            aliases: [benny, "#7"]
          - { email: cyd@example.com, name: Cyd, role: end-user, disabled: true }
        groups:
          - name: SRE
            members: [ann@example.com, ben@example.com]
        sources:
          - name: flags
            kind: launchdarkly
            reviewers: { group: SRE, need: 2 }
            unknown_requester: refuse
            owner: ann@example.com
            form:
              - { key: ticket, name: Ticket, required: true }
              - { key: kind, name: Kind, type: enum, options: [a, b], default: a }
            launchdarkly: { identify: true, describe: true, token: "@ld-token", webhook_secret: "@ld-secret" }
          - { name: pipeline, kind: api, requester: required, disabled: true, key_expires: 2027-01-31 }
          - name: deployments
            kind: github
            gate: { appId: "12345", privateKey: "@app-key", webhookSecret: "@ld-secret" }
          - { name: bot, kind: agent, owner: ann@example.com, oauth_client: bot-prod, oauth_subject: svc-bot }
        request_types:
          - name: Production access
            fields: [{ name: system, label: System, kind: choice, choices: [billing, shop] }]
        # Nothing reaches production without SRE.
        policies:
          - name: production
            when: { environment: production }
            steps:
              - name: SRE
                need: 1
                from: { groups: [SRE] } # both of them
        """;

    [Theory, BothEngines]
    public async Task An_empty_hub_becomes_what_the_file_says_and_a_second_time_changes_nothing(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        var file = await WithSecrets(shell, Whole);

        var applied = (await shell.Json("apply", "-f", file, "--yes")).Done;
        Assert.True(applied.GetProperty("applied").GetBoolean());
        Assert.Equal(4, applied.GetProperty("keys").GetArrayLength());
        Assert.Equal("Nothing to change.", (await shell.Run("apply", "-f", file)).Output.Trim());
        Assert.Equal("Nothing to change.", (await shell.Run("apply", "-f", file, "--prune")).Output.Trim());

        // One event each, as the single verbs write them.
        string[] kinds = [.. (await Events(shell)).GroupBy(k => k).Select(g => $"{g.Key} {g.Count()}").Order()];
        Assert.Equal(
            [
                "group.added 1",
                "person.added 3",
                "person.alias_added 2",
                "person.disabled 1",
                "policy.set 1",
                "request_types.set 1",
                "source.added 4",
                "source.changed 2",
                "source.disabled 1",
                "source.form_set 1",
                "source.gate_set 1",
                "source.key_expiry_set 1",
                "source.launchdarkly_set 1",
                "source.oauth_client_set 1",
            ],
            kinds.Where(k => !k.StartsWith("hub.", StringComparison.Ordinal))
        );
        Assert.Equal(0, (await shell.Run("audit", "verify")).ExitCode);
        var policy = (await shell.Json("policy", "show")).Done.GetProperty("text").GetString();
        Assert.StartsWith("version: 1\n# Nothing reaches production", policy, StringComparison.Ordinal);
        Assert.Contains("# both of them", policy, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task What_is_exported_changes_nothing_here_and_makes_the_same_hub_elsewhere(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        Assert.Equal(0, (await shell.Run("apply", "-f", await WithSecrets(shell, Whole), "--yes")).ExitCode);

        var exported = (await shell.Run("export", "config")).Output;
        foreach (var secret in new[] { "correct horse", "api-secret-1", "webhook-secret-1", "csk_", "PRIVATE KEY" })
            Assert.DoesNotContain(secret, exported, StringComparison.Ordinal);
        var ran = await shell.RunWithInput(exported, "apply", "-f", "-", "--prune");
        Assert.Equal((0, "Nothing to change."), (ran.ExitCode, ran.Output.Trim()));

        await using var other = await Shell.StartEmpty(engine);
        Assert.Equal(0, (await other.RunWithInput(exported, "apply", "-f", "-", "--yes")).ExitCode);
        Assert.Equal(WithoutComments(exported), WithoutComments((await other.Run("export", "config")).Output));
        Assert.Equal(0, (await other.Run("audit", "verify")).ExitCode);

        var file = Path.Combine(shell.Folder, "exported.yaml");
        Assert.Equal(0, (await shell.Run("export", "config", "--out", file)).ExitCode);
        Assert.Equal((1, "exists"), (await shell.Json("export", "config", "--out", file)).Failure);
        Assert.Equal(0, (await shell.Run("apply", "-f", file, "--dry-run")).ExitCode);
    }

    [Theory]
    [InlineData("{ version: 1, policies: [{ name: all, steps: [{ name: s, need: 1, from: { groups: [SRE] } }] }] }")]
    [InlineData(
        "# first\npolicies:\n- name: all\n  steps:\n  - {name: s, from: {groups: [SRE]}}\nversion: 1\n# last\n"
    )]
    [InlineData("---\nversion: 1\npolicies:\n  - name: \"a: \\\"b\\\"\"\n    auto: { answer: reject, because: no }\n")]
    [InlineData("version: 1\npolicies: []\n")]
    public async Task Policies_come_back_the_same_however_they_are_written(string policies)
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        Assert.Equal(0, (await shell.Run("group", "add", "SRE")).ExitCode);
        var set = await shell.RunWithInput(policies, "policy", "set", "-");
        Assert.Equal((0, ""), (set.ExitCode, set.Error));
        var exported = (await shell.Run("export", "config")).Output;
        Assert.Equal("Nothing to change.", (await shell.RunWithInput(exported, "apply", "-f", "-")).Output.Trim());

        await using var other = await Shell.Start(Engine.Sqlite);
        Assert.Equal(0, (await other.RunWithInput(exported, "apply", "-f", "-", "--yes")).ExitCode);
        // No policies at all are nothing to publish.
        Assert.Equal(
            exported.Replace("\npolicies: []\n", "", StringComparison.Ordinal),
            (await other.Run("export", "config")).Output
        );
    }

    [Fact]
    public async Task The_file_in_the_documentation_can_be_applied()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "hub-as-code.md"), Now);
        var example = page.Split("```yaml\n")[1].Split("```")[0];
        example = example.Replace("/run/secrets/jane", "ann-password", StringComparison.Ordinal);
        example = example.Replace("/run/secrets/launchdarkly", "ld-token", StringComparison.Ordinal);
        example = example.Replace("/run/secrets/github-app.pem", "app-key", StringComparison.Ordinal);
        example = example.Replace("/run/secrets/github-webhook", "ld-secret", StringComparison.Ordinal);
        var file = await WithSecrets(shell, example);
        var ran = await shell.Run("apply", "-f", file, "--yes");
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        Assert.Equal("Nothing to change.", (await shell.Run("apply", "-f", file, "--prune")).Output.Trim());
    }

    [Theory]
    [InlineData("kind: api, gate: { appId: \"1\" }", "has no gate")]
    [InlineData("kind: github, gate: { color: red }", "There is no setting color")]
    [InlineData("kind: github, gate: { webhookSecret: in-the-file }", "A secret must not be in this file")]
    [InlineData("kind: github, gate: { privateKey: \"@nowhere\" }", "There is no file")]
    [InlineData("kind: github, gate: { appId: me }", "The App ID is a number")]
    [InlineData("kind: github, gate: 7", "are a map")]
    [InlineData("kind: api, oauth_client: bot", "Only a source of kind agent")]
    [InlineData("kind: agent, owner: none, oauth_subject: bot", "An OAuth subject needs its client")]
    [InlineData("kind: api, key_expires: 90d", "would mean another time")]
    [InlineData("kind: api, key_expires: 2001-01-31", "in the future")]
    public async Task Gates_and_expiries_that_are_wrong_are_named_with_their_line(string source, string why)
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        var file = $"version: 1\nsources:\n  - {{ name: new, {source} }}\n";
        var ran = await shell.RunWithInput(file, "apply", "-f", "-", "--yes");
        Assert.Equal(1, ran.ExitCode);
        Assert.Contains(why, ran.Error + ran.Output, StringComparison.Ordinal);
        Assert.Equal(0, await shell.Place.Count("sources WHERE kind <> 'built-in'"));
    }

    [Fact]
    public async Task A_policy_file_is_a_file_of_a_hub_that_says_nothing_else()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        const string policies = "version: 1\npolicies:\n  - name: all\n    auto: { answer: reject, because: no }\n";
        Assert.Equal(0, (await shell.RunWithInput(policies, "policy", "set", "-")).ExitCode);
        Assert.Equal("Nothing to change.", (await shell.RunWithInput(policies, "apply", "-f", "-")).Output.Trim());
    }

    [Theory, BothEngines]
    public async Task What_changes_is_said_in_words_before_it_is_done(Engine engine)
    {
        await using var shell = await Filled(engine);
        const string file = """
            version: 1
            people:
              - { email: Ben@example.com, name: Benjamin, role: admin, aliases: [bb] }
              - { email: dot@example.com, name: Dot }
            groups:
              - { name: sre, members: [dot@example.com] }
              - { name: Ops }
            sources:
              - { name: flags, reviewers: admin, unknown_requester: allow, owner: none }
            policies:
              - { name: all, auto: { answer: reject, because: no } }
            """;
        var ran = await shell.RunWithInput(file, "apply", "-f", "-", "--dry-run");
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        string[] expected =
        [
            "! ~ Ben@example.com  role: agent → admin",
            "  ~ Ben@example.com  name: Ben: the second → Benjamin",
            "! + Ben@example.com  add the alias \"bb\"",
            "  + dot@example.com  add Dot as agent",
            "  + SRE              add the member dot@example.com",
            "  + Ops              add, without members",
            "! ~ flags            decided by: 2 of SRE → one admin, unknown_requester: refuse → allow, "
                + "owner: ann@example.com → none",
            "! ~ all              publish version 2",
            "      - # Nothing reaches production without SRE.",
            "      +   - { name: all, auto: { answer: reject, because: no } }",
        ];
        Assert.All(expected, line => Assert.Contains(line + "\n", ran.Output, StringComparison.Ordinal));
        Assert.Contains("8 changes, 4 of them to be confirmed (!).", ran.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await shell.Json("policy", "show")).Done.GetProperty("version").GetInt32());
    }

    [Theory, BothEngines]
    public async Task What_the_file_leaves_out_stays_and_pruning_disables_it(Engine engine)
    {
        await using var shell = await Filled(engine);
        const string file = """
            version: 1
            people:
              - { email: ann@example.com }
              - { email: ben@example.com, aliases: [benny] }
            groups:
              - { name: Ops }
              - { name: SRE, members: [ann@example.com] }
            """;
        Assert.Equal(0, (await shell.RunWithInput(file, "apply", "-f", "-")).ExitCode);
        Assert.Equal("Nothing to change.", (await shell.RunWithInput(file, "apply", "-f", "-")).Output.Trim());
        await shell.Run("user", "add", "eve@example.com", "--name", "Eve");
        await shell.Run("group", "add", "Others");

        // Removing an alias gives back the right to decide.
        Assert.Equal(
            "confirmation_required",
            (await shell.RunWithInput(file, "apply", "-f", "-", "--prune", "--json"))
                .Document.GetProperty("error")
                .GetProperty("code")
                .GetString()
        );
        var ran = await shell.RunWithInput(file, "apply", "-f", "-", "--prune", "--yes");
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        Assert.Contains("- eve@example.com  disable: not in the file\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains("- ben@example.com  remove the alias \"#7\"\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains("- SRE              remove the member ben@example.com\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains(
            "can't be disabled. Not in the file, and unchanged: Others.",
            ran.Output,
            StringComparison.Ordinal
        );
        // It has no part of sources, so these aren't looked at.
        Assert.DoesNotContain("flags", ran.Output, StringComparison.Ordinal);
        Assert.Equal(
            "Others.",
            (await shell.RunWithInput(file, "apply", "-f", "-", "--prune")).Output.Trim().Split(' ')[^1]
        );

        const string noSources = "version: 1\nsources: []\n";
        ran = await shell.RunWithInput(noSources, "apply", "-f", "-", "--prune");
        Assert.Contains("- flags        disable: not in the file\n", ran.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await shell.Run("audit", "verify")).ExitCode);
    }

    [Theory]
    [InlineData("people: [{ email: ben@example.com, role: admin }]")]
    [InlineData("people: [{ email: new@example.com, name: New, role: admin }]")]
    [InlineData("people: [{ email: cyd@example.com, role: agent }]")]
    [InlineData("people: [{ email: cyd@example.com, disabled: false }]")]
    [InlineData("people: [{ email: ben@example.com, aliases: [another] }]")]
    [InlineData("people: [{ email: ben@example.com, password: '@ann-password' }]")]
    [InlineData("sources: [{ name: flags, unknown_requester: allow }]")]
    [InlineData("sources: [{ name: strict, claimed_requester: accept }]")]
    [InlineData("sources: [{ name: new, kind: api, unknown_requester: allow }]")]
    [InlineData("sources: [{ name: pipeline, requester: optional }]")]
    [InlineData("sources: [{ name: flags, reviewers: { group: SRE, need: 1 } }]")]
    [InlineData("sources: [{ name: flags, owner: none }]")]
    [InlineData("sources: [{ name: flags, launchdarkly: { identify: false } }]")]
    [InlineData("policies: [{ name: mine, self_approval: allow, steps: [{ name: s, from: { groups: [SRE] } }] }]")]
    public async Task What_opens_a_way_past_a_reviewer_is_not_done_without_yes(string part)
    {
        await using var shell = await Filled(Engine.Sqlite);
        await shell.Run("source", "add", "strict");
        await shell.Run("source", "set", "strict", "--claimed-requester", "one_more");
        var file = await WithSecrets(shell, $"version: 1\n{part}\n");
        var before = await shell.Place.Count("events");
        var no = await shell.Run("apply", "-f", file);
        Assert.Equal(1, no.ExitCode);
        Assert.Contains("1 change marked ! must be confirmed", no.Error, StringComparison.Ordinal);
        Assert.Equal(before, await shell.Place.Count("events"));

        // The hint is what makes exactly these changes.
        var hint = no.Error[(no.Error.IndexOf("countersign ", StringComparison.Ordinal) + 12)..].Trim().Split(' ');
        Assert.Equal(0, (await shell.Run(hint)).ExitCode);
        Assert.NotEqual(before, await shell.Place.Count("events"));
    }

    [Theory]
    [InlineData("people: [{ email: ann@example.com, role: agent }]", "without an admin")]
    [InlineData("people: [{ email: ann@example.com, disabled: true }]", "without an admin")]
    [InlineData("people: [{ email: dot@example.com, name: Dot }]", "without an admin")]
    public async Task The_last_admin_stays(string part, string why)
    {
        await using var shell = await Filled(Engine.Sqlite);
        var ran = await shell.RunWithInput($"version: 1\n{part}\n", "apply", "-f", "-", "--prune", "--yes");
        Assert.Equal(1, ran.ExitCode);
        Assert.Contains(why, ran.Error, StringComparison.Ordinal);

        // Another one in the same file will do.
        ran = await shell.RunWithInput(
            "version: 1\npeople: [{ email: ann@example.com, role: agent }, { email: ben@example.com, role: admin }]\n",
            ["apply", "-f", "-", "--yes"]
        );
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
    }

    [Theory, BothEngines]
    public async Task A_change_that_cannot_be_made_takes_all_others_back(Engine engine)
    {
        await using var shell = await Filled(engine);
        var before = (await shell.Run("export", "config")).Output;
        var events = await shell.Place.Count("events");
        // It would take the last admin away, after everything else was done.
        const string file = """
            version: 1
            people:
              - { email: dot@example.com, name: Dot, aliases: [dd] }
              - { email: ann@example.com, name: Another, role: end-user }
            groups: [{ name: Ops, members: [dot@example.com] }]
            sources: [{ name: new, kind: api }]
            request_types: []
            policies: []
            """;
        var ran = await shell.RunWithInput(file, "apply", "-f", "-", "--yes", "--json");
        Assert.Equal(1, ran.ExitCode);
        Assert.Equal("refused", ran.Document.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(0, ran.Document.GetProperty("keys").GetArrayLength());
        Assert.Equal(before, (await shell.Run("export", "config")).Output);
        Assert.Equal(events, await shell.Place.Count("events"));
        Assert.Equal(0, (await shell.Run("audit", "verify")).ExitCode);
    }

    [Theory, BothEngines]
    public async Task What_was_shown_is_not_done_when_the_hub_has_changed_since(Engine engine)
    {
        await using var shell = await Filled(engine);
        const string file = "version: 1\npeople: [{ email: ben@example.com, role: admin }]\n";
        string[] dryRun = ["apply", "-f", "-", "--dry-run", "--json"];
        var revision = (await shell.RunWithInput(file, dryRun)).Done.GetProperty("revision").GetString()!;
        string[] bound = ["apply", "-f", "-", "--yes", "--revision", revision];

        await shell.Run("group", "member", "remove", "SRE", "ben@example.com");
        var ran = await shell.RunWithInput(file, bound);
        Assert.Equal(1, ran.ExitCode);
        Assert.Contains($"the hub isn't at revision {revision} any more", ran.Error, StringComparison.Ordinal);

        // Request types count, too.
        revision = (await shell.RunWithInput(file, dryRun)).Done.GetProperty("revision").GetString()!;
        await shell.RunWithInput("version: 1\ntypes: []\n", "request-type", "set", "-");
        Assert.Equal(1, (await shell.RunWithInput(file, [.. bound[..^1], revision])).ExitCode);
        revision = (await shell.RunWithInput(file, dryRun)).Done.GetProperty("revision").GetString()!;
        Assert.Equal(0, (await shell.RunWithInput(file, [.. bound[..^1], revision])).ExitCode);
    }

    [Theory]
    [InlineData("y", 0, "admin")]
    [InlineData("n", 1, "agent")]
    [InlineData("", 1, "agent")]
    public async Task At_a_terminal_it_asks(string answer, int exitCode, string role)
    {
        await using var shell = await Filled(Engine.Sqlite);
        var (ran, error) = await AtTerminal(shell, () => answer);
        Assert.Equal(exitCode, ran);
        Assert.StartsWith("Make this change? [y/N] ", error, StringComparison.Ordinal);
        Assert.Equal(role, await RoleOfBen(shell));
    }

    [Theory, BothEngines]
    public async Task What_changes_while_it_asks_is_not_overwritten(Engine engine)
    {
        await using var shell = await Filled(engine);
        var (ran, error) = await AtTerminal(
            shell,
            () =>
            {
                var added = shell.Run("user", "add", "eve@example.com", "--name", "Eve");
                Assert.Equal(0, Task.Run(() => added).GetAwaiter().GetResult().ExitCode);
                return "yes";
            }
        );
        Assert.Equal(1, ran);
        Assert.Contains("so other changes may follow from the file", error, StringComparison.Ordinal);
        Assert.Equal("agent", await RoleOfBen(shell));
    }

    [Theory]
    [InlineData("people: [{ email: x@example.com, nmae: X }]", 2, "people[0].nmae", "Did you mean name?")]
    [InlineData("poeple: []", 2, "poeple", "Did you mean people?")]
    [InlineData("people: [{ email: x@example.com }]", 2, "people", "is a new person and needs a name")]
    [InlineData("people: [{ email: nobody, name: X }]", 2, "people[0].email", "isn't an email address")]
    [InlineData("people: [{ email: a@b.c, name: X, role: amdin }]", 2, "people[0].role", "Did you mean admin?")]
    [InlineData("people: [{ email: a@b.c, name: X, password: geheim }]", 2, "people[0].password", "must not be in")]
    [InlineData("people: [{ email: a@b.c, name: X, password: '@no' }]", 2, "people[0].password", "There is no file no")]
    [InlineData("people:\n- { email: a@b.c, name: X }\n- { email: A@b.c, name: X }", 4, "people", "already on line 3")]
    [InlineData("groups: [{ name: g, members: [no@example.com] }]", 2, "groups", "There is no person")]
    [InlineData("sources:\n  - name: new", 3, "sources", "needs a kind")]
    [InlineData("sources:\n  - { name: flags, kind: api }", 3, "sources.kind", "can't be changed")]
    [InlineData("sources: [{ name: zendesk }]", 2, "sources", "is built in")]
    [InlineData("sources: [{ name: flags, reviewers: { group: No } }]", 2, "sources.reviewers", "no group No")]
    [InlineData("sources: [{ name: flags, reviewers: { destination: No } }]", 2, "sources.reviewers", "no destination")]
    [InlineData("sources: [{ name: flags, reviewers: { need: 2 } }]", 2, "sources[0].reviewers", "who decides")]
    [InlineData("sources: [{ name: flags, owner: no@b.c }]", 2, "sources.owner", "no person with the email no@b.c")]
    [InlineData("sources: [{ name: flags, launchdarkly: { url: x } }]", 2, "sources[0].launchdarkly.url", "address")]
    [InlineData("sources: [{ name: pipeline, form: [{ key: k, name: n }] }]", 2, "sources", "kind launchdarkly")]
    [InlineData("sources: [{ name: flags, form: [{ key: a b, name: n }] }]", 2, "sources[0].form[0].key", "A key has")]
    [InlineData(
        "policies:\n  - name: x\n    auto: { answer: reject, because: x }\n    expires: { after: 1h }",
        5,
        "policies[0].expires of \"x\"",
        "Did you mean expire?"
    )]
    [InlineData("request_types:\n  - name: x\n    feilds: []", 4, "request_types[0].feilds", "no such key")]
    [InlineData("people: [{ email: &a a@b.c }]", 2, "", "Anchors")]
    public async Task A_mistake_is_told_with_its_line_and_what_to_write(
        string part,
        int line,
        string place,
        string words
    )
    {
        await using var shell = await Filled(Engine.Sqlite);
        var ran = await shell.RunWithInput($"version: 1\n{part}\n", "apply", "-f", "-", "--yes", "--json");
        Assert.Equal(1, ran.ExitCode);
        var problem = Assert.Single(ran.Document.GetProperty("problems").EnumerateArray());
        Assert.Equal((line, place), (problem.GetProperty("line").GetInt32(), problem.GetProperty("place").GetString()));
        Assert.Contains(
            words,
            $"{problem.GetProperty("problem")} {problem.GetProperty("fix")}",
            StringComparison.Ordinal
        );
        Assert.NotEqual("", problem.GetProperty("fix").GetString());
    }

    [Fact]
    public async Task Names_that_neither_the_hub_nor_the_file_has_are_told()
    {
        await using var shell = await Filled(Engine.Sqlite);
        const string file = """
            version: 1
            groups: [{ name: Ops }]
            policies: [{ name: a, steps: [{ name: s, from: { groups: [Ops, SRE, Nobody] } }] }]
            """;
        var ran = await shell.RunWithInput(file, "apply", "-f", "-", "--dry-run", "--json");
        var warning = Assert.Single(ran.Done.GetProperty("warnings").EnumerateArray());
        Assert.Equal(3, warning.GetProperty("line").GetInt32());
        Assert.Contains("Nobody", warning.GetProperty("problem").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secrets_that_are_the_same_are_not_set_again_and_another_one_is()
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        var file = await WithSecrets(shell, Whole);
        Assert.Equal(0, (await shell.Run("apply", "-f", file, "--yes")).ExitCode);
        await File.WriteAllTextAsync(Path.Combine(shell.Folder, "ann-password"), "another horse battery\n", Now);
        await File.WriteAllTextAsync(Path.Combine(shell.Folder, "ld-token"), "api-secret-2\n", Now);
        var changes = (await shell.Json("apply", "-f", file, "--yes"))
            .Done.GetProperty("changes")
            .EnumerateArray()
            .Select(c => $"{c.GetProperty("subject")}: {c.GetProperty("what")}");
        Assert.Equal(["ann@example.com: set the password", "flags: launchdarkly: set the token"], changes);
        Assert.Equal("Nothing to change.", (await shell.Run("apply", "-f", file)).Output.Trim());
    }

    [Fact]
    public async Task Wrong_use_and_a_missing_file_or_store_are_told()
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        Assert.Equal((2, "usage"), (await shell.Json("apply")).Failure);
        Assert.Equal((1, "not_found"), (await shell.Json("apply", "-f", "nowhere.yaml")).Failure);
        var file = await WithSecrets(shell, "version: 1\n");
        Assert.Equal((3, "not_found"), (await shell.Json("apply", "-f", file, "--dry-run")).Failure);
        Assert.False(File.Exists(shell.Place.Options.SqliteFile));
    }

    /// <summary>A comment says which secrets there are, which the other hub hasn't.</summary>
    private static IEnumerable<string> WithoutComments(string text) =>
        text.Split('\n').Where(line => !line.TrimStart().StartsWith('#'));

    private static CancellationToken Now => TestContext.Current.CancellationToken;

    private static async Task<Shell> Filled(Engine engine)
    {
        var shell = await Shell.Start(engine);
        var ran = await shell.Run("apply", "-f", await WithSecrets(shell, Whole), "--yes");
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        return shell;
    }

    private static async Task<string> WithSecrets(Shell shell, string text)
    {
        await File.WriteAllTextAsync(Path.Combine(shell.Folder, "ann-password"), "correct horse battery\n", Now);
        await File.WriteAllTextAsync(Path.Combine(shell.Folder, "ld-token"), "api-secret-1\n", Now);
        await File.WriteAllTextAsync(Path.Combine(shell.Folder, "ld-secret"), "webhook-secret-1\n", Now);
        await File.WriteAllTextAsync(Path.Combine(shell.Folder, "app-key"), FakeGitHub.PrivateKey, Now);
        var file = Path.Combine(shell.Folder, "hub.yaml");
        await File.WriteAllTextAsync(file, text, Now);
        return file;
    }

    private static async Task<IEnumerable<string>> Events(Shell shell) =>
        await shell.Place.Store.Read(
            async reader => (await reader.Rows("SELECT kind FROM events")).ConvertAll(row => (string)row["kind"]!),
            Now
        );

    private static async Task<string?> RoleOfBen(Shell shell) =>
        (await shell.Json("user", "list"))
            .Done.GetProperty("people")
            .EnumerateArray()
            .Single(p => p.GetProperty("email").GetString() == "ben@example.com")
            .GetProperty("role")
            .GetString();

    private static async Task<(int ExitCode, string Error)> AtTerminal(Shell shell, Func<string> answer)
    {
        var file = await WithSecrets(shell, "version: 1\npeople: [{ email: ben@example.com, role: admin }]\n");
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var input = new Answering(answer);
        var terminal = new Terminal(input, output, error, IsJson: false) { CanAsk = true };
        var exitCode = await CommandLine.Run([.. new[] { "apply", "-f", file }, .. shell.Where], terminal);
        Assert.Contains("role: agent → admin", output.ToString(), StringComparison.Ordinal);
        return (exitCode, error.ToString());
    }

    private sealed class Answering(Func<string> answer) : TextReader
    {
        public override ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken) => new(answer());
    }
}
