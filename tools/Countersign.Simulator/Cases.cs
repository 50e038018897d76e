using System.Text.Json;

namespace Countersign.Simulator;

/// <summary>
/// Something LaunchDarkly does, ordinary or odd, and what an application has to make of it. Its name is its switch.
/// </summary>
public sealed class Case
{
    internal Case(string name, string does, Func<Play, Task> run) => (Name, Does, Run) = (name, does, run);

    public string Name { get; }

    /// <summary>What it does, in a sentence.</summary>
    public string Does { get; }

    internal Func<Play, Task> Run { get; }
}

/// <summary>
/// All cases. The first two are always played; the others are asked for. None of them decides anything: people do, or
/// the application itself.
/// </summary>
public static class Cases
{
    private const int Parallel = 16,
        CopiesAtOnce = 8,
        HugeDetails = 1_000_000;
    private static readonly TimeSpan Month = TimeSpan.FromDays(30);

    public static readonly IReadOnlyList<Case> Usual =
    [
        new("members", "The list of people who can decide, as read at setup.", Members),
        new("changes", "Realistic changes; every fifth is deleted before it's decided.", Ordinary),
    ];

    public static readonly IReadOnlyList<Case> Odd =
    [
        // What is in the body.
        new(
            "missing-fields",
            "No details, no comment, no tags, no environment, no flag, no form fields: one at a time and all at once.",
            Shaped(Missing)
        ),
        new(
            "requested-by",
            "The requester is named, with an escaped email.",
            Shaped((c, _) => c with { RequestedBy = new Member("569f514183f2164430000002", "o'brien+x&y@example.com") })
        ),
        new(
            "all-environments",
            "A change to a variation affects all environments: the key is ~.",
            Shaped((c, _) => c with { Environment = new Resource("All environments", "~") })
        ),
        new(
            "shuffled-form",
            "The form fields arrive in a different order each time the same creation is sent.",
            Shuffled
        ),
        new(
            "odd-form",
            "Form fields that are empty, look like other types, have keys that need escaping, or share the "
                + "names of other members.",
            Shaped(OddForm)
        ),
        new(
            "null-form",
            "A form field is null, and LaunchDarkly's renderer prints a dump of its data instead: invalid JSON.",
            Shaped((c, _) => c with { Form = [.. c.Form, ProposedChange.Field("reason", null)] })
        ),
        new(
            "future",
            "A change scheduled in 30 days: the timestamp is in the future.",
            Shaped((c, _) => c with { Timestamp = c.Timestamp + (long)Month.TotalMilliseconds })
        ),
        new(
            "hostile",
            "HTML, scripts, quotes, line breaks, emoji, right-to-left marks and very long lines in every text.",
            Shaped(Hostile)
        ),
        new("huge", "Details of one million characters: accepted, or refused with 413.", Huge),
        new(
            "old-escaping",
            "The body as LaunchDarkly rendered it until 2025: HTML entities in every text.",
            ShapedAs(Generation.Old, (c, _) => c with { Comment = c.Comment + " It's R&D <ok>" })
        ),
        new(
            "oauth-escaping",
            "The body as the OAuth twin still renders it: a quote in a text breaks the JSON.",
            ShapedAs(Generation.Old, (c, _) => c with { Comment = $"Say \"yes\" to {c.Flag.Name}" })
        ),
        new("broken-json", "Bodies that aren't a creation: refused with 4xx, and nothing is stored.", Broken),
        // In which order and how often.
        new(
            "duplicates",
            "The same creation twice, and eight times at once: one request. It's sent once more after the decision.",
            Duplicates
        ),
        new("edited", "Different content under a known ID.", Edited),
        new("slow-creation", "LaunchDarkly times out on a creation and sends it again, or doesn't.", SlowCreation),
        new("early-poll", "The first status poll arrives before the creation.", EarlyPoll),
        new("parallel-polls", "Sixteen status polls at once.", ParallelPolls),
        new("unknown-id", "Status, apply and cancel of a request that was never created.", UnknownId),
        new("apply-early", "Someone who may bypass approvals applies an undecided change.", ApplyEarly),
        new(
            "cancel-late",
            "The request is deleted after it was approved.",
            p => AfterApproval(p, _ => OnceApproved.Cancel)
        ),
        new("race", "Apply and cancel at the same time, before a decision and after an approval.", Race),
        new("repeats", "Apply and cancel repeatedly, and one after the other.", Repeats),
        new(
            "only-looking",
            "Some requests are polled and opened in a browser, others aren't: looking must not decide.",
            OnlyLooking
        ),
        // With which configuration.
        new(
            "wrong-key",
            "No key, an empty one, a shortened one, a wrong one: 401 for every call, and nothing happens.",
            WrongKey
        ),
        new("trailing-slash", "The base URL ends with a slash, so every path begins with two.", TrailingSlash),
        new("review-page", "The page that LaunchDarkly links to, opened in a browser without a key.", ReviewPage),
    ];

