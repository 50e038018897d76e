using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Countersign.Storage;

/// <summary>
/// Which SQLite runs: the system's, because the distribution patches it, or the bundled one where the system has none
/// or one too old for RETURNING.
/// </summary>
internal static class SqliteLibrary
{
    /// <summary>Under this name the provider looks for it.</summary>
    private const string Name = "e_sqlite3";

    private const int Oldest = 3_035_000;
    private static readonly Lazy<string> Loaded = new(Load);

    /// <summary>Loads the library once; says which one it is.</summary>
    public static string Use() => Loaded.Value;

    private static string Load()
    {
        var system = FindSystem();
        if (system != 0)
        {
            NativeLibrary.SetDllImportResolver(
                typeof(SQLite3Provider_e_sqlite3).Assembly,
                (name, _, _) => name == Name ? system : 0
            );
        }
        Batteries_V2.Init();
        // A connection and its statements are used by one thread at a time, and all commands are disposed rather than
        // left to the finalizer's thread; no one reads SQLite's memory statistics. Both would lock in nearly every
        // call.
        raw.sqlite3_config(raw.SQLITE_CONFIG_MULTITHREAD);
        raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0);
        return $"SQLite {raw.sqlite3_libversion().utf8_to_string()} ({(system != 0 ? "the system's" : "bundled")})";
    }

    private static nint FindSystem()
    {
        string[] names =
            OperatingSystem.IsMacOS() ? ["libsqlite3.dylib"]
            : OperatingSystem.IsLinux() ? ["libsqlite3.so.0"]
            : [];
        foreach (var name in names)
        {
            if (
                !NativeLibrary.TryLoad(
                    name,
                    Assembly.GetExecutingAssembly(),
                    DllImportSearchPath.SafeDirectories,
                    out var library
                )
            )
            {
                continue;
            }
            if (
                NativeLibrary.TryGetExport(library, "sqlite3_libversion_number", out var export)
                && Marshal.GetDelegateForFunctionPointer<VersionNumber>(export)() >= Oldest
            )
            {
                return library;
            }
            NativeLibrary.Free(library);
        }
        return 0;
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int VersionNumber();
}
