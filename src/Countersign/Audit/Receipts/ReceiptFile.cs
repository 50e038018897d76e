using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Countersign.Audit.Receipts;

/// <summary>An earlier checkpoint that was witnessed before the event was logged.</summary>
/// <param name="Checkpoint">With its signatures.</param>
/// <param name="Consistency">Hashes that show that the proof's tree begins with this one: lines of base64.</param>
public sealed record EarlierCheckpoint(string Checkpoint, string Consistency);

/// <summary>
/// <c>receipt.json</c>, form <c>countersign-receipt-v1</c>: one event of the log with all that it takes to check it.
/// Each text is hashed exactly as it stands in its string, so no verifier needs a canonical form.
/// </summary>
/// <param name="Leaf">The text of which the tree has the hash.</param>
/// <param name="Parts">The parts of the leaf that are shown, by name: their texts, or <see cref="Erased"/>.</param>
/// <param name="Proof">A <c>c2sp.org/tlog-proof</c>: index, hashes, and the checkpoint with its signatures.</param>
public sealed record ReceiptFile(string Leaf, IReadOnlyDictionary<string, string> Parts, string Proof)
{
    public const string Format = "countersign-receipt-v1";

    /// <summary>In place of a text that the hub no longer has. A text that is left out was withheld.</summary>
    public const string Erased = "erased";

    public const int MaxBytes = 4 * 1024 * 1024;

    private static readonly JsonWriterOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Indented = true,
        NewLine = "\n",
    };

    /// <summary>The request as it was sent, in the canonical form of which the digest is.</summary>
    public string? Content { get; init; }

    /// <summary>Who had to approve, and on which terms.</summary>
    public string? Policy { get; init; }

    public EarlierCheckpoint? NotBefore { get; init; }

    /// <summary>
    /// How earlier epochs announced the key that signed it (<see cref="EpochChain"/>); null where none did.
    /// </summary>
    public string? Epochs { get; init; }

    /// <summary>
    /// Strict: what is there twice, unknown, deeper than the form, or no text could be read in two ways, so that one
    /// program would show what another has verified.
    /// </summary>
    public static ReceiptFile? Parse(ReadOnlySpan<byte> json, out string why)
    {
        if (json.Length > MaxBytes)
        {
            why = "The file is larger than a receipt can be.";
            return null;
        }
        try
        {
            // Deeper values are refused by the reader itself.
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 2 });
            var texts = new Dictionary<string, string>(StringComparer.Ordinal);
            var objects = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw new JsonException("no object");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                var isNew =
                    reader.TokenType == JsonTokenType.StartObject
                        ? objects.TryAdd(name, ReadTexts(ref reader))
                        : texts.TryAdd(name, ReadText(ref reader));
                if (!isNew || (texts.ContainsKey(name) && objects.ContainsKey(name)))
                    throw new JsonException($"the member \"{name}\" is there twice");
            }
            if (reader.Read())
                throw new JsonException("something follows the object");
            return Of(texts, objects, out why);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            // A text with half a character has no UTF-8 form, and its reading is an invalid operation.
            why = $"This isn't a receipt: it isn't the JSON that a receipt is ({unreadable.Message}).";
            return null;
        }
    }

    public string ToText()
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, Readable))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteString("leaf", Leaf);
            json.WriteStartObject("parts");
            foreach (var (name, part) in Parts)
                json.WriteString(name, part);
            json.WriteEndObject();
            if (Content is not null)
                json.WriteString("content", Content);
            if (Policy is not null)
                json.WriteString("policy", Policy);
            json.WriteString("proof", Proof);
            if (NotBefore is not null)
            {
                json.WriteStartObject("notBefore");
                json.WriteString("checkpoint", NotBefore.Checkpoint);
                json.WriteString("consistency", NotBefore.Consistency);
                json.WriteEndObject();
            }
            if (Epochs is not null)
                json.WriteString("epochs", Epochs);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length) + "\n";
    }

    private static ReceiptFile? Of(
        Dictionary<string, string> texts,
        Dictionary<string, Dictionary<string, string>> objects,
        out string why
    )
    {
        why =
            texts.GetValueOrDefault("format") is var format && format != Format
                ? $"This isn't a receipt of the form {Format}."
            : texts.Keys.Concat(objects.Keys).FirstOrDefault(IsUnknown) is { } unknown
                ? $"A receipt has no member \"{unknown}\"."
            : !texts.ContainsKey("leaf") || !texts.ContainsKey("proof") || !objects.ContainsKey("parts")
                ? "The receipt has no leaf, no parts or no proof."
            : objects.TryGetValue("notBefore", out var earlier)
            && !(earlier.Count == 2 && earlier.ContainsKey("checkpoint") && earlier.ContainsKey("consistency"))
                ? "\"notBefore\" has the members \"checkpoint\" and \"consistency\"."
            : "";
        return why.Length > 0
            ? null
            : new ReceiptFile(texts["leaf"], objects["parts"], texts["proof"])
            {
                Content = texts.GetValueOrDefault("content"),
                Policy = texts.GetValueOrDefault("policy"),
                NotBefore = objects.TryGetValue("notBefore", out var before)
                    ? new EarlierCheckpoint(before["checkpoint"], before["consistency"])
                    : null,
                Epochs = texts.GetValueOrDefault("epochs"),
            };

        bool IsUnknown(string name) =>
            name is "parts" or "notBefore"
                ? !objects.ContainsKey(name)
                : name is not ("format" or "leaf" or "content" or "policy" or "proof" or "epochs")
                    || !texts.ContainsKey(name);
    }

    private static Dictionary<string, string> ReadTexts(ref Utf8JsonReader reader)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (!texts.TryAdd(name, ReadText(ref reader)))
                throw new JsonException($"the member \"{name}\" is there twice");
        }
        return texts;
    }

    private static string ReadText(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String
            ? reader.GetString()!
            : throw new JsonException("a value is not a text");
}
