using System.Globalization;
using System.Text.Json;
using Countersign.Pages.Layout;

namespace Countersign.Pages.Request;

/// <summary>What the source says by name: project, environment, flag, the fields of its form.</summary>
internal static class FactsSection
{
    /// <summary>More than anybody fills in, and few enough to be read; the API has them all.</summary>
    private const int MaxShown = 200;

    /// <summary>Said elsewhere on the page: as the question, the message, the asker, the link.</summary>
    private static readonly string[] Elsewhere =
    [
        "comment",
        "details",
        "description",
        "requester",
        "requester.email",
        "link",
        "timestamp",
    ];

    public static void Write(Html html, RequestPageModel sight)
    {
        var rows = Rows(sight).ToList();
        if (rows.Count == 0)
            return;
        html.Add($"<section class=\"sheet\"><h2>{html.Says.Facts}</h2>");
        html.Facts(rows.Take(MaxShown).Select(r => (html.Says.FactName(r.Name), r.Value)));
        if (rows.Count > MaxShown)
            html.Add($"<p class=\"small\">{html.Says.AndMoreFacts(rows.Count - MaxShown)}</p>");
        html.Add($"</section>");
    }

    public static IEnumerable<(string Name, Action<Html> Value)> Rows(RequestPageModel sight)
    {
        foreach (var fact in sight.Facts.EnumerateObject())
        {
            if (Elsewhere.Contains(fact.Name, StringComparer.Ordinal) && sight.IsFromLaunchDarkly)
                continue;
            // project, project.name and project.tags are one line: "Shop (shop) · customer-facing".
            if (IsPartOfAnother(sight, fact.Name))
                continue;
            yield return (fact.Name, Value(sight, fact));
        }
    }

    private static bool IsPartOfAnother(RequestPageModel sight, string name)
    {
        var dot = name.LastIndexOf('.');
        return dot > 0 && name.AsSpan(dot) is ".name" or ".tags" && sight.Fact(name[..dot]) is not null;
    }

    private static Action<Html> Value(RequestPageModel sight, JsonProperty fact)
    {
        var text = Text(fact.Value);
        if (
            DateTimeOffset.TryParseExact(
                text,
                "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal,
                out var time
            )
        )
        {
            return html => html.Time(time);
        }
        var name = sight.Fact(fact.Name + ".name");
        var tags = sight.FactValue(fact.Name + ".tags") is { ValueKind: JsonValueKind.Array } list ? list : default;
        return html =>
        {
            if (name is not null && name != text)
                html.Add($"{name} <code>{text}</code>");
            else
                MessageText.Links(html, text);
            if (tags.ValueKind == JsonValueKind.Array)
            {
                foreach (var tag in tags.EnumerateArray())
                    html.Add($" <span class=\"tag\">{Text(tag)}</span>");
            }
        };
    }

    public static string Text(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Array
                when value
                    .EnumerateArray()
                    .All(v => v.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object)) => string.Join(
                ", ",
                value.EnumerateArray().Select(Text)
            ),
            JsonValueKind.True => "yes",
            JsonValueKind.False => "no",
            JsonValueKind.Null => "–",
            _ => value.GetRawText(),
        };
}
