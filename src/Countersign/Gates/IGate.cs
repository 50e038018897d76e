namespace Countersign.Gates;

/// <summary>
/// A system that asks by a signed call and is called back with the verdict. A gate is pure functions over bytes: no
/// store, no clock, no HTTP client. What they have in common, the hub supplies once: the limit on the body, calls that
/// come twice, what is asked together, jobs with back-off, tokens, the guard on addresses, secrets, alarms.
/// </summary>
public interface IGate
{
    /// <summary>The kind of its sources (<see cref="Requests.SourceKinds"/>), and part of its address here.</summary>
    string Kind { get; }

    GateTraits Traits { get; }

    /// <summary>What an admin sets; without those that are required no call is taken.</summary>
    IReadOnlyList<GateField> Fields { get; }

    /// <summary>What is wrong with a value, for the admin; null: nothing.</summary>
    sealed string? ProblemWith(GateField field, string value) =>
        field.Choices.Count == 0 ? ProblemWith(field.Name, value)
        : field.Choices.Contains(value) ? null
        : $"Enter {string.Join(" or ", field.Choices)}.";

    /// <summary>The same for a field without choices. Callers use the one above, which knows of choices.</summary>
    string? ProblemWith(string field, string value) => null;

    // What comes in.

    /// <summary>Whether the call is signed with one of the gate's secrets, over its bytes as they came.</summary>
    bool IsGenuine(GateCall call, GateSettings settings);

    /// <summary>What a genuine call says.</summary>
    GateMessage Parse(GateCall call, GateSettings settings);

    /// <summary>What is answered; the body is for the people who look at it there.</summary>
    GateResponse Acknowledge(GateMessage message) => GateResponse.Ok;

    /// <summary>What a caller that polls is answered: how far its requests are.</summary>
    /// <param name="standings">Of what was asked, in the order of its ids; what was never asked is left out.</param>
    GateResponse Answer(GateMessage message, IReadOnlyList<GateStanding> standings) => Acknowledge(message);

    // What goes out.

    /// <summary>Where calls may go: scheme, host and port. An address of another origin is never called.</summary>
    IReadOnlyList<Uri> Origins(GateSettings settings);

    OutgoingCall Verdict(GateSettings settings, GateReply reply, GateVerdict verdict);

    /// <summary>
    /// Reads, before an approval is told, whether it is still about what it was given for; null where a verdict can't
    /// reach anything else. <see cref="ReadWatch"/> reads the answer.
    /// </summary>
    OutgoingCall? Look(GateSettings settings, GateReply reply) => null;

    /// <param name="age">Since it was asked.</param>
    CallResult Classify(CallAnswer answer, TimeSpan age);

    /// <summary>
    /// What is left to do there once the verdict was taken, such as to start what waited; null: nothing. With the
    /// verdict before it, it may be made more than once.
    /// </summary>
    OutgoingCall? FollowUp(GateSettings settings, GateReply reply, GateVerdict verdict) => null;

    FollowUpResult ReadFollowUp(GateSettings settings, GateReply reply, OutgoingCall step, CallAnswer answer) =>
        new FollowUpResult.Done();

    /// <summary>Shows people there how far it is; null where there is no place for that.</summary>
    OutgoingCall? Note(GateSettings settings, GateReply reply, string text) => null;

    /// <summary>
    /// Asks whether the caller still waits, or tells it that we are still at it; null where neither is possible.
    /// </summary>
    OutgoingCall? Watch(GateSettings settings, GateReply reply) => null;

    /// <param name="progress">How far it is, for the people who look there.</param>
    OutgoingCall? Watch(GateSettings settings, GateReply reply, string progress) => Watch(settings, reply);

    /// <param name="step">The call that was answered; the answer may lead to another one.</param>
    /// <param name="verdict">What was decided and sent; null while nothing is.</param>
    WatchResult ReadWatch(
        GateSettings settings,
        GateReply reply,
        OutgoingCall step,
        CallAnswer answer,
        GateVerdict? verdict
    ) => new WatchResult.Unknown("");

