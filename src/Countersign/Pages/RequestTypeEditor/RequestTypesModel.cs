using Countersign.Pages.Parts;
using Countersign.Requests;

namespace Countersign.Pages.RequestTypeEditor;

/// <summary>What people can request.</summary>
public sealed record RequestTypesModel(RequestTypeList List)
{
    /// <summary>Proposed reviewers that there are not, or no more.</summary>
    public IReadOnlySet<string> UnknownReviewers { get; init; } = new HashSet<string>();
}

/// <summary>One type to change, or a new one.</summary>
public sealed record RequestTypeModel(RequestTypeForm Form, IReadOnlyList<(string Value, string Text)> Reviewers)
{
    /// <summary>By field of the form.</summary>
    public IReadOnlyDictionary<string, string> Errors { get; init; } = new Dictionary<string, string>();

    /// <summary>What was refused as a whole.</summary>
    public Refused? Refused { get; init; }

    public string? ErrorOf(string field) => Errors.GetValueOrDefault(field);
}

/// <summary>A row of the form, for one field.</summary>
/// <param name="N">From 1 on.</param>
public sealed record RequestTypeRowModel(RequestTypeModel Page, int N, RequestTypeRow Row)
{
    public string? ErrorOf(string what) => Page.ErrorOf($"{what}-{N}");
}
