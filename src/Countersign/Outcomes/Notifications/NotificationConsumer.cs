using Countersign.Outcomes.Email;
using Countersign.Outcomes.Slack;
using Countersign.Outcomes.Webhooks;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes.Notifications;

/// <summary>
/// Tells people through the channels that are set up and that they have not switched off: by mail each of them, by chat
/// their group's channel where it has one, else each of them. One event reaches one person once through each channel.
/// </summary>
public sealed class NotificationConsumer(MailOptions mail, SlackOptions slack, OutcomeOptions options) : ILogConsumer
{
    internal const string ConsumerName = "notifications";

    public string Name => ConsumerName;

    public IReadOnlySet<string> Kinds => Recipients.Kinds;

    public async ValueTask<HandleEvent?> Begin(Tx tx)
    {
        if (!mail.IsSetUp && !slack.IsSetUp)
            return null;
        var muted = (await tx.All<MuteRow>("SELECT person_id, channel FROM mutes"))
            .Select(m => (m.PersonId, m.Channel))
            .ToHashSet();
        // One look at who is where serves all events of the transaction, and only those that need it.
        Pools? pools = null;
        return news =>
            WebhookConsumer.IsByAdmin(news)
                ? ValueTask.CompletedTask
                : Expand(tx, news, muted, async () => pools ??= await PoolRows.All(tx));
    }

    private async ValueTask Expand(Tx tx, StoredEvent news, HashSet<(long, string)> muted, Func<Task<Pools>> pools)
    {
        if (
            Recipients.BringsContent(news.Kind)
            && news.Request is { } claimed
            && await Recipients.Request(tx, claimed) is { Certainty: Certainty.Claimed, Claim: { } claim }
        )
        {
            await Tell(tx, news, claim.People, muted, viaMail: true, viaChat: true);
        }
        switch (Recipients.Why(news.Kind))
        {
            case NotificationReason.Asked
                when news.Request is { } id
                    && Recipients.Asks(news)
                    && await Recipients.Waiting(tx, id) is var (request, decisions, parties):
                var asked = Recipients.Of(news, Recipients.People(request, decisions, parties, await pools()));
                await Tell(tx, news, asked, muted, viaMail: true, viaChat: false);
                // A delegation is between two people, and nothing that their group has to be told.
                IEnumerable<string> channels = news.Kind == "request.delegated" ? [] : parties;
                await Show(tx, news, channels, asked, muted, slack.ChannelOf, urgent: false);
                break;
            case NotificationReason.Asking
                when news.Request is { } id && await Recipients.Request(tx, id) is { } request:
                await Tell(tx, news, await Recipients.Asker(tx, request, news), muted, viaMail: true, viaChat: true);
                // Whoever was asked in chat sees there what became of it.
                if (Recipients.Settles(news.Kind) && slack.IsSetUp)
                {
                    foreach (
                        var shown in await tx.All<ChatRow>(
                            "SELECT receiver FROM chats WHERE request_id = @id",
                            new { id }
                        )
                    )
                    {
                        await DeliveryJob.Add(
                            tx,
                            news,
                            shown.Receiver,
                            SlackChannel.ChannelName,
                            SlackChannel.ChannelName
                        );
                    }
                }
                break;
            case NotificationReason.Alarm:
                var alarmed = await Recipients.Alarmed(tx, news);
                await Tell(tx, news, alarmed, muted, viaMail: true, viaChat: false, urgent: true);
                await Show(tx, news, [Party.Admins.Text], alarmed, muted, slack.OwnChannelOf, urgent: true);
                break;
            case NotificationReason.Personal when mail.IsSetUp:
                await DeliveryJob.Add(tx, news, news.Subject, MailChannel.ChannelName, MailChannel.ChannelName);
                break;
        }
    }

    private async ValueTask Tell(
        Tx tx,
        StoredEvent news,
        IEnumerable<long> people,
        HashSet<(long, string)> muted,
        bool viaMail,
        bool viaChat,
        bool urgent = false
    )
    {
        foreach (var person in people)
        {
            if (
                await tx.Number(
                    "SELECT count(*) FROM people WHERE id = @person AND disabled_at IS NULL AND email IS NOT NULL",
                    new { person }
                ) == 0
            )
            {
                continue;
            }
            foreach (var channel in Channels(viaMail, viaChat))
            {
                if (!muted.Contains((person, channel)))
                    await Send(tx, news, $"person:{person}", channel, urgent);
            }
        }
    }

    private IEnumerable<string> Channels(bool viaMail, bool viaChat)
    {
        if (viaMail && mail.IsSetUp)
            yield return MailChannel.ChannelName;
        if (viaChat && slack.IsSetUp)
            yield return SlackChannel.ChannelName;
    }

    /// <summary>
    /// In the channels that these parties have; and to each of the people who is not in one of those parties.
    /// </summary>
    private async ValueTask Show(
        Tx tx,
        StoredEvent news,
        IEnumerable<string> parties,
        IEnumerable<long> people,
        HashSet<(long, string)> muted,
        Func<string, string?> channelOf,
        bool urgent
    )
    {
        if (!slack.IsSetUp)
            return;
        var reached = new HashSet<long>();
        foreach (var party in parties)
        {
            if (await NameOf(tx, party) is not { } name || channelOf(name) is not { } channel)
                continue;
            await Send(tx, news, $"slack:{channel}", SlackChannel.ChannelName, urgent);
            reached.UnionWith(await Recipients.Members(tx, party));
        }
        await Tell(tx, news, people.Where(p => !reached.Contains(p)), muted, viaMail: false, viaChat: true, urgent);
    }

    private ValueTask Send(Tx tx, StoredEvent news, string receiver, string channel, bool urgent) =>
        urgent
            ? DeliveryJob.Add(tx, news, receiver, channel, channel)
            : NotificationThrottle.Add(tx, news, receiver, channel, options);

    /// <summary>What a party is called where channels are listed; people have none.</summary>
    private static async ValueTask<string?> NameOf(Tx tx, string party) =>
        party == Party.Admins.Text ? "admins"
        : party.StartsWith("group:", StringComparison.Ordinal)
            ? await tx.Text("SELECT name FROM groups WHERE 'group:' || id = @party", new { party })
        : null;

    private sealed class MuteRow
    {
        public long PersonId { get; init; }
        public required string Channel { get; init; }
    }

    private sealed class ChatRow
    {
        public required string Receiver { get; init; }
    }
}
