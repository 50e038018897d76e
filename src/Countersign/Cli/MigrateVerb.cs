using System.CommandLine;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign migrate</c>: brings the tables of an older store up to date, as the server does when it starts. For
/// those who upgrade in steps of their own, with <c>Migrate</c> set to <c>never</c> for the servers.
/// </summary>
internal static class MigrateVerb
{
    public static Command Build(Terminal terminal) =>
        Verb.Plain(
            terminal,
            "migrate",
            "Update a store of an older version. Copies an SQLite store first.",
            [],
            async (parse, cancel) =>
            {
                var (options, problems) = Verb.ReadOptions(parse);
                if (options is null)
                    return problems!;
                var place = options.Get<StoreOptions>();
                if (!Verb.HasStore(place))
                    return Verb.NoStore(place);
                await using var store = await Store.Open(place, Hub.Clock);
                return Told(store.Description, store.Migrated!);
            }
        );

    private static Reply.Done Told(string engine, Migrated migrated)
    {
        var text =
            migrated.Applied.Count == 0 ? $"The store is up to date ({migrated.From})."
            : migrated.From is null ? $"Created the store ({migrated.Applied[^1]})."
            : $"Migrated the store from {migrated.From} to {migrated.Applied[^1]}.";
        if (migrated.Copy is not null)
        {
            text += $"""

                The store as it was before: {migrated.Copy}
                Delete this copy when you no longer need the way back.
                """;
        }
        return new Reply.Done(
            new
            {
                engine,
                migrated.From,
                migrated.Applied,
                migrated.Copy,
            },
            text
        );
    }
}
