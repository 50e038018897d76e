using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Countersign.Cli;

/// <summary>The page that a newcomer sees; every verb's own page is generated from its options.</summary>
internal sealed class HelpText(HelpAction ofVerbs) : SynchronousCommandLineAction
{
    private const string Page = """
        Countersign: the place where a change waits for a second signature.

        Usage: countersign [verb] [options]

        Run the hub
          serve             Serve on http://localhost:5080; the same as naming no verb.
                            Settings are switches, here and below: --Urls=http://localhost:8080
          doctor            What runs, on what, with which settings, and what is wrong with it.
          backup <file>     A consistent copy of the store, also while serving.
          archive --before <date> <file>
                            Move requests that are over from the store into a file.

        Who takes part
          user              add, list, disable, enable, erase, password
          group             add, list, member add, member remove
          token             add, list, revoke: API tokens of people
          source            add, rotate, list, disable, enable: systems that ask

        Who must say yes
          policy            check, set, show, explain, apply --active: the policy file
          user absence      set, end, list: who is away, and who answers meanwhile

        Try it out
          demo              A server with people and a simulated LaunchDarkly that keeps asking.
          simulate launchdarkly
                            Play LaunchDarkly against an approval application, anyone's.

        What happened
          audit verify      Prove that the record was not changed; --head n:hash that nothing was cut off.
          audit export      The whole record as JSON lines.

        With every verb
          --data <folder>   Where the store is (./data)
          --database <...>  PostgreSQL instead of SQLite: Host=...;Database=...;Username=...
          --json            One JSON document instead of text for people
          --help            What a verb can do: countersign user add --help
          --version         Which version this is

        First steps
          countersign user add you@example.com --name "Your Name" --role admin --password-stdin
          countersign source add "LaunchDarkly production"
          countersign

        All verbs work while a server runs on the same store, and what they change is in the audit log.
        Exit codes: 0 done, 1 "no" or failure, 2 wrong use.
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
        terminal.Print(new Reply.Done(new { version = CommandLine.Version }, $"countersign {CommandLine.Version}"));
}
