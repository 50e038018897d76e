using System.Globalization;
using Countersign.Storage;

namespace Countersign.Work;

/// <summary>
/// Hands an event that a consumer failed at to the consumer again. Jobs of one subject keep the order of the log, and
/// no two transactions handle events for the same consumer at once: both hold its cursor's lock.
/// </summary>
public sealed class RetryEvent(ILogConsumer consumer) : IJobHandler
{
    public string Kind => consumer.Name;

    /// <summary>More would only wait for each other.</summary>
    public ValueTask<int> AtOnce(Reader reader, string receiver) => new(1);

    public Task<JobResult> Run(Job job, CancellationToken cancel) =>
        Task.FromResult<JobResult>(
            new JobResult.Done(tx => Handle(tx, job))
            {
                Lock = async tx => await LogCursor.Lock(tx, consumer.Name, tx.ForUpdate),
            }
        );

    /// <summary>Adds the job for an event, behind those of its subject that are there.</summary>
    internal static ValueTask<bool> Add(Tx tx, string consumer, StoredEvent news) =>
        Jobs.Add(
            tx,
            new JobToAdd(consumer, KeyOf(news), news.Subject, tx.Now)
            {
                Order = news.Subject,
                OrderNumber = news.Position,
            }
        );

    internal static string KeyOf(StoredEvent news) => news.Id.ToString(CultureInfo.InvariantCulture);

    private async ValueTask Handle(Tx tx, Job job)
    {
        var id = long.Parse(job.Key, CultureInfo.InvariantCulture);
        var news =
            await tx.First<StoredEvent>($"SELECT {StoredEvent.Columns} FROM events WHERE id = @id", new { id })
            ?? throw new InvalidDataException($"Event {id} isn't in the store.");
        if (consumer.Kinds.Contains(news.Kind) && await consumer.Begin(tx) is { } handle)
            await handle(news);
    }
}
