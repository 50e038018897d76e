using System.Text.Json;
using Countersign.Hosting;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Api;

/// <summary>One content that a request had.</summary>
public sealed record ContentView
{
    public required int N { get; init; }
    public required string Digest { get; init; }
    public required string At { get; init; }
    public required string Policy { get; init; }
    public required IReadOnlyList<StepView> Steps { get; init; }
    public required string Message { get; init; }
    public required JsonElement Facts { get; init; }

    /// <summary>
    /// The body as it came: for the source that sent it and for admins, and only where one revision is asked for.
    /// </summary>
    public string? Body { get; init; }

    /// <summary>Only there as <c>true</c>: the body is no longer kept.</summary>
    public bool? BodyForgotten { get; init; }

    internal static ContentView From(Revision revision) =>
        new()
        {
            N = revision.N,
            Digest = revision.Digest,
            At = Instant.ToText(revision.At),
            Policy = revision.Policy.Name,
            Steps =
            [
                .. revision.Policy.Steps.Select(s => new StepView(s.Name, s.Need, [.. s.From.Select(PartyView.From)])),
            ],
            Message = revision.Message,
            Facts = JsonElement.Parse(revision.Facts),
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
