using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Whom a name or an address from another system may mean: a pure function of the claim and the people.
/// </summary>
public sealed class RequesterMatchTests
{
    private const long Ann = 1,
        OtherAnn = 2,
        Ben = 3,
        Wei = 4,
        Jon = 5,
        Gross = 6;

    private static readonly RequesterIndex Index = RequesterIndex.Of([
        new KnownPerson(Ann, ["ann.smith@example.test", "asmith@old.test"], ["Ann Smith", "Ann Miller"]),
        new KnownPerson(OtherAnn, ["a.s@example.test"], ["Ann B. Smith"]),
        new KnownPerson(Ben, ["ben+ops@example.test"], ["Ben O'Brien-Lee"]),
        new KnownPerson(Wei, ["wei@example.test"], ["王 伟"]),
        new KnownPerson(Jon, ["jon@example.test"], ["J. Kim"]),
        new KnownPerson(Gross, [], ["Jörg Großmann"]),
    ]);

    [Theory]
    [InlineData("Ann Smith", Ann, OtherAnn)]
    [InlineData("SMITH, ANN", Ann, OtherAnn)]
    [InlineData("Smith,Ann", Ann, OtherAnn)]
    [InlineData("Ann C. Smith", Ann, OtherAnn)]
    [InlineData("Ann J.R. Smith", Ann, OtherAnn)]
    [InlineData("\"Ann Smith\"", Ann, OtherAnn)]
    [InlineData("AnnSmith", Ann, OtherAnn)]
    [InlineData("Ann Miller", Ann)]
    [InlineData("ben o’brien‑lee", Ben)]
    [InlineData("Ben O&#39;Brien Lee", Ben)]
    [InlineData("Ben O&amp;#39;Brien-Lee.", Ben)]
    [InlineData("伟 王", Wei)]
    [InlineData("王伟", Wei)]
    [InlineData("J. \u212Aim", Jon)]
    [InlineData("J Kim", Jon)]
    [InlineData("JÖRG GROSSMANN", Gross)]
    [InlineData("Jo\u0308rg Groẞmann", Gross)]
    [InlineData("Ann.Smith@Example.test", Ann)]
    [InlineData("Ann (ann.smith+flags@example.test)", Ann)]
    public void A_name_finds_everyone_whom_it_may_mean(string name, params long[] people)
    {
        var match = Index.Match(RequesterClaim.Of([], [name]));
        Assert.Equal((string.Join(',', people), Certainty.Claimed), (string.Join(',', match.People), match.Certainty));
    }

    [Theory]
    [InlineData("Kim")]
    [InlineData("B. Kim")]
    [InlineData("Smith")]
    [InlineData("A. Smith")]
    [InlineData("Anna Smith")]
    [InlineData("王")]
    [InlineData("Аnn Smith")]
    [InlineData("Ann Ѕmith")]
    [InlineData("")]
    [InlineData(" . ")]
    [InlineData("\ud83d")]
    public void A_name_that_means_no_one_finds_no_one(string name)
    {
        var match = Index.Match(RequesterClaim.Of([], [name]));
        Assert.Equal(("", Certainty.None), (string.Join(',', match.People), match.Certainty));
    }

    [Theory]
    [InlineData("ann.smith@example.test")]
    [InlineData(" ANN.SMITH@EXAMPLE.TEST ")]
    [InlineData("ann.smith+launchdarkly@example.test")]
    [InlineData("ann.smith+a+b@example.test")]
    [InlineData("<ann.smith@example.test>")]
    [InlineData("mailto:ann.smith@example.test")]
    [InlineData("ann.smith@example.test.")]
    [InlineData("ann.smith＠example.test")]
    [InlineData("ann.\u200Bsmith@example.test")]
    [InlineData("ann.smith&#64;example.test")]
    [InlineData("ann.\u017Fmith@example.test")]
    [InlineData("asmith@old.test")]
    public void An_address_finds_its_person(string email)
    {
        var match = Index.Match(RequesterClaim.Of([email], []));
        Assert.Equal(($"{Ann}", Certainty.Claimed), (string.Join(',', match.People), match.Certainty));
    }

    [Fact]
    public void A_tag_that_belongs_to_the_address_here_does_not_hide_it() =>
        Assert.Equal([Ben], Index.Match(RequesterClaim.Of(["ben@example.test"], [])).People);

    [Fact]
    public void Address_and_name_are_both_looked_at()
    {
        var both = Index.Match(RequesterClaim.Of(["ben+x@example.test"], ["Ann Miller"]));
        Assert.Equal([Ann, Ben], both.People);
        Assert.Equal(Ben, both.Requester);
        Assert.Equal([Ann], Index.Match(RequesterClaim.Of(["nobody@elsewhere.test"], ["Ann Miller"])).People);
        Assert.Equal([Ann], Index.Match(RequesterClaim.Of(["ann.smith@example.test"], ["Nobody Known"])).People);
    }

    [Fact]
    public void A_name_in_letters_of_two_alphabets_that_matches_no_one_spoils_a_known_address()
    {
        var match = Index.Match(RequesterClaim.Of(["ben+ops@example.test"], ["Аnn Smith"]));
        Assert.Equal([Ben], match.People);
        Assert.Equal(Certainty.None, match.Certainty);
    }

    [Fact]
    public void A_sentence_with_too_many_readings_is_no_name()
    {
        var names = Enumerable
            .Range(0, 2 * RequesterClaim.MaxReadings)
            .Select(n => $"Reading {n}")
            .Prepend("Ann Miller");
        var match = Index.Match(RequesterClaim.Of([], names));
        Assert.Equal([Ann], match.People);
        Assert.Equal(Certainty.None, match.Certainty);
    }

    [Fact]
    public void A_claim_is_read_back_as_it_was_written()
    {
        var claim = RequesterClaim.Of(["O'Brien+x@Example.test"], ["Ann \"Q\" \u0000Smith\n", "王 伟", "\ud83d"]) with
        {
            People = [3, 7],
            Disowned = [9],
        };
        var read = RequesterClaim.Read(claim.ToText())!;
        Assert.Equal(claim.ToText(), read.ToText());
        Assert.Equal(claim.Names, read.Names);
        Assert.Equal(["o'brien@example.test"], read.Emails);
        Assert.Equal([3L, 7L], read.People);
        Assert.Equal([9L], read.Disowned);
        Assert.Null(RequesterClaim.Read(null));
    }

    /// <summary>
    /// What is kept of a claim is folded; folding it again must change nothing, or an alias learnt later would miss it.
    /// </summary>
    [Theory]
    [InlineData("  Ａｎｎ　\u202ESmith, &amp;amp;amp;amp;lt; ")]
    [InlineData("ΟΔΥΣΣΕΥΣ İıẞſ K ﬁ ㍿ \u0345\u1E9B\u0323")]
    public void Folding_twice_is_folding_once(string name)
    {
        var once = NameFolding.Name(NameFolding.Name(NameFolding.Name(name)));
        Assert.Equal(once, NameFolding.Name(once));
        Assert.Equal(NameFolding.Keys(once), NameFolding.Keys(NameFolding.Name(once)));
    }
}
