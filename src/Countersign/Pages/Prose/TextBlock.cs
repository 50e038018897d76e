using System.Collections.Immutable;

namespace Countersign.Pages.Prose;

/// <summary>A part of a text that a person or a system wrote, ready to be shown.</summary>
public abstract record TextBlock
{
    private TextBlock() { }

    public sealed record Paragraph(IReadOnlyList<TextSpan> Spans) : TextBlock;

    public sealed record Heading(IReadOnlyList<TextSpan> Spans) : TextBlock;

    /// <param name="Start">The first number; null: a list without numbers.</param>
    public sealed record Items(int? Start, IReadOnlyList<IReadOnlyList<TextBlock>> Entries) : TextBlock;

    public sealed record Quote(IReadOnlyList<TextBlock> Blocks) : TextBlock;

    public sealed record Code(string Text) : TextBlock;

    /// <summary>A unified diff, line by line.</summary>
    public sealed record Diff(ImmutableArray<string> Lines) : TextBlock;

    public sealed record Rule : TextBlock;
}

/// <summary>A part of a line.</summary>
public abstract record TextSpan
{
    private TextSpan() { }

    public sealed record Plain(string Text) : TextSpan;

    public sealed record Code(string Text) : TextSpan;

    public sealed record Emphasis(bool IsStrong, IReadOnlyList<TextSpan> Spans) : TextSpan;

    /// <param name="Address">http or https.</param>
    public sealed record Link(Uri Address, IReadOnlyList<TextSpan> Spans) : TextSpan
    {
        /// <summary>
        /// Whether what is shown is the address itself, so that its host needn't be shown.
        /// </summary>
        public bool IsBare => Spans is [Plain { Text: var text }] && text == Address.OriginalString;
    }
}
