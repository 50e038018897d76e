using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;

namespace Countersign.Pages.Policies;

/// <summary>
/// <c>/policies/versions/{n}</c>: what a version changed, and a way back to it: its text becomes the
/// draft. For admins.
/// </summary>
internal sealed class PolicyVersionPage(PolicyFiles files, PolicyDrafts drafts, PeopleDirectory directory)
{
    public const string Path = PolicyPage.Path + "/versions";

    public async Task<IResult> Show(long version, HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        if (await files.Find(version, cancel) is not { } found)
            return NotFoundPage.Page(http);
        var strings = http.Strings();
        var before = await files.Find(version - 1, cancel);
        var workspace = await PolicyWorkspace.Load(files, drafts, caller.Person.Id, cancel);
        var model = new PolicyVersionModel(
            PolicyParts.Row(strings, found, await directory.Refresh(cancel)),
            found.Text,
            PolicyDiffModel.Of(strings["policies.version.diff", version], before?.Text ?? "", found.Text)
        )
        {
            IsActive = workspace.ActiveVersion == version,
            HasDraft = workspace.Unpublished is not null,
            Previous = before?.Version,
            Next = workspace.ActiveVersion > version ? version + 1 : null,
        };
        return new PageResult(
            new PageFrame(strings["policies.version", version])
            {
                Section = PolicyPage.Path,
                Breadcrumbs = [(PolicyPage.Path, strings["nav.policies"])],
            },
            PolicyVersionSlice.Create(model)
        );
    }

    public async Task<IResult> Restore(long version, HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        if (await files.Find(version, cancel) is not { } found)
            return NotFoundPage.Page(http);
        var workspace = await PolicyWorkspace.Load(files, drafts, caller.Person.Id, cancel);
        await drafts.Save(caller.Person.Id, workspace.ActiveVersion, found.Text, workspace.Sample.ToText(), cancel);
        return PolicyParts.Redirect(http, $"{PolicyReviewPage.Path}?done=policyRestored");
    }
}
