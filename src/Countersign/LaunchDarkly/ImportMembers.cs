using System.ComponentModel.DataAnnotations;
using Countersign.People;
using Countersign.Storage;

namespace Countersign.LaunchDarkly;

/// <summary>A member who wasn't imported.</summary>
/// <param name="Why">
/// <c>not_verified</c>, <c>invited</c>, <c>unusable</c> (no email or name that a person here can have) or
/// <c>conflict</c> (the email belongs to another person than before).
/// </param>
public sealed record SkippedMember(
    string Email,
    [AllowedValues("not_verified", "invited", "unusable", "conflict")] string Why
);

/// <summary>What an import of members changed.</summary>
/// <param name="Members">How many LaunchDarkly has.</param>
/// <param name="Added">Emails of people who are new here.</param>
/// <param name="Changed">Emails of people who got an alias.</param>
public sealed record ImportedMembers(
    int Members,
    IReadOnlyList<string> Added,
    IReadOnlyList<string> Changed,
    int Unchanged,
    int Aliases,
    IReadOnlyList<SkippedMember> Skipped
);

public abstract record ImportMembersOutcome
{
    private ImportMembersOutcome() { }

    public sealed record Done(ImportedMembers Imported) : ImportMembersOutcome;

    /// <summary>The source has no connection, or one without an API token.</summary>
    public sealed record NotConnected : ImportMembersOutcome;

    /// <summary>LaunchDarkly couldn't be asked, or refused. Nothing was changed.</summary>
    public sealed record Unavailable(string Why) : ImportMembersOutcome;

    /// <summary>
    /// Nothing was changed, because no one could approve these requests any more; forcing it changes it all the same.
    /// </summary>
    public sealed record WouldBlock(AccessOutcome<Alias>.WouldBlock Requests) : ImportMembersOutcome;
}

/// <summary>
/// Brings in the members of a LaunchDarkly account as people, so that requesters are recognized. It gives nobody
/// anything: a new person is an end-user, a person who is here keeps role, groups and name. Their name in LaunchDarkly
/// becomes an alias only where the member's verified email is theirs, and the member never was another person. Nobody
/// is removed.
/// </summary>
internal sealed class ImportMembers(Store store, Connections connections, LaunchDarklyClient client)
{
    private const int MaxPages = 200,
        PerTransaction = 500;

    public async Task<ImportMembersOutcome> Run(
        string source,
        Origin origin,
        CancellationToken cancel,
        bool isForced = false
    )
    {
        if (
            await connections.Find(source, cancel) is not { } view
            || await connections.Open(view.SourceId, cancel) is not { Token: not null } connection
        )
        {
            return new ImportMembersOutcome.NotConnected();
        }
        var (members, problem) = await ReadAll(connection, cancel);
        if (problem is not null)
            return new ImportMembersOutcome.Unavailable(problem);

        var (usable, skipped) = Usable(members);
        var sum = new ImportedMembers(members.Count, [], [], 0, 0, skipped);
        foreach (var some in usable.Chunk(PerTransaction))
        {
            var outcome = await store.InTransaction(
                tx => Import(tx, connection.SourceId, some, origin, isForced),
                cancel
            );
            if (outcome is not ImportMembersOutcome.Done { Imported: var part })
                return outcome;
            sum = new ImportedMembers(
                members.Count,
                [.. sum.Added, .. part.Added],
                [.. sum.Changed, .. part.Changed],
                sum.Unchanged + part.Unchanged,
                sum.Aliases + part.Aliases,
                [.. sum.Skipped, .. part.Skipped]
            );
        }
        return new ImportMembersOutcome.Done(sum);
    }

    /// <summary>All pages, each member once. Links that lead in a circle end the reading.</summary>
    private async Task<(IReadOnlyList<MemberInLaunchDarkly> Members, string? Problem)> ReadAll(
        Connection connection,
        CancellationToken cancel
    )
    {
        var members = new Dictionary<string, MemberInLaunchDarkly>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? next = null;
        for (var page = 0; page < MaxPages; page++)
        {
            var answer = await client.Members(connection, next, cancel);
            if (answer is not LaunchDarklyAnswer<MemberPage>.Found { Value: var found })
                return ([], answer.Problem);
            foreach (var member in found.Members)
                members.TryAdd(member.Id, member);
            if (found.Next is null || !seen.Add(found.Next))
                break;
            next = found.Next;
        }
        return ([.. members.Values], null);
    }

