using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Requests;

/// <summary>
/// What a request would change, as the source itself describes it in data and not in prose: one entry an instruction,
/// in their order, none left out. Pages, mail and chat say it in words.
/// </summary>
/// <param name="Digest">SHA-256 of the instructions that these changes were read from.</param>
public sealed record DescribedChanges(IReadOnlyList<DescribedChange> Changes, string Digest)
{
    private static readonly JsonSerializerOptions Form = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    };

    /// <summary>Whether every change is understood. No change at all is nothing to understand.</summary>
    [JsonIgnore]
    public bool IsUnderstood => Changes.Count > 0 && Changes.All(change => change.IsUnderstood);

    /// <summary>How many individual targets are added or removed.</summary>
    [JsonIgnore]
    public long TargetCount => Changes.Sum(change => (long)(change.Targets?.Count ?? 0));

    /// <summary>What policies may look at, as a JSON object of facts.</summary>
    public string FactsText() =>
        JsonSerializer.Serialize(
            new Dictionary<string, object>
            {
                ["change.understood"] = IsUnderstood,
                ["change.kind"] = Changes.Select(change => change.Kind).Distinct(StringComparer.Ordinal),
                ["change.targets"] = TargetCount,
                ["change.percentage"] = Changes
                    .SelectMany(change => change.Percentages)
                    .Distinct()
                    .Select(share => share / 1_000m),
            },
            Form
        );

    /// <summary>The form in which it is kept.</summary>
    public string ToText() => JsonSerializer.Serialize(this, Form);

    /// <summary>Reads what <see cref="ToText"/> wrote; anything else throws <see cref="JsonException"/>.</summary>
    public static DescribedChanges Read(string text) =>
        JsonSerializer.Deserialize<DescribedChanges>(text, Form) is { Changes: not null, Digest: not null } changes
            ? changes
            : throw new JsonException("These are no described changes.");

    public bool Equals(DescribedChanges? other) => other is not null && other.ToText() == ToText();

    public override int GetHashCode() => Digest.GetHashCode(StringComparison.Ordinal);
}

/// <summary>One instruction, read into what people need to judge it.</summary>
/// <param name="Kind">As the source calls it, such as <c>turnFlagOn</c>; empty where it doesn't say.</param>
public sealed record DescribedChange(string Kind)
{
    /// <summary>Of more targets than this only the number is kept beside the first ones.</summary>
    public const int MaxListed = 100;

    /// <summary>
    /// False where the kind isn't known, or something that it names isn't found. It is shown as it came, and policies
    /// treat it as any change.
    /// </summary>
    public bool IsUnderstood { get; init; } = true;

    /// <summary>The instruction as JSON, where it is not understood.</summary>
    public string? Raw { get; init; }

    /// <summary>The targeting rule that it is about.</summary>
    public RuleName? Rule { get; init; }

    /// <summary>The name of what else it is about: a variation, a flag that is a prerequisite, a tag.</summary>
    public string? Name { get; init; }

    /// <summary>What it is now; null where there is nothing, or it isn't known.</summary>
    public ChangeValue? Before { get; init; }

    /// <summary>What it would be; null where nothing remains.</summary>
    public ChangeValue? After { get; init; }

    /// <summary>The individual targets that it adds or removes.</summary>
    public ChangeTargets? Targets { get; init; }

    /// <summary>
    /// The shares that variations rise to, in thousandths of a percent: 100,000 is everyone. What falls is not here.
    /// </summary>
    public IReadOnlyList<int> Percentages { get; init; } = [];

    /// <summary>It applies in every environment, not only in the request's.</summary>
    public bool IsEverywhere { get; init; }

    /// <summary>What it asks for is so already.</summary>
    public bool IsWithoutEffect { get; init; }

    public bool Equals(DescribedChange? other) => other is not null && ToJson(other) == ToJson(this);

    public override int GetHashCode() => Kind.GetHashCode(StringComparison.Ordinal);

    private static string ToJson(DescribedChange change) => JsonSerializer.Serialize(change);
}

/// <summary>A targeting rule by its place, which decides: the first that matches applies.</summary>
/// <param name="Position">From 1; 0 where it isn't known.</param>
/// <param name="Description">Empty where it has none.</param>
public sealed record RuleName(int Position, string Description);

