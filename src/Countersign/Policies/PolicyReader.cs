using System.Globalization;
using Countersign.Configuration;

namespace Countersign.Policies;

/// <summary>
/// Turns the tree of a file into policies, and notes every mistake on the way instead of stopping at the first.
/// </summary>
internal sealed class PolicyReader(List<PolicyProblem> problems)
{
    /// <summary>
    /// So many mistakes, and as many warnings, are named; a file has no more that are not the same one again.
    /// </summary>
    private const int MaxOfAKind = 100;

    private int _mistakes;
    private int _warnings;

    private static readonly string[] Answers = ["approve", "reject", "abstain"];
    private static readonly string[] Deciders = ["steps", "auto", "destination"];
    private string _policy = "";

    public PolicyFile? Read(YamlNode root)
    {
        var file = Members(root, "", ["version", "policies"]);
        if (file is null)
            return null;
        var format = 0;
        if (!file.TryGetValue("version", out var version))
        {
            Add(root, "missing", "version", "The file has no version.", "Start with: version: 1");
        }
        else if (
            version.Kind != YamlKind.Text
            || !int.TryParse(version.Text, NumberStyles.None, CultureInfo.InvariantCulture, out format)
            || format != 1
        )
        {
            Add(version, "value", "version", "This version is unknown.", "Write: version: 1");
        }
        if (!file.TryGetValue("policies", out var list))
        {
            Add(root, "missing", "policies", "The file has no policies.", "Write: policies: []");
            return null;
        }
        if (Items(list, "policies", PolicyFile.MaxRules) is not { } items)
            return null;
        var rules = new List<PolicyRule>();
        var names = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        PolicyRule? matchesAll = null;
        foreach (var (item, at) in items.Select((item, i) => (item, $"policies[{i}]")))
        {
            _policy = "";
            if (Rule(item, at) is not { } rule)
                continue;
            if (!names.TryAdd(rule.Name, item.Line))
            {
                Add(
                    item,
                    "duplicate-name",
                    at,
                    $"Line {names[rule.Name]} already has a policy with this name.",
                    "Give each policy a unique name."
                );
            }
            if (matchesAll is not null)
            {
                Add(
                    item,
                    "unreachable",
                    at,
                    $"It never applies: \"{matchesAll.Name}\" on line {matchesAll.Line} matches everything.",
                    "Move it before that one, or add a condition to that one.",
                    isWarning: true
                );
            }
            if (rule.When.Count == 0)
                matchesAll ??= rule;
            rules.Add(rule);
        }
        return new PolicyFile(format, rules);
    }

    private PolicyRule? Rule(YamlNode node, string at)
    {
        var name = node.Kind == YamlKind.Map ? node.Members.Find(m => m.Key.Text == "name").Value : null;
        _policy = name is { Kind: YamlKind.Text } ? name.Text : "";
        if (
            Members(
                node,
                at,
                [
                    "name",
                    "when",
                    "steps",
                    "self_approval",
                    "rejection",
                    "note_required",
                    "remind",
                    "escalate",
                    "expire",
                    "mail_decisions",
                    "break_glass",
                    "auto",
                    "destination",
                    "unknown_requester",
                    "claimed_requester",
                    "grant",
                ]
            )
            is not { } members
        )
        {
            return null;
        }
        if (name is null)
        {
            Add(
                node,
                "missing",
                $"{at}.name",
                "The policy has no name.",
                "Add one that people understand on a request: name: production"
            );
        }
        var rule = new PolicyRule(
            name is null ? "" : Words(name, $"{at}.name", PolicyFile.MaxName),
            node.Line,
            members.TryGetValue("when", out var when) ? When(when, $"{at}.when") : []
        )
        {
            Steps = members.TryGetValue("steps", out var steps) ? Steps(steps, $"{at}.steps") : [],
            AllowsSelfApproval = Choice(members, at, "self_approval", "forbid", "allow") == "allow",
            Rejection = Choice(members, at, "rejection", "any", "never") == "never" ? Rejection.Never : Rejection.Any,
            NoteRequired = members.TryGetValue("note_required", out var notes)
                ? Notes(notes, $"{at}.note_required")
                : null,
            Remind = members.TryGetValue("remind", out var remind) ? Remind(remind, $"{at}.remind") : null,
            Escalate = members.TryGetValue("escalate", out var escalate) ? Escalate(escalate, $"{at}.escalate") : null,
            Expire = members.TryGetValue("expire", out var expire) ? Expire(expire, $"{at}.expire") : null,
            GrantExpires = members.TryGetValue("grant", out var grant) ? Grant(grant, $"{at}.grant") : null,
            AllowsMailDecisions = Choice(members, at, "mail_decisions", "forbid", "allow") == "allow",
            ForbidsBreakGlass = Choice(members, at, "break_glass", "allow", "forbid") == "forbid",
            Auto = members.TryGetValue("auto", out var auto) ? Auto(auto, $"{at}.auto") : null,
            Destination = members.TryGetValue("destination", out var destination)
                ? Words(destination, $"{at}.destination", PolicyFile.MaxName)
                : null,
            UnknownRequester = Rule(
                members,
                at,
                "unknown_requester",
                RequesterRules.UnknownOf,
                "one_more, refuse or allow"
            ),
            ClaimedRequester = Rule(members, at, "claimed_requester", RequesterRules.ClaimedOf, "accept or one_more"),
        };
        CheckDecider(node, at, members);
        return rule;
    }

