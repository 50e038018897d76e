using Countersign.Audit;
using Countersign.Cli;
using Countersign.People;
using Xunit;

namespace Countersign.Tests;

public sealed class PeopleImportTests
{
    private const string File = """
        email,name,role,groups,aliases
        ann@example.test,"Smith, Ann",admin,SRE;Payments,ann.smith@darkly.example; asmith

        ben@example.test,Ben,,SRE,
        cid@example.test,Cid,end-user,,"Cid ""the"" Kid"
        """;

    [Theory, BothEngines]
    public async Task A_file_adds_who_is_missing_and_changes_what_it_says_and_a_second_time_nothing(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ben = await hub.AddPerson("Ben", Role.Agent);
        await hub.AddPerson("Zoe", Role.Admin);
        await hub.AddGroup("SRE");
        await hub.AddGroup("Payments", ben);
        var import = new PeopleImport(hub.Store);

        var first = await Done(import, File);
        Assert.Equal(["ann@example.test", "cid@example.test"], first.Added);
        Assert.Equal(["ben@example.test"], first.Changed);
        Assert.Equal((0, 3), (first.Unchanged, first.Aliases));
        using var directory = new PeopleDirectory(hub.Store);
        var snapshot = await directory.Refresh();
        var ann = snapshot.FindPerson("ann@example.test")!;
        Assert.Equal(("Smith, Ann", Role.Admin), (ann.Name, ann.Role));
        Assert.Equal(["ann.smith@darkly.example", "asmith"], ann.Aliases);
        Assert.Equal(["SRE", "Payments"], snapshot.GroupsOf(ann.Id).Select(g => g.Name));
        Assert.Equal(["SRE", "Payments"], snapshot.GroupsOf(ben.Id).Select(g => g.Name));
        Assert.Equal(["Cid \"the\" Kid"], snapshot.FindPerson("cid@example.test")!.Aliases);

        var events = await hub.Place.Count("events");
        var second = await Done(import, File);
        Assert.Equal((0, 0, 3, 0), (second.Added.Count, second.Changed.Count, second.Unchanged, second.Aliases));
        Assert.Equal(events, await hub.Place.Count("events"));

        var third = await Done(
            import,
            """
            [{"email": "ANN@example.test", "name": "Ann Smith", "role": "agent", "aliases": ["ASMITH", "ann on call"]},
            {"email": "zoe@example.test"}]
            """
        );
        Assert.Equal((0, 1, 1, 1), (third.Added.Count, third.Changed.Count, third.Unchanged, third.Aliases));
        ann = (await directory.Refresh()).People[ann.Id];
        Assert.Equal(("Ann Smith", Role.Agent), (ann.Name, ann.Role));
        Assert.Equal(["Smith, Ann"], ann.EarlierNames);
        Assert.Equal(["ann.smith@darkly.example", "asmith", "ann on call"], ann.Aliases);
    }

    [Theory, BothEngines]
    public async Task Every_bad_line_is_named_and_nothing_is_changed(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        await hub.AddPerson("Ann");
        var import = new PeopleImport(hub.Store);
        var before = await hub.Place.Everything("people", "aliases", "members", "events");

        Assert.Equal(
            [
                "line 3: The email is missing.",
                "line 4: This isn't an email address.",
                "line 5: BEN@example.test is already at line 2.",
                "line 6: The role must be admin, agent or end-user.",
                "line 7: An alias is a name or an email of 1 to 200 characters, without control characters.",
            ],
            await Mistakes(
                import,
                "email,name,role,aliases\nben@example.test,Ben,,\n,Nobody,,\n"
                    + $"no address,X,,\nBEN@example.test,Ben,,\n"
                    + $"cid@example.test,Cid,boss,\ndan@example.test,Dan,,{new string('x', 201)}\n"
            )
        );
        Assert.Equal(
            ["line 2: ben@example.test is a new person and needs a name.", "line 3: There is no group SRE."],
            await Mistakes(import, "email,groups\r\nben@example.test,\r\nann@example.test,SRE\r\n")
        );
        Assert.Equal(
            21,
            (await Mistakes(import, "email,name\n" + string.Concat(Enumerable.Repeat("x,y\n", 30)))).Count
        );
        Assert.Equal(before, await hub.Place.Everything("people", "aliases", "members", "events"));
    }

    [Theory]
    [InlineData("", "The file is empty")]
    [InlineData("name,role\nAnn,agent\n", "line 1: The header has no column email.")]
    [InlineData("email,alias\nann@example.test,x\n", "line 1: There is no column \"alias\".")]
    [InlineData("email,email\n", "line 1: The column \"email\" appears more than once.")]
    [InlineData("email,name\n\nann@example.test,Smith, Ann\n", "line 3: It has 3 fields, but the header has 2.")]
    [InlineData("email,name\nann@example.test,\"Ann\n", "line 2: A quotation mark isn't closed")]
    [InlineData(
        "email,name\nann@example.test,\"Ann\" Smith\n",
        "line 2: A quotation mark isn't closed or is in the wrong place"
    )]
    [InlineData("[{\"email\": \"ann@example.test\",\n \"alias\": 1}]", "line 2: Unexpected JSON")]
    [InlineData("[{\"email\": 1}]", "line 1: Unexpected JSON at $[0].email.")]
    public void A_file_that_cannot_be_read_says_where(string text, string mistake)
    {
        var (_, mistakes) = PeopleFile.Read(text);
        Assert.StartsWith(mistake, Assert.Single(mistakes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_field_in_quotation_marks_may_hold_commas_line_breaks_and_quotation_marks()
    {
        var (people, mistakes) = PeopleFile.Read(
            "\ufeffname, email\r\n\"Ann\r\n\"\"A\"\", B\" ,ann@example.test\r\nBen,ben@example.test"
        );
        Assert.Empty(mistakes);
        Assert.Equal(
            [("line 2", "Ann\r\n\"A\", B", "ann@example.test"), ("line 4", "Ben", "ben@example.test")],
            people.Select(p => (p.Place, p.Name!, p.Email))
        );
    }

    private static async Task<ImportedPeople> Done(PeopleImport import, string text)
    {
        var (people, mistakes) = PeopleFile.Read(text);
        Assert.Empty(mistakes);
        return Assert.IsType<ImportOutcome.Done>(await import.Run(people, Some.Operator, default)).People;
    }

    private static async Task<IReadOnlyList<string>> Mistakes(PeopleImport import, string text)
    {
        var (people, mistakes) = PeopleFile.Read(text);
        Assert.Empty(mistakes);
        return Assert.IsType<ImportOutcome.Refused>(await import.Run(people, Some.Operator, default)).Mistakes;
    }
}
