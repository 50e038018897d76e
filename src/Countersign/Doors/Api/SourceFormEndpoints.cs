using System.ComponentModel;
using System.Text.Json;
using Countersign.Doors.Api.Operations;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Doors.Api;

public sealed record SourceFormBody
{
    [Description("All fields, in their order; an empty list removes them.")]
    public required IReadOnlyList<FormVariableInput> Variables { get; init; }
}

/// <param name="Launchdarkly">What is pasted into the integration's additional form variables.</param>
public sealed record SourceFormView(IReadOnlyList<FormVariable> Variables, JsonElement Launchdarkly)
{
    public static SourceFormView From(SourceForm form) => new(form.Variables, JsonElement.Parse(form.ToLaunchDarkly()));
}

/// <summary>The fields that a source's LaunchDarkly integration asks for. For admins.</summary>
internal static class SourceFormEndpoints
{
    public static void Map(RouteGroupBuilder admin)
    {
        admin
            .MapGet("/sources/{name}/form", Show)
            .Produces<SourceFormView>()
            .Describe(Tags.Sources, SourceOperations.GetForm);
        admin
            .MapPut("/sources/{name}/form", Set)
            .Produces<SourceFormView>()
            .Describe(Tags.Sources, SourceOperations.SetForm);
    }

    private static async Task<IResult> Show(string name, PeopleDirectory directory, CancellationToken cancel) =>
        (await directory.Refresh(cancel)).FindSource(name) is { } source
            ? TypedResults.Ok(SourceFormView.From(source.Form))
            : Problems.NotFound("There is no source with this name.");

    private static async Task<IResult> Set(
        string name,
        JsonBody<SourceFormBody> body,
        CurrentCaller caller,
        SetSourceForm set,
        CancellationToken cancel
    )
    {
        var form = new SourceForm([.. body.Value.Variables.Select(v => v.ToVariable())]);
        return AdminEndpoints.Answer(
            await set.Run(name, form, caller.Viewer.Origin, cancel),
            _ => TypedResults.Ok(SourceFormView.From(form))
        );
    }
}
