using System.Globalization;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Policies;

/// <summary><c>/policies/review</c>: what a draft changes, and the button that publishes it. For admins.</summary>
internal sealed class PolicyReviewPage(PolicyFiles files, PolicyDrafts drafts, PeopleDirectory directory)
{
    public const string Path = PolicyPage.Path + "/review";

    public async Task<IResult> Show(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var strings = http.Strings();
        var workspace = await PolicyWorkspace.Load(files, drafts, caller.Person.Id, cancel);
        var snapshot = await directory.Refresh(cancel);
        var (_, problems) = await files.Check(workspace.Text, cancel);
        var model = new PolicyReviewModel(
            PolicyDiffModel.Of(strings["policies.review.diff"], workspace.Active?.Text ?? "", workspace.Text),
            workspace.ActiveVersion,
            Hashes.Sha256(workspace.Text)
        )
        {
            Problems =
                problems.Count > 0
                    ? new PolicyProblemsModel(
                        PolicyPage.Title(strings, problems, isRefused: true),
                        PolicyProblemModel.Of(workspace.Text, problems)
                    )
                    {
                        Editor = PolicyPage.Path,
                    }
                    : null,
            DraftChanged = http.Request.Query.ContainsKey("changed"),
        };
        if (workspace is { IsOvertaken: true, Active: { } active })
        {
            var before = await files.Find(workspace.BasedOn, cancel);
            model = model with
            {
                Overtaken = PolicyParts.Row(strings, active, snapshot),
                OvertakenDiff = PolicyDiffModel.Of(
                    strings["policies.version.diff", active.Version],
                    before?.Text ?? "",
                    active.Text
                ),
            };
        }
        return new PageResult(
            new PageFrame(strings["policies.review"])
            {
                Section = PolicyPage.Path,
                Breadcrumbs = [(PolicyPage.Path, strings["nav.policies"])],
            },
            PolicyReviewSlice.Create(model)
        );
    }

    /// <summary>Publishes what the page showed, on top of the version that it was compared with, or nothing.</summary>
    public async Task<IResult> Run(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var workspace = await PolicyWorkspace.Load(files, drafts, caller.Person.Id, cancel);
        if (workspace.Unpublished is not { } text)
            return PolicyParts.Redirect(http, PolicyPage.Path);
        if (
            form["draft"] != Hashes.Sha256(text)
            || !long.TryParse(form["replaces"], NumberStyles.None, CultureInfo.InvariantCulture, out var replaces)
        )
        {
            return PolicyParts.Redirect(http, $"{Path}?changed=1");
        }
        switch (await files.Set(text, replaces, caller.Viewer.Origin, cancel))
        {
            case SetPoliciesOutcome.Set { Version.Version: var version }:
                await drafts.Save(caller.Person.Id, version, text, workspace.Sample.ToText(), cancel);
                return PolicyParts.Redirect(http, $"{PolicyPage.Path}?done=policyPublished");
            case SetPoliciesOutcome.Same:
                return PolicyParts.Redirect(http, $"{PolicyPage.Path}?done=policyPublished");
            case SetPoliciesOutcome.Wrong:
                return PolicyParts.Redirect(http, $"{PolicyPage.Path}?refused=1#check");
            case SetPoliciesOutcome.Changed:
                return PolicyParts.Redirect(http, $"{Path}#overtaken");
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
