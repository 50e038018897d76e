using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace Countersign.Storage;

/// <summary>
/// SQLite writes each page of a commit to its log by two calls of the system, some hundred for one batch of the lane. Here
/// they are gathered and handed over by the hundred kilobytes, at the latest when SQLite asks for them to be on the disk:
/// <code>
///   write at the end of what is gathered     kept here
///   any other write, read, length, cut       what is gathered goes to the system first
///   sync                                     likewise, then the disk
/// </code>
/// That nobody misses what is still here rests on <c>synchronous = FULL</c>: under it SQLite asks for the sync of a commit
/// before it tells any other connection, of this process or another, that the log has grown. Not for the file of the store
/// itself, of which a checkpoint tells others without a sync (decision 20).
/// A write that the system refuses is heard of at a later call; from then on every call fails until the file is closed.
/// </summary>
internal static unsafe partial class SqliteLogFile
{
    /// <summary>SQLite's own functions write less than 128 KiB at once.</summary>
    private const int Room = 120 * 1024;

    private const int JournalPointer = 28;

    /// <summary>The structure whose functions are replaced, as of its third version.</summary>
    private const int Version = 3;

    /// <summary>From now on this connection's writes to its log are gathered.</summary>
    public static void GatherWrites(SqliteConnection connection)
    {
        // The first question opens the log.
        SqliteEngine.Run(connection, "PRAGMA user_version");
        File* file = null;
        var code = FileControl(connection.Handle!.DangerousGetHandle(), null, JournalPointer, &file);
        if (code != SQLITE_OK || file is null || file->Methods is null || file->Methods->Version < Version)
            return;
        var gathered = (Gathered*)NativeMemory.AllocZeroed((nuint)(sizeof(Gathered) + Room));
        gathered->Methods = *file->Methods;
        gathered->Methods.Close = &Close;
        gathered->Methods.Read = &Read;
        gathered->Methods.Write = &Write;
        gathered->Methods.Truncate = &Truncate;
        gathered->Methods.Sync = &Sync;
        gathered->Methods.FileSize = &FileSize;
        gathered->System = file->Methods;
        file->Methods = &gathered->Methods;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Write(File* file, byte* bytes, int count, long at)
    {
        var gathered = Of(file);
        if (at != gathered->At + gathered->Length || count > Room - gathered->Length)
        {
            var code = HandOver(file);
            if (code != SQLITE_OK)
                return code;
            gathered->At = at;
        }
        if (gathered->Failure != SQLITE_OK)
            return gathered->Failure;
        if (count > Room)
            return gathered->System->Write(file, bytes, count, at);
        Buffer.MemoryCopy(bytes, BytesOf(gathered) + gathered->Length, Room - gathered->Length, count);
        gathered->Length += count;
        return SQLITE_OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Read(File* file, byte* bytes, int count, long at)
    {
        var code = HandOver(file);
        return code == SQLITE_OK ? Of(file)->System->Read(file, bytes, count, at) : code;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Sync(File* file, int flags)
    {
        var code = HandOver(file);
        return code == SQLITE_OK ? Of(file)->System->Sync(file, flags) : code;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Truncate(File* file, long length)
    {
        var code = HandOver(file);
        return code == SQLITE_OK ? Of(file)->System->Truncate(file, length) : code;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FileSize(File* file, long* length)
    {
        var code = HandOver(file);
        return code == SQLITE_OK ? Of(file)->System->FileSize(file, length) : code;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Close(File* file)
    {
        // What is still here belongs to a transaction that did not commit.
        var gathered = Of(file);
        file->Methods = gathered->System;
        NativeMemory.Free(gathered);
        return file->Methods->Close(file);
    }

    private static int HandOver(File* file)
    {
        var gathered = Of(file);
        if (gathered->Length == 0 || gathered->Failure != SQLITE_OK)
            return gathered->Failure;
        gathered->Failure = gathered->System->Write(file, BytesOf(gathered), gathered->Length, gathered->At);
        gathered->At += gathered->Length;
        gathered->Length = 0;
        return gathered->Failure;
    }

    private static Gathered* Of(File* file) => (Gathered*)file->Methods;

    private static byte* BytesOf(Gathered* gathered) => (byte*)(gathered + 1);

    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_file_control")]
    private static partial int FileControl(nint connection, byte* database, int what, void* argument);

    /// <summary>SQLite's <c>sqlite3_file</c>: whatever else a file needs lies behind this, out of sight.</summary>
    private struct File
    {
        public Methods* Methods;
    }

    /// <summary>SQLite's <c>sqlite3_io_methods</c>.</summary>
    private struct Methods
    {
        public int Version;
        public delegate* unmanaged[Cdecl]<File*, int> Close;
        public delegate* unmanaged[Cdecl]<File*, byte*, int, long, int> Read;
        public delegate* unmanaged[Cdecl]<File*, byte*, int, long, int> Write;
        public delegate* unmanaged[Cdecl]<File*, long, int> Truncate;
        public delegate* unmanaged[Cdecl]<File*, int, int> Sync;
        public delegate* unmanaged[Cdecl]<File*, long*, int> FileSize;
        public Others Others;
    }

    /// <summary>Locks, hints and shared memory: these stay SQLite's own.</summary>
    [InlineArray(12)]
    private struct Others
    {
        private nint _first;
    }

    /// <summary>Stands where the file's methods stood, which is how a call finds it. The bytes follow.</summary>
    private struct Gathered
    {
        public Methods Methods;
        public Methods* System;
        public long At;
        public int Length;
        public int Failure;
    }
}
