namespace Countersign.Simulator;

/// <summary>How much a finding weighs.</summary>
public enum Severity
{
    /// <summary>May be meant so; LaunchDarkly works on.</summary>
    Doubtful,

    /// <summary>LaunchDarkly and the application disagree, or the protocol is broken: the simulation fails.</summary>
    Wrong,
}

/// <summary>What must have happened before a rule can be broken.</summary>
internal enum Needed
{
    Nothing,

    /// <summary>The application has decided a request.</summary>
    Decision,

    /// <summary>LaunchDarkly has applied a change.</summary>
    Apply,

    /// <summary>LaunchDarkly has applied an approved change.</summary>
    Applied,

    /// <summary>LaunchDarkly has deleted a request.</summary>
    Cancel,
}

/// <summary>
/// Something that an approval application must or should do. Its code and its number are what scripts rely on: neither
/// is ever given to another rule.
/// </summary>
/// <param name="Fix">What the application's developers should do.</param>
public sealed record Rule(int Number, string Code, Severity Severity, string Group, string Meaning, string Fix)
{
    private static readonly List<Rule> Known = [];

    /// <summary>The cases that check it; empty for those that every call checks.</summary>
    internal IReadOnlyList<string> Cases { get; init; } = [];
    internal Needed Needs { get; init; }

    /// <summary>As reports show the number.</summary>
    public string Label => $"LD-{Number}";

    // --- Any response ---
    public static readonly Rule Unreachable = Add(
        new Rule(
            101,
            "unreachable",
            Severity.Wrong,
            "Any response",
            "No response: refused, cut off or too late.",
            "Check the base URL, the port and any proxy in between, and answer within 30 seconds."
        )
    );
    public static readonly Rule ServerError = Add(
        new Rule(
            102,
            "server-error",
            Severity.Wrong,
            "Any response",
            "A response of 500 or above, other than 503, which means that a store is down.",
            "Find the exception in the application's log. Answer 4xx for input that you can't use "
                + "and 503 when your store is down."
        )
    );
    public static readonly Rule NotJson = Add(
        new Rule(
            103,
            "not-json",
            Severity.Wrong,
            "Any response",
            "A response that should be JSON isn't.",
            "Answer every call with a JSON object and the content type application/json, errors and "
                + "empty results too."
        )
    );
    public static readonly Rule StatusMissing = Add(
        new Rule(
            104,
            "status-missing",
            Severity.Wrong,
            "Any response",
            "There is nothing where LaunchDarkly looks for the status.",
            "Answer creation, status, apply and cancel with {\"status\": {\"value\": \"pending\", "
                + "\"display\": \"…\"}}."
        )
    );
    public static readonly Rule ValueBoth = Add(
        new Rule(
            105,
            "value-both",
            Severity.Wrong,
            "Any response",
            "The status value matches the pattern for approved and the one for declined.",
            "Send one word as the value: approved, declined, or one that contains neither, such as "
                + "pending. Put the rest into display."
        )
    );
    public static readonly Rule ValueMisread = Add(
        new Rule(
            106,
            "value-misread",
            Severity.Wrong,
            "Any response",
            "The status value only contains the word, and LaunchDarkly reads it as the decision: "
                + "partially_approved reads as approved.",
            "Send exactly approved or declined once it's decided. Until then send a value that "
                + "contains neither word."
        )
    );
    public static readonly Rule ValueUnread = Add(
        new Rule(
            107,
            "value-unread",
            Severity.Wrong,
            "Any response",
            "People would read the status value as a decision, but it matches neither pattern: "
                + "LaunchDarkly keeps waiting.",
            "Send approved or declined in lower case; the patterns are case-sensitive, and rejected "
                + "matches neither."
        )
    );
    public static readonly Rule ValueNotText = Add(
        new Rule(
            108,
            "value-not-text",
            Severity.Doubtful,
            "Any response",
            "The status value isn't a string.",
            "Send the value as a JSON string."
        )
    );
    public static readonly Rule DisplayMissing = Add(
        new Rule(
            109,
            "display-missing",
            Severity.Doubtful,
            "Any response",
            "There is no text to display; LaunchDarkly shows the bare value.",
            "Add a short text for people at /status/display."
        )
    );
    public static readonly Rule SlowAnswer = Add(
        new Rule(
            110,
            "slow-answer",
            Severity.Doubtful,
            "Any response",
            "A response took longer than five seconds; LaunchDarkly's timeout isn't documented.",
            "Answer from your own store, and call other systems in the background."
        )
    );
    public static readonly Rule RateLimited = Add(
        new Rule(
            111,
            "rate-limited",
            Severity.Doubtful,
            "Any response",
            "A call was refused with 429; LaunchDarkly polls every open request and isn't known to " + "slow down.",
            "Allow for one status poll per open request every five minutes, with bursts when someone "
                + "opens the request."
        )
    );

