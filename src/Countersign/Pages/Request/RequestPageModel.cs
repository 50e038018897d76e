using System.Globalization;
using System.Text.Json;
using Countersign.Destinations;
using Countersign.Pages.Prose;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Pages.Request;

/// <summary>
/// A request as one reader has it before them: what it says, what they may do about it, and what they typed, if it
/// comes back. Buttons follow from this; whether a decision is taken is for <see cref="Decide"/> alone.
/// </summary>
public sealed class RequestPageModel
{
    /// <summary>Of more people than this none are offered to choose from: one types an email.</summary>
    private const int MaxChoices = 100;

    private readonly OrderedDictionary<string, JsonElement> _facts = new(StringComparer.Ordinal);
    private readonly Delegates _delegates;
    private readonly ReviewerSeat _seat;

    internal RequestPageModel(RequestHistory story, Viewer viewer, Person reader, PeopleSnapshot directory)
    {
        (Story, Viewer, Reader, Directory) = (story, viewer, reader, directory);
        var facts = JsonElement.Parse(story.Current.Facts);
        foreach (var fact in facts.EnumerateObject())
            _facts.TryAdd(fact.Name, fact.Value);
        Summary = RequestSummary.Of(Request.SentBy, Request.Subject, story.Current.Message, facts, story.Described);
        Changes = IsFromLaunchDarkly ? LaunchDarklyChanges.Read(Fact("details") ?? story.Current.Message) : [];
        Check = CheckState.Of(story.Events);
        Seats = Weigh.Seats(Request, story.Decisions);
        Counting = Weigh.LatestThatCount(Request, story.Decisions);
        OpenStep = Seats
            .Select((seated, step) => seated.Count < Request.Policy.Steps[step].Need ? step : -1)
            .FirstOrDefault(step => step >= 0, Request.Policy.Steps.Count);
        Mine = story.Decisions.LastOrDefault(d =>
            d.PersonId == Me && d.Revision == Request.Revision && d.Reading == Request.Reading
        );
        _delegates = ReviewerSeat.DelegatesOf(Request, Counting, directory.Pools);
        // An expiry that is due is for the decision to find; what is shown follows from the answers.
        var verdict = Weigh.Of(Request with { ExpiresAt = null }, story.Decisions, default);
        _seat = ReviewerSeat.Of(Request, story.Decisions, verdict, directory.Pools, Me);
    }

    public RequestHistory Story { get; }
    public Person Reader { get; }
    public bool IsAdmin => Viewer.IsAdmin;
    public ApprovalRequest Request => Story.Request;
    public RequestSummary Summary { get; }

    /// <summary>What the source said by name, in its order.</summary>
    public IReadOnlyDictionary<string, JsonElement> Facts => _facts;
    public long Me => Reader.Id;
    public string Path => $"/requests/{Request.Id}";

    /// <summary>What LaunchDarkly would change, one entry a change; empty where its details don't say.</summary>
    public IReadOnlyList<string> Changes { get; }

    /// <summary>The same from LaunchDarkly's data and not its prose; empty where it wasn't asked.</summary>
    public IReadOnlyList<DescribedChange> Described => Story.Described?.Changes ?? [];

    /// <summary>What LaunchDarkly was asked and didn't confirm.</summary>
    public CheckState Check { get; }

    /// <summary>LaunchDarkly has said who requested it.</summary>
    public bool IsRequesterConfirmed => Request.IsRequesterConfirmed;

    /// <summary>LaunchDarkly is being asked, and nothing approves the request until it has answered.</summary>
    public bool IsConfirming => Request is { IsSettled: false, OpenCheck: not OpenCheck.None };

    /// <summary>LaunchDarkly's prose lists another number of changes than its data.</summary>
    public bool DiffersFromProse => Described.Count > 0 && Changes.Count > 0 && Changes.Count != Described.Count;

    internal Viewer Viewer { get; }
    internal PeopleSnapshot Directory { get; }

    /// <summary>What was typed and not taken, with the reason.</summary>
    public string Note { get; internal set; } = "";
    public string? NoteError { get; internal set; }
    public string Reply { get; internal set; } = "";
    public string? ReplyError { get; internal set; }

