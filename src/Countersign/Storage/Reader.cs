using System.Data.Common;
using System.Globalization;
using Dapper;

namespace Countersign.Storage;

/// <summary>
/// Questions to the store over one connection. On SQLite the connection is ours alone and its commands stay prepared,
/// by their text; on PostgreSQL the driver prepares what it sees often. Rows become objects by Dapper on both.
/// </summary>
public class Reader
{
    /// <summary>
    /// Lists are put together from their filters, so the number of different texts has no natural end.
    /// </summary>
    private const int MaxKept = 200;

    private readonly DbConnection _connection;
    private readonly int? _statementTimeout;

    /// <summary>By their text alone, which nearly always comes with one type of arguments.</summary>
    private readonly Dictionary<string, Prepared>? _kept;

    // A column created_at is the property CreatedAt.
    static Reader() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    internal Reader(Engine engine, DbConnection connection, bool keepCommands)
    {
        Position = engine.Position;
        _statementTimeout = engine.StatementTimeout;
        _connection = connection;
        _kept = keepCommands ? [] : null;
    }

    internal DbConnection Connection => _connection;

    /// <inheritdoc cref="Engine.Position"/>
    internal string Position { get; }

    /// <summary>The first row, or null when there is none.</summary>
    public async ValueTask<T?> First<T>(string sql, object? arguments = null)
        where T : class
    {
        await using var use = Use(sql, arguments);
        await using var rows = await use.Command.ExecuteReaderAsync();
        return await rows.ReadAsync() ? use.Parser<T>(rows)(rows) : null;
    }

    public async ValueTask<List<T>> All<T>(string sql, object? arguments = null)
    {
        await using var use = Use(sql, arguments);
        await using var rows = await use.Command.ExecuteReaderAsync();
        var all = new List<T>();
        Func<DbDataReader, T>? parse = null;
        while (await rows.ReadAsync())
            all.Add((parse ??= use.Parser<T>(rows))(rows));
        return all;
    }

    /// <summary>Rows by the names of their columns, where these need not be known: texts, numbers and nulls.</summary>
    public async ValueTask<List<IDictionary<string, object?>>> Rows(string sql, object? arguments = null) =>
        (await All<object>(sql, arguments)).ConvertAll(row => (IDictionary<string, object?>)row);

    /// <summary>One number: a count, an id, a revision; 0 when there is no row or it is null.</summary>
    public async ValueTask<long> Number(string sql, object? arguments = null)
    {
        await using var use = Use(sql, arguments);
        return await use.Command.ExecuteScalarAsync() switch
        {
            null or DBNull => 0,
            long number => number,
            bool yes => yes ? 1 : 0,
            var other => Convert.ToInt64(other, CultureInfo.InvariantCulture),
        };
    }

    /// <summary>One text; null when there is no row or it is null.</summary>
    public async ValueTask<string?> Text(string sql, object? arguments = null)
    {
        await using var use = Use(sql, arguments);
        return await use.Command.ExecuteScalarAsync() as string;
    }

    /// <summary>Rows one by one, for exports and checks that must not hold a table in memory.</summary>
    public async IAsyncEnumerable<T> Each<T>(string sql, object? arguments = null)
    {
        await using var use = Use(sql, arguments);
        await using var rows = await use.Command.ExecuteReaderAsync();
        Func<DbDataReader, T>? parse = null;
        while (await rows.ReadAsync())
            yield return (parse ??= use.Parser<T>(rows))(rows);
    }

    /// <summary>For the engines' own statements, which must not be awaited.</summary>
    internal void ExecuteNow(string sql)
    {
        var use = Use(sql, null);
        try
        {
            use.Command.ExecuteNonQuery();
        }
        finally
        {
            use.Release();
        }
    }

    internal Usage Use(string sql, object? arguments)
    {
        var type = arguments?.GetType();
        Prepared? prepared = null;
        var kept = _kept is not null;
        // A statement that is still being read (an export, say) must not be bound again underneath its reader.
        if (!kept || !_kept!.TryGetValue(sql, out prepared) || prepared.Busy || prepared.Arguments != type)
        {
            var command = _connection.CreateCommand();
            command.CommandText = sql;
            if (_statementTimeout is { } seconds)
                command.CommandTimeout = seconds;
            if (type is not null && arguments is not Dictionary<string, object?>)
                Parameters.For(type).AddTo(command);
            var another = prepared is not null;
            prepared = new Prepared(command, type);
            if (kept && _kept!.Count >= MaxKept)
                DropCommands();
            if (kept && !another)
                _kept![sql] = prepared;
            else
                kept = false;
        }
        if (arguments is Dictionary<string, object?> named)
            Parameters.Bind(prepared.Command, named);
        else if (arguments is not null)
            Parameters.For(type!).Bind(prepared.Command, arguments);
        return new Usage(prepared, kept);
    }

    internal void DropCommands()
    {
        if (_kept is null)
            return;
        foreach (var (key, prepared) in _kept)
        {
            if (prepared.Busy)
                continue;
            prepared.Command.Dispose();
            _kept.Remove(key);
        }
    }

    internal sealed class Prepared(DbCommand command, Type? arguments)
    {
        private Delegate? _parser;

        public DbCommand Command => command;
        public Type? Arguments => arguments;
        public bool Busy { get; set; }

        public Func<DbDataReader, T> Parser<T>(DbDataReader rows)
        {
            if (_parser is Func<DbDataReader, T> known)
                return known;
            var parser = rows.GetRowParser<T>();
            _parser = parser;
            return parser;
        }
    }

    internal readonly struct Usage : IAsyncDisposable
    {
        private readonly Prepared _prepared;
        private readonly bool _kept;

        public Usage(Prepared prepared, bool kept)
        {
            _prepared = prepared;
            _kept = kept;
            prepared.Busy = true;
        }

        public DbCommand Command => _prepared.Command;

        public Func<DbDataReader, T> Parser<T>(DbDataReader rows) => _prepared.Parser<T>(rows);

        public void Release()
        {
            _prepared.Busy = false;
            if (!_kept)
                _prepared.Command.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Release();
            return ValueTask.CompletedTask;
        }
    }
}
