using System.ComponentModel;
using Countersign.Doors.Api.Operations;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.LaunchDarkly;
using Countersign.SignIn;

namespace Countersign.Doors.Api;

public sealed record MembersImportBody
{
    [Description("Also if an active request would be left without a possible approval.")]
    public bool Force { get; init; }
}

/// <summary>A source's connection to LaunchDarkly, without its secrets.</summary>
public sealed record LaunchDarklyConnectionView(
    string Source,
    string BaseUrl,
    bool HasToken,
    bool HasWebhookSecret,
    bool Identify,
    bool Describe,
    bool Apply,
    bool ImportMembers,
    string? AccountId,
    DateTimeOffset? CheckedAt,
    string? Problem
)
{
    public static LaunchDarklyConnectionView From(ConnectionView connection) =>
        new(
            connection.Source,
            connection.BaseUrl,
            connection.HasToken,
            connection.HasWebhookSecret,
            connection.Identify,
            connection.Describe,
            connection.Apply,
            connection.ImportMembers,
            connection.AccountId,
            connection.CheckedAt,
            connection.Problem
        );
}

/// <summary>Sources' connections to LaunchDarkly, for admins.</summary>
internal static class LaunchDarklyConnectionEndpoints
{
    private const string Path = "/sources/{name}/launchdarkly";

    public static void Map(RouteGroupBuilder admin)
    {
        admin
            .MapGet(
                Path,
                async (string name, Connections connections, CancellationToken cancel) =>
                    await connections.Find(name, cancel) is { } found
                        ? (IResult)TypedResults.Ok(LaunchDarklyConnectionView.From(found))
                        : Problems.NotFound()
            )
            .Produces<LaunchDarklyConnectionView>()
            .Describe(Tags.Sources, SourceOperations.GetConnection);
        admin
            .MapPut(Path, Set)
            .Produces<LaunchDarklyConnectionView>()
            .Describe(Tags.Sources, SourceOperations.SetConnection);
        admin
            .MapDelete(
                Path,
                async (string name, CurrentCaller caller, Connections connections, CancellationToken cancel) =>
                    AdminEndpoints.Plain(await connections.Remove(name, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Sources, SourceOperations.RemoveConnection);
        admin
            .MapPost(
                Path + "/test",
                async (string name, TestConnection test, CancellationToken cancel) =>
                    AdminEndpoints.Answer(await test.Run(name, cancel), report => TypedResults.Ok(report))
            )
            .Produces<ConnectionReport>()
            .Describe(Tags.Sources, SourceOperations.TestConnection);
        admin
            .MapPost(Path + "/members", Import)
            .Produces<ImportedMembers>()
            .Describe(Tags.Sources, SourceOperations.ImportMembers);
    }

    private static async Task<IResult> Set(
        string name,
        JsonBody<ConnectionChange> body,
        CurrentCaller caller,
        Connections connections,
        CancellationToken cancel
    )
    {
        return AdminEndpoints.Answer(
            await connections.Set(name, body.Value, caller.Viewer.Origin, cancel),
            set => TypedResults.Ok(LaunchDarklyConnectionView.From(set))
        );
    }

    private static async Task<IResult> Import(
        string name,
        JsonBody<MembersImportBody> body,
        CurrentCaller caller,
        ImportMembers import,
        CancellationToken cancel
    ) =>
        await import.Run(name, caller.Viewer.Origin, cancel, body.Value.Force) switch
        {
            ImportMembersOutcome.Done { Imported: var done } => TypedResults.Ok(done),
            ImportMembersOutcome.NotConnected => Problems.NotFound(),
            ImportMembersOutcome.Unavailable { Why: var why } => Problems.Of(502, "launchdarkly_unavailable", why),
            ImportMembersOutcome.WouldBlock { Requests: var blocking } => AdminEndpoints.WouldBlock(blocking.Text),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
