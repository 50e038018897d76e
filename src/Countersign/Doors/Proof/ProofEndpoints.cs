using Countersign.Audit;
using Countersign.Doors.Api;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.SignIn;

namespace Countersign.Doors.Proof;

/// <summary>
/// <c>/proof</c>: the signed log as files that programs of others read (<c>c2sp.org/tlog-tiles</c>). For agents and
/// admins, or for everyone where that is switched on.
/// </summary>
internal static class ProofEndpoints
{
    public const string Root = "/proof";

    private const string Text = "text/plain",
        Binary = "application/octet-stream";

    /// <summary>Full tiles never change.</summary>
    private const string Forever = "private, max-age=604800, immutable";

    /// <summary>The paths that belong to this door, which speaks as the API does.</summary>
    internal static readonly (string Root, Door Door)[] Doors = [(Root, ApiEndpoints.Door)];

    public static void MapProof(this IEndpointRouteBuilder routes)
    {
        var proof = routes.MapGroup(Root).WithMetadata(ApiEndpoints.Door);
        if (routes.ServiceProvider.GetRequiredService<ProofOptions>().Public)
            proof.AllowAnonymous();
        else
            proof.RequireAuthorization(Permissions.Agent);
        proof
            .MapGet(
                "/checkpoint",
                (LogFiles log, HttpContext http, CancellationToken cancel) => Checkpoint(null, log, http, cancel)
            )
            .Produces<string>(200, Text)
            .Describe(Tags.Audit, DescribeCheckpoint);
        proof
            .MapGet(
                "/tile/{**path}",
                (string path, LogFiles log, HttpContext http, CancellationToken cancel) =>
                    Tile(null, path, log, http, cancel)
            )
            .Produces<string>(200, Binary)
            .Describe(Tags.Audit, DescribeTile);
        proof.MapGet("/chain", Chain).Produces<string>(200, Text).Describe(Tags.Audit, DescribeChain);
        proof
            .MapGet(
                "/epochs/{epoch:long}/checkpoint",
                (long epoch, LogFiles log, HttpContext http, CancellationToken cancel) =>
                    Checkpoint(epoch, log, http, cancel)
            )
            .Produces<string>(200, Text)
            .Describe(Tags.Audit, DescribeEpochCheckpoint);
        proof
            .MapGet(
                "/epochs/{epoch:long}/tile/{**path}",
                (long epoch, string path, LogFiles log, HttpContext http, CancellationToken cancel) =>
                    Tile(epoch, path, log, http, cancel)
            )
            .Produces<string>(200, Binary)
            .Describe(Tags.Audit, DescribeEpochTile);
    }

    private static async Task<IResult> Checkpoint(long? epoch, LogFiles log, HttpContext http, CancellationToken cancel)
    {
        if (await log.Checkpoint(epoch, cancel) is not { } note)
            return Problems.NotFound("The log has no signed checkpoint yet.");
        http.Response.Headers.CacheControl = "no-cache";
        return TypedResults.Text(note, Text);
    }

    private static async Task<IResult> Chain(LogFiles log, HttpContext http, CancellationToken cancel)
    {
        if (await log.Chain(cancel) is not { } chain)
            return Problems.NotFound("The log has no signed checkpoint yet.");
        http.Response.Headers.CacheControl = "no-cache";
        return TypedResults.Text(chain, Text);
    }

    private static async Task<IResult> Tile(
        long? epoch,
        string path,
        LogFiles log,
        HttpContext http,
        CancellationToken cancel
    )
    {
        if (await log.Tile(epoch, path, cancel) is not { } bytes)
            return Problems.NotFound("The signed log has no such tile, or its events were archived.");
        // Without a number it is the newest epoch's, which another one follows.
        if (epoch is not null && !path.Contains(".p/", StringComparison.Ordinal))
            http.Response.Headers.CacheControl = Forever;
        return TypedResults.Bytes(bytes, Binary);
    }

    private static void DescribeCheckpoint(OperationText call) =>
        call.Is(
                "getLogCheckpoint",
                "The log's newest checkpoint",
                "A signed note: the log's origin, its size and its root hash (c2sp.org/tlog-checkpoint)."
            )
            .Answer(200, "The checkpoint with its signatures.")
            .Fails(404, "not_found");

    private static void DescribeChain(OperationText call) =>
        call.Is(
                "getLogChain",
                "How the log's epochs follow each other",
                "The first leaf of each epoch and, where its end was planned, its last, each with its proof "
                    + "(c2sp.org/tlog-proof) and its text in `extra`. Who has the key of one epoch can go on to "
                    + "later ones."
            )
            .Answer(200, "The proofs, in the order of epochs.")
            .Fails(404, "not_found");

    private static void DescribeTile(OperationText call) =>
        call.Is(
                "getLogTile",
                "A tile of the log",
                "Hashes of the log's tree, or as `entries/…` the leaves themselves (c2sp.org/tlog-tiles). Bundles with "
                    + "archived events aren't there."
            )
            .Answer(200, "The tile's bytes.");

    private static void DescribeEpochCheckpoint(OperationText call) =>
        call.Is(
                "getEpochCheckpoint",
                "The newest checkpoint of an epoch",
                "As `getLogCheckpoint`, of an epoch that may have ended."
            )
            .Answer(200, "The checkpoint with its signatures.");

    private static void DescribeEpochTile(OperationText call) =>
        call.Is("getEpochTile", "A tile of an epoch", "As `getLogTile`, of an epoch that may have ended.")
            .Answer(200, "The tile's bytes.");
}
