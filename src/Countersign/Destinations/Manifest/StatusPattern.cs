using System.Text.RegularExpressions;

namespace Countersign.Destinations.Manifest;

/// <summary>How a pattern fits a value: not at all, only a part of it by accident, or as its author meant it.</summary>
internal enum Fit
{
    None,
    Part,
    Whole,
}

/// <summary>
/// A matcher of a manifest. Manifests are written for Go's regular expressions; of these, only what published manifests
/// use is taken: words, the ends of the text, alternatives in parentheses, optional parts and escaped punctuation. That
/// much means the same to .NET, but for <c>$</c>, which must not match before a line break at the end. Everything else
/// is refused when the manifest is read. Matching takes time in proportion to the text, for every pattern.
/// </summary>
internal sealed partial class StatusPattern
{
    private const int MaxLength = 1_000;

    /// <summary>The automaton should never need it.</summary>
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(1);

    private readonly Regex _regex;

    private StatusPattern(string text, Regex regex) => (Text, _regex) = (text, regex);

    /// <summary>As the manifest has it.</summary>
    public string Text { get; }

    /// <summary>Throws <see cref="FormatException"/> with the reason.</summary>
    public static StatusPattern Parse(string text)
    {
        if (text.Length > MaxLength)
            throw new FormatException($"It's longer than {MaxLength} characters.");
        if (Supported().Match(text) is var start && start.Length < text.Length)
            throw new FormatException($"\"{text[start.Length..]}\" starts with something that isn't supported.");
        try
        {
            var dotNet = EndOfText().Replace(text, m => m.Value == "$" ? @"\z" : m.Value);
            return new(text, new(dotNet, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, MaxTime));
        }
        catch (Exception failure) when (failure is ArgumentException or NotSupportedException)
        {
            throw new FormatException("Its parentheses don't match, or it's too large.", failure);
        }
    }

    /// <summary>Throws <see cref="RegexMatchTimeoutException"/> when that cannot be said in time.</summary>
    public bool IsMatch(string value) => _regex.IsMatch(value);

    /// <summary>
    /// Whether a value is what the author had in mind. In Go's dialect "approved" also fits "not approved", and "^4"
    /// fits "40". So a pattern that says nothing of the beginning must fit the whole value; one that does may leave the
    /// end open, but neither begins later nor cuts a number in two.
    /// </summary>
    public Fit FitOf(string value)
    {
        var match = _regex.Match(value);
        if (!match.Success)
            return Fit.None;
        var before = value.AsSpan(0, match.Index);
        var after = value.AsSpan(match.Index + match.Length);
        var isWhole =
            match.Length > 0
            && before.IsWhiteSpace()
            && (Anchored().IsMatch(Text) ? !CutsNumber(match.ValueSpan, after) : after.IsWhiteSpace());
        return isWhole ? Fit.Whole : Fit.Part;
    }

    /// <summary>-1 and -1.0 are one number; 4 and 40, or -1 and -1.5, are two.</summary>
    private static bool CutsNumber(ReadOnlySpan<char> match, ReadOnlySpan<char> after)
    {
        if (after.IsEmpty || !char.IsAsciiDigit(match[^1]))
            return false;
        if (after[0] is '.' or ',')
            after = after[1..].TrimStart('0');
        return !after.IsEmpty && (char.IsAsciiDigit(after[0]) || (after[0] is 'e' or 'E' && after.Length > 1));
    }

    /// <summary>
    /// As much of a pattern as is supported. A question mark follows a character or a group, and only one of them, so
    /// that it opens no <c>(?</c>. Half of a pair of surrogates would be a character to .NET and none to Go.
    /// </summary>
    [GeneratedRegex(@"\A(([^\\.^$|?*+()\[\]{}\p{Cs}]|\\[!-/:-@\[-^`{-~]|\))\??|[$^|(])*", Options, 1_000)]
    private static partial Regex Supported();

    [GeneratedRegex(@"\\.|\$", Options, 1_000)]
    private static partial Regex EndOfText();

    /// <summary>A caret that is not taken literally.</summary>
    [GeneratedRegex(@"(?<!\\)\^", Options, 1_000)]
    private static partial Regex Anchored();

    private const RegexOptions Options = RegexOptions.ExplicitCapture;

    public override string ToString() => Text;
}