    /// <summary>Exactly one of steps, auto and destination decides; terms about people need steps.</summary>
    private void CheckDecider(YamlNode node, string at, Dictionary<string, YamlNode> members)
    {
        string[] deciders = [.. Deciders.Where(members.ContainsKey)];
        if (deciders.Length == 0)
            Add(node, "missing", at, "It doesn't say who decides.", "Add steps, destination or auto.");
        if (deciders.Length > 1)
        {
            Add(
                members[deciders[1]],
                "value",
                at,
                $"It can't have both {deciders[0]} and {deciders[1]}.",
                "Keep the one that decides."
            );
        }
        if (deciders is ["auto"] or ["destination"])
        {
            string[] ofPeople = deciders is ["auto"]
                ?
                [
                    "self_approval",
                    "rejection",
                    "note_required",
                    "remind",
                    "escalate",
                    "expire",
                    "mail_decisions",
                    "break_glass",
                ]
                : ["self_approval", "rejection", "note_required", "remind", "escalate", "mail_decisions"];
            foreach (var idle in ofPeople.Append("claimed_requester").Where(members.ContainsKey))
            {
                Add(members[idle], "value", $"{at}.{idle}", $"It has no effect with {deciders[0]}.", "Remove it.");
            }
        }
        CheckRequester(at, members, deciders);
    }

    /// <summary>
    /// Where no one here is asked, there is nobody who could be one more; and who may approve their own request needs
    /// no one else.
    /// </summary>
    private void CheckRequester(string at, Dictionary<string, YamlNode> members, string[] deciders)
    {
        if (
            deciders is ["auto"] or ["destination"]
            && members.TryGetValue("unknown_requester", out var unknown)
            && unknown.Text == "one_more"
        )
        {
            Add(
                unknown,
                "value",
                $"{at}.unknown_requester",
                $"With {deciders[0]} no reviewer decides, so there can't be one more.",
                "Write refuse or allow."
            );
        }
        if (members.TryGetValue("self_approval", out var self) && self.Text == "allow")
        {
            foreach (var key in new[] { "unknown_requester", "claimed_requester" })
            {
                if (members.TryGetValue(key, out var rule) && rule.Text == "one_more")
                {
                    Add(
                        rule,
                        "value",
                        $"{at}.{key}",
                        "It has no effect if requesters can approve their own requests.",
                        "Remove it, or forbid self_approval.",
                        isWarning: true
                    );
                }
            }
        }
    }

    private List<Condition> When(YamlNode node, string at)
    {
        var conditions = new List<Condition>();
        foreach (var (key, value) in Members(node, at, null) ?? [])
        {
            var place = $"{at}.{key}";
            if (!Condition.Known.Contains(key) && !IsNamed(key, Condition.Form) && !IsNamed(key, Condition.Facts))
            {
                Add(
                    _mistakes < MaxOfAKind ? node.Members.First(m => m.Key.Text == key).Key : node,
                    "unknown-key",
                    place,
                    "A policy has no such condition.",
                    $"{Suggestion(key, [.. Condition.Known])}Known are {string.Join(", ", Condition.Known)}, "
                        + "form.NAME, and facts.NAME for any other fact."
                );
                continue;
            }
            var values = value.Kind == YamlKind.List ? Items(value, place, PolicyFile.MaxNames) ?? [] : [value];
            if (value.Kind == YamlKind.List && values.Count == 0)
            {
                Add(
                    value,
                    "value",
                    place,
                    "An empty list matches nothing, so the policy never applies.",
                    "Add a value, or remove the key."
                );
            }
            conditions.Add(
                new Condition(
                    key,
                    [.. values.Select((v, i) => Pattern(v, value.Kind == YamlKind.List ? $"{place}[{i}]" : place, key))]
                )
            );
        }
        return conditions;

        static bool IsNamed(string key, string prefix) =>
            key.StartsWith(prefix, StringComparison.Ordinal) && key.Length > prefix.Length;
    }

