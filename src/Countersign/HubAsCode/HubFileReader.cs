using System.Globalization;
using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.HubAsCode;

/// <summary>
/// Reads the file, and notes every mistake with its place instead of stopping at the first. A policy file is such a
/// file too.
/// </summary>
/// <param name="readSecret">The content of the file that stands after an <c>@</c>, or null if it can't be read.</param>
internal sealed class HubFileReader(Func<string, string?> readSecret)
{
    private const int MaxProblems = 100;

    private readonly List<PolicyProblem> _problems = [];

    public (HubFile? File, IReadOnlyList<PolicyProblem> Problems) Read(string text)
    {
        text = text.ReplaceLineEndings("\n");
        if (text.Length > HubFile.MaxSize)
        {
            Wrong(1, 1, "size", "", $"The file is larger than {HubFile.MaxSize / 1024 / 1024} MiB.", "Split it.");
            return (null, _problems);
        }
        var file = Yaml.Read(text, _problems) is { } root ? Hub(root, text) : null;
        var sorted = _problems.OrderBy(p => p.Line).ThenBy(p => p.Column).ToList();
        return (sorted.Exists(p => !p.IsWarning) ? null : file, sorted);
    }

    private HubFile? Hub(YamlNode root, string text)
    {
        if (
            Members(
                root,
                "",
                [
                    HubFile.Version,
                    HubFile.PeopleKey,
                    HubFile.GroupsKey,
                    HubFile.SourcesKey,
                    HubFile.PoliciesKey,
                    HubFile.RequestTypesKey,
                ]
            )
            is not { } parts
        )
        {
            return null;
        }
        if (!parts.TryGetValue(HubFile.Version, out var version))
            Wrong(root, "missing", HubFile.Version, "The file has no version.", "Start with: version: 1");
        else if (version is not { Kind: YamlKind.Text, Text: "1" })
            Wrong(version, "value", HubFile.Version, "This version is unknown.", "Write: version: 1");
        var people = Entries(parts, HubFile.PeopleKey, Person);
        var groups = Entries(parts, HubFile.GroupsKey, Group);
        var sources = Entries(parts, HubFile.SourcesKey, Source);
        Unique(people, p => EmailAddress.KeyOf(p.Email), p => p.Line, HubFile.PeopleKey, "person", p => p.Email);
        Unique(groups, g => PeopleDirectory.KeyOf(g.Name), g => g.Line, HubFile.GroupsKey, "group", g => g.Name);
        Unique(sources, s => PeopleDirectory.KeyOf(s.Name), s => s.Line, HubFile.SourcesKey, "source", s => s.Name);
        return new HubFile
        {
            People = people,
            Groups = groups,
            Sources = sources,
            Policies = parts.TryGetValue(HubFile.PoliciesKey, out var policies) ? Policies(root, policies, text) : null,
            RequestTypes = parts.TryGetValue(HubFile.RequestTypesKey, out var types) ? RequestTypes(types) : null,
        };
    }

    private PersonEntry? Person(YamlNode node, string at)
    {
        if (Members(node, at, ["email", "name", "role", "aliases", "disabled", "password"]) is not { } members)
            return null;
        var email = Text(members, at, "email");
        if (email is null)
        {
            Missing(node, $"{at}.email", "Each person needs an email.", "Write: - email: jane@example.com");
            return null;
        }
        Check(members["email"], $"{at}.email", Names.EmailProblem(email), "Write it like jane@example.com.");
        var name = Text(members, at, "name");
        if (name is not null)
            Check(members["name"], $"{at}.name", Names.Problem(name), "Write the name that people read.");
        var aliases = Texts(members, at, "aliases", Aliases.MaxPerPerson);
        foreach (var alias in aliases ?? [])
        {
            if (Aliases.Problem(alias.Name) is { } problem)
                Wrong(alias.Line, alias.Column, "value", $"{at}.aliases", problem, "Correct or remove it.");
        }
        return new PersonEntry(node.Line, email)
        {
            Name = name,
            Role = Choice<Role?>(members, at, "role", Roles.Of, ["admin", "agent", "end-user"]),
            Aliases = aliases,
            IsDisabled = Flag(members, at, "disabled"),
            Password = Secret(members, at, "password")?.Split('\n')[0],
        };
    }

