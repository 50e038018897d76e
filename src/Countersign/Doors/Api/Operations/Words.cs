using Countersign.Hosting.OpenApi;
using Countersign.Insights;
using Countersign.Requests;
using Microsoft.OpenApi;

namespace Countersign.Doors.Api.Operations;

/// <summary>The words that parameters of our API take.</summary>
internal static class Words
{
    public static IEnumerable<string> Statuses => Enum.GetValues<Status>().Select(WireNames.ToWireName);

    public static OpenApiSchema Windows =>
        new()
        {
            Type = JsonSchemaType.Integer,
            Enum = [.. InsightsQuery.Windows.Select(days => (System.Text.Json.Nodes.JsonNode)days)],
            Default = InsightsQuery.DefaultDays,
        };

    public static OpenApiSchema Many(IEnumerable<string> words) => Values.ManyOf(words);

    /// <summary>Where a page of a list by number ended.</summary>
    public static OperationText Before(this OperationText call) =>
        call.Query("before", "The value of `next` from the page before.", Values.Id()).Fails(422, "invalid");
}
