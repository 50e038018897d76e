using System.Runtime.InteropServices;
using System.Text;
using static SQLitePCL.raw;

namespace Countersign.Storage;

/// <summary>Values into and out of the statement that runs.</summary>
internal sealed unsafe partial class SqliteStatements
{
    private const int UsualSize = 16 * 1024, LargestKept = 256 * 1024;

    /// <summary>The texts of the statement that runs, which SQLite reads where they are: pinned, and rewritten by the next.</summary>
    private byte[] _texts = Pinned(UsualSize);
    private int _used;

    /// <summary>Those that were full before the statement was bound; SQLite still reads them.</summary>
    private readonly List<byte[]> _full = [];

    /// <summary>Every change writes the same moment half a dozen times.</summary>
    private (long Ticks, string Text) _moment = (-1, "");

    private void Bind(Statement statement, object arguments)
    {
        _used = 0;
        if (_full.Count > 0)
            _full.Clear();
        if (_texts.Length > LargestKept)
            _texts = Pinned(UsualSize);
        statement.Binder!.Bind(this, arguments);
    }

    public void Put(int index, string? value)
    {
        var position = _current.Positions[index];
        if (position == 0)
            return;
        if (value is null)
        {
            Check(SqliteNative.BindNull(_current.Pointer, position));
            return;
        }
        var most = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (_texts.Length - _used < most)
        {
            _full.Add(_texts);
            (_texts, _used) = (Pinned(Math.Max(most, _texts.Length * 2)), 0);
        }
        var length = Encoding.UTF8.GetBytes(value, _texts.AsSpan(_used));
        var start = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_texts, _used);
        _used += length;
        Check(SqliteNative.BindText(_current.Pointer, position, start, length, destructor: 0));
    }

    public void Put(int index, long value)
    {
        var position = _current.Positions[index];
        if (position != 0)
            Check(SqliteNative.BindNumber(_current.Pointer, position, value));
    }

    public void Put(int index, long? value)
    {
        if (value is { } number)
            Put(index, number);
        else
            Put(index, (string?)null);
    }

    public void Put(int index, int value) => Put(index, (long)value);

    public void Put(int index, int? value) => Put(index, (long?)value);

    public void Put(int index, DateTimeOffset value)
    {
        if (_moment.Ticks != value.UtcTicks)
            _moment = (value.UtcTicks, Instant.ToText(value));
        Put(index, _moment.Text);
    }

    public void Put(int index, DateTimeOffset? value)
    {
        if (value is { } time)
            Put(index, time);
        else
            Put(index, (string?)null);
    }

    public void Put<T>(int index, T value)
        where T : struct, ISqlText
        => Put(index, value.ToSqlText());

    /// <summary>For arguments that only at run time say what they are.</summary>
    public void PutAny(int index, object? value)
    {
        switch (Parameters.ToValue(value))
        {
            case string text:
                Put(index, text);
                break;
            case long number:
                Put(index, number);
                break;
            case byte[] bytes when _current.Positions[index] is > 0 and var position:
                Check(sqlite3_bind_blob(_current.Handle, position, bytes));
                break;
            default:
                Put(index, (string?)null);
                break;
        }
    }

    public string? TextAt(int column)
    {
        if (SqliteNative.ColumnType(_current.Pointer, column) == SQLITE_NULL)
            return null;
        var start = SqliteNative.ColumnText(_current.Pointer, column);
        return Encoding.UTF8.GetString(start, SqliteNative.ColumnBytes(_current.Pointer, column));
    }

    public long NumberAt(int column) => SqliteNative.ColumnNumber(_current.Pointer, column);

    public long? NumberOrNullAt(int column) => SqliteNative.ColumnType(_current.Pointer, column) == SQLITE_NULL ? null : NumberAt(column);

    private void Check(int code)
    {
        if (code != SQLITE_OK)
            throw Failure(code);
    }

    private static byte[] Pinned(int size) => GC.AllocateUninitializedArray<byte>(size, pinned: true);
}