    private string Pattern(YamlNode node, string at, string key)
    {
        if (!node.IsNothing)
        {
            var pattern = Words(node, at, PolicyFile.MaxName, mayBeEmpty: true);
            if (ChangeFacts.IsNumber(key) && NumberPattern.Read(pattern) is null && pattern.AsSpan().Trim() is not "*")
            {
                Add(
                    node,
                    "value",
                    at,
                    $"{key} is a number.",
                    "Write a number such as 10, or a comparison in quotes: \">10\", \">=10\", \"<10\" or \"<=10\"."
                );
            }
            return pattern;
        }
        Add(node, "value", at, "There is no value here.", "Add one. Put the texts ~ and null in quotes: \"~\"");
        return "";
    }

    private List<StepRule> Steps(YamlNode node, string at)
    {
        var steps = new List<StepRule>();
        if (Items(node, at, PolicyFile.MaxSteps) is not { } items)
            return steps;
        if (items.Count == 0)
            Add(node, "value", at, "There are no steps.", "Add a step with need and from.");
        foreach (var (item, i) in items.Select((item, i) => (item, i)))
        {
            var place = $"{at}[{i}]";
            if (Members(item, place, ["name", "need", "from"]) is not { } members)
                continue;
            var need = members.TryGetValue("need", out var count) ? Need(count, $"{place}.need") : 1;
            if (!members.TryGetValue("from", out var from))
            {
                Add(
                    item,
                    "missing",
                    $"{place}.from",
                    "The step doesn't say who can decide in it.",
                    "Write: from: { groups: [NAME], people: [ADDRESS] }"
                );
                continue;
            }
            var pool = Pool(from, $"{place}.from");
            var name = members.TryGetValue("name", out var given)
                ? Words(given, $"{place}.name", PolicyFile.MaxName)
                : pool.Groups.Concat(pool.People).FirstOrDefault()?.Name ?? $"step {i + 1}";
            if (steps.Exists(s => string.Equals(s.Name, name, StringComparison.OrdinalIgnoreCase)))
            {
                Add(
                    item,
                    "duplicate-name",
                    $"{place}.name",
                    "Another step of this policy has the same name.",
                    "Give each step a unique name."
                );
            }
            if (pool.Groups.Count == 0 && need > pool.People.Count && pool.People.Count > 0)
            {
                Add(
                    count ?? item,
                    "value",
                    $"{place}.need",
                    $"It needs {need} approvals but only names {pool.People.Count}.",
                    "Name more people, or require fewer approvals."
                );
            }
            steps.Add(new StepRule(name, need, pool));
        }
        return steps;
    }

    private int? Need(YamlNode node, string at)
    {
        if (node is { Kind: YamlKind.Text, Text: "all" })
            return null;
        if (
            node.Kind == YamlKind.Text
            && int.TryParse(node.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var need)
            && need is > 0 and <= 1000
        )
        {
            return need;
        }
        Add(node, "value", at, "This isn't a number of people.", "Use a whole number from 1 to 1000, or: all");
        return 1;
    }

    private PoolRule Pool(YamlNode node, string at)
    {
        var members = Members(node, at, ["groups", "people"]) ?? [];
        var pool = new PoolRule(
            members.TryGetValue("groups", out var groups) ? Named(groups, $"{at}.groups", isAddress: false) : [],
            members.TryGetValue("people", out var people) ? Named(people, $"{at}.people", isAddress: true) : []
        );
        if (pool.Groups.Count + pool.People.Count == 0 && node.Kind == YamlKind.Map)
        {
            Add(node, "missing", at, "It names no one.", "Name groups or people: { groups: [NAME], people: [EMAIL] }");
        }
        return pool;
    }

    private List<NamedOnLine> Named(YamlNode node, string at, bool isAddress)
    {
        var named = new List<NamedOnLine>();
        foreach (
            var (item, i) in (node.Kind == YamlKind.Text ? [node] : Items(node, at, PolicyFile.MaxNames) ?? []).Select(
                (item, i) => (item, i)
            )
        )
        {
            var name = Words(item, $"{at}[{i}]", PolicyFile.MaxName);
            if (name.Length == 0)
                continue;
            if (isAddress && !name.Contains('@', StringComparison.Ordinal))
            {
                Add(
                    item,
                    "value",
                    $"{at}[{i}]",
                    "This isn't an email address.",
                    "Name people by their emails: ann@example.com"
                );
            }
            if (named.Exists(n => string.Equals(n.Name, name, StringComparison.OrdinalIgnoreCase)))
                Add(item, "value", $"{at}[{i}]", "It's named twice here.", "Name it once.");
            else
                named.Add(new NamedOnLine(name, item.Line, item.Column));
        }
        return named;
    }

