using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>Request types from an admin's form or the API to the request that people submit.</summary>
public sealed partial class RequestTypePagesTests
{
    private const string File = """
        version: 1
        types:
          - name: Production access
            description: For a limited time.
            reviewers: { group: SRE }
            fields:
              - { name: system, label: System, kind: choice, choices: [billing, shop], required: true }
              - { name: hours, label: Hours, kind: number, required: true, help: At most eight. }
              - { name: oncall, label: Are you on call?, kind: yes-no }
              - { name: runbook, label: Runbook, kind: link }
              - { name: environment, label: Where, kind: text, required: true }
        """;

    [Theory, BothEngines]
    public async Task What_is_filled_in_becomes_facts_that_policies_match(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        await Set(host, File);
        Assert.IsType<SetPoliciesOutcome.Set>(
            await host
                .Api.Services.GetRequiredService<PolicyFiles>()
                .Set(
                    """
                    version: 1
                    policies:
                      - name: long access
                        when: { facts.type: [production access], facts.hours: ["8"], facts.oncall: ["false"] }
                        steps: [{ name: Two of SRE, need: 2, from: { groups: [SRE] } }]
                    """,
                    null,
                    Some.Operator,
                    default
                )
        );
        await host.Api.Noticed();
        using var rita = await host.Api.SignIn(host.Rita);

        var choice = (await rita.Get("/new")).Text;
        Assert.Contains("href=\"/new?type=Production%20access\"", choice, StringComparison.Ordinal);
        Assert.Contains("For a limited time.", choice, StringComparison.Ordinal);
        Assert.DoesNotContain("name=\"subject\"", choice, StringComparison.Ordinal);
        var form = (await rita.Get("/new?type=production%20access")).Text;
        foreach (var shown in new[] { "System", "At most eight.", "Are you on call? (optional)", "field-runbook" })
            Assert.Contains(shown, form, StringComparison.Ordinal);
        Assert.Matches("<option value=\"group:SRE\" selected", form);
        // The type asks for the environment itself.
        Assert.DoesNotContain("id=\"f-environment\"", form, StringComparison.Ordinal);

        (string Name, string Value)[] filled =
        [
            ("type", "Production access"),
            ("subject", "Look at a stuck invoice"),
            ("assignee", "group:SRE"),
            ("field-system", "billing"),
            ("field-hours", "8"),
            ("field-oncall", "no"),
            ("field-runbook", "https://wiki.example/1"),
            ("field-environment", "production"),
            ("environment", "staging"),
            ("key", "k"),
        ];
        var answer = await rita.Submit("/new?type=Production%20access", "/new", filled);

        Assert.Equal(302, answer.Status);
        var id = RequestId.Of(answer.Location!.Split('/')[^1]);
        var details = (await RequestDetails.Find(host.Hub.Store, id, Some.Viewer(host.Rita), default))!;
        Assert.Equal(
            """
            {"type":"Production access","system":"billing","hours":8,"oncall":false,
            "runbook":"https://wiki.example/1","environment":"production"}
            """.ReplaceLineEndings(""),
            details.Current.Facts
        );
        Assert.Equal(("long access", 2), (details.Request.Policy.Name, details.Request.Policy.Steps[0].Need));
    }

