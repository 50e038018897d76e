using System.Globalization;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes;

/// <summary>An admin has mended what made a piece of background work fail: it is tried again at once, with all its attempts.</summary>
public sealed class RetryFailedWork(Store store, Dispatcher dispatcher)
{
    /// <summary>False when there is no such piece of work.</summary>
    public async Task<bool> Run(string kind, string key, Origin origin, CancellationToken cancel)
    {
        var done = await store.InTransaction(async tx =>
        {
            if (await tx.First<FailedItem>(
                $"SELECT kind, key, subject, attempts, error, since, due_at FROM failed_work WHERE kind = @kind AND key = @key{tx.ForUpdate}", new { kind, key }) is not { } failed)
            {
                return false;
            }
            var id = long.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
            switch (kind)
            {
                case FailedWork.Delivery:
                    await FailedWork.Clear(tx, kind, key);
                    if (await tx.First<Place>($"SELECT receiver, channel, subject FROM deliveries WHERE id = @id AND state = 'failed'{tx.ForUpdate}", new { id }) is { } place)
                        await Line.Again(tx, id, place.Receiver, place.Channel, place.Subject);
                    break;
                default:
                    await tx.Execute("UPDATE failed_work SET attempts = 0, due_at = @now WHERE kind = @kind AND key = @key", new { kind, key, now = tx.Now });
                    break;
            }
            await tx.Append("hub", origin, "work.retried", new { kind, key, about = failed.Subject, error = failed.Error });
            return true;
        }, cancel);
        dispatcher.Ring();
        return done;
    }

    private sealed class Place
    {
        public required string Receiver { get; init; }
        public required string Channel { get; init; }
        public required string Subject { get; init; }
    }
}
