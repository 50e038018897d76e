using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

public sealed class AliasTests
{
    [Theory, BothEngines]
    public async Task The_directory_knows_what_a_person_is_called_elsewhere_and_was_called_before(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var ben = await hub.AddPerson("Ben");
        var aliases = new Aliases(hub.Store);
        Some.Done(await aliases.Add(ann.Email!, " ann.smith@darkly.example ", Some.Operator, default));
        Some.Done(await aliases.Add(ann.Email!, "Smith, A.", Some.Operator, default));
        Some.Done(await aliases.Add(ann.Email!, "ANN.SMITH@darkly.example", Some.Operator, default));
        Some.Done(await aliases.Add(ben.Email!, "Smith, A.", Some.Operator, default));
        Some.Done(await hub.People.Rename(ann.Email!, "Anna", Some.Operator, default));
        Some.Done(await hub.People.Rename(ann.Email!, "Anna", Some.Operator, default));
        Some.Done(await hub.People.Rename(ann.Email!, "Ann", Some.Operator, default));

        using var directory = new PeopleDirectory(hub.Store);
        var snapshot = await directory.Refresh();
        Assert.Equal(["ann.smith@darkly.example", "Smith, A."], snapshot.People[ann.Id].Aliases);
        Assert.Equal(["Ann", "Anna"], snapshot.People[ann.Id].EarlierNames);
        Assert.Equal(["Smith, A."], snapshot.People[ben.Id].Aliases);
        Assert.Empty(snapshot.People[ben.Id].EarlierNames);

        Some.Done(await aliases.Remove(ann.Email!, "smith, a.", Some.Operator, default));
        Assert.IsType<AccessOutcome<long>.NotFound>(
            await aliases.Remove(ann.Email!, "smith, a.", Some.Operator, default)
        );
        Assert.Equal(["ann.smith@darkly.example"], (await directory.Refresh()).People[ann.Id].Aliases);
    }

    [Theory, BothEngines]
    public async Task What_is_no_alias_is_refused_with_the_reason(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var aliases = new Aliases(hub.Store);
        foreach (var text in (string[])["", "  ", "a\nb", new string('x', 201), "\ud83d"])
            Assert.IsType<AccessOutcome<Alias>.Invalid>(await aliases.Add(ann.Email!, text, Some.Operator, default));
        Assert.IsType<AccessOutcome<Alias>.NotFound>(
            await aliases.Add("nobody@example.test", "x", Some.Operator, default)
        );
        for (var i = 0; i < Aliases.MaxPerPerson; i++)
            Some.Done(await aliases.Add(ann.Email!, $"a{i}", Some.Operator, default));
        Assert.IsType<AccessOutcome<Alias>.Invalid>(await aliases.Add(ann.Email!, "one more", Some.Operator, default));
    }

    [Theory, BothEngines]
    public async Task A_source_says_what_an_unknown_and_a_claimed_requester_cost_and_who_answers_for_it(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        Some.Done(await hub.Sources.Add("flags", "launchdarkly", null, null, Some.Operator, default, owner: ann.Email));
        Some.Done(await hub.Sources.Add("builds", "api", null, null, Some.Operator, default));
        using var directory = new PeopleDirectory(hub.Store);
        var flags = (await directory.Refresh()).FindSource("flags")!;
        Assert.Equal(
            (UnknownRequester.OneMore, ClaimedRequester.Accept, (long?)ann.Id, false),
            (flags.UnknownRequester, flags.ClaimedRequester, flags.OwnerId, flags.RequesterRequired)
        );

        Some.Done(
            await hub.Sources.Set(
                "flags",
                new SourceRequesterRules(UnknownRequester.Allow, ClaimedRequester.OneMore, ""),
                Some.Operator,
                default
            )
        );
        Some.Done(
            await hub.Sources.Set(
                "builds",
                new SourceRequesterRules(Owner: ann.Email, RequesterRequired: true),
                Some.Operator,
                default
            )
        );
        Some.Done(
            await hub.Sources.Set(
                "builds",
                new SourceRequesterRules(Owner: ann.Email, RequesterRequired: true),
                Some.Operator,
                default
            )
        );
        var snapshot = await directory.Refresh();
        flags = snapshot.FindSource("flags")!;
        Assert.Equal(
            (UnknownRequester.Allow, ClaimedRequester.OneMore, (long?)null, false),
            (flags.UnknownRequester, flags.ClaimedRequester, flags.OwnerId, flags.RequesterRequired)
        );
        var builds = snapshot.FindSource("builds")!;
        Assert.Equal(
            (UnknownRequester.OneMore, ClaimedRequester.Accept, (long?)ann.Id, true),
            (builds.UnknownRequester, builds.ClaimedRequester, builds.OwnerId, builds.RequesterRequired)
        );
        Assert.Single(await hub.Place.Events($"source:{builds.Id}"), e => e.Kind == "source.changed");

        Assert.IsType<AccessOutcome<long>.Invalid>(
            await hub.Sources.Set("flags", new SourceRequesterRules(RequesterRequired: true), Some.Operator, default)
        );
        Assert.IsType<AccessOutcome<long>.Invalid>(
            await hub.Sources.Set("flags", new SourceRequesterRules(), Some.Operator, default)
        );
        Assert.IsType<AccessOutcome<long>.NotFound>(
            await hub.Sources.Set("flags", new SourceRequesterRules(Owner: "x@example.test"), Some.Operator, default)
        );
        Assert.IsType<AccessOutcome<long>.NotFound>(
            await hub.Sources.Set("none", new SourceRequesterRules(UnknownRequester.Refuse), Some.Operator, default)
        );
        Assert.IsType<AccessOutcome<NewSourceKey>.NotFound>(
            await hub.Sources.Add("more", "api", null, null, Some.Operator, default, owner: "x@example.test")
        );
    }

    [Theory, BothEngines]
    public async Task A_store_from_before_learns_earlier_names_from_its_events(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var ben = await hub.AddPerson("Ben");
        foreach (var name in (string[])["Anna \"the\" Größte", "Ann"])
            Some.Done(await hub.People.Rename(ann.Email!, name, Some.Operator, default));
        Some.Done(await hub.People.Rename(ben.Email!, "Benjamin", Some.Operator, default));
        var before = await hub.Place.Everything("former_names");
        var dialect = engine == Engine.Sqlite ? "sqlite" : "postgres";
        var migration = Assert.Single(Migration.For(dialect), m => m.Name == "011_aliases");
        var from = migration.Sql.IndexOf("INSERT INTO former_names", StringComparison.Ordinal);
        var fill = migration.Sql[from..(migration.Sql.IndexOf(";\n", from, StringComparison.Ordinal) + 1)];

        await hub.Place.Tamper($"DELETE FROM former_names; {fill}");

        Assert.Contains("Anna \"the\" Größte", before, StringComparison.Ordinal);
        Assert.Equal(before, await hub.Place.Everything("former_names"));
    }
}