    // --- Creation ---
    public static readonly Rule CreateRefused = Add(
        new Rule(
            201,
            "create-refused",
            Severity.Wrong,
            "Creation",
            "A valid creation didn't return 2xx.",
            "Accept every creation that has an ID: details, tags, environment, flag and form fields "
                + "can be empty or missing, and texts can contain anything."
        )
    );
    public static readonly Rule IdMissing = Add(
        new Rule(
            202,
            "id-missing",
            Severity.Wrong,
            "Creation",
            "The creation's response contains no ID, so no later call is possible.",
            "Return LaunchDarkly's own ID at /_id."
        )
    );
    public static readonly Rule IdNotEchoed = Add(
        new Rule(
            203,
            "id-not-echoed",
            Severity.Wrong,
            "Creation",
            "The creation's response contains an ID other than LaunchDarkly's own, which the "
                + "documentation asks you to return.",
            "Return the _id of the body, and find the request by it later."
        )
    );
    public static readonly Rule IdUnsafe = Add(
        new Rule(
            204,
            "id-unsafe",
            Severity.Wrong,
            "Creation",
            "The ID contains something other than A-Z a-z 0-9 _ -; LaunchDarkly puts it into URLs "
                + "without encoding it.",
            "Return LaunchDarkly's own ID, which is 24 hexadecimal digits."
        )
    );
    public static readonly Rule DuplicateMade = Add(
        new Rule(
            205,
            "duplicate-made",
            Severity.Wrong,
            "Creation",
            "The same creation sent again returned another ID: one change, two requests.",
            "Make the ID unique in your store, and answer a repeated creation with the request that exists."
        )
        {
            Cases = ["duplicates", "shuffled-form", "only-looking", "edited"],
        }
    );
    public static readonly Rule RepeatReset = Add(
        new Rule(
            206,
            "repeat-reset",
            Severity.Wrong,
            "Creation",
            "The same creation sent again undid a decision.",
            "Answer a repeated creation with the current status, and change nothing."
        )
        {
            Cases = ["duplicates", "shuffled-form"],
            Needs = Needed.Decision,
        }
    );
    public static readonly Rule ApprovalCarriedOver = Add(
        new Rule(
            207,
            "approval-carried-over",
            Severity.Doubtful,
            "Creation",
            "Different content under the ID of an approved request counts as approved, although no "
                + "one has reviewed it.",
            "Dismiss earlier decisions when the content changes, or refuse the changed creation."
        )
        {
            Cases = ["edited"],
            Needs = Needed.Decision,
        }
    );
    public static readonly Rule BrokenAccepted = Add(
        new Rule(
            208,
            "broken-accepted",
            Severity.Wrong,
            "Creation",
            "A body that isn't a creation got a response other than 4xx.",
            "Answer 400 to a body that isn't JSON or has no ID."
        )
        {
            Cases = ["broken-json", "oauth-escaping", "null-form"],
        }
    );
    public static readonly Rule BrokenKept = Add(
        new Rule(
            209,
            "broken-kept",
            Severity.Wrong,
            "Creation",
            "A body that was refused left a request behind.",
            "Check the whole body before you store anything."
        )
        {
            Cases = ["broken-json", "oauth-escaping", "null-form"],
        }
    );