    private GroupEntry? Group(YamlNode node, string at)
    {
        if (Members(node, at, ["name", "members"]) is not { } members)
            return null;
        if (Text(members, at, "name") is not { } name)
        {
            Missing(node, $"{at}.name", "Each group needs a name.", "Write: - name: SRE");
            return null;
        }
        Check(members["name"], $"{at}.name", Names.Problem(name), "Write the name that policies use.");
        return new GroupEntry(node.Line, name, Texts(members, at, "members", HubFile.MaxEntries));
    }

    private SourceEntry? Source(YamlNode node, string at)
    {
        if (
            Members(
                node,
                at,
                [
                    "name",
                    "kind",
                    "reviewers",
                    "owner",
                    "unknown_requester",
                    "claimed_requester",
                    "requester",
                    "form",
                    "launchdarkly",
                    "gate",
                    "key_expires",
                    "oauth_client",
                    "oauth_subject",
                    "disabled",
                ]
            )
            is not { } members
        )
        {
            return null;
        }
        if (Text(members, at, "name") is not { } name)
        {
            Missing(node, $"{at}.name", "Each source needs a name.", "Write: - name: ld-production");
            return null;
        }
        Check(members["name"], $"{at}.name", Names.Problem(name), "Write the name that policies use.");
        var owner = Text(members, at, "owner");
        return new SourceEntry(node.Line, name)
        {
            Kind = Choice<string>(
                members,
                at,
                "kind",
                word => SourceKinds.All.Contains(word) ? word : null,
                SourceKinds.All
            ),
            Reviewers = members.TryGetValue("reviewers", out var reviewers)
                ? Reviewers(reviewers, $"{at}.reviewers")
                : null,
            Requesters = new SourceRequesterRules(
                Choice<UnknownRequester?>(members, at, "unknown_requester", RequesterRules.UnknownOf, UnknownWords),
                Choice<ClaimedRequester?>(members, at, "claimed_requester", RequesterRules.ClaimedOf, ClaimedWords),
                owner is "none" ? "" : owner,
                Choice<bool?>(members, at, "requester", RequiredOf, ["required", "optional"])
            ),
            Form = members.TryGetValue("form", out var form) ? Form(form, $"{at}.form") : null,
            Connection = members.TryGetValue("launchdarkly", out var connection)
                ? Connection(connection, $"{at}.launchdarkly")
                : null,
            Gate = members.TryGetValue("gate", out var gate) ? Gate(gate, $"{at}.gate") : null,
            KeyExpires = OnLine(members, at, "key_expires"),
            OauthClient = OnLine(members, at, "oauth_client"),
            OauthSubject = Text(members, at, "oauth_subject"),
            IsDisabled = Flag(members, at, "disabled"),
        };
    }

    private static readonly string[] UnknownWords = ["one_more", "refuse", "allow"],
        ClaimedWords = ["accept", "one_more"];

    private static bool? RequiredOf(string word) =>
        word switch
        {
            "required" => true,
            "optional" => false,
            _ => null,
        };

