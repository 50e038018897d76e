using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Hosting;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Countersign.Tests.Hosting;

/// <summary>
/// Two nodes on PostgreSQL behind nginx, HAProxy and Caddy with the examples of <c>deploy/proxy</c>: what people copy
/// works.
/// </summary>
public sealed class ProxyTests
{
    private const string Password = "river lantern seventeen";

    [Theory, InFrontOfTwoNodes]
    public async Task A_browser_signs_in_over_TLS_with_secure_cookies_and_its_own_address(string proxy)
    {
        await using var site = await Site.Start(proxy);
        using (var plain = site.Proxy.Plain())
        {
            var moved = await plain.Get("/sign-in?to=%2Fwork");
            Assert.InRange(moved.Status, 301, 308);
            Assert.Equal($"https://{Proxy.Host}/sign-in?to=%2Fwork", moved.Headers.Location?.ToString());
        }
        using var browser = site.Proxy.Browser(from: "127.0.0.2");
        // What a caller claims counts for nothing: the proxy says where the call came from.
        browser.Http.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.9");
        browser.Http.DefaultRequestHeaders.Add("X-Forwarded-Proto", "http");

        var refused = await browser.Submit("/sign-in", "/sign-in", ("email", site.Ann.Email!), ("password", "wrong"));
        var entered = await browser.Submit("/sign-in", "/sign-in", ("email", site.Ann.Email!), ("password", Password));

        Assert.Equal((401, 302), (refused.Status, entered.Status));
        var cookie = Assert.Single(
            entered.Headers.GetValues("Set-Cookie"),
            c => c.StartsWith($"__Host-{SessionCookie.Name}=", StringComparison.Ordinal)
        );
        Assert.Contains("; secure", cookie, StringComparison.OrdinalIgnoreCase);
        var session = Assert.Single(await site.Hub.Sessions.List(site.Ann.Id, default));
        Assert.Equal("127.0.0.2", session.Address);
    }

    [Theory, InFrontOfTwoNodes]
    public async Task A_hub_under_a_path_is_reached_there(string proxy)
    {
        await using var site = await Site.Start(proxy, ("PathBase", "/approvals"));
        using var browser = site.Proxy.Browser(from: "127.0.0.1");

        var page = await browser.Get("/approvals/sign-in");

        Assert.Equal(200, page.Status);
        Assert.Contains("action=\"/approvals/sign-in\"", page.Text, StringComparison.Ordinal);
        Assert.All(
            page.Headers.GetValues("Set-Cookie"),
            c => Assert.Contains("path=/approvals", c, StringComparison.OrdinalIgnoreCase)
        );
    }

