using System.Globalization;
using System.Text.RegularExpressions;
using Countersign.Tests.Audit;
using Countersign.Tests.Audit.Receipts;
using Countersign.Tests.Cli;
using Countersign.Tests.Doors.Api;
using Countersign.Tests.Witnessing;
using Xunit;

namespace Countersign.Tests.Proof;

/// <summary>The known mistakes of signed logs, 1 to 40, each have a test with the number in its name.</summary>
public sealed partial class TrapTests
{
    private const int Traps = 40;

    /// <summary>Doors and gates number what they guard against in lists of their own.</summary>
    private static readonly Type[] Classes =
    [
        typeof(MerkleTreeTests),
        typeof(NoteTests),
        typeof(LogTreeTests),
        typeof(EventLeafTests),
        typeof(EraseTests),
        typeof(ReceiptCheckTests),
        typeof(OtherVerifiersTests),
        typeof(ReceiptApiTests),
        typeof(ReceiptVerbTests),
        typeof(ProofVerbTests),
        typeof(AskWitnessTests),
        typeof(CosignTests),
    ];

    [Fact]
    public void Every_trap_has_a_test_with_its_number()
    {
        var named = Classes
            .SelectMany(type => type.GetMethods())
            .SelectMany(method => Numbers().Match(method.Name).Groups["number"].Captures)
            .Select(number => int.Parse(number.Value, CultureInfo.InvariantCulture));
        Assert.Empty(Enumerable.Range(1, Traps).Except(named));
    }

    [GeneratedRegex(
        "(^|_)Traps?_((and_)?(?<number>[0-9]+)_)+",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Numbers();
}
