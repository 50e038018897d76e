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
                problems.Add(new PolicyProblem(1, 1, "missing", "", "The file is empty.", "Begin with: version: 1"));
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
                    "Keep all policies in one; remove the line ---"
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
                    $"This is not YAML: {FirstLine(broken.InnerException?.Message ?? broken.Message)}",
                    "Look at the indentation, the quotes and the brackets here and on the line before."
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
                    "This is not YAML: something that begins here or later never ends.",
                    "Look for a bracket or a quote that is not closed, and at the indentation."
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
                "This is nested deeper than any policy.",
                "Policies need no more than a few levels; look at the brackets."
            );
        }
        if (next is AnchorAlias || next is NodeEvent { Anchor.IsEmpty: false })
        {
            throw new Refused(
                next.Start,
                "anchors",
                "Anchors and aliases (& and *) are not used in policies.",
                "Write out what it stands for; a text that begins with * or & is put in quotes."
            );
        }
        if (next is NodeEvent { Tag: { IsEmpty: false, IsNonSpecific: false } })
        {
            throw new Refused(
                next.Start,
                "tags",
                "Tags (!) are not used in policies.",
                "Leave it out; a text that begins with ! is put in quotes."
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
                throw new Refused(
                    next.Start,
                    "yaml",
                    "This is not YAML that a policy can be read from.",
                    "Look at the indentation here."
                );
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
