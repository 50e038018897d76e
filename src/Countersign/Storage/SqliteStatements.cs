using Microsoft.Data.Sqlite;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Countersign.Storage;

/// <summary>
/// A connection's statements, kept prepared, bound and read straight at SQLite. A submission is about ten small statements
/// and all of them share one thread, so what the provider does around each (looking parameters up by name, copying every
/// text, a reader per execution) would be most of the work. Values go in by <c>Put</c> (SqliteStatements.Values.cs) and
/// come out by <see cref="RowReader{T}"/>.
/// </summary>
internal sealed partial class SqliteStatements(SqliteConnection connection) : IDisposable
{
    /// <summary>The texts are those of our use cases, so their number has an end; this is for the day it has not.</summary>
    private const int MostKept = 200;

    /// <summary>Tells SQLite that a statement stays, so that it does not take the memory meant for passing ones.</summary>
    private const uint Persistent = 1;

    private readonly Dictionary<(string Sql, Type? Arguments), Statement> _statements = [];

    /// <summary>
    /// The same by the text's place in memory: texts of our use cases are literals, and hashing half a kilobyte of SQL
    /// takes longer than finding a row.
    /// </summary>
    private readonly Dictionary<string, Statement> _literals = new(ReferenceEqualityComparer.Instance);

    private readonly nint _connection = connection.Handle!.DangerousGetHandle();

    /// <summary>The one that is being bound or read.</summary>
    private Statement _current = null!;

    /// <summary>Runs to the end; how many rows were written.</summary>
    public int Execute(string sql, object? arguments)
    {
        var statement = Bound(sql, arguments);
        try
        {
            while (Step(statement))
            {
            }
            return SqliteNative.Changes(_connection);
        }
        finally
        {
            SqliteNative.Reset(statement.Pointer);
        }
    }

    /// <summary>Runs an INSERT to the end; the rowid that it gave.</summary>
    public long Insert(string sql, object? arguments) =>
        Execute(sql, arguments) == 1 ? SqliteNative.LastInsertRowId(_connection) : throw new InvalidOperationException("An INSERT that gives an id wrote no row.");

    /// <summary>The number in the first column of the first row; 0 when there is no row or it is null.</summary>
    public long Number(string sql, object? arguments)
    {
        var statement = Bound(sql, arguments);
        try
        {
            if (!Step(statement))
                return 0;
            var number = NumberAt(0);
            Complete(statement);
            return number;
        }
        finally
        {
            SqliteNative.Reset(statement.Pointer);
        }
    }

    /// <summary>The text in the first column of the first row, or null.</summary>
    public string? Text(string sql, object? arguments)
    {
        var statement = Bound(sql, arguments);
        try
        {
            if (!Step(statement))
                return null;
            var text = TextAt(0);
            Complete(statement);
            return text;
        }
        finally
        {
            SqliteNative.Reset(statement.Pointer);
        }
    }

    /// <summary>The first row, or null when there is none. Only where <see cref="RowReader{T}.IsPlain"/>.</summary>
    public T? First<T>(string sql, object? arguments)
        where T : class
    {
        var statement = Bound(sql, arguments);
        try
        {
            if (!Step(statement))
                return null;
            var row = ReaderOf<T>(statement)(this);
            Complete(statement);
            return row;
        }
        finally
        {
            SqliteNative.Reset(statement.Pointer);
        }
    }

    /// <summary>All rows. Only where <see cref="RowReader{T}.IsPlain"/>.</summary>
    public List<T> All<T>(string sql, object? arguments)
    {
        var statement = Bound(sql, arguments);
        try
        {
            var rows = new List<T>();
            while (Step(statement))
                rows.Add(ReaderOf<T>(statement)(this));
            return rows;
        }
        finally
        {
            SqliteNative.Reset(statement.Pointer);
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
            statement.Handle.Dispose();
        _statements.Clear();
        _literals.Clear();
    }

    /// <summary>A write with RETURNING is complete only after its last row.</summary>
    private void Complete(Statement statement)
    {
        if (statement.OnlyReads)
            return;
        while (Step(statement))
        {
        }
    }

    private bool Step(Statement statement) => SqliteNative.Step(statement.Pointer) switch
    {
        SQLITE_ROW => true,
        SQLITE_DONE => false,
        var failure => throw Failure(failure),
    };

    private Statement Bound(string sql, object? arguments)
    {
        var type = arguments?.GetType();
        if (!_literals.TryGetValue(sql, out var statement) || statement.Arguments != type)
            statement = Find(sql, type);
        _current = statement;
        if (arguments is not null)
            Bind(statement, arguments);
        return statement;
    }

    private Statement Find(string sql, Type? type)
    {
        if (!_statements.TryGetValue((sql, type), out var statement))
        {
            if (_statements.Count >= MostKept)
                Dispose();
            _statements[(sql, type)] = statement = Prepare(sql, type);
        }
        // Only what lives as long as the program may be found by its place.
        if (ReferenceEquals(string.IsInterned(sql), sql))
            _literals[sql] = statement;
        return statement;
    }

    private Statement Prepare(string sql, Type? type)
    {
        var code = sqlite3_prepare_v3(connection.Handle, sql, Persistent, out var handle);
        if (code != SQLITE_OK)
            throw Failure(code);
        if (type is null)
            return new Statement(handle, null, null, []);
        var plan = SqliteBinder.For(type);
        return new Statement(handle, type, plan, [.. plan.Names.Select(name => sqlite3_bind_parameter_index(handle, "@" + name))]);
    }

    private static Func<SqliteStatements, T> ReaderOf<T>(Statement statement)
    {
        if (statement.Reader is Func<SqliteStatements, T> known)
            return known;
        var columns = Enumerable.Range(0, sqlite3_column_count(statement.Handle)).Select(i => sqlite3_column_name(statement.Handle, i).utf8_to_string()).ToList();
        var reader = RowReader<T>.For(columns);
        statement.Reader = reader;
        return reader;
    }

    private SqliteException Failure(int code) =>
        new(sqlite3_errmsg(connection.Handle).utf8_to_string(), code & 0xFF, sqlite3_extended_errcode(connection.Handle));

    private sealed record Statement(sqlite3_stmt Handle, Type? Arguments, SqliteBinder? Binder, int[] Positions)
    {
        public nint Pointer { get; } = Handle.DangerousGetHandle();

        public bool OnlyReads { get; } = sqlite3_stmt_readonly(Handle) != 0;

        public Delegate? Reader { get; set; }
    }
}
