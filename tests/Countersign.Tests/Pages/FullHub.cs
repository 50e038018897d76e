using Countersign.Destinations.Links;
using Countersign.Pages.Destinations;
using Countersign.Pages.Help;
using Countersign.Pages.NewRequest;
using Countersign.Pages.RequestTypeEditor;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Tests.Destinations.Manifest;
using Microsoft.Extensions.DependencyInjection;

namespace Countersign.Tests.Pages;

/// <summary>
/// A hub in which every page has something to show, and everything that can have a name or a text has this one.
/// </summary>
internal sealed class FullHub : IAsyncDisposable
{
    private readonly Receiver _receiver;

    private FullHub(PagesHost pages, Receiver receiver) => (Pages, _receiver) = (pages, receiver);

    public PagesHost Pages { get; }

    /// <summary>All pages, as an admin sees them.</summary>
    public IReadOnlyList<string> Paths { get; private set; } = [];

    public static async Task<FullHub> Start(string name)
    {
        var receiver = new Receiver(new Conduct.Answers(500, name));
        var full = new FullHub(
            await PagesHost.Start(
                Engine.Sqlite,
                ("PublicUrl", "http://approvals.example.test"),
                ("Egress:Allow", "127.0.0.0/8")
            ),
            receiver
        );
        await full.Fill(name);
        return full;
    }

    private async Task Fill(string name)
    {
        var (hub, services) = (Pages.Hub, Pages.Api.Services);
        var person = await hub.AddPerson(name, Role.Agent);
        var group = await hub.AddGroup(name, person, Pages.Ann);
        var source = await hub.AddSource(name, group, 2, "launchdarkly");
        await hub.AddSource(name + " (off)");
        await hub.Sources.Disable(name + " (off)", Some.Operator, default);
        Some.Done(await hub.Tokens.Add(person.Email!, Some.Operator, default));
        await services
            .GetRequiredService<Sessions>()
            .Start(person.Id, "password", new ClientInfo("page", "127.0.0.1", name), default);
        Some.Done(
            await services
                .GetRequiredService<AddDestination>()
                .Run(
                    name,
                    Sample.Text,
                    new Dictionary<string, string> { ["baseURL"] = "http://127.0.0.1:9" },
                    new Dictionary<string, string> { ["apiKey"] = "k" },
                    Some.Operator,
                    default
                )
        );
        var quoted = $"'{name.Replace("'", "''", StringComparison.Ordinal)}'";
        if (
            await services
                .GetRequiredService<PolicyFiles>()
                .Set(
                    $"version: 1\npolicies:\n  - name: {quoted}\n    when: {{ source: [{quoted}] }}\n    "
                        + $"steps:\n      - name: {quoted}\n        need: 1\n        from: {{ groups: [{quoted}] "
                        + "}\n",
                    null,
                    Some.Operator,
                    default
                )
            is not SetPoliciesOutcome.Set
        )
        {
            throw new InvalidOperationException("The policy was not set.");
        }

        using var admin = await Pages.Api.Person(Pages.Root);
        var webhook = await admin.Post(
            "/api/v1/webhooks",
            new { url = $"{_receiver.Address}{Uri.EscapeDataString(name)}", sources = new[] { name } }
        );
        var delivery = (await admin.Post($"/api/v1/webhooks/{webhook["id"]}/test", new { }))["delivery"];

        var type = name.Length > RequestTypeRules.MaxName ? name[..RequestTypeRules.MaxName] : name;
        if (
            await services
                .GetRequiredService<RequestTypes>()
                .Set(
                    [
                        new RequestType(type)
                        {
                            Description = name,
                            ReviewerGroup = name,
                            Fields =
                            [
                                .. Enum.GetValues<RequestFieldKind>()
                                    .Select(kind => new RequestTypeField($"field-{kind}", type, kind)
                                    {
                                        Choices = kind == RequestFieldKind.Choice ? [name] : [],
                                        Help = name,
                                    }),
                            ],
                        },
                    ],
                    null,
                    Some.Operator,
                    default
                )
            is not SetRequestTypesOutcome.Set
        )
        {
            throw new InvalidOperationException("The request type was not set.");
        }

        Submission Named(Submission s) =>
            s with
            {
                Subject = name,
                Message = name,
                SourceId = source.Id,
                Requester = new Requester(person.Id, name, [person.Id], Certainty.Proven),
                Facts = System.Text.Json.JsonSerializer.Serialize(
                    new Dictionary<string, string> { ["environment.name"] = name, [name] = name }
                ),
            };
        var open = await hub.Ask(Some.Policy(Some.Step(name, 2, group.AsApprover, person.AsApprover)), Named);
        await hub.Comment.Run(open.Id, Some.Viewer(person), name, default);
        await hub.Answer(open, Pages.Ann, Answer.Approve, name);
        var settled = await hub.Ask(Some.Policy(group.AsApprover), Named);
        await hub.Answer(settled, Pages.Ann, Answer.Reject, name);
        var elsewhere = await hub.Ask(new Policy(name, []) { Destination = name }, Named);
        Paths =
        [
            "/",
            "/?status=active",
            "/?show=asked",
            "/?show=all",
            "/?text=nothing+like+this",
            "/new",
            "/new?type=",
            NewRequestPage.AddressOf(type),
            RequestTypesPage.Path,
            RequestTypesPage.NewPath,
            RequestTypesPage.AddressOf(type),
            "/account",
            "/insights",
            $"/requests/{open.Id}",
            $"/requests/{settled.Id}",
            $"/requests/{elsewhere.Id}",
            "/people",
            "/people?text=nothing+like+this",
            "/people/new",
            "/groups",
            $"/people/{person.Id}",
            $"/groups/{group.Id}",
            "/sources",
            "/sources/new",
            $"/sources/{source.Id}",
            $"/sources/{source.Id}/form",
            "/policies",
            "/policies/review",
            "/policies/versions/1",
            "/policies/apply",
            "/destinations",
            "/destinations/new",
            "/destinations/new?known=servicenow-normal",
            DestinationPage.AddressOf(name),
            DestinationPage.AddressOf(name) + DestinationPage.Calls,
            "/deliveries",
            $"/deliveries/{delivery}",
            "/get-started",
            .. HelpDocuments.Names.Select(page => $"/help/{page}"),
            "/webhooks",
            "/webhooks/new",
            $"/webhooks/{webhook["id"]}",
            "/work",
            "/tokens",
            "/sessions",
            "/audit",
            "/nothing-here",
        ];
    }

    public async ValueTask DisposeAsync()
    {
        await Pages.DisposeAsync();
        await _receiver.DisposeAsync();
    }
}
