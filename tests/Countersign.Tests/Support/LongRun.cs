namespace Countersign.Tests;

/// <summary>Loops take their full length only when <c>./test.sh --long</c> asks for it.</summary>
public static class LongRun
{
    public static bool IsAskedFor { get; } = Environment.GetEnvironmentVariable("TEST_LONG") == "1";
}
