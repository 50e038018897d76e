using Countersign.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Destinations.Manifest;

/// <summary>Matchers mean here what they mean in Go's regexp package.</summary>
public sealed class GoPatternTests
{
    [Theory]
    [InlineData("approved", "approved", Fit.Whole)]
    [InlineData("approved", " approved\n", Fit.Whole)]
    [InlineData("(?i)approved", "APPROVED", Fit.Whole)]
    [InlineData("approved", "not approved", Fit.Part)]
    [InlineData("approved", "unapproved", Fit.Part)]
    [InlineData("approved", "approved?", Fit.Part)]
    [InlineData("approved", "approval withdrawn, was approved", Fit.Part)]
    [InlineData("approved$", "to be approved", Fit.Part)]
    [InlineData("^approve", "approved", Fit.Whole)]
    [InlineData("(^|\\s)approved", "not approved", Fit.Part)]
    [InlineData("[^x]approved", "xapproved", Fit.None)]
    [InlineData("[^x]approved", "disapproved", Fit.Part)]
    [InlineData("^-1", "-1", Fit.Whole)]
    [InlineData("^-1", "-1.0", Fit.Whole)]
    [InlineData("^-1", "-1.5", Fit.Part)]
    [InlineData("^-1", "-1e3", Fit.Part)]
    [InlineData("^4", "4", Fit.Whole)]
    [InlineData("^4", "40", Fit.Part)]
    [InlineData("^4", "4.01", Fit.Part)]
    [InlineData("^4", "4: done", Fit.Whole)]
    [InlineData(".*", "anything", Fit.Whole)]
    [InlineData("x*", "yes", Fit.Part)]
    [InlineData("", "yes", Fit.Part)]
    [InlineData("true", "true", Fit.Whole)]
    public void An_approval_fits_as_its_author_meant_it_and_not_by_accident(
        string pattern,
        string value,
        Enum expected
    ) => Assert.Equal(expected, GoPattern.Parse(pattern).FitOf(value));

    [Theory]
    [InlineData("^approved$", "approved", true)]
    [InlineData("^approved$", "approved\n", false)]
    [InlineData("(?m)^approved$", "x\napproved\ny", true)]
    [InlineData("^-1", "-1.0", true)]
    [InlineData("^4", "40", true)]
    [InlineData(@"^\d+$", "١٢", false)]
    [InlineData(@"^\d+$", "12", true)]
    [InlineData(@"^\D$", "١", true)]
    [InlineData(@"^\w+$", "é", false)]
    [InlineData(@"^\s$", "\u00a0", false)]
    [InlineData(@"^\s$", "\v", false)]
    [InlineData("^[[:space:]]$", "\v", true)]
    [InlineData("^[[:alpha:]]+$", "Approved", true)]
    [InlineData("^[[:alpha:]]+$", "Ünd", false)]
    [InlineData("^[[:^digit:]]+$", "ab", true)]
    [InlineData("^[^[:digit:]a]+$", "1", false)]
    [InlineData(@"^\pL+$", "Ünd", true)]
    [InlineData(@"^\p{Lu}\P{Lu}$", "Aa", true)]
    [InlineData(@"^\p{^Lu}$", "A", false)]
    [InlineData("(?P<state>yes|ja)", "ja", true)]
    [InlineData("(?<state>yes)", "yes", true)]
    [InlineData("(?i)APPROVED", "approved", true)]
    [InlineData("(?i:A)b", "aB", false)]
    [InlineData("^.$", "😀", true)]
    [InlineData("^[^a]$", "😀", true)]
    [InlineData("^😀+$", "😀😀", true)]
    [InlineData("^.$", "\n", false)]
    [InlineData("(?s)^.$", "\n", true)]
    [InlineData(@"^\Qa.b*\E$", "a.b*", true)]
    [InlineData(@"^\x41\x{1F600}\101$", "A😀A", true)]
    [InlineData("^a{2,3}$", "aaa", true)]
    [InlineData("^a{,3}$", "a{,3}", true)]
    [InlineData("^[]a]+$", "]a", true)]
    [InlineData("^[a-]+$", "a-", true)]
    [InlineData(@"^[\]\-\d]+$", "]-7", true)]
    [InlineData("^[a-c-[b]]$", "b]", true)]
    [InlineData(@"^a\.b#c d$", "a.b#c d", true)]
    [InlineData("^(a|b|)c*?$", "acc", true)]
    [InlineData("^x$|^y$", "y", true)]
    [InlineData("", "anything", true)]
    public void Trap_33_patterns_match_as_in_Go(string pattern, string value, bool matches) =>
        Assert.Equal(matches, GoPattern.Parse(pattern).IsMatch(value));

    [Theory]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("[a")]
    [InlineData("a**")]
    [InlineData("a{2}{3}")]
    [InlineData("*a")]
    [InlineData("(?=a)")]
    [InlineData("(?!a)")]
    [InlineData("(?<=a)b")]
    [InlineData("(?<!a)b")]
    [InlineData(@"(a)\1")]
    [InlineData(@"\bapproved\b")]
    [InlineData(@"\Z")]
    [InlineData(@"\p{Greek}")]
    [InlineData("(?U)a+")]
    [InlineData("[z-a]")]
    [InlineData("[[:nothing:]]")]
    [InlineData("a{1001}")]
    [InlineData(@"a\")]
    [InlineData(@"\x{110000}")]
    public void Trap_33_what_Go_refuses_or_cannot_be_said_is_refused(string pattern) =>
        Assert.Throws<FormatException>(() => GoPattern.Parse(pattern));

    [Fact]
    public void Trap_34_no_pattern_takes_more_time_than_its_text_is_long()
    {
        var value = new string('a', 100_000) + "!";
        Assert.False(GoPattern.Parse("^(a+)+$").IsMatch(value));
        Assert.False(GoPattern.Parse("^(a|a)*$").IsMatch(value));
    }
}