    [Theory, BothEngines]
    public async Task What_is_missing_or_does_not_fit_is_told_beside_its_field(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        await Set(host, File);
        using var rita = await host.Api.SignIn(host.Rita);
        (string Name, string Value)[] always =
        [
            ("type", "Production access"),
            ("subject", "Kept"),
            ("assignee", "group:SRE"),
            ("key", "k"),
        ];

        var empty = await rita.Submit("/new?type=Production%20access", "/new", always);
        Assert.Equal((422, "system hours environment"), (empty.Status, Wrong(empty.Text)));
        Assert.Contains("value=\"Kept\"", empty.Text, StringComparison.Ordinal);
        (string Name, string Value)[] wrong =
        [
            ("field-system", "<payroll>"),
            ("field-hours", "8h"),
            ("field-oncall", "perhaps"),
            ("field-runbook", "javascript:alert(1)"),
            ("field-environment", "live"),
            ("detail-name-1", "System"),
            ("detail-value-1", "shop"),
        ];
        var refused = await rita.Submit("/new?type=Production%20access", "/new", [.. always, .. wrong]);
        Assert.Equal((422, "system hours oncall runbook"), (refused.Status, Wrong(refused.Text)));
        Assert.Contains("id=\"f-detail-name-1-error\"", refused.Text, StringComparison.Ordinal);
        Assert.Contains("value=\"8h\"", refused.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("<payroll>", refused.Text, StringComparison.Ordinal);
        Assert.Equal(0, await host.Hub.Place.Count("requests"));

        // A type that is gone meanwhile takes nothing of what was typed along.
        await Set(host, "types: []");
        var gone = await rita.Submit("/new", "/new", always);
        Assert.Equal(422, gone.Status);
        Assert.Contains("no longer exists", gone.Text, StringComparison.Ordinal);
        Assert.Contains("value=\"Kept\"", gone.Text, StringComparison.Ordinal);
        Assert.Equal(302, (await rita.Submit("/new", "/new", [.. always.Skip(1)])).Status);
    }

    [Theory, BothEngines]
    public async Task An_admin_defines_changes_and_deletes_a_type_in_a_form(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        using var root = await host.Api.SignIn(host.Root);
        using var ann = await host.Api.SignIn(host.Ann);
        Assert.Contains("No request types yet", (await root.Get("/request-types")).Text, StringComparison.Ordinal);
        (string Name, string Value)[] typed =
        [
            ("version", "0"),
            ("name", "Firewall <rule>"),
            ("description", "Open a port."),
            ("reviewers", "group:SRE"),
            ("label-1", "Port"),
            ("name-1", "port"),
            ("kind-1", "number"),
            ("required-1", "true"),
            ("label-3", "Zone"),
            ("name-3", "zone"),
            ("kind-3", "choice"),
            ("choices-3", "inner\r\n outer \r\n"),
        ];

        var added = await root.Submit("/request-types/new", "/request-types", typed);
        Assert.Equal((302, "/request-types?done=changed"), (added.Status, added.Location));
        var list = (await root.Get("/request-types")).Text;
        Assert.Contains("Firewall &lt;rule&gt;", list, StringComparison.Ordinal);
        Assert.Contains("Port, Zone", list, StringComparison.Ordinal);
        var types = host.Api.Services.GetRequiredService<RequestTypes>();
        var type = Assert.Single((await types.Find(default)).Types);
        Assert.Equal(["inner", "outer"], type.Fields[1].Choices);
        Assert.Equal((RequestFieldKind.Number, true), (type.Fields[0].Kind, type.Fields[0].Required));

        // From an earlier list: nothing is written over what another admin set.
        var late = await root.Submit("/request-types/new", "/request-types", [.. typed, ("name", "Another")]);
        Assert.Equal(422, late.Status);
        Assert.Contains("changed while you were editing", late.Text, StringComparison.Ordinal);

        const string edit = "/request-types/edit?name=Firewall%20%3Crule%3E";
        var form = (await root.Get(edit)).Text;
        Assert.Contains("value=\"port\"", form, StringComparison.Ordinal);
        Assert.Matches("<option value=\"group:SRE\" selected", form);
        var wrong = await root.Submit(
            edit,
            "/request-types",
            ("original", "Firewall <rule>"),
            ("version", "1"),
            ("name", ""),
            ("label-1", "Port"),
            ("name-1", "the port"),
            ("kind-1", "number"),
            ("name-2", "zone"),
            ("kind-2", "choice")
        );
        Assert.Equal(422, wrong.Status);
        foreach (var field in new[] { "name", "name-1", "label-2", "choices-2" })
            Assert.Contains($"id=\"f-{field}-error\"", wrong.Text, StringComparison.Ordinal);
        var changed = await root.Submit(
            edit,
            "/request-types",
            ("original", "Firewall <rule>"),
            ("version", "1"),
            ("name", "Firewall rule"),
            ("label-1", "Port"),
            ("name-1", "port"),
            ("kind-1", "number")
        );
        Assert.Equal(302, changed.Status);
        type = Assert.Single((await types.Find(default)).Types);
        Assert.Equal(("Firewall rule", 1, null), (type.Name, type.Fields.Count, type.ReviewerGroup));
        Assert.Equal(404, (await root.Get(edit)).Status);

        var deleted = await root.Submit(
            "/request-types/edit?name=Firewall%20rule",
            "/request-types",
            ("do", "delete"),
            ("original", "Firewall rule"),
            ("version", "2")
        );
        Assert.Equal("/request-types?done=requestTypeDeleted", deleted.Location);
        Assert.Empty((await types.Find(default)).Types);
        Assert.Contains("changed the request types", (await root.Get("/audit")).Text, StringComparison.Ordinal);
        foreach (var path in new[] { "/request-types", "/request-types/new", edit })
            Assert.Equal(404, (await ann.Get(path)).Status);
        Assert.Equal(404, (await ann.Submit("/account", "/request-types", typed)).Status);
    }

    [Theory, BothEngines]
    public async Task The_API_lists_and_sets_them_as_a_file(Engine engine)
    {
        await using var host = await PagesHost.Start(engine);
        using var root = await host.Api.Person(host.Root);
        using var ann = await host.Api.Person(host.Ann);
        const string path = "/api/v1/request-types";
        Assert.Equal("0", (await root.Get(path))["version"]);

        var set = await root.Put(path, new { text = File, basedOn = 0 });
        Assert.Equal((200, "1"), (set.Status, set["version"]));
        var field = set.Json["types"]![0]!["fields"]![0]!;
        Assert.Equal(
            ("system", "choice", "shop"),
            ((string?)field["name"], (string?)field["kind"], (string?)field["choices"]![1])
        );
        Assert.Equal("SRE", (string?)set.Json["types"]![0]!["reviewers"]!["group"]);
        Assert.Equal((409, "changed"), Said(await root.Put(path, new { text = "types: []", basedOn = 0 })));
        var wrong = await root.Put(path, new { text = "types: [{ name: A, fields: [{ name: a b }] }]" });
        Assert.Equal(["text"], wrong.Wrong);
        Assert.Contains("types[0].fields[0].name", wrong.Text, StringComparison.Ordinal);
        Assert.Equal(["text"], (await root.Put(path, new { })).Wrong);
        foreach (var refused in new[] { await ann.Get(path), await ann.Put(path, new { text = File }) })
            Assert.Equal(403, refused.Status);
    }

    [Fact]
    public async Task In_German_the_forms_are_German()
    {
        await using var host = await PagesHost.Start();
        await Set(host, File);
        using var rita = await host.Api.SignIn(host.Rita);
        using var root = await host.Api.SignIn(host.Root);
        foreach (var browser in new[] { rita, root })
            browser.Http.DefaultRequestHeaders.Add("Accept-Language", "de-DE");
        Assert.Contains("Etwas anderes", (await rita.Get("/new")).Text, StringComparison.Ordinal);
        Assert.Contains("(optional)", (await rita.Get("/new?type=Production%20access")).Text, StringComparison.Ordinal);
        var form = (await root.Get("/request-types/new")).Text;
        foreach (var word in new[] { "Beschriftung", "Pflichtfeld", "Ja oder Nein", "Speichern" })
            Assert.Contains(word, form, StringComparison.Ordinal);
    }

    private static (int, string?) Said(ApiAnswer answer) => (answer.Status, answer.Code);

    private static async Task Set(PagesHost host, string file) =>
        Assert.IsType<SetRequestTypesOutcome.Set>(
            await host
                .Api.Services.GetRequiredService<RequestTypes>()
                .Set(RequestTypeFile.Read(file).Types!, null, Some.Operator, default)
        );

    /// <summary>The type's fields beside which an error stands, in their order.</summary>
    private static string Wrong(string page) =>
        string.Join(' ', Errors().Matches(page).Select(m => m.Groups["name"].Value));

    [GeneratedRegex("id=\"f-field-(?<name>[^\"]+)-error\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Errors();
}
