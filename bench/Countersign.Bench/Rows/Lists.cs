using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Countersign.Bench.Load;
using Countersign.Bench.Servers;
using Countersign.Bench.Stock;
using Countersign.Storage;

namespace Countersign.Bench.Rows;

/// <summary>
/// Pages of lists over many requests against the same pages over 10,000 of the same distribution: a list must cost the
/// page and not the table. One caller, warm, the median page of each slice; every page is full, but for the text that
/// nobody wrote.
/// </summary>
internal sealed class Lists(Options options, Product product, Report report)
{
    private const int Small = 10_000,
        PageSize = 20;
    private static readonly Bar Bar = Bar.AtMost(1.3, 1.2);

    private sealed record Question(
        string What,
        string Query,
        bool AsViewer = false,
        bool MayBeShort = false,
        bool AsZendesk = false
    );

    public async Task Run()
    {
        var (many, few) = (await Shelf.Stock(options, options.LargeList), await Shelf.Stock(options, Small));
        await using var large = await product.Start(many.Folder);
        await using var small = await product.Start(few.Folder);
        await large.Settle();
        await small.Settle();

        foreach (var question in Questions())
        {
            var (big, little) = (await Place(large, many, question), await Place(small, few, question));
            // Also compiles what the question needs, and fills the caches.
            for (var i = 0; i < 2; i++)
            {
                await Ask(large, big, many, question);
                await Ask(small, little, few, question);
            }
            var (ours, theirs) = await Measured.Pairs(
                options.Pairs,
                _ => Ask(large, big, many, question),
                _ => Ask(small, little, few, question)
            );
            var ratio = ours.Zip(theirs, (o, t) => o.Median / t.Median).Median();
            var failed = ours.Concat(theirs).Any(slice => slice.Failed > 0);
            report.Add(
                new Row(
                    $"list page of {options.LargeList:N0} requests, against {Small:N0}: {question.What}",
                    Milliseconds(ours),
                    Milliseconds(theirs),
                    $"{Report.Text(ratio)} ×{(failed ? " (with failures)" : "")}",
                    ratio,
                    Bar,
                    failed
                )
                {
                    ProductCpu = Measured.Cpu(ours),
                    ControlCpu = Measured.Cpu(theirs),
                }
            );
        }
    }

    private static IEnumerable<Question> Questions()
    {
        var people = Uri.EscapeDataString(
            string.Join(',', Enumerable.Range(0, 100).Select(n => $"person{n}@example.com"))
        );
        var groups = string.Join(',', Enumerable.Range(0, 100).Select(n => $"team-{n}"));
        yield return new("no filter", "");
        foreach (var status in (string[])["active", "approved", "rejected", "withdrawn"])
        {
            yield return new(
                status == "withdrawn" ? "status withdrawn, which is rare" : $"status {status}",
                $"status={status}"
            );
        }
        yield return new("one assignee", "assignee=person0@example.com");
        yield return new("one group", "group=team-0");
        yield return new("one source", "source=source-0");
        yield return new("a time window", "from={from}&before={before}");
        yield return new("one assignee, active", "assignee=person0@example.com&status=active");
        yield return new("one group, active", "group=team-0&status=active");
        yield return new("one source, active", "source=source-0&status=active");
        yield return new("a time window, active", "from={from}&before={before}&status=active");
        yield return new("100 assignees", $"assignee={people}");
        yield return new("100 assignees, two statuses", $"assignee={people}&status=active,withdrawn");
        yield return new("100 groups", $"group={groups}");
        yield return new("100 groups, two statuses", $"group={groups}&status=active,withdrawn");
        yield return new("what waits for me", "waiting=me", AsViewer: true);
        yield return new("those first that expire soonest", "order=expiring");
        yield return new(
            "what waits for me, those first that expire soonest",
            "waiting=me&order=expiring",
            AsViewer: true
        );
        yield return new("what I may see, without being an admin", "", AsViewer: true);
        yield return new("a text that many have", "text=holidays");
        yield return new("a text that nobody has", "text=unheard-of", MayBeShort: true);
        yield return new("Zendesk's door, no filter", "", AsZendesk: true);
        yield return new("Zendesk's door, status withdrawn", "filter[status]=withdrawn", AsZendesk: true);
        yield return new(
            "Zendesk's door, one group, active",
            "filter[assignee_group_id]={group}&filter[status]=active",
            AsZendesk: true
        );
        yield return new("Zendesk's door, 100 people", "filter[assignee_user_id]={people}", AsZendesk: true);
        yield return new(
            "Zendesk's door, 100 groups, two statuses",
            "filter[assignee_group_id]={groups}&filter[status]=active,withdrawn",
            AsZendesk: true
        );
        yield return new("next page, in the middle of the list", "cursor={next}");
        yield return new("previous page, in the middle of the list", "cursor={previous}");
    }