    private List<string> Notes(YamlNode node, string at)
    {
        var notes = new List<string>();
        foreach (var item in node.Kind == YamlKind.Text ? [node] : Items(node, at, Answers.Length) ?? [])
        {
            if (item.Kind == YamlKind.Text && Answers.Contains(item.Text))
            {
                notes.Add(item.Text);
            }
            else
            {
                Add(item, "value", at, "This isn't a decision.", $"Choose from {string.Join(", ", Answers)}.");
            }
        }
        return [.. Answers.Where(notes.Contains)];
    }

    private Reminders? Remind(YamlNode node, string at) =>
        Members(node, at, ["after", "every"]) is { } members && Time(node, members, at, "after") is { } after
            ? new Reminders(
                after,
                members.ContainsKey("every")
                    ? Time(node, members, at, "every") is { } every
                        ? AtLeastAMinute(members["every"], at, every)
                        : null
                    : null
            )
            : null;

    /// <summary>More often than that is a flood and not a reminder.</summary>
    private TimeSpan AtLeastAMinute(YamlNode node, string at, TimeSpan every)
    {
        if (every < TimeSpan.FromMinutes(1))
        {
            Add(
                node,
                "value",
                $"{at}.every",
                "Reminders can't be more frequent than once a minute.",
                "Use 1m or longer."
            );
        }
        return every;
    }

    private (TimeSpan, PoolRule)? Escalate(YamlNode node, string at)
    {
        if (Members(node, at, ["after", "to"]) is not { } members)
            return null;
        if (!members.TryGetValue("to", out var to))
        {
            Add(node, "missing", $"{at}.to", "It doesn't say to whom.", "Write: to: { groups: [NAME] }");
            return null;
        }
        var pool = Pool(to, $"{at}.to");
        return Time(node, members, at, "after") is { } after ? (after, pool) : null;
    }

    private Expiry? Expire(YamlNode node, string at) =>
        Members(node, at, ["after", "as"]) is { } members && Time(node, members, at, "after") is { } after
            ? new Expiry(after, Choice(members, at, "as", "rejected", "withdrawn") == "withdrawn")
            : null;

    private TimeSpan? Grant(YamlNode node, string at) =>
        Members(node, at, ["expires"]) is { } members ? Time(node, members, at, "expires") : null;

    private AutoAnswer? Auto(YamlNode node, string at)
    {
        if (Members(node, at, ["answer", "because"]) is not { } members)
            return null;
        if (!members.ContainsKey("answer"))
        {
            Add(
                node,
                "missing",
                $"{at}.answer",
                "It doesn't say what the decision is.",
                "Write: answer: approve, or answer: reject"
            );
        }
        var answer = Choice(members, at, "answer", "reject", "approve");
        if (!members.TryGetValue("because", out var because))
        {
            Add(
                node,
                "missing",
                $"{at}.because",
                "It doesn't give a reason.",
                "Write: because: \"no customer sees it\""
            );
            return null;
        }
        return new AutoAnswer(answer == "approve", Words(because, $"{at}.because", PolicyFile.MaxName));
    }

    private TimeSpan? Time(YamlNode node, Dictionary<string, YamlNode> members, string at, string key)
    {
        if (!members.TryGetValue(key, out var value))
        {
            Add(node, "missing", $"{at}.{key}", "It doesn't say when.", $"Write: {key}: 24h");
            return null;
        }
        if (
            value.Kind == YamlKind.Text
            && Durations.Parse(value.Text) is { } span
            && span >= PolicyFile.ShortestTime
            && span <= PolicyFile.MaxTime
        )
        {
            return span;
        }
        Add(
            value,
            "value",
            $"{at}.{key}",
            "This isn't a valid duration.",
            "Use a number and a unit, from 1s to 366d: 30m, 24h, 3d"
        );
        return null;
    }

    /// <summary>One of two words; the first is what is meant when nothing is said.</summary>
    private string Choice(Dictionary<string, YamlNode> members, string at, string key, string usual, string other)
    {
        if (!members.TryGetValue(key, out var node) || (node.Kind == YamlKind.Text && node.Text == usual))
            return usual;
        if (node.Kind == YamlKind.Text && node.Text == other)
            return other;
        Add(node, "value", $"{at}.{key}", "This isn't one of its values.", $"Write {usual} or {other}.");
        return usual;
    }

