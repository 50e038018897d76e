using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

public sealed class InstantTests
{
    [Theory]
    [InlineData("2026-11-20T23:59:59.999Z")]
    [InlineData("2024-02-29T00:00:00.000Z")]
    [InlineData("0001-01-01T00:00:00.000Z")]
    [InlineData("9999-12-31T23:59:59.999Z")]
    public void What_is_read_is_what_was_written(string text) =>
        Assert.Equal(text, Instant.ToText(Instant.Parse(text)));

    [Theory]
    [InlineData("")]
    [InlineData("2026-02-29T00:00:00.000Z")]
    [InlineData("2026-13-01T00:00:00.000Z")]
    [InlineData("2026-00-01T00:00:00.000Z")]
    [InlineData("2026-01-01T24:00:00.000Z")]
    [InlineData("2026-01-01T00:60:00.000Z")]
    [InlineData("2026-01-01T00:00:61.000Z")]
    [InlineData("2026-01-01 00:00:00.000Z")]
    [InlineData("2026-01-01T00:00:00.00xZ")]
    [InlineData("2026-01-01T00:00:00.0000")]
    [InlineData("0000-01-01T00:00:00.000Z")]
    public void What_is_no_time_is_refused(string text) => Assert.Throws<FormatException>(() => Instant.Parse(text));
}
