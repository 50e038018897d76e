using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Requests;

namespace Countersign.Pages.Admin;

/// <summary>
/// The pages on which admins look after a hub. This list is their table of contents; to everybody else they are not
/// there.
/// </summary>
internal static class AdminPages
{
    public static void Map(RouteGroupBuilder pages, RouteGroupBuilder admin)
    {
        admin.MapGet(PeoplePage.Path, PeoplePage.Show);
        admin.MapPost(PeoplePage.Path, PeoplePage.Run).AfterRecentSignIn(PeoplePage.ChangesWhoMaySignIn);
        admin.MapGet(PeoplePage.Path + "/{id:long}", PersonPage.Show);
        admin.MapPost(PeoplePage.Path + "/{id:long}", PersonPage.Run).AfterRecentSignIn(PersonPage.ChangesWhoMaySignIn);
        admin.MapGet(GroupPage.Path + "/{id:long}", GroupPage.Show);
        admin.MapPost(GroupPage.Path + "/{id:long}", GroupPage.Run);
        admin.MapGet(SourcesPage.Path, SourcesPage.Show);
        admin.MapPost(SourcesPage.Path, SourcesPage.Run);
        admin.MapGet(SourcesPage.Path + "/{id:long}", SourcePage.Show);
        admin.MapPost(SourcesPage.Path + "/{id:long}", SourcePage.Run);
        admin.MapGet(TokensPage.Path, TokensPage.Show);
        admin.MapGet(SessionsPage.Path, SessionsPage.Show);
        admin.MapGet(AuditPage.Path, AuditPage.Show);
        admin.MapPost(AuditPage.Path, AuditPage.VerifyNow);
        // What everybody may do with their own, and admins with all.
        pages.MapPost(TokensPage.Path, TokensPage.Run).AfterRecentSignIn(what => what == "add");
        pages.MapPost(SessionsPage.Path, SessionsPage.Run);
    }
}

/// <summary>What was not taken: about which field, and why.</summary>
internal sealed record Refused(string? Field, string Why)
{
    /// <summary>What could not be approved any more; it is done all the same when that is confirmed.</summary>
    public IReadOnlyList<WouldBeBlocked> Blocked { get; init; } = [];

    public static Refused? From<T>(Texts says, AccessOutcome<T> outcome) =>
        outcome switch
        {
            AccessOutcome<T>.Done => null,
            AccessOutcome<T>.Exists(var what) => new Refused(null, says.AlreadyThere(what)),
            AccessOutcome<T>.NotFound(var what) => new Refused(null, says.NotThere(what)),
            AccessOutcome<T>.Invalid(var field, var why) => new Refused(field, why),
            AccessOutcome<T>.WouldBlock(var requests) => new Refused(null, says.WouldBlock(requests.Count))
            {
                Blocked = requests,
            },
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    public static string? Of(Refused? refused, string field) => refused?.Field == field ? refused.Why : null;
}

internal static class AdminParts
{
    /// <summary>What just happened, or what did not, above everything else on the page.</summary>
    public static void Outcome(this Html html, Refused? refused)
    {
        if (refused is { Field: null })
        {
            html.Notice(Tone.Bad, refused.Why);
        }
        else if (
            refused is null
            && html.Http.Request.Query["done"].ToString() is { Length: > 0 } done
            && html.Says.Done(done) is { } text
        )
        {
            html.Notice(Tone.Good, text);
        }
    }

    public static int StatusOf(Refused? refused) =>
        refused is null ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity;

    public static IResult Done(HttpContext http, string path, string done) =>
        TypedResults.LocalRedirect($"{http.Request.PathBase}{path}?done={done}");

    /// <summary>A secret that is shown this once, in a field that one can copy from.</summary>
    public static void Once(this Html html, string label, string secret) =>
        html.Add(
            $"<div class=\"field\"><label for=\"once\">{label}</label><input class=\"once\" id=\"once\" readonly value=\"{secret}\"></div>"
        );
}
