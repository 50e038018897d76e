using Countersign.Gates;
using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.HubAsCode;

/// <summary>What a hub has now, as far as a file can say it.</summary>
internal sealed record HubState(
    PeopleSnapshot Directory,
    RequestTypeList RequestTypes,
    IReadOnlyList<ConnectionView> Connections,
    IReadOnlyDictionary<long, GateView> Gates,
    IReadOnlyList<string> Destinations,
    string? PolicyText
)
{
    public const string BuiltIn = "built-in";

    private const int MaxTries = 5;

    public HubRevision Revision => new(Directory.Revision, RequestTypes.Version);

    public SourceReviewers ReviewersOf(Source source) =>
        new(
            source.GroupId is { } group ? Directory.Groups[group].Name : null,
            source.Need,
            source.Destination,
            source is { GroupId: null, Destination: null }
        );

    public string? OwnerOf(Source source) => source.OwnerId is { } owner ? Directory.People[owner].Email : null;

    public ConnectionView? ConnectionOf(long source) => Connections.FirstOrDefault(c => c.SourceId == source);

    /// <summary>Read piece by piece, and again where something changed meanwhile.</summary>
    public static async Task<HubState> Load(
        Store store,
        PeopleDirectory directory,
        RequestTypes types,
        Connections connections,
        GateSources gates,
        PolicyFiles policies,
        CancellationToken cancel
    )
    {
        for (var tries = 1; ; tries++)
        {
            var people = await directory.Refresh(cancel);
            var state = new HubState(
                people,
                await types.Find(cancel),
                await connections.All(cancel),
                await GatesOf(people, gates, cancel),
                (await store.Read(r => r.All<DestinationName>("SELECT name FROM destinations"), cancel)).ConvertAll(d =>
                    d.Name
                ),
                (await policies.Find(null, cancel))?.Text
            );
            if (await store.Read(RevisionNow, cancel) == state.Revision)
                return state;
            if (tries == MaxTries)
                throw new StoreUnavailable("The hub is being changed right now. Try again.");
        }
    }

    /// <summary>Those that are set up, by the id of their source.</summary>
    private static async Task<Dictionary<long, GateView>> GatesOf(
        PeopleSnapshot people,
        GateSources gates,
        CancellationToken cancel
    )
    {
        var found = new Dictionary<long, GateView>();
        foreach (var source in people.Sources.Values.Where(s => gates.Knows(s.Kind)))
        {
            if (await gates.Open(source.Id, cancel) is not null)
                found[source.Id] = (await gates.Find(source.Id, source.Kind, cancel))!;
        }
        return found;
    }

    public static ValueTask<HubRevision> RevisionNow(Reader reader) => RevisionNow(reader, "");

    /// <summary>Changes to people, groups, sources and policies wait until this transaction ends.</summary>
    public static ValueTask<HubRevision> LockRevision(Tx tx) => RevisionNow(tx, tx.ForUpdate);

    private static async ValueTask<HubRevision> RevisionNow(Reader reader, string locks) =>
        new(
            await reader.Number(
                $"SELECT revision FROM signals WHERE name = @name{locks}",
                new { name = PeopleDirectory.Signal }
            ),
            await reader.Number("SELECT max(version) FROM request_types")
        );

    private sealed class DestinationName
    {
        public required string Name { get; init; }
    }
}
