using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Gates;

/// <summary>What a gate's call asks, before anything was looked up for it.</summary>
public sealed record GateAsk
{
    /// <summary>The caller's own id of it: asking twice under it is one request.</summary>
    public required string Id { get; init; }

    /// <summary>
    /// What one verdict answers together. Something else in the group joins the open request, and once a review is in,
    /// earlier reviews are dismissed; null: each has a request of its own.
    /// </summary>
    public string? Group { get; init; }

    public required string Subject { get; init; }
    public string Message { get; init; } = "";

    /// <summary>A JSON object.</summary>
    public required string Facts { get; init; }

    /// <summary>A JSON object of what is approved, which the digest covers.</summary>
    public required string Content { get; init; }

    public required GateRequester Requester { get; init; }
    public required GateReply Reply { get; init; }

    /// <summary>Until when the caller waits; null: as its gate says.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Until when the reply's own credential is taken; null: it has none that ends.</summary>
    public DateTimeOffset? CredentialUntil { get; init; }

    /// <summary>False: the caller goes on whatever is decided, which the page and the admins are told.</summary>
    public bool Waits { get; init; } = true;

    internal Submission From(Source source, PeopleSnapshot people)
    {
        var requester = Requester.Resolve(source, people);
        var (policy, stuck) = people.WhoDecides(source, source.Policy, requester, Facts, null);
        return new Submission
        {
            SourceId = source.Id,
            SentBy = SentBy.Api,
            ExternalId = Id,
            Subject = Subject,
            Message = Message,
            Facts = Facts,
            Body = Content,
            Digest = Digest.Of(Content),
            Requester = requester,
            CreatorId = source.PersonId,
            Policy = policy,
            Stuck = stuck,
        };
    }
}

/// <summary>Who is behind a call, as the caller's signature vouches for it.</summary>
/// <param name="Account">
/// The account there by an id that is never given to another one, such as <c>github:4711</c>. A person with this alias
/// is proven to be the requester; empty where there is none.
/// </param>
/// <param name="Names">Names and addresses by which people may be meant, who are then barred; no proof.</param>
/// <param name="IsPerson">False: a program asked, and no one is known to stand behind it.</param>
public sealed record GateRequester(string Account, string ShownAs, IReadOnlyList<string> Names, bool IsPerson)
{
    internal Requester Resolve(Source source, PeopleSnapshot people)
    {
        var named = people.Named(
            RequesterClaim.Of(Names.Where(IsAddress), Account.Length > 0 ? Names.Prepend(Account) : Names),
            ShownAs,
            source
        );
        if (!IsPerson)
            return named with { Certainty = Certainty.None };
        var proven = Account.Length == 0 ? [] : people.People.Values.Where(HasAccount).Take(2).ToList();
        return proven is [var one] && named.Certainty != Certainty.None
            ? named with
            {
                PersonId = one.Id,
                Name = one.Name,
                DisplayName = one.DisplayName,
                Certainty = Certainty.Proven,
            }
            : named;
    }

    private bool HasAccount(Person person) => person.Aliases.Contains(Account, StringComparer.OrdinalIgnoreCase);

    private static bool IsAddress(string name) => name.Contains('@', StringComparison.Ordinal);
}
