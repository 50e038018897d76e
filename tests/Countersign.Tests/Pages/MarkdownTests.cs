using System.Text;
using Countersign.Pages.Prose;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>What people read of a text: the safe part of Markdown, and nothing of it hidden.</summary>
public sealed class MarkdownTests
{
    [Theory]
    [InlineData("One\ntwo\n\nThree", "p{One\ntwo} p{Three}")]
    [InlineData("**bold**, *soft* and `code`", "p{b{bold}, i{soft} and code{code}}")]
    [InlineData("- one\n- two\n  - deeper", "ul{li{p{one}} li{p{two} ul{li{p{deeper}}}}}")]
    [InlineData("3. three\n4. four", "ol3{li{p{three}} li{p{four}}}")]
    [InlineData("> said\n> before", "quote{p{said\nbefore}}")]
    [InlineData("# A title", "p{b{A title}}")]
    [InlineData("```\n<b>\n```", "pre{<b>}")]
    [InlineData("before\n\n---\nafter", "p{before} hr p{after}")]
    [InlineData("[docs](https://example.test/a)", "p{a(https://example.test/a){docs}}")]
    [InlineData("see https://example.test/a_b_c.", "p{see a(https://example.test/a_b_c){https://example.test/a_b_c}.}")]
    [InlineData("<https://example.test/>", "p{a(https://example.test/){https://example.test/}}")]
    public void The_safe_part_of_Markdown_is_shown(string text, string shown) => Assert.Equal(shown, Shown(text));

    [Theory]
    [InlineData("<script>alert(1)</script>", "p{<script>alert(1)</script>}")]
    [InlineData("<!-- hidden -->", "p{<!-- hidden -->}")]
    [InlineData("a &lt;b&gt; &amp;", "p{a &lt;b&gt; &amp;}")]
    [InlineData(@"^.+@foo\.com$ and \*", @"p{^.+@foo\.com$ and \*}")]
    [InlineData(
        "[flag]: https://example.test/ \"off\"",
        "p{[flag]: a(https://example.test/){https://example.test/} \"off\"}"
    )]
    [InlineData("2 * 3 * 4, snake_case_name", "p{2 * 3 * 4, snake_case_name}")]
    public void What_is_no_part_of_it_stays_as_it_was_written(string text, string shown) =>
        Assert.Equal(shown, Shown(text));

    [Theory]
    [InlineData("[x](javascript:alert(1))", "p{x (javascript:alert(1))}")]
    [InlineData("[x](data:text/html,y)", "p{x (data:text/html,y)}")]
    [InlineData("[x](//evil.test)", "p{x (//evil.test)}")]
    [InlineData("[x](/sign-out)", "p{x (/sign-out)}")]
    [InlineData("<javascript:alert(1)>", "p{<javascript:alert(1)>}")]
    [InlineData("![a picture](https://example.test/x.png)", "p{a(https://example.test/x.png){a picture}}")]
    [InlineData(
        "[a [b](https://in.test/)](https://out.test/)",
        "p{[a a(https://in.test/){b}](a(https://out.test/){https://out.test/})}"
    )]
    [InlineData("[](https://example.test/)", "p{a(https://example.test/){https://example.test/}}")]
    public void Links_lead_to_web_pages_only_and_pictures_are_links(string text, string shown) =>
        Assert.Equal(shown, Shown(text));

    [Theory]
    [InlineData("```sh also drop the table\nls\n```", "pre{sh also drop the table\nls}")]
    [InlineData("```deletes-the-database\nls\n```", "pre{deletes-the-database\nls}")]
    [InlineData("~~~c++\nint x;\n~~~", "pre{int x;}")]
    [InlineData(
        "[runbook](https://example.test/ \"and disable the audit\")",
        "p{a(https://example.test/){runbook} “and disable the audit”}"
    )]
    [InlineData("[x](/sign-out \"and more\")", "p{x (/sign-out “and more”)}")]
    public void What_other_pages_hide_is_shown(string text, string shown) => Assert.Equal(shown, Shown(text));

    [Theory]
    [InlineData("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-old\n+new")]
    [InlineData("```diff\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-old\n+new\n```")]
    public void Diffs_are_shown_as_diffs_in_fences_and_without(string text) =>
        Assert.Equal("diff{--- a/f|+++ b/f|@@ -1 +1 @@|-old|+new}", Shown(text));

    [Theory]
    [InlineData("[", "[")]
    [InlineData("*a ", "*")]
    [InlineData("> ", ">")]
    [InlineData("- a\n", "a")]
    [InlineData("![", "[")]
    [InlineData("[a](", "a")]
    public void A_hundred_kilobytes_of_signs_are_shown_and_lose_nothing(string sign, string expected)
    {
        foreach (var length in new[] { 60_000, 100_000 })
        {
            var text = string.Concat(Enumerable.Repeat(sign, length / sign.Length));
            var shown = Shown(text);
            Assert.Contains(expected, shown, StringComparison.Ordinal);
            Assert.DoesNotContain("a(", shown.Replace("[a](", "", StringComparison.Ordinal), StringComparison.Ordinal);
        }
    }

    private static string Shown(string text)
    {
        var shown = new StringBuilder();
        Blocks(shown, MarkdownText.Read(text));
        return shown.ToString();
    }

    private static void Blocks(StringBuilder to, IReadOnlyList<TextBlock> blocks)
    {
        foreach (var block in blocks)
        {
            to.Append(to.Length > 0 && to[^1] != '{' ? " " : "");
            switch (block)
            {
                case TextBlock.Paragraph(var spans):
                    Within(to, "p", () => Spans(to, spans));
                    break;
                case TextBlock.Heading(var spans):
                    Within(to, "p", () => Within(to, "b", () => Spans(to, spans)));
                    break;
                case TextBlock.Quote(var quoted):
                    Within(to, "quote", () => Blocks(to, quoted));
                    break;
                case TextBlock.Items(var start, var entries):
                    Within(
                        to,
                        start is null ? "ul" : $"ol{start}",
                        () =>
                        {
                            foreach (var (entry, i) in entries.Select((entry, i) => (entry, i)))
                            {
                                to.Append(i > 0 ? " " : "");
                                Within(to, "li", () => Blocks(to, entry));
                            }
                        }
                    );
                    break;
                case TextBlock.Code(var code):
                    Within(to, "pre", () => to.Append(code));
                    break;
                case TextBlock.Diff(var lines):
                    Within(to, "diff", () => to.AppendJoin('|', lines));
                    break;
                default:
                    to.Append("hr");
                    break;
            }
        }
    }

    private static void Spans(StringBuilder to, IReadOnlyList<TextSpan> spans)
    {
        foreach (var span in spans)
        {
            switch (span)
            {
                case TextSpan.Plain(var text):
                    to.Append(text);
                    break;
                case TextSpan.Code(var code):
                    Within(to, "code", () => to.Append(code));
                    break;
                case TextSpan.Emphasis(var isStrong, var inner):
                    Within(to, isStrong ? "b" : "i", () => Spans(to, inner));
                    break;
                case TextSpan.Link(var address, var inner):
                    Within(to, $"a({address.AbsoluteUri})", () => Spans(to, inner));
                    break;
            }
        }
    }

    private static void Within(StringBuilder to, string name, Action inside)
    {
        to.Append(name).Append('{');
        inside();
        to.Append('}');
    }
}
