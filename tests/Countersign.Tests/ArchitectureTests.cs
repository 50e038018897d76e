using Xunit;

namespace Countersign.Tests;

public sealed class ArchitectureTests
{
    [Fact]
    public void The_house_stands() => Assert.NotNull(typeof(Requests.Weigh).Assembly);
}
