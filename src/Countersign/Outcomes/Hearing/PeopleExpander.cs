using Countersign.Outcomes.Email;
using Countersign.Outcomes.Slack;
using Countersign.Storage;

namespace Countersign.Outcomes.Hearing;

/// <summary>
/// Tells people through the channels that are set up and that they have not switched off: by mail each of them, by chat
/// their group's channel where it has one, else each of them. One event reaches one person once through each channel.
/// </summary>
public sealed class PeopleExpander(MailOptions mail, SlackOptions slack, OutcomeOptions options) : IExpander
{
    public async ValueTask<Expand?> Listen(Tx tx)
    {
        if (!mail.IsSetUp && !slack.IsSetUp)
            return null;
        var muted = (await tx.All<MuteRow>("SELECT person_id, channel FROM mutes")).Select(m => (m.PersonId, m.Channel)).ToHashSet();
        return news => Expand(tx, news, muted);
    }

    private async ValueTask Expand(Tx tx, OutgoingEvent news, HashSet<(long, string)> muted)
    {
        switch (WhoHears.Why(news.Kind))
        {
            case Because.Asked when news.Request is { } id && await WhoHears.Waiting(tx, id) is var (request, decisions, parties):
                await Tell(tx, news, await WhoHears.People(tx, request, decisions, parties), muted, viaMail: true, viaChat: false);
                if (!slack.IsSetUp)
                    break;
                var inPerson = new List<string>();
                foreach (var party in parties)
                {
                    if (await ChannelOf(tx, party) is { } channel)
                        await Line.Add(tx, news, $"slack:{channel}", SlackChannel.ChannelName, SlackChannel.ChannelName);
                    else
                        inPerson.Add(party);
                }
                await Tell(tx, news, await WhoHears.People(tx, request, decisions, inPerson), muted, viaMail: false, viaChat: true);
                break;
            case Because.Asking when news.Request is { } id && await WhoHears.Request(tx, id) is { } request:
                await Tell(tx, news, WhoHears.Asker(request, news), muted, viaMail: true, viaChat: true);
                // Whoever was asked in chat sees there what became of it.
                if (WhoHears.Settles(news.Kind) && slack.IsSetUp)
                {
                    foreach (var shown in await tx.All<ChatRow>("SELECT receiver FROM chats WHERE request_id = @id", new { id }))
                        await Line.Add(tx, news, shown.Receiver, SlackChannel.ChannelName, SlackChannel.ChannelName);
                }
                break;
            case Because.Alarm:
                await Tell(tx, news, await WhoHears.Admins(tx, news), muted, viaMail: true, viaChat: true, urgent: true);
                break;
            case Because.Personal when mail.IsSetUp:
                await Line.Add(tx, news, news.Subject, MailChannel.ChannelName, MailChannel.ChannelName);
                break;
        }
    }

    private async ValueTask Tell(Tx tx, OutgoingEvent news, IEnumerable<long> people, HashSet<(long, string)> muted, bool viaMail, bool viaChat, bool urgent = false)
    {
        foreach (var person in people)
        {
            if (await tx.Number("SELECT count(*) FROM people WHERE id = @person AND disabled_at IS NULL AND email IS NOT NULL", new { person }) == 0)
                continue;
            foreach (var channel in Channels(viaMail, viaChat))
            {
                if (muted.Contains((person, channel)))
                    continue;
                if (urgent)
                    await Line.Add(tx, news, $"person:{person}", channel, channel);
                else
                    await Quiet.Add(tx, news, $"person:{person}", channel, options);
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

    private async ValueTask<string?> ChannelOf(Tx tx, string party)
    {
        if (slack.Channels.Count == 0)
            return null;
        var name = party == "admins" ? "admins"
            : party.StartsWith("group:", StringComparison.Ordinal) ? await tx.Text("SELECT name FROM groups WHERE 'group:' || id = @party", new { party })
            : null;
        return name is null ? null : slack.ChannelOf(name);
    }

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
