using Countersign.Destinations.Links;
using Countersign.Hosting.OpenApi;
using Countersign.Outcomes;
using Countersign.Work;

namespace Countersign.Doors.Api.Operations;

/// <summary>
/// The operations on destinations, webhooks, deliveries, the queue and the log, for the API's description.
/// </summary>
internal static class OutcomeOperations
{
    public static void ListDestinations(OperationText call) =>
        call.Is("listDestinations", "List destinations", "Lists the external systems that decide, without secrets.");

    public static void AddDestination(OperationText call) =>
        call.Is(
                "addDestination",
                "Add a destination",
                "Adds an external system that decides, described by a manifest: the manifest itself, or the name of "
                    + "one that comes with Countersign."
            )
            .Example(
                """
                {"name": "jira", "manifest": "jira", "settings": {"baseURL": "https://example.atlassian.net"},
                 "secrets": {"apiKey": "s3cret"}}
                """
            )
            .Answer(201, "The destination.")
            .Fails(409, "conflict");

    public static void Lint(OperationText call) =>
        call.Is("lintManifest", "Check a manifest", "Lists what is wrong with a manifest, and how to fix it.")
            .Example("""{"manifest": {"name": "Jira", "version": "1.0.0"}}""");

    public static void GetDestination(OperationText call) =>
        call.Is("getDestination", "Get a destination", "Returns a destination with its settings.");

    public static void SetValues(OperationText call) =>
        call.Is(
                "setDestinationValues",
                "Set a destination's values",
                "Changes settings and secrets by the manifest's keys. What isn't named stays."
            )
            .Example("""{"settings": {"project": "OPS"}, "secrets": {"apiKey": "n3w"}}""");

    public static void Pause(OperationText call) =>
        call.Is("pauseDestination", "Pause a destination", "Nothing is sent there until you resume it.");

    public static void Resume(OperationText call) =>
        call.Is("resumeDestination", "Resume a destination", "Goes on with what waited.");

    public static void TestDestination(OperationText call) =>
        call.Is(
            "testDestination",
            "Test a destination",
            "Makes a harmless call there and shows it, with secrets masked."
        );

    public static void Rehearse(OperationText call) =>
        call.Is(
                "rehearseDestination",
                "Preview calls",
                "Shows every call that would be made for a request, without making one."
            )
            .Example("""{"request": "01KB3ZQ4M6W8T0Y2N4R6P8X1CD"}""");

    public static void Options(OperationText call) =>
        call.Is("listDestinationOptions", "List the options of a setting", "Asks the system what can be chosen.")
            .Fails(422, "invalid");

    public static void ListLinks(OperationText call) =>
        call.Is("listDestinationLinks", "List links", "Lists requests at this destination, newest first, 100 a page.")
            .Query("state", "Only links in this state.", Values.OneOf(Enum.GetValues<LinkState>().Select(LinkRow.Word)))
            .Before();

    public static void ResolveLink(OperationText call) =>
        call.Is(
                "resolveLink",
                "Resolve a link",
                "Decides what happens with a request that couldn't be opened at a destination for certain."
            )
            .Example("""{"action": "exists", "externalId": "OPS-17"}""")
            .Fails(409, "conflict");

    public static void ListWebhooks(OperationText call) =>
        call.Is("listWebhooks", "List webhooks", "Lists all receivers of events, without secrets.");

    public static void AddWebhook(OperationText call) =>
        call.Is("addWebhook", "Add a webhook", "Adds a receiver of events. The secret that signs them is shown once.")
            .Example("""{"url": "https://hooks.example.com/countersign", "events": ["request.*"], "sources": []}""")
            .Answer(201, "The webhook with its secret.")
            .Fails(404, "not_found");

    public static void RotateSecret(OperationText call) =>
        call.Is(
            "rotateWebhookSecret",
            "Rotate a webhook's secret",
            "Makes a new secret, shown once. Messages are signed with both until you revoke the old one."
        );

    public static void EndOldSecret(OperationText call) =>
        call.Is("endOldWebhookSecret", "Revoke a webhook's old secret", "Messages are signed with the new one only.");

    public static void DeleteWebhook(OperationText call) =>
        call.Is("deleteWebhook", "Delete a webhook", "What it was sent stays in the deliveries.");

    public static void DisableWebhook(OperationText call) =>
        call.Is("disableWebhook", "Disable a webhook", "It isn't sent anything until you enable it.");

    public static void EnableWebhook(OperationText call) =>
        call.Is("enableWebhook", "Enable a webhook", "It's sent the events from now on.");

    public static void TestWebhook(OperationText call) =>
        call.Is("testWebhook", "Test a webhook", "Sends a test message now and returns the result.");

    public static void ListDeliveries(OperationText call) =>
        call.Is(
                "listDeliveries",
                "List deliveries",
                $"Lists what was sent, newest first, {Deliveries.PageSize} a page."
            )
            .Query("state", "Only deliveries in this state.", Values.OneOf(Deliveries.States))
            .Query("endpoint", "Only deliveries to this endpoint.", Values.Text("webhook:2"))
            .Before();

    public static void GetDelivery(OperationText call) =>
        call.Is("getDelivery", "Get a delivery", "Returns what was sent and every attempt.");

    public static void Replay(OperationText call) =>
        call.Is("replayDelivery", "Send a delivery again", "Sends one delivery again that isn't being sent.");

    public static void ReplayAll(OperationText call) =>
        call.Is("replayDeliveries", "Send failed deliveries again", "Sends all that failed at an endpoint again.")
            .Example("""{"endpoint": "webhook:2", "since": "2026-03-04T05:06:07Z"}""");

    public static void ListJobs(OperationText call) =>
        call.Is(
                "listJobs",
                "List jobs",
                $"Lists background jobs, newest first, {WorkList.PageSize} a page, with counts."
            )
            .Query("state", "Only jobs in this state.", Values.OneOf(WorkList.States))
            .Query("kind", "Only jobs of this kind.", Values.Text("deliver"))
            .Before();

    public static void RetryJob(OperationText call) =>
        call.Is("retryJob", "Retry a job", "Runs a job now that failed or waits.").Fails(409, "conflict");

    public static void DiscardJob(OperationText call) =>
        call.Is("discardJob", "Discard a job", "Removes a job without running it.").Fails(409, "conflict");

    public static void Verify(OperationText call) =>
        call.Is("verifyLog", "Verify the log", "Checks that the log is as it was written. Reads all of it.")
            .Query(
                "head",
                "The `head` of an earlier verification: the log must still contain it.",
                Values.Text("4711:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b")
            )
            .Fails(400, "invalid");

    public static void Export(OperationText call) =>
        call.Is("exportLog", "Export the log", "Returns the whole log, one event a line.");
}
