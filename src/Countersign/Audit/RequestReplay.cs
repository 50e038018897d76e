using System.Text.Json;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>What a request must look like if its events are true. They are told to it one by one, in order.</summary>
internal sealed class RequestReplay(string id)
{
    private Told _content = new();
    private bool _begun;
    private string? _createdAt;
    private string? _settledAt;
    private string? _appliedAt;
    private string? _breachedAt;
    private string? _stamp;
    private string? _expires;
    private string? _stuck;
    private string? _certainty;
    private string? _requesterName;
    private OpenCheck _openCheck;
    private long _reading = 1;
    private RequesterClaim? _claim;
    private long? _requester;
    private long[] _barred = [];
    private List<Delegation> _delegations = [];

    /// <summary>As they were before the event that was taken last: it may rest on them and end them.</summary>
    private List<Delegation> _delegationsBefore = [];

    public string Id => id;
    public DueTimesReplay Due { get; } = new();
    public Status Status { get; private set; }

    /// <summary>What LaunchDarkly's instructions are, as they were read last; null where they weren't.</summary>
    public string? ChangeDigest { get; private set; }

    /// <summary>When LaunchDarkly was last asked to the end; null: never.</summary>
    public string? CheckedAt { get; private set; }

    /// <summary>What policies could ask about the change as it was read last; null where it wasn't.</summary>
    public string? FactsOfChange { get; set; }
    public string Stamp => _stamp ?? "";
    public string? SettledAt => _settledAt;
    public string? HowCertain => _certainty;
    public long? Requester => _requester;
    public bool IsRequesterUnknown => _certainty == Policies.Certainty.None.ToWireName();
    public string? BrokeGlassAt { get; private set; }
    public bool HasRequester => _claim is { People.Count: > 0 };
    public string? Expires => _expires;
    public string? ContentAt { get; private set; }

    /// <summary>
    /// Whether its policy is still the one with which its content came, but for what an unknown requester costs.
    /// </summary>
    public bool HasPolicyOfItsContent { get; private set; }

    /// <summary>People who may see it because they sent it, asked, or because it was opened in their name.</summary>
    public HashSet<string> Sees { get; } = [];

    /// <summary>Its source and its requester, who see it without a row in parties.</summary>
    public IReadOnlyList<string> SeesByItself =>
        [Party.Source(_content.Source ?? 0).Text, Party.Person(_requester ?? 0).Text];
    public IReadOnlyList<long> Barred => _barred;

    /// <summary>Seats that their holders have given to others.</summary>
    public IReadOnlyList<Delegation> Delegations => _delegations;

    public Told Content => _content;

    /// <summary>Whether its events hold all that verification relies on, or began before they did.</summary>
    public bool IsOfThisForm { get; private set; }
    public string Facts { get; set; } = "{}";

    /// <summary>Who approved it past its policy.</summary>
    public string? Overrider { get; set; }
    public List<Decision> Decisions { get; } = [];

    /// <summary>Its first events, where they were archived.</summary>
    public List<StoredEvent> Archived { get; } = [];

    /// <summary>What was said when they were.</summary>
    public ArchiveStatement? Statement { get; private set; }

    /// <summary>Texts were replaced because they named a person who was erased.</summary>
    public bool IsRedacted { get; set; }

    /// <summary>Of an archived one, a hash over who asked.</summary>
    public string? Asked { get; private set; }
    public string? AppliedAt => _appliedAt;
    public string? BreachedAt => _breachedAt;

    /// <summary>Events that brought a content of which the body is no longer there.</summary>
    public List<StoredEvent> WithoutBody { get; } = [];

    /// <summary>What destinations were told to have opened and answered, by destination and content.</summary>
    public List<RecordedLink> Links { get; } = [];

    /// <summary>All policies that it was ever stamped with.</summary>
    public HashSet<string> Stamps { get; } = [];

    public static Told Read(string data) => EventData.Read<Told>(data);

    public static bool Settles(StoredEvent next) =>
        next.Kind is "request.approved" or "request.rejected" or "request.withdrawn";

    public static bool BringsContent(StoredEvent next) => next.Kind is "request.submitted" or "request.revised";

    /// <summary>Goes on where an archived request stood.</summary>
    public void Resume(ArchiveStatement told)
    {
        (Statement, Asked, _begun) = (told, told.Asked, true);
        Status =
            WireNames.StatusOf(told.Status ?? "")
            ?? throw new FormatException("It was archived with an invalid status.");
        (_settledAt, _appliedAt, _breachedAt, _stamp) = (told.Settled, told.Applied, told.Breached, told.Stamp);
        _content = new Told
        {
            Revision = told.Revision,
            Digest = told.Digest,
            Ticket = told.Ticket,
        };
    }

