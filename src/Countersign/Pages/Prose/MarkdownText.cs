using Markdig;
using Markdig.Helpers;
using Markdig.Parsers;
using Markdig.Parsers.Inlines;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Countersign.Pages.Prose;

/// <summary>
/// The safe part of Markdown: emphasis, code, lists, quotes and links. Nothing of a text is hidden, because people
/// approve what they read here: tags and entities stay as they were written, so do backslashes (regular expressions
/// have many), definitions of links and pictures, which are shown as links.
/// </summary>
public static class MarkdownText
{
    /// <summary>A longer text is shown as it came.</summary>
    private const int MaxLength = 64 * 1024;

    private const int MaxLanguage = 12;

    /// <summary>What is nested deeper is shown without its nesting.</summary>
    private const int MaxDepth = 12;

    private static readonly MarkdownPipeline Pipeline = Build();

    public static IReadOnlyList<TextBlock> Read(string text) =>
        text.Length > MaxLength ? PlainText.Read(text) : PlainText.Read(text, Parse);

    private static MarkdownPipeline Build()
    {
        var builder = new MarkdownPipelineBuilder().DisableHtml();
        builder.BlockParsers.Replace<ParagraphBlockParser>(new WholeParagraphs { ParseSetextHeadings = false });
        builder.InlineParsers.TryRemove<HtmlEntityParser>();
        builder.InlineParsers.TryRemove<EscapeInlineParser>();
        return builder.Build();
    }

    private static IEnumerable<TextBlock> Parse(string text)
    {
        try
        {
            return Blocks(Markdown.Parse(text, Pipeline), text, 0);
        }
        catch (ArgumentException)
        {
            // Nested deeper than the parser goes.
            return PlainText.Paragraphs(text);
        }
    }

    private static List<TextBlock> Blocks(ContainerBlock container, string text, int depth)
    {
        var blocks = new List<TextBlock>(container.Count);
        foreach (var block in container)
        {
            if (depth > MaxDepth)
                blocks.AddRange(PlainText.Paragraphs(text.Substring(block.Span.Start, block.Span.Length)));
            else if (Block(block, text, depth) is { } shown)
                blocks.Add(shown);
        }
        return blocks;
    }

    private static TextBlock? Block(Block block, string text, int depth) =>
        block switch
        {
            HeadingBlock heading => new TextBlock.Heading(Spans(heading.Inline, 0)),
            ParagraphBlock paragraph => new TextBlock.Paragraph(Spans(paragraph.Inline, 0)),
            QuoteBlock quote => new TextBlock.Quote(Blocks(quote, text, depth + 1)),
            ListBlock list => new TextBlock.Items(
                list.IsOrdered ? Start(list) : null,
                [.. list.OfType<ListItemBlock>().Select(item => Blocks(item, text, depth + 1))]
            ),
            ThematicBreakBlock => new TextBlock.Rule(),
            FencedCodeBlock fenced => Code(Heading(fenced) + fenced.Lines),
            CodeBlock code => Code(code.Lines.ToString()),
            LeafBlock leaf => new TextBlock.Code(leaf.Lines.ToString()),
            _ => null,
        };