    /// <summary>
    /// Asks what a deployment brings beside what is there, from the answers to the calls so far; null where that isn't
    /// known.
    /// </summary>
    CommitsStep? Commits(GateSettings settings, GateReply reply, IReadOnlyList<CallAnswer> answers) => null;

    /// <summary>Lists the calls that the caller made of late: those that didn't arrive are made again.</summary>
    OutgoingCall? Recent(GateSettings settings, DateTimeOffset now) => null;

    /// <summary>The newest first.</summary>
    IReadOnlyList<RecentCall> ReadRecent(GateSettings settings, CallAnswer answer, DateTimeOffset now) => [];

    /// <summary>Lists those before; null where there are none that could still be made again.</summary>
    OutgoingCall? RecentBefore(GateSettings settings, CallAnswer answer, DateTimeOffset now) => null;

    /// <summary>Lists what waits there, where the caller doesn't tell of all of it.</summary>
    IReadOnlyList<OutgoingCall> Waiting(GateSettings settings) => [];

    /// <summary>What a list names; each that was never asked here is read by a call of its own.</summary>
    IReadOnlyList<WaitingAsk> ReadWaiting(GateSettings settings, OutgoingCall list, CallAnswer answer) => [];

    /// <summary>What one of the list asks; null where it asks nothing.</summary>
    GateAsk? ReadAsk(GateSettings settings, OutgoingCall read, CallAnswer answer) => null;

    /// <summary>Gets the token for calls with this scope.</summary>
    OutgoingCall? Token(GateSettings settings, string scope, DateTimeOffset now) => null;

    GateToken? ReadToken(CallAnswer answer) => null;
}

/// <summary>What holds for each source of a gate.</summary>
public sealed record GateTraits
{
    /// <summary>Bytes that a call may have.</summary>
    public int MaxBody { get; init; } = 1024 * 1024;

    /// <summary>The caller's own limit, where a call doesn't name one.</summary>
    public TimeSpan? MaxWait { get; init; }

    /// <summary>
    /// How long before the caller's limit or the end of the reply's credential a request is closed, so that the answer
    /// still arrives.
    /// </summary>
    public TimeSpan Margin { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How many notes the caller takes for one request, and how long one may be.</summary>
    public int MaxNotes { get; init; }
    public int MaxNote { get; init; } = 1_000;

    /// <summary>How often <see cref="IGate.Watch(GateSettings, GateReply, string)"/> is called; null: never.</summary>
    public TimeSpan? WatchInterval { get; init; }

    /// <summary>When it is called first, where that is sooner: a check that doesn't wait shows at once.</summary>
    public TimeSpan? FirstWatch { get; init; }

    /// <summary><see cref="IGate.Commits"/> is asked of each request.</summary>
    public bool HasCommits { get; init; }

    /// <summary>Members of a call that hold a credential: what is kept of a call is without them.</summary>
    public IReadOnlyList<string> SecretMembers { get; init; } = [];

    /// <summary>The caller's address goes on after the source, with more that the gate reads.</summary>
    public bool HasPaths { get; init; }
}

/// <param name="Signs">Calls are signed with it; the secret before it is taken until the admin ends it.</param>
public sealed record GateField(string Name, bool IsSecret = false, bool Signs = false, bool IsRequired = true)
{
    /// <summary>What counts while nothing is set.</summary>
    public string Default { get; init; } = "";

    /// <summary>The only values that it takes; none where anything else decides.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];
}

/// <summary>How a source's gate is set up, with its secrets in clear, here and nowhere else.</summary>
public sealed record GateSettings(long SourceId, IReadOnlyDictionary<string, string> Values)
{
    /// <summary>What stands before the name of a secret that was replaced and is still taken.</summary>
    internal const string Old = "old.";

    /// <summary>Empty where nothing is set.</summary>
    public string this[string name] => Values.GetValueOrDefault(name, "");

