using Countersign.Gates.GitHub;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary>What the browser posts to GitHub, and where the admin goes on if they don't.</summary>
/// <param name="Problem">Why GitHub's answer couldn't be used; null: it didn't come yet.</param>
public sealed record GitHubAppModel(string Source, string Path, GitHubAppForm Form, bool HasPublicUrl, string? Problem);

/// <summary>
/// <c>/sources/{id}/github</c>: the one form of ours that leads to another site: to GitHub, which shows the admin the
/// App that it will create, and sends them back here with a code.
/// </summary>
internal static class GitHubAppPage
{
    public const string Path = "/github";

    public static IResult Begin(HttpContext http, string sourcePath, string organization) =>
        TypedResults.LocalRedirect(
            $"{http.Request.PathBase}{sourcePath}{Path}?organization={Uri.EscapeDataString(organization)}"
        );

    public static async Task<IResult> Show(
        long id,
        string? organization,
        string? code,
        string? state,
        HttpContext http,
        CurrentCaller caller,
        PeopleDirectory directory,
        ServerOptions server,
        CreateGitHubApp create,
        CancellationToken cancel
    )
    {
        if (SourcePage.Find(await directory.Refresh(cancel), id) is not { Kind: SourceKinds.GitHub } source)
            return NotFoundPage.Page(http);
        var path = $"{SourcesPage.Path}/{id}";
        string? problem = null;
        if (code is { Length: > 0 and <= 200 })
        {
            problem = await create.Finish(source, caller.Person.Id, code, state ?? "", caller.Viewer.Origin, cancel);
            if (problem is null)
                return AdminParts.Done(http, path, "changed");
        }
        var form = await create.Form(
            source,
            caller.Person.Id,
            organization ?? "",
            server.BaseUrl,
            $"{server.BaseUrl}{path}{Path}",
            cancel
        );
        return new PageResult(
            new PageFrame(http.Strings()["gate.github.create"])
            {
                Section = SourcesPage.Path,
                Breadcrumbs = [(SourcesPage.Path, http.Strings()["nav.sources"]), (path, source.Name)],
                PostsTo = form.Address,
            },
            GitHubAppSlice.Create(new GitHubAppModel(source.Name, path, form, server.PublicUrl is not null, problem))
        )
        {
            Status = problem is null ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity,
        };
    }
}
