using System.Diagnostics;
using Countersign.Gates;
using Countersign.Hosting;
using Countersign.SignIn;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Countersign.Doors.Gates;

/// <summary>
/// <c>POST /gates/{kind}/{source}</c>: systems that wait for a verdict ask. The caller is known by the signature over
/// the body as it came, and answered at once; the verdict is a call back.
/// </summary>
public static class GateEndpoints
{
    public const string Path = "/gates";

    private static readonly GateDoor Door = new();

    internal static readonly (string Root, Door Door)[] Doors = [(Path, Door)];

    public static void MapGates(this IEndpointRouteBuilder routes)
    {
        // What comes is each system's own, and so is its description.
        routes
            .MapPost(Path + "/{kind}/{source:long}", Run)
            .AllowAnonymous()
            .WithMetadata(Door)
            .ExcludeFromDescription();
        routes
            .MapPost(Path + "/{kind}/{source:long}/{**rest}", Run)
            .AllowAnonymous()
            .WithMetadata(Door)
            .ExcludeFromDescription();
    }

    private static async Task<IResult> Run(
        string kind,
        long source,
        string? rest,
        HttpContext http,
        HearGate hear,
        GateSources sources,
        CancellationToken cancel
    )
    {
        if (!sources.ByKind.TryGetValue(kind, out var gate))
            return Problems.NotFound();
        if (await BodyBytes.Read(http, gate.Traits.MaxBody) is not { } body)
        {
            await sources.NoteTooLarge(source, cancel);
            return Problems.Of(
                StatusCodes.Status413PayloadTooLarge,
                "too_large",
                $"A body can have at most {gate.Traits.MaxBody / 1024} KiB."
            );
        }
        var call = new GateCall(name => http.Request.Headers[name].ToString(), body)
        {
            Path = rest ?? "",
            Query = name => http.Request.Query[name].ToString(),
        };
        return await hear.Run(kind, source, call, http.Connection.RemoteIpAddress?.ToString() ?? "", cancel) switch
        {
            HearGateOutcome.Heard heard => Answer(heard.Answer),
            HearGateOutcome.Refused { Why: var why } => Problems.Of(
                StatusCodes.Status422UnprocessableEntity,
                "invalid",
                why
            ),
            HearGateOutcome.NotSigned => Problems.Of(
                StatusCodes.Status401Unauthorized,
                "not_signed",
                "The signature doesn't match the secret that this source is set up with."
            ),
            HearGateOutcome.NotSetUp => Problems.Of(
                StatusCodes.Status403Forbidden,
                "not_set_up",
                "This source isn't set up: without its secret, no call is taken."
            ),
            HearGateOutcome.Disabled => Problems.Of(
                StatusCodes.Status403Forbidden,
                "disabled",
                "This source is disabled."
            ),
            HearGateOutcome.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    private static ContentHttpResult Answer(GateResponse response) =>
        TypedResults.Text(
            response.Text,
            response.IsJson ? "application/json" : "text/plain",
            statusCode: response.Status
        );
}

/// <summary>For calls that a signature proves.</summary>
public sealed class GateDoor : ProgramDoor
{
    public override string Via => "gate";
    public override string HowToCall => "Sign the call with the secret that this source is set up with.";
    public override string WwwAuthenticate => "Signature realm=\"Countersign\"";

    public override ErrorFormat ErrorFormatOf(HttpContext http) => ErrorFormat.Ours;
}
