using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Hosting;
using Countersign.Outcomes;
using Countersign.Outcomes.Webhooks;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Storage;

namespace Countersign.Pages.Deliveries;

/// <summary><c>/deliveries</c>: what left the hub and how it was received. For admins.</summary>
internal static class DeliveriesPage
{
    public const string Path = "/deliveries",
        CsvPath = Path + ".csv";

    private const int MaxShown = 10_000;

    private static readonly IReadOnlyList<string> Columns =
    [
        "ID",
        "Created",
        "Event",
        "Subject",
        "Title",
        "Recipient",
        "Channel",
        "Status",
        "Attempts",
        "Last failure",
        "Settled",
    ];

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static async Task<IResult> Show(
        HttpContext http,
        string? state,
        string? endpoint,
        long? before,
        Outcomes.Deliveries deliveries,
        Subscriptions webhooks,
        OutcomeOptions options,
        CancellationToken cancel
    )
    {
        state = Known(state);
        endpoint = endpoint is { Length: > 0 } ? endpoint : null;
        var strings = http.Strings();
        var model = new DeliveriesModel(
            await deliveries.List(state, endpoint, before, cancel),
            await Names(http, webhooks, cancel)
        )
        {
            State = state ?? "",
            Endpoint = endpoint ?? "",
            IsLater = before is not null,
            IsSendingOff = options.PublicUrl is null,
        };
        return new PageResult(
            new PageFrame(strings["nav.deliveries"]) { Section = Path },
            DeliveriesSlice.Create(model)
        );
    }

    public static async Task<IResult> Export(
        HttpContext http,
        string? state,
        string? endpoint,
        Outcomes.Deliveries deliveries,
        Subscriptions webhooks,
        CancellationToken cancel
    ) =>
        new Csv(
            "deliveries.csv",
            Columns,
            Rows(
                deliveries,
                await Names(http, webhooks, cancel),
                Known(state),
                endpoint is { Length: > 0 } ? endpoint : null,
                cancel
            )
        );

    public static async Task<IResult> One(
        long id,
        HttpContext http,
        Outcomes.Deliveries deliveries,
        Subscriptions webhooks,
        CancellationToken cancel
    )
    {
        if (await deliveries.Find(id, cancel) is not { } found)
            return NotFoundPage.Page(http);
        var names = await Names(http, webhooks, cancel);
        return new PageResult(
            new PageFrame(names.Event(found.Delivery.Kind))
            {
                Section = Path,
                Breadcrumbs = [(Path, http.Strings()["nav.deliveries"])],
            },
            DeliverySlice.Create(
                new DeliveryModel(found, names) { Sent = found.Sent is { } sent ? Shortened(Laid(sent)) : null }
            )
        );
    }

    public static async Task<IResult> Replay(
        long id,
        HttpContext http,
        Outcomes.Deliveries deliveries,
        CancellationToken cancel
    )
    {
        var address = $"{Path}/{id.ToString(CultureInfo.InvariantCulture)}";
        return await deliveries.Replay(id, cancel)
            ? AdminParts.Done(http, address, "queuedAgain")
            : TypedResults.LocalRedirect(http.Request.PathBase + address);
    }

    private static async Task<DeliveryNames> Names(
        HttpContext http,
        Subscriptions webhooks,
        CancellationToken cancel
    ) =>
        new(
            http.Strings(),
            http.RequestServices.GetRequiredService<PeopleDirectory>().Current,
            await webhooks.List(cancel)
        );

    private static async IAsyncEnumerable<IReadOnlyList<string?>> Rows(
        Outcomes.Deliveries deliveries,
        DeliveryNames names,
        string? state,
        string? endpoint,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        long? before = null;
        do
        {
            var page = await deliveries.List(state, endpoint, before, cancel);
            foreach (var one in page.Deliveries)
            {
                yield return
                [
                    one.Id.ToString(CultureInfo.InvariantCulture),
                    one.CreatedAt,
                    one.Kind,
                    one.Subject,
                    one.About,
                    names.Receiver(one.Receiver),
                    one.Channel,
                    one.State,
                    one.Attempts.ToString(CultureInfo.InvariantCulture),
                    one.LastFailure,
                    one.SettledAt,
                ];
            }
            before = page.Next;
        } while (before is not null);
    }

    private static string? Known(string? state) =>
        state is not null && Outcomes.Deliveries.States.Contains(state) ? state : null;

    /// <summary>JSON with a line for each member; everything else as it is.</summary>
    private static string Laid(string sent)
    {
        try
        {
            return sent.StartsWith('{') ? JsonSerializer.Serialize(JsonElement.Parse(sent), Indented) : sent;
        }
        catch (JsonException)
        {
            return sent;
        }
    }

    private static string Shortened(string text) =>
        text.Length <= MaxShown ? text : WellFormed.Cut(text, MaxShown) + "…";
}
