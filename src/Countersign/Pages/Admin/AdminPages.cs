using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;

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
        admin.MapGet(PeoplePage.NewPath, PeoplePage.ShowNew);
        admin.MapGet(PeoplePage.CsvPath, PeoplePage.Export);
        admin.MapGet(PeoplePage.Path + "/{id:long}", PersonPage.Show);
        admin.MapPost(PeoplePage.Path + "/{id:long}", PersonPage.Run).AfterRecentSignIn(PersonPage.ChangesWhoMaySignIn);
        admin.MapGet(GroupPage.Path, GroupsPage.Show);
        admin.MapGet(GroupsPage.CsvPath, GroupsPage.Export);
        admin.MapGet(GroupPage.Path + "/{id:long}", GroupPage.Show);
        admin.MapPost(GroupPage.Path + "/{id:long}", GroupPage.Run);
        admin.MapGet(SourcesPage.Path, SourcesPage.Show);
        admin.MapGet(SourcesPage.NewPath, SourcesPage.New);
        admin.MapGet(SourcesPage.CsvPath, SourcesPage.Export);
        admin.MapPost(SourcesPage.Path, SourcesPage.Add);
        admin.MapGet(SourcesPage.Path + "/{id:long}", SourcePage.Show);
        admin.MapPost(SourcesPage.Path + "/{id:long}", SourcePage.Run);
        admin.MapGet(SourcesPage.Path + "/{id:long}" + GitHubAppPage.Path, GitHubAppPage.Show);
        admin.MapGet(SourcesPage.Path + "/{id:long}/form", FormFieldsPage.Show);
        admin.MapPost(SourcesPage.Path + "/{id:long}/form", FormFieldsPage.Run);
        admin.MapGet(TokensPage.Path, TokensPage.Show);
        admin.MapGet(TokensPage.CsvPath, TokensPage.Export);
        admin.MapGet(SessionsPage.Path, SessionsPage.Show);
        admin.MapGet(AuditPage.Path, AuditPage.Show);
        admin.MapPost(AuditPage.Path, AuditPage.VerifyNow);
        admin.MapGet(AuditFile.Path, AuditFile.Send);
        // What everybody may do with their own, and admins with all.
        pages.MapGet(TokensPage.NewPath, TokensPage.ShowNew);
        pages.MapPost(TokensPage.Path, TokensPage.Run).AfterRecentSignIn(what => what == "add");
        pages.MapPost(SessionsPage.Path, SessionsPage.Run);
    }
}

internal static class AdminParts
{
    public static int StatusOf(Refused? refused) =>
        refused is null ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity;

    public static IResult Done(HttpContext http, string path, string done) =>
        TypedResults.LocalRedirect($"{http.Request.PathBase}{path}?done={done}");
}
