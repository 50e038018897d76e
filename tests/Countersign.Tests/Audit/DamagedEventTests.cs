using Countersign.Audit;
using Countersign.Audit.Receipts;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Audit;

/// <summary><c>audit damaged</c>: sealing goes on past an event, and nothing about it is hidden.</summary>
public sealed class DamagedEventTests
{
    [Theory, BothEngines]
    public async Task Sealing_goes_on_past_a_recorded_event_which_verification_names_for_ever(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var ann = await hub.AddPerson("Ann");
        await recorded.Sealer.SealAll();
        var request = await hub.Ask(ann.AsApprover);
        Assert.IsType<DecideOutcome.Settled>(await hub.Approve(request, ann));
        var damaged = await hub.Place.Number($"SELECT id FROM events WHERE subject = '{request.Id.Subject}' AND n = 1");
        await hub.Place.Tamper($"UPDATE events SET address = '10.9.8.7' WHERE id = {damaged}");

        var stopped = await Assert.ThrowsAsync<InvalidDataException>(() => recorded.Sealer.SealOnce());
        Assert.Contains($"countersign audit damaged {damaged} ", stopped.Message, StringComparison.Ordinal);
        Assert.IsType<RecordDamageOutcome.IsSealed>(await Record(recorded, 1));
        Assert.IsType<RecordDamageOutcome.NotFound>(await Record(recorded, 9999));
        Assert.IsType<RecordDamageOutcome.NotDamaged>(await Record(recorded, damaged + 1));

        // Who has the database alone can't get it sealed.
        await hub.Store.InTransaction(async tx =>
        {
            var e = await tx.First<StoredEvent>(
                $"SELECT {StoredEvent.Columns} FROM events WHERE id = @damaged",
                new { damaged }
            );
            await tx.Append("hub", Some.Origin, DamagedEvent.Kind, DamagedEvent.Of(e!, "forged"));
        });
        await Assert.ThrowsAsync<InvalidDataException>(() => recorded.Sealer.SealOnce());

        // The approval doesn't count any more, and there is no receipt of it.
        var told = Assert.IsType<RecordDamageOutcome.Recorded>(await Record(recorded, damaged));
        Assert.Equal((request.Id, null), (told.Withdrawn?.Id, told.Closed));
        Assert.Equal(Status.Withdrawn, (await hub.Find(request.Id)).Status);
        await recorded.Sealer.SealAll();
        Assert.IsType<ReceiptOutcome.Never>(
            await new MakeReceipt(hub.Store).Run(request.Id, null, Viewer.Hub(Some.Operator))
        );
        var found = await recorded.Check();
        Assert.Equal((false, 0), (found.Ok, found.Unsealed));
        Assert.Contains(found.Problems, p => p.Contains("damaged before it was sealed", StringComparison.Ordinal));
        Assert.Contains(found.Problems, p => p.Contains("it was forged", StringComparison.Ordinal));
        Assert.DoesNotContain(found.Problems, p => p.Contains("tree of epoch", StringComparison.Ordinal));

        // What is changed later is another change.
        await hub.Place.Tamper($"UPDATE events SET address = '10.9.8.8' WHERE id = {damaged}");
        found = await recorded.Check();
        Assert.Contains(found.Problems, p => p.Contains("does not match its hash", StringComparison.Ordinal));
        Assert.DoesNotContain(found.Problems, p => p.Contains("damaged before", StringComparison.Ordinal));
    }

    private static Task<RecordDamageOutcome> Record(RecordedHub recorded, long id) =>
        new RecordDamage(recorded.Hub.Store, recorded.Key).Run(id, "a bad disk", Some.Operator, default);
}
