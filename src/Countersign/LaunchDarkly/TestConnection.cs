using Countersign.People;
using Countersign.Storage;

namespace Countersign.LaunchDarkly;

/// <summary>One thing that the token must be able to do.</summary>
/// <param name="Name"><c>token</c>, <c>approvals</c>, <c>members</c>, <c>flags</c> or <c>apply</c>.</param>
/// <param name="IsGranted">Null where it can't be known without doing it.</param>
/// <param name="Problem">What is missing and what to do; null where nothing is.</param>
public sealed record ConnectionRight(string Name, bool? IsGranted, string? Problem);

/// <param name="IsServiceToken">Null where LaunchDarkly doesn't say.</param>
public sealed record ConnectionReport(
    bool IsComplete,
    string? AccountId,
    bool? IsServiceToken,
    IReadOnlyList<ConnectionRight> Rights
);

/// <summary>Tries what the connection's switches need, without changing anything in LaunchDarkly.</summary>
internal sealed class TestConnection(Store store, Connections connections, LaunchDarklyClient client)
{
    public async Task<AccessOutcome<ConnectionReport>> Run(string source, CancellationToken cancel)
    {
        if (
            await connections.Find(source, cancel) is not { } view
            || await connections.Open(view.SourceId, cancel) is not { } connection
        )
        {
            return new AccessOutcome<ConnectionReport>.NotFound("a connection to LaunchDarkly of this source");
        }
        if (connection.Token is null)
        {
            return new AccessOutcome<ConnectionReport>.Done(
                new ConnectionReport(
                    false,
                    null,
                    null,
                    [new ConnectionRight("token", false, "Enter an API token, or nothing is asked.")]
                )
            );
        }
        var rights = new List<ConnectionRight>
        {
            await Right("approvals", connection, "/api/v2/approval-requests?limit=1", cancel),
            await Right("members", connection, "/api/v2/members?limit=1", cancel),
            await Right("flags", connection, "/api/v2/projects?limit=1", cancel),
        };
        var caller = await client.Caller(connection, cancel)
            is LaunchDarklyAnswer<CallerInLaunchDarkly>.Found { Value: var found }
            ? found
            : new CallerInLaunchDarkly(null, null, null);
        // A token that nothing is granted to is most likely none.
        var isToken = rights.Exists(r => r.IsGranted == true) || caller.AccountId is not null;
        var isUnknown = !isToken && rights.TrueForAll(r => r.IsGranted is null);
        rights.Insert(0, new ConnectionRight("token", isUnknown ? null : isToken, isToken ? null : rights[0].Problem));
        if (connection.Apply)
            rights.Add(ApplyRight(caller));
        if (caller.AccountId is { } account)
            await Bind(connection, account, cancel);
        return new AccessOutcome<ConnectionReport>.Done(
            new ConnectionReport(
                rights.TrueForAll(r => r.IsGranted == true || r is { Name: "apply", IsGranted: null }),
                caller.AccountId,
                caller.IsServiceToken,
                rights
            )
        );
    }

    private async Task<ConnectionRight> Right(string name, Connection connection, string path, CancellationToken cancel)
    {
        var answer = await client.Get(connection, path, cancel);
        return new ConnectionRight(
            name,
            answer switch
            {
                LaunchDarklyAnswer<System.Text.Json.JsonElement>.Found => true,
                // LaunchDarkly didn't say.
                LaunchDarklyAnswer<System.Text.Json.JsonElement>.Later => null,
                _ => false,
            },
            answer is LaunchDarklyAnswer<System.Text.Json.JsonElement>.Refused { Status: 401 or 403 }
                ? $"{answer.Problem} Give the token the role reader, or a role with viewProject."
                : answer.Problem
        );
    }

    /// <summary>Only applying something shows whether it may, so only what can be seen is said.</summary>
    private static ConnectionRight ApplyRight(CallerInLaunchDarkly caller) =>
        caller.IsServiceToken == false
            ? new ConnectionRight(
                "apply",
                false,
                "This is a member's personal token: LaunchDarkly would say that they applied the change. "
                    + "Use a service token."
            )
            : new ConnectionRight(
                "apply",
                null,
                "Whether the token may apply shows with the first change. It needs the action applyApprovalRequest."
            );

    /// <summary>What another account says of requests of this one is not taken.</summary>
    private Task Bind(Connection connection, string account, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                await tx.Execute(
                    """
                    UPDATE launchdarkly_connections SET account_id = @account
                    WHERE source_id = @id AND base_url = @baseUrl
                    """,
                    new
                    {
                        account,
                        id = connection.SourceId,
                        baseUrl = connection.BaseUrl.GetLeftPart(UriPartial.Authority),
                    }
                );
            },
            cancel
        );
}
