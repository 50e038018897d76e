namespace Countersign.Requests;

/// <summary>How long texts may be, through whichever door they come.</summary>
public static class RequestLimits
{
    public const int MaxTitle = 1_000;
    public const int MaxDescription = 100_000;
    public const int MaxComment = 5_000;
    public const int MaxFacts = 100;
    public const int MaxFactName = 100;
    public const int MaxFactValue = 5_000;
}