    [Theory, InFrontOfTwoNodes]
    public async Task Events_arrive_as_they_happen(string proxy)
    {
        await using var site = await Site.Start(proxy);
        using var client = await site.Client();
        client.Http.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        using var response = await client
            .Http.GetAsync(new Uri("/api/v1/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead)
            .Soon();
        using var stream = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal(": listening", await stream.ReadLineAsync().Soon());

        for (var n = 0; n < 3; n++)
        {
            var request = await site.Hub.Ask(site.Ann.AsApprover);
            await site.Hub.Store.GivePositions();
            string? line;
            do line = await stream.ReadLineAsync().Soon();
            while (line is not null && !line.Contains(request.Id.ToString(), StringComparison.Ordinal));
            Assert.NotNull(line);
        }
    }

    [Theory, InFrontOfTwoNodes]
    public async Task A_body_that_is_too_large_is_refused_by_the_hub_in_its_own_words(string proxy)
    {
        await using var site = await Site.Start(proxy);
        using var client = await site.Client();
        // The answer may come before the body is sent: with HTTP/1.1 the client must not begin, or the answer is lost.
        client.Http.DefaultRequestHeaders.ExpectContinue = true;
        client.Http.DefaultRequestVersion = HttpVersion.Version20;
        foreach (var size in new[] { BodyBytes.MaxSize + 1, BodyBytes.MaxSize * 3 / 2 })
        {
            using var body = new StringContent(new string(' ', size), Encoding.UTF8, "application/json");
            using var answer = await client.Http.PostAsync(new Uri("/api/v1/requests", UriKind.Relative), body);

            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
            var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync());
            Assert.Equal("too_large", problem?["code"]?.ToString());
        }
    }

    [Theory, InFrontOfTwoNodes]
    public async Task Calls_go_to_the_other_node_when_one_is_down(string proxy)
    {
        await using var site = await Site.Start(proxy);
        using var client = await site.Client();
        await Eventually.True(
            async () =>
                (await client.Get("/api/v1/requests")).Status == 200 && site.One.Calls > 0 && site.Two.Calls > 0,
            "both nodes get calls"
        );

        await site.One.Host.Stop();

        for (var call = 0; call < 20; call++)
            Assert.Equal(200, (await client.Get("/api/v1/requests")).Status);
        // By now no connection to the node is left, so what was posted can't have arrived there.
        for (var call = 0; call < 20; call++)
            Assert.Equal(201, (await client.Post("/api/v1/requests", new { subject = $"Change {call}" })).Status);
        Assert.Equal(20, await site.Hub.Place.Count("requests"));
    }

    [Theory, InFrontOfTwoNodes]
    public async Task A_node_that_is_stopped_finishes_what_comes_and_no_call_fails(string proxy)
    {
        await using var site = await Site.Start(proxy, ("Shutdown:Drain", "5s"));
        using var client = await site.Client();
        await Eventually.True(
            async () =>
                (await client.Get("/api/v1/requests")).Status == 200 && site.One.Calls > 0 && site.Two.Calls > 0,
            "both nodes get calls"
        );

        var stopping = site.One.Host.Stop(); // drains until the clock moves
        if (proxy != "nginx") // which has health checks for money only
        {
            await Eventually.True(
                async () =>
                {
                    var before = site.One.Calls;
                    for (var call = 0; call < 10; call++)
                        Assert.Equal(200, (await client.Get("/api/v1/requests")).Status);
                    return site.One.Calls == before;
                },
                "the node that drains gets no more calls"
            );
        }
        site.Hub.Clock.Advance(TimeSpan.FromSeconds(6));
        while (!stopping.IsCompleted)
            Assert.Equal(200, (await client.Get("/api/v1/requests")).Status);
        await stopping;
        for (var call = 0; call < 10; call++)
            Assert.Equal(200, (await client.Get("/api/v1/requests")).Status);
    }

    private sealed class InFrontOfTwoNodesAttribute : Xunit.v3.DataAttribute
    {
        public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(
            System.Reflection.MethodInfo testMethod,
            Xunit.Sdk.DisposalTracker disposalTracker
        ) =>
            ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>([
                .. Proxies(testMethod.Name)
                    .Select(name => new TheoryDataRow<string>(name)
                    {
                        Skip = PostgresServer.Missing ?? Proxy.Missing(name),
                    }),
            ]);

        /// <summary>In the short run each test has one of the three before it.</summary>
        private static string[] Proxies(string test)
        {
            string[] all = ["nginx", "haproxy", "caddy"];
            return LongRun.IsAskedFor ? all : [all[test.Length % all.Length]];
        }

        public override bool SupportsDiscoveryEnumeration() => true;
    }

    private sealed record Node(ApiHost Host, CallCounter Counter)
    {
        public int Calls => Counter.Calls;
    }

    /// <summary>A hub with two nodes behind a proxy, and Ann, an admin.</summary>
    private sealed class Site(TestHub hub, Node one, Node two, Proxy proxy, Person ann) : IAsyncDisposable
    {
        public TestHub Hub => hub;
        public Node One => one;
        public Node Two => two;
        public Proxy Proxy => proxy;
        public Person Ann => ann;

        public static async Task<Site> Start(string proxy, params (string Name, string Value)[] settings)
        {
            var hub = await TestHub.Start(Engine.Postgres);
            var ann = await hub.AddPerson("Ann", Role.Admin, Password);
            var (one, two) = (await StartNode(hub, settings), await StartNode(hub, settings));
            return new Site(hub, one, two, await Proxy.Start(proxy, one.Host.Address, two.Host.Address), ann);
        }

        public async Task<ApiClient> Client()
        {
            using var directly = await One.Host.Person(Ann);
            await One.Host.Noticed();
            await Two.Host.Noticed();
            return Proxy.Api(directly);
        }

        public async ValueTask DisposeAsync()
        {
            await proxy.DisposeAsync();
            await one.Host.DisposeAsync();
            await two.Host.DisposeAsync();
            await hub.DisposeAsync();
        }

        private static async Task<Node> StartNode(TestHub hub, (string Name, string Value)[] settings)
        {
            var counter = new CallCounter();
            var host = await ApiHost.Start(
                hub,
                counter,
                [("PublicUrl", $"https://{Proxy.Host}"), ("AllowedHosts", Proxy.Host), .. settings]
            );
            return new Node(host, counter);
        }
    }

    /// <summary>How many calls for requests a node has got.</summary>
    private sealed class CallCounter : ILoggerProvider, ILogger
    {
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (
                eventId.Name == "ExecutingEndpoint"
                && formatter(state, exception).Contains("/api/v1/requests", StringComparison.Ordinal)
            )
            {
                Interlocked.Increment(ref _calls);
            }
        }

        public void Dispose() { }
    }
}
