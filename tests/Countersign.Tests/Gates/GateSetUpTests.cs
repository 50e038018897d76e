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

    [Fact]
    public async Task A_setting_with_few_values_is_chosen_from_a_list_and_no_other_value_is_taken()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        var ada = await host.Hub.AddPerson("Ada", Role.Admin);
        await host.Noticed();
        using var browser = await host.SignIn(ada);
        (string, string)[] source = [("name", "stages"), ("kind", "azure"), ("who", ""), ("need", "1")];
        var path = (await browser.Submit("/sources/new", "/sources", source)).Location!.Split('?')[0];
        Assert.Contains(
            "<option value=\"no\" selected=\"selected\">Refuse them",
            (await browser.Get(path)).Text,
            StringComparison.Ordinal
        );

        var chosen = await browser.Submit(path, path, ("do", "gate-set"), ("gate.classicGates", "yes"));
        Assert.Equal(302, chosen.Status);
        Assert.Contains(
            "<option value=\"yes\" selected=\"selected\">",
            (await browser.Get(path)).Text,
            StringComparison.Ordinal
        );
        var refused = await browser.Submit(path, path, ("do", "gate-set"), ("gate.classicGates", "perhaps"));
        Assert.Equal(422, refused.Status);
        Assert.Contains("Enter no or yes.", refused.Text, StringComparison.Ordinal);
    }
}
