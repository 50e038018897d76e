using Countersign.Hosting.OpenApi;
using Countersign.Requests;

namespace Countersign.Doors.Api.Operations;

/// <summary>The operations on requests, for the API's description.</summary>
internal static class RequestOperations
{
    public static void Submit(OperationText call) =>
        call.Is(
                "submitRequest",
                "Submit a request",
                "Creates a request for approval, in the name of the source or the person who calls.\n\n"
                    + "The same `externalId` and content again returns 200 and the current state. Different content "
                    + "creates a new revision while the request is active, which dismisses earlier decisions. "
                    + "With an `Idempotency-Key`, the same key and body within 24 hours return the first response."
            )
            .Header(
                SubmitEndpoint.KeyHeader,
                "Makes it safe to send the call again.",
                Values.Text("5f2c1d6e-deploy-4711", max: 255)
            )
            .Example(
                """
                {"subject": "Turn on loyalty points", "message": "Rolls out to 10% first.", "externalId": "deploy-4711",
                 "facts": {"environment": "production", "risk": 2}, "assignee": {"group": "SRE"},
                 "requester": {"email": "rita@example.com"}}
                """
            )
            .Answer(201, "The request was created. `Location` has its address.")
            .Answer(200, "The request was known: its current state, or that of its new revision.")
            .Fails(409, "already_settled", "assignee_differs", "conflict")
            .Forbids("agents_ask");

    public static void List(OperationText call) =>
        call.Is(
                "listRequests",
                "List requests",
                "Lists the requests that you may see, newest first. Values of one filter, separated by commas, are "
                    + "alternatives; several filters narrow each other. A page can be shorter than `size` and still "
                    + "have a `next`."
            )
            .Query("status", "Only requests with one of these statuses.", Words.Many(Words.Statuses))
            .Query("assignee", "Only requests assigned to one of these people, by email.", Values.Many(Values.Text()))
            .Query(
                "group",
                "Only requests that are assigned to one of these groups or whose policy asks it.",
                Values.Many(Values.Text())
            )
            .Query("source", "Only requests of these sources, by name.", Values.Many(Values.Text()))
            .Query("environment", "Only requests whose facts name this environment, ignoring case.")
            .Query(
                "text",
                "Only requests that contain all these words, or the text in their title, name or external ID.",
                Values.Text("loyalty points", max: 200)
            )
            .Query("from", "Only requests created at this time or later.", Values.Time())
            .Query("before", "Only requests created before this time.", Values.Time())
            .Query("waiting", "With `me`: only requests that need your review now.", Values.OneOf("me"))
            .Query(
                "order",
                "`newest` first, or `expiring`: pending requests that expire the soonest first.",
                Values.OneOf("newest", "expiring")
            )
            .Query("size", "How many requests a page has.", Values.Number(1, RequestList.MaxPage, usual: 50))
            .Query("cursor", "The value of `next` or `previous` from another page.")
            .Answer(200, "A page of requests, without their messages, facts, decisions and comments.")
            .Fails(422, "invalid");

    public static void Get(OperationText call) =>
        call.Is(
                "getRequest",
                "Get a request",
                "Returns a request with its message, facts, steps, decisions and comments. With `wait`, the answer "
                    + "comes as soon as the request is closed, or after that time."
            )
            .Query("wait", "How long to wait for the request to be closed, at most `120s`.", Values.Text("30s"))
            .Fails(400, "invalid");

    public static void Decide(OperationText call) =>
        call.Is(
                "decideRequest",
                "Approve, reject or abstain",
                "Records your decision. `digest` says which content you reviewed; it's required once a request has "
                    + "more than one revision, or LaunchDarkly turned out to hold another change than before."
            )
            .Example(
                """
                {"answer": "approve", "note": "Looks good.",
                 "digest": "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"}
                """
            )
            .Answer(200, "The request with your decision.")
            .Fails(409, "already_settled", "changed", "step_not_open")
            .Forbids(
                "requester_may_not_decide",
                "not_an_approver",
                "person_disabled",
                "seat_delegated",
                "already_decided",
                "note_required"
            );

    public static void Delegate(OperationText call) =>
        call.Is(
                "delegateReview",
                "Delegate your review",
                "Gives your own review to another person, who then decides in your place: an active agent or admin "
                    + "who isn't a requester, isn't out of office and doesn't review this request. Only before you "
                    + "decide, and only one step further."
            )
            .Example("""{"to": "ben@example.com"}""")
            .Answer(200, "The request with the delegation.")
            .Fails(409, "already_settled", "step_not_open")
            .Forbids(
                "requester_may_not_decide",
                "not_an_approver",
                "person_disabled",
                "already_decided",
                "already_delegated",
                "not_your_seat"
            );

    public static void EndDelegation(OperationText call) =>
        call.Is("endDelegation", "Take your review back", "Ends your delegation, unless the delegate has decided.")
            .Answer(200, "The request without the delegation.")
            .Fails(409, "already_settled", "delegation_used", "not_delegated");

