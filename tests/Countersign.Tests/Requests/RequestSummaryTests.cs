using System.Text.Json;
using Countersign.Configuration;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>What lists and pages lead with: the change, then its reason and its environment.</summary>
public sealed class RequestSummaryTests
{
    [Theory]
    [InlineData("Turn off the flag", "Turn off |Loyalty points|", 0)]
    [InlineData("* Turn on the flag for 5% of users\n* Add a rule\n", "Turn on |Loyalty points| for 5% of users", 1)]
    [InlineData("Change the percentage from 5% to 100%", "|Loyalty points|: Change the percentage from 5% to 100%", 0)]
    [InlineData("Rename the flagship store", "|Loyalty points|: Rename the flagship store", 0)]
    public void A_LaunchDarkly_request_leads_with_its_change_and_names_the_flag(string change, string parts, int more)
    {
        var summary = Of(SentBy.LaunchDarkly, $"Created approval request: why\nRequested change is:\n{change}");
        Assert.Equal(
            (parts, more, "Points are counted twice.", "Production"),
            (
                $"{summary.Headline.Before}|{summary.Headline.Subject}|{summary.Headline.After}",
                summary.MoreChanges,
                summary.Reason,
                summary.Environment
            )
        );
    }

    [Fact]
    public void Without_a_change_in_words_the_flag_is_named_and_nothing_is_claimed()
    {
        var summary = Of(SentBy.LaunchDarkly, "");
        Assert.True(summary.Headline.IsUnknownChange);
        Assert.Equal("Loyalty points", summary.Headline.Subject);
    }

    [Fact]
    public void Any_other_request_leads_with_its_title_and_the_first_line_of_its_description()
    {
        using var facts = JsonDocument.Parse("""{"environment":"staging"}""");
        var summary = RequestSummary.Of(SentBy.Api, "Open port 443", "\n  For the new shop.\nMore.", facts.RootElement);
        Assert.Equal(
            ("Open port 443", "For the new shop.", "staging"),
            (summary.Headline.Text, summary.Reason, summary.Environment)
        );
    }

    [Theory]
    [InlineData("production", true)]
    [InlineData("Production EU", true)]
    [InlineData("PROD-eu-1", true)]
    [InlineData("preproduction", false)]
    [InlineData("staging", false)]
    [InlineData("", false)]
    public void Environments_that_are_named_as_critical_are_marked(string environment, bool isCritical) =>
        Assert.Equal(isCritical, new PageOptions().IsCritical(environment));

    private static RequestSummary Of(SentBy sentBy, string details)
    {
        using var facts = JsonDocument.Parse(
            JsonSerializer.Serialize(
                new Dictionary<string, string>
                {
                    ["flag"] = "loyalty-points",
                    ["flag.name"] = "Loyalty points",
                    ["environment"] = "production",
                    ["environment.name"] = "Production",
                    ["comment"] = "Points are counted twice.",
                    ["details"] = details,
                }
            )
        );
        return RequestSummary.Of(sentBy, "Points are counted twice.", details, facts.RootElement);
    }
}
