using System.Text.Json;
using Countersign.LaunchDarkly.Changes;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.LaunchDarkly;

/// <summary>
/// Asks LaunchDarkly what is open about a request: who asked and what changes, when it has come, and whether the change
/// is still the one that was reviewed, before the reviews approve it. Nothing waits for it but the request.
/// <code>
///   answered                          the check ends with the answer
///   not there yet, busy, down, refused  asked again, until the patience is over
///   patience is over                  the check ends without: unknown requester, unknown change
///   after that                        who asked is still looked for, to bar them and never to loosen anything
/// </code>
/// </summary>
internal sealed class AskLaunchDarkly(
    Store store,
    Connections connections,
    LaunchDarklyClient client,
    PeopleDirectory directory,
    LaunchDarklyOptions options
) : IJobHandler
{
    private static readonly TimeSpan MinWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(2);

    /// <summary>How often, and how long, it is asked who made a request that was decided without knowing.</summary>
    private static readonly TimeSpan LateInterval = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LateEnd = TimeSpan.FromHours(24);

    public string Kind => OpenChecks.JobKind;

    /// <summary>
    /// How long one look at LaunchDarkly may take, call by call: less than a run, which has failed when it is cut off.
    /// </summary>
    internal TimeSpan MaxAsking { get; init; } = TimeSpan.FromSeconds(90);

    public TimeSpan MaxRun => TimeSpan.FromMinutes(2);

    public string WhyNotDiscard => "Its request waits for it. Withdraw the request, or retry.";

    /// <summary>Calls to one LaunchDarkly wait for each other anyway.</summary>
    public ValueTask<int> AtOnce(Reader reader, string receiver) => new(4);

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        var id = RequestId.Of(job.Key);
        if (
            await store.Read(reader => RequestRow.Find(reader, id, Viewer.Hub(EndCheck.OfHub)), cancel)
            is not { } request
        )
        {
            return new JobResult.Done();
        }
        var begun = await Begun(request, cancel);
        var connection = await connections.Open(request.SourceId, cancel);
        if (request.OpenCheck == OpenCheck.None)
            return await Late(request, connection, begun, cancel);
        var isOver = store.Now >= begun + options.Patience;
        var found = await AskGuarded(request, connection, isOver, cancel);
        if (found.Result is not { } result)
            return new JobResult.Again(Next(begun, found.After));
        var snapshot = await directory.Refresh(cancel);
        async ValueTask End(Tx tx) =>
            await EndCheck.Run(
                tx,
                id,
                result,
                (asked, facts, change) => ApplyPolicies.Today(snapshot, asked, facts, change)
            );
        var mayLearnLater =
            connection is { Identify: true } && result.Requester is null && !request.IsRequesterConfirmed;
        return mayLearnLater
            ? new JobResult.Again(store.Now + LateInterval) { Write = End, Lock = tx => LockRequest(tx, id) }
            : new JobResult.Done(End) { Lock = tx => LockRequest(tx, id) };
    }

    /// <summary>When what is open was opened: the job itself only knows when it is due next.</summary>
    private async Task<DateTimeOffset> Begun(ApprovalRequest request, CancellationToken cancel) =>
        await store.Read(
            reader =>
                reader.Text(
                    """
                    SELECT max(at) FROM events
                    WHERE subject = @subject
                      AND kind IN ('request.submitted', 'request.revised', 'request.answered', 'request.answer_kept')
                      AND data LIKE '%"check":"%'
                    """,
                    new { subject = request.Id.Subject }
                ),
            cancel
        )
            is { } at
            ? Instant.Parse(at)
            : request.CreatedAt;

    /// <summary>Answers lock the request and then add or move its jobs.</summary>
    private static async ValueTask LockRequest(Tx tx, RequestId id) =>
        await tx.Text($"SELECT id FROM requests WHERE id = @id{tx.ForUpdate}", new { id });

    /// <summary>Soon at first, and no sooner than LaunchDarkly asks for.</summary>
    private DateTimeOffset Next(DateTimeOffset begun, TimeSpan? after)
    {
        var passed = (store.Now - begun) / 2;
        var wait =
            passed < MinWait ? MinWait
            : passed > MaxWait ? MaxWait
            : passed;
        // The wait ends on time even if LaunchDarkly asks for a longer pause.
        var next = store.Now + (after > wait ? after.Value : wait);
        var end = begun + options.Patience;
        return next > end && store.Now < end ? end : next;
    }

    /// <summary>A failure never keeps the request waiting longer than <c>Patience</c>.</summary>
    private async Task<(CheckResult? Result, TimeSpan? After)> AskGuarded(
        ApprovalRequest request,
        Connection? connection,
        bool isOver,
        CancellationToken cancel
    )
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        bounded.CancelAfter(MaxAsking);
        try
        {
            return await Ask(request, connection, isOver, bounded.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return (
                isOver
                    ? new CheckResult(request.Revision, request.OpenCheck) { Why = "LaunchDarkly was too slow." }
                    : null,
                null
            );
        }
        catch (Exception fault) when (isOver && JobWorker.IsItsOwn(fault))
        {
            return (
                new CheckResult(request.Revision, request.OpenCheck)
                {
                    Why = "What LaunchDarkly answered couldn't be read.",
                },
                null
            );
        }
    }

    /// <summary>What is known now; no result while it is worth waiting.</summary>
    private async Task<(CheckResult? Result, TimeSpan? After)> Ask(
        ApprovalRequest request,
        Connection? connection,
        bool isOver,
        CancellationToken cancel
    )
    {
        var result = new CheckResult(request.Revision, request.OpenCheck);
        if (connection is null || request.ExternalId is not { } externalId)
            return (result with { Why = "The source isn't connected to LaunchDarkly any more." }, null);
        if (connection.Token is null)
            return await AskHints(request, connection, result, isOver, cancel);
        if (isOver)
        {
            // Once more, as a server that was down may have slept through all of it.
            var last = await AskRest(request, connection, externalId, result, isOver, cancel);
            return (last.Result ?? result with { Why = last.Why }, null);
        }
        var (answer, _, after) = await AskRest(request, connection, externalId, result, isOver, cancel);
        return (answer, after);
    }

    private async Task<(CheckResult? Result, string? Why, TimeSpan? After)> AskRest(
        ApprovalRequest request,
        Connection connection,
        string externalId,
        CheckResult result,
        bool isOver,
        CancellationToken cancel
    )
    {
        var answer = await client.Approval(connection, externalId, cancel);
        if (answer is not LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Found { Value: var approval })
        {
            return (null, answer.Problem, (answer as LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Later)?.After);
        }
        // While it creates the approval, LaunchDarkly has not taken down our answer yet.
        if (approval.ExternalId is null && !isOver)
            return (null, "LaunchDarkly hasn't recorded our answer to its request yet.", null);
        var isOurs = await IsOurs(request, approval, cancel);
        if (!isOurs)
            result = result with { Why = "LaunchDarkly's approval with this ID belongs to something else." };
        if (request.OpenCheck.HasFlag(OpenCheck.Requester))
        {
            var (learned, why, after) = await Requester(request, connection, approval, isOurs, cancel);
            if (learned is null && !isOver)
                return (null, why, after);
            result = result with { Requester = learned, Why = result.Why ?? why };
        }
        if ((request.OpenCheck & (OpenCheck.Change | OpenCheck.Comparison)) != OpenCheck.None && isOurs)
        {
            var digest = InstructionDigest.Of(approval.Instructions);
            var (change, why, after) =
                digest == request.ChangeDigest
                && await store.Read(reader => ReadChanges.Of(reader, request), cancel) is { } same
                    ? (same, null, null)
                    : await Describe(connection, approval, isOver, cancel);
            if (change is null)
                return isOver ? (result with { Why = result.Why ?? why }, why, null) : (null, why, after);
            result = result with { Change = change };
        }
        return (result, null, null);
    }

    /// <summary>
    /// Ids are LaunchDarkly's word alone until it names ours, and what it names is the same flag and environment: a
    /// creation could come under the id of another approval, and policies look at its environment.
    /// </summary>
    private async Task<bool> IsOurs(ApprovalRequest request, ApprovalInLaunchDarkly approval, CancellationToken cancel)
    {
        if (approval.ExternalId != request.ExternalId)
            return false;
        var (facts, _) = await store.Read(reader => ReadChanges.FactsOf(reader, request), cancel);
        using var content = JsonDocument.Parse(facts);
        return Agrees(content.RootElement, "project", approval.Project)
            && Agrees(content.RootElement, "flag", approval.Flag)
            && (
                approval.Environment is null or "" or "~" or "*"
                || LaunchDarklyJson.Text(content.RootElement, "environment") == approval.Environment
            );
    }

    internal static bool Agrees(JsonElement facts, string name, string? theirs) =>
        theirs is null || LaunchDarklyJson.Text(facts, name) is not { } ours || ours == theirs;

    private async Task<(LearnedRequester? Learned, string? Why, TimeSpan? After)> Requester(
        ApprovalRequest request,
        Connection connection,
        ApprovalInLaunchDarkly approval,
        bool isOurs,
        CancellationToken cancel
    )
    {
        if (approval.RequestorId is not { } memberId)
            return (new LearnedRequester(null, "", "", [], null), "A service token asked, and no member.", null);
        var answer = await client.Member(connection, memberId, cancel);
        if (answer is LaunchDarklyAnswer<MemberInLaunchDarkly>.NotFound)
        {
            return (
                new LearnedRequester(null, "", "", [], null),
                "The member who asked is no longer in LaunchDarkly.",
                null
            );
        }
        if (answer is not LaunchDarklyAnswer<MemberInLaunchDarkly>.Found { Value: var member })
            return (null, answer.Problem, (answer as LaunchDarklyAnswer<MemberInLaunchDarkly>.Later)?.After);
        return (await PersonOf(request, member.Email, isOurs && member.IsKnownByEmail, cancel), null, null);
    }

    /// <summary>
    /// Everyone whom the address may mean is barred. Certain is only one person, and one who was there before the
    /// request: an account made afterwards could be made for it.
    /// </summary>
    private async Task<LearnedRequester> PersonOf(
        ApprovalRequest request,
        string email,
        bool isCertain,
        CancellationToken cancel
    )
    {
        var snapshot = await directory.Refresh(cancel);
        var people = email.Length == 0 ? [] : snapshot.Requesters.Match(RequesterClaim.Of([email], [])).People;
        return
            isCertain
            && people is [var only]
            && snapshot.People.TryGetValue(only, out var person)
            && person.Role != Role.Service
            && person.CreatedAt < request.CreatedAt
            ? new LearnedRequester(person.Id, person.Name, person.DisplayName, people, email)
            : new LearnedRequester(null, "", "", people, email);
    }

    /// <summary>
    /// The instructions, and what they mean where their flag or segment is shown to us. What isn't there, as with an
    /// experiment, leaves a change that isn't understood; what may come later is waited for.
    /// </summary>
    private async Task<(DescribedChanges? Change, string? Why, TimeSpan? After)> Describe(
        Connection connection,
        ApprovalInLaunchDarkly approval,
        bool isOver,
        CancellationToken cancel
    )
    {
        var state = new ResourceState { Environment = approval.Environment ?? "" };
        if (approval is { Project: { } project })
        {
            var environment = approval.Environment is "" or "~" or "*" ? null : approval.Environment;
            var answers = new List<LaunchDarklyAnswer<JsonElement>>();
            if (approval.Flag is { } flag)
            {
                var answer = await client.Flag(connection, project, flag, environment, cancel);
                answers.Add(answer);
                state = state with { Flag = ValueOf(answer) };
            }
            else if (approval.Segment is { } segment && environment is not null)
            {
                var answer = await client.Segment(connection, project, environment, segment, cancel);
                answers.Add(answer);
                state = state with { Segment = ValueOf(answer) };
            }
            var needs = InstructionReader.Needs(approval.Instructions, state);
            var (flags, segments) = (new Dictionary<string, JsonElement>(), new Dictionary<string, string>());
            foreach (var key in needs.Flags.Take(MaxOthers))
            {
                var answer = await client.Flag(connection, project, key, environment, cancel);
                answers.Add(answer);
                if (ValueOf(answer) is { } other)
                    flags[key] = other;
            }
            foreach (var key in environment is null ? [] : needs.Segments.Take(MaxOthers))
            {
                var answer = await client.Segment(connection, project, environment!, key, cancel);
                answers.Add(answer);
                if (ValueOf(answer) is { } other && LaunchDarklyJson.Text(other, "name") is { } name)
                    segments[key] = name;
            }
            if (answers.OfType<LaunchDarklyAnswer<JsonElement>.Later>().FirstOrDefault() is { } later && !isOver)
                return (null, later.Why, later.After);
            state = state with { OtherFlags = flags, SegmentNames = segments };
        }
        return (InstructionReader.Read(approval.Instructions, state), null, null);
    }

    /// <summary>More names than these are left as keys: each is a call of its own.</summary>
    private const int MaxOthers = 20;

    private static JsonElement? ValueOf(LaunchDarklyAnswer<JsonElement> answer) =>
        answer is LaunchDarklyAnswer<JsonElement>.Found { Value: var value } ? value : null;

    /// <summary>Without a token only LaunchDarkly's signed webhook can have told who asked.</summary>
    private async Task<(CheckResult? Result, TimeSpan? After)> AskHints(
        ApprovalRequest request,
        Connection connection,
        CheckResult result,
        bool isOver,
        CancellationToken cancel
    )
    {
        if (await HintedRequester(request, cancel) is { } learned && request.OpenCheck.HasFlag(OpenCheck.Requester))
            return (result with { Requester = learned, By = "webhook" }, null);
        return connection.WebhookSecret is null || isOver || request.OpenCheck.HasFlag(OpenCheck.Comparison)
            ? (result with { Why = "The connection has no API token, and no webhook named the requester." }, null)
            : (null, null);
    }

    private async Task<LearnedRequester?> HintedRequester(ApprovalRequest request, CancellationToken cancel)
    {
        if (
            await store.Read(reader => Hints.Find(reader, request.SourceId, request.ExternalId ?? ""), cancel)
            is not { } hint
        )
        {
            return null;
        }
        var (facts, _) = await store.Read(reader => ReadChanges.FactsOf(reader, request), cancel);
        using var content = JsonDocument.Parse(facts);
        var resource = new ApprovalInLaunchDarkly
        {
            Id = request.ExternalId!,
            Version = 0,
            Instructions = default,
            ResourceId = hint.Resource,
        };
        return await PersonOf(
            request,
            hint.Email,
            resource.Project is not null
                && Agrees(content.RootElement, "project", resource.Project)
                && Agrees(content.RootElement, "flag", resource.Flag),
            cancel
        );
    }

    /// <summary>Who asked for a request that was decided, or goes on, without knowing.</summary>
    private async Task<JobResult> Late(
        ApprovalRequest request,
        Connection? connection,
        DateTimeOffset begun,
        CancellationToken cancel
    )
    {
        if (
            connection is not { Identify: true }
            || request.ExternalId is not { } externalId
            || request.IsRequesterConfirmed
            || request.Status is not (Status.Active or Status.Approved)
            || store.Now >= begun + LateEnd
        )
        {
            return new JobResult.Done();
        }
        var learned = await HintedRequester(request, cancel);
        if (
            connection.Token is not null
            && await client.Approval(connection, externalId, cancel)
                is LaunchDarklyAnswer<ApprovalInLaunchDarkly>.Found { Value: var approval }
        )
        {
            (var asked, _, _) = await Requester(request, connection, approval, isOurs: false, cancel);
            learned = asked ?? learned;
        }
        if (learned is null)
            return new JobResult.Again(store.Now + LateInterval);
        return new JobResult.Done(tx => LateRequesters.Bar(tx, request.Id, learned.People))
        {
            Lock = tx => LockRequest(tx, request.Id),
        };
    }
}
