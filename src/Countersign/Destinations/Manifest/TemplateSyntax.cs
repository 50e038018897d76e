namespace Countersign.Destinations.Manifest;

/// <summary>A name that a template prints or asks about.</summary>
/// <param name="Path">Its steps: <c>project</c>, <c>environment</c>, <c>key</c>.</param>
/// <param name="IsPrinted">Printed, rather than only asked about.</param>
internal sealed record UsedName(IReadOnlyList<string> Path, bool IsPrinted)
{
    public string Text => string.Join('.', Path);

    /// <summary>Its steps where everything is: without the <c>context</c> under which it is there once more.</summary>
    public IReadOnlyList<string> Plain { get; } = Path is ["context", ..] ? [.. Path.Skip(1)] : Path;
}

/// <summary>
/// Reads a template without running it: which names it uses, and what is wrong with its braces and helpers. Handlebars
/// itself prints nothing for a name that is not there, and sends what has one brace too few as it is.
/// </summary>
internal static class TemplateSyntax
{
    /// <summary>
    /// Deeper or longer than anybody writes by hand; the engine reads what is inside one another by calling itself.
    /// </summary>
    private const int MaxDepth = 50;
    private const int MaxTag = 1_000;

    /// <summary>Ten times what the largest published template has; compiling takes longer the more there are.</summary>
    private const int MaxTags = 500;

    private static readonly HashSet<string> Blocks = ["if", "unless", "each", "with", "equal", "equalWithElse"];
    private static readonly HashSet<string> Helpers =
    [
        "lookup",
        "pathEncode",
        "queryEncode",
        "basicAuthHeaderValue",
        "formatWithOffset",
    ];

    /// <summary>
    /// Names, and problems each with its fix. A brace too few is sent as it is, which makes no address and no JSON;
    /// everything else cannot be rendered.
    /// </summary>
    /// <remarks><c>IsClosed</c>: it draws on nothing but those names and what is in them.</remarks>
    public static (
        IReadOnlyList<UsedName> Names,
        bool IsClosed,
        IReadOnlyList<(string Problem, string Fix, bool IsFatal)> Problems
    ) Read(string text, bool isBody)
    {
        var names = new Found();
        var problems = new List<(string, string, bool)>();
        var blocks = new Stack<string>();
        var at = 0;
        var tags = 0;
        while (at < text.Length)
        {
            var open = text.IndexOf("{{", at, StringComparison.Ordinal);
            CheckPlain(text[at..(open < 0 ? text.Length : open)], isBody, problems);
            if (open < 0)
                break;
            var triple = text.AsSpan(open).StartsWith("{{{");
            var closing =
                text.AsSpan(open).StartsWith("{{!--") ? "--}}"
                : triple ? "}}}"
                : "}}";
            var start = open + (triple ? 3 : 2);
            var close = text.IndexOf(closing, start, StringComparison.Ordinal);
            var inside = close < 0 ? "" : text[start..close];
            if (close < 0 || (closing != "--}}" && inside.AsSpan().ContainsAny('{', '}')))
            {
                problems.Add(
                    (
                        "The braces at " + Quote(text[open..]) + " aren't balanced.",
                        "Write a name between double braces: {{name}}",
                        true
                    )
                );
                return (names.Names, names.IsClosed, problems);
            }
            at = close + closing.Length;
            if (++tags > MaxTags)
            {
                problems.Add(($"There are more than {MaxTags} tags.", "Use fewer tags.", true));
                return (names.Names, names.IsClosed, problems);
            }
            if (closing != "--}}" && inside.Length > MaxTag)
            {
                problems.Add(
                    (
                        "The text between the braces at "
                            + Quote(text[open..])
                            + $" is longer than {MaxTag} characters.",
                        "Write a name between the braces: {{name}}",
                        true
                    )
                );
                return (names.Names, names.IsClosed, problems);
            }
            if (blocks.Count > MaxDepth)
            {
                problems.Add(
                    (
                        $"Blocks are nested more than {MaxDepth} levels deep.",
                        "Close some blocks before you open more.",
                        true
                    )
                );
                return (names.Names, names.IsClosed, problems);
            }
            Tag(inside.Trim().Trim('~').Trim(), blocks, names, problems);
        }
        if (blocks.Count > 0)
            problems.Add(($"The block {blocks.Peek()} isn't closed.", $"End it with {{{{/{blocks.Peek()}}}}}", true));
        return (names.Names, names.IsClosed, problems);
    }

