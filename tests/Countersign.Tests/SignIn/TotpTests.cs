using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests;

/// <summary>Codes of authenticator apps.</summary>
public sealed class TotpTests
{
    /// <summary>The key of RFC 6238's examples, in base32.</summary>
    private const string Key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    [Theory]
    [InlineData(59, "287082")]
    [InlineData(1111111109, "081804")]
    [InlineData(1111111111, "050471")]
    [InlineData(1234567890, "005924")]
    [InlineData(2000000000, "279037")]
    [InlineData(20000000000, "353130")]
    public void Codes_are_those_of_the_standard(long seconds, string code) =>
        Assert.Equal(code, Totp.CodeAt(Key, Totp.StepAt(DateTimeOffset.FromUnixTimeSeconds(seconds))));

    [Fact]
    public void A_code_is_taken_one_step_early_or_late_and_no_more()
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(2000000000);
        var step = Totp.StepAt(now);
        for (var off = -1; off <= 1; off++)
            Assert.Equal(step + off, Totp.StepOf(Key, Totp.CodeAt(Key, step + off), now));
        foreach (var off in new[] { -2, 2 })
            Assert.Null(Totp.StepOf(Key, Totp.CodeAt(Key, step + off), now));
        foreach (var other in new[] { "", "27903", "2790377", "27903a", "٢٧٩٠٣٧" })
            Assert.Null(Totp.StepOf(Key, other, now));
    }

    [Fact]
    public void Keys_differ_and_are_160_bits_in_base32()
    {
        var keys = Enumerable.Range(0, 100).Select(_ => Totp.NewKey()).ToList();
        Assert.Equal(100, keys.Distinct(StringComparer.Ordinal).Count());
        Assert.All(keys, key => Assert.Matches("^[A-Z2-7]{32}$", key));
        Assert.Equal(
            "otpauth://totp/Countersign:ann%2Bx%40example.test?secret=ABC&issuer=Countersign",
            Totp.Uri("ABC", "Countersign", "ann+x@example.test")
        );
    }
}
