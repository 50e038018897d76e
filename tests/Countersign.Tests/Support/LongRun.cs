using Xunit;

namespace Countersign.Tests;

/// <summary>Loops take their full length only when <c>./test.sh --long</c> asks for it.</summary>
public static class LongRun
{
    public static bool IsAskedFor { get; } = Environment.GetEnvironmentVariable("TEST_LONG") == "1";

    /// <summary>For what takes long and is one text for both engines.</summary>
    public static void SkipPostgres(Engine engine) =>
        Assert.SkipUnless(
            engine == Engine.Sqlite || IsAskedFor,
            "It takes long and is one text for both engines: on PostgreSQL in ./test.sh --long."
        );
}
