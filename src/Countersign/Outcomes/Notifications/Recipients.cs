using System.Text.Json;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Outcomes.Notifications;

/// <summary>
/// Why a person hears of an event: they are asked, they asked, it was asked in their name, or they look after the hub.
/// </summary>
public enum NotificationReason
{
    Asked,
    Asking,
    Named,
    Alarm,
    Personal,
}

/// <summary>
/// Who hears of what. Those who can fill an open slot: that it opened, reminders, escalation. Whoever asks: comments
/// and the outcome, unless they did it themselves. Admins: what should not have happened.
/// </summary>
internal static class Recipients
{
    public const string SignInLink = "person.sign_in_link";

    private static readonly Dictionary<string, NotificationReason> ByKind = new()
    {
        ["request.submitted"] = NotificationReason.Asked,
        ["request.revised"] = NotificationReason.Asked,
        ["request.step_opened"] = NotificationReason.Asked,
        ["request.reminded"] = NotificationReason.Asked,
        ["request.escalated"] = NotificationReason.Asked,
        ["request.freed"] = NotificationReason.Asked,
        ["request.delegated"] = NotificationReason.Asked,
        ["request.reassigned"] = NotificationReason.Asked,
        ["request.checked"] = NotificationReason.Asked,
        ["request.commented"] = NotificationReason.Asking,
        ["request.approved"] = NotificationReason.Asking,
        ["request.rejected"] = NotificationReason.Asking,
        ["request.withdrawn"] = NotificationReason.Asking,
        ["request.breached"] = NotificationReason.Alarm,
        ["request.disowned"] = NotificationReason.Alarm,
        ["request.apply_failed"] = NotificationReason.Alarm,
        ["request.gate_undelivered"] = NotificationReason.Alarm,
        ["request.stuck"] = NotificationReason.Alarm,
        ["request.broke_glass"] = NotificationReason.Alarm,
        ["destination.dead"] = NotificationReason.Alarm,
        ["webhook.disabled"] = NotificationReason.Alarm,
        [SignInLink] = NotificationReason.Personal,
    };

    /// <summary>Every kind of event of which a person hears.</summary>
    public static IReadOnlySet<string> Kinds { get; } = ByKind.Keys.ToHashSet();

    public static NotificationReason? Why(string kind) => ByKind.TryGetValue(kind, out var why) ? why : null;

    /// <summary>The same for one receiver: of a new content, those in whose name it came hear as such.</summary>
    public static NotificationReason? Why(string kind, string receiver, ApprovalRequest? request) =>
        BringsContent(kind)
        && request?.Claim?.People.Any(p => receiver == Party.Person(p).Text && request.Bars(p)) == true
            ? NotificationReason.Named
        : kind == "request.apply_failed" && request?.RequesterId is { } asks && receiver == Party.Person(asks).Text
            ? NotificationReason.Asking
        : Why(kind);

    public static bool BringsContent(string kind) => kind is "request.submitted" or "request.revised";

    public static bool Settles(string kind) => kind is "request.approved" or "request.rejected" or "request.withdrawn";

    /// <summary>The parties whose answer is waited for now; none when nobody's is.</summary>
    public static async ValueTask<(
        ApprovalRequest Request,
        IReadOnlyList<Decision> Decisions,
        IReadOnlySet<string> Parties
    )?> Waiting(Reader reader, RequestId id)
    {
        if (await Request(reader, id) is not { IsSettled: false } request)
            return null;
        var decisions = await DecisionRow.Of(reader, id);
        var parties = RequestChange.WaitsFor(
            request.Policy,
            Weigh.Of(request, decisions, reader is Tx tx ? tx.Now : request.CreatedAt)
        );
        return parties.Count == 0 ? null : (request, decisions, parties);
    }

    /// <summary>The request as it stands, unlocked: telling of it must hold nobody up.</summary>
    public static async ValueTask<ApprovalRequest?> Request(Reader reader, RequestId id) =>
        (
            await reader.First<RequestRow>(
                $"SELECT {RequestRow.Columns} {RequestRow.From} WHERE r.id = @id",
                new { id }
            )
        )?.ToRequest();

