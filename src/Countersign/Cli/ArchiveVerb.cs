using System.CommandLine;
using System.Globalization;
using Countersign.Audit;
using Countersign.SignIn;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign archive --before &lt;date&gt; &lt;file&gt;</c>: settled requests go into a file. Nothing is taken
/// from the store before the file lies on the disk and was read again; after an interruption the same command goes on.
/// </summary>
internal static class ArchiveVerb
{
    public static Command Build(Terminal terminal)
    {
        var before = new Option<DateTimeOffset>("--before")
        {
            Description =
                "Requests that were rejected, withdrawn or applied before this day (UTC), such as "
                + "2026-01-31, are archived.",
            HelpName = "date",
            Required = true,
            CustomParser = result =>
            {
                if (
                    DateTimeOffset.TryParseExact(
                        result.Tokens[0].Value,
                        "yyyy-MM-dd",
                        CultureInfo.InvariantCulture,
                        DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
                        out var date
                    )
                )
                {
                    return date;
                }
                result.AddError("--before is a day, such as 2026-01-31.");
                return default;
            },
        };
        var file = new Argument<string>("file")
        {
            Description = "The file to create. Keep it: its content exists nowhere else.",
        };
        return Verb.OnStore(
            terminal,
            "archive",
            "Move closed requests, with their events, decisions and bodies, from the store to a file. Check "
                + "it with audit verify --archive.",
            [before, file],
            (parse, hub, cancel) =>
                Run(terminal, hub, parse.GetValue(before), Path.GetFullPath(parse.GetValue(file)!), cancel)
        );
    }

    private static async Task<Reply> Run(
        Terminal terminal,
        Hub hub,
        DateTimeOffset before,
        string target,
        CancellationToken cancel
    )
    {
        if (before > hub.Store.Now - Archive.LeastAge)
        {
            return new Reply.Failed(
                Reply.Invalid,
                "--before must be at least a day ago, because newer events may not have been sent yet."
            );
        }
        using var key = new SealKey(hub.Get<RootKey>());
        var archive = new Archive(hub.Store, key);
        // Made by this command before, and then interrupted: it is gone on with.
        var isThere = File.Exists(target);
        var left = 0L;
        if (!isThere)
        {
            if (NewFile.Problem(target) is { } problem)
                return problem;
            await NewFile.Make(
                target,
                async unfinished =>
                {
                    await using var stream = new FileStream(unfinished, FileMode.Open, FileAccess.Write);
                    using var progress = ProgressLine.Of(terminal, "Looked at", "requests");
                    left = (await archive.Write(before, stream, cancel, progress)).Left;
                    stream.Flush(flushToDisk: true);
                }
            );
        }
        var (written, wrong) = await ArchiveFile.Read(target, cancel);
        if (written is null)
        {
            return isThere
                ? NewFile.Problem(target)!
                : new Reply.Failed(Reply.Unavailable, $"{target} isn't readable: {wrong} Nothing was removed.");
        }
        if (written.Requests.Count == 0)
        {
            if (!isThere)
                File.Delete(target);
            return new Reply.Done(
                new
                {
                    file = (string?)null,
                    requests = 0,
                    events = 0,
                    left,
                    changed = 0,
                },
                $"There is nothing to archive.{Waiting(left)}"
            );
        }
        // Its name lies in the folder, which has to be on the disk as well.
        using (var named = new FileStream(target, FileMode.Open, FileAccess.ReadWrite))
            named.Flush(flushToDisk: true);
        ArchiveRemoved removed;
        using (var progress = ProgressLine.Of(terminal, "Archived", "requests"))
            removed = await archive.Remove(written, Hub.Origin, cancel, progress);
        return new Reply.Done(
            new
            {
                file = target,
                requests = written.Requests.Count,
                events = written.Events,
                written.Sha256,
                removed.Removed,
                removed.Changed,
                left,
            },
            $"""
            Archived {written.Requests.Count
                - removed.Changed} requests to {target} (SHA-256 {written.Sha256}).{Changed(removed)}{Waiting(left)}
            Keep the file. To check it: countersign audit verify --archive {target}
            """
        );
    }

    private static string Changed(ArchiveRemoved removed) =>
        removed.Changed == 0 ? "" : $" {removed.Changed} changed since the file was written and stay in the store.";

    private static string Waiting(long left) =>
        left == 0 ? "" : $" {left} more are old enough, but they have something left to send or seal.";
}
