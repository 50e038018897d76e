using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;
using Xunit;

namespace Countersign.Tests;

/// <summary>A hub where nothing happens asks its database little, and hears at once when something does.</summary>
public sealed class IdleTests
{
    [Theory, PostgresOnly]
    public async Task Idle_nodes_ask_little_beside_whether_people_and_keys_are_still_the_same(Engine engine)
    {
        await using var one = await ApiHost.Start(engine);
        await using var two = await ApiHost.Start(one.Hub);
        using var asked = new Statements(one.Hub.Place);
        // What starting leaves to do is done, and then each node looks at people and keys once a second.
        await asked.Looks(8);
        asked.Clear();
        await asked.Looks(16);
        var all = asked.All;
        var looks = all.Count(Statements.IsLook);
        Assert.True(
            all.Count <= 6 * looks,
            $"{all.Count} statements for {looks} looks:\n"
                + string.Join(
                    '\n',
                    all.GroupBy(s => s).OrderByDescending(g => g.Count()).Select(g => $"{g.Count()} {g.Key}")
                )
        );
    }

    [Theory, PostgresOnly]
    public async Task What_the_command_line_did_has_its_position_when_it_ends(Engine engine)
    {
        await using var shell = await Cli.Shell.Start(engine);
        await shell.Json("user", "add", "ada@example.test", "--name", "Ada");
        Assert.NotEqual(0, await shell.Place.Count("events"));
        Assert.Equal(0, await shell.Place.Number("SELECT count(*) FROM events WHERE position IS NULL"));
    }

    /// <summary>The statements to one database, as the driver's traces tell them.</summary>
    private sealed class Statements : IDisposable
    {
        private readonly ConcurrentQueue<string> _all = new();
        private readonly ActivityListener _listener;

        public Statements(TestStore place)
        {
            var name = new NpgsqlConnectionStringBuilder(place.Options.Database).Database;
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == "Npgsql",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = activity =>
                {
                    if ((activity.GetTagItem("db.namespace") ?? activity.GetTagItem("db.name")) as string == name)
                        _all.Enqueue(TextOf(activity));
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public IReadOnlyCollection<string> All => _all;

        public static bool IsLook(string text) => text.Contains("FROM signals", StringComparison.Ordinal);

        public void Clear() => _all.Clear();

        public Task Looks(int count) =>
            Eventually.True(() => _all.Count(IsLook) >= count, $"people and keys were looked at {count} times");

        public void Dispose() => _listener.Dispose();

        private static string TextOf(Activity activity) =>
            (activity.GetTagItem("db.query.text") ?? activity.GetTagItem("db.statement")) as string
            ?? activity.DisplayName;
    }
}
