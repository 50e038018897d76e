using System.Text.Json;
using Countersign.Requests;
using Countersign.Review.Frame;

namespace Countersign.Review.Request;

/// <summary>
/// What is different from the content before: open where somebody was about to answer that one, else a line to open.
/// </summary>
internal static class ChangedSection
{
    private const int LongestCompared = 600;

    public static void Write(Html html, Sight sight)
    {
        if (sight.Story.Before is not { } before)
            return;
        var (says, now) = (html.Says, sight.Story.Current);
        html.Add($"<section class=\"notice careful changed\" id=\"changed\"><details{Parts.Flag("open", sight.HasChanged)}><summary>{says.Changed(now.N, sight.HasChanged)} <span class=\"soft\">").Ago(now.At).Add($"</span></summary>");
        if (before.Subject != now.Subject)
            Compare(html, says.Subject, [before.Subject], [now.Subject]);
        var (old, fresh) = (Lines(before.Facts), Lines(now.Facts));
        if (!old.SequenceEqual(fresh))
            Compare(html, says.Facts, old, fresh);
        if (before.Message != now.Message)
            Compare(html, says.Message, before.Message.ReplaceLineEndings("\n").Split('\n'), now.Message.ReplaceLineEndings("\n").Split('\n'));
        html.Add($"<p class=\"small\">{says.EarlierAnswersDoNotCount}</p></details></section>");
    }

    private static string[] Lines(string facts)
    {
        using var document = JsonDocument.Parse(facts);
        return [.. document.RootElement.EnumerateObject().Select(f => $"{f.Name}: {FactsSection.Text(f.Value)}").Order(StringComparer.Ordinal)];
    }

    private static void Compare(Html html, string title, string[] old, string[] fresh)
    {
        html.Add($"<h2>{title}</h2><pre class=\"diff\" tabindex=\"0\">");
        foreach (var (kind, line) in Difference(old, fresh))
            MessageText.Line(html, kind, kind switch { "add" => "+ " + line, "del" => "- " + line, _ => "  " + line });
        html.Add($"</pre>");
    }

    /// <summary>The shortest way from one list of lines to the other; texts too long for that are told as gone and come.</summary>
    public static IReadOnlyList<(string? Kind, string Line)> Difference(string[] old, string[] fresh)
    {
        if (old.Length > LongestCompared || fresh.Length > LongestCompared)
            return [.. old.Select(l => ((string?)"del", l)), .. fresh.Select(l => ((string?)"add", l))];
        var common = new int[old.Length + 1, fresh.Length + 1];
        for (var i = old.Length - 1; i >= 0; i--)
        {
            for (var j = fresh.Length - 1; j >= 0; j--)
                common[i, j] = old[i] == fresh[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }
        var lines = new List<(string?, string)>();
        for (int i = 0, j = 0; i < old.Length || j < fresh.Length;)
        {
            if (i < old.Length && j < fresh.Length && old[i] == fresh[j])
                (_, i, j) = (Keep(null, old[i]), i + 1, j + 1);
            else if (i < old.Length && (j == fresh.Length || common[i + 1, j] >= common[i, j + 1]))
                (_, i) = (Keep("del", old[i]), i + 1);
            else
                (_, j) = (Keep("add", fresh[j]), j + 1);
        }
        return lines;

        bool Keep(string? kind, string line)
        {
            lines.Add((kind, line));
            return true;
        }
    }
}
