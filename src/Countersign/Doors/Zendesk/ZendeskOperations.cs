using Countersign.Hosting.OpenApi;
using Countersign.Requests;
using Microsoft.OpenApi;

namespace Countersign.Doors.Zendesk;

/// <summary>The operations of this door, for the API's description.</summary>
internal static class ZendeskOperations
{
    private static readonly string[] Statuses = [.. Enum.GetValues<Status>().Select(WireNames.ToZendesk), "pending"];

    public static void List(OperationText call) =>
        call.Is(
                "listZendeskApprovalRequests",
                "List approval requests",
                "Newest first. Within one filter values are alternatives, filters narrow each other."
            )
            .Query("filter[status]", "Only these statuses.", Values.ManyOf(Statuses))
            .Query("filter[assignee_user_id]", "Only these assignees.", Values.Many(Values.Id()))
            .Query("filter[assignee_group_id]", "Only these groups.", Values.Many(Values.Id()))
            .Query("page[size]", "How many a page has.", Values.Number(1, RequestList.MaxPage, usual: 100))
            .Cursors()
            .Fails(400, "InvalidParameter", "Invalid attribute");

    public static void Create(OperationText call) =>
        call.Is(
                "createZendeskApprovalRequest",
                "Create an approval request",
                "An agent asks one person or one group, for a ticket."
            )
            .New()
            .Answer(201, "The approval request.");

    public static void Show(OperationText call) =>
        call.Is("getZendeskApprovalRequest", "Show an approval request", "For everyone who can see it.");

    public static void CreateInstance(OperationText call) =>
        call.Is(
                "createZendeskApprovalInstance",
                "Create a workflow instance",
                "The first step of the earlier API. Nothing is stored: one request is one instance."
            )
            .Body("ZendeskNewInstance")
            .Answer(201, "The instance, whose ID the next call takes.")
            .Fails(422, "InvalidAttribute");

    public static void CreateIn(OperationText call) =>
        call.Is(
                "createZendeskApprovalRequestInInstance",
                "Create an approval request in an instance",
                "The same as in the newer API; the answer is the whole approval request."
            )
            .New()
            .FindsEverything()
            .Answer(201, "The approval request.");

    public static void Search(OperationText call) =>
        call.Is(
                "searchZendeskApprovalRequests",
                "Search your approval requests",
                "What is or was yours to decide, newest first. There is no body."
            )
            .Query("status", "Only this status.", Values.OneOf(Statuses))
            .Query("after_cursor", "The `after_cursor` of the page before.")
            .FindsEverything()
            .Fails(400, "InvalidParameter");

    public static void ShowIn(OperationText call) =>
        call.Is(
            "getZendeskApprovalRequestInInstance",
            "Show an approval request of an instance",
            "The same as in the newer API."
        );

    public static void Decide(OperationText call) =>
        call.Is(
                "decideZendeskApprovalRequest",
                "Approve, reject or withdraw an approval request",
                "`digest` says which content you reviewed; it's required once a request has more than one revision."
            )
            .Body("ZendeskDecisionInput")
            .Example("""{"status": "approved", "notes": "Looks good."}""")
            .Fails(403, "Forbidden")
            .Fails(409, "changed")
            .Fails(422, "InvalidAttribute", "ApprovalRequestDecisionFailed");

    public static void Message(OperationText call) =>
        call.Is(
                "commentOnZendeskApprovalRequest",
                "Comment on an approval request",
                "Adds a comment to an active approval request; the answer is all of them."
            )
            .Body("ZendeskMessageInput")
            .Answer(201, "All comments, oldest first.")
            .Fails(404, "not_found")
            .Fails(422, "InvalidAttribute", "ApprovalClarificationFlowMessageCreationFailed");

    public static void Me(OperationText call) =>
        call.Is(
                "getZendeskCurrentUser",
                "Show yourself",
                "Without credentials it's an anonymous user. `authenticity_token` is the `X-CSRF-Token` of a session."
            )
            .Answer(200, "You.", "ZendeskUserAnswer")
            .Fails(401, "unauthenticated");

    public static void Users(OperationText call) =>
        call.Is("listZendeskUsers", "List users", "All people, in the order they were added.")
            .Query("role", "Only people with this role.", Values.OneOf("end-user", "agent", "admin"))
            .Paged("ZendeskUsersAnswer");

    public static void SearchUsers(OperationText call) =>
        call.Is("searchZendeskUsers", "Search users", "People by words of their name or email.")
            .Query(
                "query",
                "Words, and `email:`, `role:` and `name:` with a value.",
                Values.Text("email:ann@example.com")
            )
            .Paged("ZendeskUsersAnswer");

