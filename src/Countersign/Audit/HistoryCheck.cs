using System.Text.Json;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// Follows every history from its first event to its last and holds beside it what the other tables say. All of them are
/// read in the order of subjects, so each row is met exactly when its event is.
/// </summary>
internal sealed class HistoryCheck(Reader reader, CancellationToken cancel)
{
    private const string OfRequest = "request:";

    private readonly Rows<RequestState> _requests = new(Pages.Each<RequestState, IdKey>(
        reader, $"SELECT {RequestState.Columns} FROM requests WHERE id > @Id ORDER BY id", new IdKey(""), r => new IdKey(r.Id), 1_000, cancel));

    private readonly Rows<RevisionState> _revisions = new(Pages.Each<RevisionState, PartKey>(
        // Bodies may be large, so fewer of them.
        reader, PartText("digest, stamp, message, facts, body, at", "revisions"), PartKey.First, r => new PartKey(r.RequestId, r.N), 100, cancel));

    private readonly Rows<DecisionState> _decisions = new(Pages.Each<DecisionState, PartKey>(
        reader, PartText("revision, digest, person_id, answer, note, steps, disablings, for_person, via, at", "decisions"), PartKey.First, r => new PartKey(r.RequestId, r.N), 1_000, cancel));

    private readonly Rows<CommentState> _comments = new(Pages.Each<CommentState, PartKey>(
        reader, PartText("actor, text, via, at", "comments"), PartKey.First, r => new PartKey(r.RequestId, r.N), 1_000, cancel));

    private readonly Rows<HeadState> _heads = new(Pages.Each<HeadState, IdKey>(
        reader, "SELECT subject, n, hash FROM event_heads WHERE subject > @Id ORDER BY subject", new IdKey(""), r => new IdKey(r.Subject), 1_000, cancel));

    private readonly DirectoryCheck _directory = new();
    private readonly Dictionary<string, Policy> _policies = [];

    public async ValueTask<string?> Problem()
    {
        StoredEvent? last = null;
        RequestStory? story = null;
        var all = Pages.Each<StoredEvent, EventKey>(
            reader, $"SELECT {StoredEvent.Columns} FROM events WHERE (subject, n) > (@Subject, @N) ORDER BY subject, n", new EventKey("", long.MinValue), e => new EventKey(e.Subject, e.N), 2_000, cancel);
        await foreach (var next in all)
        {
            if (last?.Subject != next.Subject)
            {
                if (last is not null && await EndProblem(last, story) is { } end)
                    return end;
                (last, story) = (null, next.Subject.StartsWith(OfRequest, StringComparison.Ordinal) ? new RequestStory(next.Subject[OfRequest.Length..]) : null);
            }
            if (ChainProblem(last, next) is { } broken)
                return broken;
            if (_directory.Take(next) is { } unknown)
                return $"{Named(next)} {unknown}";
            if (story is not null && await StoryProblem(story, next) is { } untrue)
                return untrue;
            last = next;
        }
        if (last is not null && await EndProblem(last, story) is { } atTheEnd)
            return atTheEnd;
        return await _requests.Current() is { } request ? Unheard("Request " + request.Id)
            : await _heads.Current() is { } head ? Unheard("The history of " + head.Subject)
            : await _revisions.Current() is { } revision ? Unheard(revision.Words)
            : await _decisions.Current() is { } decision ? Unheard(decision.Words)
            : await _comments.Current() is { } comment ? Unheard(comment.Words)
            : await _directory.Problem(reader);
    }

    private static string? ChainProblem(StoredEvent? previous, StoredEvent next)
    {
        var expected = (previous?.N ?? 0) + 1;
        if (next.N != expected)
            return $"Event number {expected} of {next.Subject} is missing: the next one there is number {next.N}.";
        var hash = History.HashOf(previous?.Hash ?? "", next.Subject, next.N, next.At, next.Kind, next.Actor, next.Via, next.Address, next.Data);
        if (hash != next.Hash)
            return $"{Named(next)} does not match its hash: it was changed since, or the event before it was.";
        if (previous is not null && next.Id <= previous.Id)
            return $"{Named(next)} comes before event {previous.Id} in the order of the hub, and after it in its history: one of them was moved.";
        return null;
    }

    /// <summary>One event of a request: what it does to the request, and whether the row that it tells of says the same.</summary>
    private async ValueTask<string?> StoryProblem(RequestStory story, StoredEvent next)
    {
        RequestStory.Told told;
        try
        {
            told = RequestStory.Read(next.Data);
        }
        catch (JsonException)
        {
            return $"{Named(next)} holds data that Countersign does not write.";
        }
        var (status, stamp) = (story.Status, story.Stamp);
        if (story.Take(next, told) is { } unlawful)
            return $"{Named(next)} {unlawful}";
        if (next.Kind == "request.escalated" && await EscalationProblem(story, stamp, next, told) is { } escalation)
            return escalation;
        if (next.Kind == "request.disowned" && await DisownedProblem(story, stamp, status, next) is { } disowned)
            return disowned;
        if (next.Kind == "request.broke_glass" && await BreakGlassProblem(story, next, told) is { } glass)
            return glass;
        if (story.Status == Status.Approved && status == Status.Active && told.Answer is null && await UnansweredProblem(story, next) is { } unanswered)
            return unanswered;
        if (RequestStory.BringsContent(next) && await RevisionProblem(story, next, told) is { } revision)
            return revision;
        if (told.Answer is not null && await DecisionProblem(story, next, told) is { } decision)
            return decision;
        if (next.Kind == "request.commented" && await CommentProblem(story, next, told) is { } comment)
            return comment;
        return null;
    }

