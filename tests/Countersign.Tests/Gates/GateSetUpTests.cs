using Countersign.Pages.Help;
using Countersign.People;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>What an admin is given for each kind of source.</summary>
public sealed class GateSetUpTests
{
    public static TheoryData<string> Kinds() => [.. SourceKinds.All];

    [Theory, MemberData(nameof(Kinds))]
    public async Task Each_kind_has_a_page_of_the_help_with_the_texts_that_its_own_page_offers(string kind)
    {
        Assert.Contains(GateSetUp.HelpOf(kind), HelpDocuments.Names);
        var texts = GateSetUp.TextsOf(kind, $"https://hub.example.com/gates/{kind}/5");
        if (texts.Count == 0)
            return;
        var page = await File.ReadAllTextAsync(
            Path.Combine(Repository.Root, "docs", "gates", GateSetUp.HelpOf(kind) + ".md"),
            TestContext.Current.CancellationToken
        );
        Assert.All(
            texts,
            text => Assert.Contains(WithoutSpace(text.Text), WithoutSpace(page), StringComparison.Ordinal)
        );

        static string WithoutSpace(string text) => string.Concat(text.Where(c => !char.IsWhiteSpace(c)));
    }
}