    /// <summary>Needs a second key, and is played whenever there is one.</summary>
    public static readonly Case RotatedKey = new(
        "rotated-key",
        "Created with one key, polled and applied with another.",
        PlayRotatedKey
    );

    private static readonly string[] HostileTexts =
    [
        "<script>alert(document.domain)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'; DROP TABLE requests; --",
        "line one\r\nline two\n\n\ttabbed \\ backslash \\n",
        "\"quoted\" and 'quoted' and `quoted` = {{this}} {{{that}}} ${x}",
        "R&amp;D &lt;b&gt; &#39;kept&#39;",
        "🚀 ünïcödé 日本語 👩‍👩‍👧‍👦 \u202Eright-to-left\u202C \u200Bzero",
        "..%2f..%2fetc/passwd\u0001\u007f",
        "https://example.com/?a=1&b=<2>#frag",
        string.Concat(Enumerable.Repeat("a very long line without an end ", 600)),
    ];

    // --- The usual ---

    private static async Task Members(Play play)
    {
        var (at, contract) = (play.Application, play.Application.Contract);
        if (contract.Members is null)
            return;
        var answer = await at.Send(contract.Members, "", null, play.Cancelled);
        if (play.IsFault(answer, null))
            return;
        if (!answer.IsGood)
        {
            play.Find(Rule.MembersOff, null, answer.ToString());
            return;
        }
        if (!play.IsJson(answer, null, out var json))
            return;
        if (contract.MemberReader.Members.Evaluate(json) is not { ValueKind: JsonValueKind.Array } members)
        {
            play.Find(Rule.MembersShape, null, answer.ToString());
            return;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in members.EnumerateArray())
        {
            var (name, email) = (contract.MemberReader.Name.TextIn(member), contract.MemberReader.Email.TextIn(member));
            if (string.IsNullOrWhiteSpace(name))
                play.Find(Rule.MemberNameless, null, member.GetRawText());
            else if (!seen.Add(name))
                play.Find(Rule.MemberDuplicate, null, $"Two members are called {name}");
            if (string.IsNullOrWhiteSpace(email))
                play.Find(Rule.MemberWithoutEmail, null, member.GetRawText());
        }
    }

    private static Task Ordinary(Play play) =>
        play.Plan.Every is { } every
            ? Trickle(play, every)
            : play.Each(async i =>
            {
                if (await play.Create(play.NextChange()) is not { } ticket)
                    return;
                await play.PollInBurst(ticket);
                if (i % 5 == 4 && ticket.Review == ReviewStatus.NeedsReview)
                    await play.Delete(ticket, play.Cancelled);
                play.Watch(ticket);
            });

    /// <summary>One now and then, for as long as it runs.</summary>
    private static async Task Trickle(Play play, TimeSpan every)
    {
        for (var i = 0; i < play.Plan.Requests; i++)
        {
            while (i >= play.Plan.Trickle.AtFirst)
            {
                await Task.Delay(every, play.Cancelled);
                if (play.OpenRequests < play.Plan.Trickle.MaxOpen)
                    break;
            }
            if (await play.Create(play.NextChange()) is not { } ticket)
                continue;
            await play.PollInBurst(ticket);
            play.Watch(ticket);
        }
    }

    // --- What is in the body ---

