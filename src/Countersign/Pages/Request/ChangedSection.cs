using System.Text.Json;
using Countersign.Pages.Layout;
using Countersign.Policies;

namespace Countersign.Pages.Request;

/// <summary>
/// What is different from the content before: open where somebody was about to answer that one, else a line to open.
/// </summary>
internal static class ChangedSection
{
    public static void Write(Html html, RequestPageModel sight)
    {
        if (sight.Story.Before is not { } before)
            return;
        var (says, now) = (html.Says, sight.Story.Current);
        html.Add(
                $"<section class=\"notice careful changed\" id=\"changed\"><details{Parts.Flag("open", sight.HasChanged)}><summary>{says.Changed(now.N, sight.HasChanged)} <span class=\"soft\">"
            )
            .Ago(now.At)
            .Add($"</span></summary>");
        Compare(html, says.Subject, before.Subject, now.Subject);
        Compare(html, says.Facts, Lines(before.Facts), Lines(now.Facts));
        Compare(html, says.Message, before.Message, now.Message);
        html.Add($"<p class=\"small\">{says.EarlierAnswersDoNotCount}</p></details></section>");
    }

    private static string Lines(string facts)
    {
        using var document = JsonDocument.Parse(facts);
        var lines = document.RootElement.EnumerateObject().Select(f => $"{f.Name}: {FactsSection.Text(f.Value)}");
        return string.Join('\n', lines.Order(StringComparer.Ordinal));
    }

    private static void Compare(Html html, string title, string before, string now)
    {
        if (before == now)
            return;
        html.Add($"<h2>{title}</h2><pre class=\"diff\" tabindex=\"0\">");
        foreach (var (mark, text) in TextDiff.Lines(before, now))
        {
            MessageText.Line(
                html,
                mark switch
                {
                    '+' => "add",
                    '-' => "del",
                    _ => null,
                },
                $"{mark} {text}"
            );
        }
        html.Add($"</pre>");
    }
}
