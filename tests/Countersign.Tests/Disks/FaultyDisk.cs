using System.IO.MemoryMappedFiles;
using Countersign.Tests.Cli;

namespace Countersign.Tests.Disks;

/// <summary>
/// A disk for the programs of one <see cref="Shell"/> that fails when a test says so: <c>tests/faultydisk</c>,
/// compiled once and preloaded into them. What it does can be changed while they run.
/// </summary>
public sealed class FaultyDisk : IDisposable
{
    private static readonly Lazy<(string Library, string? Missing)> Compiled = new(Compile);

    private readonly string _file;
    private readonly MemoryMappedFile _mapped;
    private readonly MemoryMappedViewAccessor _control;

    private FaultyDisk(string folder, string file)
    {
        _file = file;
        _mapped = MemoryMappedFile.CreateFromFile(file, FileMode.Create, null, 4096);
        _control = _mapped.CreateViewAccessor();
        Folder = folder;
        Heal();
    }

    /// <summary>Why there is none on this machine, or null.</summary>
    public static string? Missing => Compiled.Value.Missing;

    public string Folder { get; }

    /// <summary>How many calls that write came to it since the last <see cref="Begin"/>.</summary>
    public long Calls
    {
        get => Read(Field.Calls);
        private set => Write(Field.Calls, value);
    }

    /// <summary>All programs that the shell starts from now on have the folder on it.</summary>
    public static FaultyDisk Under(Shell shell, string folder)
    {
        var disk = new FaultyDisk(folder, Path.Combine(shell.Folder, "disk.control"));
        shell.Variables["LD_PRELOAD"] = Compiled.Value.Library;
        shell.Variables["FAULTYDISK_FOLDER"] = folder;
        shell.Variables["FAULTYDISK_CONTROL"] = disk._file;
        return disk;
    }

    /// <summary>For the next program: a disk in order, that counts from 0.</summary>
    public void Begin(int seed)
    {
        Heal();
        Write(Field.Seed, seed);
        Calls = 0;
    }

    /// <summary>Nothing fails any more.</summary>
    public void Heal()
    {
        foreach (var field in new[] { Field.Cut, Field.FailFrom, Field.FailUntil, Field.ShortOnes, Field.Slow })
            Write(field, 0);
        Write(Field.Space, -1);
    }

    /// <param name="call">Of those counted; the next one when it has passed.</param>
    /// <param name="isTorn">A random part of what wasn't synced reaches the disk, instead of none of it.</param>
    public void CutPower(long call, bool isTorn)
    {
        Write(Field.Torn, isTorn ? 1 : 0);
        Write(Field.Cut, Math.Max(call, 1));
    }

    public void FailNext(long after, long calls)
    {
        var from = Calls + after;
        Write(Field.FailUntil, from + calls);
        Write(Field.FailFrom, from);
    }

    public void RunFull(long bytesLeft) => Write(Field.Space, bytesLeft);

    public void WriteShort(int ofThousand) => Write(Field.ShortOnes, ofThousand);

    public void BeSlow(TimeSpan sync) => Write(Field.Slow, (long)sync.TotalMilliseconds);

    public void Dispose()
    {
        _control.Dispose();
        _mapped.Dispose();
    }

    private long Read(Field field) => _control.ReadInt64((int)field * sizeof(long));

    private void Write(Field field, long value) => _control.Write((int)field * sizeof(long), value);

    private static (string Library, string? Missing) Compile()
    {
        if (!OperatingSystem.IsLinux())
            return ("", "Only Linux has LD_PRELOAD.");
        var library = Path.Combine(Path.GetTempPath(), $"countersign-faultydisk-{Environment.ProcessId}.so");
        var source = Path.Combine(Repository.Root, "tests", "faultydisk", "faultydisk.c");
        foreach (var compiler in new[] { "gcc", "cc" })
        {
            var (code, _, error) = Programs
                .Run(
                    compiler,
                    ["-O2", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"],
                    patience: TimeSpan.FromMinutes(5)
                )
                .GetAwaiter()
                .GetResult();
            if (code == 0)
                return (library, null);
            if (code > 0)
                throw new InvalidOperationException(error);
        }
        return ("", "No C compiler: install gcc.");
    }

    /// <summary>Where each number is in the control file; <c>faultydisk.c</c> has the same list.</summary>
    private enum Field
    {
        Calls,
        Cut,
        FailFrom,
        FailUntil,
        ShortOnes,
        Space,
        Slow,
        Seed,
        Torn,
    }
}