    private static Task<Slice> Ask(Server server, Uri place, Shelf shelf, Question question) =>
        Wrk.Run(
            place,
            "get.lua",
            connections: 1,
            Options.ListSlice,
            server.Cpu,
            "Authorization",
            question.AsViewer ? shelf.Viewer : shelf.Admin
        );

    /// <summary>The page's address on one server, looked at once: it must be what the question promises.</summary>
    private static async Task<Uri> Place(Server server, Shelf shelf, Question question)
    {
        using var http = new HttpClient { BaseAddress = server.Url };
        http.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(
            question.AsViewer ? shelf.Viewer : shelf.Admin
        );
        var query = question
            .Query.Replace(
                "{from}",
                Uri.EscapeDataString(Instant.ToText(Loader.TimeOf(shelf.Count * 4L / 10))),
                StringComparison.Ordinal
            )
            .Replace(
                "{before}",
                Uri.EscapeDataString(Instant.ToText(Loader.TimeOf(shelf.Count * 6L / 10))),
                StringComparison.Ordinal
            );
        query = query
            .Replace("{people}", string.Join(',', shelf.People), StringComparison.Ordinal)
            .Replace("{groups}", string.Join(',', shelf.Groups), StringComparison.Ordinal)
            .Replace("{group}", $"{shelf.Groups[0]}", StringComparison.Ordinal);
        if (
            query.Contains("{next}", StringComparison.Ordinal) || query.Contains("{previous}", StringComparison.Ordinal)
        )
        {
            var middle = await Page(
                http,
                $"before={Uri.EscapeDataString(Instant.ToText(Loader.TimeOf(shelf.Count / 2)))}"
            );
            var next = middle.GetProperty("next").GetString()!;
            query = query.Replace("{next}", next, StringComparison.Ordinal);
            if (query.Contains("{previous}", StringComparison.Ordinal))
            {
                query = query.Replace(
                    "{previous}",
                    (await Page(http, $"cursor={next}")).GetProperty("previous").GetString(),
                    StringComparison.Ordinal
                );
            }
        }
        var length = (await Page(http, query, question.AsZendesk))
            .GetProperty(question.AsZendesk ? "approval_requests" : "requests")
            .GetArrayLength();
        if (length < PageSize && !question.MayBeShort)
        {
            throw new InvalidOperationException(
                $"The page \"{question.What}\" over {shelf.Count} requests has {length} requests and not {PageSize}."
            );
        }
        return new Uri(server.Url, Path(query, question.AsZendesk));
    }

    private static async Task<JsonElement> Page(HttpClient http, string query, bool asZendesk = false)
    {
        using var answer = await http.GetAsync(new Uri(Path(query, asZendesk), UriKind.Relative));
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode
            ? JsonElement.Parse(text)
            : throw new InvalidOperationException($"A list answered {answer.StatusCode}: {text}");
    }

    private static string Path(string query, bool asZendesk) =>
        asZendesk
            ? $"/api/v2/approval_requests?page[size]={PageSize}&{query}"
                .Replace("[", "%5B", StringComparison.Ordinal)
                .Replace("]", "%5D", StringComparison.Ordinal)
                .TrimEnd('&')
            : $"/api/v1/requests?size={PageSize}{(query.Length > 0 ? "&" + query : "")}";

    private static string Milliseconds(List<Slice> slices) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{slices.Select(s => s.Median.TotalMilliseconds).Median():0.00} ms"
        );
}
