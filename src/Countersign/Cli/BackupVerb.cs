using System.CommandLine;
using System.Data.Common;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign backup &lt;file&gt;</c>: one consistent moment of the store, also while servers write to it. The copy
/// gets its name only when it is whole, and never replaces a file. The root key is not in it, so that whoever finds a
/// backup holds no secret.
/// </summary>
internal static class BackupVerb
{
    public static Command Build(Terminal terminal)
    {
        var file = new Argument<string>("file") { Description = "The file to create; it must not exist yet." };
        return Verb.Plain(
            terminal,
            "backup",
            "Copy the store while it's in use. With PostgreSQL, pg_dump makes the copy.",
            [file],
            async (parse, cancel) =>
            {
                var (options, problems) = Verb.ReadOptions(parse);
                if (options is null)
                    return problems!;
                var place = options.Get<StoreOptions>();
                if (!Verb.HasStore(place))
                    return Verb.NoStore(place);
                var target = Path.GetFullPath(parse.GetValue(file)!);
                // As it is: a copy made before an upgrade must not be upgraded on the way.
                await using var store = Store.OpenAsIs(place, Hub.Clock);
                return await Copy(terminal, store, place, target, cancel);
            }
        );
    }

    private static async Task<Reply> Copy(
        Terminal terminal,
        Store store,
        StoreOptions place,
        string target,
        CancellationToken cancel
    )
    {
        if (NewFile.Problem(target) is { } problem)
            return await Failed(problem);
        try
        {
            // What PostgreSQL's copy will be when it is compressed, no one knows before.
            var total = store.IsSqlite ? new FileInfo(place.SqliteFile).Length : 0;
            using var progress = ProgressLine.Of(terminal, "Copied", "MB");
            var bytes = await NewFile.Make(
                target,
                unfinished =>
                    progress.While(Task.Run(() => store.CopyTo(unfinished, cancel), cancel), unfinished, total)
            );
            var noted = await LastBackup.TryKeep(place, Hub.Clock, isMade: true);
            return new Reply.Done(
                new
                {
                    engine = store.IsSqlite ? "sqlite" : "postgresql",
                    file = target,
                    bytes,
                    noted,
                },
                $"""
                Copied the store to {target} ({bytes:N0} bytes).
                It doesn't contain the root key: keep {Path.GetFullPath(place.RootKeyFile)} in another safe place.
                {HowToRestore(store, target)}
                """ + (noted ? "" : "\nIts time couldn't be noted in the store, so metrics don't show this backup.")
            );
        }
        catch (CopyFailed failed)
        {
            return await Failed(new Reply.Failed(Reply.Unavailable, failed.Message));
        }
        catch (Exception failure) when (failure is DbException or IOException or UnauthorizedAccessException)
        {
            return await Failed(new Reply.Failed(Reply.Unavailable, $"The copy could not be made: {failure.Message}"));
        }

        async Task<Reply> Failed(Reply reply)
        {
            await LastBackup.TryKeep(place, Hub.Clock, isMade: false);
            return reply;
        }
    }

    private static string HowToRestore(Store store, string target) =>
        store.IsSqlite
            ? "To restore, copy both to an empty folder, as countersign.db and root.key, and pass it with --data."
            : $"To restore it into an empty database: pg_restore --no-owner --dbname=<database> {target}";
}