    private async ValueTask<string?> RevisionProblem(RequestStory story, StoredEvent next, RequestStory.Told told)
    {
        if (await _revisions.Current() is not { } row || row.RequestId != story.Id || row.N != told.Revision)
            return await MissingOr(_revisions, next, story.Id, told.Revision!.Value, $"Revision {told.Revision} of request {story.Id}");
        await _revisions.Next();
        return Compare(row.Words, next,
            ("digest", row.Digest, told.Digest),
            ("stamp", row.Stamp, told.Stamp),
            ("at", row.At, next.At),
            ("content", Draft.ContentHash(told.Subject ?? "", row.Message, row.Facts), told.Content),
            ("body", DigestOf(row.Body), told.Digest));
    }

    private async ValueTask<string?> DecisionProblem(RequestStory story, StoredEvent next, RequestStory.Told told)
    {
        if (await _decisions.Current() is not { } row || row.RequestId != story.Id || row.N != told.N)
            return await MissingOr(_decisions, next, story.Id, told.N ?? 0, $"Decision {told.N} of request {story.Id}");
        await _decisions.Next();
        if (Compare(row.Words, next,
            ("revision", $"{row.Revision}", $"{told.Revision}"),
            ("digest", row.Digest, told.Digest),
            ("person", $"{row.PersonId}", $"{told.Person}"),
            ("answer", row.Answer, told.Answer),
            ("note", row.Note, told.Note),
            ("steps", row.Steps, RequestRow.WriteNumbers(told.Steps ?? [])),
            ("disablings", $"{row.Disablings}", $"{told.Disablings}"),
            ("for_person", $"{row.ForPerson}", $"{told.For}"),
            ("via", row.Via, next.Via),
            ("at", row.At, next.At)) is { } differs)
        {
            return differs;
        }
        story.Decisions.Add(new Decision
        {
            N = (int)row.N,
            Revision = (int)row.Revision,
            PersonId = row.PersonId,
            PersonName = "",
            Answer = Words.AnswerOf(row.Answer)!.Value,
            Note = row.Note,
            Digest = row.Digest,
            Steps = told.Steps ?? [],
            At = Instant.Parse(row.At),
            Via = row.Via,
        });
        if (story.Status != Status.Approved)
            return null;
        // Whether somebody was disabled meanwhile or came back to answer for themself is not looked at: with their answers counting, an approval can only be nearer.
        return await PolicyOf(story.Stamp) is not { } policy ? $"The policy stamped on request {story.Id} is gone."
            : story.Weighed(policy) is Verdict.Approved ? null
            : $"{Named(next)} approves request {story.Id}, but the answers so far do not fill the steps of its policy.";
    }

    /// <summary>Escalation adds those whom the policy names for it to one step, and changes nothing else.</summary>
    private async ValueTask<string?> EscalationProblem(RequestStory story, string before, StoredEvent next, RequestStory.Told told) =>
        await PolicyOf(before) is not { } policy ? $"The policy stamped on request {story.Id} is gone."
        : told.Step is not { } step || step < 0 || step >= policy.Steps.Count || policy.WithEscalated(step).Stamp != story.Stamp
            ? $"{Named(next)} puts a policy on request {story.Id} that does not follow from the one before it."
            : null;

    /// <summary>What a request costs whose requester is not recognized any more follows from its policy.</summary>
    private async ValueTask<string?> DisownedProblem(RequestStory story, string before, Status status, StoredEvent next) =>
        await PolicyOf(before) is not { } policy ? $"The policy stamped on request {story.Id} is gone."
        : story.Stamp != (status == Status.Active && !story.HasRequester ? RequesterCost.Disowned(policy).Stamp : before)
            ? $"{Named(next)} puts a policy on request {story.Id} that does not follow from the one before it."
            : null;

    private async ValueTask<string?> BreakGlassProblem(RequestStory story, StoredEvent next, RequestStory.Told told) =>
        await PolicyOf(story.Stamp) is not { } policy ? $"The policy stamped on request {story.Id} is gone."
        : policy.ForbidsBreakGlass || (told.Reason ?? "").Trim().Length < BreakGlass.ShortestReason
            ? $"{Named(next)} approves request {story.Id} past its policy, which does not allow that in this way."
            : null;

