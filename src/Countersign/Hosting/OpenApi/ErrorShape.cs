using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Countersign.Hosting.OpenApi;

/// <summary>How one door's errors look, and what each code means, for the API's description.</summary>
internal abstract class ErrorShape
{
    /// <summary>Problem details with a code.</summary>
    public static readonly ErrorShape Problem = new ProblemShape();

    /// <summary>Begins the names of this door's shared answers.</summary>
    public abstract string Prefix { get; }

    public abstract string MediaType { get; }

    /// <summary>Whether <c>not_allowed</c> says by a rule why.</summary>
    public virtual bool HasRules => false;

    /// <summary>What the code means and what to do; throws for a code that isn't known.</summary>
    public abstract string Meaning(int status, string code);

    /// <summary>The codes under which this door says what all doors say.</summary>
    public virtual IEnumerable<string> Own(int status, string code) => [code];

    /// <summary>The schema of an answer with one of these codes.</summary>
    public abstract IOpenApiSchema Schema(
        int status,
        IReadOnlyList<string> codes,
        IReadOnlyList<string> rules,
        OpenApiDocument document
    );

    public abstract JsonObject Example(int status, string code);

    /// <summary>One answer: its codes, their meaning, and an example of each.</summary>
    internal OpenApiResponse Answer(
        int status,
        IReadOnlyList<string> codes,
        IReadOnlyList<string> rules,
        OpenApiDocument document
    ) =>
        new()
        {
            Description = string.Join('\n', codes.Select(code => $"`{code}`: {Meaning(status, code)}")),
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [MediaType] = new OpenApiMediaType
                {
                    Schema = Schema(status, codes, rules, document),
                    Examples = codes.ToDictionary(
                        code => code.Replace(' ', '-').Replace("'", "", StringComparison.Ordinal),
                        IOpenApiExample (code) => SharedExample(status, code, document)
                    ),
                },
            },
            Headers =
                status is StatusCodes.Status429TooManyRequests
                    ? new Dictionary<string, IOpenApiHeader>
                    {
                        ["Retry-After"] = new OpenApiHeader
                        {
                            Description = "After how many seconds to try again.",
                            Schema = Values.Number(1),
                        },
                    }
                    : null,
        };

    private OpenApiExampleReference SharedExample(int status, string code, OpenApiDocument document)
    {
        var name = NameOf(status, code);
        if (document.Components?.Examples?.ContainsKey(name) != true)
        {
            document.AddComponent<IOpenApiExample>(
                name,
                new OpenApiExample { Summary = Meaning(status, code), Value = Example(status, code) }
            );
        }
        return new OpenApiExampleReference(name, document);
    }

    /// <summary>What the shared parts about these codes are called.</summary>
    internal string NameOf(int status, params IEnumerable<string> codes) =>
        Prefix
        + string.Concat(
            codes
                .SelectMany(code => code.Split('_', ' ', '\''))
                .Where(word => word.Length > 0)
                .Select(word => char.ToUpperInvariant(word[0]) + word[1..])
        )
        + status.ToString(Values.Invariant);
}
