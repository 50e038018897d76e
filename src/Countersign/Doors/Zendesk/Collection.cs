using System.Globalization;
using System.Text.Json.Nodes;
using Countersign.Hosting;
using Countersign.Requests;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Doors.Zendesk;

/// <summary>
/// Small lists in both ways of paging that the original knows: with <c>page[size]</c> by cursor, else counted by
/// <c>page</c> and <c>per_page</c>.
/// </summary>
internal static class Collection
{
    public const int MaxPage = 100;

    public static IResult One(string name, JsonObject item) => Write(new JsonObject { [name] = item });

    public static IResult Write(JsonObject answer, int status = StatusCodes.Status200OK) =>
        TypedResults.Text(System.Text.Encoding.UTF8.GetBytes(answer.ToJsonString()), Answer.MediaType, status);

    /// <param name="items">By rising id.</param>
    public static IResult Of(HttpContext http, string name, IReadOnlyList<(long Id, JsonNode Item)> items)
    {
        var query = http.Request.Query;
        var mistakes = new BodyErrors();
        if (query["page[size]"].ToString() is { Length: > 0 } sizeText)
        {
            var size = Number("page[size]", sizeText, MaxPage);
            var cursors = http.RequestServices.GetRequiredService<Cursors>();
            var after = ListEndpoint.Cursor(query, cursors, "after_cursor", "page[after]", mistakes);
            var before = ListEndpoint.Cursor(query, cursors, "before_cursor", "page[before]", mistakes);
            if (mistakes.Any)
                return Refusal.Parameters(mistakes);
            var behind =
                IdOf(after) is { } from ? items.Where(i => i.Id > from).ToList()
                : IdOf(before) is { } to ? [.. items.Where(i => i.Id < to)]
                : [.. items];
            var page = after is null && before is not null ? behind.TakeLast(size).ToList() : [.. behind.Take(size)];
            var more =
                page.Count > 0 && items[^1].Id != page[^1].Id
                    ? cursors.Write(new Position(Text(page[^1].Id), false))
                    : null;
            var less =
                page.Count > 0 && items[0].Id != page[0].Id
                    ? cursors.Write(new Position(Text(page[0].Id), true))
                    : null;
            return Write(
                new JsonObject
                {
                    [name] = Array(page),
                    ["meta"] = new JsonObject
                    {
                        ["has_more"] = (before is null ? more : less) is not null,
                        ["after_cursor"] = more,
                        ["before_cursor"] = less,
                    },
                    ["links"] = new JsonObject
                    {
                        ["next"] = ListEndpoint.Link(http.Request, "page[after]", more),
                        ["prev"] = ListEndpoint.Link(http.Request, "page[before]", less),
                    },
                }
            );
        }
        var each = query["per_page"].ToString() is { Length: > 0 } perPage
            ? Number("per_page", perPage, MaxPage)
            : MaxPage;
        var number = query["page"].ToString() is { Length: > 0 } counted
            ? Number("page", counted, int.MaxValue / MaxPage)
            : 1;
        if (mistakes.Any)
            return Refusal.Parameters(mistakes);
        return Write(
            new JsonObject
            {
                [name] = Array(items.Skip((number - 1) * each).Take(each)),
                ["next_page"] = (long)number * each < items.Count ? Page(number + 1) : null,
                ["previous_page"] = number > 1 ? Page(number - 1) : null,
                ["count"] = items.Count,
            }
        );

        int Number(string field, string text, int most)
        {
            if (
                int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var found)
                && found >= 1
                && found <= most
            )
            {
                return found;
            }
            mistakes.Add(field, most == MaxPage ? $"A whole number from 1 to {most}." : "A whole number from 1.");
            return 1;
        }

        string Page(int wanted) =>
            QueryHelpers.AddQueryString(
                ZendeskConventions.AddressOf(http.Request),
                [
                    .. query
                        .Where(p => p.Key != "page")
                        .SelectMany(p => p.Value, (p, value) => KeyValuePair.Create(p.Key, value)),
                    KeyValuePair.Create("page", (string?)Text(wanted)),
                ]
            );
    }

    private static JsonArray Array(IEnumerable<(long Id, JsonNode Item)> items) => new([.. items.Select(i => i.Item)]);

    private static long? IdOf(Position? position) =>
        position is not null && long.TryParse(position.Id, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? id
            : null;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
