using System.Text;
using System.Text.Json;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// Request types as a text: YAML, and JSON with it, which is YAML too. What is stored is what <see cref="Write"/> makes
/// of them.
/// </summary>
public static class RequestTypeFile
{
    internal const string Version = "version",
        Types = "types";

    /// <summary>The types, or null with every mistake and where it stands.</summary>
    public static (IReadOnlyList<RequestType>? Types, IReadOnlyList<RequestTypeProblem> Problems) Read(string text)
    {
        var broken = new List<PolicyProblem>();
        if (Yaml.Read(text, broken) is not { } root)
        {
            return (
                null,
                broken.ConvertAll(p => new RequestTypeProblem("", p.Rule, $"{p.Problem} {p.Fix}")
                {
                    Line = p.Line,
                    Column = p.Column,
                })
            );
        }
        return Read(root);
    }

    /// <summary>The same of a part of another file, in the form of a whole one.</summary>
    internal static (IReadOnlyList<RequestType>? Types, IReadOnlyList<RequestTypeProblem> Problems) Read(YamlNode root)
    {
        var reader = new Reading();
        var types = reader.All(root);
        // What can't be read is told first; only then is it worth saying what doesn't fit.
        var problems =
            reader.Problems.Count > 0 ? reader.Problems : [.. RequestTypeRules.Check(types).Select(reader.Placed)];
        var all = problems.OrderBy(p => p.Line).ThenBy(p => p.Column).ToList();
        return all.Count > 0 ? (null, all) : (types, []);
    }

    /// <summary>The same types as a file to keep and to set again. Texts are quoted as in JSON.</summary>
    public static string Write(IReadOnlyList<RequestType> types)
    {
        var text = new StringBuilder($"{Version}: 1\n{Types}:{(types.Count == 0 ? " []" : "")}\n");
        foreach (var type in types)
        {
            text.Append("  - name: ").Append(Quoted(type.Name)).Append('\n');
            if (type.Description.Length > 0)
                text.Append("    description: ").Append(Quoted(type.Description)).Append('\n');
            if (type.ReviewerGroup is { } group)
                text.Append("    reviewers: { group: ").Append(Quoted(group)).Append(" }\n");
            else if (type.ReviewerPerson is { } person)
                text.Append("    reviewers: { person: ").Append(Quoted(person)).Append(" }\n");
            if (type.Fields.Count > 0)
                text.Append("    fields:\n");
            foreach (var field in type.Fields)
            {
                text.Append("      - name: ").Append(Quoted(field.Name)).Append('\n');
                text.Append("        label: ").Append(Quoted(field.Label)).Append('\n');
                text.Append("        kind: ").Append(field.Kind.ToWireName()).Append('\n');
                if (field.Choices.Count > 0)
                    text.Append("        choices: [").AppendJoin(", ", field.Choices.Select(Quoted)).Append("]\n");
                if (field.Required)
                    text.Append("        required: true\n");
                if (field.Help.Length > 0)
                    text.Append("        help: ").Append(Quoted(field.Help)).Append('\n');
            }
        }
        return text.ToString();
    }

    private static string Quoted(string text) => JsonSerializer.Serialize(text, History.Json);

    private sealed class Reading
    {
        private readonly Dictionary<string, YamlNode> _places = [];

        public List<RequestTypeProblem> Problems { get; } = [];

        public List<RequestType> All(YamlNode root)
        {
            var types = new List<RequestType>();
            foreach (var (name, value) in Members(root, "", Version, Types))
            {
                if (name == Version && value.Text != "1")
                    Wrong(value, Version, "The only version is 1.");
                else if (name == Types)
                    types = [.. Items(value, Types).Select((item, n) => Type(item, $"{Types}[{n}]"))];
            }
            if (root.Kind == YamlKind.Map && root.Members.TrueForAll(m => m.Key.Text != Types))
                Wrong(root, "", $"`{Types}` is missing.");
            return types;
        }

