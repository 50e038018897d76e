using Countersign.Hosting.OpenApi;

namespace Countersign.Doors.Api.Operations;

/// <summary>The operations on sources and their connections, for the API's description.</summary>
internal static class SourceOperations
{
    public static void List(OperationText call) =>
        call.Is("listSources", "List sources", "Lists all systems that request approval, without their keys.");

    public static void ListRejectedBodies(OperationText call) =>
        call.Is(
            "listRejectedBodies",
            "List rejected bodies",
            "Lists the beginnings of bodies from this source that couldn't be read, latest first."
        );

    public static void Add(OperationText call) =>
        call.Is(
                "addSource",
                "Add a source",
                "Adds a system that requests approval. Its key is shown once. Without a group or a destination, one "
                    + "admin decides its requests."
            )
            .Example("""{"name": "checkout", "kind": "api", "group": "SRE", "need": 2}""")
            .Answer(201, "The source with its key.")
            .Fails(404, "not_found")
            .Fails(409, "conflict");

    public static void Change(OperationText call) =>
        call.Is(
                "changeSource",
                "Change a source",
                "Sets who decides the source's future requests, and what the requesters behind them count. What "
                    + "isn't named stays."
            )
            .Example("""{"group": "SRE", "need": 2, "unknownRequester": "refuse"}""");

    public static void Rotate(OperationText call) =>
        call.Is(
                "rotateSourceKey",
                "Rotate a source's key",
                "Makes a new key, shown once. The old one works until the next rotation, or until you revoke it."
            )
            .Query("expires", "Until when the new key is taken: a day, a time, a duration such as `90d`, or `never`.")
            .Fails(422, "invalid");

    public static void EndOldKey(OperationText call) =>
        call.Is("endOldSourceKey", "Revoke a source's old key", "After a rotation: only the new key works.");

    public static void Disable(OperationText call) =>
        call.Is("disableSource", "Disable a source", "Its key stops working. Its requests stay.");

    public static void Enable(OperationText call) => call.Is("enableSource", "Enable a source", "Its key works again.");

    public static void GetForm(OperationText call) =>
        call.Is(
            "getSourceForm",
            "Get a source's form",
            "Returns the fields that its LaunchDarkly integration asks requesters for, and the JSON to paste there."
        );

    public static void SetForm(OperationText call) =>
        call.Is("setSourceForm", "Set a source's form", "Sets all fields, in their order. An empty list removes them.")
            .Example(
                """
                {"variables": [{"key": "risk", "name": "Risk", "type": "enum", "options": ["low", "high"],
                 "required": true}]}
                """
            );

    public static void GetConnection(OperationText call) =>
        call.Is(
            "getLaunchDarklyConnection",
            "Get the connection to LaunchDarkly",
            "Returns how this source calls LaunchDarkly's own API, without secrets."
        );

    public static void SetConnection(OperationText call) =>
        call.Is(
                "setLaunchDarklyConnection",
                "Set the connection to LaunchDarkly",
                "What isn't named stays; an empty token or secret is removed, and another `baseUrl` removes the token."
            )
            .Example("""{"token": "api-0b1c2d3e", "identify": true, "describe": true}""");

    public static void RemoveConnection(OperationText call) =>
        call.Is("removeLaunchDarklyConnection", "Remove the connection to LaunchDarkly", "Also deletes its secrets.");

    public static void TestConnection(OperationText call) =>
        call.Is(
            "testLaunchDarklyConnection",
            "Test the connection to LaunchDarkly",
            "Says what the token can do. Changes nothing in LaunchDarkly."
        );

    public static void ImportMembers(OperationText call) =>
        call.Is(
                "importLaunchDarklyMembers",
                "Import members from LaunchDarkly",
                "Adds the account's members as people, and their names there as aliases."
            )
            .Example("""{"force": false}""")
            .Fails(409, "would_block")
            .Fails(502, "launchdarkly_unavailable");
}
