using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Countersign.Gates;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.Mvc;

namespace Countersign.Doors.Api;

public sealed record AssigneeBody
{
    [Description("The email of the person who decides."), Example("ann@example.com")]
    public string? Person { get; init; }

    [Description("The name of the group of which any member decides.")]
    public string? Group { get; init; }
}

public sealed record RequesterBody
{
    [Description("The requester's email."), MaxLength(254)]
    public string? Email { get; init; }

    [Description("The requester's name."), MaxLength(Names.Longest)]
    public string? Name { get; init; }
}

public sealed record SubmitBody : IChecked
{
    public const int MaxSubject = RequestLimits.MaxTitle;
    public const int MaxMessage = RequestLimits.MaxDescription;

    [
        Description("Your own ID of the request. Sending it again is the same request. Other callers' IDs are theirs."),
        MaxLength(200)
    ]
    public string? ExternalId { get; init; }

    [Description("The title."), Required, MaxLength(MaxSubject)]
    public string? Subject { get; init; }

    [Description("The description. Can use Markdown."), MaxLength(MaxMessage)]
    public string? Message { get; init; }

    [Description(
        "For policies and readers, such as environment or risk: strings, numbers, booleans, or lists of these."
    )]
    [AnyMembers]
    public JsonElement? Facts { get; init; }

    [Description("Who decides, where neither a policy nor the source says so: either a person or a group.")]
    public AssigneeBody? Assignee { get; init; }

    [Description(
        "The requester, if that isn't the caller. They can't decide; if no one matches, one more approval is needed."
    )]
    public RequesterBody? Requester { get; init; }

    public void Check(BodyErrors mistakes)
    {
        mistakes.SingleLine("subject", Subject, MaxSubject, required: true);
        mistakes.MultiLine("message", Message, MaxMessage, required: false);
        mistakes.SingleLine("externalId", ExternalId, 200, required: false);
        mistakes.SingleLine("requester.email", Requester?.Email, 254, required: false);
        mistakes.SingleLine("requester.name", Requester?.Name, Names.Longest, required: false);
        if (ExternalId is "")
            mistakes.Add("externalId", "Omit it, or use at least one character.");
        if (Assignee is { Person: null, Group: null } or { Person: not null, Group: not null })
            mistakes.Add("assignee", "Name either a person or a group.");
        if (Facts is { ValueKind: not JsonValueKind.Null } facts)
            CheckFacts(mistakes, facts);
    }

    private static void CheckFacts(BodyErrors mistakes, JsonElement facts)
    {
        if (facts.ValueKind != JsonValueKind.Object)
        {
            mistakes.Add("facts", "Facts must be an object of names and values.");
            return;
        }
        var count = 0;
        foreach (var fact in facts.EnumerateObject())
        {
            if (++count > RequestLimits.MaxFacts)
            {
                mistakes.Add("facts", $"At most {RequestLimits.MaxFacts} facts.");
                return;
            }
            var name = $"facts.{fact.Name}";
            mistakes.SingleLine(name, fact.Name, RequestLimits.MaxFactName, required: true);
            if (
                !(
                    fact.Value.ValueKind == JsonValueKind.Array
                        ? AreValues(mistakes, name, fact.Value)
                        : IsValue(mistakes, name, fact.Value)
                )
            )
            {
                mistakes.Add(name, "A fact must be a string, a number, a boolean, or a list of these.");
            }
        }
    }

    private static bool AreValues(BodyErrors mistakes, string name, JsonElement list)
    {
        var all = true;
        foreach (var value in list.EnumerateArray())
            all &= IsValue(mistakes, name, value);
        return all;
    }

    /// <summary>A text is looked at, too.</summary>
    private static bool IsValue(BodyErrors mistakes, string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            mistakes.MultiLine(name, value.GetString(), RequestLimits.MaxFactValue, required: false);
        return value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array);
    }
}

