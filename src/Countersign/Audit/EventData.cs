using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Audit;

/// <summary>
/// Reads what an event says. A member of another type than expected is no text or no number rather than an error: one
/// kind of event may use a name otherwise than another, and all that matters is compared afterwards.
/// </summary>
internal static class EventData
{
    // Member by member as verifiers of receipts read it, who know neither two of a name nor another spelling.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNameCaseInsensitive = false,
        AllowDuplicateProperties = false,
        Converters =
        {
            new LenientText(),
            new LenientNumber(),
            new LenientFlag(),
            new LenientNumbers<long>(),
            new LenientNumbers<int>(),
        },
    };

    /// <summary>Throws a JsonException when the text is not a JSON object.</summary>
    public static T Read<T>(string data)
        where T : class => JsonSerializer.Deserialize<T>(data, Json) ?? throw new JsonException("Nothing.");

    private sealed class LenientText : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.String:
                    return reader.GetString();
                case JsonTokenType.Number:
                    return System.Text.Encoding.UTF8.GetString(
                        reader.HasValueSequence
                            ? System.Buffers.BuffersExtensions.ToArray(reader.ValueSequence)
                            : reader.ValueSpan
                    );
                case JsonTokenType.True or JsonTokenType.False:
                    return reader.GetBoolean() ? "true" : "false";
                default:
                    reader.Skip();
                    return null;
            }
        }

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value);
    }

    private sealed class LenientNumber : JsonConverter<long?>
    {
        public override long? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number))
                return number;
            reader.Skip();
            return null;
        }

        public override void Write(Utf8JsonWriter writer, long? value, JsonSerializerOptions options) =>
            writer.WriteNumberValue(value ?? 0);
    }

    private sealed class LenientFlag : JsonConverter<bool>
    {
        public override bool Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType is JsonTokenType.True or JsonTokenType.False)
                return reader.GetBoolean();
            reader.Skip();
            return false;
        }

        public override void Write(Utf8JsonWriter writer, bool value, JsonSerializerOptions options) =>
            writer.WriteBooleanValue(value);
    }

    private sealed class LenientNumbers<T> : JsonConverter<T[]>
        where T : struct, System.Numerics.INumber<T>
    {
        public override T[]? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                reader.Skip();
                return null;
            }
            var numbers = new List<T>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number))
                    numbers.Add(T.CreateSaturating(number));
                else
                    reader.Skip();
            }
            return [.. numbers];
        }

        public override void Write(Utf8JsonWriter writer, T[] value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            foreach (var number in value)
                writer.WriteNumberValue(long.CreateSaturating(number));
            writer.WriteEndArray();
        }
    }
}
