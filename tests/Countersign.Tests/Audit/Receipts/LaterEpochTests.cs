using Countersign.Audit;
using Countersign.Audit.Receipts;
using Countersign.People;
using Countersign.Proof;
using Countersign.Requests;
using Countersign.SignIn;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Audit.Receipts;

public sealed class LaterEpochTests
{
    [Theory, BothEngines]
    public async Task Trap_39_a_receipt_made_after_the_root_key_was_replaced_is_valid_with_the_first_key(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var ann = await hub.AddPerson("Ann");
        await Approved(hub, ann);
        await recorded.Sealer.SealAll();
        var first = await Receipt(hub);
        Assert.Null(first.Epochs);
        var trust = TrustPolicy.Of(await KeyOf(hub));

        var current = RootKey.Load(recorded.RootKeyFile, mayCreate: false);
        var place = Sealers.PlaceOf(recorded.RootKeyFile);
        var rotated = await new RotateRootKey(hub.Store, place, hub.Clock, NullLoggerFactory.Instance).Run(
            current,
            recorded.RootKeyFile,
            Some.Operator,
            TestContext.Current.CancellationToken
        );
        Assert.IsType<RotateRootKeyOutcome.Done>(rotated);
        await Approved(hub, ann);
        // With it the hub is verified at its end.
        hub.SealKey = new SealKey(RootKey.Load(recorded.RootKeyFile, mayCreate: false));
        using var sealer = Sealers.Of(hub.Store, recorded.RootKeyFile, hub.SealKey, hub.Clock);
        await sealer.SealAll();

        var later = await Receipt(hub);
        var report = SomeReceipt.Check(later, trust, hub.Clock.Now);
        Assert.Equal((null, "valid", "hub.example.test/1"), (report.Problem, report.Verdict, report.AnnouncedBy));
        Assert.StartsWith("hub.example.test/2-", report.Origin, StringComparison.Ordinal);
        Assert.Equal("valid", SomeReceipt.Check(later, TrustPolicy.Of(await KeyOf(hub)), hub.Clock.Now).Verdict);
        Assert.Equal("undecided", SomeReceipt.Check(later with { Epochs = null }, trust, hub.Clock.Now).Verdict);
        Assert.Equal("valid", SomeReceipt.Check(first, trust, hub.Clock.Now).Verdict);
    }

    private ApprovalRequest? _last;

    private async Task Approved(TestHub hub, Person ann)
    {
        _last = await hub.Ask(ann.AsApprover);
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(_last, ann));
    }

    private async Task<ReceiptFile> Receipt(TestHub hub) =>
        Assert
            .IsType<ReceiptOutcome.Made>(
                await new MakeReceipt(hub.Store).Run(_last!.Id, null, Viewer.Hub(Some.Operator))
            )
            .Receipt;

    private static async Task<NoteKey> KeyOf(TestHub hub)
    {
        Assert.True(NoteKey.TryParse((await hub.Store.Read(Epoch.Newest))!.Vkey, out var key, out _));
        return key;
    }
}
