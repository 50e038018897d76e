using System.CommandLine;
using Countersign.Configuration;
using Countersign.Hosting;
using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Simulator;
using Countersign.Simulator.GitHub;
using Countersign.Simulator.Rest;
using Countersign.Storage;
using Microsoft.Extensions.Logging.Console;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign demo</c>: a hub to try, in one command: the server with people, a group, a source, and a simulated
/// LaunchDarkly that keeps asking. It keeps to a store of its own and to this machine, and takes nothing from the
/// configuration of a hub that serves in earnest.
/// </summary>
internal static class DemoVerb
{
    public const string Name = "demo";

    private const string Folder = "data-demo";
    private const int AtFirst = 8,
        MaxOpen = 40;

    /// <summary>A poll every five seconds: soon enough to watch, slow enough to run all day.</summary>
    private const double Speed = 60;

    private static readonly Option<string> Every = new("--every")
    {
        Description = "How often a new request arrives.",
        DefaultValueFactory = _ => "20s",
        HelpName = "time",
    };

    public static Command Build(Terminal terminal) =>
        Verb.Plain(
            terminal,
            Name,
            "Try Countersign: a server on this machine with people, a group and a simulated LaunchDarkly "
                + "that keeps sending requests, with a store of its own (./data-demo).",
            [Every],
            (parse, cancel) => Run(terminal, parse, cancel)
        );