    private delegate ProposedChange Shape(ProposedChange change, int number);

    private static Func<Play, Task> Shaped(Shape shape) => ShapedAs(null, shape);

    private static Func<Play, Task> ShapedAs(Generation? generation, Shape shape) =>
        play =>
            play.Each(async i =>
            {
                var at = generation is { } other
                    ? play.Application.With(otherBody: new BuiltInBody(play.Plan.Escaping, other).Render)
                    : play.Application;
                if (await play.Create(shape(play.NextChange(), i), at) is not { } ticket)
                    return;
                await play.PollInBurst(ticket);
                play.Watch(ticket);
            });

    private static ProposedChange Missing(ProposedChange change, int number) =>
        (number % 7) switch
        {
            0 => change with { Details = null },
            1 => change with { Details = "", Comment = "" },
            2 => change with
            {
                Project = change.Project with { Tags = [] },
                Environment = change.Environment with { Tags = [] },
                Flag = change.Flag with { Tags = [] },
            },
            3 => change with { Environment = Resource.None },
            4 => change with { Flag = Resource.None },
            5 => change with { Form = [] },
            _ => change with
            {
                Details = null,
                Comment = "",
                ShortDescription = "",
                Project = change.Project with { Tags = [] },
                Environment = Resource.None,
                Flag = Resource.None,
                Form = [],
            },
        };

    private static ProposedChange OddForm(ProposedChange change, int number) =>
        change with
        {
            Form =
            [
                ProposedChange.Field("empty", ""),
                ProposedChange.Field("flagged", "true"),
                ProposedChange.Field("count", number.ToString(System.Globalization.CultureInfo.InvariantCulture)),
                ProposedChange.Field("we\"ird'k<e>y&", "v"),
                ProposedChange.Field("_id", "not an id"),
                ProposedChange.Field("status", "approved"),
                ProposedChange.Field("Größe", "5 \"Zoll\""),
            ],
        };

    private static ProposedChange Hostile(ProposedChange change, int number)
    {
        string Text(int n) => HostileTexts[(number + n) % HostileTexts.Length];
        return change with
        {
            Project = change.Project with { Name = Text(1) },
            Environment = change.Environment with { Name = Text(2) },
            Flag = change.Flag with { Name = Text(3) },
            ShortDescription = Text(4),
            Comment = Text(5),
            Details = $"Created approval request: {Text(5)}\nRequested change is:\n{Text(6)}",
            Form = [ProposedChange.Field("text", Text(7)), ProposedChange.Field("other", Text(8))],
        };
    }

    private static Task Huge(Play play) =>
        play.Each(async _ =>
        {
            if (
                await play.Create(
                    play.NextChange() with
                    {
                        Details = new string('x', HugeDetails),
                    },
                    maybeTooLarge: true
                )
                is not { } ticket
            )
            {
                return;
            }
            await play.PollInBurst(ticket);
            play.Watch(ticket);
        });

    private static Task Shuffled(Play play) =>
        play.Each(async _ =>
        {
            var change = play.NextChange() with
            {
                Form =
                [
                    .. "alpha beta gamma delta epsilon"
                        .Split(' ')
                        .Select(k => ProposedChange.Field(k, k.ToUpperInvariant())),
                ],
            };
            if (await play.Create(change) is not { } ticket)
                return;
            for (var turn = 1; turn < change.Form.Count; turn++)
            {
                var (contract, turned) = (
                    ticket.Application.Contract,
                    change with
                    {
                        Form = [.. change.Form.Skip(turn), .. change.Form.Take(turn)],
                    }
                );
                play.HearCreation(
                    ticket,
                    await ticket.Application.Send(contract.Create, "", contract.Body(turned), play.Cancelled),
                    Rule.RepeatReset
                );
            }
            await play.PollInBurst(ticket);
            play.Watch(ticket);
        });