/// <summary><c>POST /api/v1/requests</c>: a source or a person asks.</summary>
internal static class SubmitEndpoint
{
    public const string Path = "/requests";
    public const string KeyHeader = "Idempotency-Key";

    private const string BuiltIn = "api";
    private const int MaxKey = 255;

    public static async Task<IResult> Run(
        JsonBody<SubmitBody> body,
        CurrentCaller current,
        [FromHeader(Name = KeyHeader)] string? idempotencyKey,
        Submit submit,
        PeopleDirectory directory,
        HttpContext http,
        CancellationToken cancel
    )
    {
        if (idempotencyKey is { Length: 0 or > MaxKey })
            return Problems.Malformed($"{KeyHeader} has 1 to {MaxKey} characters.");
        var snapshot = directory.Current;
        var caller = current.Caller;
        if (caller.Person is { Role: Role.EndUser })
            return Problems.NotAllowed("agents_ask", "Only agents and admins can request approval.");

        Approver? assignee = null;
        if (body.Value.Assignee is { } wanted && (assignee = Find(wanted, snapshot)) is null)
        {
            return Problems.Invalid("assignee", "There is no person with this email or name, or they are disabled.");
        }

        var source = caller.Source ?? snapshot.FindSource(BuiltIn)!;
        var ask = new Ask
        {
            ExternalId = body.Value.ExternalId,
            Subject = body.Value.Subject!.Trim(),
            Message = body.Value.Message ?? "",
            Facts = body.Value.Facts is { ValueKind: JsonValueKind.Object } facts ? facts.GetRawText() : "{}",
            Body = body.Text,
            Digest = body.Digest,
            RequesterEmail = body.Value.Requester?.Email,
            RequesterName = body.Value.Requester?.Name,
            Assignee = assignee,
        };
        var repeatable = idempotencyKey is null
            ? null
            : new Repeatable(
                Hashes.Sha256($"{caller.Viewer.Party}\n{idempotencyKey}"),
                body.Digest,
                created => JsonSerializer.Serialize(RequestView.From(created, snapshot), ApiJson.Wire.RequestView)
            );

        var origin = caller.Viewer.Origin;
        return await submit.Run(ask.From(source, caller.Person, snapshot), origin, repeatable, cancel) switch
        {
            SubmitOutcome.Created { Request: var request } => Created(http, request, snapshot),
            SubmitOutcome.Known { Request: var request } => RequestView.Answer(request, snapshot),
            SubmitOutcome.Revised { Request: var request } => RequestView.Answer(request, snapshot),
            SubmitOutcome.Settled { Request: var request } => Problems.Of(
                409,
                "already_settled",
                "The request with this externalId is closed and has different content. Use a new externalId.",
                request: RequestView.From(request, snapshot)
            ),
            SubmitOutcome.AssigneeDiffers { Request: var request } => Problems.Of(
                409,
                "assignee_differs",
                "A revision can't change the assignee. Name the same one, or withdraw the request and use a "
                    + "new externalId.",
                request: RequestView.From(request, snapshot)
            ),
            SubmitOutcome.Replayed { Status: var status, Answer: var answer } => TypedResults.Text(
                answer,
                "application/json",
                statusCode: status
            ),
            SubmitOutcome.KeyTaken => Problems.Of(
                409,
                "conflict",
                "This Idempotency-Key was used with a different body."
            ),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static IResult Created(HttpContext http, ApprovalRequest request, PeopleSnapshot snapshot)
    {
        http.Response.Headers.Location = $"{http.Request.PathBase}/api/v1/requests/{request.Id}";
        return RequestView.Answer(request, snapshot, StatusCodes.Status201Created);
    }

    internal static Approver? Find(AssigneeBody wanted, PeopleSnapshot snapshot) =>
        wanted.Person is { } email
            ? snapshot.FindPerson(email) is { IsDisabled: false } person
                ? person.AsApprover
                : null
            : snapshot.FindGroup(wanted.Group!)?.AsApprover;
}