    private static async Task<Reply> Run(Terminal terminal, ParseResult parse, CancellationToken cancel)
    {
        if (Durations.Parse(parse.GetValue(Every)!) is not { } every || every <= TimeSpan.Zero)
            return new Reply.Failed(Reply.Usage, "--every must be a duration such as 20s or 5m.");
        await using var theirs = await FakeLaunchDarkly.Start(Hub.Clock);
        await using var gitHub = await FakeGitHub.Start(Hub.Clock);
        var options = ReadOptions(parse, theirs.Address, gitHub.Address);
        var (server, place) = (options.Get<ServerOptions>(), options.Get<StoreOptions>());
        string[] problems = [.. options.Problems(), .. NotOnThisMachine(server)];
        if (problems.Length > 0)
            return new Reply.Failed(Reply.Usage, string.Join(Environment.NewLine, problems));

        await using var hub = await Hub.Open(options, TableChanges.Migrate);
        if (!await DemoMark.Claim(hub.Store, cancel))
        {
            return new Reply.Failed(
                Reply.Exists,
                "The store in "
                    + $"{(place.Database is null ? Path.GetFullPath(place.DataFolder) : "this database")} is in use "
                    + "and isn't a demo store, so it was left unchanged. Choose an empty folder with --data."
            );
        }
        var cast = await DemoCast.Assemble(hub, cancel);
        await Connect(hub, theirs, cancel);
        await DemoGates.Connect(hub, gitHub, cancel);
        string[] switches =
        [
            "--Logging:LogLevel:Default=Warning",
            .. Verb.Switches(parse),
            $"--Urls={string.Join(';', server.Urls)}",
        ];
        await using var app = Program.Build(options, hub.Store, hub.Get<RootKey>(), switches, LogToStandardError);
        await app.StartAsync(cancel);
        var url = app.Urls.First().TrimEnd('/') + server.PathBase;
        Introduce(terminal, place, url, cast);

        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancel, app.Lifetime.ApplicationStopping);
        var account = new BelievableAccount(theirs, DemoCast.EmailOf, url);
        var asking = Ask(url, cast.Source.Key, every, account, stopping.Token);
        var waiting = cast.Gates.Run(url, gitHub, stopping.Token);
        var reviewing = Review(new DemoReviewers(url, cast.People[2], cast.People[3]), stopping.Token);
        await app.WaitForShutdownAsync(cancel);
        await stopping.CancelAsync();
        await Task.WhenAll(asking, waiting, reviewing);
        return new Reply.Silent(0);
    }

    /// <summary>Only switches count here: the environment may well describe a real hub.</summary>
    /// <param name="asked">The addresses of this machine that the demo asks.</param>
    private static CountersignOptions ReadOptions(ParseResult parse, params Uri[] asked) =>
        new(
            new ConfigurationBuilder()
                .AddInMemoryCollection(new Dictionary<string, string?> { ["Shutdown:Drain"] = "0s" })
                .AddCommandLine(Verb.Switches(parse))
                .AddInMemoryCollection(
                    new Dictionary<string, string?>
                    {
                        ["Data"] = parse.GetValue(CommandLine.Data) ?? Folder,
                        ["Database"] = parse.GetValue(CommandLine.Database),
                        ["Egress:Allow"] = string.Join(',', asked.Select(a => $"127.0.0.1/32:{a.Port}")),
                        // Requests of an earlier demo, which this LaunchDarkly doesn't know, don't wait for long.
                        ["LaunchDarkly:Patience"] = "30s",
                    }
                )
                .Build()
        );

    private static IEnumerable<string> NotOnThisMachine(ServerOptions server) =>
        from url in server.Urls
        where !Uri.TryCreate(url, UriKind.Absolute, out var address) || !address.IsLoopback
        select "The demo only serves this machine, because it prints its passwords. Use "
            + $"--Urls=http://localhost:5080 instead of {url}";

    private static void LogToStandardError(IServiceCollection services) =>
        services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);

    private static void Introduce(Terminal terminal, StoreOptions place, string url, DemoCast cast)
    {
        terminal.Print(
            new Reply.Done(
                new
                {
                    url,
                    people = cast.People,
                    source = new { cast.Source.Name, cast.Source.Key },
                },
                $"""
                The demo is running at {url}

                Sign in as one of these people. Requests need {DemoCast.Need} approvals from the group
                "{DemoCast.Group}": everyone but the last is a member.

                {(terminal with { Width = null }).Table(
                    ["email", "password", "role", "name"],
                    cast.People.Select(p => new[] { p.Email, p.Password, p.Role, p.Name })
                )}

                An agent has asked for an approval, and a pipeline and a GitHub deployment wait for one.
                A simulated LaunchDarkly sends a new request now and then, confirms who asked and what changes, and
                applies what you approve.
                Its source key:

                    {cast.Source.Key}

                The requests that need a review by {cast.People[1].Name}, through the API:

                    curl -u '{cast.People[1].Email}/token:{cast.People[1].Token}' '{url}/api/v1/requests?waiting=me'

                The store is {(
                    place.Database is null ? Path.GetFullPath(place.DataFolder) : "in the database"
                )}; passwords and keys are new at every start. Press Ctrl+C to stop.
                """
            )
        );
        terminal.Output.Flush();
    }

    /// <summary>Its own API serves on this machine too, under another address each time.</summary>
    private static async Task Connect(Hub hub, FakeLaunchDarkly theirs, CancellationToken cancel)
    {
        var connected = await hub.Get<Connections>()
            .Set(
                DemoCast.SourceName,
                new ConnectionChange
                {
                    BaseUrl = theirs.Address.GetLeftPart(UriPartial.Authority),
                    Token = theirs.AddToken().Value,
                    Identify = true,
                    Describe = true,
                },
                Hub.Origin,
                cancel
            );
        if (connected is not AccessOutcome<ConnectionView>.Done)
            throw new InvalidOperationException($"The demo couldn't be set up: {connected}");
    }

    private static async Task Ask(
        string url,
        string key,
        TimeSpan every,
        BelievableAccount account,
        CancellationToken stop
    )
    {
        using var http = ApprovalApplication.NewHttp(TimeSpan.FromSeconds(30));
        var plan = new SimulationPlan
        {
            Key = key,
            AutoApply = true,
            Speed = Speed,
            Requests = int.MaxValue,
            Every = every,
            Trickle = (AtFirst, MaxOpen),
        };
        var application = new ApprovalApplication(http, Contract.BuiltIn(Escaping.Go, Generation.Current), url, key);
        await new Simulation(plan, application, new SimulationReport(account), Hub.Clock).Run(stop);
    }

    private static async Task Review(DemoReviewers reviewers, CancellationToken stop)
    {
        try
        {
            await reviewers.Run(AtFirst, stop);
        }
        catch (Exception failure) when (failure is OperationCanceledException or HttpRequestException)
        {
            // The demo ends, or is too busy: then nobody was at work before you.
        }
    }
}
