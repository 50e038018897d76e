namespace Countersign.Pages.Layout;

/// <summary>A form that waits for its author to press the button again.</summary>
/// <param name="Path">Where it is posted.</param>
/// <param name="Action">What the button was for.</param>
/// <param name="Discard">Where the author gets without sending it.</param>
/// <param name="Fields">A field with a label is shown; the others go along.</param>
public sealed record PendingFormModel(
    string Path,
    string? Action,
    string Discard,
    IReadOnlyList<(string Name, string Value, string? Label)> Fields
);
