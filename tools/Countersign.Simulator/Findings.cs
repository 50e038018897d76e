namespace Countersign.Simulator;

/// <summary>How much a finding weighs.</summary>
public enum Severity
{
    /// <summary>May be meant so; LaunchDarkly works on.</summary>
    Doubtful,

    /// <summary>LaunchDarkly and the application disagree, or the protocol is broken: the simulation fails.</summary>
    Wrong,
}

/// <summary>Something that an approval application must or should do; its code is what scripts rely on.</summary>
public sealed record Rule(string Code, Severity Severity, string Meaning)
{
    private static readonly List<Rule> Known = [];

    // --- Any answer ---
    public static readonly Rule Unreachable = Wrong("unreachable", "No answer came: refused, cut off or not in time.");
    public static readonly Rule ServerError = Wrong(
        "server-error",
        "An answer of 500 or above other than 503, which says that a store is down."
    );
    public static readonly Rule NotJson = Wrong("not-json", "An answer that should be JSON is not.");
    public static readonly Rule StatusMissing = Wrong(
        "status-missing",
        "Nothing stands where LaunchDarkly looks for the status, so it learns nothing."
    );
    public static readonly Rule ValueBoth = Wrong(
        "value-both",
        "The status value matches the pattern for approved and the one for declined."
    );
    public static readonly Rule ValueMisread = Wrong(
        "value-misread",
        "The status value merely contains the word, and LaunchDarkly takes it for the decision: "
            + "partially_approved reads as approved."
    );
    public static readonly Rule ValueUnread = Wrong(
        "value-unread",
        "The status value means a decision to people, but matches neither pattern: LaunchDarkly waits on."
    );
    public static readonly Rule ValueNotText = Doubtful("value-not-text", "The status value is not a string.");
    public static readonly Rule DisplayMissing = Doubtful(
        "display-missing",
        "There is no text to display; LaunchDarkly shows the bare value."
    );
    public static readonly Rule SlowAnswer = Doubtful(
        "slow-answer",
        "An answer took longer than five seconds; how long LaunchDarkly waits is not documented."
    );
    public static readonly Rule RateLimited = Doubtful(
        "rate-limited",
        "A call was refused with 429; LaunchDarkly polls every open request and is not known to slow down."
    );

    // --- Creation ---
    public static readonly Rule CreateRefused = Wrong("create-refused", "A valid creation was not answered with 2xx.");
    public static readonly Rule IdMissing = Wrong(
        "id-missing",
        "The creation's answer holds no id, so that no later call can be made."
    );
    public static readonly Rule IdNotEchoed = Wrong(
        "id-not-echoed",
        "The creation's answer holds another id than LaunchDarkly's own, which the documentation asks to be returned."
    );
    public static readonly Rule IdUnsafe = Wrong(
        "id-unsafe",
        "The id holds something other than A-Z a-z 0-9 _ -; LaunchDarkly puts it into addresses without encoding it."
    );
    public static readonly Rule DuplicateMade = Wrong(
        "duplicate-made",
        "The same creation sent again came back with another id: one change, two requests."
    );
    public static readonly Rule RepeatReset = Wrong("repeat-reset", "The same creation sent again undid a decision.");
    public static readonly Rule ApprovalCarriedOver = Doubtful(
        "approval-carried-over",
        "Other content under the id of an approved request was called approved without a review."
    );
    public static readonly Rule BrokenAccepted = Wrong(
        "broken-accepted",
        "A body that is no creation was answered with something other than 4xx."
    );
    public static readonly Rule BrokenKept = Wrong("broken-kept", "A body that was refused left a request behind.");

