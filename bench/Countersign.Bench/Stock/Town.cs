using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Bench.Stock;

/// <summary>
/// The people, groups and sources of a measured hub, made through the use cases that an administrator's verbs use.
/// Person n is in the groups n to n + 4, so that everybody's inbox has several parts.
/// </summary>
internal sealed class Town
{
    public const int People = 200,
        Groups = 200,
        Sources = 20;
    private const int GroupsPerPerson = 5;

    private static readonly string Message = new('m', 300);
    private static readonly Origin By = new(Actor.Operator, "bench", "");

    public required IReadOnlyList<Person> Persons { get; init; }
    public required IReadOnlyList<Group> Teams { get; init; }
    public required IReadOnlyList<Source> Askers { get; init; }

    /// <summary>
    /// The Authorization of an administrator, of the person with the most requests, and of the first source.
    /// </summary>
    public required string Admin { get; init; }
    public required string Viewer { get; init; }
    public required string Source { get; init; }

    /// <summary>A request as the first source asks it through a door.</summary>
    public Submission Asks(string externalId, string body) =>
        new()
        {
            SourceId = Askers[0].Id,
            SentBy = SentBy.Api,
            ExternalId = externalId,
            Subject = "Turn on checkout-v2 for 25 percent of all customers",
            Message = Message,
            Facts = """{"project":"shop","environment":"production","flag":"checkout-v2"}""",
            Body = body,
            Digest = Hashes.Sha256(body),
            Requester = new Requester(Askers[0].PersonId, Askers[0].Name, [], Certainty.Proven),
            CreatorId = Askers[0].PersonId,
            Policy = Askers[0].Policy!,
        };

    public static async Task<Town> Found(Store store)
    {
        var people = new Accounts(store, new ReweighRequests(store));
        var (groups, tokens, sources) = (new Groups(store), new Tokens(store), new Sources(store));
        Done(await people.Add("admin@example.com", "Ada Admin", Role.Admin, password: null, By, default));
        var persons = new List<Person>();
        for (var n = 0; n < People; n++)
        {
            persons.Add(
                Done(
                    await people.Add(
                        $"person{n}@example.com",
                        $"Person Number{n}",
                        Role.Agent,
                        password: null,
                        By,
                        default
                    )
                )
            );
        }
        var teams = new List<Group>();
        for (var n = 0; n < Groups; n++)
        {
            var members = Enumerable
                .Range(0, GroupsPerPerson)
                .Select(i => persons[(n - i + People) % People].Email!)
                .ToArray();
            teams.Add(Done(await groups.Add($"team-{n}", members, By, default)));
        }
        var keys = new List<NewSourceKey>();
        for (var n = 0; n < Sources; n++)
            keys.Add(Done(await sources.Add($"source-{n}", "api", "team-0", 1, By, default)));
        var (admin, viewer) = (
            Done(await tokens.Add("admin@example.com", By, default)),
            Done(await tokens.Add(persons[0].Email!, By, default))
        );

        using var directory = new PeopleDirectory(store);
        var snapshot = await directory.Refresh();
        return new Town
        {
            Persons = persons,
            Teams = teams,
            Askers = [.. keys.Select(k => snapshot.Sources[k.Id])],
            Admin = Basic("admin@example.com", admin.Token),
            Viewer = Basic(persons[0].Email!, viewer.Token),
            Source = $"Bearer {keys[0].Key}",
        };
    }

    private static string Basic(string email, string token) =>
        "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{email}/token:{token}"));

    private static T Done<T>(AccessOutcome<T> outcome) =>
        outcome is AccessOutcome<T>.Done done
            ? done.Value
            : throw new InvalidOperationException($"The bench could not set up its hub: {outcome}");
}
