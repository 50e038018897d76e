using System.Text;
using System.Text.Json;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.HubAsCode;

/// <summary>
/// Policies move between a file of their own and a part of another one with their comments and their layout, as far as
/// that says the same; otherwise they are written anew.
/// </summary>
internal static class PolicyText
{
    private const string Head = $"{HubFile.Version}: 1\n";

    /// <summary>The part of a hub's file as a policy file of its own.</summary>
    public static string Of(YamlNode root, YamlNode list, string text)
    {
        var lines = text.Split('\n');
        var start = root.Members.Find(m => m.Key.Text == HubFile.PoliciesKey).Key.Line - 1;
        var end = root
            .Members.Select(m => m.Key.Line - 1)
            .Where(line => line > start)
            .DefaultIfEmpty(lines.Length)
            .Min();
        // A comment right above a key belongs to that key.
        start = WithComments(lines, start);
        if (end < lines.Length)
            end = WithComments(lines, end);
        var copied = $"{Head}{string.Join('\n', lines[start..end]).TrimEnd('\n', ' ')}\n";
        return SaysTheSame(copied, list) ? copied : Written(list);
    }

    /// <summary>A policy file as the last part of a hub's file, without the line of its version.</summary>
    public static string AsPart(string text)
    {
        if (Read(text) is not { } root || ListOf(root) is not { } list)
            return "";
        var lines = text.Split('\n').ToList();
        var version = root.Members.Find(m => m.Key.Text == HubFile.Version).Key;
        if (version is not null && lines[version.Line - 1].StartsWith(HubFile.Version, StringComparison.Ordinal))
            lines.RemoveAt(version.Line - 1);
        var part = string.Join('\n', lines).Trim('\n') + "\n";
        return SaysTheSame(Head + part, list) ? part : Written(list)[Head.Length..];
    }

    /// <summary>The list in a policy file; null where it can't be read.</summary>
    public static YamlNode? ListIn(string text) => Read(text) is { } root ? ListOf(root) : null;

    private static YamlNode? ListOf(YamlNode root) => root.Members.Find(m => m.Key.Text == HubFile.PoliciesKey).Value;

    private static YamlNode? Read(string text) => Yaml.Read(text, []);

    private static bool SaysTheSame(string text, YamlNode list) =>
        PolicyFile.Read(text).File is not null && ListIn(text)?.SaysTheSame(list) == true;

    private static int WithComments(string[] lines, int at)
    {
        while (at > 0 && lines[at - 1].StartsWith('#'))
            at--;
        return at;
    }

    private static string Written(YamlNode list)
    {
        var text = new StringBuilder(Head).Append(HubFile.PoliciesKey).Append(':');
        Append(text, list, 0);
        return text.ToString();
    }

    /// <summary>After a key or a hyphen, to the end of its last line.</summary>
    private static void Append(StringBuilder text, YamlNode node, int depth)
    {
        var indent = new string(' ', 2 * (depth + 1));
        switch (node)
        {
            case { Kind: YamlKind.Text }:
                text.Append(' ').Append(node.IsPlain ? node.Text : Quoted(node.Text)).Append('\n');
                break;
            case { Kind: YamlKind.List, Items.Count: 0 }:
                text.Append(" []\n");
                break;
            case { Kind: YamlKind.Map, Members.Count: 0 }:
                text.Append(" {}\n");
                break;
            case { Kind: YamlKind.List }:
                text.Append('\n');
                foreach (var item in node.Items)
                {
                    text.Append(indent).Append('-');
                    Append(text, item, depth + 1);
                }
                break;
            default:
                text.Append('\n');
                foreach (var (key, value) in node.Members)
                {
                    text.Append(indent).Append(key.IsPlain ? key.Text : Quoted(key.Text)).Append(':');
                    Append(text, value, depth + 1);
                }
                break;
        }
    }

    /// <summary>As a text in JSON, which is a text in YAML too.</summary>
    public static string Quoted(string text) => JsonSerializer.Serialize(text, History.Json);
}