    public static void Reassign(OperationText call) =>
        call.Is(
                "reassignRequest",
                "Reassign a request",
                "Gives a request that its assignee decides to another person or group. Only admins can do this."
            )
            .Example("""{"group": "SRE"}""")
            .Answer(200, "The request with its new assignee.")
            .Fails(409, "already_settled", "not_by_assignee")
            .Forbids("admins_only");

    public static void Comment(OperationText call) =>
        call.Is(
                "commentOnRequest",
                "Comment on a request",
                "Adds a comment to an active request. A request can have at most 40."
            )
            .Example("""{"text": "Is the dashboard ready?"}""")
            .Answer(201, "The request.")
            .Fails(409, "already_settled", "conflict");

    public static void Withdraw(OperationText call) =>
        call.Is(
                "withdrawRequest",
                "Withdraw a request",
                "Allowed for the person who sent it with their own credential, its source, admins, and the ticket's "
                    + "assignee. Being named as the requester isn't enough."
            )
            .Example("""{"reason": "No longer needed."}""")
            .Answer(200, "The withdrawn request.")
            .Fails(409, "already_settled")
            .Forbids("not_yours");

    public static void NotMe(OperationText call) =>
        call.Is(
                "disownRequest",
                "Say that you didn't request it",
                "For a person in whose name the request was opened. If no other match is left, the requester counts "
                    + "as not recognized, with the effect that the policy sets."
            )
            .Answer(200, "The request.")
            .Forbids("not_in_your_name");

    public static void Override(OperationText call) =>
        call.Is(
                "overridePolicy",
                "Override the policy and approve",
                "Approves a request past its policy, unless the policy forbids it. Only admins can do this, with a "
                    + "reason of at least 20 characters. A session has to be younger than ten minutes."
            )
            .Example("""{"reason": "Checkout is down; the fix can't wait for the review."}""")
            .Answer(200, "The approved request.")
            .Fails(409, "already_settled", "changed", "being_confirmed")
            .Forbids("admins_only", "break_glass_forbidden");

    public static void Applied(OperationText call) =>
        call.Is(
                "reportApplied",
                "Report that the change was made",
                "Without an approval this is recorded as a breach. Allowed for the source, the requester and admins."
            )
            .Answer(200, "The request.")
            .Forbids("not_yours");

    public static void Redeem(OperationText call) =>
        call.Is(
                "redeemApproval",
                "Use an approval, once",
                "For the source that sent the request. Marks it as applied in the same moment, so that it can't "
                    + "be withdrawn any more."
            )
            .Header(
                SubmitEndpoint.KeyHeader,
                "Makes it safe to send the call again: the same key returns the first response.",
                Values.Text("5f2c1d6e-deploy-4711", max: 255)
            )
            .Example("""{"digest": "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"}""")
            .Answer(200, "The approval was used.")
            .Fails(409, "not_approved", "already_used", "digest_mismatch", "expired", "conflict")
            .Forbids("not_yours");

    public static void ListRevisions(OperationText call) =>
        call.Is("listRevisions", "List revisions", "Lists every revision, oldest first, with the policy that applied.");

    public static void Receipt(OperationText call) =>
        call.Is(
                "getReceipt",
                "Get a receipt",
                "Returns a file that anyone can verify without access to this server: what was decided, by whom, and a "
                    + "proof that it's in the signed log. It has what you may see. Without `decision` it's the "
                    + "receipt of the closed request. A moment after the decision, the answer is 409 `not_sealed` "
                    + "with a `Retry-After`."
            )
            .Query("decision", "The number of one decision, for a receipt of it alone.", Values.Number(1, int.MaxValue))
            .Answer(200, "The receipt. Keep it as it is: a changed file doesn't verify.")
            .Fails(409, "not_sealed", "not_closed", "no_receipt");

    public static void GetRevision(OperationText call) =>
        call.Is(
            "getRevision",
            "Get a revision",
            "Returns one revision. Admins and the source that sent it also get `body`, exactly as received."
        );

    public static void Events(OperationText call) =>
        call.Is(
                "streamEvents",
                "Stream events",
                "Streams the events that you may see as server-sent events: `id`, `event` (the kind) and `data` (an "
                    + "`Event`). Events arrive in commit order; an `id` can be lower than the one before it. It "
                    + "ends within a second once the credential is revoked."
            )
            .Header("Last-Event-ID", "Resumes after this event, without gaps.", Values.Id())
            .Answer(200, "A stream that goes on until you close it.")
            .Fails(400, "invalid");

    public static void Insights(OperationText call) =>
        call.Is(
                "getInsights",
                "Get figures",
                "Figures of the last days and of the requests that are active now. Admins see all requests, others "
                    + "those that ask one of their groups."
            )
            .Query("days", "How many days, today included, in UTC.", Words.Windows)
            .Query("group", "Only requests that ask this group.")
            .Query("format", "`json`, or one table as `csv`.", Values.OneOf("json", "csv"))
            .Query("table", "With `csv`: which table.", Values.OneOf(Countersign.Insights.InsightsCsv.Tables))
            .OrText(200, "text/csv")
            .Fails(422, "invalid")
            .Forbids("people_only", "no_groups");
}