    private SourceReviewers? Reviewers(YamlNode node, string at)
    {
        if (node is { Kind: YamlKind.Text, Text: "admin" })
            return new SourceReviewers(null, null, null, IsOneAdmin: true);
        const string fix = "Write admin, { group: NAME, need: 2 } or { destination: NAME }.";
        if (node.Kind != YamlKind.Map)
        {
            Wrong(node, "value", at, "This doesn't say who decides.", fix);
            return null;
        }
        if (Members(node, at, ["group", "need", "destination"]) is not { } members)
            return null;
        int? need = null;
        if (Text(members, at, "need") is { } number)
        {
            need = int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : 0;
        }
        var reviewers = new SourceReviewers(Text(members, at, "group"), need, Text(members, at, "destination"), false);
        if (reviewers is { Group: null, Destination: null })
            Wrong(node, "missing", at, "This doesn't say who decides.", fix);
        else if (reviewers.Problem is { } problem)
            Wrong(node, "value", $"{at}.{problem.Field}", problem.Why, fix);
        return reviewers;
    }

    private SourceForm? Form(YamlNode node, string at)
    {
        if (Items(node, at, SourceForm.MaxVariables) is not { } items)
            return null;
        var fields = new List<FormVariable>();
        foreach (var (item, i) in items.Select((item, i) => (item, i)))
        {
            var place = $"{at}[{i}]";
            string[] known = ["key", "name", "type", "description", "required", "options", "default"];
            if (Members(item, place, known) is not { } members)
                return null;
            fields.Add(
                new FormVariableInput
                {
                    Key = Text(members, place, "key"),
                    Name = Text(members, place, "name"),
                    Type = Text(members, place, "type"),
                    Description = Text(members, place, "description"),
                    Required = Flag(members, place, "required") ?? false,
                    Options = Texts(members, place, "options", FormVariable.MaxOptions)?.Select(o => o.Name).ToList(),
                    Default = Text(members, place, "default"),
                }.ToVariable()
            );
        }
        var form = new SourceForm(fields);
        if (form.Problem() is { } wrong)
        {
            var there = items[Math.Min(wrong.At, items.Count - 1)];
            Wrong(there, "value", $"{at}[{wrong.At}].{wrong.Member}", wrong.Why, "Correct it.");
        }
        return form;
    }

    private ConnectionChange? Connection(YamlNode node, string at)
    {
        string[] known = ["url", "token", "webhook_secret", "identify", "describe", "apply", "import_members"];
        if (Members(node, at, known) is not { } members)
            return null;
        var change = new ConnectionChange
        {
            BaseUrl = Text(members, at, "url"),
            Token = Secret(members, at, "token")?.Trim(),
            WebhookSecret = Secret(members, at, "webhook_secret")?.Trim(),
            Identify = Flag(members, at, "identify"),
            Describe = Flag(members, at, "describe"),
            Apply = Flag(members, at, "apply"),
            ImportMembers = Flag(members, at, "import_members"),
        };
        if (change.BaseUrl is { } url)
            Check(members["url"], $"{at}.url", ConnectionValues.BaseUrl(url).Problem, "Correct it.");
        if (change.Token is { } token)
            Check(members["token"], $"{at}.token", ConnectionValues.Token(token).Problem, "Correct its file.");
        if (change.WebhookSecret is { } secret)
        {
            Check(
                members["webhook_secret"],
                $"{at}.webhook_secret",
                ConnectionValues.WebhookSecret(secret).Problem,
                "Correct its file."
            );
        }
        return change;
    }

    /// <summary>Which settings there are depends on the kind, which the hub may know and the file not.</summary>
    private List<GateSettingEntry>? Gate(YamlNode node, string at)
    {
        if (node.Kind != YamlKind.Map)
        {
            Wrong(node, "shape", at, "The settings of a gate are a map.", "Write: gate: { server: https://… }");
            return null;
        }
        string[] names = [.. node.Members.Select(m => m.Key.Text)];
        if (Members(node, at, names) is not { } members)
            return null;
        var entries = new List<GateSettingEntry>();
        foreach (var name in names)
        {
            var isFile = Text(members, at, name) is ['@', ..];
            if ((isFile ? Secret(members, at, name)?.Trim() : Text(members, at, name)) is { } value)
                entries.Add(new GateSettingEntry(members[name].Line, name, value, isFile));
        }
        return entries;
    }