    private static Task Broken(Play play) =>
        play.Each(async i =>
        {
            var change = play.NextChange();
            var whole = play.Application.Contract.Body(change);
            string[] bodies =
            [
                whole[..(whole.Length / 2)],
                "",
                "{",
                "[]",
                "null",
                "\"text\"",
                whole + "}",
                whole.Replace("\"shortDescription\"", "shortDescription", StringComparison.Ordinal),
                "{\"comment\": \"no id at all\"}",
                "<html><body>not even JSON</body></html>",
                whole.Replace(change.Comment, @"say \&quot;yes\&quot;", StringComparison.Ordinal),
            ];
            await play.CreateBroken(change.Id, bodies[i % bodies.Length], play.Application);
        });

    // --- In which order and how often ---

    private static Task Duplicates(Play play) =>
        play.Each(async i =>
        {
            var ticket = new ApprovalTicket(play.NextChange(), "duplicates", play.Application);
            var contract = ticket.Application.Contract;
            var body = contract.Body(ticket.Change);
            var first = await Task.WhenAll(
                Enumerable
                    .Range(0, i % 2 == 0 ? 1 : CopiesAtOnce)
                    .Select(_ => ticket.Application.Send(contract.Create, "", body, play.Cancelled))
            );
            var heard = 0;
            foreach (var answer in first)
                heard += play.HearCreation(ticket, answer, Rule.RepeatReset) ? 1 : 0;
            if (heard == 0)
                return;
            await play.CreateAgain(ticket, play.Cancelled);
            await play.PollInBurst(ticket);
            play.Watch(ticket, OnceApproved.CreateAgain);
        });

    private static Task Edited(Play play) =>
        play.Each(async _ =>
        {
            if (await play.Create(play.NextChange()) is not { } ticket)
                return;
            var (before, contract) = (ticket.Review, ticket.Application.Contract);
            var other = ticket.Change with
            {
                Comment = ticket.Change.Comment + " And one thing more.",
                Details = ticket.Change.Details + "\nAnd turn off the old one",
            };
            var answer = await ticket.Application.Send(contract.Create, "", contract.Body(other), play.Cancelled);
            // Taking it as a new revision is as good as refusing it; only an approval must not pass to
            // content that was not reviewed.
            if (
                !play.IsFault(answer, ticket.Change.Id)
                && answer.IsGood
                && Play.Read(answer, ticket.Application) is { } heard
            )
            {
                ticket.ForgetDecision();
                if (before == ReviewStatus.Approved && heard.Review == ReviewStatus.Approved)
                    play.Find(Rule.ApprovalCarriedOver, ticket.Change.Id, answer.ToString());
            }
            await play.PollInBurst(ticket);
            play.Watch(ticket);
        });

    private static Task SlowCreation(Play play) =>
        play.Each(async i =>
        {
            var change = play.NextChange();
            var contract = play.Application.Contract;
            await play.Application.Send(
                contract.Create,
                "",
                contract.Body(change),
                play.Cancelled,
                giveUp: TimeSpan.FromMilliseconds(1 + (i % 4))
            );
            if (i % 3 == 2 || await play.Create(change) is not { } ticket)
                return;
            await play.PollInBurst(ticket);
            play.Watch(ticket);
        });

    private static Task EarlyPoll(Play play) =>
        play.Each(async _ =>
        {
            var change = play.NextChange();
            var created = play.Create(change);
            var early = await play.Application.Send(play.Application.Contract.Status, change.Id, null, play.Cancelled);
            var ticket = await created;
            if (play.IsFault(early, change.Id) || ticket is null)
                return;
            if (Play.Read(early, play.Application) is { } heard && ticket.Hear(heard, early) is { } broken)
                play.Find(broken, change.Id, early.ToString());
            await play.PollInBurst(ticket);
            play.Watch(ticket);
        });

    private static Task ParallelPolls(Play play) =>
        play.Each(async _ =>
        {
            if (await play.Create(play.NextChange()) is not { } ticket)
                return;
            await play.PollAtOnce(ticket, Parallel);
            play.Watch(ticket);
        });

