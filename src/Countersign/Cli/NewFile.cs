using Countersign.Storage;

namespace Countersign.Cli;

/// <summary>
/// A file that gets its name only when it is whole, never replaces another, and is its owner's alone to read.
/// </summary>
internal static class NewFile
{
    public static Reply? Problem(string target) =>
        File.Exists(target) || Directory.Exists(target)
            ? new Reply.Failed(Reply.Exists, $"{target} already exists and was left unchanged. Choose another file.")
        : !Directory.Exists(Path.GetDirectoryName(target))
            ? new Reply.Failed(Reply.NotFound, $"There is no folder {Path.GetDirectoryName(target)}.")
        : null;

    /// <param name="write">Fills the empty file of this name.</param>
    /// <returns>The file's size.</returns>
    public static async Task<long> Make(string target, Func<string, Task> write)
    {
        var unfinished = $"{target}.{Environment.ProcessId}.part";
        PrivateFile.Create(unfinished).Dispose();
        try
        {
            await write(unfinished);
            PrivateFile.MoveToNew(unfinished, target);
            return new FileInfo(target).Length;
        }
        finally
        {
            File.Delete(unfinished);
        }
    }
}
