using System.Globalization;
using Countersign.Doors.Api.Operations;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.SignIn;
using Countersign.Work;

namespace Countersign.Doors.Api;

/// <summary>The job queue, for admins.</summary>
internal static class WorkEndpoints
{
    public static void Map(RouteGroupBuilder admin)
    {
        admin.MapGet("/work", List).Produces<WorkPage>().Describe(Tags.Queue, OutcomeOperations.ListJobs);
        admin
            .MapPost(
                "/work/{id:long}/retry",
                async (long id, CurrentCaller caller, WorkList work, CancellationToken cancel) =>
                    Answer(await work.Retry(id, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Queue, OutcomeOperations.RetryJob);
        admin
            .MapPost(
                "/work/{id:long}/discard",
                async (long id, CurrentCaller caller, WorkList work, CancellationToken cancel) =>
                    Answer(await work.Discard(id, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Queue, OutcomeOperations.DiscardJob);
    }

    private static async Task<IResult> List(
        string? state,
        string? kind,
        string? before,
        WorkList work,
        CancellationToken cancel
    )
    {
        if (state is not null && !WorkList.States.Contains(state))
            return Problems.Invalid("state", $"The state must be one of: {string.Join(", ", WorkList.States)}.");
        if (before is null)
            return TypedResults.Ok(await work.List(state, kind, null, cancel));
        return long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? TypedResults.Ok(await work.List(state, kind, number, cancel))
            : Problems.Invalid("before", "Use the value of next from the page before.");
    }

    private static IResult Answer(WorkOutcome outcome) =>
        outcome switch
        {
            WorkOutcome.Done => TypedResults.NoContent(),
            WorkOutcome.NotFound => Problems.NotFound("There is no job with this ID."),
            WorkOutcome.Refused { Why: var why } => Problems.Of(409, "conflict", why),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
