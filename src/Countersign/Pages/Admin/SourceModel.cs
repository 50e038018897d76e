using Countersign.Audit;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Pages.Admin;

/// <summary>All sources.</summary>
public sealed record SourcesModel(IReadOnlyList<Source> Sources, PeopleSnapshot People)
{
    public bool IsWaiting => Sources.Any(s => s is { IsDisabled: false, LastUsedAt: null });
}

/// <summary>The form that adds a source, with what was typed into it.</summary>
public sealed record NewSourceModel(
    string Name,
    string Kind,
    SourceReviewersForm Reviewers,
    SourceReviewersChoices Choices
)
{
    public Refused? Refused { get; init; }
    public string Owner { get; init; } = "";
}

/// <summary>One source and its settings.</summary>
public sealed record SourceModel(
    Source Source,
    PeopleSnapshot People,
    SourceReviewersForm Reviewers,
    SourceReviewersChoices Choices,
    SourceRequesterForm Requesters,
    string BaseUrl,
    bool HasPublicUrl
)
{
    /// <summary>The key, this one time after it was made; null otherwise.</summary>
    public string? NewKey { get; init; }
    public Refused? Refused { get; init; }

    /// <summary>The day that was typed and refused.</summary>
    public string? TypedExpires { get; init; }

    /// <summary>Calls that could not be read, the newest first.</summary>
    public IReadOnlyList<RejectedBody> Rejected { get; init; } = [];

    /// <summary>Of a source that signs its calls and is called back; null for others.</summary>
    public SourceGateModel? Gate { get; init; }

    /// <summary>Null for sources of another kind, and where no access tokens are taken.</summary>
    public SourceAgentModel? Agent { get; init; }

    /// <summary>Null for sources of another kind.</summary>
    public SourceConnectionModel? LaunchDarkly { get; init; }

    /// <summary>
    /// Whether a name or an email in a call can stand for the requester. Where LaunchDarkly is asked, it can't: either
    /// it names the requester, or there is none. A cluster names no one, and an owner is barred whoever is named.
    /// </summary>
    public bool IsTakenAtTheirWord =>
        Source.ClaimedRequester == ClaimedRequester.Accept
        && Source.Kind != Requests.SourceKinds.Flagger
        && !Source.Check.HasFlag(OpenCheck.Requester)
        && !Requests.SourceKinds.NeedsOwner(Source.Kind);

    /// <summary>Its owner is disabled, so its requesters count as not recognized.</summary>
    public bool LacksOwner => People.LacksOwner(Source);

    public string Path => $"{SourcesPage.Path}/{Source.Id}";
}

/// <summary>The fields in which reviewers are chosen.</summary>
public sealed record SourceReviewersModel(SourceReviewersForm Chosen, SourceReviewersChoices Choices, Refused? Refused);