    /// <summary>
    /// A body's own closing brace right behind a tag, as in <c>{"n": {{n}}}</c>, is a third brace to Handlebars.Net and
    /// to no other engine; there it is printed by a helper.
    /// </summary>
    public static string ForHandlebarsNet(string text)
    {
        if (!text.Contains("}}}", StringComparison.Ordinal))
            return text;
        var written = new System.Text.StringBuilder(text.Length + 32);
        var at = 0;
        while (at < text.Length)
        {
            var open = text.IndexOf("{{", at, StringComparison.Ordinal);
            if (open < 0)
                break;
            var closing =
                text.AsSpan(open).StartsWith("{{!--") ? "--}}"
                : text.AsSpan(open).StartsWith("{{{") ? "}}}"
                : "}}";
            var close = text.IndexOf(closing, open + 2, StringComparison.Ordinal);
            if (close < 0)
                break;
            var end = close + closing.Length;
            written.Append(text, at, end - at);
            for (at = end; at < text.Length && text[at] == '}'; at++)
                written.Append("{{{").Append(TemplateHelpers.ClosingBrace).Append("}}}");
        }
        return written.Append(text, at, text.Length - at).ToString();
    }

    private static void CheckPlain(string text, bool isBody, List<(string, string, bool)> problems)
    {
        for (var i = text.IndexOf('{', StringComparison.Ordinal); i >= 0; i = text.IndexOf('{', i + 1))
        {
            var end = i + 1;
            while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '.' or '@' or ' '))
                end++;
            var named = text.AsSpan((i + 1)..end).Trim().Length > 0 && text.AsSpan(end).StartsWith("}");
            if (named || !isBody)
            {
                problems.Add(
                    (
                        "A brace is missing at " + Quote(text[i..]) + ".",
                        "Write a name between double braces: {{name}}",
                        false
                    )
                );
                return;
            }
        }
        if (!isBody && text.Contains('}', StringComparison.Ordinal))
        {
            problems.Add(("There is an extra closing brace.", "Write a name between double braces: {{name}}", false));
        }
    }

    private static void Tag(string tag, Stack<string> blocks, Found names, List<(string, string, bool)> problems)
    {
        if (tag.Length == 0)
        {
            problems.Add(("There is nothing between the braces.", "Write a name there: {{name}}", true));
            return;
        }
        switch (tag[0])
        {
            case '!':
                return;
            case '>':
                problems.Add(
                    ("It includes another template, which isn't supported.", "Write the text here instead.", true)
                );
                return;
            case '#':
                var (name, rest) = Head(tag[1..].Trim());
                if (!Blocks.Contains(name))
                {
                    problems.Add(
                        ($"There is no block {name}.", $"The blocks are {string.Join(", ", Blocks.Order())}.", true)
                    );
                }
                else if (Arguments(rest).Count != (name.StartsWith("equal", StringComparison.Ordinal) ? 2 : 1))
                {
                    problems.Add(
                        (
                            $"The block {name} has the wrong number of values.",
                            name.StartsWith("equal", StringComparison.Ordinal)
                                ? $"Use two: {{{{#{name} a b}}}}"
                                : $"Use one: {{{{#{name} a}}}}",
                            true
                        )
                    );
                }
                Use(rest, blocks, names, printed: false);
                blocks.Push(name);
                return;
            case '/':
                if (blocks.Count == 0 || blocks.Pop() != tag[1..].Trim())
                {
                    problems.Add(
                        (
                            $"{tag} closes a block that wasn't opened.",
                            "Close blocks in the order in which they were opened, innermost first.",
                            true
                        )
                    );
                }
                return;
            case '^':
                return;
            case '&':
                Use(tag[1..].Trim(), blocks, names, printed: true);
                return;
        }
        if (tag == "else")
        {
            if (blocks.Count == 0)
                problems.Add(("There is an else outside a block.", "Remove it, or open the block.", true));
            return;
        }
        if (tag.StartsWith("else ", StringComparison.Ordinal))
        {
            Use(Head(tag[5..].Trim()).Others, blocks, names, printed: false);
            return;
        }
        var (head, arguments) = Head(tag);
        if (arguments.Length == 0)
        {
            if (Helpers.Contains(head))
            {
                problems.Add(($"The helper {head} has no arguments.", $"Add them: {{{{{head} name}}}}", true));
            }
            Use(head, blocks, names, printed: true);
        }
        else if (!Helpers.Contains(head))
        {
            problems.Add(
                ($"There is no helper {head}.", $"The helpers are {string.Join(", ", Helpers.Order())}.", true)
            );
        }
        else
        {
            Use(arguments, blocks, names, printed: true);
        }
    }

    private static void Use(string arguments, Stack<string> blocks, Found names, bool printed)
    {
        foreach (var argument in Arguments(arguments))
        {
            names.IsClosed &=
                !argument.StartsWith("@root", StringComparison.Ordinal)
                && !(argument is "this" or "." && !blocks.Any(b => b is "each" or "with"));
            if (
                argument.Length == 0
                || argument[0] is '"' or '\'' or '@' or '-'
                || char.IsAsciiDigit(argument[0])
                || argument is "true" or "false" or "null" or "undefined" or "this" or "." or "as"
            )
            {
                continue;
            }
            if (argument[0] == '(')
            {
                Use(Head(argument.Trim('(', ')')).Others, blocks, names, printed);
                continue;
            }
            // Inside each and with, a bare name is looked up in the value at hand, which nobody knows before.
            var inner = blocks.Count(b => b is "each" or "with");
            var path = argument;
            while (path.StartsWith("../", StringComparison.Ordinal))
                (path, inner) = (path[3..], inner - 1);
            if (inner > 0 || path.StartsWith("this", StringComparison.Ordinal))
            {
                names.IsClosed = false;
                continue;
            }
            names.Names.Add(
                new UsedName([.. path.Split('.', '/').Select(s => s.Trim('[', ']')).Where(s => s.Length > 0)], printed)
            );
        }
    }

    private sealed class Found
    {
        public List<UsedName> Names { get; } = [];
        public bool IsClosed { get; set; } = true;
    }

    private static (string First, string Others) Head(string text)
    {
        var space = text.IndexOfAny([' ', '\t', '\n']);
        return space < 0 ? (text, "") : (text[..space], text[(space + 1)..].Trim());
    }

    /// <summary>Separated by white space; texts in quotes and calls in parentheses stay whole.</summary>
    private static List<string> Arguments(string text)
    {
        var all = new List<string>();
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsWhiteSpace(text[i]))
                continue;
            var start = i;
            var depth = 0;
            char quote = default;
            for (; i < text.Length && (quote != default || depth > 0 || !char.IsWhiteSpace(text[i])); i++)
            {
                if (quote != default)
                {
                    quote = text[i] == quote ? default : quote;
                }
                else if (text[i] is '"' or '\'')
                {
                    quote = text[i];
                }
                else
                {
                    depth +=
                        text[i] == '(' ? 1
                        : text[i] == ')' ? -1
                        : 0;
                }
            }
            all.Add(text[start..i]);
        }
        return all;
    }

    private static string Quote(string text) => text.Length > 30 ? text[..30] + "…" : text;
}
