using System.Globalization;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Admin;

/// <summary><c>/sources</c>: the systems that send requests; <c>/sources/new</c> adds one.</summary>
internal static class SourcesPage
{
    public const string Path = "/sources",
        NewPath = Path + "/new",
        CsvPath = Path + ".csv";

    public static async Task<IResult> Show(HttpContext http, PeopleDirectory directory, CancellationToken cancel)
    {
        var snapshot = await directory.Refresh(cancel);
        return new PageResult(
            new PageFrame(http.Strings()["nav.sources"]) { Section = Path },
            SourcesSlice.Create(new SourcesModel(Listed(snapshot), snapshot))
        );
    }

    /// <summary>The list as a file, without keys.</summary>
    public static async Task<IResult> Export(PeopleDirectory directory, CancellationToken cancel)
    {
        var snapshot = await directory.Refresh(cancel);
        return Csv.Of(
            "sources.csv",
            [
                "id",
                "name",
                "kind",
                "group",
                "required_approvals",
                "destination",
                "unknown_requester",
                "claimed_requester",
                "owner",
                "disabled",
                "created_at",
                "last_used_at",
            ],
            Listed(snapshot)
                .Select(source =>
                    (IReadOnlyList<string?>)
                        [
                            source.Id.ToString(CultureInfo.InvariantCulture),
                            source.Name,
                            source.Kind,
                            source.GroupId is { } group ? snapshot.Groups.GetValueOrDefault(group)?.Name : null,
                            source.Need?.ToString(CultureInfo.InvariantCulture),
                            source.Destination,
                            source.UnknownRequester.ToWireName(),
                            source.ClaimedRequester.ToWireName(),
                            source.OwnerId is { } owner ? snapshot.People.GetValueOrDefault(owner)?.Email : null,
                            source.IsDisabled ? "true" : "false",
                            Instant.ToText(source.CreatedAt),
                            source.LastUsedAt is { } used ? Instant.ToText(used) : null,
                        ]
                )
        );
    }

    private static List<Source> Listed(PeopleSnapshot snapshot) =>
        [
            .. snapshot
                .Sources.Values.Where(s => s.Kind != "built-in")
                .OrderBy(s => s.IsDisabled)
                .ThenBy(s => s.Name, StringComparer.CurrentCultureIgnoreCase),
        ];

    public static async Task<IResult> New(HttpContext http, PeopleDirectory directory, CancellationToken cancel) =>
        await Form(
            http,
            await directory.Refresh(cancel),
            "",
            SourceKinds.LaunchDarkly,
            "",
            SourceReviewersForm.AnyAdmin,
            null,
            cancel
        );

    public static async Task<IResult> Add(
        HttpContext http,
        CurrentCaller caller,
        Sources sources,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var (name, kind, owner, reviewers) = (
            form["name"].ToString(),
            form["kind"].ToString(),
            form["owner"].ToString(),
            SourceReviewersForm.Typed(form)
        );
        var chosen = reviewers.Chosen;
        var outcome = await sources.Add(
            name,
            kind,
            chosen.Group,
            chosen.Need,
            caller.Viewer.Origin,
            cancel,
            chosen.Destination,
            owner
        );
        if (outcome is AccessOutcome<NewSourceKey>.Done { Value: var made })
        {
            var path = $"{Path}/{made.Id}";
            ShownOnce.Leave(http, path, made.Key);
            return AdminParts.Done(http, path, "sourceAdded");
        }
        var snapshot = await directory.Refresh(cancel);
        return await Form(
            http,
            snapshot,
            name,
            kind,
            owner,
            reviewers,
            outcome switch
            {
                AccessOutcome<NewSourceKey>.Exists => new Refused("name", http.Strings()["source.name.taken"]),
                AccessOutcome<NewSourceKey>.Invalid { Field: "owner" } => new Refused(
                    "owner",
                    http.Strings()[owner.Trim().Length == 0 ? "source.owner.needed" : "source.owner.unknown"]
                ),
                AccessOutcome<NewSourceKey>.NotFound when IsNobody(snapshot, owner) => new Refused(
                    "owner",
                    http.Strings()["source.owner.unknown"]
                ),
                _ => Refused.From(http.Strings(), outcome),
            },
            cancel
        );
    }

    private static bool IsNobody(PeopleSnapshot snapshot, string owner) =>
        owner.Trim().Length > 0 && snapshot.FindPerson(owner) is not { Role: not Role.Service };

    private static async Task<IResult> Form(
        HttpContext http,
        PeopleSnapshot snapshot,
        string name,
        string kind,
        string owner,
        SourceReviewersForm reviewers,
        Refused? refused,
        CancellationToken cancel
    )
    {
        var strings = http.Strings();
        return new PageResult(
            new PageFrame(strings["sources.add"]) { Section = Path, Breadcrumbs = [(Path, strings["nav.sources"])] },
            NewSourceSlice.Create(
                new NewSourceModel(name, kind, reviewers, await SourceReviewersForm.Choices(http, snapshot, cancel))
                {
                    Refused = refused,
                    Owner = owner,
                }
            )
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
    }
}