    // --- Status ---
    public static readonly Rule StatusRefused = Add(
        new Rule(
            301,
            "status-refused",
            Severity.Wrong,
            "Status",
            "The status of an existing request doesn't return 2xx.",
            "Answer GET /api/approvals/{id}/status for every request that was created, under the ID "
                + "that you returned."
        )
    );
    public static readonly Rule UnknownDecided = Add(
        new Rule(
            302,
            "unknown-decided",
            Severity.Wrong,
            "Status",
            "A request that was never created counts as approved or declined.",
            "Answer 404 for an ID that you don't know."
        )
        {
            Cases = ["unknown-id"],
        }
    );
    public static readonly Rule UnknownAnswered = Add(
        new Rule(
            303,
            "unknown-answered",
            Severity.Doubtful,
            "Status",
            "A request that was never created has a status; 404 would be correct.",
            "Answer 404 for an ID that you don't know."
        )
        {
            Cases = ["unknown-id"],
        }
    );
    public static readonly Rule DecisionFlipped = Add(
        new Rule(
            304,
            "decision-flipped",
            Severity.Wrong,
            "Status",
            "A decision turned into its opposite.",
            "Store the decision once, and let nothing change it. A second thought is a new request."
        )
        {
            Needs = Needed.Decision,
        }
    );
    public static readonly Rule DecisionTakenBack = Add(
        new Rule(
            305,
            "decision-taken-back",
            Severity.Doubtful,
            "Status",
            "A decision was taken back; LaunchDarkly may have acted on it already.",
            "Keep a decision as it is once LaunchDarkly may have read it."
        )
        {
            Needs = Needed.Decision,
        }
    );
    public static readonly Rule ParallelDisagree = Add(
        new Rule(
            306,
            "parallel-disagree",
            Severity.Wrong,
            "Status",
            "Simultaneous polls returned different statuses, in an order that time can't explain.",
            "Read the status from one place, on all nodes, without a cache that can be older than " + "the decision."
        )
        {
            Cases = ["parallel-polls"],
        }
    );
    public static readonly Rule GetDecides = Add(
        new Rule(
            307,
            "get-decides",
            Severity.Wrong,
            "Status",
            "Looking at a request decided it: requests that were polled or opened in a browser are "
                + "decided, the others aren't.",
            "Decide on a POST only. Link previews and pollers send GET."
        )
        {
            Cases = ["only-looking"],
        }
    );

    // --- Apply and cancel ---
    public static readonly Rule PostRefused = Add(
        new Rule(
            401,
            "post-refused",
            Severity.Wrong,
            "Apply and cancel",
            "Apply or cancel isn't available with POST.",
            "Serve POST /api/approvals/{id}/apply and POST /api/approvals/{id}/cancel; older samples "
                + "use PATCH or DELETE."
        )
    );
    public static readonly Rule ApplyRefused = Add(
        new Rule(
            402,
            "apply-refused",
            Severity.Wrong,
            "Apply and cancel",
            "Apply of a known request didn't return 2xx; it must, in every state.",
            "Record the apply and answer 200 with the current status, also for an empty body and an "
                + "undecided request."
        )
        {
            Cases = ["apply-early", "repeats", "race", "changes"],
            Needs = Needed.Apply,
        }
    );
    public static readonly Rule CancelRefused = Add(
        new Rule(
            403,
            "cancel-refused",
            Severity.Wrong,
            "Apply and cancel",
            "Cancel of a known request didn't return 2xx; it must, in every state.",
            "Answer 200 with the current status, also for an empty body and a decided request."
        )
        {
            Cases = ["changes", "repeats", "race", "cancel-late"],
            Needs = Needed.Cancel,
        }
    );
    public static readonly Rule CancelUnknownRefused = Add(
        new Rule(
            404,
            "cancel-unknown-refused",
            Severity.Doubtful,
            "Apply and cancel",
            "Cancel of an unknown request didn't return 2xx; that may prevent its deletion in LaunchDarkly.",
            "Answer 200 and log it."
        )
        {
            Cases = ["unknown-id"],
        }
    );
    public static readonly Rule MadeApproved = Add(
        new Rule(
            405,
            "made-approved",
            Severity.Wrong,
            "Apply and cancel",
            "Applying or cancelling an undecided request approved it.",
            "Keep the status as it is; that the change was applied is a fact beside it."
        )
        {
            Cases = ["apply-early", "repeats"],
        }
    );
    public static readonly Rule AppliedNotApproved = Add(
        new Rule(
            406,
            "applied-not-approved",
            Severity.Wrong,
            "Apply and cancel",
            "A request that was approved and applied no longer counts as approved.",
            "Keep the value approved after the apply, and say \"applied\" in display."
        )
        {
            Needs = Needed.Applied,
        }
    );

