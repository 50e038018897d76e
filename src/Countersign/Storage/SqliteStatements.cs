using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Countersign.Storage;

/// <summary>
/// The write lane's statements, kept prepared and bound straight to SQLite. A submission is about ten small statements
/// and all of them share one thread, so what the provider does around each (looking parameters up by name, copying every
/// text, a reader per execution) would be most of the work.
/// </summary>
internal sealed unsafe partial class SqliteStatements(SqliteConnection connection) : IDisposable
{
    /// <summary>The texts are those of our use cases, so their number has an end; this is for the day it has not.</summary>
    private const int MostKept = 200;

    private readonly Dictionary<(string Sql, Type? Arguments), Statement> _statements = [];

    /// <summary>The texts of the statement that runs, which SQLite reads where they are: pinned, and rewritten by the next.</summary>
    private byte[] _texts = Pinned(16 * 1024);
    private object[] _values = new object[32];

    /// <summary>Runs to the end; how many rows were written.</summary>
    public int Execute(string sql, object? arguments)
    {
        var statement = Bound(sql, arguments);
        try
        {
            while (Step(statement))
            {
            }
            return sqlite3_changes(connection.Handle);
        }
        finally
        {
            Native.Reset(statement.Pointer);
        }
    }

    /// <summary>Runs an INSERT to the end; the rowid that it gave.</summary>
    public long Insert(string sql, object? arguments) =>
        Execute(sql, arguments) == 1 ? sqlite3_last_insert_rowid(connection.Handle) : throw new InvalidOperationException("An INSERT that gives an id wrote no row.");

    /// <summary>The number in the first column of the first row; 0 when there is no row or it is null.</summary>
    public long Number(string sql, object? arguments)
    {
        var statement = Bound(sql, arguments);
        try
        {
            if (!Step(statement))
                return 0;
            var number = sqlite3_column_int64(statement.Handle, 0);
            Complete(statement);
            return number;
        }
        finally
        {
            Native.Reset(statement.Pointer);
        }
    }

    /// <summary>The text in the first column of the first row, or null.</summary>
    public string? Text(string sql, object? arguments)
    {
        var statement = Bound(sql, arguments);
        try
        {
            if (!Step(statement) || sqlite3_column_type(statement.Handle, 0) == SQLITE_NULL)
                return null;
            var text = sqlite3_column_text(statement.Handle, 0).utf8_to_string();
            Complete(statement);
            return text;
        }
        finally
        {
            Native.Reset(statement.Pointer);
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
            statement.Handle.Dispose();
        _statements.Clear();
    }

    /// <summary>A write with RETURNING is complete only after its last row.</summary>
    private void Complete(Statement statement)
    {
        if (sqlite3_stmt_readonly(statement.Handle) != 0)
            return;
        while (Step(statement))
        {
        }
    }

    private bool Step(Statement statement) => Native.Step(statement.Pointer) switch
    {
        SQLITE_ROW => true,
        SQLITE_DONE => false,
        var failure => throw Failure(failure),
    };

    private Statement Bound(string sql, object? arguments)
    {
        var key = (sql, arguments?.GetType());
        if (!_statements.TryGetValue(key, out var statement))
        {
            if (_statements.Count >= MostKept)
                Dispose();
            _statements[key] = statement = Prepare(sql, arguments);
        }
        if (arguments is not null)
            Bind(statement, arguments);
        return statement;
    }

    private Statement Prepare(string sql, object? arguments)
    {
        var code = sqlite3_prepare_v2(connection.Handle, sql, out var handle);
        if (code != SQLITE_OK)
            throw Failure(code);
        if (arguments is null)
            return new Statement(handle, null, []);
        var plan = Parameters.For(arguments.GetType());
        return new Statement(handle, plan, [.. plan.Names.Select(name => sqlite3_bind_parameter_index(handle, "@" + name))]);
    }

    private void Bind(Statement statement, object arguments)
    {
        var positions = statement.Positions;
        if (_values.Length < positions.Length)
            _values = new object[positions.Length];
        var size = 0;
        for (var i = 0; i < positions.Length; i++)
        {
            _values[i] = statement.Arguments!.Value(arguments, i);
            if (_values[i] is string text)
                size += Encoding.UTF8.GetMaxByteCount(text.Length);
        }
        if (_texts.Length < size)
            _texts = Pinned(size);

        var used = 0;
        for (var i = 0; i < positions.Length; i++)
        {
            if (positions[i] == 0)
                continue;
            var code = _values[i] switch
            {
                string text => BindText(statement.Pointer, positions[i], text, ref used),
                long number => Native.BindNumber(statement.Pointer, positions[i], number),
                byte[] bytes => sqlite3_bind_blob(statement.Handle, positions[i], bytes),
                _ => Native.BindNull(statement.Pointer, positions[i]),
            };
            if (code != SQLITE_OK)
                throw Failure(code);
        }
    }

    private int BindText(nint statement, int position, string text, ref int used)
    {
        var length = Encoding.UTF8.GetBytes(text, _texts.AsSpan(used));
        var start = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_texts, used);
        used += length;
        return Native.BindText(statement, position, start, length, destructor: 0);
    }

    private SqliteException Failure(int code) =>
        new(sqlite3_errmsg(connection.Handle).utf8_to_string(), code & 0xFF, sqlite3_extended_errcode(connection.Handle));

    private static byte[] Pinned(int size) => GC.AllocateUninitializedArray<byte>(size, pinned: true);

    private sealed record Statement(sqlite3_stmt Handle, Parameters? Arguments, int[] Positions)
    {
        public nint Pointer { get; } = Handle.DangerousGetHandle();
    }

    /// <summary>
    /// The calls made some hundred thousand times a second, without the provider's reference counting around each handle:
    /// the lane owns its statements, and one thread alone uses them.
    /// </summary>
    private static partial class Native
    {
        [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_step")]
        public static partial int Step(nint statement);

        [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_reset")]
        public static partial void Reset(nint statement);

        [SuppressGCTransition]
        [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_bind_text")]
        public static partial int BindText(nint statement, int position, byte* text, int length, nint destructor);

        [SuppressGCTransition]
        [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_bind_int64")]
        public static partial int BindNumber(nint statement, int position, long number);

        [SuppressGCTransition]
        [LibraryImport(SqliteLibrary.Name, EntryPoint = "sqlite3_bind_null")]
        public static partial int BindNull(nint statement, int position);
    }
}
