using Countersign.Audit;
using Countersign.Outcomes;
using Countersign.Proof;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Audit;
using Countersign.Witnessing;
using Countersign.Work;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Witnessing;

/// <summary>A hub whose log is sealed, and its witnesses asked, when a test says so.</summary>
internal sealed class WitnessedHub : IAsyncDisposable
{
    private readonly RecordedHub _recorded;
    private readonly TestStore _place;
    private readonly bool _isCopy;
    private readonly string _signedFile;

    private WitnessedHub(
        RecordedHub recorded,
        Store store,
        string signedFile,
        bool isCopy,
        string address = "hub.example.test",
        params WitnessAddress[] witnesses
    )
    {
        (_recorded, _place, Store, _signedFile, _isCopy) = (recorded, recorded.Hub.Place, store, signedFile, isCopy);
        Tree = Sealers.Tree(
            store,
            recorded.RootKeyFile,
            recorded.Key,
            new SigningPlace(signedFile, null, address),
            new KnownToWitnesses(
                store,
                new ProofOptions { Witnesses = witnesses },
                Egress,
                NullLogger<KnownToWitnesses>.Instance
            )
        );
        Sealer = new Sealer(store, recorded.Key, Tree, Clock, NullLogger<Sealer>.Instance);
    }

    public Store Store { get; }
    public LogTree Tree { get; }
    public Sealer Sealer { get; }
    public TestHub Hub => _recorded.Hub;
    public TestClock Clock => _place.Clock;
    public ProofOf Proofs => new(Store);

    /// <summary>Calls loopback only where a test says so.</summary>
    public Egress Egress { get; set; } = NewEgress();

    /// <summary>With one event in its log, so that the log has a key.</summary>
    public static async Task<WitnessedHub> Start(Engine engine)
    {
        var recorded = await RecordedHub.Start(engine);
        var hub = new WitnessedHub(recorded, recorded.Hub.Store, recorded.RootKeyFile + ".signed", isCopy: false);
        await hub.Grow("First");
        return hub;
    }

    /// <summary>The same hub a second time, with its key and all that lies outside the store.</summary>
    /// <param name="witnesses">Whom it asks before its first signature.</param>
    public async Task<WitnessedHub> Copy(string address = "hub.example.test", params WitnessAddress[] witnesses)
    {
        var options = new StoreOptions(System.IO.Directory.CreateTempSubdirectory("countersign-copy-").FullName, null);
        await Store.CopyTo(options.SqliteFile, default);
        var signed = Path.Combine(options.DataFolder, "signed");
        File.Copy(_signedFile, signed);
        var store = await Store.Open(options, Clock);
        return new WitnessedHub(_recorded, store, signed, isCopy: true, address, witnesses);
    }

    public static Egress NewEgress(TimeSpan? patience = null) =>
        new(
            new EgressOptions
            {
                Allow = [EgressAllowance.Parse("127.0.0.1/32")!],
                Patience = patience ?? TimeSpan.FromSeconds(30),
            }
        );

    public LogTree TreeAt(SigningPlace place) => Sealers.Tree(Store, _recorded.RootKeyFile, _recorded.Key, place);

    public async Task<Epoch> Epoch() => (await Store.Read(reader => Countersign.Audit.Epoch.Newest(reader)))!;

    /// <summary>One more event, sealed and signed, if nothing is in the way of signing.</summary>
    public async Task<long> Grow(string name)
    {
        var people = new Countersign.People.Accounts(Store, new Countersign.Requests.ReweighRequests(Store));
        Some.Done(
            await people.Add(Some.Email(name), name, Countersign.People.Role.EndUser, null, Some.Operator, default)
        );
        await Sealer.SealAll();
        return await Store.Read(EventLog.End);
    }

    /// <summary>Runs the job that asks a witness, and says when it is due again.</summary>
    public async Task<TimeSpan> Ask(WitnessAddress witness, LogTree? tree = null)
    {
        var handler = Handler(tree, witness);
        var job = new Job
        {
            Kind = handler.Kind,
            Key = witness.Id,
            Subject = JobToAdd.OfHub,
            DueAt = "",
            CreatedAt = "",
        };
        var result = Assert.IsType<JobResult.Again>(await handler.Run(job, default));
        Assert.Null(result.Why);
        if (result.Write is { } write)
            await Store.InTransaction(write);
        return result.At - Store.Now;
    }

    public AskWitness Handler(LogTree? tree, params WitnessAddress[] witnesses) =>
        new(Store, new ProofOptions { Witnesses = witnesses }, tree ?? Tree, Egress, NullLogger<AskWitness>.Instance);

    public async Task<WitnessRow?> Row(WitnessAddress witness) =>
        await Store.Read(reader => WitnessRow.Find(reader, witness.Id));

    public async Task<ProofOutcome.Sealed> ProofOf(long id) =>
        Assert.IsType<ProofOutcome.Sealed>(await Proofs.Event(id));

    public async Task<bool> IsSigned() => (await Store.Read(reader => TreeHead.Newest(reader, 1)))?.Note is not null;

    public async ValueTask DisposeAsync()
    {
        Sealer.Dispose();
        Egress.Dispose();
        if (!_isCopy)
        {
            await _recorded.DisposeAsync();
            return;
        }
        await Store.DisposeAsync();
        System.IO.Directory.Delete(Path.GetDirectoryName(_signedFile)!, recursive: true);
    }
}
