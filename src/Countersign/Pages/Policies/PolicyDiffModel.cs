using Countersign.Policies;

namespace Countersign.Pages.Policies;

/// <param name="Mark"><c>-</c>, <c>+</c>, a space, or <c>…</c> for lines left out.</param>
/// <param name="Number">The line's number, in the version before for what was removed.</param>
public sealed record PolicyDiffLine(char Mark, int Number, string Text);

/// <summary>Two texts side by side in one column: what changed and a little around it.</summary>
public sealed record PolicyDiffModel(string Label, IReadOnlyList<PolicyDiffLine> Lines, int Added, int Removed)
{
    private const int Context = 3;

    public bool IsEmpty => Added + Removed == 0;

    public static PolicyDiffModel Of(string label, string before, string after)
    {
        var all = TextDiff.Lines(before.TrimEnd('\n'), after.TrimEnd('\n'));
        var shown = new bool[all.Count];
        for (var i = 0; i < all.Count; i++)
        {
            if (all[i].Mark == ' ')
                continue;
            for (var near = Math.Max(0, i - Context); near <= Math.Min(all.Count - 1, i + Context); near++)
                shown[near] = true;
        }
        var lines = new List<PolicyDiffLine>();
        var (old, current, hidden, added, removed) = (0, 0, 0, 0, 0);
        for (var i = 0; i < all.Count; i++)
        {
            var (mark, text) = all[i];
            old += mark == '+' ? 0 : 1;
            current += mark == '-' ? 0 : 1;
            added += mark == '+' ? 1 : 0;
            removed += mark == '-' ? 1 : 0;
            if (!shown[i])
            {
                hidden++;
                continue;
            }
            if (hidden > 0)
                lines.Add(new PolicyDiffLine('…', hidden, ""));
            hidden = 0;
            lines.Add(new PolicyDiffLine(mark, mark == '-' ? old : current, text));
        }
        if (hidden > 0 && lines.Count > 0)
            lines.Add(new PolicyDiffLine('…', hidden, ""));
        return new PolicyDiffModel(label, lines, added, removed);
    }
}