        public RequestTypeProblem Placed(RequestTypeProblem problem)
        {
            var place = problem.Place;
            while (!_places.ContainsKey(place) && place.LastIndexOfAny(['.', '[']) is > 0 and var end)
                place = place[..end];
            return _places.TryGetValue(place, out var node)
                ? problem with
                {
                    Line = node.Line,
                    Column = node.Column,
                }
                : problem;
        }

        private RequestType Type(YamlNode node, string place)
        {
            var type = new RequestType("");
            foreach (var (name, value) in Members(node, place, "name", "description", "reviewers", "fields"))
            {
                var at = $"{place}.{name}";
                type = name switch
                {
                    "name" => type with { Name = Text(value, at) },
                    "description" => type with { Description = Text(value, at) },
                    "fields" => type with { Fields = [.. Items(value, at).Select((f, n) => Field(f, $"{at}[{n}]"))] },
                    _ => Reviewers(type, value, at),
                };
            }
            return type;
        }

        private RequestType Reviewers(RequestType type, YamlNode node, string place)
        {
            foreach (var (name, value) in Members(node, place, "group", "person"))
            {
                var text = Text(value, $"{place}.{name}");
                type = name == "group" ? type with { ReviewerGroup = text } : type with { ReviewerPerson = text };
            }
            return type;
        }

        private RequestTypeField Field(YamlNode node, string place)
        {
            var field = new RequestTypeField("", "", RequestFieldKind.Text);
            foreach (var (name, value) in Members(node, place, "name", "label", "kind", "choices", "required", "help"))
            {
                var at = $"{place}.{name}";
                field = name switch
                {
                    "name" => field with { Name = Text(value, at) },
                    "label" => field with { Label = Text(value, at) },
                    "help" => field with { Help = Text(value, at) },
                    "choices" => field with { Choices = [.. Items(value, at).Select(c => Text(c, at))] },
                    "required" => field with { Required = IsTrue(value, at) },
                    _ => field with { Kind = Kind(value, at) },
                };
            }
            return field;
        }

        private RequestFieldKind Kind(YamlNode node, string place)
        {
            if (WireNames.FieldKindOf(Text(node, place)) is { } kind)
                return kind;
            Wrong(node, place, $"Use one of {string.Join(", ", WireNames.FieldKinds)}.");
            return RequestFieldKind.Text;
        }

        private bool IsTrue(YamlNode node, string place)
        {
            var word = Text(node, place);
            if (word is "true" or "false")
                return word == "true";
            Wrong(node, place, "Use true or false.");
            return false;
        }

        private string Text(YamlNode node, string place)
        {
            if (node.Kind != YamlKind.Text)
                Wrong(node, place, "This must be a text.");
            return node.IsNothing ? "" : node.Text.Trim();
        }

        private List<YamlNode> Items(YamlNode node, string place)
        {
            if (node.Kind != YamlKind.List && !node.IsNothing)
                Wrong(node, place, "This must be a list.");
            return node.Items;
        }

        private IEnumerable<(string Name, YamlNode Value)> Members(YamlNode node, string place, params string[] known)
        {
            _places[place] = node;
            if (node.Kind != YamlKind.Map)
            {
                Wrong(node, place, $"This must have the keys {string.Join(", ", known)}.");
                yield break;
            }
            var seen = new HashSet<string>();
            foreach (var (key, value) in node.Members)
            {
                var at = place.Length > 0 ? $"{place}.{key.Text}" : key.Text;
                _places[at] = value;
                if (!known.Contains(key.Text))
                    Wrong(key, at, $"There is no such key. Use {string.Join(", ", known)}.");
                else if (!seen.Add(key.Text))
                    Wrong(key, at, "This key stands here twice.");
                else
                    yield return (key.Text, value);
            }
        }

        private void Wrong(YamlNode node, string place, string problem) =>
            Problems.Add(
                new RequestTypeProblem(place, RequestTypeRules.Unknown, problem)
                {
                    Line = node.Line,
                    Column = node.Column,
                }
            );
    }
}
