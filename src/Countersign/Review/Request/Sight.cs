using System.Globalization;
using System.Text.Json;
using Countersign.Access;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Review.Request;

/// <summary>
/// A request as one reader has it before them: what it says, what they may do about it, and what they typed, if it comes
/// back. Buttons follow from this; whether an answer is taken is for <see cref="Decide"/> alone.
/// </summary>
internal sealed class Sight : IDisposable
{
    private readonly DirectorySnapshot _directory;
    private readonly JsonDocument _facts;
    private readonly Dictionary<string, JsonElement> _factsByName = new(StringComparer.Ordinal);
    private readonly HashSet<string> _parties = [];

    /// <summary>Those who are away and have chosen the reader as stand-in.</summary>
    private readonly IReadOnlyList<Person> _away;

    public Sight(Story story, Caller reader, DirectorySnapshot directory)
    {
        (Story, Reader, _directory) = (story, reader, directory);
        _facts = JsonDocument.Parse(story.Current.Facts);
        foreach (var fact in _facts.RootElement.EnumerateObject())
            _factsByName.TryAdd(fact.Name, fact.Value);
        Seats = Weigh.Seats(Request, story.Decisions);
        OpenStep = Seats.Select((seated, step) => seated.Count < Request.Policy.Steps[step].Need ? step : -1).FirstOrDefault(step => step >= 0, Request.Policy.Steps.Count);
        Mine = story.Decisions.LastOrDefault(d => d.PersonId == Me && d.Revision == Request.Revision);
        _away = directory.Pools.Find(Me) is { AwayUntil: null }
            ? [.. directory.Pools.Away.Where(p => p.StandIn == Me && !Request.Bars(p.Id)).Select(p => directory.People[p.Id])]
            : [];
        foreach (var approver in Request.Policy.Steps.SelectMany(s => s.From).Where(a => Includes(a.Party)))
            _parties.Add(approver.Party.Text);
    }

    public Story Story { get; }
    public Caller Reader { get; }
    public ApprovalRequest Request => Story.Request;
    public long Me => Reader.Person!.Id;

    /// <summary>What was typed and not taken, with the reason.</summary>
    public string Note { get; set; } = "";
    public string? NoteError { get; set; }

    /// <summary>The reason to go past the policy that was not enough of one.</summary>
    public string? ShortReason { get; set; }

    /// <summary>Where the decision was handed over to, if it was.</summary>
    public IReadOnlyList<Destinations.LinkView> Tickets { get; init; } = [];

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

    public bool MayWithdraw => (Request.Status == Status.Active || (Request.Status == Status.Approved && Request.AppliedAt is null))
        && (Reader.IsAdmin || Request.RequesterId == Me || Request.CreatorId == Me);

    public bool IsAsker => Request.Bars(Me);

    public IReadOnlyList<int> MySteps => Request.Policy.StepsOpenTo(_parties);

    public bool MayDecide => !Request.IsSettled && !IsAsker && MySteps is [var first, ..] && first <= OpenStep;

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
    public IEnumerable<Somebody> MembersOf(Party party) =>
        _directory.Pools.Of(party).Where(id => !Request.Bars(id)).Select(_directory.Pools.Find).Where(p => p is { IsDisabled: false })!;

    /// <summary>Who answers for somebody who is away, if anybody can.</summary>
    public string? StandInOf(long? standIn) =>
        standIn is { } id && _directory.Pools.Find(id) is { IsDisabled: false, AwayUntil: null } other && !Request.Bars(id) ? other.Name : null;

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

    private bool Includes(Party party) => IsIn(party, Me, Reader.IsAdmin) || _away.Any(p => IsIn(party, p.Id, p.Role == Role.Admin));

    private bool IsIn(Party party, long person, bool isAdmin) =>
        party == Party.Person(person) || (party == Party.Admins ? isAdmin : GroupOf(party)?.Members.Contains(person) == true);

    private Group? GroupOf(Party party)
    {
        const string prefix = "group:";
        return party.Text.StartsWith(prefix, StringComparison.Ordinal) && long.TryParse(party.Text.AsSpan(prefix.Length), CultureInfo.InvariantCulture, out var id) ? _directory.Groups.GetValueOrDefault(id) : null;
    }
}
