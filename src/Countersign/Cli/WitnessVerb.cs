using System.CommandLine;
using Countersign.Doors.Witness;
using Countersign.Hosting;
using Countersign.Witnessing;

namespace Countersign.Cli;

/// <summary><c>countersign witness</c>: a server that cosigns the logs of others, without a hub.</summary>
internal static class WitnessVerb
{
    public const string Name = "witness";

    public static Command Build(Terminal terminal) =>
        Verb.Plain(
            terminal,
            Name,
            "Cosign the logs of other hubs: --Witness:Logs names them, --Urls says where to listen",
            [],
            async (parse, cancel) =>
            {
                var (options, problems) = Verb.ReadOptions(parse);
                return options is null ? problems!
                    : options.Get<WitnessOptions>().IsOn
                        ? new Reply.Silent(await Serve(terminal, options, Verb.Switches(parse), cancel))
                    : new Reply.Failed(
                        Reply.Usage,
                        "`Witness:Logs` is missing. Set it to the keys of the logs to cosign, as `countersign "
                            + "proof keys` prints them there."
                    );
            }
        );

    private static async Task<int> Serve(
        Terminal terminal,
        CountersignOptions options,
        string[] switches,
        CancellationToken cancel
    )
    {
        await using var app = WitnessServer.Build(options, switches);
        await ServeVerb.Start(app, cancel);
        var address = ServeVerb.AddressOf(app, options.Get<ServerOptions>()) + WitnessEndpoints.Path;
        var key = app.Services.GetRequiredService<Cosign>().Key.ToString();
        terminal.Print(
            new Reply.Done(
                new { key, address },
                $"""
                This witness is ready. The hubs that it cosigns need this setting, with the address at which they reach
                it:

                    Proof:Witnesses={key} {address}

                """
            )
        );
        terminal.Output.Flush();
        await app.WaitForShutdownAsync(cancel);
        return 0;
    }
}