    public static void ManyUsers(OperationText call) =>
        call.Is("getZendeskUsers", "Show several users", "Those of the people with these IDs that you can see.")
            .Query("ids", "Their IDs.", Values.Many(Values.Id()))
            .Paged("ZendeskUsersAnswer")
            .Fails(400, "Invalid attribute");

    public static void User(OperationText call) =>
        call.Is("getZendeskUser", "Show a user", "End users see only themselves.")
            .Answer(200, "The user.", "ZendeskUserAnswer");

    public static void Groups(OperationText call) =>
        call.Is("listZendeskGroups", "List groups", "All groups, in the order they were added.")
            .Paged("ZendeskGroupsAnswer");

    public static void Group(OperationText call) =>
        call.Is("getZendeskGroup", "Show a group", "A group by its number.")
            .Answer(200, "The group.", "ZendeskGroupAnswer");

    public static void GroupUsers(OperationText call) =>
        call.Is("listZendeskGroupUsers", "List a group's users", "Its members.").Paged("ZendeskUsersAnswer");

    public static void GroupMemberships(OperationText call) =>
        call.Is("listZendeskMembershipsOfGroup", "List a group's memberships", "Who is in it.")
            .FindsEverything()
            .Paged("ZendeskMembershipsAnswer");

    public static void UserMemberships(OperationText call) =>
        call.Is("listZendeskMembershipsOfUser", "List a user's memberships", "The groups they are in.")
            .FindsEverything()
            .Paged("ZendeskMembershipsAnswer");

    public static void UserGroups(OperationText call) =>
        call.Is("listZendeskGroupsOfUser", "List a user's groups", "The groups they are in.")
            .Paged("ZendeskGroupsAnswer");

    public static void Memberships(OperationText call) =>
        call.Is("listZendeskMemberships", "List memberships", "Who is in which group.")
            .Paged("ZendeskMembershipsAnswer");

    public static void CreateTicket(OperationText call) =>
        call.Is("createZendeskTicket", "Create a ticket", "A light ticket, to which approval requests belong.")
            .Body("ZendeskTicketInput")
            .Answer(201, "The ticket.", "ZendeskTicketChangeAnswer")
            .Fails(422, "RecordInvalid");

    public static void Ticket(OperationText call) =>
        call.Is("getZendeskTicket", "Show a ticket", "For agents, and the person who requested it.")
            .Answer(200, "The ticket.", "ZendeskTicketAnswer");

    public static void UpdateTicket(OperationText call) =>
        call.Is("updateZendeskTicket", "Update a ticket", "What isn't named stays.")
            .Body("ZendeskTicketInput")
            .Answer(200, "The ticket.", "ZendeskTicketChangeAnswer")
            .Fails(422, "RecordInvalid");

    public static void TicketComments(OperationText call) =>
        call.Is("listZendeskTicketComments", "List a ticket's comments", "End users see the public ones.")
            .Paged("ZendeskCommentsAnswer");

    private static OperationText New(this OperationText call) =>
        call.Header("Idempotency-Key", "Makes it safe to send the call again.", Values.Text("5f2c1d6e", max: 255))
            .Body("ZendeskNewApprovalRequest")
            .Example(
                """
                {"approval_request": {"subject": "Laptop", "message": "Please approve a laptop.", "ticket_id": 123,
                 "assignee_user_id": 3}}
                """
            )
            .Fails(400, "IdempotentRequestError")
            .Fails(403, "Forbidden")
            .Fails(422, "InvalidAttribute", "ApprovalRequestCreationFailed");

    private static OperationText Cursors(this OperationText call) =>
        call.Query("page[after]", "The `after_cursor` of another page.")
            .Query("page[before]", "The `before_cursor` of another page.")
            .Query("after_cursor", "The same as `page[after]`.")
            .Query("before_cursor", "The same as `page[before]`.");

    /// <summary>Both ways of paging that lists of this API have.</summary>
    private static OperationText Paged(this OperationText call, string answer) =>
        call.Query("page[size]", "Pages by cursor, of this many.", Values.Number(1, Collection.MaxPage))
            .Cursors()
            .Query("page", "Counted pages: which.", Values.Number(1, usual: 1))
            .Query("per_page", "Counted pages: of how many.", Values.Number(1, Collection.MaxPage, Collection.MaxPage))
            .Answer(200, "A page.", answer)
            .Fails(400, "InvalidParameter");
}
