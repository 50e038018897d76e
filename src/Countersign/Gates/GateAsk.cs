using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Gates;

/// <summary>What a gate's call asks, before anything was looked up for it.</summary>
public sealed record GateAsk
{
    /// <summary>The caller's own id of it: asking twice under it is one request.</summary>
    public required string Id { get; init; }

    /// <summary>What it has to do with other asks of the same group; null: each has a request of its own.</summary>
    public string? Group { get; init; }
    public GroupRule GroupRule { get; init; }

    public required string Subject { get; init; }
    public string Message { get; init; } = "";

    /// <summary>A JSON object.</summary>
    public required string Facts { get; init; }

    /// <summary>A JSON object of what is approved, which the digest covers.</summary>
    public required string Content { get; init; }

    public required GateRequester Requester { get; init; }
    public required GateReply Reply { get; init; }

    /// <summary>How long the caller waits; null: as its gate says.</summary>
    public TimeSpan? MaxWait { get; init; }

    /// <summary>How long the reply's own credential is taken; null: it has none that ends.</summary>
    public TimeSpan? CredentialLife { get; init; }

    /// <summary>False: the caller goes on without regard to the decision. The page and the admins are told.</summary>
    public bool Waits { get; init; } = true;

    /// <summary>
    /// The caller polls, and is answered with the progress: nothing is ever sent. After this long without a poll it is
    /// gone, and what it asks then under the same id is something new; null: it is called back.
    /// </summary>
    public TimeSpan? PollGap { get; init; }

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

/// <summary>What an ask has to do with others of its group.</summary>
public enum GroupRule
{
    /// <summary>
    /// One verdict answers all of them: it joins the open request, and once a review is in, earlier reviews are
    /// dismissed.
    /// </summary>
    Joins,

    /// <summary>
    /// It takes the place of those before: their open requests are withdrawn. Asked again after its verdict, it is told
    /// the verdict again.
    /// </summary>
    Supersedes,

    /// <summary>What was rejected is asked again by a machine, and is told the rejection again.</summary>
    RepeatsRejection,
}

/// <summary>Who is behind a call, as the caller's signature vouches for it.</summary>
/// <param name="Account">
/// The account there by an id that is never given to another one, such as <c>github:4711</c>, with the server where
/// each counts on its own. A person with this alias
/// is proven to be the requester. Empty without an account.
/// </param>
/// <param name="Names">Names and addresses by which people may be meant, who are then barred; no proof.</param>
/// <param name="IsPerson">False: a program asked, and no one is known to stand behind it.</param>
public sealed record GateRequester(string Account, string ShownAs, IReadOnlyList<string> Names, bool IsPerson)
{
    /// <summary>
    /// Another account that may stand behind it: then it is open which of them does. Both are barred, and it counts as
    /// no better known than the less known of them.
    /// </summary>
    public GateRequester? Beside { get; init; }

    internal Requester Resolve(Source source, PeopleSnapshot people)
    {
        var first = Alone(source, people);
        if (Beside?.Alone(source, people) is not { } other)
            return first;
        var isOne = first.PersonId is not null && first.PersonId == other.PersonId;
        return first with
        {
            PersonId = isOne ? first.PersonId : null,
            Name = isOne ? first.Name : ShownAs,
            DisplayName = isOne ? first.DisplayName : ShownAs,
            Barred = [.. first.Barred.Union(other.Barred).Order()],
            Certainty = new[] { first.Certainty, other.Certainty, isOne ? Certainty.Proven : Certainty.Claimed }.Min(),
            Claim = other.Claim!.After(first.Claim!) with
            {
                People = [.. first.Claim!.People.Union(other.Claim!.People)],
            },
        };
    }

    private Requester Alone(Source source, PeopleSnapshot people)
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