    // --- Keys ---
    public static readonly Rule WrongKeyAccepted = Add(
        new Rule(
            501,
            "wrong-key-accepted",
            Severity.Wrong,
            "Keys",
            "A call with a wrong key, or without one, was accepted.",
            "Compare the whole bearer token, in constant time, before anything else."
        )
        {
            Cases = ["wrong-key"],
        }
    );
    public static readonly Rule WrongKeyNot401 = Add(
        new Rule(
            502,
            "wrong-key-not-401",
            Severity.Wrong,
            "Keys",
            "A call with a wrong key was refused with something other than 401.",
            "Answer 401 to a missing and to a wrong key alike."
        )
        {
            Cases = ["wrong-key"],
        }
    );
    public static readonly Rule RotatedKeyRefused = Add(
        new Rule(
            503,
            "rotated-key-refused",
            Severity.Wrong,
            "Keys",
            "The second key doesn't work for a request created with the first.",
            "Tie requests to the configuration, not to the key, and accept two keys during a rotation."
        )
        {
            Cases = ["rotated-key"],
        }
    );

    // --- Members ---
    public static readonly Rule MembersOff = Add(
        new Rule(
            601,
            "members-off",
            Severity.Doubtful,
            "Members",
            "There is no member list; LaunchDarkly can't tell who may decide.",
            "Serve GET /api/members, or leave it out on purpose."
        )
        {
            Cases = ["members"],
        }
    );
    public static readonly Rule MembersShape = Add(
        new Rule(
            602,
            "members-shape",
            Severity.Wrong,
            "Members",
            "The members aren't where LaunchDarkly looks for them.",
            "Answer {\"members\": [{\"name\": \"…\", \"email\": \"…\"}]}."
        )
        {
            Cases = ["members"],
        }
    );
    public static readonly Rule MemberNameless = Add(
        new Rule(
            603,
            "member-nameless",
            Severity.Wrong,
            "Members",
            "A member has no name, which LaunchDarkly uses as the ID.",
            "Send a name for every member, or leave the member out."
        )
        {
            Cases = ["members"],
        }
    );
    public static readonly Rule MemberDuplicate = Add(
        new Rule(
            604,
            "member-duplicate",
            Severity.Wrong,
            "Members",
            "Two members have the same name, which LaunchDarkly uses as the ID.",
            "Add the email to names that occur twice."
        )
        {
            Cases = ["members"],
        }
    );
    public static readonly Rule MemberWithoutEmail = Add(
        new Rule(
            605,
            "member-without-email",
            Severity.Doubtful,
            "Members",
            "A member has no email, by which LaunchDarkly finds its own member.",
            "Send the email that the member has in LaunchDarkly."
        )
        {
            Cases = ["members"],
        }
    );

    // --- The review page ---
    public static readonly Rule PageNeedsKey = Add(
        new Rule(
            701,
            "page-needs-key",
            Severity.Wrong,
            "The review page",
            "The review page asks a browser for an API key instead of letting a person sign in.",
            "Let a person sign in at /approvals?approvalID={id} and lead them back to that request."
        )
        {
            Cases = ["review-page"],
        }
    );
    public static readonly Rule PageMissing = Add(
        new Rule(
            702,
            "page-missing",
            Severity.Wrong,
            "The review page",
            "The review page of a known request doesn't exist.",
            "Serve GET /approvals?approvalID={id}; the parameter's name ends in a capital ID."
        )
        {
            Cases = ["review-page"],
        }
    );

    public static IReadOnlyList<Rule> All => Known;

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