    /// <summary>Null, or what is wrong with this event after those before it.</summary>
    public string? Take(StoredEvent next, Told told)
    {
        _delegationsBefore = _delegations;
        if (!_begun != (next.Kind == "request.submitted"))
        {
            return _begun
                ? "submits a request that was there already."
                : $"is the first of request {id}, but does not submit it.";
        }
        if (BringsContent(next))
        {
            if (told.Revision != (_content.Revision ?? 0) + 1 || Status != Status.Active)
                return $"brings revision {told.Revision}, which cannot follow.";
            if (TakeRequester(told) is { } unbarred)
                return unbarred;
            _content = told;
            ContentAt = next.At;
            HasPolicyOfItsContent = true;
            // A source's service person stands as creator and never looks.
            var sender = next.Actor == Actor.Source(told.Source ?? 0).Text ? 0 : told.Creator ?? 0;
            foreach (var person in new[] { sender, told.Requester ?? 0 }.Concat(_claim?.People ?? []))
            {
                if (person != 0)
                    Sees.Add(Party.Person(person).Text);
            }
            IsOfThisForm |= told.Form >= NewRequestDraft.EventForm;
            (_stamp, _expires, _stuck) = (told.Stamp, told.Expires, null);
            (_openCheck, _reading, ChangeDigest, FactsOfChange) = (OpenChecks.Read(told.Check), 1, null, null);
            _requesterName = told.RequesterName;
        }
        if (TakeCheck(next, told) is { } unasked)
            return unasked;
        if (TakePolicy(next, told) is { } wrong)
            return wrong;
        if (TakeDoubt(next, told) is { } doubtful)
            return doubtful;
        if (TakeSeats(next, told) is { } misplaced)
            return misplaced;
        if (_stamp is { } stamp)
            Stamps.Add(stamp);
        if (told.Answer is { } answer)
        {
            if (WireNames.AnswerOf(answer) is null)
                return "contains an invalid decision.";
            if (Status != Status.Active)
                return "answers a request that was settled.";
            if (told.Revision != _content.Revision || told.Digest != _content.Digest || (told.Reading ?? 1) != _reading)
                return "answers a content that was not the current one.";
        }
        if (Settles(next) && next.Kind != $"request.{told.Status}")
            return "says otherwise than its kind what the request became.";
        if (told.Status is { } word)
        {
            if (WireNames.StatusOf(word) is not { } status)
                return "names an invalid status.";
            if (status == Status && Settles(next))
                return $"settles a request as {word}, which it was already.";
            if (status != Status)
            {
                if (!Lawful(status))
                    return $"turns {Status.ToWireName()} into {word}, which the law of states forbids.";
                if (!Settles(next))
                    return $"turns {Status.ToWireName()} into {word}, but is of a kind that doesn't.";
                if (status == Status.Approved && _openCheck != OpenCheck.None)
                    return "approves a request about which LaunchDarkly was still asked.";
                (Status, _settledAt, _stuck) = (status, next.At, null);
                (_openCheck, _delegations) = (OpenCheck.None, []);
            }
        }
        if (
            next.Kind == "request.breached"
            && told.ApprovedByRequester is not null
            && Status == Status.Approved
            && _breachedAt is null
            && _appliedAt is not null
        )
        {
            _breachedAt = next.At;
        }
        else if (next.Kind is "request.applied" or "request.redeemed" or "request.breached")
        {
            if (_appliedAt is not null)
                return "applies a request that was applied before.";
            if (next.Kind != "request.breached" != (Status == Status.Approved))
            {
                return "takes an application as "
                    + $"{(Status == Status.Approved ? "a breach of what was" : "one of something")} approved.";
            }
            _appliedAt = next.At;
            _breachedAt = next.Kind == "request.breached" ? next.At : null;
        }
        _createdAt ??= next.At;
        _begun = true;
        return null;
    }

    /// <summary>Who asks for a content. An event from before that was kept says it in fewer words.</summary>
    private string? TakeRequester(Told told)
    {
        if (told.Certainty is not null && _barred.Except(told.Barred ?? []).Any())
            return "lets people decide who were barred before.";
        (_requester, _barred) = (told.Requester, told.Barred ?? []);
        _claim = RequesterClaim.Read(told.Claim);
        _certainty =
            told.Certainty
            ?? (
                told.SentBy != "launchdarkly" && (told.Requester is null || told.Requester == told.Creator) ? "proven"
                : _barred.Length == 0 ? "none"
                : "claimed"
            );
        return null;
    }

