using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Countersign.Hosting;

namespace Countersign.Cli;

/// <summary>The page that a newcomer sees; every verb's own page is generated from its options.</summary>
internal sealed class HelpText(HelpAction ofVerbs) : SynchronousCommandLineAction
{
    private const string Page = """
        Countersign: the place where a change waits for a second signature.

        Usage: countersign [verb] [options]

        Run Countersign
          serve             Start the server on http://localhost:5080; the default verb.
                            Settings can be switches: --Urls=http://localhost:8080
          doctor            Check the environment, settings and store, and report problems.
          backup <file>     Copy the store, even while the server is running.
          migrate           Update a store of an older version; the server does it too when it starts.
          archive --before <date> <file>
                            Move closed requests from the store to a file.

        People and sources
          user              add, import, list, disable, enable, erase, password, role, rename, alias
          group             add, rename, list, member add, member remove
          token             add, list, revoke: people's API tokens
          source            add, set, rotate, list, disable, enable: systems that send requests
          session           list, end: browser sessions
          apply -f <file>   Set up people, groups, sources and policies from one file, after showing what changes.
          export config     Print them as such a file.

        Approvals
          policy            check, set, show, explain, apply --active: who must approve
          user absence      set, end, list: out of office and delegates
          destination       add, set, list, lint, test, rehearse, …: workflow systems that decide

        Notifications and background work
          webhook           add, test, rotate, list, disable, enable, delete
          work              list, retry, discard: the job queue

        Try it
          demo              A server with people and a simulated LaunchDarkly that sends requests.
          simulate launchdarkly
                            Test any approval application with a simulated LaunchDarkly.

        The log
          audit verify      Check that the log wasn't changed; --head n:hash checks that nothing was cut off.
          audit export      Export the log as JSON lines.

        Options for every verb
          --data <folder>   The folder that contains the store (./data)
          --database <...>  PostgreSQL instead of SQLite: Host=...;Database=...;Username=...
          --config <file>   A JSON file with settings, instead of variables and switches
          --json            Print one JSON document
          --help            Help for a verb: countersign user add --help
          --version         Print the version

        This program
          help <verb>       Help for a verb, like --help
          version           Print the version
          completion        Print a script that completes verbs: bash, zsh, fish or pwsh
          man               Print the manual page

        First steps
          countersign user add you@example.com --name "Your Name" --role admin --password-stdin
          countersign source add "LaunchDarkly production"
          countersign

        All verbs work while a server is running on the same store, and their changes are logged.
        Exit codes: 0 success or yes, 1 failure or no, 2 wrong usage, 3 can't tell, because the store
        or another system can't be reached.
        """;

    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult.Command is not RootCommand)
            return ofVerbs.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output.WriteLine(Page);
        return 0;
    }
}

internal sealed class VersionText(Terminal terminal) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult) =>
        terminal.Print(new Reply.Done(new { version = Product.Version }, $"countersign {Product.Version}"));
}