    // --- Status ---
    public static readonly Rule StatusRefused = Wrong(
        "status-refused",
        "The status of a request that was created is not answered with 2xx."
    );
    public static readonly Rule UnknownDecided = Wrong(
        "unknown-decided",
        "A request that was never created is called approved or declined."
    );
    public static readonly Rule UnknownAnswered = Doubtful(
        "unknown-answered",
        "A request that was never created has a status; 404 would be the truth."
    );
    public static readonly Rule DecisionFlipped = Wrong("decision-flipped", "A decision turned into its opposite.");
    public static readonly Rule DecisionTakenBack = Doubtful(
        "decision-taken-back",
        "A decision was taken back; LaunchDarkly may have acted on it already."
    );
    public static readonly Rule ParallelDisagree = Wrong(
        "parallel-disagree",
        "Polls at the same time were answered differently, in an order that time cannot explain."
    );
    public static readonly Rule GetDecides = Wrong(
        "get-decides",
        "Merely looking decided: requests that were polled or opened in a browser are decided, those left "
            + "alone are not."
    );

    // --- Apply and cancel ---
    public static readonly Rule PostRefused = Wrong("post-refused", "Apply or cancel is not to be had with POST.");
    public static readonly Rule ApplyRefused = Wrong(
        "apply-refused",
        "Apply of a known request was not answered with 2xx, in whatever state it was."
    );
    public static readonly Rule CancelRefused = Wrong(
        "cancel-refused",
        "Cancel of a known request was not answered with 2xx, in whatever state it was."
    );
    public static readonly Rule CancelUnknownRefused = Doubtful(
        "cancel-unknown-refused",
        "Cancel of an unknown request was not answered with 2xx; that might keep a member from deleting it "
            + "in LaunchDarkly."
    );
    public static readonly Rule MadeApproved = Wrong(
        "made-approved",
        "Applying or cancelling pending requests turned them into approved ones."
    );
    public static readonly Rule AppliedNotApproved = Wrong(
        "applied-not-approved",
        "A request that was approved and applied is no longer called approved."
    );

    // --- Keys ---
    public static readonly Rule WrongKeyAccepted = Wrong(
        "wrong-key-accepted",
        "A call with a wrong key, or with none, was let in."
    );
    public static readonly Rule WrongKeyNot401 = Wrong(
        "wrong-key-not-401",
        "A call with a wrong key was refused otherwise than with 401."
    );
    public static readonly Rule RotatedKeyRefused = Wrong(
        "rotated-key-refused",
        "The second key does not work for a request made with the first."
    );

    // --- Members ---
    public static readonly Rule MembersOff = Doubtful(
        "members-off",
        "There is no list of members; LaunchDarkly cannot tell who may decide."
    );
    public static readonly Rule MembersShape = Wrong(
        "members-shape",
        "The members are not where LaunchDarkly looks for them."
    );
    public static readonly Rule MemberNameless = Wrong(
        "member-nameless",
        "A member has no name, which LaunchDarkly takes for the id."
    );
    public static readonly Rule MemberDuplicate = Wrong(
        "member-duplicate",
        "Two members have the same name, which LaunchDarkly takes for the id."
    );
    public static readonly Rule MemberWithoutEmail = Doubtful(
        "member-without-email",
        "A member has no email address, by which LaunchDarkly finds its own member."
    );

    // --- The review page ---
    public static readonly Rule PageNeedsKey = Wrong(
        "page-needs-key",
        "The review page asks a browser for an API key instead of letting a person sign in."
    );
    public static readonly Rule PageMissing = Wrong(
        "page-missing",
        "The review page of a known request leads nowhere."
    );

    public static IReadOnlyList<Rule> All => Known;

    private static Rule Wrong(string code, string meaning) => Add(new Rule(code, Severity.Wrong, meaning));

    private static Rule Doubtful(string code, string meaning) => Add(new Rule(code, Severity.Doubtful, meaning));

    private static Rule Add(Rule rule)
    {
        Known.Add(rule);
        return rule;
    }
}

/// <summary>A rule that was not kept.</summary>
/// <param name="Case">In which case of the simulation.</param>
/// <param name="Request">LaunchDarkly's id of the request, where it was about one.</param>
public sealed record Finding(Rule Rule, string Case, string? Request, string What);
