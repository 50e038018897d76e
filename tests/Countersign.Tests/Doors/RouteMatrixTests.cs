using System.Text;
using Countersign.Destinations.Links;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;
using Countersign.Tests.Destinations.Manifest;
using Countersign.Tests.Doors.LaunchDarkly;
using Countersign.Tests.Pages;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Doors;

/// <summary>
/// Every route and every kind of caller, from the list of endpoints that the server itself has: what is allowed stands
/// in the table below, and a route without a line there fails.
/// </summary>
public sealed class RouteMatrixTests
{
    private enum Kind
    {
        Nobody,
        ApiSource,
        LaunchDarklySource,
        DisabledSource,
        EndUser,
        Agent,
        Reviewer,
        Requester,
        Admin,
        DisabledAdmin,
        AgentInBrowser,
        AdminInBrowser,
        AdminWithoutFormToken,
        AdminFromOtherSite,
    }

    /// <summary>
    /// One column per <see cref="Kind"/>, in their order: <c>a</c> allowed (also where the call itself makes no sense),
    /// <c>1</c> 401, <c>3</c> 403, <c>4</c> 404 as if it were not there, <c>s</c> sent to sign in, <c>k</c> asked again
    /// before anything is done. Each line holds for the routes after it.
    /// </summary>
    private const string Table = """
        11111111111113
            POST /api/launchdarkly/{source:long}/webhook
        44444444444443
            POST /gates/{kind}/{source:long}
            POST /gates/{kind}/{source:long}/{**rest}
        s33344444s4444
            GET /sources/{id:long}/github
        13313444414444
            GET /proof/epochs/{epoch:long}/tile/{**path}
            GET /proof/tile/{**path}
        13313aaaa1aaaa
            GET /proof/chain
            GET /proof/checkpoint
            GET /proof/epochs/{epoch:long}/checkpoint
        11113333a13aaa
            GET /api/v2/approval_requests
        11113aaaa1aa33
            POST /api/v2/approval_requests
            POST /api/v2/approval_workflow_instances
            POST /api/v2/approval_workflow_instances/{instance}/approval_requests
            POST /api/v2/tickets
            PUT /api/v2/tickets/{id:long}
        11113aaaa1aaaa
            GET /api/v2/group_memberships
            GET /api/v2/groups
            GET /api/v2/groups/{id:long}
            GET /api/v2/groups/{id:long}/memberships
            GET /api/v2/groups/{id:long}/users
            GET /api/v2/users
            GET /api/v2/users/search
            GET /api/v2/users/{id:long}/group_memberships
            GET /api/v2/users/{id:long}/groups
        11114444414433
            POST /api/v2/approval_clarification_flow_messages
        111144a3314333
            PATCH /api/v2/approval_workflow_instances/{instance}/approval_requests/{id}/decision
        111144aaa14aaa
            GET /api/v2/approval_requests/{id}
            GET /api/v2/approval_workflow_instances/{instance}/approval_requests/{id}
        11114aaaa1aaaa
            GET /api/v2/tickets/{id:long}
            GET /api/v2/tickets/{id:long}/comments
            GET /api/v2/users/{id:long}
        1111aaaaa1aa33
            POST /api/v2/approval_workflow_instances/{instance}/approval_requests/search
        1111aaaaa1aaaa
            GET /api/v2/users/show_many
        13313333413433
            DELETE /api/v1/people/{email}/aliases/{id:long}
            DELETE /api/v1/sources/{name}/launchdarkly
            POST /api/v1/sources/{name}/launchdarkly/members
        13313333413444
            GET /api/v1/destinations/{name}/options/{key}
            GET /api/v1/sources/{name}/launchdarkly
        13313333a13a33
            DELETE /api/v1/people/{email}/second-factor
            DELETE /api/v1/groups/{name}/members/{email}
            DELETE /api/v1/people/{email}/absence
            DELETE /api/v1/sessions/{id:long}
            DELETE /api/v1/sources/{name}/old-key
            DELETE /api/v1/tokens/{id:long}
            DELETE /api/v1/webhooks/{id:long}
            DELETE /api/v1/webhooks/{id:long}/old-secret
            PATCH /api/v1/groups/{name}
            PATCH /api/v1/sources/{name}
            POST /api/v1/sources/{name}/launchdarkly/test
            PUT /api/v1/sources/{name}/form
            PUT /api/v1/sources/{name}/launchdarkly
            POST /api/v1/deliveries/replay
            POST /api/v1/deliveries/{id:long}/replay
            POST /api/v1/work/{id:long}/discard
            POST /api/v1/work/{id:long}/retry
            POST /api/v1/destinations
            POST /api/v1/destinations/lint
            POST /api/v1/destinations/{name}/pause
            POST /api/v1/destinations/{name}/rehearsal
            POST /api/v1/destinations/{name}/resume
            POST /api/v1/destinations/{name}/test
            POST /api/v1/groups
            POST /api/v1/links/{id:long}/resolution
            POST /api/v1/people
            POST /api/v1/people/import
            POST /api/v1/people/{email}/aliases
            POST /api/v1/people/{email}/disable
            POST /api/v1/people/{email}/enable
            POST /api/v1/people/{email}/erase
            POST /api/v1/policies/apply
            POST /api/v1/policies/check
            POST /api/v1/policies/explain
            POST /api/v1/sources
            POST /api/v1/sources/{name}/disable
            POST /api/v1/sources/{name}/enable
            POST /api/v1/sources/{name}/key
            POST /api/v1/tokens
            POST /api/v1/webhooks
            POST /api/v1/webhooks/{id:long}/disable
            POST /api/v1/webhooks/{id:long}/enable
            POST /api/v1/webhooks/{id:long}/secret
            POST /api/v1/webhooks/{id:long}/test
            PUT /api/v1/destinations/{name}/values
            PUT /api/v1/groups/{name}/members/{email}
            PUT /api/v1/people/{email}/absence
            PUT /api/v1/people/{email}/name
            PUT /api/v1/people/{email}/password
            PUT /api/v1/people/{email}/role
            PUT /api/v1/policies
            PUT /api/v1/request-types
        13313333a13aaa
            GET /api/v1/absences
            GET /api/v1/audit/export
            GET /api/v1/audit/verification
            GET /api/v1/deliveries
            GET /api/v1/deliveries/{id:long}
            GET /api/v1/work
            GET /api/v1/destinations
            GET /api/v1/destinations/{name}
            GET /api/v1/destinations/{name}/links
            GET /api/v1/groups
            GET /api/v1/people
            GET /api/v1/people/{email}/aliases
            GET /api/v1/policies
            GET /api/v1/policies/versions
            GET /api/v1/policies/versions/{version:long}
            GET /api/v1/request-types
            GET /api/v1/sessions
            GET /api/v1/sources
            GET /api/v1/sources/{name}/form
            GET /api/v1/sources/{name}/rejected-bodies
            GET /api/v1/tokens
            GET /api/v1/webhooks
        13314444414444
            GET /api/v1/me/absence
        1331aaaaa1aa33
            DELETE /api/v1/me/absence
            PUT /api/v1/me/channels
        1331aaaaa1aaaa
            GET /api/v1/me/channels
        133133a3a13aaa
            GET /api/v1/insights
        133144aaa14a33
            DELETE /api/v1/requests/{id}/delegation
        1331aaaaa1aa33
            POST /api/v1/requests/{id}/assignee
            POST /api/v1/requests/{id}/delegation
        14411111111111
            GET /api/approvals/{id}/status
            GET /api/options/{name}
        13314433a14a33
            POST /api/v1/requests/{id}/break-glass
        1441443aa14a33
            POST /api/v1/requests/{id}/applied
            POST /api/v1/requests/{id}/withdrawal
        133144a3314333
            POST /api/v1/requests/{id}/decisions
        1aa13333313333
            POST /api/v1/requests/{id}/redemption
        144144aaa14a33
            POST /api/v1/requests/{id}/comments
        144144aaa14aaa
            GET /api/v1/requests/{id}
            GET /api/v1/requests/{id}/receipt
            GET /api/v1/requests/{id}/revisions
            GET /api/v1/requests/{id}/revisions/{n:long}
        1aa11111111111
            GET /api/members
        1aa11111111113
            POST /mcp
            POST /api/approvals
            POST /api/approvals/{id}/apply
            POST /api/approvals/{id}/cancel
        1aa13aaaa1aa33
            POST /api/v1/requests
        1aa1aaaaa1aa33
            PUT /api/v1/me/absence
        1aa1aaaaa1aaaa
            GET /api/v1/events
            GET /api/v1/requests
        44444444444443
            POST /mail/{token}
            POST /set-up
        44444444444444
            GET /assets/{name}
            GET /mail/done/{what}
            GET /mail/{token}
            GET /set-up
        a111aaaaa1aaaa
            GET /api/v2/users/me
        ssssssssssssss
            GET /sign-in/second-step
        sssssssssssss3
            POST /sign-in/second-step
        aaaaaaaaaaaaa3
            POST /display
            POST /sign-in
            POST /sign-in/mail
        aaaaaaaaaaaaaa
            GET /health/live
            GET /health/ready
            GET /openapi/{documentName}.json
            GET /verify
            GET /sign-in
            GET /sign-in/mail
            GET /sign-in/oidc
            GET /sign-in/oidc/partner
        13314433314333
            POST /api/v1/requests/{id}/not-me
        s33333333s44k3
            POST /account/two-factor
            POST /requests/{id}/not-me
        s33333333s4ak3
            POST /requests/{id}
            POST /requests/{id}/assignee
            POST /requests/{id}/break-glass
            POST /requests/{id}/delegation
        s33333333saak3
            POST /
            POST /account
            POST /account/channels
            POST /new
            POST /sessions
            POST /sign-out
            POST /tokens
        s33344443s4ak3
            POST /work
            POST /audit
            POST /deliveries/{id:long}/replay
            POST /destinations/new
            POST /destinations/{name}
            POST /groups/{id:long}
            POST /people
            POST /people/{id:long}
            POST /policies
            POST /policies/apply
            POST /policies/review
            POST /policies/versions/{version:long}
            POST /request-types
            POST /sources
            POST /sources/{id:long}
            POST /sources/{id:long}/form
            POST /get-started
            POST /webhooks
            POST /webhooks/{id:long}
        s33344444s4444
            GET /request-types/edit
            GET /results
        s3334444as4aaa
            GET /audit
            GET /audit.csv
            GET /deliveries
            GET /deliveries.csv
            GET /deliveries/{id:long}
            GET /get-started
            GET /webhooks
            GET /webhooks.csv
            GET /webhooks/new
            GET /webhooks/{id:long}
            GET /work
            GET /destinations
            GET /destinations.csv
            GET /destinations/new
            GET /destinations/{name}
            GET /destinations/{name}/calls
            GET /groups
            GET /groups.csv
            GET /groups/{id:long}
            GET /people
            GET /people.csv
            GET /people/new
            GET /people/{id:long}
            GET /policies
            GET /policies/apply
            GET /policies/review
            GET /policies/versions/{version:long}
            GET /request-types
            GET /request-types/new
            GET /sessions
            GET /sources
            GET /sources.csv
            GET /sources/new
            GET /sources/{id:long}
            GET /sources/{id:long}/form
            GET /tokens
            GET /tokens.csv
        s33344a4as4aaa
            GET /insights.csv
        s33344aaas4aaa
            GET /approvals
            GET /requests/{id}
            GET /requests/{id}/receipt
        s3334aaaasaaaa
            GET /new
        s333aaaaasaaaa
            GET /account/two-factor
            GET /
            GET /account
            GET /insights
            GET /live
            GET /pending
            GET /requests.csv
            GET /help
            GET /help/{name}
            GET /sign-in/kept
            GET /tokens/new
        """;

