using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Countersign.Tests.Hostile;

/// <summary>What no well-meaning client writes, piece by piece. All of it follows from one seed.</summary>
internal sealed class Grammar(Random random)
{
    private static readonly string[] Texts =
    [
        "",
        " ",
        "\0",
        "a\u0000b",
        "\u202Egnp.exe",
        "\uFEFF",
        "\u200B\u200D",
        "👩‍👩‍👧‍👦",
        "ｆｕｌｌｗｉｄｔｈ",
        "Ⅻ",
        "İstanbul ß ﬀ",
        "e\u0301\u0301\u0301\u0301",
        "\r\nSet-Cookie: a=b",
        "\\",
        "'",
        "\"",
        "'; DROP TABLE requests; --",
        "%' OR '1'='1",
        "%00",
        "%2e%2e%2f",
        "../../etc/passwd",
        "..\\..\\x",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "{{7*7}}",
        "{{#each this}}{{this}}{{/each}}",
        "${jndi:ldap://127.0.0.1/x}",
        "@person",
        "*",
        "?",
        "_",
        "%",
        "null",
        "true",
        "-0",
        "1e999",
        "99999999999999999999999999",
        "-9223372036854775808",
        "9223372036854775807",
        "0x10",
        "١٢٣",
        "2026-02-30",
        "9999-12-31T23:59:59.9999999Z",
        "0000-00-00",
        "P1Y",
        "ann@example.test",
        "ann+tag@example.test",
        "\"odd @ name\"@example.test",
        "root@localhost",
        "01KJVKTCKH4CDTR2ERKQRJDM5E",
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/",
        "file:///etc/passwd",
        "data:text/html,x",
    ];

    private static readonly string[] Marks =
    [
        "# ",
        "> ",
        "- ",
        "1. ",
        "    ",
        "```",
        "~~~",
        "`",
        "**",
        "__",
        "[x](",
        "![x](",
        "<http://",
        "[a]: ",
        "| a | b |\n|---|---|\n",
        "&#x1F4A9;",
        "&amp;",
        "\\*",
        "***",
        "((((((((",
        "[[[[[[[[",
        "\n\n",
        "\t",
    ];

    public bool Chance(int inHundred) => random.Next(100) < inHundred;

    public int Below(int end) => random.Next(end);

    public T One<T>(IReadOnlyList<T> of) => of[random.Next(of.Count)];

    public string Text() =>
        random.Next(12) switch
        {
            0 => new string(One(["a", "é", "&", "\u0301", "("])[0], random.Next(20_000)),
            1 => Markdown(),
            2 => string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => One(Texts))),
            3 => new string([.. Enumerable.Range(0, random.Next(40)).Select(_ => (char)random.Next(1, 0xD7FF))]),
            4 => random.NextInt64().ToString(CultureInfo.InvariantCulture),
            _ => One(Texts),
        };

    public string Markdown() =>
        string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => Chance(70) ? One(Marks) : One(Texts)));

    public JsonNode? Value(int depth = 3) =>
        random.Next(depth > 0 ? 9 : 6) switch
        {
            0 => null,
            1 => JsonValue.Create(random.NextInt64()),
            2 => JsonValue.Create(One([0.1, -0.0, 1e300, double.Epsilon])),
            3 => JsonValue.Create(Chance(50)),
            4 or 5 => JsonValue.Create(Text()),
            6 => new JsonArray([.. Enumerable.Range(0, random.Next(5)).Select(_ => Value(depth - 1))]),
            _ => Members(random.Next(5), depth),
        };

    /// <summary>A document that was right, with some of its places changed.</summary>
    public JsonNode? Spoiled(JsonNode? right)
    {
        switch (right)
        {
            case JsonObject of:
                var members = new JsonObject();
                foreach (var (name, value) in of)
                {
                    if (Chance(5))
                        continue;
                    members[Chance(2) ? name.ToUpperInvariant() : name] = Chance(12) ? Value() : Spoiled(value);
                }
                if (Chance(15))
                    members[Text()] = Value();
                return members;
            case JsonArray of:
                return Chance(10) ? Value() : new JsonArray([.. of.Select(Spoiled)]);
            default:
                return Chance(12) ? Value() : right?.DeepClone();
        }
    }

    /// <summary>What is no JSON, or hardly.</summary>
    public byte[] Json(JsonNode? right)
    {
        var text = Spoiled(right)?.ToJsonString() ?? "null";
        return random.Next(14) switch
        {
            0 => Bytes(string.Concat(Enumerable.Repeat("[", random.Next(3_000)))),
            1 => Bytes(string.Concat(Enumerable.Repeat("{\"a\":", random.Next(3_000)))),
            2 => Bytes(text[..random.Next(text.Length + 1)]),
            3 => Bytes(text.Replace("\"", "'", StringComparison.Ordinal)),
            4 => [0xEF, 0xBB, 0xBF, .. Bytes(text)],
            5 => Encoding.Unicode.GetBytes(text),
            6 => Bytes(text.Replace(":", ": NaN, \"x\":", StringComparison.Ordinal)),
            7 => Bytes($"{text.TrimEnd('}')},\"a\":1e400,\"a\":-0,\"a\":\"\\ud83d\"}}"),
            8 => Bytes($"/* x */ {text},"),
            9 => Flipped(Bytes(text)),
            10 => [],
            _ => Bytes(text),
        };
    }

    /// <summary>A text of lines (a policy file, a manifest) that was right.</summary>
    public string Lines(string right)
    {
        var lines = right.Split('\n').ToList();
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            var at = random.Next(lines.Count);
            switch (random.Next(7))
            {
                case 0:
                    lines.RemoveAt(at);
                    break;
                case 1:
                    lines.Insert(at, lines[random.Next(lines.Count)]);
                    break;
                case 2:
                    lines[at] = " " + lines[at];
                    break;
                case 3:
                    lines[at] += One([" &a", " *a", " !!int", ": |", " {", " ]", " #", "\t", ": >-", " <<: *a"]);
                    break;
                case 4:
                    lines[at] = lines[at].Replace(": ", ": " + Text(), StringComparison.Ordinal);
                    break;
                case 5:
                    lines.Insert(at, Text());
                    break;
                default:
                    lines[at] = Encoding.UTF8.GetString(Flipped(Bytes(lines[at])));
                    break;
            }
            if (lines.Count == 0)
                break;
        }
        return string.Join('\n', lines);
    }

    public byte[] Flipped(byte[] bytes)
    {
        for (var n = random.Next(1, 4); n > 0 && bytes.Length > 0; n--)
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        return bytes;
    }

    private JsonObject Members(int count, int depth)
    {
        var members = new JsonObject();
        for (var n = 0; n < count; n++)
            members[Text()] = Value(depth - 1);
        return members;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
