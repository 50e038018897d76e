using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

/// <summary>The digest names a content for ever, so it is held against the plainest way of computing it.</summary>
public sealed class DigestTests
{
    private static readonly string[] Texts =
    [
        "plain",
        "",
        " ",
        "with \\\"quotes\\\"",
        "back\\\\slash",
        "slash\\/",
        "/",
        "tab\\tbreak\\nreturn\\rback\\bfeed\\f",
        "\\u0041",
        "\\u00e9",
        "é",
        "日本",
        "\\ud83d\\ude00",
        "😀",
        "\\u007f",
        "\u007f",
        "<&>'+`",
        "\\u2028",
        "\u2028",
        "\\u0000",
        "\\u001f",
    ];

    [Fact]
    public void Every_spelling_of_a_text_has_the_digest_of_its_canonical_form()
    {
        foreach (var text in Texts)
        {
            Same($"\"{text}\"");
            Same($$"""{"b{{text}}": 1, "a{{text}}": "{{text}}", "c": ["{{text}}", null, true, false, 1.0, -2e+5]}""");
        }
    }

    [Fact]
    public void Members_are_sorted_by_characters_however_many_and_however_they_are_spelled()
    {
        Same("{}");
        Same("[]");
        Same("[[], {}, [{}]]");
        Same(
            """
            {"b": {"z": 1, "a": {"y": [], "x": {}}}, "a": 2, "\u0061a": 3, "B": 4, "_": 5, "é": 6,
            "\ud83d\ude00": 7, "\uff5e": 8, "～": 9, "": 10}
            """.Replace("\"～\": 9", "\"~\": 9", StringComparison.Ordinal)
        );
        Same("{" + string.Join(',', Enumerable.Range(0, 100).Select(i => $"\"m{i * 37 % 100}\":{i}")) + "}");
    }

    [Fact]
    public void White_space_and_the_order_of_members_make_no_other_content()
    {
        Assert.Equal(
            Digest.Of("""{"a":1,"b":["x",{"c":null,"d":"é"}]}"""),
            Digest.Of("""{ "b" : [ "x", { "d" : "\u00e9", "c" : null } ], "\u0061" : 1 }""")
        );
        Assert.NotEqual(Digest.Of("""{"a":1}"""), Digest.Of("""{"a":1.0}"""));
        Assert.NotEqual(Digest.Of("""{"a":"1"}"""), Digest.Of("""{"a":1}"""));
    }

    private static void Same(string json)
    {
        using var document = JsonDocument.Parse(json);
        var canonical = new ArrayBufferWriter<byte>();
        using (
            var writer = new Utf8JsonWriter(
                canonical,
                new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true }
            )
        )
        {
            Write(writer, document.RootElement);
        }
        Assert.Equal(Hashes.Sha256(canonical.WrittenSpan), Digest.Of(document.RootElement));
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in value.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value);
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(value.GetString());
                break;
            default:
                writer.WriteRawValue(value.GetRawText(), skipInputValidation: true);
                break;
        }
    }
}