    /// <summary>Those that are taken: the current one, and during a rotation the one before. None is empty.</summary>
    public IEnumerable<string> SecretsOf(string name) =>
        new[] { this[name], this[Old + name] }.Where(secret => secret.Length > 0);
}

/// <summary>A call that came in, before anything was parsed.</summary>
/// <param name="Header">A header's value, or empty if it is missing.</param>
public sealed record GateCall(Func<string, string> Header, byte[] Body)
{
    /// <summary>What the address has after the source, without a slash at its start.</summary>
    public string Path { get; init; } = "";

    /// <summary>A value of the address's query, or empty if it is missing.</summary>
    public Func<string, string> Query { get; init; } = _ => "";
}

public sealed record GateResponse(int Status, string Text = "")
{
    public static readonly GateResponse Ok = new(202);

    /// <summary>The text is JSON.</summary>
    public bool IsJson { get; init; }
}

/// <summary>How far a request is, for a caller that polls.</summary>
/// <param name="Link">The request's page; null where the hub has no public address.</param>
/// <param name="IsCurrent">False: the caller stopped polling for it, so that what it asks now is something new.</param>
public sealed record GateStanding(Requests.Status Status, string Text, string? Link, bool IsCurrent);

/// <summary>What a genuine call says.</summary>
public abstract record GateMessage
{
    private GateMessage() { }

    /// <summary>
    /// By which the caller knows this very call, also when it makes it again; null where it has no such id.
    /// </summary>
    public string? CallId { get; init; }

    /// <summary>Nothing that concerns a request.</summary>
    public sealed record Ignored(string Why) : GateMessage;

    /// <summary>A test by the person who sets it up there.</summary>
    public sealed record Ping : GateMessage;

    public sealed record Asked(GateAsk Ask) : GateMessage;

    /// <summary>What was asked under this id is not waited for any more.</summary>
    public sealed record Gone(string Ask, string Why) : GateMessage
    {
        /// <summary>It went on, with or without our verdict.</summary>
        public bool WentOn { get; init; }
    }

    /// <summary>Asks how far others are, and nothing by itself.</summary>
    /// <param name="PollGap">As in <see cref="GateAsk.PollGap"/>.</param>
    public sealed record Looked(IReadOnlyList<string> Asks, TimeSpan PollGap) : GateMessage;

    /// <summary>Genuine, but nothing we can answer; nothing is let through, and the admin is shown why.</summary>
    public sealed record Refused(string Why) : GateMessage;
}

/// <summary>How to answer a request. Encrypted at rest, and erased once nothing is owed.</summary>
/// <param name="Values">What the gate needs beside the address, such as a token that came with the call.</param>
public sealed record GateReply(string Url, IReadOnlyDictionary<string, string> Values)
{
    public string this[string name] => Values.GetValueOrDefault(name, "");
}

/// <summary>What was decided, in the words that people there read.</summary>
/// <param name="Link">The request's page; null where the hub has no public address.</param>
public sealed record GateVerdict(string RequestId, bool IsApproved, string Text, string? Link)
{
    /// <summary>No one decided: it was taken back, or the time was up.</summary>
    public bool IsWithdrawn { get; init; }
}

public sealed record OutgoingCall(HttpMethod Method, Uri Url)
{
    public string? Json { get; init; }
    public string ContentType { get; init; } = "application/json";
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>The call carries a token of this scope; null: what it needs is in its headers.</summary>
    public string? TokenScope { get; init; }

    /// <summary>A failure isn't the source's problem: nothing is shown on its page.</summary>
    public bool IsOptional { get; init; }

    /// <summary>Tells the answers of several calls apart.</summary>
    public string Step { get; init; } = "";

