using Countersign.Audit;
using Countersign.Proof;
using Countersign.SignIn;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Doors;

/// <summary>The signed log as files under <c>/proof</c>.</summary>
public sealed class ProofEndpointTests
{
    [Theory, BothEngines]
    public async Task Admins_and_agents_read_the_signed_log_and_others_only_where_it_is_public(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var admin = await host.Hub.AddPerson("Ada", Countersign.People.Role.Admin);
        using var nobody = host.Nobody();
        using var caller = await host.Person(admin);
        await host.Services.GetRequiredService<Sealer>().SealAll(TestContext.Current.CancellationToken);

        foreach (var path in new[] { "/proof/checkpoint", "/proof/tile/0/000.p/1", "/proof/epochs/1/checkpoint" })
            Assert.Equal(401, (await nobody.Get(path)).Status);
        var checkpoint = await caller.Get("/proof/checkpoint");
        Assert.Equal(200, checkpoint.Status);
        var head = Checkpoint.Parse(SignedNote.Parse(checkpoint.Text, out _)!.Text, out _)!;
        var tile = await caller.Http.GetByteArrayAsync(
            $"/proof/tile/0/000.p/{head.Size}",
            TestContext.Current.CancellationToken
        );
        Assert.Equal(head.Size * MerkleTree.HashSize, tile.Length);
        Assert.Equal(200, (await caller.Get($"/proof/tile/entries/000.p/{head.Size}")).Status);
        Assert.Equal(200, (await caller.Get($"/proof/epochs/1/tile/0/000.p/{head.Size}")).Status);
        foreach (var none in new[] { $"0/000.p/{head.Size + 1}", "0/000", "1/000", "0/00", "9/000", "entries/000" })
            Assert.Equal(404, (await caller.Get($"/proof/tile/{none}")).Status);
        Assert.Equal(404, (await caller.Get("/proof/epochs/2/checkpoint")).Status);
        Assert.Equal(401, (await nobody.Get("/proof/chain")).Status);
        var chain = EpochChain.Parse((await caller.Get("/proof/chain")).Text, out var why);
        Assert.True(chain is not null, why);
        Assert.Equal((head.Origin, 1), (chain.LastOrigin, chain.NumberOf(head.Origin)));

        await using var open = await ApiHost.Start(host.Hub, ("Proof:Public", "true"));
        using var anyone = open.Nobody();
        Assert.Equal(checkpoint.Text, (await anyone.Get("/proof/checkpoint")).Text);
        Assert.Equal(200, (await anyone.Get($"/proof/tile/0/000.p/{head.Size}")).Status);
    }

    [Theory, BothEngines]
    public async Task A_log_that_is_not_signed_is_a_trouble_and_no_reason_to_stop(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        await host.Hub.AddPerson("Ada");
        var sealer = host.Services.GetRequiredService<Sealer>();
        await sealer.SealAll(TestContext.Current.CancellationToken);
        await host.Hub.AddPerson("Ben");
        File.Delete(host.Hub.Place.SignedFile);
        await sealer.SealAll(TestContext.Current.CancellationToken);

        using var nobody = host.Nobody();
        var ready = await nobody.Get("/health/ready");
        Assert.Equal((200, "degraded"), (ready.Status, ready["status"]));
        Assert.Contains("The log isn't signed", ready.Text, StringComparison.Ordinal);
    }
}
