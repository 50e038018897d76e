namespace Countersign.Requests;

/// <summary>What can be filled into a field.</summary>
public enum RequestFieldKind
{
    Text,
    Number,
    Choice,
    YesNo,
    Link,
}

/// <summary>One field of a request type: a fact that people fill in, and that policies can match.</summary>
/// <param name="Name">The fact's name.</param>
/// <param name="Label">What people read beside the field.</param>
public sealed record RequestTypeField(string Name, string Label, RequestFieldKind Kind)
{
    /// <summary>What can be chosen; empty for other kinds.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];
    public bool Required { get; init; }
    public string Help { get; init; } = "";
}

/// <summary>What people can request on <c>/new</c>: a name, and what they are asked.</summary>
/// <param name="Name">Chosen from a list, and the value of the fact <see cref="RequestTypes.TypeFact"/>.</param>
public sealed record RequestType(string Name)
{
    public string Description { get; init; } = "";

    /// <summary>The reviewers that the form proposes: a group's name or a person's email, or neither.</summary>
    public string? ReviewerGroup { get; init; }
    public string? ReviewerPerson { get; init; }
    public IReadOnlyList<RequestTypeField> Fields { get; init; } = [];

    public RequestTypeField? Field(string name) =>
        Fields.FirstOrDefault(f => string.Equals(f.Name, name, StringComparison.OrdinalIgnoreCase));
}

/// <summary>The types of a hub; version 0 is a hub that has never had any.</summary>
public sealed record RequestTypeList(long Version, IReadOnlyList<RequestType> Types)
{
    public static readonly RequestTypeList None = new(0, []);

    public RequestType? Find(string name) => Types.FirstOrDefault(t => Same(t.Name, name));

    /// <summary>The list with another in its place, or at the end if the list has no type of this name.</summary>
    public IReadOnlyList<RequestType> With(string? replaced, RequestType type) =>
        replaced is not null && Find(replaced) is not null
            ? [.. Types.Select(t => Same(t.Name, replaced) ? type : t)]
            : [.. Types, type];

    public IReadOnlyList<RequestType> Without(string name) => [.. Types.Where(t => !Same(t.Name, name))];

    internal static bool Same(string one, string other) =>
        string.Equals(one.Trim(), other.Trim(), StringComparison.OrdinalIgnoreCase);
}