    /// <summary>
    /// It undoes what stands there without a decision. A decision that came meanwhile is told after it, once more.
    /// </summary>
    public bool TakesBack { get; init; }
}

/// <summary>An answer with any status.</summary>
/// <param name="RetryAfter">For how long we are asked to leave the caller alone; null: it doesn't say.</param>
public sealed record CallAnswer(int Status, byte[] Body, TimeSpan? RetryAfter, Func<string, string> Header)
{
    /// <summary>A success, but of a web page, such as one to sign in: nothing was taken.</summary>
    public bool IsPage { get; init; }

    public bool IsGood => Status is >= 200 and < 300 && !IsPage;

    /// <summary>Why a page is no answer, for admins.</summary>
    internal string WhyNoPage =>
        $"A web page came instead of an answer ({Status}). Look for a proxy or a sign-in in between.";
}

/// <param name="Next">Null: that was all.</param>
/// <param name="Found">What is known so far.</param>
public sealed record CommitsStep(OutgoingCall? Next, Requests.NewCommits Found);

public sealed record GateToken(string Text, DateTimeOffset Until);

/// <param name="Id">What <see cref="GateMessage.CallId"/> is when it arrives.</param>
/// <param name="Again">Makes the caller send it again.</param>
public sealed record RecentCall(string Id, OutgoingCall Again);

/// <param name="Ask">What <see cref="GateAsk.Id"/> is of it.</param>
public sealed record WaitingAsk(string Ask, OutgoingCall Read);

/// <summary>What the caller made of a verdict.</summary>
public abstract record CallResult
{
    private CallResult() { }

    public sealed record Delivered : CallResult;

    /// <summary>It may be taken later.</summary>
    public sealed record Retry(string Why, TimeSpan? After = null) : CallResult;

    /// <summary>
    /// Refused in a way that has several meanings: <see cref="IGate.Watch"/> finds out which, and until then it is sent
    /// again.
    /// </summary>
    public sealed record Unclear(string Why) : CallResult;

    /// <summary>The token isn't taken: another one is fetched.</summary>
    public sealed record TokenRefused(string Why) : CallResult;

    /// <summary>It is refused until a person changes something there.</summary>
    public sealed record Held(string Why) : CallResult;

    /// <summary>Nothing is waiting for it any more.</summary>
    public sealed record Gone(string Why) : CallResult;

    /// <summary>
    /// It ended there before: by this very verdict where an earlier attempt may have arrived, by something else where
    /// this is the first.
    /// </summary>
    public sealed record Over(string Why) : CallResult;
}

/// <summary>How far it is with what is left to do after a verdict was taken.</summary>
public abstract record FollowUpResult
{
    private FollowUpResult() { }

    public sealed record Done : FollowUpResult;

    public sealed record Next(OutgoingCall Call) : FollowUpResult;

    /// <summary>Others there must act first; nothing is wrong.</summary>
    public sealed record NotYet : FollowUpResult;

    /// <summary>It may work later.</summary>
    public sealed record Retry(string Why, TimeSpan? After = null) : FollowUpResult;

    /// <summary>It is refused until a person changes something there.</summary>
    public sealed record Held(string Why) : FollowUpResult;
}

public abstract record WatchResult
{
    private WatchResult() { }

    /// <summary>On the way to it something was taken back.</summary>
    internal bool TookBack { get; init; }

    public sealed record StillWaiting : WatchResult;

    /// <summary>It waits, but goes on without regard to the decision.</summary>
    public sealed record NotHeeded(string Why) : WatchResult;

    /// <summary>Our verdict is what the caller goes by, although its answer got lost.</summary>
    public sealed record OursStands : WatchResult;

    /// <summary>The caller went on without our verdict.</summary>
    public sealed record WentOn(string Why) : WatchResult;

    /// <summary>The caller ended, and nothing was let through that we know of.</summary>
    public sealed record Gone(string Why) : WatchResult
    {
        /// <summary>It never waited for us, which the admins are told.</summary>
        public bool NeverWaited { get; init; }
    }

    public sealed record Unknown(string Why) : WatchResult;

    /// <summary>Another call says more.</summary>
    public sealed record Next(OutgoingCall Call) : WatchResult;
}