    [Fact]
    public async Task Every_endpoint_names_the_policy_by_which_it_lets_callers_in()
    {
        await using var api = await ApiHost.Start(Engine.Sqlite, ("Metrics:Prometheus", "true"));
        var policies = api.Services.GetRequiredService<IAuthorizationPolicyProvider>();
        Assert.NotNull(await policies.GetFallbackPolicyAsync());
        var without =
            from endpoint in api.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            where
                endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null
                && !endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Any(data => data.Policy is { Length: > 0 })
            select endpoint.DisplayName;
        Assert.Empty(without);
    }

    [Fact]
    public async Task Every_route_lets_in_those_who_stand_in_the_table_and_no_one_else()
    {
        var columns = new Dictionary<string, StringBuilder>(StringComparer.Ordinal);
        foreach (var kind in Enum.GetValues<Kind>())
        {
            await using var hub = await Hub.Start();
            using var client = await hub.Client(kind);
            foreach (var (method, route) in Routes(hub.Pages.Api))
            {
                var row = columns.TryGetValue($"{method} {route}", out var known)
                    ? known
                    : columns[$"{method} {route}"] = new StringBuilder();
                row.Append(await hub.Call(client, method, route));
            }
        }
        var actual = columns.ToDictionary(c => c.Key, c => c.Value.ToString());
        var declared = Declared();
        var wrong = actual
            .Where(a => declared.GetValueOrDefault(a.Key) != a.Value)
            .Select(a => $"{a.Key}: is {a.Value}, declared {declared.GetValueOrDefault(a.Key, "nowhere")}")
            .Concat(declared.Keys.Except(actual.Keys).Select(gone => $"{gone}: declared, and not a route"))
            .Order(StringComparer.Ordinal)
            .ToList();
        Assert.True(wrong.Count == 0, $"{string.Join('\n', wrong)}\n\n{Written(actual)}");
    }

