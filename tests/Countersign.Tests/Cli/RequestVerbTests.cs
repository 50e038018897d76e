using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary><c>countersign request …</c>: the operator delegates and reassigns for people.</summary>
public sealed class RequestVerbTests
{
    [Theory, BothEngines]
    public async Task A_review_is_delegated_and_given_back_by_the_operator(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var shell = Shell.On(hub.Place);
        var (ann, ben) = (await hub.AddPerson("Ann", Role.Agent), await hub.AddPerson("Ben", Role.Agent));
        await hub.AddPerson("Dan", Role.Agent);
        var request = await hub.Ask(Some.Policy(Some.Step("SRE", 1, ann.AsApprover)));
        string[] delegation = ["request", "delegate", request.Id.Value, "--from", ann.Email!, "--to"];
        string[] end = ["request", "end-delegation", request.Id.Value, "--from", ann.Email!];

        Assert.Equal((1, "not_delegated"), (await shell.Json(end)).Failure);
        Assert.Equal((1, "not_found"), (await shell.Json([.. delegation, "nobody@example.test"])).Failure);
        Assert.Equal((1, "invalid"), (await shell.Json([.. delegation, ann.Email!])).Failure);
        Assert.Equal((2, "usage"), (await shell.Json("request", "delegate", request.Id.Value)).Failure);
        var done = (await shell.Json([.. delegation, ben.Email!])).Done;
        Assert.Equal("Ben", done.GetProperty("delegations")[0].GetProperty("to").GetProperty("name").GetString());
        Assert.Equal((1, "already_delegated"), (await shell.Json([.. delegation, "Dan@example.test"])).Failure);
        Assert.Equal("Ann reviews this request again.", (await shell.Run(end)).Output.Trim());
        Assert.Equal(
            "Ben reviews this request in place of Ann.",
            (await shell.Run([.. delegation, ben.Email!])).Output.Trim()
        );

        var last = (await hub.Place.Events(request.Id.Subject))[^1];
        Assert.Equal(("request.delegated", "operator", "cli"), (last.Kind, last.Actor, last.Via));
        Assert.Equal(
            "Approved by Ben for Ann",
            Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, ben)).Request.Display
        );
        Assert.Equal((1, "already_settled"), (await shell.Json(end)).Failure);
        foreach (var unknown in new[] { "01ARZ3NDEKTSV4RRFFQ69G5FAV", "x" })
        {
            Assert.Equal(
                (1, "not_found"),
                (await shell.Json("request", "end-delegation", unknown, "--from", ann.Email!)).Failure
            );
        }
    }

    [Theory, BothEngines]
    public async Task Request_types_are_listed_shown_as_a_file_and_set_from_one(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var shell = Shell.On(hub.Place);
        string[] set = ["request-type", "set", "-"];
        const string file = """
            version: 1
            types:
              - name: Production access
                reviewers: { group: SRE }
                fields: [{ name: system, label: System, kind: choice, choices: [billing, shop] }]
            """;
        Assert.Equal("No request types.", (await shell.Run("request-type", "list")).Output.Trim());

        Assert.Equal("1 request type can be requested now.", (await shell.RunWithInput(file, set)).Output.Trim());
        var type = (await shell.Json("request-type", "list")).Done.GetProperty("types")[0];
        Assert.Equal("choice", type.GetProperty("fields")[0].GetProperty("kind").GetString());
        Assert.Equal("SRE", type.GetProperty("reviewers").GetProperty("group").GetString());
        Assert.Contains("system", (await shell.Run("request-type", "list")).Output, StringComparison.Ordinal);
        var shown = (await shell.Run("request-type", "show")).Output;
        Assert.Equal("These are the request types already.", (await shell.RunWithInput(shown, set)).Output.Trim());
        var no = await shell.RunWithInput("types: [{ name: '' }]", [.. set, "--json"]);
        Assert.Equal((1, false), (no.ExitCode, no.Document.GetProperty("ok").GetBoolean()));
        Assert.Equal((1, "not_found"), (await shell.Json("request-type", "set", "nowhere.yaml")).Failure);
        Assert.Equal("operator", (await hub.Place.Events(RequestTypes.Subject))[^1].Actor);
    }

    [Theory, BothEngines]
    public async Task A_request_gets_another_assignee_where_its_assignee_decides(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await using var shell = Shell.On(hub.Place);
        var (ann, ben) = (await hub.AddPerson("Ann", Role.Agent), await hub.AddPerson("Ben", Role.Agent));
        var group = await hub.AddGroup("SRE", ann);
        var policy = new Policy(PolicySelection.Assignee, [new Step(PolicySelection.Assignee, 1, [ann.AsApprover])]);
        var request = await hub.Ask(policy, s => s with { Assignee = ann.AsApprover });
        string[] reassign = ["request", "reassign", request.Id.Value];

        Assert.Equal((2, "usage"), (await shell.Json(reassign)).Failure);
        Assert.Equal((2, "usage"), (await shell.Json([.. reassign, "--person", "x", "--group", "SRE"])).Failure);
        Assert.Equal((1, "not_found"), (await shell.Json([.. reassign, "--group", "Nobody"])).Failure);
        Assert.Equal((1, "not_found"), (await shell.Json([.. reassign, "--person", "nobody@example.test"])).Failure);
        Assert.Equal(
            "0 of 1 approval, waiting for Ben.",
            (await shell.Run([.. reassign, "--person", ben.Email!])).Output.Trim()
        );
        Assert.Equal([Party.Person(ben.Id).Text], await hub.WaitsFor(request.Id));
        var done = (await shell.Json([.. reassign, "--group", "sre"])).Done;
        Assert.Equal("SRE", done.GetProperty("assignee").GetProperty("name").GetString());
        Assert.Equal([Party.Group(group.Id).Text], await hub.WaitsFor(request.Id));
        Assert.Equal("operator", (await hub.Place.Events(request.Id.Subject))[^1].Actor);

        var byPolicy = await hub.Ask(Some.Policy(ann.AsApprover));
        Assert.Equal(
            (1, "not_by_assignee"),
            (await shell.Json("request", "reassign", byPolicy.Id.Value, "--person", ben.Email!)).Failure
        );
    }
}
