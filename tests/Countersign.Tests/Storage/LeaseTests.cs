using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

public sealed class LeaseTests
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(10);

    [Theory, BothEngines]
    public async Task Of_many_nodes_one_holds_a_lease_and_keeps_it_by_renewing(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var leases = await Nodes(test, 5);
        var winner = Assert.Single(await Race(leases));
        for (var i = 0; i < 3; i++)
        {
            test.Clock.Advance(Length - TimeSpan.FromSeconds(1));
            Assert.True(await winner.TryHold(default));
            Assert.Same(winner, Assert.Single(await Race(leases)));
        }
    }

    [Theory, BothEngines]
    public async Task A_dead_nodes_lease_is_taken_over_by_one_once_it_has_ended(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var leases = await Nodes(test, 5);
        var dead = Assert.Single(await Race(leases));
        var others = leases.Where(l => l != dead).ToList();
        test.Clock.Advance(Length);
        Assert.Empty(await Race(others));
        test.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Single(await Race(others));
        // Had it only been slow, it would find its lease gone.
        Assert.False(await dead.TryHold(default));
    }

    [Theory, BothEngines]
    public async Task A_lease_given_back_is_free_at_once_and_only_its_holder_can_give_it_back(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var leases = await Nodes(test, 2);
        Assert.True(await leases[0].TryHold(default));
        await leases[1].Release();
        Assert.False(await leases[1].TryHold(default));
        await leases[0].Release();
        Assert.True(await leases[1].TryHold(default));
    }

    [Theory, BothEngines]
    public async Task Leases_of_different_names_know_nothing_of_one_another(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        Assert.True(await new Lease(test.Store, "sealer", "node 1", Length).TryHold(default));
        Assert.True(await new Lease(test.Store, "worker", "node 2", Length).TryHold(default));
        Assert.False(await new Lease(test.Store, "sealer", "node 2", Length).TryHold(default));
    }

    [Theory, BothEngines]
    public async Task A_clock_that_goes_back_gives_a_lease_to_nobody_else(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var leases = await Nodes(test, 2);
        Assert.True(await leases[0].TryHold(default));
        test.Clock.Advance(TimeSpan.FromHours(-1));
        Assert.False(await leases[1].TryHold(default));
        Assert.True(await leases[0].TryHold(default));
    }

    private static async Task<List<Lease>> Nodes(TestStore test, int count)
    {
        var leases = new List<Lease>();
        for (var i = 0; i < count; i++)
            leases.Add(new Lease(await test.OpenAnother(), "work", $"node {i}", Length));
        return leases;
    }

    /// <summary>All at once; who holds it afterwards.</summary>
    private static async Task<List<Lease>> Race(List<Lease> leases)
    {
        var held = await Task.WhenAll(leases.Select(lease => Task.Run(() => lease.TryHold(default))));
        return [.. leases.Where((_, i) => held[i])];
    }
}
