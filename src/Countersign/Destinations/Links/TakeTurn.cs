using System.Globalization;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Destinations.Links;

/// <summary>
/// One turn at the store for one destination: what calls brought is taken down, and what is to be called next is claimed,
/// all in one transaction, because waiting for the disk costs more than everything else together.
/// </summary>
internal sealed partial class TakeTurn(Store store, DestinationOptions options, ILogger<TakeTurn> log)
{
    private readonly FailedWork _failed = new(store);
    private readonly Lock _gate = new();
    private DateTimeOffset _lastUntil;

    public async Task<Claim> Run(Destination destination, string holder, IReadOnlyList<Brought> all, int most)
    {
        try
        {
            return await Together(destination, holder, all, most);
        }
        catch (Exception fault) when (fault is not StoreUnavailable && all.Count > 0)
        {
            // A mistake of ours over one answer must not take the others with it.
            foreach (var brought in all)
                await Alone(destination, holder, brought);
            return new Claim(holder, default, []);
        }
    }

    private Task<Claim> Together(Destination destination, string holder, IReadOnlyList<Brought> all, int most)
    {
        var until = Until();
        return store.InTransaction(async tx =>
        {
            foreach (var brought in all)
                await RecordExchange.Take(tx, destination, holder, brought, options.PollEvery);
            await RecordExchange.Health(tx, destination, all);
            return most > 0 ? await ClaimDue.Take(tx, destination.Id, holder, most, until) : new Claim(holder, until, []);
        });
    }

    private async Task Alone(Destination destination, string holder, Brought brought)
    {
        try
        {
            await Together(destination, holder, [brought], most: 0);
        }
        catch (Exception fault) when (fault is not StoreUnavailable)
        {
            Log.Fault(log, fault, destination.Id, brought.Claimed.Id);
            // It comes back when its claim ends, and no more after the last attempt.
            var (id, why) = (brought.Claimed.Id, $"What the destination answered could not be recorded. {FailedWork.ErrorOf(fault)}");
            await _failed.Record(FailedWork.Link, id.ToString(CultureInfo.InvariantCulture), brought.Claimed.RequestId.Subject, fault, whenSetAside: async tx =>
                await tx.Execute("UPDATE links SET due_at = NULL, holder = NULL, until = NULL, problem = @why WHERE id = @id", new { id, why }));
        }
    }

    /// <summary>Never the same moment twice, for it tells one claim from the next.</summary>
    private DateTimeOffset Until()
    {
        lock (_gate)
        {
            var until = store.Now + ClaimDue.Length;
            return _lastUntil = until > _lastUntil ? until : _lastUntil.AddMilliseconds(1);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "Destination {Destination}, link {Link}: what the call brought could not be taken down")]
        public static partial void Fault(ILogger log, Exception fault, long destination, long link);
    }
}
