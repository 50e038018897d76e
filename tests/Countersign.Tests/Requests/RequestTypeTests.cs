using Countersign.Requests;
using Countersign.Storage;
using Countersign.Tests.Audit;
using Xunit;

namespace Countersign.Tests;

/// <summary>Request types: as a file, in the store, and in the record.</summary>
public sealed class RequestTypeTests
{
    private const string File = """
        version: 1
        types:
          - name: Production access
            description: "For a limited time: say why."
            reviewers: { group: SRE }
            fields:
              - name: system
                label: System
                kind: choice
                choices: [billing, "shop: web"]
                required: true
                help: The system you need.
              - { name: hours, label: Hours, kind: number, required: true }
              - { name: on.call, label: Are you on call?, kind: yes-no }
              - { name: runbook, label: Runbook, kind: link }
          - name: Other spending
        """;

    [Fact]
    public void A_file_is_read_and_written_so_that_it_reads_the_same_again()
    {
        var (types, problems) = RequestTypeFile.Read(File);

        Assert.Empty(problems);
        Assert.Equal(["Production access", "Other spending"], types!.Select(t => t.Name));
        var access = types![0];
        Assert.Equal(("SRE", null), (access.ReviewerGroup, access.ReviewerPerson));
        Assert.Equal(["system", "hours", "on.call", "runbook"], access.Fields.Select(f => f.Name));
        Assert.Equal(["billing", "shop: web"], access.Fields[0].Choices);
        Assert.True(access.Fields[1].Required);
        Assert.Equal(RequestFieldKind.YesNo, access.Field("ON.CALL")!.Kind);
        var written = RequestTypeFile.Write(types!);
        Assert.Equal(written, RequestTypeFile.Write(RequestTypeFile.Read(written).Types!));
        Assert.Equal("version: 1\ntypes: []\n", RequestTypeFile.Write([]));
        Assert.Empty(RequestTypeFile.Read("version: 1\ntypes: []\n").Types!);
    }

    [Fact]
    public void JSON_is_such_a_file_too_and_any_text_survives()
    {
        const string json = """
            {"version": 1, "types": [{"name": "Line\"break\\ : # - & *", "reviewers": {"person": "a@example.test"},
              "fields": [{"name": "a", "label": "~", "kind": "choice", "choices": ["null", "true",
              "- x", "Grüße 🙂"]}]}]}
            """;
        var type = Assert.Single(RequestTypeFile.Read(json).Types!);
        Assert.Equal(("Line\"break\\ : # - & *", "a@example.test"), (type.Name, type.ReviewerPerson));
        var again = Assert.Single(RequestTypeFile.Read(RequestTypeFile.Write([type])).Types!);
        Assert.Equal(type.Name, again.Name);
        Assert.Equal("~", again.Fields[0].Label);
        Assert.Equal(["null", "true", "- x", "Grüße 🙂"], again.Fields[0].Choices);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("types: [", "")]
    [InlineData("version: 2\ntypes: []", "version")]
    [InlineData("version: 1", "")]
    [InlineData("version: 1\ntypes: x", "types")]
    [InlineData("version: 1\ntypes:\n  - label: x", "types[0].label")]
    [InlineData("version: 1\ntypes:\n  - name: ''", "types[0].name")]
    [InlineData("version: 1\ntypes:\n  - name: A\n  - name: a", "types[1].name")]
    [InlineData("types: [{ name: A, reviewers: { group: a, person: b } }]", "types[0].reviewers")]
    [InlineData("types: [{ name: A, fields: [{ name: a b, label: L }] }]", "types[0].fields[0].name")]
    [InlineData("types: [{ name: A, fields: [{ name: TYPE, label: L }] }]", "types[0].fields[0].name")]
    [InlineData(
        "types: [{ name: A, fields: [{ name: a, label: L }, { name: A, label: L }] }]",
        "types[0].fields[1].name"
    )]
    [InlineData("types: [{ name: A, fields: [{ name: a }] }]", "types[0].fields[0].label")]
    [InlineData("types: [{ name: A, fields: [{ name: a, label: L, kind: date }] }]", "types[0].fields[0].kind")]
    [InlineData("types: [{ name: A, fields: [{ name: a, label: L, kind: choice }] }]", "types[0].fields[0].choices")]
    [InlineData(
        "types: [{ name: A, fields: [{ name: a, label: L, kind: choice, choices: [x, x] }] }]",
        "types[0].fields[0].choices"
    )]
    [InlineData(
        "types: [{ name: A, fields: [{ name: a, label: L, required: maybe }] }]",
        "types[0].fields[0].required"
    )]
    public void A_mistake_is_told_with_its_place_and_line(string text, string place)
    {
        var (types, problems) = RequestTypeFile.Read(text);
        Assert.Null(types);
        Assert.Equal(place, problems[0].Place);
        Assert.True(problems[0].Line > 0);
        Assert.StartsWith("line ", problems[0].ToString(), StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Setting_them_is_an_event_and_a_change_past_it_is_found(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var types = new RequestTypes(hub.Store);
        Assert.Equal((0, 0), (((await types.Find(default)).Version), (await types.Find(default)).Types.Count));
        var list = RequestTypeFile.Read(File).Types!;

        var set = Assert.IsType<SetRequestTypesOutcome.Set>(await types.Set(list, 0, Some.Operator, default));
        Assert.Equal(1, set.List.Version);
        Assert.IsType<SetRequestTypesOutcome.Same>(await types.Set(list, null, Some.Operator, default));
        Assert.Equal(
            1,
            Assert.IsType<SetRequestTypesOutcome.Changed>(await types.Set([], 0, Some.Operator, default)).Version
        );
        Assert.IsType<SetRequestTypesOutcome.Wrong>(await types.Set([.. list, list[0]], 1, Some.Operator, default));
        Assert.IsType<SetRequestTypesOutcome.Set>(await types.Set(list.Take(1).ToList(), 1, Some.Operator, default));
        Assert.Equal("Production access", Assert.Single((await types.Find(default)).Types).Name);
        Assert.Equal(1, await hub.Place.Count("request_types"));
        var events = await hub.Place.Events(RequestTypes.Subject);
        Assert.Equal(["request_types.set", "request_types.set"], events.Select(e => e.Kind));
        Assert.Contains("\"names\":[\"Production access\"]", events[1].Data, StringComparison.Ordinal);
        Assert.Null(await hub.Proof());

        await hub.Place.Tamper("UPDATE request_types SET text = 'version: 1'");
        Assert.Equal("Request types version 2: its text is not what its events say.", await hub.Proof());
    }
}