    /// <summary>Those of the parties who may answer and have not, with their delegates.</summary>
    public static IReadOnlyCollection<long> People(
        ApprovalRequest request,
        IReadOnlyList<Decision> decisions,
        IEnumerable<string> parties,
        Pools pools
    )
    {
        var counting = Weigh.LatestThatCount(request, decisions);
        var delegates = ReviewerSeat.DelegatesOf(request, counting, pools);
        var people = new SortedSet<long>();
        var members = parties.SelectMany(party => pools.Of(new Party(party)));
        foreach (var person in members.Select(pools.Find).OfType<PoolMember>())
        {
            if (!delegates.HasDelegated(person.Id))
                people.Add(person.Id);
            if (delegates.Of(person) is { } other)
                people.Add(other.Id);
        }
        people.RemoveWhere(p => request.Bars(p) || counting.Exists(d => d.PersonId == p));
        return people;
    }

    /// <summary>Those to whom an event is news: of a delegation only the delegate.</summary>
    public static IReadOnlyCollection<long> Of(StoredEvent news, IReadOnlyCollection<long> people)
    {
        if (news.Kind != "request.delegated")
            return people;
        using var data = JsonDocument.Parse(news.Data);
        return data.RootElement.TryGetProperty("delegate", out var id)
            ? [.. people.Where(person => person == id.GetInt64())]
            : [];
    }

    /// <summary>
    /// Whether an event asks anyone. While LaunchDarkly is asked who asked and what changes, reviewers aren't: they
    /// are when it has answered, so that the first message has the change in words; and again where that led to
    /// other reviewers or dismissed what they had said.
    /// </summary>
    public static bool Asks(StoredEvent news)
    {
        if (!BringsContent(news.Kind) && news.Kind != "request.checked")
            return true;
        using var data = JsonDocument.Parse(news.Data);
        var isOpen = Check("check") != OpenCheck.None;
        return !isOpen
            && (
                news.Kind != "request.checked"
                || (Check("ended") & (OpenCheck.Requester | OpenCheck.Change)) != OpenCheck.None
                || Is("before", JsonValueKind.String)
                || Is("dismissed", JsonValueKind.True)
            );

        OpenCheck Check(string name) =>
            OpenChecks.Read(Is(name, JsonValueKind.String) ? data.RootElement.GetProperty(name).GetString() : null);

        bool Is(string name, JsonValueKind kind) =>
            data.RootElement.TryGetProperty(name, out var value) && value.ValueKind == kind;
    }

    /// <summary>
    /// Whoever asks, unless they did it themselves; or are told as an admin already, that it was approved past its
    /// policy.
    /// </summary>
    public static async ValueTask<IEnumerable<long>> Asker(Tx tx, ApprovalRequest request, StoredEvent news)
    {
        if ((request.RequesterId ?? request.CreatorId) is not { } asker || news.Actor == Actor.Person(asker).Text)
            return [];
        var isTold =
            news.Kind == "request.approved"
            && request.BrokeGlassAt is not null
            && (await Members(tx, Party.Admins.Text)).Contains(asker);
        return isTold ? [] : [asker];
    }

    /// <summary>Admins; of a webhook also whoever added it.</summary>
    public static async ValueTask<IReadOnlyCollection<long>> Alarmed(Reader reader, StoredEvent news)
    {
        var people = new SortedSet<long>(await Members(reader, Party.Admins.Text));
        if (
            news.Kind == "webhook.disabled"
            && await reader.Number(
                "SELECT owner_id FROM webhooks WHERE 'webhook:' || id = @subject",
                new { subject = news.Subject }
            )
                is > 0
                    and var owner
        )
        {
            people.Add(owner);
        }
        // The requester applies it by hand.
        if (
            news is { Kind: "request.apply_failed", Request: { } id }
            && await Request(reader, id) is { RequesterId: { } asks }
        )
        {
            people.Add(asks);
        }
        return people;
    }

    public static async ValueTask<IEnumerable<long>> Members(Reader reader, string party)
    {
        var colon = party.IndexOf(':', StringComparison.Ordinal);
        var id = colon < 0 ? 0 : long.Parse(party.AsSpan(colon + 1), System.Globalization.CultureInfo.InvariantCulture);
        return party == Party.Admins.Text
                ? (
                    await reader.All<IdRow>("SELECT id FROM people WHERE role = 'admin' AND disabled_at IS NULL")
                ).Select(r => r.Id)
            : party.StartsWith("group:", StringComparison.Ordinal)
                ? (
                    await reader.All<IdRow>("SELECT person_id AS id FROM members WHERE group_id = @id", new { id })
                ).Select(r => r.Id)
            : party.StartsWith("person:", StringComparison.Ordinal) ? [id]
            : [];
    }

    private sealed class IdRow
    {
        public long Id { get; init; }
    }
}
