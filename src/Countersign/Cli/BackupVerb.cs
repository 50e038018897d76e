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
            "Copy the store while it's in use. With PostgreSQL, prints the pg_dump command instead.",
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
                return await Copy(store, target, Path.GetFullPath(place.RootKeyFile), cancel);
            }
        );
    }

    private static async Task<Reply> Copy(Store store, string target, string rootKeyFile, CancellationToken cancel)
    {
        // PostgreSQL has no file to make: it says how it copies itself.
        if (!store.IsSqlite && await store.CopyTo(target, cancel) is { } how)
            return new Reply.Done(new { engine = "postgresql", how }, how);
        if (NewFile.Problem(target) is { } problem)
            return problem;
        try
        {
            var bytes = await NewFile.Make(target, unfinished => store.CopyTo(unfinished, cancel));
            return new Reply.Done(
                new
                {
                    engine = "sqlite",
                    file = target,
                    bytes,
                },
                $"""
                Copied the store to {target} ({bytes:N0} bytes).
                It doesn't contain the root key: keep {rootKeyFile} in another safe place.
                To restore, copy both to an empty folder, as countersign.db and root.key, and pass it with --data.
                """
            );
        }
        catch (Exception failure) when (failure is DbException or IOException or UnauthorizedAccessException)
        {
            return new Reply.Failed(Reply.Unavailable, $"The copy could not be made: {failure.Message}");
        }
    }
}
