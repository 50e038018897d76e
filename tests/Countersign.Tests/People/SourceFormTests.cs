using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.People;
using Countersign.Tests.Cli;
using Countersign.Tests.Doors.LaunchDarkly;
using Xunit;

namespace Countersign.Tests;

/// <summary>The fields that a LaunchDarkly integration asks for.</summary>
public sealed class SourceFormTests
{
    private static readonly FormVariable Risk = new("risk", "Risk level", "enum", "", true, ["low", "high"], ""),
        Ticket = new("ticket", "Change ticket", "uri", "Where the ticket is", false, [], ""),
        Rollback = new("rollback", "Can be rolled back", "boolean", "", false, [], "true");

    [Fact]
    public void What_is_pasted_is_what_LaunchDarkly_reads_and_optional_fields_have_a_default_always()
    {
        var fields = new[] { Risk, Ticket, Rollback, Risk with { Key = "team", Type = "dynamicEnum" } };
        var items = JsonElement.Parse(new SourceForm(fields).ToLaunchDarkly()).EnumerateArray().ToList();
        Assert.Equal(
            """{"key":"risk","name":"Risk level","type":"enum","description":"Risk level","""
                + "\"allowedValues\":[\"low\",\"high\"]}",
            JsonSerializer.Serialize(items[0])
        );
        Assert.Equal((true, ""), (items[1].GetProperty("isOptional").GetBoolean(), Default(items[1]).GetString()));
        Assert.Equal(JsonValueKind.True, Default(items[2]).ValueKind);
        Assert.Equal(
            "{{baseURL}}/api/options/team",
            items[3].GetProperty("dynamicOptions").GetProperty("endpoint").GetProperty("url").GetString()
        );

        static JsonElement Default(JsonElement item) => item.GetProperty("defaultValue");
    }

    [Theory]
    [InlineData("risk", null, "missing")]
    [InlineData("risk", " ", "missing")]
    [InlineData("risk", "low", null)]
    [InlineData("risk", "Low", "invalid")]
    [InlineData("ticket", null, null)]
    [InlineData("ticket", "https://desk.example.com/1", null)]
    [InlineData("ticket", "CHG-1", "invalid")]
    [InlineData("ticket", "javascript:alert(1)", "invalid")]
    [InlineData("rollback", "false", null)]
    [InlineData("rollback", "no", "invalid")]
    public void A_value_is_there_where_it_must_be_and_one_of_those_that_may_be(
        string key,
        string? value,
        string? problem
    )
    {
        var form = new SourceForm([Risk, Ticket, Rollback]);
        var problems = form.Problems(value is null ? [] : [(key, value)]);
        Assert.Equal(
            problem,
            problems.FirstOrDefault(p => p.StartsWith(key + " ", StringComparison.Ordinal))?[(key.Length + 1)..]
        );
    }

    [Fact]
    public void What_LaunchDarkly_would_not_take_is_refused_with_the_place()
    {
        Assert.Null(new SourceForm([Risk, Ticket, Rollback]).Problem());
        foreach (
            var (variable, member) in new[]
            {
                (Risk with { Key = "" }, "key"),
                (Risk with { Key = "risk level" }, "key"),
                (Risk with { Key = new string('k', 21) }, "key"),
                (Ticket with { Key = "risk" }, "key"),
                (Ticket with { Name = " " }, "name"),
                (Ticket with { Name = new string('n', 51) }, "name"),
                (Ticket with { Type = "oauth" }, "type"),
                (Ticket with { Options = ["a"] }, "options"),
                (Ticket with { Type = "enum" }, "options"),
                (Risk with { Key = "r", Options = ["a", "a"] }, "options"),
                (Risk with { Key = "r", Default = "low" }, "default"),
                (Risk with { Key = "r", Required = false }, "default"),
                (Rollback with { Default = "yes" }, "default"),
                (Ticket with { Description = new string('d', 251) }, "description"),
            }
        )
        {
            var problem = new SourceForm([Risk, variable]).Problem();
            Assert.Equal((1, member), (problem?.At, problem?.Member));
        }
        var many = Enumerable.Range(0, 21).Select(i => Ticket with { Key = $"k{i}" });
        Assert.Equal(20, new SourceForm([.. many]).Problem()?.At);
    }

