using Countersign.Policies;

namespace Countersign.Tests;

/// <summary>Of the values that tests take from <c>Support/Some.cs</c>, those that need no store.</summary>
internal static class Some
{
    public static Policy Policy(params Approver[] from) => Policy(new Step("step 1", 1, from));

    public static Policy Policy(params Step[] steps) => new("test", steps);

    public static Step Step(string name, int need, params Approver[] from) => new(name, need, from);
}
