using System.Globalization;
using System.Text;
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
/// A matcher of a manifest. Manifests are written for Go's regular expressions; this reads that dialect and writes the
/// same pattern for .NET, where the two differ: <c>$</c> ends the text and never a line before its break, <c>\d \w
/// \s</c> and the POSIX classes are ASCII, a dot takes a whole character. What cannot be said the same way is refused
/// when the manifest is loaded. Matching takes time in proportion to the text, whatever the pattern.
/// </summary>
internal sealed partial class GoPattern
{
    /// <summary>Never needed by an automaton of this kind; here so that nobody has to trust that.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    private readonly Regex _regex;

    private GoPattern(string text, Regex regex) => (Text, _regex) = (text, regex);

    /// <summary>As the manifest has it.</summary>
    public string Text { get; }

    /// <summary>
    /// The longest of a published manifest has 60; what an automaton is made of grows faster than its pattern.
    /// </summary>
    private const int LongestPattern = 1_000;

    /// <summary>Throws <see cref="FormatException"/> with the reason.</summary>
    public static GoPattern Parse(string text)
    {
        if (text.Length > LongestPattern)
            throw new FormatException($"It is longer than {LongestPattern} characters.");
        var translated = new Translation(text).Run();
        try
        {
            return new GoPattern(
                text,
                new Regex(translated, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, Longest)
            );
        }
        catch (Exception failure) when (failure is ArgumentException or NotSupportedException)
        {
            throw new FormatException("It is too large, or not a pattern in Go's dialect.", failure);
        }
    }

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

