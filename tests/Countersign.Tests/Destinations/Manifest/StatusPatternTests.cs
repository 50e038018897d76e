using Countersign.Destinations.Manifest;
using Xunit;

namespace Countersign.Tests.Destinations.Manifest;

/// <summary>Matchers mean here what they mean in Go's regexp package, or are refused.</summary>
public sealed class StatusPatternTests
{
    [Theory]
    [InlineData("approved", "approved", Fit.Whole)]
    [InlineData("approved", " approved\n", Fit.Whole)]
    [InlineData("approved", "not approved", Fit.Part)]
    [InlineData("approved", "unapproved", Fit.Part)]
    [InlineData("approved", "approved?", Fit.Part)]
    [InlineData("approved", "approval withdrawn, was approved", Fit.Part)]
    [InlineData("approved$", "to be approved", Fit.Part)]
    [InlineData("^approve", "approved", Fit.Whole)]
    [InlineData("(^|not )approved", "not approved", Fit.Whole)]
    [InlineData("x?", "yes", Fit.Part)]
    [InlineData(@"a\^", "a^ or b", Fit.Part)]
    [InlineData("^-1", "-1", Fit.Whole)]
    [InlineData("^-1", "-1.0", Fit.Whole)]
    [InlineData("^-1", "-1.5", Fit.Part)]
    [InlineData("^-1", "-1e3", Fit.Part)]
    [InlineData("^4", "4", Fit.Whole)]
    [InlineData("^4", "40", Fit.Part)]
    [InlineData("^4", "4.01", Fit.Part)]
    [InlineData("^4", "4: done", Fit.Whole)]
    [InlineData("", "yes", Fit.Part)]
    [InlineData("true", "true", Fit.Whole)]
    public void An_approval_fits_as_its_author_meant_it_and_not_by_accident(
        string pattern,
        string value,
        Enum expected
    ) => Assert.Equal(expected, StatusPattern.Parse(pattern).FitOf(value));

    [Theory]
    [InlineData("^approved$", "approved", true)]
    [InlineData("^approved$", "approved\n", false)]
    [InlineData("^approved$", "x\napproved", false)]
    [InlineData("^-1", "-1.0", true)]
    [InlineData("^4", "40", true)]
    [InlineData(@"^4(\.0)?$", "4.0", true)]
    [InlineData(@"^4(\.0)?$", "4x0", false)]
    [InlineData("^(declined|cancelled)$", "cancelled", true)]
    [InlineData("^(declined|cancelled)$", "declined|cancelled", false)]
    [InlineData("^x$|^y$", "y", true)]
    [InlineData("^colou?r$", "color", true)]
    [InlineData("^(a|b|)c$", "c", true)]
    [InlineData(@"^5\$ \(net\)$", "5$ (net)", true)]
    [InlineData("^#ja, größer 日本$", "#ja, größer 日本", true)]
    [InlineData("approved", "Approved", false)]
    [InlineData("", "anything", true)]
    public void Trap_33_patterns_match_as_in_Go(string pattern, string value, bool matches) =>
        Assert.Equal(matches, StatusPattern.Parse(pattern).IsMatch(value));

    [Theory]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("a)|(b")]
    [InlineData("[a]")]
    [InlineData("a*")]
    [InlineData("a+")]
    [InlineData("a??")]
    [InlineData("^?")]
    [InlineData("?a")]
    [InlineData("a{2}")]
    [InlineData("a.b")]
    [InlineData("(?i)approved")]
    [InlineData("(?:a)")]
    [InlineData("(?=a)")]
    [InlineData("(?<!a)b")]
    [InlineData("(?P<state>yes)")]
    [InlineData(@"(a)\1")]
    [InlineData(@"\bapproved\b")]
    [InlineData(@"^\d$")]
    [InlineData(@"\z")]
    [InlineData(@"\pL")]
    [InlineData(@"\x41")]
    [InlineData(@"a\")]
    [InlineData("😀")]
    public void Trap_33_what_published_manifests_do_not_use_is_refused(string pattern) =>
        Assert.Throws<FormatException>(() => StatusPattern.Parse(pattern));

    [Fact]
    public void Trap_34_no_pattern_takes_more_time_than_its_text_is_long()
    {
        var value = new string('a', 100_000) + "!";
        Assert.False(StatusPattern.Parse(Many("(a|aa)?") + "b$").IsMatch(value));
        Assert.False(StatusPattern.Parse(Many("(a?)?") + Many("a") + "b").IsMatch(value));
    }

    private static string Many(string part) => string.Concat(Enumerable.Repeat(part, 8));
}