    /// <summary>The person the reader typed or chose, and why they can't take the review or the request.</summary>
    public string? DelegateError { get; internal set; }
    public string? AssigneeError { get; internal set; }

    /// <summary>The reason to override the policy that was not enough of one.</summary>
    public string? ShortReason { get; internal set; }

    /// <summary>Why a form was refused: it stands above everything else.</summary>
    public Refusal? Refused { get; internal set; }

    /// <summary>Whether the content is not the one that the reader was looking at.</summary>
    public bool HasChanged { get; internal set; }

    /// <summary>The tickets at the destination that decides, if one does.</summary>
    public IReadOnlyList<LinkView> Tickets { get; internal init; } = [];

    /// <summary>Which reviewers were or will be out of office.</summary>
    public IReadOnlyList<AbsenceNews> Absences { get; internal init; } = [];

    /// <summary>The next request that needs the reader's review, and how many do; null where none does.</summary>
    public NextRequest? Next { get; internal set; }

    /// <summary>Of each step the approvals that fill it, and the first step that has room.</summary>
    public IReadOnlyList<IReadOnlyList<Decision>> Seats { get; }
    public int OpenStep { get; }

    /// <summary>Each person's latest decision that counts.</summary>
    public IReadOnlyList<Decision> Counting { get; }

    /// <summary>The reader's own decision on this content.</summary>
    public Decision? Mine { get; }

    public bool MayWithdraw => Withdraw.May(Request, Viewer, Story.IsTicketAssignee);

    /// <summary>The person to whom the reader has given their review; null when they hold it themselves.</summary>
    public string? DelegatedTo =>
        Request.Delegations.FirstOrDefault(d => d.PersonId == Me) is { DelegateId: not 0 and var id }
            ? NameOf(id)
            : null;

    /// <summary>Whether the reader could give their review to another person now.</summary>
    public bool MayDelegate =>
        MayDecide
        && Mine is null
        && DelegateSeat.May(Request with { ExpiresAt = null }, Story.Decisions, Directory.Pools, Me, default);

    /// <summary>Those who could take the reader's review; null where there are too many to choose from.</summary>
    public IReadOnlyList<Person>? PossibleDelegates =>
        Reviewers(p =>
            DelegateSeat.MayTake(
                Request,
                Story.Decisions,
                Directory.Pools,
                Me,
                p.Id,
                p.Role == Role.Admin ? "admin" : "agent"
            )
        );

    public bool MayReassign =>
        IsAdmin && !Request.IsSettled && Reassign.DecidesByAssignee(Request.Policy, Request.Assignee);

    /// <summary>The people the request could be reassigned to, beside groups; null where there are too many.</summary>
    public IReadOnlyList<Person>? PossibleAssignees =>
        Reviewers(p => !Request.Bars(p.Id) && Party.Person(p.Id) != Request.Assignee);

    public IReadOnlyList<Group> PossibleGroups =>
        [
            .. Directory
                .Groups.Values.Where(g => Party.Group(g.Id) != Request.Assignee)
                .OrderBy(g => g.Name, StringComparer.CurrentCultureIgnoreCase)
                .Take(MaxChoices),
        ];

    public bool MayComment => !Request.IsSettled;

    public bool IsRequester => Request.Bars(Me);

    public IReadOnlyList<int> MySteps => _seat.Steps;

    /// <summary>The person in whose place the reader decides.</summary>
    public string? ReviewsFor => _seat.For?.Name;

    public bool MayDecide => !Request.IsSettled && _seat.IsOpen;

    /// <summary>The form comes back with something to correct, so it is shown at once.</summary>
    public bool IsReviewOpen => MayDecide && NoteError is not null;

    public Source? Source => Directory.Sources.GetValueOrDefault(Request.SourceId);

    /// <summary>What a deployment brings; null where nothing was read.</summary>
    /// <summary>As LaunchDarkly said who asked, after the change was applied.</summary>
    public bool IsApprovedByRequester =>
        Story.Events.Any(e =>
            e.Kind == "request.breached"
            && JsonElement.Parse(e.Data).TryGetProperty("approvedByRequester", out var people)
            && people.ValueKind == JsonValueKind.Array
        );