    private static Task UnknownId(Play play) =>
        play.Each(async i =>
        {
            var (at, contract, id) = (play.Application, play.Application.Contract, ProposedChange.NewId());
            foreach (
                var call in new[] { contract.Status, contract.Apply, contract.Status, contract.Cancel, contract.Status }
            )
            {
                var answer = await at.Send(call, id, null, play.Cancelled);
                if (play.IsFault(answer, id))
                    continue;
                if (Play.Read(answer, at) is { Review: not ReviewStatus.NeedsReview } heard)
                {
                    play.Find(
                        Rule.UnknownDecided,
                        id,
                        $"LaunchDarkly believes {ApprovalTicket.Words(heard.Review)}: {answer}"
                    );
                }
                else if (call == contract.Status && answer.IsGood)
                {
                    play.Find(Rule.UnknownAnswered, id, answer.ToString());
                }
                else if (call == contract.Cancel && !answer.IsGood)
                {
                    play.Find(Rule.CancelUnknownRefused, id, answer.ToString());
                }
            }
        });

    private static async Task ApplyEarly(Play play)
    {
        await play.Each(async i =>
        {
            if (await play.Create(play.NextChange()) is not { } ticket)
                return;
            var undecided = ticket.Review == ReviewStatus.NeedsReview;
            await play.Apply(ticket, play.Cancelled);
            await play.PollInBurst(ticket);
            if (undecided)
                play.Tally(ticket.Review == ReviewStatus.Approved);
            play.Watch(ticket);
        });
        play.FindIfAlways(Rule.MadeApproved, "Applied without a decision, then called approved");
    }

    private static Task AfterApproval(Play play, Func<int, OnceApproved> then) =>
        play.Each(async i =>
        {
            if (await play.Create(play.NextChange()) is not { } ticket)
                return;
            await play.PollInBurst(ticket);
            play.Watch(ticket, then(i));
        });

    private static Task Race(Play play) =>
        play.Each(async i =>
        {
            if (await play.Create(play.NextChange()) is not { } ticket)
                return;
            if (i % 2 == 0)
                await ApplyAndCancelAtOnce(play, ticket, play.Cancelled);
            play.Watch(ticket, OnceApproved.ApplyAndCancelAtOnce);
        });

    /// <summary>Either may come first; both must be answered, and afterwards there is one truth.</summary>
    internal static async Task ApplyAndCancelAtOnce(Play play, ApprovalTicket ticket, CancellationToken stop)
    {
        var (at, contract) = (ticket.Application, ticket.Application.Contract);
        ticket.MarkDeleted();
        var answers = await Task.WhenAll(
            at.Send(contract.Apply, ticket.ExternalId, null, stop),
            at.Send(contract.Cancel, ticket.ExternalId, null, stop)
        );
        play.HearAnswer(ticket, answers[0], Rule.ApplyRefused);
        play.HearAnswer(ticket, answers[1], Rule.CancelRefused);
        play.Tell(ticket);
    }

    private static async Task Repeats(Play play)
    {
        await play.Each(async i =>
        {
            if (await play.Create(play.NextChange()) is not { } ticket)
                return;
            if (i % 2 == 0)
            {
                play.Watch(ticket, OnceApproved.ApplyTwice);
                return;
            }
            var undecided = ticket.Review == ReviewStatus.NeedsReview;
            await play.Delete(ticket, play.Cancelled);
            await play.Delete(ticket, play.Cancelled);
            await play.Apply(ticket, play.Cancelled);
            await play.Delete(ticket, play.Cancelled);
            if (undecided)
                play.Tally(ticket.Review == ReviewStatus.Approved);
            play.Watch(ticket);
        });
        play.FindIfAlways(Rule.MadeApproved, "Cancelled and applied without a decision, then called approved");
    }

    /// <summary>
    /// Pairs: one request is polled and its page opened, the other is not. Both are then asked for by sending their
    /// creation again, which looks at nothing. People who decide in these moments decide now this one, now that one.
    /// </summary>
    private static async Task OnlyLooking(Play play)
    {
        await play.Each(async _ =>
        {
            if (
                await play.Create(play.NextChange()) is not { } alone
                || await play.Create(play.NextChange()) is not { } watched
            )
            {
                return;
            }
            if (alone.Review != ReviewStatus.NeedsReview || watched.Review != ReviewStatus.NeedsReview)
                return;
            await play.PollInBurst(watched);
            await play.Application.OpenReviewPage(watched.ExternalId, play.Cancelled);
            await play.CreateAgain(watched, play.Cancelled);
            await play.CreateAgain(alone, play.Cancelled);
            play.Tally(watched.Review != ReviewStatus.NeedsReview && alone.Review == ReviewStatus.NeedsReview);
            play.Watch(alone);
            play.Watch(watched);
        });
        play.FindIfAlways(Rule.GetDecides, "Decided after being looked at, while its twin was not");
    }

