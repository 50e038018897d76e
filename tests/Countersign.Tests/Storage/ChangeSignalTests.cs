using System.Diagnostics;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Whoever follows the store hears of what another process wrote, long before the look that happens once a second
/// anyway.
/// </summary>
public sealed class ChangeSignalTests
{
    [Theory, BothEngines]
    public async Task Twenty_changes_by_another_process_are_heard_of_faster_than_by_looking_once_a_second(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var another = await test.OpenAnother();
        var started = Stopwatch.GetTimestamp();
        for (var i = 1; i <= 20; i++)
        {
            await another.InTransaction(tx => tx.Signal("directory"));
            do await test.Store.MaybeChanged(default).Soon();
            while (await test.Number("SELECT revision FROM signals WHERE name = 'directory'") != i + 1);
        }
        Assert.True(
            Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(15),
            "Changes are only found by looking once a second."
        );
    }

    [Theory, BothEngines]
    public async Task However_much_is_written_the_look_that_happens_anyway_is_not_left_out(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var another = await test.OpenAnother();
        using var end = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                await another.InTransaction(tx => tx.Append("hub", Some.Origin, "test.happened", new { }));
                await another.GivePositions();
            }
        });
        for (var i = 0; i < 3; i++)
            await test.Store.MaybeChanged(default).Soon();
        await end.CancelAsync();
        await writing;
    }

    [Theory, BothEngines]
    public async Task A_token_revoked_and_a_source_disabled_in_another_process_stop_working_in_this_one(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var directory = new PeopleDirectory(hub.Store);
        await directory.Refresh();
        using var follower = new PeopleDirectoryRefresher(
            hub.Store,
            directory,
            NullLogger<PeopleDirectoryRefresher>.Instance
        );
        await follower.StartAsync(default);

        var another = await hub.Place.OpenAnother();
        var (people, tokens, sources) = (
            new Accounts(another, new Requests.ReweighRequests(another)),
            new Tokens(another),
            new Sources(another)
        );
        var ann = Some.Done(await people.Add(Some.Email("Ann"), "Ann", Role.Agent, null, Some.Operator, default));
        var token = Some.Done(await tokens.Add(ann.Email!, Some.Operator, default));
        var key = Some.Done(await sources.Add("ci", "api", null, null, Some.Operator, default));
        await Eventually.True(
            () => directory.Current.SourcesByKey.ContainsKey(Keys.HashOf(key.Key)),
            "the source is known"
        );
        Assert.Equal(ann.Id, directory.Current.Tokens[Keys.HashOf(token.Token)].Person.Id);

        await tokens.Revoke(token.Id, Some.Operator, default);
        await sources.Disable("ci", Some.Operator, default);
        await Eventually.True(
            () => !directory.Current.SourcesByKey.ContainsKey(Keys.HashOf(key.Key)),
            "the source is shut out"
        );
        Assert.DoesNotContain(Keys.HashOf(token.Token), directory.Current.Tokens.Keys);

        await sources.Enable("ci", Some.Operator, default);
        var second = Some.Done(await tokens.Add(ann.Email!, Some.Operator, default));
        await Eventually.True(
            () => directory.Current.Tokens.ContainsKey(Keys.HashOf(second.Token)),
            "the second token is known"
        );
        await people.Disable(ann.Email!, Some.Operator, default, isForced: true);
        await Eventually.True(
            () => !directory.Current.Tokens.ContainsKey(Keys.HashOf(second.Token)),
            "a disabled person's token is shut out"
        );
        await follower.StopAsync(default);
    }

    [Fact]
    public async Task A_copy_made_while_serving_is_a_whole_store()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        await test.Store.InTransaction(tx => tx.Append("hub", Some.Origin, "test.before", new { }));
        using var held = await Held.Of(test.Store, tx => tx.Append("hub", Some.Origin, "test.during", new { }));
        var folder = System.IO.Directory.CreateDirectory(Path.Combine(test.Options.DataFolder, "copy")).FullName;
        await test.Store.CopyTo(Path.Combine(folder, "countersign.db"), default);
        await held.Release();

        await using var copy = await Store.Open(new StoreOptions(folder, null), test.Clock);
        Assert.Equal("test.before", await copy.Read(r => r.Text("SELECT kind FROM events")));
        Assert.Equal(1, await copy.Read(r => r.Number("SELECT count(*) FROM events")));
    }
}
