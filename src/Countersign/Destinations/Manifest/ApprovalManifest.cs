using System.Text.Json;
using Json.Pointer;

namespace Countersign.Destinations.Manifest;

/// <summary>What is wrong with a manifest, where, and what to write instead.</summary>
/// <param name="IsFatal">It cannot be used like this; anything else is worth a look.</param>
internal sealed record Finding(string Place, string Problem, string Fix, bool IsFatal = false);

/// <summary>
/// What was found so far: of fatal findings and of warnings the first hundred each, since a file that is wrong all over
/// says the same again and again.
/// </summary>
internal sealed class FindingList
{
    private const int MaxOfAKind = 100;
    private const int MaxText = 500;

    private readonly List<Finding> _all = [];
    private int _fatal;
    private int _warnings;

    public IReadOnlyList<Finding> All => _all;
    public bool HasFatal => _fatal > 0;

    public void Add(Finding finding)
    {
        var count = finding.IsFatal ? ++_fatal : ++_warnings;
        if (count <= MaxOfAKind)
        {
            _all.Add(
                finding with
                {
                    Place = Short(finding.Place),
                    Problem = Short(finding.Problem),
                    Fix = Short(finding.Fix),
                }
            );
        }
        else if (count == MaxOfAKind + 1)
        {
            var (problem, fix) = (
                $"There are more than the {MaxOfAKind} listed here.",
                "Fix these first and check again."
            );
            _all.Add(new Finding("", problem, fix, finding.IsFatal));
        }
    }

    private static string Short(string text) =>
        text.Length <= MaxText ? text : string.Concat(text.AsSpan(0, MaxText), "…");
}

/// <summary>
/// A workflow system as a manifest describes it: how to open an approval there, ask after it, say that the change was
/// made and cancel it. Read by <see cref="ManifestReader"/>; templates and patterns are compiled once.
/// </summary>
internal sealed record ApprovalManifest
{
    /// <summary>As people know the system.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Asked when the destination is added: the integration's own variables, and those of an environment.
    /// </summary>
    public IReadOnlyList<FormVariable> FormVariables { get; init; } = [];
    public IReadOnlyList<FormVariable> EnvironmentVariables { get; init; } = [];

    /// <summary>Asked of whoever asks: they come with the request.</summary>
    public IReadOnlyList<FormVariable> RequestVariables { get; init; } = [];
    public bool TakesMoreRequestVariables { get; init; }

    public required CallTemplate Create { get; init; }
    public required CallTemplate Status { get; init; }
    public required CallTemplate Apply { get; init; }
    public required CallTemplate Cancel { get; init; }
    public CallTemplate? Members { get; init; }

    /// <summary>An extension of ours: finds what a creation may have made whose answer was lost.</summary>
    public CallTemplate? LookUp { get; init; }

    /// <summary>Whether a template names the access token, so that one must be given or fetched.</summary>
    public bool UsesOAuth { get; init; }

    /// <summary>
    /// Whether what a creation may have made can be found again: by a look-up of the manifest's own, or by asking after
    /// the status of our own id, where that is the id under which the other system knows the approval.
    /// </summary>
    public bool CanLookUp => _canLookUp ??= LookUp is not null || IdIsOurs();
    private bool? _canLookUp;

    public IEnumerable<FormVariable> Settings => FormVariables.Concat(EnvironmentVariables);

    public IEnumerable<CallTemplate> Calls =>
        new[] { Create, Status, Apply, Cancel, LookUp, Members }.OfType<CallTemplate>();

    /// <summary>The answer's id lies where the body has ours, so the other system takes our id for its own.</summary>
    private bool IdIsOurs()
    {
        if (Create.Parser?.ApprovalId is not { } place)
            return true;
        if (
            Renderer.Render(Create, Rehearsals.Context(this, Rehearsals.Full))
            is not Rendering.Ready { Call.Body: { } body }
        )
        {
            return false;
        }
        using var document = JsonDocument.Parse(body);
        return Pointer.TextAt(document.RootElement, place) == Rehearsals.Full.Id;
    }
}

/// <summary>One kind of call.</summary>
internal sealed record CallTemplate
{
    /// <summary>The member of the manifest that describes it.</summary>
    public required string Name { get; init; }
    public required HttpMethod Method { get; init; }
    public required Template Url { get; init; }
    public required IReadOnlyList<(string Name, Template Value)> Headers { get; init; }

    /// <summary>The header that carries the body's signature, and the variable that holds its key.</summary>
    public (string Header, string SecretKey)? Hmac { get; init; }
    public Template? Body { get; init; }
    public StatusParser? Parser { get; init; }
    public ListParser? List { get; init; }

    public IEnumerable<Template> Texts => Headers.Select(h => h.Value).Prepend(Url);

    public IReadOnlyList<UsedName> Names =>
        _names ??= [.. Texts.Concat(Body is null ? [] : [Body]).SelectMany(t => t.Names)];
    private IReadOnlyList<UsedName>? _names;

    /// <summary>
    /// What can be said of such calls before anything is filled in, for the one manifest that this is part of.
    /// </summary>
    public CallNeeds Needs(ApprovalManifest manifest) => _needs ??= new CallNeeds(this, manifest);

    private CallNeeds? _needs;
}

/// <summary>Where an answer says how the approval stands.</summary>
internal sealed record StatusParser
{
    public required JsonPointer StatusValue { get; init; }
    public JsonPointer? StatusDisplay { get; init; }
    public JsonPointer? ApprovalId { get; init; }
    public required StatusPattern Approval { get; init; }
    public StatusPattern? Rejection { get; init; }
    public Template? Url { get; init; }
}

/// <summary>
/// Where an answer holds a list: members (e-mail and id) or the values of a variable (label and value).
/// </summary>
internal sealed record ListParser(JsonPointer Items, JsonPointer First, JsonPointer Second);

internal enum Comparison
{
    LessThan,
    LessThanOrEqualTo,
    GreaterThan,
    GreaterThanOrEqualTo,
    EqualTo,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
}

internal sealed record Condition(Comparison Operator, string Value);

/// <summary>A variable that is asked for only when others are so.</summary>
internal sealed record Dependence(
    string VariableKey,
    string VariableLocation,
    bool Shows,
    IReadOnlyList<Condition> Conditions
);

/// <summary>Something a person fills in.</summary>
internal sealed record FormVariable
{
    public required string Key { get; init; }
    public required string Name { get; init; }
    public required string Type { get; init; }
    public string Description { get; init; } = "";
    public string? Placeholder { get; init; }
    public bool IsSecret { get; init; }
    public bool IsHidden { get; init; }
    public bool IsOptional { get; init; }
    public JsonElement? Default { get; init; }
    public IReadOnlyList<string> AllowedValues { get; init; } = [];
    public IReadOnlyList<(string Label, string Value)> Options { get; init; } = [];
    public IReadOnlyList<string> DefaultOptions { get; init; } = [];
    public CallTemplate? DynamicOptions { get; init; }
    public IReadOnlyList<Dependence> DependsOn { get; init; } = [];

    public bool IsBoolean => Type == "boolean";
    public bool IsMultiple => Type is "multiselect" or "environmentSelector";
}
