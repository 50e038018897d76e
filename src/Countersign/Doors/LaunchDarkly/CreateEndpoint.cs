using System.Diagnostics;
using Countersign.Audit;
using Countersign.Hosting;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// <c>POST /api/approvals</c>: LaunchDarkly asks. It may ask again under the same id, also at the same moment; that is
/// one request. 201 the first time, 200 with the current status when it is known, 409 when other content comes under
/// the id of a settled one.
/// </summary>
internal static class CreateEndpoint
{
    /// <summary>Details of a large change come close to a mebibyte, and their escapes add to it.</summary>
    public const int MaxBody = 1536 * 1024;

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Submit submit,
        RejectedBodies rejected,
        PeopleDirectory directory,
        Store store,
        CancellationToken cancel
    )
    {
        if (!http.Request.HasJsonContentType())
        {
            return Answer.Refusal(
                StatusCodes.Status415UnsupportedMediaType,
                "unsupported_media_type",
                "Send JSON, with Content-Type: application/json."
            );
        }
        if (await BodyBytes.Read(http, MaxBody) is not { } sent)
        {
            return Answer.Refusal(
                StatusCodes.Status413PayloadTooLarge,
                "too_large",
                $"A body can have at most {MaxBody / 1024} KiB."
            );
        }
        var (body, problem) = CreationBody.Read(sent);
        if (body is null)
        {
            await rejected.Keep(caller.Source.Id, problem!.Why, problem.Text, caller.Viewer.Origin, cancel);
            return Answer.Refusal(StatusCodes.Status400BadRequest, "invalid", problem.Why);
        }
        return await submit.Run(
            Submission(body, caller.Source, directory.Current, store.Now),
            caller.Viewer.Origin,
            null,
            cancel
        ) switch
        {
            SubmitOutcome.Created { Request: var request } => Answer.Of(body.Id, request, StatusCodes.Status201Created),
            SubmitOutcome.Known { Request: var request } => Answer.Of(body.Id, request),
            SubmitOutcome.Revised { Request: var request } => Answer.Of(body.Id, request),
            SubmitOutcome.Settled => Answer.Refusal(
                StatusCodes.Status409Conflict,
                "already_settled",
                "The approval with this ID is closed and has different content. Use a new ID."
            ),
            _ => throw new UnreachableException(),
        };
    }

    private static Submission Submission(
        CreationBody body,
        Source source,
        PeopleSnapshot directory,
        DateTimeOffset received
    )
    {
        var requester = RequesterIn.Of(body, directory, source);
        var facts = Facts.Json(body, requester, received, source.Form.Problems(body.Form));
        var (policy, stuck) = directory.WhoDecides(source, source.Policy, requester, facts, assignee: null);
        return new Submission
        {
            SourceId = source.Id,
            SentBy = SentBy.LaunchDarkly,
            ExternalId = body.Id,
            Subject = Facts.Subject(body),
            Message = Facts.Message(body),
            Facts = facts,
            Body = body.Text,
            Digest = body.Digest,
            Requester = requester,
            CreatorId = source.PersonId,
            Policy = policy,
            Stuck = stuck,
            Check = source.Check,
        };
    }
}