    /// <summary>A person says that it was not they, or turns out to have asked.</summary>
    private string? TakeDoubt(StoredEvent next, Told told)
    {
        if (next.Kind == "request.barred")
        {
            if (_barred.Except(told.Barred ?? []).Any())
                return "lets people decide who were barred before.";
            _barred = told.Barred ?? [];
        }
        if (next.Kind == "request.disowned" && Statement is not null)
        {
            // Who asked is not known any more. That it is only ever said by the person themselves still is.
            Asked = ArchiveStatement.AskedOf(told.Requester, told.Certainty, told.Claim);
            return told.Person is { } speaker && next.Actor == Actor.Person(speaker).Text
                ? null
                : "disowns the request for someone else.";
        }
        if (next.Kind == "request.disowned")
        {
            if (
                told.Person is not { } person
                || next.Actor != Actor.Person(person).Text
                || _claim?.People.Contains(person) != true
            )
            {
                return "disowns the request for someone in whose name it wasn't opened.";
            }
            _claim = _claim.DisownedBy(person);
            _requester = _claim.People is [var one] ? one : null;
            _certainty = (_claim.People.Count == 0 ? Certainty.None : Certainty.Claimed).ToWireName();
            if (
                IsRedacted
                && RequesterClaim.Read(told.Claim) is { } now
                && now.People.SequenceEqual(_claim.People)
                && now.Disowned.SequenceEqual(_claim.Disowned)
            )
            {
                _claim = now;
            }
            if (told.Claim != _claim.ToText() || told.Certainty != _certainty || told.Requester != _requester)
                return "disowns the request in a way that does not follow from what was claimed.";
            _stamp = told.Stamp;
        }
        return null;
    }

    /// <summary>LaunchDarkly is asked, or was.</summary>
    private string? TakeCheck(StoredEvent next, Told told)
    {
        if (next.Kind is "request.answered" or "request.answer_kept" && told.Check is { } opened)
        {
            var check = OpenChecks.Read(opened);
            if (_openCheck != OpenCheck.None && check != _openCheck)
                return "asks LaunchDarkly for something else than was open.";
            _openCheck = check;
        }
        if (next.Kind != "request.checked")
            return null;
        var ended = OpenChecks.Read(told.Ended);
        if (
            next.Actor != Actor.Hub.Text
            || Status != Status.Active
            || told.Revision != _content.Revision
            || ended == OpenCheck.None
            || (_openCheck & ended) != ended
            || OpenChecks.Read(told.Check) != (_openCheck & ~ended)
        )
        {
            return "ends asking LaunchDarkly, of which nothing was open.";
        }
        var hasAsked = ended.HasFlag(OpenCheck.Requester);
        if (
            _barred.Except(told.Barred ?? []).Any()
            || (
                !hasAsked
                && (
                    told.Requester != _requester
                    || told.RequesterName != _requesterName
                    || told.Certainty != _certainty
                    || told.Claim != _claim?.ToText()
                    || !_barred.SequenceEqual(told.Barred ?? [])
                )
            )
        )
        {
            return "says otherwise who asked, without having been told.";
        }
        var hasRead = (ended & (OpenCheck.Change | OpenCheck.Comparison)) != OpenCheck.None;
        if (
            told.Reading != _reading
                && (told.Reading != _reading + 1 || ChangeDigest is null || told.Change == ChangeDigest)
            || (!hasRead && told.Change != ChangeDigest)
            || (
                told.Reading == _reading
                && ChangeDigest is not null
                && told.Change != ChangeDigest
                && told.Change != null
            )
        )
        {
            return "counts another change than the one that was read.";
        }
        (_requester, _requesterName, _certainty) = (told.Requester, told.RequesterName, told.Certainty);
        (_barred, _claim) = (told.Barred ?? [], RequesterClaim.Read(told.Claim));
        if (told.Requester is { } requester)
            Sees.Add(Party.Person(requester).Text);
        (_openCheck, _reading, ChangeDigest) = (OpenChecks.Read(told.Check), told.Reading ?? 1, told.Change);
        (_stamp, _expires, _stuck, CheckedAt) = (told.Stamp, told.Expires, null, next.At);
        if (told.Changes is not null || told.Change is null)
            FactsOfChange = null;
        return null;
    }

