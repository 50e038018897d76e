using System.Buffers;
using System.Net;
using System.Text;
using Countersign.Policies;

namespace Countersign.Requests;

/// <summary>
/// How names and email addresses that come from other systems are compared with those of people here. It only ever
/// serves to take something away from the people it finds, so two spellings too many that count as the same do less
/// harm than one too few. Who may sign in is never decided by it.
/// </summary>
public static class NameFolding
{
    /// <summary>Longer than any name that a person may have here, with any padding.</summary>
    public const int MaxLength = 16_000;

    private static readonly SearchValues<char> Opening = SearchValues.Create(" <\"'([{");

    /// <summary>Apostrophes and dashes that keyboards and programs put in place of the plain ones.</summary>
    private static readonly SearchValues<char> Variants = SearchValues.Create(
        "\u2018\u2019\u02BC\u2032`\u00B4\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
    );

    /// <summary>
    /// Without HTML entities, compatibility forms, case, invisible characters, runs of blanks and punctuation around
    /// it.
    /// </summary>
    public static string Name(string text) => Trimmed(Folded(text));

    /// <summary>
    /// The same for an address, which also loses its plus-tag. A text that is no address is only folded.
    /// </summary>
    public static string Email(string text)
    {
        var folded = Folded(text).Replace(" ", "", StringComparison.Ordinal);
        var start = folded.AsSpan().IndexOfAnyExcept(Opening);
        folded = start < 0 ? "" : TrimmedAtEnd(folded[start..]);
        if (folded.StartsWith("mailto:", StringComparison.Ordinal))
            folded = folded["mailto:".Length..];
        var at = folded.LastIndexOf('@');
        var plus = at < 0 ? -1 : folded.AsSpan(0, at).IndexOf('+');
        return plus > 0 ? string.Concat(folded.AsSpan(0, plus), folded.AsSpan(at)) : folded;
    }

    /// <summary>
    /// The forms under which a name is found: its words in any order and without initials, and its letters without
    /// anything between them. Empty for a text without letters.
    /// </summary>
    public static IReadOnlyList<string> Keys(string name) => KeysOfFolded(Name(name));

    internal static IReadOnlyList<string> KeysOfFolded(string folded)
    {
        var words = folded
            .Split([' ', ','], StringSplitOptions.RemoveEmptyEntries)
            .Select(Trimmed)
            .Where(w => w.Length > 0)
            .ToList();
        var full = words.FindAll(w => !IsInitials(w));
        // "A. Smith" is not everyone called Smith.
        if (full.Count >= 2)
            words = full;
        var letters = string.Concat(words.SelectMany(w => w.EnumerateRunes()).Where(Rune.IsLetterOrDigit));
        if (letters.Length == 0)
            return [];
        words.Sort(StringComparer.Ordinal);
        var inOrder = string.Join(' ', words);
        return inOrder == letters ? [letters] : [inOrder, letters];
    }

    /// <summary>
    /// Letters of more than one alphabet in which letters look alike: nobody spells their own name so.
    /// </summary>
    public static bool MixesAlphabets(string text)
    {
        var alphabets = Folded(text).EnumerateRunes().Select(AlphabetOf).Where(a => a != 0).Distinct().Count();
        return alphabets > 1;
    }

    /// <summary>
    /// As policies compare texts, after entities are decoded; apostrophes and dashes each are one character.
    /// </summary>
    internal static string Folded(string text)
    {
        if (text.Length > MaxLength)
            text = text[..MaxLength];
        // An entity may hold another one; what is still escaped after three rounds is nobody's name.
        for (var round = 0; round < 3 && text.Contains('&', StringComparison.Ordinal); round++)
            text = WebUtility.HtmlDecode(text);
        // A line break or a tab between two words is a blank; the other control characters show nothing.
        var folded = Folding.Fold(text);
        return folded.AsSpan().ContainsAny(Variants) ? string.Concat(folded.Select(Usual)) : folded;
    }

    private static char Usual(char c) =>
        c switch
        {
            _ when !Variants.Contains(c) => c,
            (>= '\u2010' and <= '\u2015') or '\u2212' => '-',
            _ => '\'',
        };

    private static string Trimmed(string text)
    {
        var start = 0;
        while (start < text.Length && IsAround(text[start]))
            start++;
        return TrimmedAtEnd(text[start..]);
    }

    private static string TrimmedAtEnd(string text)
    {
        var end = text.Length;
        while (end > 0 && IsAround(text[end - 1]))
            end--;
        return text[..end];
    }

    private static bool IsAround(char c) => char.IsPunctuation(c) || char.IsSymbol(c) || char.IsWhiteSpace(c);

    /// <summary>
    /// "j", "j.r": single letters of an alphabet that has cases. Elsewhere one character may be a whole name.
    /// </summary>
    private static bool IsInitials(string word) =>
        word.Split('.').All(part => part.Length == 1 && char.IsLower(part[0]));

    private static int AlphabetOf(Rune rune) =>
        !Rune.IsLetter(rune)
            ? 0
            : rune.Value switch
            {
                <= 0x024F or (>= 0x1E00 and <= 0x1EFF) or (>= 0x2C60 and <= 0x2C7F) => 1,
                (>= 0xA720 and <= 0xA7FF) or (>= 0xAB30 and <= 0xAB64) => 1,
                (>= 0x0370 and <= 0x03FF) or (>= 0x1F00 and <= 0x1FFF) => 2,
                (>= 0x0400 and <= 0x052F) or (>= 0x1C80 and <= 0x1C8F) => 3,
                (>= 0x2DE0 and <= 0x2DFF) or (>= 0xA640 and <= 0xA69F) => 3,
                >= 0x0530 and <= 0x058F => 4,
                (>= 0x13A0 and <= 0x13FF) or (>= 0xAB70 and <= 0xABBF) => 5,
                >= 0x0250 and <= 0x02AF => 6,
                >= 0x2C80 and <= 0x2CFF => 7,
                >= 0xA4D0 and <= 0xA4FF => 8,
                >= 0x10400 and <= 0x1044F => 9,
                _ => 0,
            };
}
