using System.Globalization;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Destinations.Links;

/// <summary>The job that looks after a link while something is to be done with it, under the link's id.</summary>
internal static class LinkJob
{
    public const string Kind = "link";

    private const string Receiver = "destination:";

    /// <summary>The destination that a receiver of these jobs is.</summary>
    public static long DestinationOf(string receiver) =>
        long.Parse(receiver.AsSpan(Receiver.Length), CultureInfo.InvariantCulture);

    public static ValueTask Put(Tx tx, long link, string request, long destination, DateTimeOffset due) =>
        Jobs.Put(
            tx,
            new JobToAdd(Kind, Key(link), $"request:{request}", due) { Receiver = Receiver + Key(destination) }
        );

    public static ValueTask<bool> Cancel(Tx tx, long link) => Jobs.Cancel(tx, Kind, Key(link));

    /// <summary>As the link says; a run that is under way counts no more.</summary>
    public static async ValueTask Schedule(Tx tx, Link link)
    {
        if (link.DueAt is { } due)
            await Put(tx, link.Id, link.RequestId.Value, link.DestinationId, due);
        else
            await Cancel(tx, link.Id);
    }

    /// <summary>Brings what waits forward to now.</summary>
    public static ValueTask<bool> Hurry(Tx tx, long link) => Jobs.Hurry(tx, Kind, Key(link));

    public static ValueTask<bool> IsRunning(Tx tx, long link) => Jobs.IsRunning(tx, Kind, Key(link));

    private static string Key(long id) => id.ToString(CultureInfo.InvariantCulture);
}