    /// <summary>A seat is given to another, or taken back.</summary>
    private string? TakeSeats(StoredEvent next, Told told)
    {
        if (next.Kind is not ("request.delegated" or "request.delegation_revoked"))
            return null;
        if (Status != Status.Active)
            return "delegates a review of a request that was settled.";
        if (
            told is not { Person: { } person, Delegate: { } other }
            || (next.Actor != Actor.Person(person).Text && next.Actor != Actor.Operator.Text)
        )
        {
            return "delegates a review in the name of another.";
        }
        var delegation = new Delegation(person, other);
        if (next.Kind == "request.delegation_revoked")
        {
            if (!_delegations.Contains(delegation))
                return "takes back a review that was not delegated.";
            _delegations = [.. _delegations.Where(d => d != delegation)];
            return null;
        }
        if (_delegations.Exists(d => d.PersonId == person || d.DelegateId == other))
            return "delegates a review that was delegated already, or to someone who has one.";
        _delegations = [.. _delegations, delegation];
        return null;
    }

    /// <summary>What happens to a request by its policy, and to its policy.</summary>
    private string? TakePolicy(StoredEvent next, Told told)
    {
        switch (next.Kind)
        {
            case "request.restamped"
            or "request.reassigned"
            or "request.escalated"
            or "request.stuck"
            or "request.broke_glass" when Status != Status.Active:
                return "comes after the request was settled.";
            case "request.restamped":
                HasPolicyOfItsContent = false;
                (_stamp, _expires, _stuck) = (told.Stamp, told.Expires, null);
                break;
            case "request.escalated":
                _stamp = told.Stamp;
                break;
            case "request.reassigned":
                (_stamp, _stuck, _delegations) = (told.Stamp, null, []);
                _content = _content with { AssigneeUser = told.AssigneeUser, AssigneeGroup = told.AssigneeGroup };
                break;
            case "request.stuck":
                _stuck = new Blocked(told.Why ?? "", told.Fix ?? "").ToText();
                break;
            case "request.freed":
                _stuck = null;
                break;
            case "request.broke_glass":
                BrokeGlassAt = next.At;
                break;
        }
        return null;
    }

    public Verdict Weighed(Policy policy, IReadOnlyList<Decision> decisions, DateTimeOffset now) =>
        Weigh.Of(AsRequest(policy), decisions, now);

    /// <summary>As far as weighing it goes.</summary>
    public ApprovalRequest AsRequest(Policy policy) =>
        new()
        {
            ExpiresAt = _expires is null ? null : Instant.Parse(_expires),
            Id = default,
            SourceId = 0,
            SentBy = SentBy.Api,
            Status = Status.Active,
            Display = "",
            Revision = (int)(_content.Revision ?? 0),
            Digest = _content.Digest ?? "",
            Policy = policy,
            Barred = _barred,
            OpenCheck = _openCheck,
            Reading = (int)_reading,
            ChangeDigest = ChangeDigest,
            Delegations = _delegationsBefore,
            Subject = "",
            RequesterName = "",
            CreatedAt = default,
            Head = Head.None,
        };

    /// <summary>Column by column: as the row has it, and as the events have it.</summary>
    public (string Column, string? Stored, string? Told)[] Expected(RequestState row) =>
        [
            ("status", row.Status, Status.ToWireName()),
            ("revision", $"{row.Revision}", $"{_content.Revision}"),
            ("digest", row.Digest, _content.Digest),
            ("stamp", row.Stamp, _stamp),
            ("barred", row.Barred, RequestRow.WriteNumbers(_barred)),
            ("subject", row.Subject, _content.Subject),
            ("source_id", $"{row.SourceId}", $"{_content.Source}"),
            ("external_id", row.ExternalId, _content.External),
            ("sent_by", row.SentBy, _content.SentBy),
            ("creator_id", $"{row.CreatorId}", $"{_content.Creator}"),
            ("requester_id", $"{row.RequesterId}", $"{_requester}"),
            ("requester_name", row.RequesterName, _requesterName),
            ("certainty", row.Certainty, _certainty),
            ("claim", row.Claim, _claim?.ToText()),
            ("assignee_user", $"{row.AssigneeUser}", $"{_content.AssigneeUser}"),
            ("assignee_group", $"{row.AssigneeGroup}", $"{_content.AssigneeGroup}"),
            ("ticket_id", $"{row.TicketId}", $"{_content.Ticket}"),
            ("created_at", row.CreatedAt, _createdAt),
            ("expires_at", row.ExpiresAt, _expires),
            ("settled_at", row.SettledAt, _settledAt),
            ("applied_at", row.AppliedAt, _appliedAt),
            ("breached_at", row.BreachedAt, _breachedAt),
            ("broke_glass_at", row.BrokeGlassAt, BrokeGlassAt),
            ("stuck", row.Stuck, _stuck),
            ("open_check", row.OpenCheck, _openCheck.ToText()),
            ("reading", $"{row.Reading}", $"{_reading}"),
            ("change_digest", row.ChangeDigest, ChangeDigest),
            ("delegations", row.Delegations, RequestRow.WriteDelegations(_delegations)),
        ];

