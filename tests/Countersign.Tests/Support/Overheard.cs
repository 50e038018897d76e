using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Countersign.Tests;

/// <summary>All that a server writes to its log, at every level, and all that its traces say.</summary>
public sealed class Overheard : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly ActivityListener _traces;

    public Overheard()
    {
        _traces = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
                _lines.Enqueue(
                    $"trace {activity.DisplayName} {activity.StatusDescription} "
                        + $"{string.Join(' ', activity.TagObjects)} "
                        + $"{string.Join(' ', activity.Events.SelectMany(e => e.Tags))}"
                ),
        };
        ActivitySource.AddActivityListener(_traces);
    }

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new Category(categoryName, _lines);

    public void Dispose() => _traces.Dispose();

    private sealed class Category(string category, ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            lines.Enqueue($"{category} {state}");
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) =>
            lines.Enqueue(
                $"{logLevel}: {category} {formatter(state, exception)} "
                    + $"{(state is IEnumerable<KeyValuePair<string, object?>> values ? string.Join(' ', values) : "")} "
                    + $"{exception}"
            );
    }
}