    // --- With which configuration ---

    private static Task WrongKey(Play play) =>
        play.Each(async i =>
        {
            if (await play.Create(play.NextChange()) is not { } ticket)
                return;
            var (contract, before) = (play.Application.Contract, ticket.Review);
            // Reports end up in logs: the key's words stand for it, and no part of it is shown.
            var (key, what) = (i % 4) switch
            {
                0 => ("", "no key"),
                1 => (play.Plan.Key[..(play.Plan.Key.Length / 2)], "half of the key"),
                2 => (play.Plan.Key + "x", "the key and one letter more"),
                _ => ("wrong-key", "a wrong key"),
            };
            var stranger = play.Application.With(otherKey: key);
            Call[] calls =
            [
                contract.Status,
                contract.Apply,
                contract.Cancel,
                .. contract.Members is { } members ? new[] { members } : [],
            ];
            foreach (var call in calls)
                Refused(await stranger.Send(call, ticket.ExternalId, null, play.Cancelled), ticket.Change.Id);
            var other = play.NextChange();
            Refused(await stranger.Send(contract.Create, "", contract.Body(other), play.Cancelled), other.Id);
            await play.Poll(ticket, play.Cancelled);
            play.Watch(ticket);

            void Refused(Answer answer, string id)
            {
                // Wrong keys may also be slowed down, which must not hinder the right one.
                if (answer.Status is 401 or 429 || play.IsFault(answer, id))
                    return;
                play.Find(answer.IsGood ? Rule.WrongKeyAccepted : Rule.WrongKeyNot401, id, $"With {what}: {answer}");
            }
        });

    private static Task PlayRotatedKey(Play play) =>
        play.Each(async _ =>
        {
            if (await play.Create(play.NextChange()) is not { } ticket)
                return;
            ticket.Application = play.Application.With(otherKey: play.Plan.RotatedKey);
            var answer = await ticket.Application.Send(
                ticket.Application.Contract.Status,
                ticket.ExternalId,
                null,
                play.Cancelled
            );
            if (answer.Status is 401 or 403 or 404)
                play.Find(Rule.RotatedKeyRefused, ticket.Change.Id, answer.ToString());
            else
                play.HearAnswer(ticket, answer, Rule.StatusRefused);
            play.Watch(ticket);
        });

    private static async Task TrailingSlash(Play play)
    {
        var at = play.Application.With(
            otherUrl: play.Application.BaseUrl.EndsWith('/') ? play.Application.BaseUrl : play.Application.BaseUrl + "/"
        );
        await play.Each(async i =>
        {
            if (await play.Create(play.NextChange(), at) is not { } ticket)
                return;
            await play.PollInBurst(ticket);
            if (i % 2 == 0)
                await play.Delete(ticket, play.Cancelled);
            play.Watch(ticket, OnceApproved.Apply);
        });
    }

    private static Task ReviewPage(Play play) =>
        play.Each(async _ =>
        {
            if (await play.Create(play.NextChange()) is not { } ticket)
                return;
            var page = await play.Application.OpenReviewPage(ticket.ExternalId, play.Cancelled);
            if (!play.IsFault(page, ticket.Change.Id))
            {
                if (page.Status is 401 or 403 && !page.MediaType.Contains("html", StringComparison.OrdinalIgnoreCase))
                    play.Find(Rule.PageNeedsKey, ticket.Change.Id, page.ToString());
                else if (page.Status is not (>= 200 and < 400 or 401 or 403))
                    play.Find(Rule.PageMissing, ticket.Change.Id, page.ToString());
            }
            play.Watch(ticket);
        });
}