    [Theory, BothEngines]
    public async Task What_came_wrong_is_told_to_reviewers_and_policies_and_never_refused(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        using var admin = await host.Host.Person(await host.Hub.AddPerson("Root", Role.Admin));
        var set = await admin.Put(
            "/api/v1/sources/LaunchDarkly/form",
            new
            {
                variables = new object[]
                {
                    new
                    {
                        key = "risk",
                        name = "Risk level",
                        type = "enum",
                        required = true,
                        options = new[] { "minor", "major" },
                    },
                    new
                    {
                        key = "ticket",
                        name = "Change ticket",
                        required = true,
                    },
                    new
                    {
                        key = "rollback",
                        name = "Can be rolled back",
                        type = "boolean",
                        @default = "false",
                    },
                },
            }
        );
        Assert.Equal(200, set.Status);
        Assert.Equal(3, set.Json["launchdarkly"]!.AsArray().Count);
        var wrong = await admin.Put(
            "/api/v1/sources/LaunchDarkly/form",
            new { variables = new[] { new { key = "a b", name = "x" } } }
        );
        Assert.Equal(422, wrong.Status);
        Assert.NotNull(wrong.Json["errors"]!["variables[0].key"]);
        await host.Host.Noticed();

        Assert.Equal(201, (await host.Side.Create(LaunchDarklySide.Body())).Status);
        var facts = await host.Facts();
        Assert.Equal(
            ["risk invalid", "ticket missing"],
            facts[SourceForm.ProblemsFact]!.AsArray().Select(p => p!.GetValue<string>())
        );
        using var ann = await host.Host.Person(host.People[0]);
        var page = (await ann.Get($"/requests/{(await host.Request()).Id}")).Text;
        Assert.Contains("Risk level has a value that isn&#x27;t allowed", page, StringComparison.Ordinal);
        Assert.Contains("Change ticket is missing", page, StringComparison.Ordinal);
        Assert.Contains("Can be rolled back", page, StringComparison.Ordinal);

        var right = LaunchDarklySide.Body("second");
        right["approvalFormVariables"] = new JsonObject { ["risk"] = "minor", ["ticket"] = "CHG-1" };
        Assert.Equal(201, (await host.Side.Create(right)).Status);
        Assert.Null((await host.Facts("second"))[SourceForm.ProblemsFact]);

        // The experiment: LaunchDarkly may ask what can be chosen, with the source's key.
        var options = await host.Side.Client.Get("/api/options/risk");
        Assert.Equal(
            """{"options":[{"label":"minor","value":"minor"},{"label":"major","value":"major"}]}""",
            options.Text
        );
        (await host.Side.Client.Get("/api/options/ticket")).Refuses(404, "not_found");
        Assert.Equal(401, (await host.Host.Nobody().Get("/api/options/risk")).Status);
        Assert.Null(await host.Hub.Proof());
    }

    [Theory, BothEngines]
    public async Task Fields_are_added_changed_and_taken_away_on_a_page(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        using var admin = await host.Host.SignIn(await host.Hub.AddPerson("Root", Role.Admin));
        var path = $"/sources/{host.Key.Id}/form";
        (string, string)[] risk =
        [
            ("name-0", "Risk level"),
            ("key-0", "risk"),
            ("type-0", "enum"),
            ("options-0", "minor\r\n\r\n major "),
            ("required-0", "true"),
        ];
        Assert.Equal(302, (await admin.Submit(path, path, risk)).Status);
        var page = (await admin.Get(path)).Text;
        Assert.Contains("allowedValues", page, StringComparison.Ordinal);
        Assert.Contains(
            "Edit form fields",
            (await admin.Get($"/sources/{host.Key.Id}")).Text,
            StringComparison.Ordinal
        );

        var refused = await admin.Submit(
            path,
            path,
            [.. risk, ("name-1", "Risk again"), ("key-1", "risk"), ("type-1", "string")]
        );
        Assert.Equal(422, refused.Status);
        Assert.Contains("no two fields share one", refused.Text, StringComparison.Ordinal);
        Assert.Contains("Risk again", refused.Text, StringComparison.Ordinal);

        Assert.Equal(302, (await admin.Submit(path, path, ("name-0", ""), ("key-0", ""))).Status);
        Assert.DoesNotContain("allowedValues", (await admin.Get(path)).Text, StringComparison.Ordinal);
        Assert.Equal(2, (await host.Hub.Place.Events($"source:{host.Key.Id}")).Count(e => e.Kind == "source.form_set"));
    }

    [Fact]
    public async Task The_command_line_sets_the_fields_from_a_file_and_prints_what_to_paste()
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        await shell.Json("source", "add", "LaunchDarkly");
        var file = Path.Combine(shell.Folder, "fields.json");
        await File.WriteAllTextAsync(
            file,
            """[ { "key": "ticket", "name": "Change ticket", "required": true } ]""",
            TestContext.Current.CancellationToken
        );
        var done = (await shell.Json("source", "form", "launchdarkly", "--file", file)).Done;
        Assert.Equal("string", done.GetProperty("variables")[0].GetProperty("type").GetString());
        Assert.Contains(
            "Change ticket",
            (await shell.Run("source", "form", "LaunchDarkly")).Output,
            StringComparison.Ordinal
        );
        await File.WriteAllTextAsync(file, "{", TestContext.Current.CancellationToken);
        Assert.Equal((1, "invalid"), (await shell.Json("source", "form", "LaunchDarkly", "--file", file)).Failure);
        Assert.Equal(1, (await shell.Json("source", "form", "Nobody")).Failure.ExitCode);
    }
}
