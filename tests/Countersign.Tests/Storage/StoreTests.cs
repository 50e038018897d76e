using Xunit;

namespace Countersign.Tests;

public sealed class StoreTests
{
    [Theory, BothEngines]
    public async Task What_a_transaction_returned_from_is_there_for_everyone(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await test.Store.InTransaction(async tx => { await tx.Execute("INSERT INTO hub (name, value) VALUES ('colour', 'blue')"); });
        var another = await test.OpenAnother();
        Assert.Equal("blue", await another.Read(r => r.Text("SELECT value FROM hub WHERE name = 'colour'")));
    }
}
