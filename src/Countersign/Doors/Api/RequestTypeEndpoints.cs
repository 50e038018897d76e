using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.Requests;
using Countersign.SignIn;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Countersign.Doors.Api;

public sealed record RequestTypesBody : IChecked
{
    [Description("The request types as a file, in YAML or JSON."), Required]
    public string? Text { get; init; }

    [Description("The version that you changed: if they were set since, nothing is set."), Example(1)]
    public long? BasedOn { get; init; }

    public void Check(BodyErrors mistakes)
    {
        if (Text is null)
            mistakes.Add("text", "Send the request types as a string of YAML or JSON.");
    }
}

public sealed record RequestTypeFieldView(
    string Name,
    string Label,
    [AllowedValues("text", "number", "choice", "yes-no", "link")] string Kind,
    IReadOnlyList<string>? Choices,
    bool Required,
    string? Help
);

public sealed record RequestTypeReviewersView(string? Group, string? Person);

public sealed record RequestTypeView(
    string Name,
    string? Description,
    RequestTypeReviewersView? Reviewers,
    IReadOnlyList<RequestTypeFieldView> Fields
)
{
    public static RequestTypeView From(RequestType type) =>
        new(
            type.Name,
            type.Description.Length > 0 ? type.Description : null,
            type is { ReviewerGroup: null, ReviewerPerson: null }
                ? null
                : new RequestTypeReviewersView(type.ReviewerGroup, type.ReviewerPerson),
            [
                .. type.Fields.Select(field => new RequestTypeFieldView(
                    field.Name,
                    field.Label,
                    field.Kind.ToWireName(),
                    field.Choices.Count > 0 ? field.Choices : null,
                    field.Required,
                    field.Help.Length > 0 ? field.Help : null
                )),
            ]
        );
}

/// <param name="Text">The same as a file to change and to set again.</param>
public sealed record RequestTypesView(long Version, IReadOnlyList<RequestTypeView> Types, string Text)
{
    public static RequestTypesView From(RequestTypeList list) =>
        new(list.Version, [.. list.Types.Select(RequestTypeView.From)], RequestTypeFile.Write(list.Types));
}

/// <summary>What people can request on <c>/new</c>.</summary>
internal static class RequestTypeEndpoints
{
    public static async Task<IResult> Show(RequestTypes types, CancellationToken cancel) =>
        TypedResults.Ok(RequestTypesView.From(await types.Find(cancel)));

    public static async Task<IResult> Set(
        JsonBody<RequestTypesBody> body,
        CurrentCaller caller,
        RequestTypes types,
        CancellationToken cancel
    )
    {
        var (read, problems) = RequestTypeFile.Read(body.Value.Text!);
        if (read is null)
            return Invalid(problems);
        return await types.Set(read, body.Value.BasedOn, caller.Viewer.Origin, cancel) switch
        {
            SetRequestTypesOutcome.Set { List: var list } => TypedResults.Ok(RequestTypesView.From(list)),
            SetRequestTypesOutcome.Same { List: var list } => TypedResults.Ok(RequestTypesView.From(list)),
            SetRequestTypesOutcome.Wrong { Problems: var wrong } => Invalid(wrong),
            SetRequestTypesOutcome.Changed { Version: var version } => Problems.Of(
                409,
                "changed",
                $"The request types were changed since. Read version {version} and make your change in it."
            ),
            _ => throw new UnreachableException(),
        };
    }

    private static ProblemHttpResult Invalid(IReadOnlyList<RequestTypeProblem> problems)
    {
        var mistakes = new BodyErrors();
        foreach (var problem in problems)
            mistakes.Add("text", problem.ToString());
        return Problems.Invalid(mistakes.ByField);
    }
}
