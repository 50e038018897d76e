using Countersign.Hosting.OpenApi;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>The operations of this door, for the API's description.</summary>
internal static class LaunchDarklyOperations
{
    public static void Create(OperationText call) =>
        call.Is(
                "createLaunchDarklyApproval",
                "Request an approval",
                "LaunchDarkly requests approval for a change. Everything but `_id` may be missing. The same `_id` "
                    + "again is the same approval."
            )
            .Body("LaunchDarklyNewApproval")
            .Answer(201, "The approval was created.")
            .Answer(200, "The approval was known: its current state.")
            .Fails(409, "already_settled");

    public static void Status(OperationText call) =>
        call.Is("getLaunchDarklyApproval", "Get an approval's status", "What LaunchDarkly asks again and again.")
            .Answer(200, "The approval.", "LaunchDarklyApproval");

    public static void Apply(OperationText call) =>
        call.Is(
            "applyLaunchDarklyApproval",
            "Report that the change was applied",
            "Answers the current status in every case. Applying what isn't approved is recorded as a breach."
        );

    public static void Cancel(OperationText call) =>
        call.Is(
                "cancelLaunchDarklyApproval",
                "Cancel an approval",
                "Withdraws the request. Answers 200 in every state, also for an approval that isn't known."
            )
            .FindsEverything();

    public static void Members(OperationText call) =>
        call.Is("listLaunchDarklyMembers", "List members", "Everyone who can be asked to decide.");

    public static void Options(OperationText call) =>
        call.Is("listLaunchDarklyOptions", "List the options of a field", "What can be chosen in the source's form.");

    public static void Webhook(OperationText call) =>
        call.Is(
                "receiveLaunchDarklyWebhook",
                "Receive an entry of LaunchDarkly's audit log",
                "Called by LaunchDarkly's webhook. Entries about approvals make Countersign look at them sooner."
            )
            .Body("LaunchDarklyAuditLogEntry")
            .Secured(SecuritySchemes.LaunchDarklySignature)
            .Answer(204, "The entry was taken.")
            .Fails(401, "not_signed");
}
