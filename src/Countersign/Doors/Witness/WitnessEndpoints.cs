using System.Diagnostics;
using System.Globalization;
using System.Text;
using Countersign.Hosting;
using Countersign.Proof;
using Countersign.SignIn;
using Countersign.Witnessing;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Countersign.Doors.Witness;

/// <summary>
/// <c>/witness</c>: logs send their checkpoints and get cosignatures, and everyone may read what was cosigned last
/// (<c>c2sp.org/tlog-witness</c>). A log is known by the signature under its checkpoint.
/// </summary>
public static class WitnessEndpoints
{
    public const string Path = "/witness";
    private const int MaxBody = 64 * 1024;
    private const string Text = "text/plain; charset=utf-8";

    internal static readonly WitnessDoor Door = new();
    internal static readonly (string Root, Door Door)[] Doors = [(Path, Door)];

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Nothing where this server is no witness.</summary>
    public static void MapWitness(this IEndpointRouteBuilder routes)
    {
        if (!routes.ServiceProvider.GetRequiredService<WitnessOptions>().IsOn)
            return;
        // A folder that can't be used ends the start, and is not found out by the first log that calls.
        _ = routes.ServiceProvider.GetRequiredService<Cosign>();
        // The protocol is described where it is specified.
        var group = routes.MapGroup(Path).AllowAnonymous().WithMetadata(Door).ExcludeFromDescription();
        group.MapPost($"/{AddCheckpoint.Path}", Run);
        group.MapGet("/{log}/checkpoint", Newest);
    }

    private static async Task<IResult> Run(HttpContext http, Cosign cosign)
    {
        // Some answers have no body, which means something.
        if (http.Features.Get<IStatusCodePagesFeature>() is { } pages)
            pages.Enabled = false;
        if (await BodyBytes.Read(http, MaxBody) is not { } bytes)
            return Says(StatusCodes.Status413PayloadTooLarge, $"A body can have at most {MaxBody / 1024} KiB.");
        string body;
        try
        {
            body = StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return Says(StatusCodes.Status400BadRequest, "The body is not UTF-8.");
        }
        return cosign.Run(body) switch
        {
            CosignOutcome.Cosigned(var line) => TypedResults.Text(line, Text),
            CosignOutcome.Malformed(var why) => Says(StatusCodes.Status400BadRequest, why),
            CosignOutcome.UnknownLog => Says(StatusCodes.Status404NotFound, "This witness doesn't know the log."),
            CosignOutcome.NotSigned => Says(
                StatusCodes.Status403Forbidden,
                "The checkpoint has no valid signature of a key that this witness knows for the log."
            ),
            CosignOutcome.OtherSize(var size) => TypedResults.Text(
                size.ToString(CultureInfo.InvariantCulture) + "\n",
                AddCheckpoint.SizeType,
                statusCode: StatusCodes.Status409Conflict
            ),
            CosignOutcome.OtherRoot => TypedResults.StatusCode(StatusCodes.Status409Conflict),
            CosignOutcome.WrongProof => Says(
                StatusCodes.Status422UnprocessableEntity,
                "The proof doesn't show that the checkpoint continues the one that was cosigned last."
            ),
            _ => throw new UnreachableException(),
        };
    }

    private static IResult Newest(string log, Cosign cosign) =>
        cosign.Newest(log) is { } note ? TypedResults.Text(note, Text) : Problems.NotFound();

    private static ContentHttpResult Says(int status, string why) =>
        TypedResults.Text(why + "\n", Text, statusCode: status);
}

/// <summary>For logs, which a signature proves.</summary>
public sealed class WitnessDoor : ProgramDoor
{
    public override string Via => "witness";
    public override string HowToCall => "Send a checkpoint that is signed by a log which this witness knows.";
    public override string WwwAuthenticate => "Signature realm=\"Countersign\"";

    public override ErrorFormat ErrorFormatOf(HttpContext http) => ErrorFormat.Ours;
}
