using System.ComponentModel;
using System.Text.Json;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Api;

/// <summary>One content that a request had.</summary>
public sealed record ContentView
{
    [Description("The revision's number, from 1.")]
    public required int N { get; init; }
    public required string Digest { get; init; }
    public required string At { get; init; }

    [Description("The policy that applied."), Example("production")]
    public required string Policy { get; init; }
    public required IReadOnlyList<StepView> Steps { get; init; }
    public required string Subject { get; init; }
    public required string Message { get; init; }

    [AnyMembers]
    public required JsonElement Facts { get; init; }

    [Description(
        "The body exactly as received: for admins and the source that sent it, where one revision is asked for."
    )]
    public string? Body { get; init; }

    [Description("`true` once the body has been deleted.")]
    public bool? BodyForgotten { get; init; }

    internal static ContentView From(Revision revision) =>
        new()
        {
            N = revision.Content.N,
            Digest = revision.Content.Digest,
            At = Instant.ToText(revision.Content.At),
            Policy = revision.Policy.Name,
            Steps =
            [
                .. revision.Policy.Steps.Select(s => new StepView(s.Name, s.Need, [.. s.From.Select(PartyView.From)])),
            ],
            Subject = revision.Content.Subject,
            Message = revision.Content.Message,
            Facts = JsonElement.Parse(revision.Content.Facts),
            Body = revision.Body,
            BodyForgotten = revision.IsBodyForgotten ? true : null,
        };
}

public sealed record RevisionsView(IReadOnlyList<ContentView> Revisions);

/// <summary>The contents that a request had, and the body of each as it came.</summary>
internal static class RevisionEndpoints
{
    public static async Task<IResult> List(string id, CurrentCaller caller, Store store, CancellationToken cancel) =>
        RequestId.TryParse(id, out var requestId)
        && await Revisions.Of(store, requestId, caller.Viewer, cancel) is { } revisions
            ? TypedResults.Ok(new RevisionsView([.. revisions.Select(ContentView.From)]))
            : Problems.NotFound();

    public static async Task<IResult> Get(
        string id,
        long n,
        CurrentCaller caller,
        Store store,
        CancellationToken cancel
    ) =>
        RequestId.TryParse(id, out var requestId)
        && await Revisions.Find(store, requestId, n, caller.Viewer, cancel) is { } revision
            ? TypedResults.Ok(ContentView.From(revision))
            : Problems.NotFound();
}