    /// <summary>A caret that is neither taken literally nor the "not" of a class.</summary>
    [GeneratedRegex(@"(?<![\\\[])\^|\\A", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Anchored();

    public override string ToString() => Text;

    private sealed class Translation(string text)
    {
        /// <summary>One character of Unicode, where .NET would take half of a pair.</summary>
        private const string Pair = @"[\uD800-\uDBFF][\uDC00-\uDFFF]";

        private static readonly Dictionary<string, (int From, int To)[]> Posix = new()
        {
            ["alnum"] = [('0', '9'), ('A', 'Z'), ('a', 'z')],
            ["alpha"] = [('A', 'Z'), ('a', 'z')],
            ["ascii"] = [(0, 0x7F)],
            ["blank"] = [('\t', '\t'), (' ', ' ')],
            ["cntrl"] = [(0, 0x1F), (0x7F, 0x7F)],
            ["digit"] = [('0', '9')],
            ["graph"] = [('!', '~')],
            ["lower"] = [('a', 'z')],
            ["print"] = [(' ', '~')],
            ["punct"] = [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
            ["space"] = [('\t', '\r'), (' ', ' ')],
            ["upper"] = [('A', 'Z')],
            ["word"] = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
            ["xdigit"] = [('0', '9'), ('A', 'F'), ('a', 'f')],
        };

        private static readonly Dictionary<char, (int From, int To)[]> Perl = new()
        {
            ['d'] = Posix["digit"],
            ['w'] = Posix["word"],
            ['s'] = [('\t', '\n'), ('\f', '\r'), (' ', ' ')],
        };

        private static readonly HashSet<string> Categories =
        [
            "C",
            "Cc",
            "Cf",
            "Co",
            "Cs",
            "L",
            "Ll",
            "Lm",
            "Lo",
            "Lt",
            "Lu",
            "M",
            "Mc",
            "Me",
            "Mn",
            "N",
            "Nd",
            "Nl",
            "No",
            "P",
            "Pc",
            "Pd",
            "Pe",
            "Pf",
            "Pi",
            "Po",
            "Ps",
            "S",
            "Sc",
            "Sk",
            "Sm",
            "So",
            "Z",
            "Zl",
            "Zp",
            "Zs",
        ];

        private readonly StringBuilder _out = new();
        private readonly Stack<(bool Lines, bool DotAll)> _groups = new();
        private int _at;
        private bool _lines;
        private bool _dotAll;

        /// <summary>Whether something stands before that a quantifier may follow.</summary>
        private bool _repeatable;

        public string Run()
        {
            while (_at < text.Length)
            {
                var c = text[_at];
                switch (c)
                {
                    case '(':
                        Group();
                        break;
                    case ')':
                        if (_groups.Count == 0)
                            throw new FormatException("A closing parenthesis has no opening one.");
                        (_lines, _dotAll) = _groups.Pop();
                        Write(")", 1);
                        break;
                    case '|':
                        _out.Append('|');
                        (_at, _repeatable) = (_at + 1, false);
                        break;
                    case '^':
                        Write(_lines ? "(?m:^)" : @"\A", 1);
                        break;
                    case '$':
                        Write(_lines ? "(?m:$)" : @"\z", 1);
                        break;
                    case '.':
                        Write(_dotAll ? $@"(?:{Pair}|[\s\S])" : $@"(?:{Pair}|[^\n])", 1);
                        break;
                    case '[':
                        Class();
                        break;
                    case '\\':
                        Escape();
                        break;
                    case '*' or '+' or '?':
                        Quantifier(c.ToString(), 1);
                        break;
                    case '{' when Counted() is { } counted:
                        Quantifier(counted, counted.Length);
                        break;
                    default:
                        Literal(char.IsSurrogatePair(text, _at) ? text.Substring(_at, 2) : c.ToString());
                        break;
                }
            }
            return _groups.Count == 0 ? _out.ToString() : throw new FormatException("A parenthesis is not closed.");
        }

        private void Write(string dotNet, int taken)
        {
            _out.Append(dotNet);
            (_at, _repeatable) = (_at + taken, true);
        }

        private void Literal(string character)
        {
            if (character.Length == 1 && char.IsSurrogate(character[0]))
                throw new FormatException("It holds half of a character.");
            Write(
                character.Length == 2
                    ? $"(?:{character})"
                    : Regex
                        .Escape(character)
                        .Replace("]", @"\]", StringComparison.Ordinal)
                        .Replace("}", @"\}", StringComparison.Ordinal),
                character.Length
            );
        }

        private void Quantifier(string quantifier, int taken)
        {
            if (!_repeatable)
                throw new FormatException($"Nothing stands before {quantifier} that could be repeated.");
            _at += taken;
            var lazy = _at < text.Length && text[_at] == '?';
            _out.Append(quantifier).Append(lazy ? "?" : "");
            if (lazy)
                _at++;
            if (_at < text.Length && (text[_at] is '*' or '+' or '?' || (text[_at] == '{' && Counted() is not null)))
                throw new FormatException("A repetition is repeated.");
        }

        /// <summary><c>{2}</c>, <c>{2,}</c>, <c>{2,5}</c>; anything else that begins with a brace is text.</summary>
        private string? Counted()
        {
            var end = text.IndexOf('}', _at);
            if (end < 0)
                return null;
            var parts = text[(_at + 1)..end].Split(',');
            if (
                parts.Length > 2
                || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var least)
            )
            {
                return null;
            }
            var most = least;
            if (
                parts.Length == 2
                && parts[1].Length > 0
                && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out most)
            )
            {
                return null;
            }
            return least <= 1000 && most <= 1000 && most >= least
                ? text[_at..(end + 1)]
                : throw new FormatException("A repetition counts at most to 1000, upwards.");
        }

        private void Group()
        {
            var outer = (_lines, _dotAll);
            if (_at + 1 < text.Length && text[_at + 1] == '?')
            {
                var rest = text.AsSpan(_at + 2);
                if (rest is ['=' or '!', ..] or ['<', '=' or '!', ..])
                    throw new FormatException("It looks ahead or behind, which Go's dialect cannot.");
                if (rest is ['P', '<', ..] or ['<', ..])
                {
                    var end = text.IndexOf('>', _at);
                    var name = end < 0 ? "" : text[(text.IndexOf('<', _at) + 1)..end];
                    if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
                        throw new FormatException("A group's name has letters, digits and underscores.");
                    _at = end + 1;
                    Open(outer, "(?:");
                    return;
                }
                Flags(outer);
                return;
            }
            _at++;
            Open(outer, "(?:");
        }

        private void Flags((bool Lines, bool DotAll) outer)
        {
            var (on, ignoreOn, ignoreOff) = (true, false, false);
            for (_at += 2; _at < text.Length; _at++)
            {
                switch (text[_at])
                {
                    case '-' when on:
                        on = false;
                        break;
                    case 'i':
                        ignoreOn |= on;
                        ignoreOff |= !on;
                        break;
                    case 'm':
                        _lines = on;
                        break;
                    case 's':
                        _dotAll = on;
                        break;
                    case 'U':
                        throw new FormatException("The flag U is not known here; write the lazy repetitions out.");
                    case ')':
                        _at++;
                        _out.Append(
                            ignoreOn ? "(?i)"
                            : ignoreOff ? "(?-i)"
                            : ""
                        );
                        _repeatable = false;
                        return;
                    case ':':
                        _at++;
                        Open(
                            outer,
                            ignoreOn ? "(?i:"
                                : ignoreOff ? "(?-i:"
                                : "(?:"
                        );
                        return;
                    default:
                        throw new FormatException($"The flag {text[_at]} is not one of Go's.");
                }
            }
            throw new FormatException("A parenthesis is not closed.");
        }

        private void Open((bool Lines, bool DotAll) outer, string opening)
        {
            _groups.Push(outer);
            _out.Append(opening);
            _repeatable = false;
        }

        private void Escape()
        {
            if (_at + 1 >= text.Length)
                throw new FormatException("It ends in a lone backslash.");
            var c = text[_at + 1];
            switch (c)
            {
                case 'd' or 'w' or 's':
                    Write($"[{Ranges(Perl[c])}]", 2);
                    return;
                case 'D' or 'W' or 'S':
                    Write($"(?:{Pair}|[^{Ranges(Perl[char.ToLowerInvariant(c)])}])", 2);
                    return;
                case 'A' or 'z':
                    Write($@"\{c}", 2);
                    return;
                case 'b' or 'B':
                    throw new FormatException(
                        $@"\{c} asks for the edge of a word, which means other words here than in Go. Write what may stand beside it, such as (^|[^0-9A-Za-z])."
                    );
                case 'p' or 'P':
                    Write(Category(), 0);
                    return;
                case 'Q':
                    var end = text.IndexOf(@"\E", _at + 2, StringComparison.Ordinal);
                    var quoted = text[(_at + 2)..(end < 0 ? text.Length : end)];
                    var after = end < 0 ? text.Length : end + 2;
                    foreach (var rune in quoted.EnumerateRunes())
                        Literal(rune.ToString());
                    _at = after;
                    return;
                default:
                    var point = CodePoint();
                    Literal(char.ConvertFromUtf32(point), taken: 0);
                    return;
            }
        }

        private void Literal(string character, int taken)
        {
            var before = _at;
            Literal(character);
            _at = before + taken;
        }

        /// <summary>An escape that stands for one character; moves past it.</summary>
        private int CodePoint()
        {
            var c = text[_at + 1];
            _at += 2;
            switch (c)
            {
                case 'a':
                    return 7;
                case 'f':
                    return '\f';
                case 'n':
                    return '\n';
                case 'r':
                    return '\r';
                case 't':
                    return '\t';
                case 'v':
                    return 11;
                case 'x':
                    string digits;
                    if (_at < text.Length && text[_at] == '{')
                    {
                        var end = text.IndexOf('}', _at);
                        digits = end < 0 ? "" : text[(_at + 1)..end];
                        _at = end + 1;
                    }
                    else
                    {
                        digits = _at + 2 <= text.Length ? text.Substring(_at, 2) : "";
                        _at += 2;
                    }
                    return
                        int.TryParse(
                            digits,
                            NumberStyles.AllowHexSpecifier,
                            CultureInfo.InvariantCulture,
                            out var point
                        ) && Rune.IsValid(point)
                        ? point
                        : throw new FormatException(@"\x takes two hexadecimal digits, or more in braces.");
                case >= '0' and <= '7' when c == '0' || (_at < text.Length && text[_at] is >= '0' and <= '7'):
                    var octal = c - '0';
                    for (var n = 1; n < 3 && _at < text.Length && text[_at] is >= '0' and <= '7'; n++, _at++)
                        octal = octal * 8 + text[_at] - '0';
                    return octal;
                default:
                    return c < 0x80 && !char.IsAsciiLetterOrDigit(c)
                        ? c
                        : throw new FormatException($@"\{c} is not in Go's dialect.");
            }
        }

        /// <summary><c>\pL</c>, <c>\p{Lu}</c>, <c>\P{L}</c>, <c>\p{^L}</c>; moves past it.</summary>
        private string Category()
        {
            var negated = text[_at + 1] == 'P';
            var name = "";
            if (_at + 2 < text.Length && text[_at + 2] == '{')
            {
                var end = text.IndexOf('}', _at);
                name = end < 0 ? "" : text[(_at + 3)..end];
                _at = end + 1;
            }
            else if (_at + 2 < text.Length)
            {
                name = text[(_at + 2)..(_at + 3)];
                _at += 3;
            }
            if (name.StartsWith('^'))
                (negated, name) = (!negated, name[1..]);
            return Categories.Contains(name)
                ? $@"\{(negated ? 'P' : 'p')}{{{name}}}"
                : throw new FormatException($@"\p{{{name}}} is a class of characters that is not known here.");
        }

        private void Class()
        {
            _at++;
            var negated = _at < text.Length && text[_at] == '^';
            if (negated)
                _at++;
            var inside = new StringBuilder();
            for (var first = true; ; first = false)
            {
                if (_at >= text.Length)
                    throw new FormatException("A bracket is not closed.");
                if (text[_at] == ']' && !first)
                    break;
                if (
                    text[_at] == '['
                    && _at + 1 < text.Length
                    && text[_at + 1] == ':'
                    && text.IndexOf(":]", _at, StringComparison.Ordinal) is > 0 and var close
                )
                {
                    var name = text[(_at + 2)..close];
                    var not = name.StartsWith('^');
                    if (!Posix.TryGetValue(not ? name[1..] : name, out var ranges))
                        throw new FormatException($"[:{name}:] is not one of the classes.");
                    inside.Append(Ranges(not ? Complement(ranges) : ranges));
                    _at = close + 2;
                    continue;
                }
                if (text[_at] == '\\' && _at + 1 < text.Length)
                {
                    var c = text[_at + 1];
                    if (Perl.TryGetValue(char.ToLowerInvariant(c), out var set))
                    {
                        inside.Append(Ranges(char.IsAsciiLetterLower(c) ? set : Complement(set)));
                        _at += 2;
                        continue;
                    }
                    if (c is 'p' or 'P')
                    {
                        inside.Append(Category());
                        continue;
                    }
                }
                var from = One();
                var to = from;
                if (_at + 1 < text.Length && text[_at] == '-' && text[_at + 1] != ']')
                {
                    _at++;
                    to = One();
                    if (to < from)
                        throw new FormatException("A range in brackets runs backwards.");
                }
                if (to > 0xFFFF)
                {
                    throw new FormatException(
                        "Characters beyond U+FFFF cannot stand in brackets here; write them as alternatives."
                    );
                }
                inside.Append(Ranges([(from, to)]));
            }
            _at++;
            Write(negated ? $"(?:{Pair}|[^{inside}])" : $"[{inside}]", 0);
        }

        /// <summary>One character in brackets; moves past it.</summary>
        private int One()
        {
            if (text[_at] == '\\')
                return _at + 1 < text.Length ? CodePoint() : throw new FormatException("It ends in a lone backslash.");
            if (!Rune.TryGetRuneAt(text, _at, out var rune))
                throw new FormatException("It holds half of a character.");
            _at += rune.Utf16SequenceLength;
            return rune.Value;
        }

        private static string Ranges((int From, int To)[] ranges) =>
            string.Concat(ranges.Select(r => r.From == r.To ? Hex(r.From) : $"{Hex(r.From)}-{Hex(r.To)}"));

        private static string Hex(int c) => @"\u" + c.ToString("X4", CultureInfo.InvariantCulture);

        private static (int From, int To)[] Complement((int From, int To)[] ranges)
        {
            var others = new List<(int, int)>();
            var next = 0;
            foreach (var (from, to) in ranges)
            {
                if (from > next)
                    others.Add((next, from - 1));
                next = to + 1;
            }
            others.Add((next, 0xFFFF));
            return [.. others];
        }
    }
}
