namespace Countersign.Storage;

/// <summary>
/// Files and folders that no other account of the machine may look into, from their first moment: a mode that is set
/// once the content is there comes too late for whoever has opened it by then.
/// </summary>
public static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>An empty file that was not there before.</summary>
    public static FileStream Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }

    /// <summary>
    /// Makes an empty file unless there is one already; that one becomes private too. It is not opened for that:
    /// closing a database's file anywhere in a process takes from SQLite the locks that the process has on it.
    /// </summary>
    public static void Ensure(string path)
    {
        try
        {
            if (!File.Exists(path))
                Create(path).Dispose();
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process was faster.
        }
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, OwnerOnly);
    }

    /// <summary>
    /// Gives a whole file a name that no other file has. <see cref="File.Move(string, string, bool)"/> only looks for
    /// one, and replaces what comes between that and the move. So the name is taken first.
    /// </summary>
    public static void MoveToNew(string from, string to)
    {
        Create(to).Dispose();
        try
        {
            File.Move(from, to, overwrite: true);
        }
        catch
        {
            File.Delete(to);
            throw;
        }
    }

    /// <summary>Alone with what this file stands for, until the handle is closed. Others wait that long.</summary>
    public static FileStream Hold(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            Share = FileShare.None,
            Options = FileOptions.DeleteOnClose,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        FileStream? held = null;
        IOException? why = null;
        SpinWait.SpinUntil(
            () =>
            {
                try
                {
                    held = new FileStream(path, options);
                }
                catch (IOException failure)
                {
                    why = failure;
                }
                return held is not null;
            },
            Patience
        );
        return held ?? throw new IOException($"{path} is held by another process.", why);
    }

    /// <summary>What is printed when Countersign can't use its folder.</summary>
    public static string CannotWrite(string folder) =>
        $"The data folder {folder} can't be written by {Environment.UserName}. Give this account write access, or "
        + "choose another folder with --data.";

    /// <summary>A folder that is there already keeps its mode, which is its owner's choice.</summary>
    public static void EnsureFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
    }
}
