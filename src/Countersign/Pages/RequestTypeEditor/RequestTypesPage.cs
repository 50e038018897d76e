using System.Diagnostics;
using System.Globalization;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.RequestTypeEditor;

/// <summary>
/// <c>/request-types</c>: what people can request on <c>/new</c>. A type is one form; all types are one list in the
/// store, so a form that was made from an earlier list is refused rather than written over the later one.
/// </summary>
internal sealed class RequestTypesPage(Requests.RequestTypes types, PeopleDirectory directory)
{
    public const string Path = "/request-types",
        NewPath = Path + "/new",
        EditPath = Path + "/edit";

    public static string AddressOf(string name) => $"{EditPath}?name={Uri.EscapeDataString(name)}";

    public async Task<IResult> Show(HttpContext http, CancellationToken cancel)
    {
        var list = await types.Find(cancel);
        var snapshot = await directory.Refresh(cancel);
        var unknown = list.Types.Where(type => !IsKnown(type, snapshot)).Select(type => type.Name).ToHashSet();
        return new PageResult(
            new PageFrame(http.Strings()["nav.requestTypes"]) { Section = Path },
            RequestTypesSlice.Create(new RequestTypesModel(list) { UnknownReviewers = unknown })
        );
    }

    public async Task<IResult> New(HttpContext http, CancellationToken cancel) =>
        await Form(http, RequestTypeForm.Of(null, (await types.Find(cancel)).Version), [], null, cancel);

    public async Task<IResult> Edit(string? name, HttpContext http, CancellationToken cancel)
    {
        var list = await types.Find(cancel);
        return list.Find(name ?? "") is { } type
            ? await Form(http, RequestTypeForm.Of(type, list.Version), [], null, cancel)
            : NotFoundPage.Page(http);
    }

    public async Task<IResult> Run(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var posted = await http.Request.ReadFormAsync(cancel);
        var form = RequestTypeForm.Read(posted);
        var list = await types.Find(cancel);
        var isDeletion = posted["do"] == "delete";
        if (isDeletion && list.Find(form.Original) is null)
            return NotFoundPage.Page(http);
        var wanted = isDeletion
            ? list.Without(form.Original)
            : list.With(form.Original.Length > 0 ? form.Original : null, form.ToType());
        var strings = http.Strings();
        switch (await types.Set(wanted, form.Version, caller.Viewer.Origin, cancel))
        {
            case SetRequestTypesOutcome.Set or SetRequestTypesOutcome.Same:
                return AdminParts.Done(http, Path, isDeletion ? "requestTypeDeleted" : "changed");
            case SetRequestTypesOutcome.Changed:
                return await Form(http, form, [], new Refused(null, strings["requestTypes.changed"]), cancel);
            case SetRequestTypesOutcome.Wrong { Problems: var problems }:
                var errors = Errors(problems, PlaceOf(form, list), rule => strings["requestTypes.error." + rule]);
                var other =
                    errors.Count == 0
                        ? new Refused(null, strings["requestTypes.error.tooMany"])
                        : new Refused(errors.Keys.First(), strings.Count("form.errors", errors.Count));
                return await Form(http, form, errors, other, cancel);
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Where the form's type stands among all: in the place of the one it changes, or at the end.</summary>
    private static int PlaceOf(RequestTypeForm form, RequestTypeList list) =>
        form.Original.Length > 0 && list.Find(form.Original) is { } changed
            ? list.Types.ToList().IndexOf(changed)
            : list.Types.Count;

    /// <summary><c>types[3].fields[1].label</c> is the second row's label.</summary>
    private static Dictionary<string, string> Errors(
        IReadOnlyList<RequestTypeProblem> problems,
        int at,
        Func<string, string> words
    )
    {
        var (prefix, errors) = (
            string.Create(CultureInfo.InvariantCulture, $"types[{at}]."),
            new Dictionary<string, string>()
        );
        foreach (var problem in problems)
        {
            if (!problem.Place.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            var place = problem.Place[prefix.Length..];
            var field =
                place.StartsWith("fields[", StringComparison.Ordinal)
                && place.IndexOf("].", StringComparison.Ordinal) is > 0 and var end
                && int.TryParse(place["fields[".Length..end], CultureInfo.InvariantCulture, out var row)
                    ? string.Create(CultureInfo.InvariantCulture, $"{place[(end + 2)..]}-{row + 1}")
                : place == "fields" ? "name-1"
                : place;
            errors.TryAdd(field, words(problem.Rule));
        }
        return errors;
    }

    private async Task<IResult> Form(
        HttpContext http,
        RequestTypeForm form,
        Dictionary<string, string> errors,
        Refused? refused,
        CancellationToken cancel
    )
    {
        var strings = http.Strings();
        var snapshot = await directory.Refresh(cancel);
        List<(string Value, string Text)> reviewers =
        [
            ("", strings["requestTypes.reviewers.none"]),
            .. snapshot
                .Groups.Values.OrderBy(g => g.Name, StringComparer.CurrentCultureIgnoreCase)
                .Select(g => (RequestTypeForm.GroupPrefix + g.Name, g.Name)),
            .. snapshot
                .People.Values.Where(p => p is { IsDisabled: false, Email: not null, Role: Role.Agent or Role.Admin })
                .OrderBy(p => p.Name, StringComparer.CurrentCultureIgnoreCase)
                .Select(p => (RequestTypeForm.PersonPrefix + p.Email, $"{p.Name} ({p.Email})")),
        ];
        // Chosen by a file or before a person left: it stays chosen until an admin chooses another.
        if (reviewers.TrueForAll(r => r.Value != form.Reviewers))
        {
            var name = form.Reviewers[(form.Reviewers.IndexOf(':', StringComparison.Ordinal) + 1)..];
            reviewers.Add((form.Reviewers, name));
        }
        return new PageResult(
            new PageFrame(form.Original.Length > 0 ? form.Original : strings["requestTypes.add"])
            {
                Section = Path,
                Breadcrumbs = [(Path, strings["nav.requestTypes"])],
            },
            RequestTypeSlice.Create(new RequestTypeModel(form, reviewers) { Errors = errors, Refused = refused })
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
    }

    private static bool IsKnown(RequestType type, PeopleSnapshot snapshot) =>
        (type.ReviewerGroup is not { } group || snapshot.FindGroup(group) is not null)
        && (type.ReviewerPerson is not { } email || snapshot.FindPerson(email) is { IsDisabled: false });
}
