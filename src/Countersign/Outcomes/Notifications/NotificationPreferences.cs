using Countersign.Storage;

namespace Countersign.Outcomes.Notifications;

/// <summary>
/// Each person can switch a channel off for themselves; what they have to decide waits on their page all the same.
/// </summary>
public sealed class NotificationPreferences(Store store)
{
    public static readonly IReadOnlyList<string> Channels = ["mail", "slack"];

    /// <summary>By channel: whether it is on.</summary>
    public async ValueTask<IReadOnlyDictionary<string, bool>> Of(long person, CancellationToken cancel)
    {
        var off = await store.Read(
            reader => reader.All<Row>("SELECT channel FROM mutes WHERE person_id = @person", new { person }),
            cancel
        );
        return Channels.ToDictionary(c => c, c => !off.Exists(o => o.Channel == c));
    }

    public Task Set(long person, string channel, bool isOn, Origin origin, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                var changed = isOn
                    ? await tx.Execute(
                        "DELETE FROM mutes WHERE person_id = @person AND channel = @channel",
                        new { person, channel }
                    )
                    : await tx.Execute(
                        """
                        INSERT INTO mutes (person_id, channel) VALUES (@person, @channel)
                        ON CONFLICT (person_id, channel) DO NOTHING
                        """,
                        new { person, channel }
                    );
                if (changed == 1)
                {
                    await tx.Append(
                        $"person:{person}",
                        origin,
                        isOn ? "person.channel_on" : "person.channel_off",
                        new { channel }
                    );
                }
            },
            cancel
        );

    private sealed class Row
    {
        public required string Channel { get; init; }
    }
}
