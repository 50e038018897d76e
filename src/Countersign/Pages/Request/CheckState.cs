using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Pages.Request;

/// <summary>What LaunchDarkly was asked about a request and didn't confirm.</summary>
/// <param name="IsRequesterUnconfirmed">LaunchDarkly was asked who requested this, without a result.</param>
/// <param name="IsChangeUnconfirmed">The same for what changes.</param>
/// <param name="Why">In English, for people.</param>
public sealed record CheckState(bool IsRequesterUnconfirmed, bool IsChangeUnconfirmed, string Why)
{
    private const string Requester = "requester";
    private static readonly string[] OfChange = ["change", "comparison"];

    /// <summary>A later answer takes the place of an earlier one.</summary>
    public static CheckState Of(IEnumerable<StoredEvent> events)
    {
        var state = new CheckState(false, false, "");
        foreach (var e in events)
        {
            // Another content is asked about anew.
            if (e.Kind == "request.revised")
                state = new CheckState(false, false, "");
            if (e.Kind != "request.checked")
                continue;
            using var data = JsonDocument.Parse(e.Data);
            var (ended, confirmed) = (Words(data.RootElement, "ended"), Words(data.RootElement, "confirmed"));
            state = new CheckState(
                ended.Contains(Requester) ? !confirmed.Contains(Requester) : state.IsRequesterUnconfirmed,
                OfChange.Any(ended.Contains) ? !OfChange.Any(confirmed.Contains) : state.IsChangeUnconfirmed,
                data.RootElement.TryGetProperty("why", out var why) && why.ValueKind == JsonValueKind.String
                    ? why.GetString()!
                    : ""
            );
        }
        return state;
    }

    /// <summary>The name of the words for it; null where nothing is unconfirmed.</summary>
    public string? Word =>
        (IsRequesterUnconfirmed, IsChangeUnconfirmed) switch
        {
            (true, true) => "request.unconfirmed",
            (true, false) => "request.unconfirmed.requester",
            (false, true) => "request.unconfirmed.change",
            _ => null,
        };

    private static string[] Words(JsonElement data, string member) =>
        data.TryGetProperty(member, out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!.Split(',')
            : [];
}
