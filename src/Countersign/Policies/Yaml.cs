using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Countersign.Policies;

internal enum YamlKind
{
    Text,
    List,
    Map,
}

/// <summary>A piece of YAML and where it stands.</summary>
internal sealed record YamlNode(YamlKind Kind, int Line, int Column)
{
    public string Text { get; init; } = "";

    /// <summary>Written without quotes, so that <c>~</c>, <c>null</c> and nothing at all mean nothing.</summary>
    public bool IsPlain { get; init; }
    public List<YamlNode> Items { get; } = [];
    public List<(YamlNode Key, YamlNode Value)> Members { get; } = [];

    public bool IsNothing => Kind == YamlKind.Text && IsPlain && Text is "" or "~" or "null" or "Null" or "NULL";

    /// <summary>Whether both have the same content, in any position and layout.</summary>
    public bool SaysTheSame(YamlNode other) =>
        Kind == other.Kind
        && Text == other.Text
        && (IsPlain == other.IsPlain || !(IsNothing || other.IsNothing))
        && Items.Count == other.Items.Count
        && Members.Count == other.Members.Count
        && Items.Zip(other.Items).All(pair => pair.First.SaysTheSame(pair.Second))
        && Members
            .Zip(other.Members)
            .All(pair =>
                pair.First.Key.SaysTheSame(pair.Second.Key) && pair.First.Value.SaysTheSame(pair.Second.Value)
            );
}

/// <summary>
/// YAML as a tree with positions. Of YAML it takes what people write: texts, lists and maps. Anchors, aliases and tags
/// are refused where they stand, so nothing can grow beyond what the file holds.
/// </summary>
internal static class Yaml
{
    private const int Deepest = 12;

    /// <summary>The first document, or null with the reason among the problems.</summary>
    public static YamlNode? Read(string text, List<PolicyProblem> problems)
    {
        var parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        try
        {
            parser.Consume<StreamStart>();
            if (!parser.TryConsume<DocumentStart>(out _))
            {
                problems.Add(new PolicyProblem(1, 1, "missing", "", "The file is empty.", "Start with: version: 1"));
                return null;
            }
            var root = Node(parser, 0);
            parser.Consume<DocumentEnd>();
            if (parser.Accept<DocumentStart>(out var second))
            {
                throw new Refused(
                    second.Start,
                    "documents",
                    "There is a second document.",
                    "Keep everything in one document: remove the line ---"
                );
            }
            return root;
        }
        catch (Refused refused)
        {
            problems.Add(
                new PolicyProblem(
                    (int)refused.Start.Line,
                    (int)refused.Start.Column,
                    refused.Rule,
                    "",
                    refused.Message,
                    refused.Fix
                )
            );
        }
        catch (YamlException broken)
        {
            problems.Add(
                new PolicyProblem(
                    (int)broken.Start.Line,
                    (int)broken.Start.Column,
                    "yaml",
                    "",
                    $"This isn't YAML: {FirstLine(broken.InnerException?.Message ?? broken.Message)}",
                    "Check the indentation, quotes and brackets here and on the line before."
                )
            );
        }
        catch (InvalidOperationException)
        {
            // How the scanner ends when a bracket or a quote never closes.
            problems.Add(
                new PolicyProblem(
                    (int)(parser.Current?.Start.Line ?? 1),
                    (int)(parser.Current?.Start.Column ?? 1),
                    "yaml",
                    "",
                    "This isn't YAML: something that starts here or later never ends.",
                    "Check for an unclosed bracket or quote, and the indentation."
                )
            );
        }
        return null;
    }

    private static YamlNode Node(Parser parser, int depth)
    {
        var next = parser.Consume<ParsingEvent>();
        var (line, column) = ((int)next.Start.Line, (int)next.Start.Column);
        if (depth > Deepest)
        {
            throw new Refused(
                next.Start,
                "depth",
                "This is nested too deeply.",
                "A few levels are enough. Check the brackets."
            );
        }
        if (next is AnchorAlias || next is NodeEvent { Anchor.IsEmpty: false })
        {
            throw new Refused(
                next.Start,
                "anchors",
                "Anchors and aliases (& and *) aren't allowed here.",
                "Write out the value. Put a text that starts with * or & in quotes."
            );
        }
        if (next is NodeEvent { Tag: { IsEmpty: false, IsNonSpecific: false } })
        {
            throw new Refused(
                next.Start,
                "tags",
                "Tags (!) aren't allowed here.",
                "Remove it. Put a text that starts with ! in quotes."
            );
        }
        switch (next)
        {
            case Scalar scalar:
                return new YamlNode(YamlKind.Text, line, column)
                {
                    Text = scalar.Value,
                    IsPlain = scalar.Style == ScalarStyle.Plain,
                };
            case SequenceStart:
                var list = new YamlNode(YamlKind.List, line, column);
                while (!parser.TryConsume<SequenceEnd>(out _))
                    list.Items.Add(Node(parser, depth + 1));
                return list;
            case MappingStart:
                var map = new YamlNode(YamlKind.Map, line, column);
                while (!parser.TryConsume<MappingEnd>(out _))
                    map.Members.Add((Node(parser, depth + 1), Node(parser, depth + 1)));
                return map;
            default:
                throw new Refused(next.Start, "yaml", "This YAML can't be read.", "Check the indentation here.");
        }
    }

    private static string FirstLine(string message) => message.Split('\n')[0].TrimEnd('.', ' ', '\r') + ".";

    private sealed class Refused(Mark start, string rule, string message, string fix) : Exception(message)
    {
        public Mark Start => start;
        public string Rule => rule;
        public string Fix => fix;
    }
}
