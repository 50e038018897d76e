using Countersign.Bench.Rows;
using Countersign.Bench.Servers;
using Countersign.Bench.Stock;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Bench;

/// <summary>All rows in the order of the design's table, then the table itself.</summary>
internal static class Session
{
    public static async Task<int> Run(Options options)
    {
        var product = new Product(options.Product);
        var report = new Report();
        var writes = new CreateAndDecide(options, product, report);
        if (options.Wants("poll"))
            await new LaunchDarklyPoll(options, product, report).Run();
        if (options.Wants("launchdarkly"))
            await writes.CreateThroughLaunchDarkly();
        if (options.Wants("create"))
            await writes.Create();
        if (options.Wants("decide"))
            await writes.Decide();
        if (options.Wants("zendesk"))
            await new Zendesk(options, product, report).Create();
        if (options.Wants("gates"))
            await new Rows.Gates(options, product, report).Run();
        if (options.Wants("lists"))
            await new Lists(options, product, report).Run();
        if (options.Wants("pages"))
            await new Rows.Pages(options, product, report).Run();
        if (options.Wants("nodes"))
            await new TwoNodes(options, product, report).Run();
        if (options.Wants("destinations"))
            await new Rows.Destinations(options, report).Run();
        if (options.Wants("outcomes"))
            await new Rows.Outcomes(options, report).Run();
        if (options.Wants("size"))
            await new StoreSize(options, product, report).Run();
        if (options.Wants("start"))
            await new Start(options, product, report).Run();
        if (options.Wants("policies"))
            await new PolicyRows(options, product, report).Run();
        if (options.Wants("proof"))
            await new ProofRows(options, report).Run();
        Console.Write(report.Table());
        return options.Strict && !report.AllHold ? 1 : 0;
    }

    public static string Fresh(Options options, string name)
    {
        Report.Say($"{name} …");
        return Fresh(Path.Combine(options.Folder, name));
    }

    public static string Fresh(string folder)
    {
        if (System.IO.Directory.Exists(folder))
            System.IO.Directory.Delete(folder, recursive: true);
        System.IO.Directory.CreateDirectory(folder);
        return folder;
    }

    public static Task<Store> OpenStore(string folder, string? database = null, TimeProvider? clock = null)
    {
        // First the key, as the product does it: it makes none for a store that is already there.
        if (database is null)
            RootKey.Load(Path.Combine(folder, "root.key"), mayCreate: true);
#pragma warning disable RS0030 // The bench is a program of its own, and this is where its clock comes in.
        return Store.Open(new StoreOptions(folder, database), clock ?? TimeProvider.System);
#pragma warning restore RS0030
    }

    public static async Task<Town> NewTown(string folder)
    {
        await using var store = await OpenStore(folder);
        return await Town.Found(store);
    }
}
