using System.ComponentModel;
using Countersign.Audit;
using Countersign.Doors.Api.Operations;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.SignIn;

namespace Countersign.Doors.Api;

public sealed record VerificationView(
    bool Ok,
    long Events,
    long Sealed,
    long Unsealed,
    [
        Description("The latest checkpoint: a number, a colon and a hash."),
        Example("4711:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b")
    ]
        string Head,
    string? Problem,
    IReadOnlyList<string> Problems,
    long MoreProblems,
    long BodiesForgotten,
    long Archived
);

/// <summary>The record, for admins: is it as it was written, and all of it as JSON lines.</summary>
internal static class AuditEndpoints
{
    public static void Map(RouteGroupBuilder admin)
    {
        admin
            .MapGet("/audit/verification", Verification)
            .Produces<VerificationView>()
            .Describe(Tags.Audit, OutcomeOperations.Verify);
        admin
            .MapGet("/audit/export", Record)
            .Produces<string>(200, "application/jsonl")
            .Describe(Tags.Audit, OutcomeOperations.Export);
    }

    private static async Task<IResult> Verification(string? head, Verify verify, CancellationToken cancel)
    {
        SealHead? earlier = null;
        if (head is not null && (earlier = SealHead.TryParse(head)) is null)
        {
            return Problems.Malformed(
                "head is the checkpoint of an earlier verification: a number, a colon and 64 hexadecimal digits."
            );
        }
        var found = await verify.Run(earlier, cancel);
        return TypedResults.Ok(
            new VerificationView(
                found.Ok,
                found.Events,
                found.Sealed,
                found.Unsealed,
                found.Head,
                found.Problem,
                found.Problems,
                found.MoreProblems,
                found.BodiesForgotten,
                found.Archived
            )
        );
    }

    private static Microsoft.AspNetCore.Http.HttpResults.PushStreamHttpResult Record(
        Export export,
        CurrentCaller caller,
        HttpContext http
    ) =>
        TypedResults.Stream(
            async to =>
            {
                await using var watch = CallerWatch.Over(http, caller.Caller, caller => caller.IsAdmin);
                try
                {
                    await export.Run(to, watch.Ended);
                }
                catch (OperationCanceledException)
                {
                    // A record that breaks off must not look like a whole one.
                    http.Abort();
                }
            },
            "application/jsonl",
            "countersign-record.jsonl"
        );
}
