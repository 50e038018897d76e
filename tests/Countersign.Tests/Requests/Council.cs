using System.Globalization;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Tests;

/// <summary>
/// People with single names around one request, for stories about the scales:
/// a policy reads <c>"SRE 2: Ann Ben Cleo, Security 1: Dan"</c>, an answer <c>"Ann approves"</c>.
/// </summary>
internal sealed class Council
{
    public static readonly DateTimeOffset Start = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
    private readonly Dictionary<string, string[]> _groups = [];
    private readonly List<Decision> _decisions = [];

    public Council(string policy, string? requester = null)
    {
        var steps = new List<Step>();
        foreach (var text in policy.Split(", "))
        {
            var (head, people) = (text.Split(": ")[0].Split(' '), text.Split(": ")[1].Split(' '));
            var group = new Approver(Party.Group(steps.Count + 1), head[0]);
            _groups[group.Party.Text] = people;
            steps.Add(new Step(head[0], int.Parse(head[1], CultureInfo.InvariantCulture), [group]));
        }
        Request = RequestOf(new Policy("story", steps), requester is null ? [] : [IdOf(requester)]);
    }

    public ApprovalRequest Request { get; set; }
    public IReadOnlyList<Decision> Decisions => _decisions;
    public DateTimeOffset Now { get; set; } = Start;

    public static long IdOf(string name) => name[0];

    /// <summary>
    /// "Ann approves", "Ben rejects", "Cleo abstains"; "Dan is disabled" makes what Dan said so far count no longer.
    /// </summary>
    public void Hear(string sentence)
    {
        var (name, act) = (sentence.Split(' ')[0], sentence[(sentence.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
        if (act == "is disabled")
        {
            for (var i = 0; i < _decisions.Count; i++)
            {
                _decisions[i] =
                    _decisions[i].PersonName == name ? _decisions[i] with { AuthorDisabled = true } : _decisions[i];
            }
            return;
        }
        Add(
            name,
            act switch
            {
                "approves" => Answer.Approve,
                "rejects" => Answer.Reject,
                "abstains" => Answer.Abstain,
                _ => throw new ArgumentException(sentence, nameof(sentence)),
            }
        );
    }

    /// <param name="forName">The absent person for whom this one stands in.</param>
    public void Add(string name, Answer answer, string? forName = null) =>
        _decisions.Add(
            DecisionOf(Request, _decisions.Count + 1, IdOf(name), name, answer, GroupsOf(forName ?? name)) with
            {
                ForPerson = forName is null ? null : IdOf(forName),
                ForPersonName = forName,
            }
        );

    /// <param name="everyone">Whether the scales are told who could still say yes: everyone whom the policy
    /// names.</param>
    public Verdict Weigh(bool everyone = false) =>
        Requests.Weigh.Of(
            Request,
            _decisions,
            Now,
            everyone
                ?
                [
                    .. _groups
                        .Values.SelectMany(names => names)
                        .Distinct()
                        .Select(name => new Voter(IdOf(name), Request.Policy.StepsOpenTo(GroupsOf(name).ToHashSet()))),
                ]
                : null
        );

    private string[] GroupsOf(string name) => [.. _groups.Where(g => g.Value.Contains(name)).Select(g => g.Key)];

    public static ApprovalRequest RequestOf(Policy policy, params long[] barred) =>
        new()
        {
            Id = new RequestIds().Next(Start),
            SourceId = 1,
            SentBy = SentBy.Api,
            Status = Status.Active,
            Display = "",
            Revision = 1,
            Digest = "d1",
            Policy = policy,
            Barred = barred,
            Subject = "May it?",
            RequesterName = "",
            CreatedAt = Start,
            Head = Head.None,
        };

    public static Decision DecisionOf(
        ApprovalRequest request,
        int n,
        long person,
        string name,
        Answer answer,
        params string[] groups
    ) =>
        new()
        {
            N = n,
            Revision = request.Revision,
            PersonId = person,
            PersonName = name,
            Answer = answer,
            Note = "",
            Digest = request.Digest,
            Steps = request.Policy.StepsOpenTo(new HashSet<string>(groups) { Party.Person(person).Text }),
            At = Start,
            Via = "test",
        };
}