    private PoliciesEntry? Policies(YamlNode root, YamlNode list, string text)
    {
        var found = new List<PolicyProblem>();
        var file = new PolicyReader(found).Read(AsPolicyFile(list));
        _problems.AddRange(found);
        if (file is null || found.Exists(p => !p.IsWarning))
            return null;
        var published = PolicyText.Of(root, list, text);
        // What is stored is what servers read, so it has to be right by itself.
        if (PolicyFile.Read(published).Problems.FirstOrDefault(p => !p.IsWarning) is { } wrong)
            Wrong(list, wrong.Rule, HubFile.PoliciesKey, wrong.Problem, wrong.Fix);
        return new PoliciesEntry(list.Line, file, published, list);
    }

    /// <summary>The list as it stands in a policy file of its own.</summary>
    internal static YamlNode AsPolicyFile(YamlNode list)
    {
        var whole = new YamlNode(YamlKind.Map, list.Line, list.Column);
        whole.Members.Add((Plain(HubFile.Version), Plain("1")));
        whole.Members.Add((Plain(HubFile.PoliciesKey), list));
        return whole;
    }

    private static YamlNode Plain(string text) => new(YamlKind.Text, 1, 1) { Text = text, IsPlain = true };

    private IReadOnlyList<RequestType>? RequestTypes(YamlNode list)
    {
        var whole = new YamlNode(YamlKind.Map, list.Line, list.Column);
        whole.Members.Add((Plain(RequestTypeFile.Types), list));
        var (types, problems) = RequestTypeFile.Read(whole);
        foreach (var p in problems)
        {
            var place = p.Place.StartsWith(RequestTypeFile.Types, StringComparison.Ordinal) ? $"request_{p.Place}" : "";
            Wrong(p.Line > 0 ? p.Line : list.Line, Math.Max(1, p.Column), p.Rule, place, p.Problem, "Correct it.");
        }
        return types;
    }

    /// <summary>The content of the file that it names; a secret itself has no place here.</summary>
    private string? Secret(Dictionary<string, YamlNode> members, string at, string name)
    {
        if (Text(members, at, name) is not { } value)
            return null;
        var place = $"{at}.{name}";
        if (value[0] != '@')
        {
            Wrong(
                members[name],
                "secret",
                place,
                "A secret must not be in this file.",
                $"Put it into a file of its own and name that file: {name}: \"@/path/to/file\""
            );
            return null;
        }
        if (readSecret(value[1..]) is not { } secret)
        {
            Wrong(members[name], "secret", place, $"There is no file {value[1..]}.", "Create it, or correct the path.");
            return null;
        }
        return secret;
    }

    private List<T>? Entries<T>(Dictionary<string, YamlNode> parts, string name, Func<YamlNode, string, T?> read)
        where T : class =>
        parts.TryGetValue(name, out var list) && Items(list, name, HubFile.MaxEntries) is { } items
            ? [.. items.Select((item, i) => read(item, $"{name}[{i}]")).OfType<T>()]
            : null;

