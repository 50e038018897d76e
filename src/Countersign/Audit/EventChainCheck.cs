using System.Text.Json;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Follows every history from its first event to its last and holds beside it what the other tables say. First those
/// of people and of everything else, then those of requests, since whether an answer was good depends on who was what
/// at that moment. All tables are read in the order of subjects, so each row is met exactly when its event is.
/// </summary>
/// <param name="key">With which statements about archived requests are signed; null where that is not looked
/// at.</param>
/// <param name="passed">Hears now and then how many events were looked at.</param>
internal sealed class EventChainCheck(
    Reader reader,
    ProblemList problems,
    bool checksPolicies,
    string now,
    CancellationToken cancel,
    SealKey? key = null,
    Action<long>? passed = null
)
{
    /// <summary>How many were followed.</summary>
    public long Events { get; private set; }

    /// <summary>
    /// In the order of bytes, in which both engines compare: before and after the subjects of requests, and after
    /// all.
    /// </summary>
    private const string OfRequest = "request:",
        AfterRequests = "request;",
        Last = "\U0010FFFF";

    private readonly Rows<RequestState> _requests = new(
        Pages.Each<RequestState, IdKey>(
            reader,
            $"SELECT {RequestState.Columns} FROM requests r WHERE id > @Id ORDER BY id",
            new IdKey(""),
            r => new IdKey(r.Id),
            1_000,
            cancel
        )
    );

    private readonly Rows<RevisionState> _revisions = new(
        Pages.Each<RevisionState, PartKey>(
            // Bodies may be large, so fewer of them.
            reader,
            RevisionState.PageText,
            PartKey.First,
            r => new PartKey(r.RequestId, r.N),
            100,
            cancel
        )
    );

    private readonly Rows<DecisionState> _decisions = new(
        Pages.Each<DecisionState, PartKey>(
            reader,
            DecisionState.PageText,
            PartKey.First,
            r => new PartKey(r.RequestId, r.N),
            1_000,
            cancel
        )
    );

    private readonly Rows<CommentState> _comments = new(
        Pages.Each<CommentState, PartKey>(
            reader,
            PartText("actor, text, via, at", "comments"),
            PartKey.First,
            r => new PartKey(r.RequestId, r.N),
            1_000,
            cancel
        )
    );

    private readonly Rows<ChangeState> _changes = new(
        Pages.Each<ChangeState, ChangeKey>(
            reader,
            """
            SELECT request_id, revision, n AS reading, revision * 1000000 + n AS n, digest, changes, facts,
              read_at AS at
            FROM request_changes
            WHERE (request_id, revision, n) > (@RequestId, @Revision, @Reading)
            ORDER BY request_id, revision, n
            """,
            new ChangeKey("", long.MinValue, 0),
            r => new ChangeKey(r.RequestId, r.Revision, r.Reading),
            100,
            cancel
        )
    );

    private readonly Rows<LinkState> _links = new(
        Pages.Each<LinkState, LinkKey>(
            reader,
            """
            SELECT request_id, revision AS n, destination_id, external_id, url, answer, created_at AS at FROM links
            WHERE (request_id, revision, destination_id) > (@RequestId, @N, @Destination)
            ORDER BY request_id, revision, destination_id
            """,
            new LinkKey("", long.MinValue, 0),
            l => new LinkKey(l.RequestId, l.N, l.DestinationId),
            1_000,
            cancel
        )
    );

    /// <summary>What is planned for requests, by kind.</summary>
    private readonly Dictionary<string, Rows<DueState>> _due = new[]
    {
        DueTimes.Remind,
        DueTimes.Escalate,
        DueTimes.Expire,
    }.ToDictionary(
        kind => kind,
        kind => new Rows<DueState>(
            Pages.Each<DueState, DueKey>(
                reader,
                "SELECT kind, key, due_at FROM jobs WHERE kind = @Kind AND key > @Id ORDER BY key",
                new DueKey(kind, ""),
                r => new DueKey(kind, r.Key),
                1_000,
                cancel
            )
        )
    );

    private readonly Rows<HeadState> _heads = new(
        Pages.Each<HeadState, IdKey>(
            reader,
            "SELECT subject, n, hash FROM event_heads WHERE subject > @Id ORDER BY subject",
            new IdKey(""),
            r => new IdKey(r.Subject),
            1_000,
            cancel
        )
    );

    private readonly PeopleCheck _directory = new();
    private readonly PartiesCheck _parties = new(reader, problems, cancel);
    private readonly Dictionary<string, Policy> _policies = [];
    private ApprovalCheck? _approvals;
    private Redactions _redactions = new();
    private Redactions _erasures = new();
    private DamagedEvents _damaged = new();

    /// <summary>Bodies of requests that were settled before this may be missing.</summary>
    private string _bodiesForgotten = "";

    private readonly HashSet<(string Request, long Person, long Delegate)> _delegations = [];

    public long ArchivedRequests { get; private set; }
    public long ArchivedEvents { get; private set; }

    /// <summary>Events of which texts were erased with a person; their hashes stand.</summary>
    public long ErasedEvents { get; private set; }

    /// <summary>How many are, and need not be there.</summary>
    public long BodiesForgotten { get; private set; }

    /// <summary>
    /// What may be wrong with one subject, one row or one answer: it is named, and the others are looked at all the
    /// same.
    /// </summary>
    public static bool IsOfOneSubject(Exception fault) =>
        fault is not (OperationCanceledException or StoreUnavailable or OutOfMemoryException);

    public async ValueTask Run()
    {
        _redactions = await Redactions.Read(reader, Redaction.OfRequest, key);
        _erasures = await Redactions.Read(reader, Redaction.OfEvents, key);
        _damaged = await DamagedEvents.Read(reader, key);
        await Walk("", OfRequest);
        await Walk(AfterRequests, Last);
        await foreach (var head in _heads.Rest(problems))
            problems.Add(Unheard("The history of " + head.Subject));
        // Since when events hold what is relied on below; later ones all must.
        var ofThisForm = await reader.Number(
            """
            SELECT min(id) FROM events e WHERE kind = 'request.submitted' AND (data LIKE @form OR EXISTS (
              SELECT 1 FROM events a WHERE a.subject = e.subject AND a.kind = @archived AND a.data LIKE @form))
            """,
            new { form = $"{{\"form\":{NewRequestDraft.EventForm},%", archived = ArchivedRequest.Kind }
        );
        _approvals = new ApprovalCheck(
            reader,
            _directory.Timeline,
            checksPolicies,
            ofThisForm == 0 ? long.MaxValue : ofThisForm
        );
        await Walk(OfRequest, AfterRequests);
        await foreach (var request in _requests.Rest(problems))
            problems.Add(Unheard("Request " + request.Id));
        await Unheard(_revisions);
        await Unheard(_decisions);
        await Unheard(_comments);
        await Unheard(_changes);
        await Unheard(_links);
        foreach (var rows in _due.Values)
        {
            await foreach (var row in rows.Rest(problems))
                problems.Add(Unheard(row.Words));
        }
        await _parties.Flush(toTheEnd: true);
        await Delegations();
        await _directory.Compare(reader, problems, cancel);
    }

    private async ValueTask Walk(string from, string below)
    {
        StoredEvent? last = null;
        RequestReplay? story = null;
        var all = Pages.Each<StoredEvent, EventKey>(
            reader,
            $"""
            SELECT {StoredEvent.Columns} FROM events WHERE (subject, n) > (@Subject, @N) AND subject < @Below
            ORDER BY subject, n
            """,
            new EventKey(from, long.MinValue, below),
            e => new EventKey(e.Subject, e.N, below),
            2_000,
            cancel
        );
        await using var events = all.GetAsyncEnumerator(cancel);
        while (await Next(events))
        {
            var next = events.Current;
            if (last?.Subject != next.Subject)
            {
                if (last is not null)
                    await Guarded(last.Subject, () => End(last, story));
                (last, story) = (
                    null,
                    below == AfterRequests ? new RequestReplay(next.Subject[OfRequest.Length..]) : null
                );
            }
            if (++Events % 500 == 0)
                passed?.Invoke(Events);
            problems.Add(ChainProblem(last, next));
            await Guarded(Named(next), () => story is null ? Directory(next) : Story(story, next));
            last = next;
        }
        if (last is not null)
            await Guarded(last.Subject, () => End(last, story));
    }

    private async ValueTask<bool> Next(IAsyncEnumerator<StoredEvent> events)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (Exception fault) when (IsOfOneSubject(fault))
        {
            problems.Add($"Events can't be read on: {fault.Message}");
            return false;
        }
    }

    /// <summary>No input makes verification fail: what it stumbles over is a problem of that subject.</summary>
    private async ValueTask Guarded(string what, Func<ValueTask> check)
    {
        try
        {
            await check();
        }
        catch (Exception fault) when (IsOfOneSubject(fault))
        {
            problems.Add($"{what} can't be checked: {fault.Message}");
        }
    }

    private ValueTask Directory(StoredEvent next)
    {
        if (next is { Subject: "hub", Kind: DeleteOldBodies.Forgotten })
            _bodiesForgotten = EventData.Read<Forgotten>(next.Data).Before ?? "";
        if (
            next.Kind is Redaction.OfStamp or Redaction.OfEvents
            && Redactions.ProblemOf(next, key, out _) is { } forged
        )
        {
            problems.Add($"{Named(next)} {forged}");
        }
        if (next.Kind == DamagedEvent.Kind && DamagedEvents.ProblemOf(next, key, out _) is { } unsigned)
            problems.Add($"{Named(next)} {unsigned}");
        if (_directory.Take(next) is { } unknown)
            problems.Add($"{Named(next)} {unknown}");
        return ValueTask.CompletedTask;
    }

    private string? ChainProblem(StoredEvent? previous, StoredEvent next)
    {
        var expected = (previous?.N ?? 0) + 1;
        if (next.N == previous?.N)
            return $"{Named(next)} has the number of event {previous.Id}: one of them was put there.";
        if (next.N != expected)
            return $"Event number {expected} of {next.Subject} is missing: the next one there is number {next.N}.";
        if (!HasItsHash(previous, next))
        {
            if (_damaged.Has(next))
                return $"{Named(next)} was damaged before it was sealed, as was recorded: what it says isn't proven.";
            return $"{Named(next)} does not match its hash: it was changed since, or the event before it was.";
        }
        if (previous is not null && next.Id <= previous.Id)
        {
            return $"{Named(next)} comes before event {previous.Id} in the order of the hub, and after it in its "
                + "history: one of them was moved.";
        }
        return null;
    }

    private bool HasItsHash(StoredEvent? previous, StoredEvent next)
    {
        var hasIt = HasItsHash(previous?.Hash ?? "", next, _erasures, out var isErased);
        ErasedEvents += isErased ? 1 : 0;
        return hasIt;
    }

    /// <summary>Whether an event is what its hash says, as far as its texts are still there.</summary>
    /// <param name="previous">The hash of the event before it in its history; empty for the first.</param>
    /// <param name="isErased">Whether texts of it were erased with a person.</param>
    internal static bool HasItsHash(string previous, StoredEvent next, Redactions erasures, out bool isErased)
    {
        isErased = false;
        // Of archived events the hash stays; the event that says so, or the file, is what it is held against.
        if (next.Data == ArchivedRequest.Mark && next.Subject.StartsWith(OfRequest, StringComparison.Ordinal))
            return true;
        var leaf = EventLeaf.Of(next);
        var hash = leaf is null ? next.HashAfter(previous) : leaf.HashAfter(previous);
        if (hash == next.Hash && leaf?.HasErasedPart != true)
            return true;
        // What stands in place of erased texts is signed. An event of the earlier form has one hash over everything, so
        // its texts can't be held against it any more; the seals still hold the hash.
        if (
            (hash != next.Hash && next.Salts is not null)
            || !erasures.Allow("hub", Redaction.PlaceOf(next), Redaction.TextOf(next))
        )
        {
            return false;
        }
        isErased = true;
        return true;
    }

    /// <summary>
    /// One event of a request: what it does to the request, and whether the row that it tells of says the same.
    /// </summary>
    private async ValueTask Story(RequestReplay story, StoredEvent next)
    {
        if (next.Data == ArchivedRequest.Mark)
        {
            story.Archived.Add(next);
            return;
        }
        if (next.Kind == Redaction.OfRequest)
        {
            if (Redactions.ProblemOf(next, key, out _) is { } forged)
                problems.Add($"{Named(next)} {forged}");
            story.IsRedacted = true;
            return;
        }
        if (next.Kind == ArchivedRequest.Kind)
        {
            problems.Add(TakeArchived(story, next));
            return;
        }
        RequestReplay.Told told;
        try
        {
            told = RequestReplay.Read(next.Data);
        }
        catch (JsonException)
        {
            problems.Add($"{Named(next)} holds data that Countersign does not write.");
            story.Due.IsUnknown = true;
            return;
        }
        var (status, stamp) = (story.Status, story.Stamp);
        var unlawful = story.Take(next, told);
        if (unlawful is not null)
            problems.Add($"{Named(next)} {unlawful}");
        if (RequestReplay.BringsContent(next))
            await Revision(story, next, told);
        if (told.Answer is not null)
            await Decision(story, next, told);
        if (next.Kind == "request.commented")
            await Comment(story, next, told);
        if (next.Kind == "request.checked" && told.Changes is not null)
            await Change(story, next, told);
        story.Due.IsUnknown |= unlawful is not null;
        if (unlawful is not null)
            return;
        if (await PolicyOf(story.Stamp) is not { } policy)
        {
            problems.Add($"The policy stamped on request {story.Id} is gone.");
            story.Due.IsUnknown = true;
            return;
        }
        story.Due.Take(next, told.Step, policy, isRestamped: stamp != story.Stamp);
        var was = stamp.Length == 0 || stamp == story.Stamp ? policy : await PolicyOf(stamp) ?? policy;
        await foreach (var wrong in _approvals!.Look(story, next, told, status, was, policy))
            problems.Add($"{Named(next)} {wrong}");
    }

    /// <summary>
    /// The events before this one have gone to a file; what is left of them, and what became of them, is signed.
    /// </summary>
    private string? TakeArchived(RequestReplay story, StoredEvent next)
    {
        var told = EventData.Read<ArchiveStatement>(next.Data);
        if (
            story.Statement is not null
            || story.Archived.Count != told.Count
            || next.N != told.Count + 1
            || ArchiveStatement.ChainOf(story.Archived) != told.Chain
        )
        {
            return $"{Named(next)} tells of other archived events than those before it: "
                + "one of them was changed, or it was.";
        }
        if (key?.IsSignatureOfEvent(next.Id, told.HashFor(next.Subject), told.Signature ?? "") == false)
        {
            return $"{Named(next)} is not signed with this hub's key: it was forged, and nothing shows what its "
                + "request was.";
        }
        story.Resume(told);
        ArchivedRequests++;
        ArchivedEvents += told.Count;
        return null;
    }

    private async ValueTask Revision(RequestReplay story, StoredEvent next, RequestReplay.Told told)
    {
        if (
            await Row(_revisions, next, story.Id, told.Revision ?? 0, $"Revision {told.Revision} of request {story.Id}")
            is not { } row
        )
        {
            return;
        }
        story.Facts = row.Facts;
        Compare(
            $"revision:{row.N}:",
            row.Words,
            next,
            ("digest", row.Digest, told.Digest),
            ("stamp", row.Stamp, told.Stamp),
            ("at", row.At, next.At),
            ("content", NewRequestDraft.ContentHash(told.Subject ?? "", row.Message, row.Facts), told.Content)
        );
        if (row.Body.Length > 0)
            Compare($"revision:{row.N}:", row.Words, next, ("body", DigestOf(row.Body), told.Digest));
        else if (!_redactions.Allow(next.Subject, $"revision:{row.N}:body", ""))
            story.WithoutBody.Add(next);
    }

    private async ValueTask Decision(RequestReplay story, StoredEvent next, RequestReplay.Told told)
    {
        if (
            await Row(_decisions, next, story.Id, told.N ?? 0, $"Decision {told.N} of request {story.Id}")
            is not { } row
        )
        {
            return;
        }
        Compare(
            $"decision:{row.N}:",
            row.Words,
            next,
            ("revision", $"{row.Revision}", $"{told.Revision}"),
            ("digest", row.Digest, told.Digest),
            ("reading", $"{row.Reading}", $"{told.Reading ?? 1}"),
            ("person", $"{row.PersonId}", $"{told.Person}"),
            ("answer", row.Answer, told.Answer),
            ("note", row.Note, told.Note),
            ("steps", row.Steps, RequestRow.WriteNumbers(told.Steps ?? [])),
            ("disablings", $"{row.Disablings}", $"{told.Disablings}"),
            ("for_person", $"{row.ForPerson}", $"{told.For}"),
            ("via", row.Via, next.Via),
            ("at", row.At, next.At)
        );
    }

    /// <summary>What LaunchDarkly said that would change, and by which facts the policy was matched.</summary>
    private async ValueTask Change(RequestReplay story, StoredEvent next, RequestReplay.Told told)
    {
        if (
            await Row(
                _changes,
                next,
                story.Id,
                ChangeState.Place(told.Revision ?? 0, told.Reading ?? 0),
                $"The change read for request {story.Id}"
            )
            is not { } row
        )
        {
            return;
        }
        Compare(
            $"change:{row.Revision}:{row.Reading}:",
            row.Words,
            next,
            ("revision", $"{row.Revision}", $"{told.Revision}"),
            ("digest", row.Digest, told.Change),
            ("changes", ReadChanges.HashOf(row.Changes, row.Facts), told.Changes),
            ("read_at", row.At, next.At)
        );
        story.FactsOfChange = row.Facts;
    }

    private async ValueTask Comment(RequestReplay story, StoredEvent next, RequestReplay.Told told)
    {
        if (await Row(_comments, next, story.Id, told.N ?? 0, $"Comment {told.N} on request {story.Id}") is { } row)
        {
            Compare(
                $"comment:{row.N}:",
                row.Words,
                next,
                ("actor", row.Actor, next.Actor),
                ("text", row.Text, told.Text),
                ("via", row.Via, next.Via),
                ("at", row.At, next.At)
            );
        }
    }

    /// <summary>
    /// After the last event of a subject: is that the last its subject knows, and does nothing else claim to belong to
    /// it?
    /// </summary>
    private async ValueTask End(StoredEvent last, RequestReplay? story)
    {
        if (story is null)
        {
            while (
                await _heads.Current(problems) is { } other && string.CompareOrdinal(other.Subject, last.Subject) < 0
            )
            {
                problems.Add(Unheard("The history of " + other.Subject));
                await _heads.Next(problems);
            }
            if (await _heads.Current(problems) is not { } head || head.Subject != last.Subject)
            {
                problems.Add($"Where the history of {last.Subject} ends is gone from event_heads.");
                return;
            }
            await _heads.Next(problems);
            problems.Add(HeadProblem(last, head.N, head.Hash));
            return;
        }
        while (await _requests.Current(problems) is { } other && string.CompareOrdinal(other.Id, story.Id) < 0)
        {
            problems.Add(Unheard("Request " + other.Id));
            await _requests.Next(problems);
        }
        if (await _requests.Current(problems) is not { } request || request.Id != story.Id)
        {
            problems.Add(
                $"Request {story.Id} is gone: the log describes it, first in event number 1 of {last.Subject}."
            );
        }
        else
        {
            await _requests.Next(problems);
            // The head comes first: when the last events are gone, the rest follows from that.
            if (HeadProblem(last, request.Events, request.Head) is { } wrongEnd)
                problems.Add(wrongEnd);
            else if (story.Statement is { } statement)
                await Archived(story, statement, request, last);
            else
                Compare("", $"Request {story.Id}", last, story.Expected(request));
        }
        if (story.Archived.Count > 0)
        {
            if (story.Statement is null)
                problems.Add($"The events of request {story.Id} were emptied, but none tells that it was archived.");
            await Unheard(_revisions, story.Id);
            await Unheard(_decisions, story.Id);
            await Unheard(_comments, story.Id);
            await Unheard(_changes, story.Id);
            while (await _links.Current(problems) is { } link && string.CompareOrdinal(link.RequestId, story.Id) <= 0)
            {
                problems.Add(Unheard(link.Words));
                await _links.Next(problems);
            }
            if (story.Statement is { } said)
                await _parties.Add(story.Id, said.Parties ?? [], said.Ticket, _directory.Timeline);
            else
                _parties.PassOver(story.Id);
            return;
        }
        // Whether it may be missing depends on when the request was settled.
        foreach (var content in story.WithoutBody)
        {
            if (story.SettledAt is { } settled && string.CompareOrdinal(settled, _bodiesForgotten) < 0)
                BodiesForgotten++;
            else
                problems.Add($"The body that {Name(content)} brought is gone, and was to be kept.");
        }
        await Unheard(_revisions, story.Id);
        await Unheard(_decisions, story.Id);
        await Unheard(_comments, story.Id);
        await Unheard(_changes, story.Id);
        _delegations.UnionWith(story.Delegations.Select(d => (story.Id, d.PersonId, d.DelegateId)));
        await Links(story, last);
        foreach (var (kind, rows) in _due)
            await Planned(kind, rows, story);
        var policies = new List<Policy>();
        foreach (var stamp in story.Stamps)
        {
            if (await PolicyOf(stamp) is { } policy)
                policies.Add(policy);
            else
                problems.Add($"A policy once stamped on request {story.Id} is gone.");
        }
        if (policies.Count == story.Stamps.Count && await PolicyOf(story.Stamp) is { } current)
            await _parties.Add(story, policies, current, _directory.Timeline);
        else
            _parties.PassOver(story.Id);
    }

    /// <summary>What stays of an archived request is what was signed, but for what happened since.</summary>
    private async ValueTask Archived(
        RequestReplay story,
        ArchiveStatement statement,
        RequestState request,
        StoredEvent last
    )
    {
        var state = ArchiveStatement.StateOf(
            request,
            await Take(_revisions, story.Id),
            await Take(_decisions, story.Id)
        );
        Compare(
            "",
            $"Request {story.Id}",
            last,
            ("archived content", state, statement.State),
            ("requester", ArchiveStatement.AskedOf(request.RequesterId, request.Certainty, request.Claim), story.Asked),
            ("applied_at", request.AppliedAt, story.AppliedAt),
            ("breached_at", request.BreachedAt, story.BreachedAt)
        );
    }

    /// <summary>The rows of one request; those before it are none that any event knows.</summary>
    private async ValueTask<List<T>> Take<T>(Rows<T> rows, string requestId)
        where T : PartState
    {
        var found = new List<T>();
        while (await rows.Current(problems) is { } row && string.CompareOrdinal(row.RequestId, requestId) <= 0)
        {
            if (row.RequestId == requestId)
                found.Add(row);
            else
                problems.Add(Unheard(row.Words));
            await rows.Next(problems);
        }
        return found;
    }

    /// <summary>
    /// A reminder, an escalation, an expiry: there when it must be, for the time that follows from the policy.
    /// </summary>
    private async ValueTask Planned(string kind, Rows<DueState> rows, RequestReplay story)
    {
        var expected = story.Due.Of(kind, story);
        while (await rows.Current(problems) is { } row && string.CompareOrdinal(row.Key, story.Id) <= 0)
        {
            await rows.Next(problems);
            if (row.Key != story.Id)
                problems.Add(Unheard(row.Words));
            else if (!story.Due.IsUnknown && expected is null)
                problems.Add($"{row.Words} does not follow from its policy and its events.");
            else if (!story.Due.IsUnknown && row.DueAt != expected)
                problems.Add($"{row.Words} has another time than follows from its policy and its events.");
            if (row.Key == story.Id)
                return;
        }
        // One that came due after the request's own time leaves the rest to the expiry.
        var mayBeGone =
            kind != DueTimes.Expire
            && (
                (kind == DueTimes.Escalate && story.Due.MayNotEscalate)
                || (story.Expires is { } end && string.CompareOrdinal(end, now) <= 0)
            );
        if (expected is not null && !mayBeGone && !story.Due.IsUnknown)
            problems.Add($"The job {kind} of request {story.Id} is gone: it was due at {expected}.");
    }

    /// <summary>
    /// The questions about a request at destinations: each as its events say, and none that they do not know.
    /// </summary>
    private async ValueTask Links(RequestReplay story, StoredEvent last)
    {
        var told = story.Links.Concat(_directory.Timeline.LinksOf(story.Id)).OrderBy(l => l.EventId).ToList();
        var met = new HashSet<(long Destination, long Content)>();
        while (await _links.Current(problems) is { } row && string.CompareOrdinal(row.RequestId, story.Id) <= 0)
        {
            await _links.Next(problems);
            if (row.RequestId != story.Id)
            {
                problems.Add(Unheard(row.Words));
                continue;
            }
            met.Add((row.DestinationId, row.N));
            var ofLink = told.FindAll(l =>
                l.Destination == row.DestinationId && (l.Content is null || l.Content == row.N)
            );
            var (opened, answered) = (
                ofLink.FindLast(l => l.ExternalId is not null),
                ofLink.FindLast(l => l.Answer is not null)
            );
            if (
                row.N > (story.Content.Revision ?? 0)
                || _directory.Timeline.DestinationAt(row.DestinationId, new(long.MaxValue, last.At)) is null
            )
            {
                problems.Add(Unheard(row.Words));
            }
            // Before events named the content, one that told of another content or came too late to be told looks the
            // same.
            if (
                opened is null
                    ? story.IsOfThisForm && row.ExternalId is not null
                    : row.ExternalId != opened.ExternalId
                        && !ofLink.Exists(l => l.Content is null && l.ExternalId == row.ExternalId)
            )
            {
                problems.Add($"{row.Words}: its external_id is not what its events say.");
            }
            else if (
                ofLink.FindLast(l => l.Url is not null && l.ExternalId == row.ExternalId)?.Url is var url
                && (story.IsOfThisForm || url is not null)
                && row.Url != url
            )
            {
                problems.Add($"{row.Words}: its url is not what its events say.");
            }
            if (answered is null ? story.IsOfThisForm && row.Answer.Length > 0 : row.Answer != answered.Answer)
                problems.Add($"{row.Words}: its answer is not what its events say.");
        }
        foreach (
            var gone in told.Where(l => l.Content is { } content && !met.Contains((l.Destination, content)))
                .DistinctBy(l => (l.Destination, l.Content))
        )
        {
            problems.Add(
                $"The question about revision {gone.Content} of request {story.Id} at destination "
                    + $"{gone.Destination} is gone: "
                    + "events tell of it."
            );
        }
    }

    /// <summary>
    /// The seats that were given to others, as the table has them by which their delegates find them: few, because they
    /// end with their requests.
    /// </summary>
    private async ValueTask Delegations()
    {
        var rows = await reader.All<DelegationState>(
            "SELECT request_id, person_id, delegate_id FROM delegations ORDER BY request_id, person_id"
        );
        foreach (var row in rows)
        {
            if (!_delegations.Remove((row.RequestId, row.PersonId, row.DelegateId)))
            {
                problems.Add(
                    Unheard($"The delegation of request {row.RequestId} from {row.PersonId} to {row.DelegateId}")
                );
            }
        }
        foreach (var (request, person, other) in _delegations.Order())
            problems.Add($"The delegation of request {request} from {person} to {other} is gone: events tell of it.");
    }

    private static string? HeadProblem(StoredEvent last, long n, string hash) =>
        n > last.N
            ? $"Event number {last.N + 1} of {last.Subject} is gone: its history had {n} events and ends with "
                + $"number {last.N}."
        : n < last.N ? $"{Named(last)} is one more than {last.Subject} knows of: it was added past Countersign."
        : hash != last.Hash
            ? $"The last event that {last.Subject} knows of is not {Name(last)}: one of them was replaced."
        : null;

    private async ValueTask<Policy?> PolicyOf(string stamp)
    {
        if (_policies.TryGetValue(stamp, out var known))
            return known;
        if (await reader.Text("SELECT policy FROM stamps WHERE hash = @stamp", new { stamp }) is not { } text)
            return null;
        if (_policies.Count > 1_000)
            _policies.Clear();
        return _policies[stamp] = Policy.Read(stamp, text);
    }

    /// <summary>The row that an event tells of. Rows before it are none that any event knows.</summary>
    private async ValueTask<T?> Row<T>(Rows<T> rows, StoredEvent next, string requestId, long n, string words)
        where T : PartState
    {
        while (
            await rows.Current(problems) is { } other
            && (string.CompareOrdinal(other.RequestId, requestId) < 0 || (other.RequestId == requestId && other.N < n))
        )
        {
            problems.Add(Unheard(other.Words));
            await rows.Next(problems);
        }
        if (await rows.Current(problems) is { } row && row.RequestId == requestId && row.N == n)
        {
            await rows.Next(problems);
            return row;
        }
        problems.Add($"{words} is gone: {Name(next)} tells of it.");
        return null;
    }

    /// <summary>What is left of a table up to a request, or to its end.</summary>
    private async ValueTask Unheard<T>(Rows<T> rows, string? upTo = null)
        where T : PartState
    {
        while (
            await rows.Current(problems) is { } row && (upTo is null || string.CompareOrdinal(row.RequestId, upTo) <= 0)
        )
        {
            problems.Add(Unheard(row.Words));
            await rows.Next(problems);
        }
    }

    /// <summary>
    /// Names the column and not its text: what people wrote does not belong into a terminal or a log.
    /// </summary>
    /// <param name="place">The row, in the words of erasures; empty for the request's own.</param>
    private void Compare(
        string place,
        string what,
        StoredEvent next,
        params (string Column, string? Stored, string? Told)[] columns
    )
    {
        foreach (var (column, stored, told) in columns)
        {
            if (stored != told && !_redactions.Allow(next.Subject, place + column, stored))
                problems.Add($"{what}: its {column} is not what its events say, the last of them {Name(next)}.");
        }
    }

    /// <summary>
    /// Of a body that an earlier version kept as it came, half surrogate pairs and all, the digest is that of the
    /// mended one.
    /// </summary>
    private static string DigestOf(string body)
    {
        try
        {
            return Digest.Of(WellFormed.Json(body));
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return "";
        }
    }

    private static string Unheard(string what) => $"{what} is in the store, but no event tells of it.";

    private static string Name(StoredEvent e) => $"event {e.Id} ({e.Subject}, number {e.N})";

    /// <summary>At the beginning of a sentence.</summary>
    private static string Named(StoredEvent e) => $"E{Name(e)[1..]}";

    private static string PartText(string columns, string table) =>
        $"SELECT request_id, n, {columns} FROM {table} WHERE (request_id, n) > (@RequestId, @N) ORDER BY request_id, n";

    /// <summary>A table being walked: the row at hand, and the next one when it has been dealt with.</summary>
    private sealed class Rows<T>(IAsyncEnumerable<T> all)
        where T : class
    {
        private readonly IAsyncEnumerator<T> _all = all.GetAsyncEnumerator();
        private T? _current;
        private bool _started;

        /// <summary>Null at the end.</summary>
        public async ValueTask<T?> Current(ProblemList problems)
        {
            if (!_started)
                await Next(problems);
            return _current;
        }

        public async ValueTask Next(ProblemList problems)
        {
            _started = true;
            try
            {
                _current = await _all.MoveNextAsync() ? _all.Current : null;
            }
            catch (Exception fault) when (IsOfOneSubject(fault))
            {
                problems.Add(
                    "The table of each "
                        + $"{typeof(T).Name.Replace("State", "", StringComparison.Ordinal).ToLowerInvariant()} "
                        + $"can't be read on: {fault.Message}"
                );
                _current = null;
            }
        }

        public async IAsyncEnumerable<T> Rest(ProblemList problems)
        {
            while (await Current(problems) is { } row)
            {
                yield return row;
                await Next(problems);
            }
        }
    }

    private sealed record IdKey(string Id);

    private sealed record Forgotten(string? Before);

    private sealed record EventKey(string Subject, long N, string Below);

    private sealed record DueKey(string Kind, string Id);

    private sealed class DueState
    {
        public required string Kind { get; init; }
        public required string Key { get; init; }
        public required string DueAt { get; init; }
        public string Words => $"The job {Kind} of request {Key}";
    }

    private sealed record LinkKey(string RequestId, long N, long Destination);

    private sealed record ChangeKey(string RequestId, long Revision, long Reading);

    private sealed record PartKey(string RequestId, long N)
    {
        public static readonly PartKey First = new("", long.MinValue);
    }

    private sealed class HeadState
    {
        public required string Subject { get; init; }
        public long N { get; init; }
        public required string Hash { get; init; }
    }

    internal abstract class PartState
    {
        public required string RequestId { get; init; }
        public long N { get; init; }
        public required string At { get; init; }
        public abstract string Words { get; }
    }

    internal sealed class RevisionState : PartState
    {
        private const string Columns = "digest, stamp, message, facts, body, at";

        public static readonly string PageText = PartText(Columns, "revisions");

        public static ValueTask<List<RevisionState>> Of(Reader reader, RequestId id) =>
            reader.All<RevisionState>(
                $"SELECT request_id, n, {Columns} FROM revisions WHERE request_id = @id ORDER BY n",
                new { id }
            );

        public required string Digest { get; init; }
        public required string Stamp { get; init; }
        public required string Message { get; init; }
        public required string Facts { get; init; }
        public required string Body { get; init; }
        public override string Words => $"Revision {N} of request {RequestId}";
    }

    internal sealed class DecisionState : PartState
    {
        private const string Columns =
            "revision, digest, reading, person_id, answer, note, steps, disablings, for_person, via, at";

        public static readonly string PageText = PartText(Columns, "decisions");

        public static ValueTask<List<DecisionState>> Of(Reader reader, RequestId id) =>
            reader.All<DecisionState>(
                $"SELECT request_id, n, {Columns} FROM decisions WHERE request_id = @id ORDER BY n",
                new { id }
            );

        public long Revision { get; init; }
        public required string Digest { get; init; }
        public long Reading { get; init; }
        public long PersonId { get; init; }
        public required string Answer { get; init; }
        public required string Note { get; init; }
        public required string Steps { get; init; }
        public long Disablings { get; init; }
        public long? ForPerson { get; init; }
        public required string Via { get; init; }
        public override string Words => $"Decision {N} of request {RequestId}";
    }

    private sealed class CommentState : PartState
    {
        public required string Actor { get; init; }
        public required string Text { get; init; }
        public required string Via { get; init; }
        public override string Words => $"Comment {N} on request {RequestId}";
    }

    private sealed class ChangeState : PartState
    {
        public long Revision { get; init; }
        public long Reading { get; init; }
        public required string Digest { get; init; }
        public required string Changes { get; init; }
        public required string Facts { get; init; }

        /// <summary>Within the request: by revision, and there by reading.</summary>
        public static long Place(long revision, long reading) => (revision * 1_000_000) + reading;

        public override string Words => $"The change read for revision {Revision} of request {RequestId}";
    }

    private sealed class DelegationState
    {
        public required string RequestId { get; init; }
        public long PersonId { get; init; }
        public long DelegateId { get; init; }
    }

    private sealed class LinkState : PartState
    {
        public long DestinationId { get; init; }
        public string? ExternalId { get; init; }
        public string? Url { get; init; }
        public required string Answer { get; init; }
        public override string Words =>
            $"The question about revision {N} of request {RequestId} at destination {DestinationId}";
    }
}
