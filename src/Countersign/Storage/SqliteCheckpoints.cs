using Microsoft.Data.Sqlite;

namespace Countersign.Storage;

/// <summary>
/// Copies the write-ahead log back into the file, beside the lane and not in it: that takes a tenth of a second in which
/// nobody could write. Only the end is the lane's, since the log begins anew when nobody adds to it meanwhile:
/// <code>
///   lane     the log has grown long: wake the other thread, and go on writing
///   thread   copy what is there, then what came meanwhile
///   lane     between two batches, copy the little that is left; the next commit begins the log anew
/// </code>
/// Nothing depends on it but the log's length: what is committed lies in the log, and a copy that fails is made again later.
/// </summary>
internal sealed partial class SqliteCheckpoints : IDisposable
{
    /// <summary>
    /// Every change touches the same few pages at the ends of the indexes; the longer the log, the fewer times they are
    /// copied back.
    /// </summary>
    private const int LongLog = 8_000;

    /// <summary>Should all this fail, SQLite itself copies when the log has this many pages.</summary>
    public const int TooLongLog = 4 * LongLog;

    private const int Idle = 0, Copying = 1, Copied = 2;
    private const string Copy = "PRAGMA wal_checkpoint(PASSIVE)";

    private readonly Func<SqliteConnection> _open;
    private readonly ILogger _log;
    private readonly Thread _thread;
    private readonly SemaphoreSlim _wake = new(0);
    private volatile bool _closing;
    private volatile int _state = Idle;
    private long _pages;

    public SqliteCheckpoints(Func<SqliteConnection> open, ILogger log)
    {
        (_open, _log) = (open, log);
        _thread = new Thread(Loop) { IsBackground = true, Name = "SQLite log copier" };
        _thread.Start();
    }

    /// <summary>The lane, after a commit and with no transaction open.</summary>
    public void Committed(SqliteConnection connection, Tx tx)
    {
        _pages += SqliteNative.PagesWritten(connection.Handle!.DangerousGetHandle());
        if (_state == Copied)
        {
            TryCopy(() => tx.ExecuteNow(Copy));
            (_pages, _state) = (0, Idle);
        }
        else if (_state == Idle && _pages >= LongLog)
        {
            _state = Copying;
            _wake.Release();
        }
    }

    public void Dispose()
    {
        _closing = true;
        _wake.Release();
        _thread.Join();
        _wake.Dispose();
    }

    private void Loop()
    {
        SqliteConnection? connection = null;
        while (true)
        {
            _wake.Wait();
            if (_closing)
                break;
            // Twice: while the first goes on, the log grows by a tenth of what is copied.
            if (!(TryCopy(() => SqliteEngine.Run(connection ??= _open(), Copy)) && TryCopy(() => SqliteEngine.Run(connection!, Copy))))
            {
                connection?.Dispose();
                connection = null;
            }
            _state = Copied;
        }
        connection?.Dispose();
    }

    private bool TryCopy(Action copy)
    {
        try
        {
            copy();
            return true;
        }
        catch (SqliteException failure)
        {
            Log.NotCopied(_log, failure.SqliteErrorCode, failure.SqliteExtendedErrorCode);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The write-ahead log could not be copied into the store's file and grows: SQLite error {Code}, extended {Extended}")]
        public static partial void NotCopied(ILogger log, int code, int extended);
    }
}
