using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Xunit;

namespace Countersign.Tests;

/// <summary>Who sees a request: for some it follows from the request itself, for others from rows.</summary>
public sealed class SightTests
{
    [Theory, BothEngines]
    public async Task Its_source_requester_sender_and_reviewers_see_it_and_have_it_in_their_lists(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben", "Cem", "Dora");
        var (reviewer, requester, sender, other) = (people[0], people[1], people[2], people[3]);
        var group = await hub.AddGroup("SRE", reviewer);
        var key = await hub.AddSource("Shop", group, 1);
        var policy = Some.Policy(new Approver(Party.Group(group.Id), "SRE"));

        var bySource = await hub.Ask(policy, s => s.AskedBy(requester) with { SourceId = key.Id, CreatorId = null });
        var bySender = await hub.Ask(policy, s => s.AskedBy(requester) with { CreatorId = sender.Id });

        Assert.Equal([bySender.Id, bySource.Id], await Seen(hub, Some.Viewer(reviewer)));
        Assert.Equal([bySender.Id, bySource.Id], await Seen(hub, Some.Viewer(requester)));
        Assert.Equal([bySource.Id], await Seen(hub, Some.Viewer(key)));
        Assert.Equal([bySender.Id], await Seen(hub, Some.Viewer(sender)));
        Assert.Empty(await Seen(hub, Some.Viewer(other)));
        // One row for the group, and one for the sender who isn't the requester.
        Assert.Equal(3, await hub.Place.Count("parties"));
    }

    [Theory, BothEngines]
    public async Task An_earlier_requester_goes_on_seeing_a_request_whose_content_names_another(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (ann, ben) = (await hub.AddPerson("Ann"), await hub.AddPerson("Ben"));
        var asked = await hub.Ask(ByAdmin, s => s.AskedBy(ann) with { CreatorId = null, ExternalId = "X-1" });
        Assert.Equal([asked.Id], await Seen(hub, Some.Viewer(ann)));

        var revised = Some.Submission(ByAdmin).Saying("Turn it off again").AskedBy(ben) with
        {
            CreatorId = null,
            ExternalId = "X-1",
        };
        Assert.IsType<SubmitOutcome.Revised>(await hub.Submit.Run(revised, Some.Origin, null, default));

        Assert.Equal([asked.Id], await Seen(hub, Some.Viewer(ann)));
        Assert.Equal([asked.Id], await Seen(hub, Some.Viewer(ben)));
    }

    [Theory, BothEngines]
    public async Task Search_finds_text_in_any_case_within_ASCII_and_beyond(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var admin = Some.Viewer(await hub.AddPerson("Ada", Role.Admin));
        var plain = await hub.Ask(ByAdmin, s => s.Saying("Dark Mode") with { ExternalId = "Case-7" });
        var accented = await hub.Ask(ByAdmin, s => s.Saying("Übergang ÄNDERN") with { ExternalId = "Case-8" });

        foreach (var text in new[] { "dark mode", "DARK", "rita REQUESTER", "case-7" })
            Assert.Contains(plain.Id, await Found(hub, admin, text));
        foreach (var text in new[] { "übergang", "ÜBERGANG", "ändern", "case-8" })
            Assert.Equal([accented.Id], await Found(hub, admin, text));
        // Words may stand anywhere, but each is one.
        Assert.Equal([accented.Id, plain.Id], await Found(hub, admin, "case requester"));
        Assert.Empty(await Found(hub, admin, "requestercase"));
    }

    private static Policy ByAdmin => Some.Policy(new Approver(Party.Admins, "an admin"));

    private static async Task<List<RequestId>> Found(TestHub hub, Viewer viewer, string text) =>
        await Listed(hub, viewer, new Filter { Text = text });

    /// <summary>What a list shows, which is what can be opened one by one.</summary>
    private static async Task<List<RequestId>> Seen(TestHub hub, Viewer viewer)
    {
        var listed = await Listed(hub, viewer, new Filter { TakesPart = true });
        Assert.Equal(listed, await Listed(hub, viewer, new Filter()));
        foreach (var id in listed)
            Assert.NotNull(await hub.Store.Read(reader => RequestRow.Find(reader, id, viewer)));
        return listed;
    }

    private static async Task<List<RequestId>> Listed(TestHub hub, Viewer viewer, Filter filter)
    {
        var page = await new RequestList(hub.Store, new RequestSummaries(hub.Store)).Run(
            viewer,
            filter,
            50,
            null,
            default
        );
        return [.. page.Requests.Select(request => request.Id)];
    }
}
