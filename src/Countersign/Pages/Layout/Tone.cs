namespace Countersign.Pages.Layout;

/// <summary>
/// What a badge or a notice is about; its name in lower case is the class. Override is for what an admin did past a
/// policy, and for nothing else.
/// </summary>
public enum Tone
{
    Neutral,
    Success,
    Danger,
    Warning,
    Override,
}