    private void Unique<T>(
        List<T>? entries,
        Func<T, string> key,
        Func<T, int> line,
        string place,
        string what,
        Func<T, string> name
    )
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in entries ?? [])
        {
            if (seen.TryAdd(key(entry), line(entry)))
                continue;
            Wrong(
                line(entry),
                1,
                "duplicate",
                place,
                $"The {what} {name(entry)} is already on line {seen[key(entry)]}.",
                "Put everything about it into one of the two."
            );
        }
    }

    private T? Choice<T>(
        Dictionary<string, YamlNode> members,
        string at,
        string name,
        Func<string, T?> of,
        IReadOnlyList<string> words
    )
    {
        if (Text(members, at, name) is not { } word)
            return default;
        var chosen = of(word);
        if (chosen is null)
        {
            Wrong(
                members[name],
                "value",
                $"{at}.{name}",
                $"{word} is unknown.",
                $"{PolicyReader.Suggestion(word, words)}Write {string.Join(", ", words.SkipLast(1))} or {words[^1]}."
            );
        }
        return chosen;
    }

    private bool? Flag(Dictionary<string, YamlNode> members, string at, string name) =>
        Choice<bool?>(
            members,
            at,
            name,
            word =>
                word switch
                {
                    "true" => true,
                    "false" => false,
                    _ => null,
                },
            ["true", "false"]
        );

    /// <summary>Null where there is nothing.</summary>
    private string? Text(Dictionary<string, YamlNode> members, string at, string name)
    {
        if (!members.TryGetValue(name, out var node) || node.IsNothing)
            return null;
        if (node.Kind == YamlKind.Text && node.Text.Trim() is { Length: > 0 } text)
            return text;
        Wrong(node, "type", $"{at}.{name}", "This must be a text.", $"Write: {name}: …");
        return null;
    }

    private NamedOnLine? OnLine(Dictionary<string, YamlNode> members, string at, string name) =>
        Text(members, at, name) is { } text ? new NamedOnLine(text, members[name].Line, members[name].Column) : null;

    private List<NamedOnLine>? Texts(Dictionary<string, YamlNode> members, string at, string name, int max)
    {
        if (!members.TryGetValue(name, out var list) || Items(list, $"{at}.{name}", max) is not { } items)
            return null;
        var names = new List<NamedOnLine>();
        foreach (var item in items)
        {
            if (item.Kind == YamlKind.Text && item.Text.Trim() is { Length: > 0 } text)
                names.Add(new NamedOnLine(text, item.Line, item.Column));
            else
                Wrong(item, "type", $"{at}.{name}", "This must be a text.", "Check the brackets and the quotes.");
        }
        return [.. names.DistinctBy(n => PeopleDirectory.KeyOf(n.Name))];
    }

    private List<YamlNode>? Items(YamlNode node, string at, int max)
    {
        if (node.Kind == YamlKind.List && node.Items.Count <= max)
            return node.Items;
        if (node.IsNothing)
            return [];
        if (node.Kind == YamlKind.List)
            Wrong(node, "size", at, $"There are more than {max} entries.", "Remove some.");
        else
            Wrong(node, "type", at, "This must be a list.", "Write each entry on a line that starts with a hyphen.");
        return null;
    }

    private Dictionary<string, YamlNode>? Members(YamlNode node, string at, string[] known)
    {
        if (node.Kind != YamlKind.Map)
        {
            Wrong(node, "type", at, "This must have keys and values.", $"Known are {string.Join(", ", known)}.");
            return null;
        }
        var members = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
        foreach (var (key, value) in node.Members)
        {
            var place = at.Length > 0 ? $"{at}.{key.Text}" : key.Text;
            if (!known.Contains(key.Text))
            {
                Wrong(
                    key,
                    "unknown-key",
                    place,
                    "This key is unknown.",
                    $"{PolicyReader.Suggestion(key.Text, known)}Known are {string.Join(", ", known)}."
                );
            }
            else if (!members.TryAdd(key.Text, value))
            {
                Wrong(key, "duplicate-key", place, "This key appears twice.", "Keep one of them.");
            }
        }
        return members;
    }

    private void Check(YamlNode node, string place, string? problem, string fix)
    {
        if (problem is not null)
            Wrong(node, "value", place, problem, fix);
    }

    private void Missing(YamlNode node, string place, string problem, string fix) =>
        Wrong(node, "missing", place, problem, fix);

    private void Wrong(YamlNode node, string rule, string place, string problem, string fix) =>
        Wrong(node.Line, node.Column, rule, place, problem, fix);

    private void Wrong(int line, int column, string rule, string place, string problem, string fix)
    {
        if (_problems.Count < MaxProblems)
            _problems.Add(new PolicyProblem(line, column, rule, place, problem, fix));
    }
}
