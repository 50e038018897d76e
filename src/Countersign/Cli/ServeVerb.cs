using System.CommandLine;
using System.Net.Sockets;
using Countersign.Audit;
using Countersign.Configuration;
using Countersign.Hosting;
using Countersign.Pages.SignIn;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Console;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign [serve]</c>. Settings are switches of every verb; here those of the framework are too, such as
/// <c>--Logging:LogLevel:Default=Debug</c>.
/// </summary>
internal static class ServeVerb
{
    public const string Name = "serve";

    public static Command Build(Terminal terminal)
    {
        var serve = Verb.Plain(
            terminal,
            Name,
            "Run the server. Any setting in docs/configuration.md can be a switch, such as "
                + "--Urls=http://localhost:8080",
            [],
            async (parse, cancel) =>
            {
                var verbs = parse.RootCommandResult.Command.Subcommands.Select(c => c.Name);
                if (Problem(parse.UnmatchedTokens, verbs) is { } problem)
                    return new Reply.Failed(Reply.Usage, problem);
                var (options, problems) = Verb.ReadOptions(parse);
                return options is null
                    ? problems!
                    : new Reply.Silent(
                        await Serve(options, Verb.Switches(parse), link => Tell(terminal, link), cancel)
                    );
            }
        );
        serve.TreatUnmatchedTokensAsErrors = false;
        return serve;
    }

    /// <summary>Serves until told to stop; a store that cannot be opened is for the caller to tell.</summary>
    /// <param name="toSetUp">Gets the set-up link while there is no admin.</param>
    private static async Task<int> Serve(
        CountersignOptions options,
        string[] switches,
        Action<string> toSetUp,
        CancellationToken cancel
    )
    {
        // The store opens before the host exists, and logs where the host will.
        using var logs = LoggerFactory.Create(logging => logging.AddLogOutput(ConfigurationSources.Read(switches)));
        var place = options.Get<StoreOptions>();
        var rootKey = RootKey.Load(place.RootKeyFile, place.MayCreateRootKey);
        await using var store = await Store.Open(
            place,
            Hub.Clock,
            logs.CreateLogger<Store>(),
            place.Migrate == MigrationMode.Never ? TableChanges.Create : TableChanges.Migrate
        );
        await RootKeyCheck.Require(store, rootKey, place, cancel);
        await DemoMark.KeepOut(store, cancel);
        var server = options.Get<ServerOptions>();
        await PublicAddress.Keep(store, server, cancel);
        LogOutput.TellStart(logs.CreateLogger("Countersign"), store, server);
        await using var app = Program.Build(options, store, rootKey, switches);
        // What the store logs reaches a collector too.
        foreach (var collector in app.Services.GetServices<ILoggerProvider>())
        {
            if (collector is not ConsoleLoggerProvider)
                logs.AddProvider(collector);
        }
        await Start(app, cancel);
        if (await app.Services.GetRequiredService<SetUpLink>().Make(cancel) is { } secret)
            toSetUp($"{AddressOf(app, server)}{SetUpPage.Path}?key={secret}");
        await app.WaitForShutdownAsync(cancel);
        return 0;
    }

    /// <summary>Starts listening, or says in a sentence why not.</summary>
    internal static async Task Start(WebApplication app, CancellationToken cancel)
    {
        try
        {
            await app.StartAsync(cancel);
        }
        catch (Exception failure) when (WhyNotListening(failure) is { } why)
        {
            throw new IOException(why, failure);
        }
    }

    private static string? WhyNotListening(Exception failure)
    {
        const string start = "Failed to bind to address ";
        var reason =
            failure.InnerException is AddressInUseException ? SocketError.AddressAlreadyInUse
            : failure is SocketException socket ? socket.SocketErrorCode
            : failure.InnerException is SocketException inner ? inner.SocketErrorCode
            : SocketError.Success;
        var address =
            failure.Message.StartsWith(start, StringComparison.Ordinal)
            && failure.Message.IndexOf(": ", StringComparison.Ordinal) is > 0 and var end
                ? failure.Message[start.Length..end]
                : "the address in `Urls`";
        return reason switch
        {
            SocketError.AddressAlreadyInUse =>
                $"Another program, perhaps another Countersign, already listens on {address}. Stop it, or choose "
                    + "another address, such as --Urls=http://localhost:8080",
            SocketError.AccessDenied =>
                $"{Environment.UserName} may not listen on {address}. Ports below 1024 need a permission of their own; "
                    + "choose another address, such as --Urls=http://localhost:8080",
            SocketError.AddressNotAvailable =>
                $"This machine doesn't have {address}. Choose another address, such as --Urls=http://localhost:8080",
            _ => null,
        };
    }

    /// <summary>The address of this server for a person at this machine, unless the public address is set.</summary>
    internal static string AddressOf(WebApplication app, ServerOptions server)
    {
        if (server.PublicUrl is not null)
            return server.BaseUrl;
        var listening = new Uri(
            app.Urls.First()
                .Replace("://+", "://localhost", StringComparison.Ordinal)
                .Replace("://*", "://localhost", StringComparison.Ordinal)
        );
        var host = listening.Host is "0.0.0.0" or "[::]" ? "localhost" : listening.Host;
        return $"{listening.Scheme}://{host}:{listening.Port}{server.PathBase}";
    }

    /// <summary>Where it is read by whoever started the server, and not in the log, which others read.</summary>
    private static void Tell(Terminal terminal, string link)
    {
        terminal.Print(
            new Reply.Done(
                new { setUp = link },
                $"""
                No one can sign in yet. Create the admin account with this link, which works once, for one hour:

                    {link}

                """
            )
        );
        terminal.Output.Flush();
    }

    private static string? Problem(IReadOnlyList<string> switches, IEnumerable<string> verbs)
    {
        for (var i = 0; i < switches.Count; i++)
        {
            var word = switches[i];
            if (!word.StartsWith("--", StringComparison.Ordinal) || word.Length == 2)
            {
                return $"{word} is neither a verb nor a setting.{Suggestions.For(word, verbs)} "
                    + "See: countersign --help";
            }
            var end = word.IndexOf('=', StringComparison.Ordinal);
            var name = end < 0 ? word[2..] : word[2..end];
            if (!CountersignOptions.IsKnown(name))
            {
                var settings = CountersignOptions.Settings.Select(s => $"--{s.Name}");
                return $"--{name} is neither an option nor a setting.{Suggestions.For($"--{name}", settings)} "
                    + "See: countersign --help, and docs/configuration.md for the settings.";
            }
            if (end < 0 && (++i == switches.Count || switches[i].StartsWith("--", StringComparison.Ordinal)))
                return $"--{name} needs a value: --{name}=…";
        }
        return null;
    }
}
