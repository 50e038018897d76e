using System.Text;

namespace Countersign.Policies;

/// <summary>
/// A value as a policy names it: <c>*</c> is any text, <c>?</c> any one character, a backslash takes the next character
/// as it is. Spelling does not matter (<see cref="Folding"/>). No regular expression: the time is at most the length of
/// one times that of the other.
/// </summary>
public readonly struct Wildcard
{
    private const char Any = '\uFFFE',
        One = '\uFFFF';
    private readonly string _pattern;
    private readonly bool _isPlain;

    public Wildcard(string pattern)
    {
        pattern = pattern.Trim();
        var (read, literal) = (new StringBuilder(pattern.Length), new StringBuilder());
        // Only the text between wildcards is folded: a character that folding makes an asterisk is not one.
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length)
            {
                literal.Append(pattern[++i]);
            }
            else if (c is not ('*' or '?'))
            {
                literal.Append(c);
            }
            else
            {
                AddLiteral();
                if (c == '?' || read.Length == 0 || read[^1] != Any)
                    read.Append(c == '*' ? Any : One);
            }
        }
        AddLiteral();
        _pattern = read.ToString();
        if (_pattern.AsSpan().IndexOfAny(Any, One) < 0)
            _pattern = Fold(_pattern);
        var wild = _pattern.AsSpan().IndexOfAny(Any, One);
        _isPlain = wild < 0;
        Beginning = _isPlain ? _pattern : _pattern[..wild];

        void AddLiteral()
        {
            read.Append(Folding.FoldPiece(literal.ToString()));
            literal.Clear();
        }
    }

    /// <summary>What every value that matches begins with.</summary>
    public string Beginning { get; }

    /// <summary>How a text has to be folded before it is matched: once, however many patterns look at it.</summary>
    public static string Fold(string value) => Folding.Fold(value);

    public bool Matches(string folded)
    {
        if (_isPlain)
            return folded == _pattern;
        int at = 0,
            place = 0,
            star = -1,
            from = 0;
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
