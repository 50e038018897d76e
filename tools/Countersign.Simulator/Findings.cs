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
    public static readonly Rule Unreachable = Wrong("unreachable", "No response: refused, cut off or too late.");
    public static readonly Rule ServerError = Wrong(
        "server-error",
        "A response of 500 or above, other than 503, which means that a store is down."
    );
    public static readonly Rule NotJson = Wrong("not-json", "A response that should be JSON isn't.");
    public static readonly Rule StatusMissing = Wrong(
        "status-missing",
        "There is nothing where LaunchDarkly looks for the status."
    );
    public static readonly Rule ValueBoth = Wrong(
        "value-both",
        "The status value matches the pattern for approved and the one for declined."
    );
    public static readonly Rule ValueMisread = Wrong(
        "value-misread",
        "The status value only contains the word, and LaunchDarkly reads it as the decision: "
            + "partially_approved reads as approved."
    );
    public static readonly Rule ValueUnread = Wrong(
        "value-unread",
        "People would read the status value as a decision, but it matches neither pattern: LaunchDarkly keeps waiting."
    );
    public static readonly Rule ValueNotText = Doubtful("value-not-text", "The status value isn't a string.");
    public static readonly Rule DisplayMissing = Doubtful(
        "display-missing",
        "There is no text to display; LaunchDarkly shows the bare value."
    );
    public static readonly Rule SlowAnswer = Doubtful(
        "slow-answer",
        "A response took longer than five seconds; LaunchDarkly's timeout isn't documented."
    );
    public static readonly Rule RateLimited = Doubtful(
        "rate-limited",
        "A call was refused with 429; LaunchDarkly polls every open request and isn't known to slow down."
    );

    // --- Creation ---
    public static readonly Rule CreateRefused = Wrong("create-refused", "A valid creation didn't return 2xx.");
    public static readonly Rule IdMissing = Wrong(
        "id-missing",
        "The creation's response contains no ID, so no later call is possible."
    );
    public static readonly Rule IdNotEchoed = Wrong(
        "id-not-echoed",
        "The creation's response contains an ID other than LaunchDarkly's own, which the documentation asks "
            + "you to return."
    );
    public static readonly Rule IdUnsafe = Wrong(
        "id-unsafe",
        "The ID contains something other than A-Z a-z 0-9 _ -; LaunchDarkly puts it into URLs without encoding it."
    );
    public static readonly Rule DuplicateMade = Wrong(
        "duplicate-made",
        "The same creation sent again returned another ID: one change, two requests."
    );
    public static readonly Rule RepeatReset = Wrong("repeat-reset", "The same creation sent again undid a decision.");
    public static readonly Rule ApprovalCarriedOver = Doubtful(
        "approval-carried-over",
        "Different content under the ID of an approved request counts as approved, although no one has reviewed it."
    );
    public static readonly Rule BrokenAccepted = Wrong(
        "broken-accepted",
        "A body that isn't a creation got a response other than 4xx."
    );
    public static readonly Rule BrokenKept = Wrong("broken-kept", "A body that was refused left a request behind.");

    // --- Status ---
    public static readonly Rule StatusRefused = Wrong(
        "status-refused",
        "The status of an existing request doesn't return 2xx."
    );
    public static readonly Rule UnknownDecided = Wrong(
        "unknown-decided",
        "A request that was never created counts as approved or declined."
    );
    public static readonly Rule UnknownAnswered = Doubtful(
        "unknown-answered",
        "A request that was never created has a status; 404 would be correct."
    );
    public static readonly Rule DecisionFlipped = Wrong("decision-flipped", "A decision turned into its opposite.");
    public static readonly Rule DecisionTakenBack = Doubtful(
        "decision-taken-back",
        "A decision was taken back; LaunchDarkly may have acted on it already."
    );
    public static readonly Rule ParallelDisagree = Wrong(
        "parallel-disagree",
        "Simultaneous polls returned different statuses, in an order that time can't explain."
    );
    public static readonly Rule GetDecides = Wrong(
        "get-decides",
        "Looking at a request decided it: requests that were polled or opened in a browser are decided, the "
            + "others aren't."
    );

    // --- Apply and cancel ---
    public static readonly Rule PostRefused = Wrong("post-refused", "Apply or cancel isn't available with POST.");
    public static readonly Rule ApplyRefused = Wrong(
        "apply-refused",
        "Apply of a known request didn't return 2xx; it must, in every state."
    );
    public static readonly Rule CancelRefused = Wrong(
        "cancel-refused",
        "Cancel of a known request didn't return 2xx; it must, in every state."
    );
    public static readonly Rule CancelUnknownRefused = Doubtful(
        "cancel-unknown-refused",
        "Cancel of an unknown request didn't return 2xx; that may prevent its deletion in LaunchDarkly."
    );
    public static readonly Rule MadeApproved = Wrong(
        "made-approved",
        "Applying or cancelling an undecided request approved it."
    );
    public static readonly Rule AppliedNotApproved = Wrong(
        "applied-not-approved",
        "A request that was approved and applied no longer counts as approved."
    );

    // --- Keys ---
    public static readonly Rule WrongKeyAccepted = Wrong(
        "wrong-key-accepted",
        "A call with a wrong key, or without one, was accepted."
    );
    public static readonly Rule WrongKeyNot401 = Wrong(
        "wrong-key-not-401",
        "A call with a wrong key was refused with something other than 401."
    );
    public static readonly Rule RotatedKeyRefused = Wrong(
        "rotated-key-refused",
        "The second key doesn't work for a request created with the first."
    );

    // --- Members ---
    public static readonly Rule MembersOff = Doubtful(
        "members-off",
        "There is no member list; LaunchDarkly can't tell who may decide."
    );
    public static readonly Rule MembersShape = Wrong(
        "members-shape",
        "The members aren't where LaunchDarkly looks for them."
    );
    public static readonly Rule MemberNameless = Wrong(
        "member-nameless",
        "A member has no name, which LaunchDarkly uses as the ID."
    );
    public static readonly Rule MemberDuplicate = Wrong(
        "member-duplicate",
        "Two members have the same name, which LaunchDarkly uses as the ID."
    );
    public static readonly Rule MemberWithoutEmail = Doubtful(
        "member-without-email",
        "A member has no email, by which LaunchDarkly finds its own member."
    );

    // --- The review page ---
    public static readonly Rule PageNeedsKey = Wrong(
        "page-needs-key",
        "The review page asks a browser for an API key instead of letting a person sign in."
    );
    public static readonly Rule PageMissing = Wrong(
        "page-missing",
        "The review page of a known request doesn't exist."
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
