using System.CommandLine;
using Countersign.Audit;
using Countersign.Configuration;
using Countersign.Hosting;
using Countersign.HubAsCode;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary>
/// A hub as a verb sees it: its settings, its store and the use cases. No web host is built, so that a verb answers at
/// once.
/// </summary>
internal sealed class Hub : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private Hub(IConfiguration configuration, Store store, RootKey rootKey)
    {
        _services = new ServiceCollection()
            .AddLogging()
            .AddCountersign(configuration, store, rootKey)
            .AddHubAsCode()
            .BuildServiceProvider();
        Store = store;
    }

    public Store Store { get; }
    public ServerOptions Server => Get<ServerOptions>();

    /// <summary>Whoever runs the command line is known by the account on this machine.</summary>
    public static Origin Origin { get; } = new(Actor.Operator, "cli", "os:" + Environment.UserName);

#pragma warning disable RS0030 // A verb is a process of its own: this is where its clock comes in.
    public static TimeProvider Clock { get; } = TimeProvider.System;
#pragma warning restore RS0030

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public static async Task<Hub> Open(CountersignOptions options, TableChanges allowed)
    {
        // Made together with the store only: a store whose key was lost must say so, for under another its seals look
        // forged.
        var place = options.Get<StoreOptions>();
        var rootKey = RootKey.Load(place.RootKeyFile, place.MayCreateRootKey);
        var store = await Store.Open(place, Clock, allowed: allowed);
        try
        {
            await RootKeyCheck.Require(store, rootKey, place, CancellationToken.None);
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
        return new Hub(await PublicAddress.AddTo(options.Configuration, store), store, rootKey);
    }

    /// <summary>One with which nothing can be changed.</summary>
    public static async Task<Hub> OpenForReading(CountersignOptions options)
    {
        var place = options.Get<StoreOptions>();
        var rootKey = RootKey.Load(place.RootKeyFile, mayCreate: false);
        var store = await Store.OpenForReading(place, Clock);
        return new Hub(await PublicAddress.AddTo(options.Configuration, store), store, rootKey);
    }

    /// <summary>Servers then know at once what a verb has done; otherwise they find it within a second.</summary>
    private async Task TellServers()
    {
        try
        {
            await Store.GivePositions();
        }
        catch (StoreUnavailable)
        {
            // What the verb did stands.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        if (Store.Migrated is not null)
            await TellServers();
        await Store.DisposeAsync();
    }
}

/// <summary>How verbs are made: what all of them have in common is said here once.</summary>
internal static class Verb
{
    /// <summary>A verb that only looks: it opens the store as it is, and neither makes nor migrates one.</summary>
    public static Command Reading(
        Terminal terminal,
        string name,
        string description,
        IEnumerable<Symbol> symbols,
        Func<ParseResult, Hub, CancellationToken, Task<Reply>> work
    ) => On(terminal, name, description, symbols, mayCreate: false, Hub.OpenForReading, work);

    /// <summary>
    /// A verb that works on a store which must be there: a mistyped folder is told, not filled with an empty store.
    /// </summary>
    public static Command OnStore(
        Terminal terminal,
        string name,
        string description,
        IEnumerable<Symbol> symbols,
        Func<ParseResult, Hub, CancellationToken, Task<Reply>> work
    ) => On(terminal, name, description, symbols, mayCreate: false, o => Hub.Open(o, TableChanges.None), work);

    /// <summary>A verb with which a hub may begin: it creates the store if it is missing.</summary>
    public static Command OnNewStore(
        Terminal terminal,
        string name,
        string description,
        IEnumerable<Symbol> symbols,
        Func<ParseResult, Hub, CancellationToken, Task<Reply>> work
    ) => On(terminal, name, description, symbols, mayCreate: true, o => Hub.Open(o, TableChanges.Create), work);

    public static Command Plain(
        Terminal terminal,
        string name,
        string description,
        IEnumerable<Symbol> symbols,
        Func<ParseResult, CancellationToken, Task<Reply>> work
    )
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Add(argument);
            else
                command.Add((Option)symbol);
        }
        command.SetAction(async (parse, cancel) => terminal.Print(await work(parse, cancel)));
        return command;
    }

    public static Command Family(string name, string description, params Command[] verbs)
    {
        var family = new Command(name, description);
        foreach (var verb in verbs)
            family.Add(verb);
        return family;
    }

    /// <summary>The options in force, or all that is wrong with them; asked before anything opens.</summary>
    public static (CountersignOptions? Options, Reply? Problems) ReadOptions(ParseResult parse)
    {
        var options = new CountersignOptions(Configuration(parse));
        return options.Problems() is { Count: > 0 } problems
            ? (null, new Reply.Failed(Reply.Usage, string.Join(Environment.NewLine, problems)))
            : (options, null);
    }

    public static IConfigurationRoot Configuration(ParseResult parse) =>
        ConfigurationSources.Read(
            Switches(parse),
            parse.GetValue(CommandLine.Data),
            parse.GetValue(CommandLine.Database)
        );

    /// <summary>The settings given as switches, in the one form that configuration reads without guessing.</summary>
    public static string[] Switches(ParseResult parse) =>
        [
            .. parse.GetValue(CommandLine.Config) is { } file
                ? [$"{ConfigurationSources.FileSwitch}={Path.GetFullPath(file)}"]
                : Array.Empty<string>(),
            .. CommandLine
                .Switches.Where(o => parse.GetValue(o) is not null)
                .Select(o => $"{o.Name}={parse.GetValue(o)}"),
            .. parse.UnmatchedTokens,
        ];

    public static Reply NoStore(StoreOptions place) =>
        new Reply.Failed(
            Reply.NotFound,
            $"There is no store in {Path.GetFullPath(place.DataFolder)} yet. Choose another folder with --data, "
                + "or start with: countersign serve",
            CannotTell: true
        );

    public static bool HasStore(StoreOptions place) => place.Database is not null || File.Exists(place.SqliteFile);

    /// <summary>Says in one place how what became of a change is told.</summary>
    public static Reply ToReply<T>(this AccessOutcome<T> outcome, Func<T, Reply> done) =>
        outcome switch
        {
            AccessOutcome<T>.Done(var value) => done(value),
            AccessOutcome<T>.Exists(var what) => new Reply.Failed(Reply.Exists, $"There is already {what}."),
            AccessOutcome<T>.NotFound(var what) => new Reply.Failed(
                Reply.NotFound,
                $"There is no {WithoutArticle(what)}."
            ),
            AccessOutcome<T>.Invalid(_, var why) => new Reply.Failed(Reply.Invalid, why),
            AccessOutcome<T>.WouldBlock blocking => WouldBlock(blocking.Text),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    public static Reply WouldBlock(string text) =>
        new Reply.Failed(Reply.WouldBlock, $"{text} Nothing was changed. To do it anyway, add --force");

    private static Command On(
        Terminal terminal,
        string name,
        string description,
        IEnumerable<Symbol> symbols,
        bool mayCreate,
        Func<CountersignOptions, Task<Hub>> open,
        Func<ParseResult, Hub, CancellationToken, Task<Reply>> work
    ) =>
        Plain(
            terminal,
            name,
            description,
            symbols,
            async (parse, cancel) =>
            {
                var (options, problems) = ReadOptions(parse);
                if (options is null)
                    return problems!;
                if (!mayCreate && options.Get<StoreOptions>() is var place && !HasStore(place))
                    return NoStore(place);
                await using var hub = await open(options);
                return await work(parse, hub, cancel);
            }
        );

    private static string WithoutArticle(string what) =>
        what.StartsWith("a ", StringComparison.Ordinal) ? what[2..]
        : what.StartsWith("the ", StringComparison.Ordinal) ? what[4..]
        : what;
}