    /// <summary>
    /// What changes least comes first, and signing out last, so that each call meets what the others left.
    /// </summary>
    private static IEnumerable<(string Method, string Route)> Routes(ApiHost host) =>
        from endpoint in host
            .Services.GetServices<EndpointDataSource>()
            .SelectMany(s => s.Endpoints)
            .OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        let route = "/" + endpoint.RoutePattern.RawText!.Trim('/')
        group route by (method, route) into one
        orderby one.Key.route == "/sign-out", one.Key.route.EndsWith("/erase", StringComparison.Ordinal), Settles(
            one.Key.route
        ), Array.IndexOf(Order, one.Key.method), one.Key.route
        select one.Key;

    private static readonly string[] Order = ["GET", "DELETE", "PUT", "PATCH", "POST"];

    private static bool Settles(string route) =>
        route.EndsWith("/break-glass", StringComparison.Ordinal)
        || route.EndsWith("/withdrawal", StringComparison.Ordinal)
        || route.EndsWith("/disable", StringComparison.Ordinal)
        || route == "/api/v1/policies/apply";

    private static Dictionary<string, string> Declared()
    {
        var (declared, row) = (new Dictionary<string, string>(StringComparer.Ordinal), "");
        foreach (var line in Table.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Contains(' ', StringComparison.Ordinal))
                declared[line] = row;
            else
                row = line;
        }
        return declared;
    }

    private static string Written(Dictionary<string, string> actual) =>
        string.Join(
            '\n',
            from route in actual
            group route.Key by route.Value into same
            orderby same.Key
            select $"{same.Key}\n{string.Join('\n', same.Order(StringComparer.Ordinal).Select(r => "    " + r))}"
        );

    /// <summary>A hub with one of everything that a route can name.</summary>
    private sealed class Hub : IAsyncDisposable
    {
        private int _calls;
        private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

        private Hub(PagesHost pages) => Pages = pages;

        public PagesHost Pages { get; }

        public static async Task<Hub> Start()
        {
            var hub = new Hub(
                await PagesHost.Start(
                    Engine.Sqlite,
                    ("PublicUrl", "http://hub.example.test"),
                    ("Oidc:Authority", "http://127.0.0.1:9"),
                    ("Oidc:ClientId", "x"),
                    ("Oidc:ClientSecret", "x"),
                    ("Oidc:partner:Authority", "http://127.0.0.1:9"),
                    ("Oidc:partner:ClientId", "x"),
                    ("Oidc:partner:ClientSecret", "x")
                )
            );
            await hub.Fill();
            // Then the log has a signed checkpoint.
            await hub.Pages.Api.Services.GetRequiredService<Countersign.Audit.Sealer>().SealAll();
            return hub;
        }

        private async Task Fill()
        {
            var (test, services) = (Pages.Hub, Pages.Api.Services);
            var spare = await test.AddPerson("Spare", Role.EndUser);
            var group = await test.AddGroup("Spare", spare);
            var source = await test.AddSource("Spare", kind: "launchdarkly");
            var token = Some.Done(await test.Tokens.Add(spare.Email!, Some.Operator, default));
            var session = await test.Sessions.Start(
                spare.Id,
                "password",
                new ClientInfo("page", "127.0.0.1", ""),
                default
            );
            Some.Done(
                await services
                    .GetRequiredService<AddDestination>()
                    .Run(
                        "Spare",
                        Sample.Text,
                        new Dictionary<string, string> { ["baseURL"] = "http://127.0.0.1:9" },
                        new Dictionary<string, string> { ["apiKey"] = "k" },
                        Some.Operator,
                        default
                    )
            );
            await services
                .GetRequiredService<PolicyFiles>()
                .Set(
                    "version: 1\npolicies:\n  - name: none\n    when: { source: [nowhere] }\n    steps:\n    "
                        + "  - name: one\n        need: 1\n        from: { groups: [Spare] }\n",
                    null,
                    Some.Operator,
                    default
                );
            await Pages.Api.Noticed();
            using var admin = await Pages.Api.Person(Pages.Root);
            var webhook = await admin.Post("/api/v1/webhooks", new { url = "https://hub.example.test/hook" });
            var doomed = await admin.Post("/api/v1/webhooks", new { url = "https://hub.example.test/doomed" });
            var delivery = await admin.Post($"/api/v1/webhooks/{webhook["id"]}/test", new { });
            var ticket = await admin.Post(
                "/api/v2/tickets",
                new { ticket = new { subject = "x", comment = new { body = "x" } } }
            );
            var request = await Pages.Ask();
            // It recurs, so it stays after every call.
            await Eventually.True(async () => await test.Place.Count("jobs") > 0, "cleaning is planned");
            var job = await test.Place.Number("SELECT max(id) FROM jobs WHERE kind = 'clean'");
            foreach (
                var (name, value) in new[]
                {
                    ("/people/{id", $"{spare.Id}"),
                    ("/users/{id", $"{spare.Id}"),
                    ("/people/{email", spare.Email!),
                    ("/members/{email", spare.Email!),
                    ("/groups/{name", "Spare"),
                    ("/groups/{id", $"{group.Id}"),
                    ("/sources/{name", "Spare"),
                    ("/sources/{id", $"{source.Id}"),
                    ("/tokens/{id", $"{token.Id}"),
                    ("/sessions/{id", $"{session!.Id}"),
                    // Others are asked for the webhook afterwards.
                    ("/api/v1/webhooks/{id:long}", $"/api/v1/webhooks/{doomed["id"]}"),
                    ("/webhooks/{id", webhook["id"]!),
                    ("/help/{name", "policies"),
                    ("/deliveries/{id", delivery["delivery"]!),
                    ("/work/{id", $"{job}"),
                    ("/destinations/{name", "Spare"),
                    ("/options/{key", "project"),
                    ("/api/options/{name", "x"),
                    ("/links/{id", "1"),
                    ("/versions/{version", "1"),
                    ("/revisions/{n", "1"),
                    ("/requests/{id", $"{request.Id}"),
                    ("approval_requests/{id", $"{request.Id}"),
                    ("/approvals/{id", LaunchDarklySide.Id),
                    ("/tickets/{id", ticket.Json["ticket"]!["id"]!.ToString()),
                    ("_instances/{instance", "1"),
                    ("/assets/{name", "x"),
                    ("/mail/{token", "x"),
                    ("/openapi/{documentName", "v1"),
                }
            )
            {
                _names[name] = value;
            }
        }

        public async Task<HttpClient> Client(Kind kind)
        {
            var (api, test) = (Pages.Api, Pages.Hub);
            switch (kind)
            {
                case Kind.Nobody:
                    return api.Nobody().Http;
                case Kind.ApiSource:
                    return api.Source(await test.AddSource("Caller")).Http;
                case Kind.LaunchDarklySource:
                    return api.Source(await test.AddSource("Caller", kind: "launchdarkly")).Http;
                case Kind.DisabledSource:
                    var disabled = await test.AddSource("Caller");
                    await test.Sources.Disable("Caller", Some.Operator, default);
                    await api.Noticed();
                    return api.Source(disabled).Http;
                case Kind.EndUser or Kind.Agent:
                    return (
                        await api.Person(await test.AddPerson("Caller", kind == Kind.Agent ? Role.Agent : Role.EndUser))
                    ).Http;
                case Kind.Reviewer:
                    return (await api.Person(Pages.Ann)).Http;
                case Kind.Requester:
                    return (await api.Person(Pages.Rita)).Http;
                case Kind.Admin:
                    return (await api.Person(Pages.Root)).Http;
                case Kind.DisabledAdmin:
                    var gone = await test.AddPerson("Caller", Role.Admin);
                    var client = await api.Person(gone);
                    await test.Disable(gone);
                    await api.Noticed();
                    return client.Http;
                default:
                    var browser = await api.SignIn(
                        kind == Kind.AgentInBrowser ? await test.AddPerson("Caller", Role.Agent) : Pages.Root
                    );
                    if (kind != Kind.AdminWithoutFormToken)
                        browser.Http.DefaultRequestHeaders.Add("X-CSRF-Token", (await browser.Get("/account")).Token);
                    browser.Http.DefaultRequestHeaders.Add(
                        "Origin",
                        kind == Kind.AdminFromOtherSite ? "https://elsewhere.example" : browser.Origin
                    );
                    return browser.Http;
            }
        }

        public async Task<char> Call(HttpClient client, string method, string route)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), Filled(route));
            // Each from an address of its own, so that no limit is met on the way.
            request.Headers.Add("X-Forwarded-For", $"10.7.{++_calls / 250}.{_calls % 250}");
            if (method is not "GET" and not "DELETE")
            {
                request.Content = route.StartsWith("/api", StringComparison.Ordinal)
                    ? new StringContent(Json(route), Encoding.UTF8, "application/json")
                    : Form(route);
            }
            // Some answers go on for as long as they are read.
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            return (int)answer.StatusCode switch
            {
                401 => '1',
                403 => '3',
                404 => '4',
                409
                    when (await answer.Content.ReadAsStringAsync()).Contains(
                        "<h1>Submit your draft?</h1>",
                        StringComparison.Ordinal
                    ) => 'k',
                302 when answer.Headers.Location!.ToString().StartsWith("/sign-in?to=", StringComparison.Ordinal) =>
                    's',
                < 429 => 'a',
                var status => throw new InvalidOperationException(
                    $"{method} {route} answered {status}: {await answer.Content.ReadAsStringAsync()}"
                ),
            };
        }

        public ValueTask DisposeAsync() => Pages.DisposeAsync();

        private string Filled(string route)
        {
            if (route is "/live" or "/approvals")
                return route + (route == "/live" ? "?about=inbox" : "?approvalID=ext-1");
            if (_names.TryGetValue(route, out var own))
                return own;
            var parts = route.Split('/');
            for (var i = 1; i < parts.Length; i++)
            {
                if (!parts[i].StartsWith('{'))
                    continue;
                var before = $"/{parts[i - 1]}/{parts[i]}";
                var value = _names
                    .Where(n => before.Contains(n.Key, StringComparison.Ordinal))
                    .Select(n => n.Value)
                    .FirstOrDefault("1");
                parts[i] =
                    Uri.EscapeDataString(value) + parts[i][(parts[i].IndexOf('}', StringComparison.Ordinal) + 1)..];
            }
            return string.Join('/', parts);
        }

        /// <summary>A body that gets past the reading, where only then it is asked who may.</summary>
        private static string Json(string route) =>
            route switch
            {
                "/api/approvals" => LaunchDarklySide.Body().ToJsonString(),
                "/api/v1/requests" => """{"subject":"x"}""",
                _ when route.EndsWith("/decisions", StringComparison.Ordinal) => """{"answer":"abstain"}""",
                _ when route.EndsWith("/decision", StringComparison.Ordinal) => """{"status":"rejected","notes":"x"}""",
                _ when route.EndsWith("/comments", StringComparison.Ordinal) => """{"text":"x"}""",
                _ when route.EndsWith("/withdrawal", StringComparison.Ordinal) => """{"reason":"x"}""",
                _ when route.EndsWith("/break-glass", StringComparison.Ordinal) =>
                    """{"reason":"The site is down and nobody is here."}""",
                "/api/v2/approval_clarification_flow_messages" => """{"approval_request_id":"x","message":"x"}""",
                _ => "{}",
            };

        /// <summary>Of a page's forms one that does little.</summary>
        private static FormUrlEncodedContent Form(string route) =>
            new(
                new Dictionary<string, string>
                {
                    ["do"] = route switch
                    {
                        "/people" => "add-group",
                        "/people/{id:long}" => "profile",
                        "/groups/{id:long}" => "name",
                        "/sources/{id:long}" => "end-old",
                        "/tokens" => "add",
                        "/sessions" => "end-others",
                        "/account" => "password",
                        "/destinations/{name}" => "resume",
                        "/webhooks/{id:long}" => "end-old",
                        "/requests/{id}" => "comment",
                        _ => "check",
                    },
                    ["note"] = "x",
                    ["reason"] = "The site is down and nobody is here.",
                }
            );
    }
}
