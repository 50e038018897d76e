using System.Globalization;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Admin;

/// <summary><c>/sources/{id}/form</c>: what LaunchDarkly asks requesters for, and the JSON to paste there.</summary>
internal static class FormFieldsPage
{
    private const int MaxText = 20_000;

    public static async Task<IResult> Show(
        long id,
        HttpContext http,
        PeopleDirectory directory,
        CancellationToken cancel
    ) =>
        Find(await directory.Refresh(cancel), id) is { } source
            ? Page(http, source, [.. source.Form.Variables.Select(FormFieldRow.Of)], null)
            : NotFoundPage.Page(http);

    public static async Task<IResult> Run(
        long id,
        HttpContext http,
        CurrentCaller caller,
        SetSourceForm set,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        if (Find(await directory.Refresh(cancel), id) is not { } source)
            return NotFoundPage.Page(http);
        var form = await http.Request.ReadFormAsync(cancel);
        List<FormFieldRow> rows = [.. Enumerable.Range(0, SourceForm.MaxVariables + 1).Select(i => Typed(form, i))];
        rows.RemoveAll(row => row.IsEmpty);
        var wanted = new SourceForm([.. rows.Select(row => row.ToVariable())]);
        if (wanted.Problem() is { } problem)
        {
            return Page(
                http,
                source,
                rows,
                new Refused(
                    string.Create(CultureInfo.InvariantCulture, $"{problem.Member}-{problem.At}"),
                    http.Strings()[
                        problem.At == SourceForm.MaxVariables
                            ? "source.form.error.many"
                            : "source.form.error." + problem.Member
                    ]
                )
            );
        }
        var refused = Refused.From(http.Strings(), await set.Run(source.Name, wanted, caller.Viewer.Origin, cancel));
        return refused is null
            ? AdminParts.Done(http, $"{SourcesPage.Path}/{id}/form", "changed")
            : Page(http, source, rows, refused);
    }

    private static Source? Find(PeopleSnapshot snapshot, long id) =>
        snapshot.Sources.TryGetValue(id, out var source) && source.Kind == "launchdarkly" ? source : null;

    private static FormFieldRow Typed(IFormCollection form, int i)
    {
        string Text(string name) => WellFormed.Cut(form[$"{name}-{i}"].ToString().Trim(), MaxText);
        return new FormFieldRow(
            Text("key"),
            Text("name"),
            Text("type"),
            Text("description"),
            form.ContainsKey($"required-{i}"),
            Text("options").ReplaceLineEndings("\n"),
            Text("default")
        );
    }

    private static PageResult Page(HttpContext http, Source source, List<FormFieldRow> rows, Refused? refused)
    {
        var strings = http.Strings();
        var model = new FormFieldsModel(
            source,
            rows.Count < SourceForm.MaxVariables ? [.. rows, FormFieldRow.Empty] : rows,
            refused
        );
        return new PageResult(
            new PageFrame(strings["source.form"])
            {
                Section = SourcesPage.Path,
                Breadcrumbs =
                [
                    (SourcesPage.Path, strings["nav.sources"]),
                    ($"{SourcesPage.Path}/{source.Id}", source.Name),
                ],
            },
            FormFieldsSlice.Create(model)
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
    }
}
