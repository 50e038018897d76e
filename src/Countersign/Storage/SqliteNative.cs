using System.Runtime.InteropServices;

namespace Countersign.Storage;

/// <summary>
/// The calls made some hundred thousand times a second, without the provider's reference counting around each handle:
/// a connection owns its statements, and one thread at a time uses them.
/// </summary>
internal static unsafe partial class SqliteNative
{
    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_step")]
    public static partial int Step(nint statement);

    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_reset")]
    public static partial void Reset(nint statement);

    [SuppressGCTransition]
    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_changes")]
    public static partial int Changes(nint connection);

    [SuppressGCTransition]
    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_last_insert_rowid")]
    public static partial long LastInsertRowId(nint connection);

    [SuppressGCTransition]
    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_bind_text")]
    public static partial int BindText(nint statement, int position, byte* text, int length, nint destructor);

    [SuppressGCTransition]
    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_bind_int64")]
    public static partial int BindNumber(nint statement, int position, long number);

    [SuppressGCTransition]
    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_bind_null")]
    public static partial int BindNull(nint statement, int position);

    [SuppressGCTransition]
    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_column_type")]
    public static partial int ColumnType(nint statement, int column);

    [SuppressGCTransition]
    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_column_int64")]
    public static partial long ColumnNumber(nint statement, int column);

    [SuppressGCTransition]
    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_column_text")]
    public static partial byte* ColumnText(nint statement, int column);

    [SuppressGCTransition]
    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_column_bytes")]
    public static partial int ColumnBytes(nint statement, int column);

    /// <summary>How many pages the connection has written since it was last asked.</summary>
    public static int PagesWritten(nint connection)
    {
        const int cacheWrites = 9;
        return Status(connection, cacheWrites, out var pages, out _, reset: 1) == 0 ? pages : 0;
    }

    [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_db_status")]
    private static partial int Status(nint connection, int what, out int current, out int highest, int reset);
}
