using System.CommandLine;
using Countersign.Audit;
using Countersign.Hosting;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Cli;

/// <summary><c>countersign key …</c>: the root key, which is the one secret outside the database.</summary>
internal static class KeyVerbs
{
    private static readonly TimeSpan RingKeyLasts = TimeSpan.FromDays(90);

    public static Command Build(Terminal terminal) => Verb.Family("key", "The root key: rotate.", Rotate(terminal));

    private static Command Rotate(Terminal terminal)
    {
        var stopped = new Option<bool>("--servers-are-stopped")
        {
            Description = "Confirms that no server of this store is running.",
            Required = true,
        };
        return Verb.Plain(
            terminal,
            "rotate",
            "Replace the root key: encrypt the key ring with a new one, which also seals from now on. "
                + "Stop all servers first.",
            [stopped],
            async (parse, cancel) =>
            {
                var (options, problems) = Verb.ReadOptions(parse);
                if (options is null)
                    return problems!;
                var place = options.Get<StoreOptions>();
                if (!Verb.HasStore(place))
                    return Verb.NoStore(place);
                if (!parse.GetValue(stopped))
                    return new Reply.Failed(Reply.Usage, "Stop all servers first, and say so: --servers-are-stopped");
                return await Run(options, place, cancel);
            }
        );
    }

    private static async Task<Reply> Run(CountersignOptions options, StoreOptions place, CancellationToken cancel)
    {
        var file = Path.GetFullPath(place.RootKeyFile);
        var current = RootKey.Load(file, mayCreate: false);
        RotateRootKeyOutcome outcome;
        await using (var store = await Store.Open(place, Hub.Clock, allowed: TableChanges.None))
        {
            if (!File.Exists(RotateRootKey.NextFile(file)))
                await RootKeyCheck.Require(store, current, place, cancel);
            var server = new CountersignOptions(
                await PublicAddress.AddTo(options.Configuration, store)
            ).Get<ServerOptions>();
            outcome = await new RotateRootKey(
                store,
                SigningPlace.Of(place, options.Get<ProofOptions>(), server),
                Hub.Clock,
                NullLoggerFactory.Instance
            ).Run(current, file, Hub.Origin, cancel);
        }
        if (outcome is RotateRootKeyOutcome.NotSealed(var why))
            return new Reply.Failed("not_sealed", $"Nothing was changed. {why}");
        var done = (RotateRootKeyOutcome.Done)outcome;
        // What is protected from now on is protected with a key that the earlier root key never opened.
        await using (var hub = await Hub.Open(options, TableChanges.None))
        {
            var now = Hub.Clock.GetUtcNow();
            hub.Get<IKeyManager>().CreateNewKey(now, now + RingKeyLasts);
        }
        return new Reply.Done(
            new
            {
                done.KeyFile,
                done.Kept,
                done.Resealed,
            },
            $"""
            {done.KeyFile} holds the new root key. Copy it to every node, then start the servers.
            Back it up. Delete the earlier one once you don't need to open older backups: {done.Kept}
            """
        );
    }
}
