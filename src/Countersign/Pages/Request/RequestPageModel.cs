using System.Globalization;
using System.Text.Json;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Request;

/// <summary>
/// A request as one reader has it before them: what it says, what they may do about it, and what they typed, if it
/// comes back. Buttons follow from this; whether an answer is taken is for <see cref="Decide"/> alone.
/// </summary>
internal sealed class RequestPageModel : IDisposable
{
    private readonly PeopleSnapshot _directory;
    private readonly JsonDocument _facts;
    private readonly Dictionary<string, JsonElement> _factsByName = new(StringComparer.Ordinal);
    private readonly Delegates _delegates;
    private readonly ReviewerSeat _seat;

    public RequestPageModel(RequestHistory story, Caller reader, PeopleSnapshot directory)
    {
        (Story, Reader, _directory) = (story, reader, directory);
        _facts = JsonDocument.Parse(story.Current.Facts);
        foreach (var fact in _facts.RootElement.EnumerateObject())
            _factsByName.TryAdd(fact.Name, fact.Value);
        Seats = Weigh.Seats(Request, story.Decisions);
        OpenStep = Seats
            .Select((seated, step) => seated.Count < Request.Policy.Steps[step].Need ? step : -1)
            .FirstOrDefault(step => step >= 0, Request.Policy.Steps.Count);
        Mine = story.Decisions.LastOrDefault(d => d.PersonId == Me && d.Revision == Request.Revision);
        _delegates = ReviewerSeat.DelegatesOf(
            Request,
            Weigh.LatestThatCount(Request, story.Decisions),
            directory.Pools
        );
        // An expiry that is due is for the decision to find; what is shown follows from the answers.
        var verdict = Weigh.Of(Request with { ExpiresAt = null }, story.Decisions, default);
        _seat = ReviewerSeat.Of(Request, story.Decisions, verdict, directory.Pools, Me);
    }

    /// <summary>What someone said who was erased is not shown, though the sealed event holds it.</summary>
    public bool IsErased(string actor) =>
        actor.StartsWith("person:", StringComparison.Ordinal)
        && long.TryParse(actor.AsSpan("person:".Length), CultureInfo.InvariantCulture, out var id)
        && _directory.People.TryGetValue(id, out var person)
        && ErasedPerson.IdOf(person.Email ?? "") != 0;

    public RequestHistory Story { get; }
    public Caller Reader { get; }
    public ApprovalRequest Request => Story.Request;
    public long Me => Reader.Person!.Id;

    /// <summary>What was typed and not taken, with the reason.</summary>
    public string Note { get; set; } = "";
    public string? NoteError { get; set; }

    /// <summary>The reason to go past the policy that was not enough of one.</summary>
    public string? ShortReason { get; set; }

    /// <summary>Where the decision was handed over to, if it was.</summary>
    public IReadOnlyList<Countersign.Destinations.LinkView> Tickets { get; init; } = [];

    /// <summary>Who of those who are asked was or will be away.</summary>
    public IReadOnlyList<AbsenceNews> Absences { get; init; } = [];

    /// <summary>Why an answer was refused: it stands above everything else.</summary>
    public string? Refused { get; set; }

    /// <summary>Whether the content is not the one that the reader was looking at.</summary>
    public bool HasChanged { get; set; }

    /// <summary>Of each step the approvals that fill it, and the first step that has room.</summary>
    public IReadOnlyList<IReadOnlyList<Decision>> Seats { get; }
    public int OpenStep { get; }

    /// <summary>The reader's own answer to this content.</summary>
    public Decision? Mine { get; }

    public bool MayWithdraw =>
        (Request.Status == Status.Active || (Request.Status == Status.Approved && Request.AppliedAt is null))
        && (Reader.IsAdmin || Request.IsAskedBy(Me) || Story.IsTicketAssignee);

    public bool IsAsker => Request.Bars(Me);

    public IReadOnlyList<int> MySteps => _seat.Steps;

    public bool MayDecide => !Request.IsSettled && _seat.IsOpen;

    public Source? Source => _directory.Sources.GetValueOrDefault(Request.SourceId);

    public bool IsFromLaunchDarkly => Request.SentBy == SentBy.LaunchDarkly;

    public JsonElement Facts => _facts.RootElement;

    public string? Fact(string name) =>
        FactValue(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public JsonElement? FactValue(string name) => _factsByName.TryGetValue(name, out var value) ? value : null;

    /// <summary>The page that the source has of it.</summary>
    public string? Link => Fact("link");

    public string? NameOf(long person) => _directory.People.GetValueOrDefault(person)?.DisplayName;

    /// <summary>Those of a party who have not been shut out and did not ask.</summary>
    public IEnumerable<PoolMember> MembersOf(Party party) =>
        _directory
            .Pools.Of(party)
            .Where(id => !Request.Bars(id))
            .Select(_directory.Pools.Find)
            .Where(p => p is { IsDisabled: false })!;

    /// <summary>Who stands in for a person on this request, if anyone does.</summary>
    public string? DelegateOf(PoolMember person) => _delegates.Of(person)?.Name;

    /// <summary>A delegate's name in what is told of an absence; null when they ask, and so don't stand in.</summary>
    public string? DelegateNamed(long? id) => id is { } person && !Request.Bars(person) ? NameOf(person) : null;

    /// <summary>Who is behind an event, in words.</summary>
    public string Actor(Texts says, string actor)
    {
        var colon = actor.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !long.TryParse(actor.AsSpan(colon + 1), CultureInfo.InvariantCulture, out var id))
            return says.ActorOf(actor);
        return actor.AsSpan(0, colon) switch
        {
            "person" => id == Me ? says.You : NameOf(id) ?? says.Somebody,
            "source" => _directory.Sources.GetValueOrDefault(id)?.Name ?? says.Somebody,
            _ => says.ActorOf(actor),
        };
    }

    public void Dispose() => _facts.Dispose();
}
