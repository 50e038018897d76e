using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Countersign.Pages.Request;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Layout;

/// <summary>
/// How many requests need a reader's review, for the navigation and the tab. Counted again only when something was
/// written since.
/// </summary>
public sealed class PendingCount(Store store, RequestList requests)
{
    /// <summary>Shown as "99+" beyond.</summary>
    public const int Max = 99;

    private const int MaxKept = 1_000;
    private readonly ConcurrentDictionary<long, (long Version, IReadOnlyList<RequestId> Pending)> _kept = new();

    public static string Text(int count) => count > Max ? $"{Max}+" : count.ToString(CultureInfo.InvariantCulture);

    internal static Asset IconFor(int? count) => count is > 0 ? Asset.IconWithDot : Asset.Icon;

    public static async ValueTask<int?> Of(HttpContext http) =>
        http.FindCaller() is { Person: { } person } caller
            ? (
                await http
                    .RequestServices.GetRequiredService<PendingCount>()
                    .Of(person.Id, caller.Viewer, http.RequestAborted)
            ).Count
            : null;

    /// <summary>
    /// The oldest other request that needs the reader's review, and how many do; null: no other does.
    /// </summary>
    public static async ValueTask<NextRequest?> NextAfter(HttpContext http, RequestId id)
    {
        if (http.FindCaller() is not { Person: { } person } caller)
            return null;
        var pending = await http
            .RequestServices.GetRequiredService<PendingCount>()
            .Of(person.Id, caller.Viewer, http.RequestAborted);
        var others = pending.Where(other => other != id).ToList();
        return others.Count == 0 ? null : new NextRequest(others[^1], others.Count);
    }

    internal async ValueTask<IReadOnlyList<RequestId>> Of(long person, Viewer viewer, CancellationToken cancel)
    {
        var version = store.Version;
        if (_kept.TryGetValue(person, out var kept) && kept.Version == version)
            return kept.Pending;
        IReadOnlyList<RequestId> pending;
        try
        {
            // From the oldest on, so that the next one is the one that has waited longest, however many there are.
            var start = new Position("", Newer: true);
            var page = await requests.Run(viewer, new Filter { WaitingForMe = true }, Max + 1, start, cancel);
            pending = [.. page.Requests.Select(r => r.Id)];
        }
        catch (Exception unreadable) when (unreadable is FormatException or JsonException)
        {
            // A stored row can't be read. The job queue, where an admin finds it, shows all the same.
            pending = [];
        }
        if (_kept.Count >= MaxKept)
            _kept.Clear();
        _kept[person] = (version, pending);
        return pending;
    }
}