    /// <summary>Without anybody's answer, only a policy that says so in words, a workflow system to which it left the decision, or an admin who broke glass can approve.</summary>
    private async ValueTask<string?> UnansweredProblem(RequestStory story, StoredEvent next) =>
        story.BrokeGlassAt is not null ? null
        : await PolicyOf(story.Stamp) is not { } policy ? $"The policy stamped on request {story.Id} is gone."
        : policy.Auto is { Approves: true } || (policy.Destination is not null && next.Actor.StartsWith("destination:", StringComparison.Ordinal)) ? null
        : $"{Named(next)} approves request {story.Id}, but nobody who could had answered.";

    private async ValueTask<string?> CommentProblem(RequestStory story, StoredEvent next, RequestStory.Told told)
    {
        if (await _comments.Current() is not { } row || row.RequestId != story.Id || row.N != told.N)
            return await MissingOr(_comments, next, story.Id, told.N ?? 0, $"Comment {told.N} on request {story.Id}");
        await _comments.Next();
        return Compare(row.Words, next, ("actor", row.Actor, next.Actor), ("text", row.Text, told.Text), ("via", row.Via, next.Via), ("at", row.At, next.At));
    }

    /// <summary>After the last event of a subject: is that the last its subject knows, and does nothing else claim to belong to it?</summary>
    private async ValueTask<string?> EndProblem(StoredEvent last, RequestStory? story)
    {
        if (story is null)
        {
            if (await _heads.Current() is not { } head || head.Subject != last.Subject)
                return await _heads.Current() is { } other && string.CompareOrdinal(other.Subject, last.Subject) < 0 ? Unheard("The history of " + other.Subject) : $"Where the history of {last.Subject} ends is gone from event_heads.";
            await _heads.Next();
            return HeadProblem(last, head.N, head.Hash);
        }
        if (await _requests.Current() is not { } request || request.Id != story.Id)
        {
            return await _requests.Current() is { } other && string.CompareOrdinal(other.Id, story.Id) < 0 ? Unheard("Request " + other.Id)
                : $"Request {story.Id} is gone: the record tells of it, first in event number 1 of {last.Subject}.";
        }
        await _requests.Next();
        // The head comes first: when the last events are gone, the rest follows from that.
        return HeadProblem(last, request.Events, request.Head)
            ?? (await PolicyOf(story.Stamp) is null ? $"The policy stamped on request {story.Id} is gone." : null)
            ?? Compare($"Request {story.Id}", last, story.Expected(request))
            ?? (await _revisions.Current() is { } revision && IsAtOrBefore(revision.RequestId, story.Id) ? Unheard(revision.Words) : null)
            ?? (await _decisions.Current() is { } decision && IsAtOrBefore(decision.RequestId, story.Id) ? Unheard(decision.Words) : null)
            ?? (await _comments.Current() is { } comment && IsAtOrBefore(comment.RequestId, story.Id) ? Unheard(comment.Words) : null);
    }

    private static string? HeadProblem(StoredEvent last, long n, string hash) =>
        n > last.N ? $"Event number {last.N + 1} of {last.Subject} is gone: its history had {n} events and ends with number {last.N}."
        : n < last.N ? $"{Named(last)} is one more than {last.Subject} knows of: it was added past Countersign."
        : hash != last.Hash ? $"The last event that {last.Subject} knows of is not {Name(last)}: one of them was replaced."
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

    /// <summary>The row that an event tells of is not the next one: another lies in its way, or it is not there.</summary>
    private static async ValueTask<string> MissingOr<T>(Rows<T> rows, StoredEvent next, string requestId, long n, string words)
        where T : PartState =>
        await rows.Current() is { } row && (string.CompareOrdinal(row.RequestId, requestId) < 0 || (row.RequestId == requestId && row.N < n))
            ? Unheard(row.Words)
            : $"{words} is gone: {Name(next)} tells of it.";

    /// <summary>Names the column and not its text: what people wrote does not belong into a terminal or a log.</summary>
    private static string? Compare(string what, StoredEvent next, params (string Column, string? Stored, string? Told)[] columns)
    {
        foreach (var (column, stored, told) in columns)
        {
            if (stored != told)
                return $"{what}: its {column} is not what its events say, the last of them {Name(next)}.";
        }
        return null;
    }

    private static string DigestOf(string body)
    {
        try
        {
            return Digest.Of(body);
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static bool IsAtOrBefore(string requestId, string id) => string.CompareOrdinal(requestId, id) <= 0;

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
        public async ValueTask<T?> Current()
        {
            if (!_started)
                await Next();
            return _current;
        }

        public async ValueTask Next()
        {
            _started = true;
            _current = await _all.MoveNextAsync() ? _all.Current : null;
        }
    }

    private sealed record IdKey(string Id);

    private sealed record EventKey(string Subject, long N);

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

    private abstract class PartState
    {
        public required string RequestId { get; init; }
        public long N { get; init; }
        public required string At { get; init; }
        public abstract string Words { get; }
    }

    private sealed class RevisionState : PartState
    {
        public required string Digest { get; init; }
        public required string Stamp { get; init; }
        public required string Message { get; init; }
        public required string Facts { get; init; }
        public required string Body { get; init; }
        public override string Words => $"Revision {N} of request {RequestId}";
    }

    private sealed class DecisionState : PartState
    {
        public long Revision { get; init; }
        public required string Digest { get; init; }
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
}
