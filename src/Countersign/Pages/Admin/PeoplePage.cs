using System.Globalization;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Admin;

/// <summary><c>/people</c>: who is here and in which groups, and adding more of both.</summary>
internal static class PeoplePage
{
    public const string Path = "/people",
        NewPath = Path + "/new",
        CsvPath = Path + ".csv";

    private const string AddPerson = "add-person",
        AddGroup = "add-group";

    private const int PerPage = 50;

    public static bool ChangesWhoMaySignIn(string what) => what == AddPerson;

    public static async Task<IResult> Show(
        string? text,
        int? page,
        HttpContext http,
        PeopleDirectory directory,
        Absences absences,
        CancellationToken cancel
    )
    {
        var snapshot = await directory.Refresh(cancel);
        text = text?.Trim() ?? "";
        var found = await Find(snapshot, absences, text, cancel);
        var last = Math.Max(1, (found.Count + PerPage - 1) / PerPage);
        var at = Math.Clamp(page ?? 1, 1, last);
        var query = text.Length > 0 ? "text=" + Uri.EscapeDataString(text) : "";
        var model = new PeopleModel([.. found.Skip((at - 1) * PerPage).Take(PerPage)], TabsOf(Path, snapshot))
        {
            Text = text,
            Total = found.Count,
            Previous = at > 1 ? PageAt(at - 1) : null,
            Next = at < last ? PageAt(at + 1) : null,
            CsvPath = query.Length > 0 ? $"{CsvPath}?{query}" : CsvPath,
        };
        return new PageResult(
            new PageFrame(http.Strings()["nav.people"]) { Section = Path },
            PeopleSlice.Create(model)
        );

        string PageAt(int number) =>
            string.Create(CultureInfo.InvariantCulture, $"{Path}?{(query.Length > 0 ? query + "&" : "")}page={number}");
    }

    public static IResult ShowNew(HttpContext http) => NewPage(http, new NewPersonModel());

    /// <summary>The list as the page shows it, all pages of it.</summary>
    public static async Task<IResult> Export(
        string? text,
        PeopleDirectory directory,
        Absences absences,
        CancellationToken cancel
    )
    {
        var found = await Find(await directory.Refresh(cancel), absences, text?.Trim() ?? "", cancel);
        return Csv.Of(
            "people.csv",
            ["id", "name", "email", "role", "groups", "aliases", "disabled", "out_of_office_until", "created_at"],
            found.Select(row =>
                (IReadOnlyList<string?>)
                    [
                        row.Person.Id.ToString(CultureInfo.InvariantCulture),
                        row.Person.Name,
                        row.Person.Email,
                        row.Person.Role.ToWireName(),
                        string.Join("; ", row.Groups),
                        string.Join("; ", row.Person.Aliases),
                        row.Person.IsDisabled ? "true" : "false",
                        row.Absence is { Begun: true } absence ? Instant.ToText(absence.To) : null,
                        Instant.ToText(row.Person.CreatedAt),
                    ]
            )
        );
    }

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        Accounts people,
        Groups groups,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var form = await http.Request.ReadFormAsync(cancel);
        return form["do"].ToString() switch
        {
            AddPerson => await RunAddPerson(form, http, caller, people, cancel),
            AddGroup => await GroupsPage.RunAdd(form["group"].ToString(), http, caller, groups, directory, cancel),
            _ => NotFoundPage.Page(http),
        };
    }

    public static PeopleTabsModel TabsOf(string path, PeopleSnapshot snapshot) =>
        new(path, snapshot.People.Values.Count(p => p.Role != Role.Service), snapshot.Groups.Count);

    private static async Task<IResult> RunAddPerson(
        IFormCollection form,
        HttpContext http,
        CurrentCaller caller,
        Accounts people,
        CancellationToken cancel
    )
    {
        var typed = new NewPersonModel
        {
            Name = form["name"].ToString(),
            Email = form["email"].ToString(),
            Role = form["role"].ToString(),
        };
        if (Roles.Of(typed.Role) is not { } role)
            return NotFoundPage.Page(http);
        var password = form["password"].ToString();
        var outcome = await people.Add(
            typed.Email,
            typed.Name,
            role,
            password.Length == 0 ? null : password,
            caller.Viewer.Origin,
            cancel
        );
        return outcome switch
        {
            AccessOutcome<Person>.Done(var added) => AdminParts.Done(http, $"{Path}/{added.Id}", "personAdded"),
            AccessOutcome<Person>.Exists => NewPage(
                http,
                typed with
                {
                    Refused = new Refused("email", http.Strings()["person.emailInUse"]),
                }
            ),
            _ => NewPage(http, typed with { Refused = Refused.From(http.Strings(), outcome) }),
        };
    }

    private static PageResult NewPage(HttpContext http, NewPersonModel model)
    {
        model = model with { TakesPassword = http.RequestServices.GetRequiredService<PasswordPolicy>().AreEnabled };
        return new(
            new PageFrame(http.Strings()["person.add"])
            {
                Section = Path,
                Breadcrumbs = [(Path, http.Strings()["nav.people"])],
            },
            NewPersonSlice.Create(model)
        )
        {
            Status = AdminParts.StatusOf(model.Refused),
        };
    }

    /// <summary>By name, email or alias; those who can't sign in come last.</summary>
    private static async Task<List<PersonRow>> Find(
        PeopleSnapshot snapshot,
        Absences absences,
        string text,
        CancellationToken cancel
    )
    {
        var absent = (await absences.List(cancel)).ToDictionary(a => a.PersonId);
        var groups = snapshot
            .Groups.Values.SelectMany(g => g.Members.Select(m => (Member: m, g.Name)))
            .OrderBy(m => m.Name, StringComparer.CurrentCultureIgnoreCase)
            .ToLookup(m => m.Member, m => m.Name);
        return
        [
            .. snapshot
                .People.Values.Where(p => p.Role != Role.Service && Fits(p, text))
                .OrderBy(p => p.IsDisabled)
                .ThenBy(p => p.Name, StringComparer.CurrentCultureIgnoreCase)
                .ThenBy(p => p.Id)
                .Select(p => new PersonRow(p, [.. groups[p.Id]], absent.GetValueOrDefault(p.Id))),
        ];
    }

    private static bool Fits(Person person, string text) =>
        text.Length == 0
        || ((IEnumerable<string?>)[person.Name, person.Email, .. person.Aliases]).Any(name =>
            name is not null
            && CultureInfo.InvariantCulture.CompareInfo.IndexOf(
                name,
                text,
                CompareOptions.IgnoreCase | CompareOptions.IgnoreNonSpace
            ) >= 0
        );
}