    /// <summary>A word of a few; null where the file says nothing.</summary>
    private T? Rule<T>(Dictionary<string, YamlNode> members, string at, string key, Func<string, T?> read, string words)
        where T : struct
    {
        if (!members.TryGetValue(key, out var node))
            return null;
        if (node.Kind == YamlKind.Text && read(node.Text) is { } rule)
            return rule;
        Add(node, "value", $"{at}.{key}", "This isn't one of its values.", $"Write {words}.");
        return null;
    }

    private string Words(YamlNode node, string at, int longest, bool mayBeEmpty = false)
    {
        if (node.Kind != YamlKind.Text || node.IsNothing)
        {
            Add(node, "type", at, "This must be a string.", "Put it in quotes if it starts with a special character.");
        }
        else if (
            (node.Text.Length == 0 && !mayBeEmpty)
            || node.Text.Length > longest
            || node.Text.Any(char.IsControl)
            || node.Text.Trim() != node.Text
        )
        {
            Add(
                node,
                "value",
                at,
                "This text is empty, too long, has spaces around it or contains control characters.",
                $"Use one line of 1 to {longest} characters."
            );
        }
        return node.Kind == YamlKind.Text ? node.Text : "";
    }

    private List<YamlNode>? Items(YamlNode node, string at, int most)
    {
        if (node.Kind != YamlKind.List)
        {
            Add(node, "type", at, "This must be a list.", "Write [a, b], or one item per line with a dash before it.");
            return null;
        }
        if (node.Items.Count > most)
        {
            Add(
                node,
                "value",
                at,
                $"There are {node.Items.Count}; at most {most} are allowed.",
                "Use wildcards or groups to write fewer."
            );
        }
        return node.Items.Count > most ? node.Items[..most] : node.Items;
    }

    private Dictionary<string, YamlNode>? Members(YamlNode node, string at, string[]? known)
    {
        if (node.Kind != YamlKind.Map)
        {
            Add(
                node,
                "type",
                at,
                "This must be keys with values.",
                known is null ? "Write: key: value" : $"Known are {string.Join(", ", known)}."
            );
            return null;
        }
        var members = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
        foreach (var (key, value) in node.Members)
        {
            var place = at.Length > 0 ? $"{at}.{key.Text}" : key.Text;
            if (key.Kind != YamlKind.Text)
            {
                Add(key, "type", at, "A key must be a string.", "Check the brackets.");
            }
            else if (known is not null && !known.Contains(key.Text))
            {
                Add(
                    key,
                    "unknown-key",
                    place,
                    "This key is unknown.",
                    $"{Suggestion(key.Text, known)}Known are {string.Join(", ", known)}."
                );
            }
            else if (!members.TryAdd(key.Text, value))
            {
                Add(key, "duplicate-key", place, "This key appears twice.", "Keep one of them.");
            }
        }
        return members;
    }

    private void Add(YamlNode node, string rule, string place, string problem, string fix, bool isWarning = false)
    {
        // Counted apart, since a file is wrong by its mistakes, and they must not be lost among warnings.
        var count = isWarning ? ++_warnings : ++_mistakes;
        if (count > MaxOfAKind + 1)
            return;
        if (count == MaxOfAKind + 1)
        {
            (problem, fix) = (
                $"There are more {(isWarning ? "warnings" : "errors")} than the {MaxOfAKind} listed here.",
                "Fix these first and check again."
            );
        }
        problems.Add(
            new PolicyProblem(
                node.Line,
                node.Column,
                rule,
                _policy.Length > 0 && place.StartsWith("policies[", StringComparison.Ordinal)
                    ? $"{Shortened(place)} of \"{Shortened(_policy)}\""
                    : Shortened(place),
                problem,
                fix,
                isWarning
            )
        );
    }

    private static string Shortened(string text) => text.Length > 200 ? text[..200] + "…" : text;

    /// <summary>The known word that differs by a letter or two.</summary>
    internal static string Suggestion(string word, IReadOnlyList<string> known) =>
        word.Length <= 40
        && known.Select(k => (Word: k, Distance: Distance(word, k))).MinBy(k => k.Distance) is { Distance: <= 2 } near
            ? $"Did you mean {near.Word}? "
            : "";

    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var (diagonal, _) = (row[0], row[0] = i);
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[^1];
    }
}
