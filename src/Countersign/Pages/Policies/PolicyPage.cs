using System.Globalization;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Policies;

/// <summary>
/// <c>/policies</c>: the editor of the policy file, a sample request to test it with, and its versions. Every
/// button saves the draft and redirects, so nothing typed is lost and reloading sends nothing again. For admins.
/// </summary>
internal sealed class PolicyPage(
    PolicyFiles files,
    PolicyDrafts drafts,
    ExplainPolicy explain,
    PeopleDirectory directory
)
{
    public const string Path = "/policies";

    public async Task<IResult> Show(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var (strings, query) = (http.Strings(), http.Request.Query);
        var workspace = await PolicyWorkspace.Load(files, drafts, caller.Person.Id, cancel);
        var snapshot = await directory.Refresh(cancel);
        var (file, problems) = await files.Check(workspace.Text, cancel);
        var isValidated = query.ContainsKey("checked");
        var isTested = query.ContainsKey("test");
        var model = new PolicyEditorModel(workspace.Text, workspace.BasedOn, workspace.Sample)
        {
            Versions = [.. (await files.List(cancel)).Select(v => PolicyParts.Row(strings, v, snapshot))],
            SavedAt = workspace.Unpublished is null ? null : workspace.Draft!.SavedAt,
            Overtaken = workspace.IsOvertaken ? PolicyParts.Row(strings, workspace.Active!, snapshot) : null,
            Problems =
                problems.Count > 0
                    ? new PolicyProblemsModel(
                        Title(strings, problems, query.ContainsKey("refused")),
                        PolicyProblemModel.Of(workspace.Text, problems)
                    )
                    : null,
            Valid = isValidated ? file?.Rules.Count : null,
            IsTested = isTested,
            Result =
                isTested && file is not null
                    ? PolicyTestModel.Of(
                        strings,
                        await explain.Run(workspace.Sample.ToRequest(snapshot), cancel, file),
                        workspace.Sample.Title
                    )
                    : null,
            Sources = [.. snapshot.Sources.Values.Where(s => !s.IsDisabled).Select(s => s.Name).Order().Take(200)],
        };
        return new PageResult(
            new PageFrame(strings["nav.policies"]) { Section = Path },
            PolicyEditorSlice.Create(model)
        );
    }

    public async Task<IResult> Run(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var workspace = await PolicyWorkspace.Load(files, drafts, caller.Person.Id, cancel);
        if (form["do"] == "discard")
        {
            await Save(workspace.ActiveVersion, workspace.ActiveText, workspace.Sample);
            return PolicyParts.Redirect(http, $"{Path}?done=policyDiscarded");
        }
        var text = form["text"].ToString().ReplaceLineEndings("\n");
        var basedOn = long.TryParse(form["basedOn"], NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? version
            : workspace.BasedOn;
        await Save(basedOn, text, PolicySample.Of(form));
        switch (form["do"].ToString())
        {
            case "test":
                return PolicyParts.Redirect(http, $"{Path}?test=1#result");
            case "review":
                var (file, _) = PolicyFile.Read(text);
                return PolicyParts.Redirect(http, file is null ? $"{Path}?refused=1#check" : PolicyReviewPage.Path);
            default:
                return PolicyParts.Redirect(http, $"{Path}?checked=1#check");
        }

        Task Save(long from, string draft, PolicySample sample) =>
            drafts.Save(caller.Person.Id, from, draft, sample.ToText(), cancel);
    }

    /// <summary>"Not published: 2 errors", "2 errors" or "1 warning".</summary>
    internal static string Title(IStringLocalizer strings, IReadOnlyList<PolicyProblem> problems, bool isRefused)
    {
        var errors = problems.Count(p => !p.IsWarning);
        return errors == 0 ? strings.Count("policies.warnings", problems.Count)
            : isRefused ? strings.Count("policies.notPublished", errors)
            : strings.Count("policies.errors", errors);
    }
}