    private static (List<MemberInLaunchDarkly> Usable, List<SkippedMember> Skipped) Usable(
        IReadOnlyList<MemberInLaunchDarkly> members
    )
    {
        var (usable, skipped) = (new List<MemberInLaunchDarkly>(), new List<SkippedMember>());
        var emails = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in members)
        {
            var why =
                Names.EmailProblem(member.Email) is not null ? "unusable"
                : member.IsPending ? "invited"
                : !member.IsVerified ? "not_verified"
                : !emails.Add(EmailAddress.KeyOf(member.Email)) ? "conflict"
                : null;
            if (why is null)
                usable.Add(member);
            else
                skipped.Add(new SkippedMember(member.Email.Length > 0 ? member.Email : member.Id, why));
        }
        return (usable, skipped);
    }

    internal static async ValueTask<ImportMembersOutcome> Import(
        Tx tx,
        long source,
        MemberInLaunchDarkly[] members,
        Origin origin,
        bool isForced
    )
    {
        var people = (
            await tx.All<PersonRow>(
                $"SELECT id, email_key, name, role FROM people WHERE email_key IS NOT NULL{tx.ForUpdate}"
            )
        ).ToDictionary(p => p.EmailKey, StringComparer.Ordinal);
        var links = await tx.All<LinkRow>(
            "SELECT member_id, person_id FROM launchdarkly_members WHERE source_id = @source",
            new { source }
        );
        var personOf = links.ToDictionary(l => l.MemberId, l => l.PersonId, StringComparer.Ordinal);
        var memberOf = links.ToLookup(l => l.PersonId, l => l.MemberId);
        var (wanted, skipped) = (
            new List<(MemberInLaunchDarkly Member, ImportedPerson Person)>(),
            new List<SkippedMember>()
        );
        foreach (var member in members)
        {
            var here = people.GetValueOrDefault(EmailAddress.KeyOf(member.Email));
            var earlier = personOf.GetValueOrDefault(member.Id);
            var isOther =
                here is null ? earlier != 0
                : earlier != 0 ? earlier != here.Id
                : memberOf[here.Id].Any();
            if (isOther || here?.Role == "service")
                skipped.Add(new SkippedMember(member.Email, "conflict"));
            else
                wanted.Add((member, Wanted(member, here)));
        }

        var outcome = await PeopleImport.Run(tx, [.. wanted.Select(w => w.Person)], origin, isForced);
        if (outcome is ImportOutcome.WouldBlock { Requests: var blocked })
            return new ImportMembersOutcome.WouldBlock(blocked);
        if (outcome is not ImportOutcome.Done { People: var done })
        {
            // A person has more aliases than there may be: without new ones, nothing else can be wrong.
            outcome = await PeopleImport.Run(
                tx,
                [.. wanted.Select(w => w.Person with { Aliases = [] })],
                origin,
                isForced
            );
            if (outcome is not ImportOutcome.Done { People: var less })
                throw new InvalidOperationException("Members that were checked could not be imported.");
            done = less;
        }
        var linked = await Link(tx, source, [.. wanted.Select(w => w.Member).Where(m => !personOf.ContainsKey(m.Id))]);
        if (done.Added.Count > 0 || done.Aliases > 0 || linked.Count > 0)
        {
            await tx.Append(
                $"source:{source}",
                origin,
                "source.members_imported",
                new
                {
                    added = done.Added.Count,
                    aliases = done.Aliases,
                    linked,
                }
            );
        }
        return new ImportMembersOutcome.Done(
            new ImportedMembers(members.Length, done.Added, done.Changed, done.Unchanged, done.Aliases, skipped)
        );
    }

    private static ImportedPerson Wanted(MemberInLaunchDarkly member, PersonRow? here)
    {
        var name = Names.Problem(member.Name) is null ? member.Name : null;
        return here is null
            ? new ImportedPerson(member.Id, member.Email, name ?? member.Email, Role.EndUser.ToWireName(), [], [])
            : new ImportedPerson(
                member.Id,
                member.Email,
                null,
                null,
                [],
                name is null || PeopleDirectory.KeyOf(name) == PeopleDirectory.KeyOf(here.Name) ? [] : [name]
            );
    }

    private static async ValueTask<SortedDictionary<string, long>> Link(
        Tx tx,
        long source,
        List<MemberInLaunchDarkly> members
    )
    {
        var linked = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var member in members)
        {
            var rows = await tx.All<LinkRow>(
                """
                INSERT INTO launchdarkly_members (source_id, member_id, person_id)
                SELECT @source, @member, id FROM people WHERE email_key = @email
                ON CONFLICT (source_id, member_id) DO NOTHING
                RETURNING member_id, person_id
                """,
                new
                {
                    source,
                    member = member.Id,
                    email = EmailAddress.KeyOf(member.Email),
                }
            );
            foreach (var row in rows)
                linked[row.MemberId] = row.PersonId;
        }
        return linked;
    }

    private sealed class PersonRow
    {
        public long Id { get; init; }
        public required string EmailKey { get; init; }
        public required string Name { get; init; }
        public required string Role { get; init; }
    }

    private sealed class LinkRow
    {
        public required string MemberId { get; init; }
        public long PersonId { get; init; }
    }
}
