namespace Countersign.Policies;

/// <summary>
/// A value as a policy names it: <c>*</c> is any text, <c>?</c> any one character, a backslash takes the next character
/// as it is. Case does not matter. No regular expression: the time is at most the length of one times that of the other.
/// </summary>
public readonly struct Wildcard
{
    private const char Any = '\uFFFE', One = '\uFFFF';
    private readonly string _pattern;
    private readonly bool _isPlain;

    public Wildcard(string pattern)
    {
        var folded = new System.Text.StringBuilder(pattern.Length);
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length)
                folded.Append(char.ToUpperInvariant(pattern[++i]));
            else if (c is not '*' || folded.Length == 0 || folded[^1] != Any)
                folded.Append(c switch { '*' => Any, '?' => One, _ => char.ToUpperInvariant(c) });
        }
        _pattern = folded.ToString();
        _isPlain = _pattern.AsSpan().IndexOfAny(Any, One) < 0;
    }

    /// <summary>How a value has to be folded before it is matched: once, however many patterns look at it.</summary>
    public static string Fold(string value) => value.ToUpperInvariant();

    public bool Matches(string folded)
    {
        if (_isPlain)
            return folded == _pattern;
        int at = 0, place = 0, star = -1, from = 0;
        while (place < folded.Length)
        {
            if (at < _pattern.Length && _pattern[at] == Any)
                (star, from) = (at++, place);
            else if (at < _pattern.Length && (_pattern[at] == One || _pattern[at] == folded[place]))
                (at, place) = (at + 1, place + 1);
            else if (star >= 0)
                (at, place) = (star + 1, ++from);
            else
                return false;
        }
        while (at < _pattern.Length && _pattern[at] == Any)
            at++;
        return at == _pattern.Length;
    }
}