    public NewCommits? Commits => field ??= NewCommits.Of(Story.Events);

    public bool IsFromLaunchDarkly => Request.SentBy == SentBy.LaunchDarkly;

    /// <summary>The page that the source has of it.</summary>
    public string? Link => Fact("link");

    /// <summary>Why, in the requester's words, where they are told apart from the change.</summary>
    public IReadOnlyList<TextBlock> Reason =>
        IsFromLaunchDarkly && Summary.Reason.Length > 0 ? MarkdownText.Read(Fact("comment") ?? Summary.Reason) : [];

    /// <summary>
    /// The description. What LaunchDarkly writes is no Markdown, and what is read into <see cref="Changes"/> isn't
    /// repeated.
    /// </summary>
    public IReadOnlyList<TextBlock> Description =>
        !IsFromLaunchDarkly ? MarkdownText.Read(Story.Current.Message)
        : Changes.Count == 0 ? PlainText.Read(Story.Current.Message)
        : PlainText.Read(LaunchDarklyChanges.BeforeChanges(Story.Current.Message));

    public string? Fact(string name) =>
        _facts.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>What the source's form calls a field; null where it doesn't define it.</summary>
    public string? LabelOf(string fact) =>
        IsFromLaunchDarkly && fact.StartsWith(FormPrefix, StringComparison.Ordinal)
            ? Source?.Form.Find(fact[FormPrefix.Length..])?.Name
            : null;

    private const string FormPrefix = "form.";

    /// <summary>What was wrong with the fields of the form when the request came: the label, and what.</summary>
    public IReadOnlyList<(string Label, string Problem)> FormProblems =>
        IsFromLaunchDarkly
        && _facts.TryGetValue(SourceForm.ProblemsFact, out var list)
        && list.ValueKind == JsonValueKind.Array
            ?
            [
                .. list.EnumerateArray()
                    .Select(p => p.ToString().Split(' '))
                    .Where(p => p is [_, "missing" or "invalid"])
                    .Select(p => (Source?.Form.Find(p[0])?.Name ?? p[0], p[1])),
            ]
            : [];

    public string? NameOf(long person) => Directory.People.GetValueOrDefault(person)?.DisplayName;

    /// <summary>Active agents and admins.</summary>
    private List<Person>? Reviewers(Func<Person, bool> may)
    {
        var people = Directory.People.Values.Where(p => p is { IsDisabled: false, Role: Role.Agent or Role.Admin });
        return people.Take(MaxChoices + 1).Count() > MaxChoices
            ? null
            : [.. people.Where(may).OrderBy(p => p.Name, StringComparer.CurrentCultureIgnoreCase)];
    }

    /// <summary>Those of a party who have not been shut out and did not ask.</summary>
    internal IEnumerable<PoolMember> MembersOf(Party party) =>
        Directory
            .Pools.Of(party)
            .Where(id => !Request.Bars(id))
            .Select(Directory.Pools.Find)
            .Where(p => p is { IsDisabled: false })!;

    /// <summary>Who stands in for a person on this request, if anyone does.</summary>
    internal string? DelegateOf(PoolMember person) => _delegates.Of(person)?.Name;

    /// <summary>A delegate's name in what is told of an absence; null when they ask, and so don't stand in.</summary>
    internal string? DelegateNamed(long? id) => id is { } person && !Request.Bars(person) ? NameOf(person) : null;

    /// <summary>What someone said who was erased is not shown, though the sealed event holds it.</summary>
    internal bool IsErased(string actor) =>
        actor.StartsWith("person:", StringComparison.Ordinal)
        && long.TryParse(actor.AsSpan("person:".Length), CultureInfo.InvariantCulture, out var id)
        && Directory.People.TryGetValue(id, out var person)
        && ErasedPerson.IdOf(person.Email ?? "") != 0;
}

/// <summary>Why a form was refused.</summary>
/// <param name="Field">The id of the field to correct, if it is one field's fault.</param>
public sealed record Refusal(string Why, string? Field = null);

/// <summary>The next request that needs a reader's review.</summary>
public sealed record NextRequest(RequestId Id, int Left);