/// <summary>Individual targets: how many, and the first of them.</summary>
/// <param name="ContextKind">Such as <c>user</c>.</param>
public sealed record ChangeTargets(int Count, IReadOnlyList<string> First, string ContextKind);

/// <summary>What something is before or after a change.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "is")]
[JsonDerivedType(typeof(Toggle), "toggle")]
[JsonDerivedType(typeof(Variation), "variation")]
[JsonDerivedType(typeof(Rollout), "rollout")]
[JsonDerivedType(typeof(Number), "number")]
[JsonDerivedType(typeof(Text), "text")]
[JsonDerivedType(typeof(Moment), "moment")]
[JsonDerivedType(typeof(Conditions), "conditions")]
[JsonDerivedType(typeof(TargetingRule), "rule")]
[JsonDerivedType(typeof(RuleOrder), "order")]
public abstract record ChangeValue
{
    private ChangeValue() { }

    /// <summary>On or off.</summary>
    /// <param name="Serves">What those get whom no rule or target matches; null where that isn't known.</param>
    public sealed record Toggle(bool On, ChangeValue? Serves = null) : ChangeValue;

    /// <summary>One variation for everyone.</summary>
    /// <param name="Name">Its name; its value where it has none.</param>
    /// <param name="Value">The value beside the name, as JSON and perhaps cut.</param>
    public sealed record Variation(string Name, string? Value = null) : ChangeValue;

    /// <summary>Several variations by share.</summary>
    /// <param name="By">The attribute that decides who gets which; empty for the key.</param>
    public sealed record Rollout(IReadOnlyList<VariationShare> Shares, string ContextKind = "", string By = "")
        : ChangeValue
    {
        public bool Equals(Rollout? other) =>
            other is not null
            && Shares.SequenceEqual(other.Shares)
            && ContextKind == other.ContextKind
            && By == other.By;

        public override int GetHashCode() => Shares.Count;
    }

    public sealed record Number(long Value) : ChangeValue;

    /// <summary>A name, a description, a value as JSON.</summary>
    public sealed record Text(string Value) : ChangeValue;

    public sealed record Moment(DateTimeOffset At) : ChangeValue;

    /// <summary>All of these must hold.</summary>
    public sealed record Conditions(IReadOnlyList<ChangeCondition> All) : ChangeValue
    {
        public bool Equals(Conditions? other) => other is not null && All.SequenceEqual(other.All);

        public override int GetHashCode() => All.Count;
    }

    /// <summary>A whole targeting rule: whom it matches and what they get.</summary>
    /// <param name="Serves">Null where the rule serves nothing, as a segment's.</param>
    public sealed record TargetingRule(RuleName Rule, IReadOnlyList<ChangeCondition> All, ChangeValue? Serves)
        : ChangeValue
    {
        public bool Equals(TargetingRule? other) =>
            other is not null && Rule == other.Rule && All.SequenceEqual(other.All) && Equals(Serves, other.Serves);

        public override int GetHashCode() => Rule.GetHashCode();
    }

    /// <summary>The rules in the order in which they are tried.</summary>
    public sealed record RuleOrder(IReadOnlyList<RuleName> Rules) : ChangeValue
    {
        public bool Equals(RuleOrder? other) => other is not null && Rules.SequenceEqual(other.Rules);

        public override int GetHashCode() => Rules.Count;
    }
}

/// <param name="Weight">In thousandths of a percent, as it came: nothing is rounded.</param>
public sealed record VariationShare(string Name, int Weight);

/// <summary>One condition of a rule.</summary>
/// <param name="Operator">As the source calls it, such as <c>in</c>, <c>startsWith</c>, <c>segmentMatch</c>.</param>
/// <param name="Values">The first values; segments by name.</param>
/// <param name="Count">How many values there are.</param>
public sealed record ChangeCondition(
    string ContextKind,
    string Attribute,
    string Operator,
    bool IsNegated,
    IReadOnlyList<string> Values,
    int Count
)
{
    public bool Equals(ChangeCondition? other) =>
        other is not null
        && (ContextKind, Attribute, Operator, IsNegated, Count)
            == (other.ContextKind, other.Attribute, other.Operator, other.IsNegated, other.Count)
        && Values.SequenceEqual(other.Values, StringComparer.Ordinal);

    public override int GetHashCode() => HashCode.Combine(Attribute, Operator, Count);
}
