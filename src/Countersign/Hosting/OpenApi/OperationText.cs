using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>
/// What the API's description says about one operation, beyond what its handler and its metadata say. Written by a
/// delegate that runs only when the document is requested.
/// </summary>
internal sealed class OperationText
{
    public string Id { get; private set; } = "";
    public string Summary { get; private set; } = "";
    public string Description { get; private set; } = "";
    internal List<OpenApiParameter> Parameters { get; } = [];
    internal SortedDictionary<int, List<string>> Errors { get; } = [];
    internal Dictionary<int, string> Answers { get; } = [];
    internal Dictionary<int, string> AnswerSchemas { get; } = [];
    internal List<(int Status, string MediaType)> AlsoAs { get; } = [];
    internal List<string> Rules { get; } = [];
    internal string? BodySchema { get; private set; }
    internal string? BodyExample { get; private set; }
    internal string? SecurityScheme { get; private set; }
    internal bool IsEverythingFound { get; private set; }

    public OperationText Is(string id, string summary, string description)
    {
        (Id, Summary, Description) = (id, summary, description);
        return this;
    }

    /// <summary>A parameter of the address. The handler may bind it or read it from the query itself.</summary>
    public OperationText Query(string name, string text, OpenApiSchema? values = null) =>
        Add(name, ParameterLocation.Query, text, values);

    public OperationText Header(string name, string text, OpenApiSchema? values = null) =>
        Add(name, ParameterLocation.Header, text, values);

    /// <summary>Errors of this operation alone; <see cref="OperationKind"/> adds those of its kind.</summary>
    public OperationText Fails(int status, params ReadOnlySpan<string> codes)
    {
        if (!Errors.TryGetValue(status, out var known))
            Errors[status] = known = [];
        foreach (var code in codes)
        {
            if (!known.Contains(code, StringComparer.Ordinal))
                known.Add(code);
        }
        return this;
    }

    /// <summary>403 <c>not_allowed</c> with one of these rules.</summary>
    public OperationText Forbids(params ReadOnlySpan<string> rules)
    {
        foreach (var rule in rules)
        {
            if (!Rules.Contains(rule, StringComparer.Ordinal))
                Rules.Add(rule);
        }
        return Fails(StatusCodes.Status403Forbidden, "not_allowed");
    }

    /// <summary>What an answer means.</summary>
    public OperationText Answer(int status, string text, string? schema = null)
    {
        Answers[status] = text;
        if (schema is not null)
            AnswerSchemas[status] = schema;
        return this;
    }

    /// <summary>The answer can be text of this type, too.</summary>
    public OperationText OrText(int status, string mediaType)
    {
        AlsoAs.Add((status, mediaType));
        return this;
    }

    /// <summary>For handlers that read the body themselves: the name of a schema.</summary>
    public OperationText Body(string schema)
    {
        BodySchema = schema;
        return this;
    }

    /// <summary>A body that does something useful, as JSON.</summary>
    public OperationText Example(string json)
    {
        BodyExample = json;
        return this;
    }

    /// <summary>Where neither a key nor a session lets in.</summary>
    public OperationText Secured(string scheme)
    {
        SecurityScheme = scheme;
        return this;
    }

    /// <summary>Has a parameter in its path, and never answers 404.</summary>
    public OperationText FindsEverything()
    {
        IsEverythingFound = true;
        return this;
    }

    private OperationText Add(string name, ParameterLocation place, string text, OpenApiSchema? values)
    {
        var parameter = new OpenApiParameter
        {
            Name = name,
            In = place,
            Description = text,
            Schema = values ?? Values.Text(),
        };
        // Several values are separated by commas.
        if (values?.Type == JsonSchemaType.Array)
            (parameter.Style, parameter.Explode) = (ParameterStyle.Form, false);
        Parameters.Add(parameter);
        return this;
    }
}

/// <summary>The metadata of an endpoint that is described.</summary>
internal sealed record Described(string Tag, Action<OperationText> Write)
{
    public OperationText Text
    {
        get
        {
            var text = new OperationText();
            Write(text);
            return text;
        }
    }
}

internal static class DescribedEndpoints
{
    /// <summary>
    /// Describes an operation of an API. A test wants one for every endpoint that isn't excluded from the description.
    /// </summary>
    public static TBuilder Describe<TBuilder>(this TBuilder route, string tag, Action<OperationText> write)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new Described(tag, write));
}
