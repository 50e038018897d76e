using System.CommandLine;
using Countersign.Audit;
using Countersign.Hosting;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Cli;

/// <summary><c>countersign key …</c>: the root key, which is the one secret outside the database.</summary>
internal static class KeyVerbs
{
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
            "Replace the root key: encrypt the key ring and all stored secrets anew, and seal with a new key from "
                + "now on. Stop all servers first.",
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
        RotateRootKeyOutcome? outcome = null;
        await using (var store = await Store.Open(place, Hub.Clock, allowed: TableChanges.None))
        {
            var isBetween = File.Exists(RotateRootKey.NextFile(file));
            if (!isBetween)
                await RootKeyCheck.Require(store, current, place, cancel);
            // Where an earlier run has replaced the key and was interrupted later, only the rest is done.
            if (isBetween || (await store.Read(reader => KeyRing.EarlierKeys(reader, current), cancel)).Count == 0)
            {
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
        }
        if (outcome is RotateRootKeyOutcome.NotSealed(var why))
            return new Reply.Failed("not_sealed", $"Nothing was changed. {why}");
        var rotated = outcome as RotateRootKeyOutcome.Done;
        await using (var hub = await Hub.Open(options, TableChanges.None))
            await SecretsOf(hub).MakeKey(cancel);
        Reencrypted secrets;
        await using (var hub = await Hub.Open(options, TableChanges.None))
            secrets = await SecretsOf(hub).Run(Hub.Origin, cancel);
        return new Reply.Done(
            new
            {
                keyFile = file,
                rotated?.Kept,
                resealed = rotated?.Resealed ?? 0,
                reencrypted = secrets.Done,
                secrets.Unreadable,
            },
            Text(file, rotated?.Kept, secrets)
        );
    }

    private static ReencryptSecrets SecretsOf(Hub hub) =>
        new(
            hub.Store,
            hub.Get<RootKey>(),
            hub.Get<IDataProtectionProvider>(),
            hub.Get<IKeyManager>(),
            EncryptedColumns.All
        );

    private static string Text(string file, string? kept, Reencrypted secrets) =>
        (
            kept is null
                ? $"""
                    The earlier run has replaced the root key already. This run has finished it.
                    {file} holds the new root key. Copy it to every node, then start the servers.
                    Back it up.
                    """
                : $"""
                    {file} holds the new root key. Copy it to every node, then start the servers.
                    Back it up. Delete the earlier one once you don't need to open older backups: {kept}
                    """
        )
        + $"\n{secrets.Done} stored secrets were encrypted with it."
        + (
            secrets.Unreadable == 0
                ? ""
                : $"\n{secrets.Unreadable} stored secrets couldn't be read and stay as they are. Enter them again."
        );
}
