using Countersign.People;
using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests;

public sealed class PeopleDirectoryTests
{
    [Theory, BothEngines]
    public async Task A_snapshot_taken_while_people_and_their_tokens_are_added_is_whole(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var directory = new PeopleDirectory(hub.Store);
        var another = await hub.Place.OpenAnother();
        var (people, tokens) = (new Accounts(another, new Requests.ReweighRequests(another)), new Tokens(another));
        var adding = Task.Run(async () =>
        {
            for (var i = 0; i < 150; i++)
            {
                await people.Add($"p{i}@example.test", $"P{i}", Role.Agent, null, Some.Operator, default);
                await tokens.Add($"p{i}@example.test", Some.Operator, default);
            }
        });
        while (!adding.IsCompleted)
            await directory.Refresh();
        await adding;
        Assert.Equal(150, (await directory.Refresh()).Tokens.Count);
    }

    [Theory, BothEngines]
    public async Task A_snapshot_that_the_background_left_unchecked_is_checked_by_the_next_caller(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var clock = new Monotonic();
        using var directory = new PeopleDirectory(hub.Store, clock);
        await directory.Refresh();
        var ann = await hub.AddPerson("Ann");
        Assert.Null(directory.Current.FindPerson(ann.Email!));

        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.NotNull((await directory.UpToDate(default)).FindPerson(ann.Email!));
        var ben = await hub.AddPerson("Ben");
        clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Throws<Storage.StoreUnavailable>(() => directory.Current);
        Assert.NotNull((await directory.UpToDate(default)).FindPerson(ben.Email!));
        Assert.NotNull(directory.Current.FindPerson(ben.Email!));
    }

    private sealed class Monotonic : TimeProvider
    {
        private long _timestamp;

        public override long GetTimestamp() => _timestamp;

        public void Advance(TimeSpan by) => _timestamp += (long)(by.TotalSeconds * TimestampFrequency);
    }
}
