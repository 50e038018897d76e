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
        pattern = Fold(pattern);
        var read = new System.Text.StringBuilder(pattern.Length);
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length)
                read.Append(pattern[++i]);
            else if (c is not '*' || read.Length == 0 || read[^1] != Any)
                read.Append(c switch { '*' => Any, '?' => One, _ => c });
        }
        _pattern = read.ToString();
        var wild = _pattern.AsSpan().IndexOfAny(Any, One);
        _isPlain = wild < 0;
        Beginning = _isPlain ? _pattern : _pattern[..wild];
    }

    /// <summary>What every value that matches begins with.</summary>
    public string Beginning { get; }

    /// <summary>How a text has to be folded before it is matched: once, however many patterns look at it.</summary>
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
