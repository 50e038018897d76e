using System.Globalization;
using System.Text;

namespace Countersign.Pages.Parts;

/// <summary>The one or two letters that stand for a name, and the color that always goes with them.</summary>
public static class Initials
{
    private const int Shades = 6;

    public static string Of(string name)
    {
        var words = name.Split([' ', '-', '.', '_', '@'], StringSplitOptions.RemoveEmptyEntries);
        return (
            words.Length > 1 ? First(words[0]) + First(words[^1]) : First(words.FirstOrDefault() ?? "?")
        ).ToUpperInvariant();
    }

    /// <summary>The same for the same name on every page and every node.</summary>
    public static int ShadeOf(string name)
    {
        var sum = 0;
        foreach (var rune in name.EnumerateRunes())
            sum = ((sum * 31) + rune.Value) & 0xFFFFFF;
        return sum % Shades;
    }

    private static string First(string word) =>
        word.EnumerateRunes().FirstOrDefault(Rune.IsLetterOrDigit) is { Value: > 0 } rune
            ? rune.ToString()
            : StringInfo.GetNextTextElement(word);
}