    /// <summary>What stands behind the fence, unless that is no more than a language.</summary>
    private static string Heading(FencedCodeBlock fenced)
    {
        var info = $"{fenced.Info} {fenced.Arguments}".Trim();
        var isLanguage =
            info.Length <= MaxLanguage && info.All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '#' or '-');
        return isLanguage ? "" : info + "\n";
    }

    private static int Start(ListBlock list) =>
        int.TryParse(list.OrderedStart, System.Globalization.CultureInfo.InvariantCulture, out var start) ? start : 1;

    private static TextBlock Code(string code)
    {
        var lines = code.Split('\n');
        return UnifiedDiff.IsOne(lines) ? new TextBlock.Diff([.. lines]) : new TextBlock.Code(code);
    }

    /// <summary>
    /// Signs that opened nothing contain what follows them, however many they are; they are walked through and not
    /// descended into.
    /// </summary>
    private static List<TextSpan> Spans(ContainerInline? container, int depth)
    {
        var spans = new List<TextSpan>();
        var plain = new System.Text.StringBuilder();
        var later = new Stack<Inline?>();
        var at = container?.FirstChild;
        while (true)
        {
            if (at is null)
            {
                if (!later.TryPop(out at))
                    break;
                continue;
            }
            var next = at.NextSibling;
            switch (at)
            {
                case LiteralInline literal:
                    plain.Append(literal.Content.AsSpan());
                    break;
                case LineBreakInline:
                    plain.Append('\n');
                    break;
                case DelimiterInline delimiter:
                    plain.Append(delimiter.ToLiteral());
                    later.Push(next);
                    next = delimiter.FirstChild;
                    break;
                case CodeInline code:
                    Add(new TextSpan.Code(code.Content));
                    break;
                case AutolinkInline { Url: var url, IsEmail: var isEmail }:
                    if (!isEmail && PlainText.WebAddress(url) is { } address)
                        Add(new TextSpan.Link(address, [new TextSpan.Plain(url)]));
                    else
                        plain.Append('<').Append(url).Append('>');
                    break;
                case LinkInline link when PlainText.WebAddress(link.Url) is { } target:
                    Add(new TextSpan.Link(target, Label(link, depth)));
                    plain.Append(Title(link));
                    break;
                case EmphasisInline emphasis when depth < MaxDepth:
                    Add(new TextSpan.Emphasis(emphasis.DelimiterCount > 1, Spans(emphasis, depth + 1)));
                    break;
                case LinkInline link:
                    // Leads nowhere that a page may lead to: the label, and in words where it would have led.
                    later.Push(next);
                    later.Push(new LiteralInline($" ({link.Url}{Title(link)})"));
                    next = link.FirstChild;
                    break;
                case ContainerInline other:
                    later.Push(next);
                    next = other.FirstChild;
                    break;
            }
            at = next;
        }
        Flush();
        return spans;

        void Add(TextSpan span)
        {
            Flush();
            spans.Add(span);
        }

        void Flush()
        {
            if (plain.Length > 0)
                spans.AddRange(PlainText.Links(plain.ToString()));
            plain.Clear();
        }
    }

    /// <summary>No link stands in a link, and one without words is called by its address.</summary>
    private static List<TextSpan> Label(LinkInline link, int depth)
    {
        var label = Spans(link, depth + 1).ConvertAll(WithoutLinks);
        return label.Count > 0 ? label : [new TextSpan.Plain(link.Url!)];
    }

    /// <summary>What browsers show only to a mouse that rests on the link.</summary>
    private static string Title(LinkInline link) => string.IsNullOrEmpty(link.Title) ? "" : $" “{link.Title}”";

    private static TextSpan WithoutLinks(TextSpan span) =>
        span switch
        {
            TextSpan.Link { Spans: [var only] } => WithoutLinks(only),
            TextSpan.Link { Address: var address } => new TextSpan.Plain(address.OriginalString),
            TextSpan.Emphasis(var isStrong, var spans) => new TextSpan.Emphasis(
                isStrong,
                [.. spans.Select(WithoutLinks)]
            ),
            _ => span,
        };

    /// <summary>
    /// The parser's own would take definitions of links, <c>[name]: address</c>, out of a paragraph, where nobody would
    /// read them any more.
    /// </summary>
    private sealed class WholeParagraphs : ParagraphBlockParser
    {
        public override bool Close(BlockProcessor processor, Block block)
        {
            if (block is ParagraphBlock { Lines: var lines })
            {
                for (var i = 0; i < lines.Count; i++)
                    lines.Lines[i].Slice.TrimEnd();
            }
            return true;
        }
    }
}
