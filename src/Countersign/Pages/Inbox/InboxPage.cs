using System.Collections.Concurrent;
using System.Collections.Frozen;
using Countersign.Configuration;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Pages.Onboarding;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Inbox;

/// <summary>
/// <c>GET /</c>: one list of requests, those that need the reader's review unless the address asks for another.
/// </summary>
internal sealed class InboxPage(
    Store store,
    RequestList listing,
    RequestSummaries summaries,
    PeopleDirectory directory,
    Cursors cursors,
    PageOptions options
)
{
    private const int PageSize = 40;

    /// <summary>So many sources and groups are offered to choose from.</summary>
    private const int MaxChoices = 200;

    /// <summary>How many lists are kept as last read.</summary>
    private const int MaxKept = 300;
    private readonly ConcurrentDictionary<(long Person, string Show), Kept> _kept = new();

    public Task<IResult> Show(HttpContext http, CurrentCaller caller, CancellationToken cancel) =>
        Show(http, caller, InboxFilter.Read(http.Request.Query), null, null, cancel);

    /// <summary>The list once more, because a form on it was refused; with what was selected and typed.</summary>
    public async Task<IResult> Show(
        HttpContext http,
        CurrentCaller caller,
        InboxFilter filter,
        RefusedReview? refused,
        Refused? why,
        CancellationToken cancel
    )
    {
        var snapshot = directory.Current;
        var list = filter.IsPlain
            ? await Plain(caller.Person.Id, caller.Viewer, filter, snapshot, cancel)
            : await Read(caller.Viewer, filter, snapshot, cancel);
        var rows = new InboxRows(snapshot, options, http.Strings());
        var model = new InboxModel(filter, [.. list.Requests.Select(r => rows.Of(r, list.Summaries[r.Id]))])
        {
            Previous = AddressOf(filter, list.Previous),
            Next = AddressOf(filter, list.Next),
            Sources = Names(snapshot.Sources.Values.Where(s => s.Kind != "built-in").Select(s => s.Name)),
            Groups = Names(snapshot.Groups.Values.Select(g => g.Name)),
            Environments = Names(
                list.Summaries.Values.Select(s => s.Environment)
                    .Where(e => e.Length > 0)
                    .Distinct(StringComparer.OrdinalIgnoreCase)
            ),
            Selected = refused?.Selected ?? FrozenSet<string>.Empty,
            Comment = refused?.Comment ?? "",
            Refused = why,
            Onboarding = await OnboardingPage.CardFor(http, cancel),
        };
        return new PageResult(
            new PageFrame(InboxRows.TitleOf(filter, http.Strings()))
            {
                Section = filter.Section,
                Live = "inbox",
                HasOwnHeading = true,
            },
            InboxSlice.Create(model)
        )
        {
            Status = why is null ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity,
        };
    }

    private string? AddressOf(InboxFilter filter, Position? position) =>
        position is null ? null : (filter with { Cursor = cursors.Write(position) }).Address();

    /// <summary>
    /// What was read for a person stands for as long as nothing is written (<see cref="Store.Version"/>): people reload
    /// far more often than anything happens.
    /// </summary>
    private async ValueTask<Listed> Plain(
        long person,
        Viewer viewer,
        InboxFilter filter,
        PeopleSnapshot snapshot,
        CancellationToken cancel
    )
    {
        var (version, key) = (store.Version, (person, filter.Show));
        if (_kept.TryGetValue(key, out var kept) && kept.Version == version)
            return kept.List;
        var list = await Read(viewer, filter, snapshot, cancel);
        if (_kept.Count >= MaxKept)
            _kept.Clear();
        _kept[key] = new Kept(version, list);
        return list;
    }

    private async ValueTask<Listed> Read(
        Viewer viewer,
        InboxFilter filter,
        PeopleSnapshot snapshot,
        CancellationToken cancel
    )
    {
        var start = filter.Position(cursors);
        var page = await listing.Run(viewer, filter.ToFilter(snapshot), PageSize, start, cancel);
        var (requests, previous, next) = filter.IsOldestFirst
            ? ([.. page.Requests.Reverse()], page.Older, page.Newer)
            : (page.Requests, page.Newer, page.Older);
        var isFirst = start is null or { Id: "" };
        return new Listed(requests, await summaries.Of(requests, cancel), isFirst ? null : previous, next);
    }

    private static IReadOnlyList<string> Names(IEnumerable<string> names) =>
        [.. names.Order(StringComparer.CurrentCultureIgnoreCase).Take(MaxChoices)];

    private sealed record Listed(
        IReadOnlyList<ApprovalRequest> Requests,
        IReadOnlyDictionary<RequestId, RequestSummary> Summaries,
        Position? Previous,
        Position? Next
    );

    private sealed record Kept(long Version, Listed List);
}

/// <summary>What a refused form on the list had selected and typed.</summary>
internal sealed record RefusedReview(IReadOnlySet<string> Selected, string Comment);

/// <summary>Requests as rows of lists.</summary>
internal sealed class InboxRows(PeopleSnapshot directory, PageOptions options, IStringLocalizer strings)
{
    public static string TitleOf(InboxFilter filter, IStringLocalizer strings) =>
        filter.Show switch
        {
            InboxFilter.Review => strings["nav.needsReview"],
            InboxFilter.Asked => strings["nav.created"],
            _ => strings["inbox.all"],
        };

    public InboxRow Of(ApprovalRequest request, RequestSummary summary) =>
        new(request, summary, HeadlineModel.Of(summary, strings), SourceOf(request))
        {
            IsCritical = options.IsCritical(summary.Environment),
        };

    /// <summary>The source's name; for requests that came through a built-in one, how they came.</summary>
    private string SourceOf(ApprovalRequest request) =>
        directory.Sources.TryGetValue(request.SourceId, out var source) && source.Kind != "built-in" ? source.Name
        : request.SentBy == SentBy.Page ? strings["sentBy.page"]
        : request.SentBy.ToString();
}
