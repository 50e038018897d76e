using Countersign.Access;
using Xunit;
using Directory = Countersign.Access.Directory;

namespace Countersign.Tests;

public sealed class DirectoryTests
{
    [Theory, BothEngines]
    public async Task A_snapshot_taken_while_people_and_their_tokens_are_added_is_whole(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var directory = new Directory(hub.Store);
        var another = await hub.Place.OpenAnother();
        var (people, tokens) = (new People(another, new Requests.Reweigh(another)), new Tokens(another));
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
}
