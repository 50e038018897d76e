using System.Security.Cryptography;
using System.Text;
using Countersign.Proof;
using Xunit;

namespace Countersign.Tests.Proof;

public sealed class TrustPolicyTests
{
    private static readonly string Log = Signer("log.example", NoteKeyType.Ed25519);
    private static readonly string[] Keys =
    [
        .. "ABCDE".Select(name => Signer($"{name}.example", NoteKeyType.Cosignature)),
    ];

    private static readonly string Witnesses = string.Concat(
        "ABCDE".Select((name, i) => $"witness {name} {Keys[i]}\n")
    );

    [Fact]
    public void Groups_of_witnesses_make_a_quorum()
    {
        var policy = Parse(
            $"""
            # Two of the first three, and one of the others.
            log {Log} https://log.example/
              {Witnesses.Replace("\n", "\n\t")}
            group first 2 A B C
            group second any D E
            group all all first second
            quorum all

            """
        );
        Assert.Equal(5, policy.Witnesses.Count);
        Assert.True(policy.IsReachedBy(new HashSet<string> { "A", "C", "E" }));
        Assert.False(policy.IsReachedBy(new HashSet<string> { "A", "E", "D" }));
        Assert.False(policy.IsReachedBy(new HashSet<string> { "A", "B", "C" }));
        Assert.True(Parse($"log {Log}\nquorum none").IsReachedBy(new HashSet<string>()));
    }

    [Fact]
    public void A_policy_that_means_nothing_is_refused_with_the_line()
    {
        foreach (
            var wrong in new[]
            {
                "",
                $"log {Log}\n",
                $"log {Log}\nquorum X\n",
                $"quorum A\n{Witnesses}",
                $"{Witnesses}quorum A\nquorum B\n",
                $"{Witnesses}{Witnesses}quorum A\n",
                $"witness none {Keys[0]}\nquorum none\n",
                $"{Witnesses}group g 3 A B\nquorum g\n",
                $"{Witnesses}group g 0 A B\nquorum g\n",
                $"{Witnesses}group g 01 A B\nquorum g\n",
                $"{Witnesses}group g any A A\nquorum g\n",
                $"{Witnesses}group g any A none\nquorum g\n",
                $"{Witnesses}group g any\nquorum g\n",
                $"{Witnesses}group g any A\ngroup h any A\nquorum h\n",
                $"{Witnesses}group g any h\ngroup h any A\nquorum g\n",
                $"log {Log}\nlog {Log}\nquorum none\n",
                $"log {Keys[0]}\nquorum none\n",
                $"witness A {Log}\nquorum A\n",
                $"log {Log}\r\nquorum none\r\n",
                $"\uFEFFlog {Log}\nquorum none\n",
                $"logs {Log}\nquorum none\n",
                $"log {Log} a b\nquorum none\n",
            }
        )
        {
            Assert.True(TrustPolicy.Parse(wrong, out var why) is null, wrong);
            Assert.NotEqual("", why);
        }
        TrustPolicy.Parse($"log {Log}\n\nquorum X\n", out var named);
        Assert.StartsWith("Line 3:", named, StringComparison.Ordinal);
    }

    private static TrustPolicy Parse(string text)
    {
        var policy = TrustPolicy.Parse(text, out var why);
        Assert.True(policy is not null, why);
        return policy;
    }

    private static string Signer(string name, NoteKeyType type) =>
        new NoteSigner(name, type, SHA256.HashData(Encoding.UTF8.GetBytes(name))).Key.ToString();
}