    private bool Lawful(Status next) =>
        (Status, next) switch
        {
            (Status.Active, _) => true,
            (Status.Approved, Status.Withdrawn) => _appliedAt is null,
            _ => false,
        };

    /// <summary>How an event that settles a request says that came (<see cref="SettledStory"/>).</summary>
    internal readonly record struct Recount(JsonElement Of)
    {
        public List<RecountedAnswer> Answers =>
            Of.TryGetProperty("answers", out var all) && all.ValueKind == JsonValueKind.Array
                ? [.. all.EnumerateArray().Select(a => new RecountedAnswer(new Recount(a)))]
                : [];

        public long? Number(string name) =>
            Member(name) is { ValueKind: JsonValueKind.Number } found && found.TryGetInt64(out var n) ? n : null;

        public string? Text(string name) =>
            Member(name) is { ValueKind: JsonValueKind.String } found ? found.GetString() : null;

        public JsonElement? Member(string name) =>
            Of.ValueKind == JsonValueKind.Object && Of.TryGetProperty(name, out var found) ? found : null;
    }

    internal readonly record struct RecountedAnswer(Recount Of)
    {
        public long? N => Of.Number("n");

        public bool Is(Decision decision, IReadOnlyList<int> steps) =>
            N == decision.N
            && Of.Number("person") == decision.PersonId
            && Of.Text("answer") == decision.Answer.ToWireName()
            && Of.Number("for") == decision.ForPerson
            && Of.Number("revision") == decision.Revision
            && Of.Text("digest") == decision.Digest
            && Of.Text("via") == decision.Via
            && Of.Text("at") == Instant.ToText(decision.At)
            && Of.Member("steps") is { ValueKind: JsonValueKind.Array } said
            && said.EnumerateArray().Select(s => s.GetRawText()).SequenceEqual(steps.Select(s => $"{s}"));
    }

    /// <summary>What events of requests say, as far as a request follows from it.</summary>
    internal sealed record Told
    {
        public string? Status { get; init; }
        public long? Form { get; init; }

        // Submitted, revised, answered
        public long? Revision { get; init; }
        public string? Digest { get; init; }

        // Submitted, revised
        public string? Subject { get; init; }
        public string? Content { get; init; }
        public string? Stamp { get; init; }
        public long[]? Barred { get; init; }
        public long? Source { get; init; }
        public string? External { get; init; }
        public string? SentBy { get; init; }
        public long? Creator { get; init; }
        public long? Requester { get; init; }
        public string? RequesterName { get; init; }
        public string? Certainty { get; init; }
        public string? Claim { get; init; }
        public long? AssigneeUser { get; init; }
        public long? AssigneeGroup { get; init; }
        public long? Ticket { get; init; }
        public string? Expires { get; init; }

        // Answered, commented
        public long? N { get; init; }
        public long? Person { get; init; }
        public string? Answer { get; init; }
        public string? Note { get; init; }
        public int[]? Steps { get; init; }
        public long? Disablings { get; init; }
        public string? Text { get; init; }
        public long? For { get; init; }

        // Checked, and what leads to that
        public string? Check { get; init; }
        public string? Ended { get; init; }
        public long? Reading { get; init; }
        public string? Change { get; init; }
        public string? Changes { get; init; }
        public long[]? ApprovedByRequester { get; init; }

        // Delegated, taken back
        public long? Delegate { get; init; }

        // Stuck, escalated, broke glass
        public string? Why { get; init; }
        public string? Fix { get; init; }
        public int? Step { get; init; }
        public string? Reason { get; init; }

        // Of a destination
        public string? Destination { get; init; }
        public string? ExternalId { get; init; }
        public string? Url { get; init; }
        public bool Approves { get; init; }

        // Settled
        public JsonElement? Story { get; init; }
    }
}

/// <summary>The question about one content at one destination, as events tell of it.</summary>
/// <param name="EventId">Of two that tell of an id, the later one holds.</param>
/// <param name="Content">Null in events of an earlier form.</param>
internal sealed record RecordedLink(
    long EventId,
    long Destination,
    long? Content,
    string? ExternalId,
    string? Url,
    string? Answer
);
