using System.Security.Cryptography;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Simulator;

namespace Countersign.Cli;

/// <summary>A person of the demo, with everything needed to sign in or to call the API as them.</summary>
internal sealed record DemoPerson(string Email, string Password, string Role, string Name, string Token);

/// <summary>
/// Who takes part in the demo: people, their group and the source. They are made through the same use cases as anybody;
/// started again, everyone gets a new password and token, because the old ones were printed somewhere.
/// </summary>
internal sealed record DemoCast(IReadOnlyList<DemoPerson> People, NewSourceKey Source, DemoGates Gates)
{
    public const string Group = "Release managers",
        SourceName = "LaunchDarkly (simulated)";
    public const int Need = 2;

    private const int PasswordLength = 14;
    private const string PasswordLetters = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    private static readonly (string Name, string Email, Role Role, bool Decides)[] Parts =
    [
        ("Alex Morgan", "alex@demo.example", Role.Admin, true),
        ("Jane Doe", "jane@demo.example", Role.Agent, true),
        ("Mei Tanaka", "mei@demo.example", Role.Agent, true),
        ("Sam Okafor", "sam@demo.example", Role.Agent, true),
        ("Lukas Brandt", "lukas@demo.example", Role.EndUser, false),
    ];

    public static async Task<DemoCast> Assemble(Hub hub, CancellationToken cancel)
    {
        var people = new List<DemoPerson>();
        foreach (var (name, email, role, _) in Parts)
            people.Add(await Engage(hub, name, email, role, cancel));
        // Those who ask in LaunchDarkly are known here, all but the last, whose requests show what that costs.
        foreach (var name in BelievableChanges.Requesters.SkipLast(1))
            await hub.Get<Accounts>().Add(EmailOf(name), name, Role.EndUser, null, Hub.Origin, cancel);
        // A group that is there already stays as somebody may have changed it.
        await hub.Get<Groups>().Add(Group, [.. Parts.Where(p => p.Decides).Select(p => p.Email)], Hub.Origin, cancel);
        var sources = hub.Get<Sources>();
        return new DemoCast(
            people,
            await Key(sources, SourceName, SourceKinds.LaunchDarkly, Need, null, cancel),
            await DemoGates.Add(sources, Parts[^1].Email, cancel)
        );
    }

    private static async Task<DemoPerson> Engage(
        Hub hub,
        string name,
        string email,
        Role role,
        CancellationToken cancel
    )
    {
        var password = RandomNumberGenerator.GetString(PasswordLetters, PasswordLength);
        if (
            await hub.Get<Accounts>().Add(email, name, role, password, Hub.Origin, cancel)
            is AccessOutcome<Person>.Exists
        )
        {
            await hub.Get<Accounts>().SetPassword(email, password, Hub.Origin, cancel);
            foreach (
                var old in (await hub.Get<Tokens>().List(cancel)).Where(t => t.Email == email && t.RevokedAt is null)
            )
            {
                await hub.Get<Tokens>().Revoke(old.Id, Hub.Origin, cancel);
            }
            var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
            (name, role) = directory.FindPerson(email) is { } now ? (now.Name, now.Role) : (name, role);
        }
        var token = Made(await hub.Get<Tokens>().Add(email, Hub.Origin, cancel));
        return new DemoPerson(email, password, role.ToWireName(), name, token.Token);
    }

    /// <summary>"Tomás Herrera": herrera@demo.example, because an address is easier to type without accents.</summary>
    public static string EmailOf(string name) => $"{name.Split(' ')[^1].ToLowerInvariant()}@demo.example";

    /// <summary>Of a source that the group decides; one that is there already gets a new key.</summary>
    internal static async Task<NewSourceKey> Key(
        Sources sources,
        string name,
        string kind,
        int need,
        string? owner,
        CancellationToken cancel
    )
    {
        if (
            await sources.Add(name, kind, Group, need, Hub.Origin, cancel, owner: owner)
            is AccessOutcome<NewSourceKey>.Done(var made)
        )
        {
            return made;
        }
        var key = Made(await sources.Rotate(name, Hub.Origin, cancel));
        await sources.EndOldKey(name, Hub.Origin, cancel);
        return key;
    }

    private static T Made<T>(AccessOutcome<T> outcome) =>
        outcome is AccessOutcome<T>.Done(var value)
            ? value
            : throw new InvalidOperationException($"The demo couldn't be set up: {outcome}");
}
