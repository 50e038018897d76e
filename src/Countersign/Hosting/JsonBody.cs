using System.Buffers;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;
using HttpJsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace Countersign.Hosting;

/// <summary>What a body must do beyond having the right shape.</summary>
public interface IChecked
{
    /// <summary>Every mistake, by the name of the member.</summary>
    void Check(BodyErrors mistakes);
}

public interface IJsonBody
{
    ProblemHttpResult? Problem { get; }
}

/// <summary>
/// A JSON body, read strictly: size-capped, no duplicate members, every unknown member named, types and texts checked.
/// <see cref="RejectInvalidBodies"/> answers for a body that is not good, so handlers see only good ones.
/// </summary>
public sealed class JsonBody<T> : IJsonBody, IEndpointParameterMetadataProvider
    where T : class
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    private JsonBody(ProblemHttpResult problem) => Problem = problem;

    private JsonBody(T value, string text, string digest) => (Value, Text, Digest) = (value, text, digest);

    public ProblemHttpResult? Problem { get; }

    public T Value { get; } = null!;

    /// <summary>The body as it came.</summary>
    public string Text { get; } = "";

    public string Digest { get; } = "";

    public static async ValueTask<JsonBody<T>> BindAsync(HttpContext http, ParameterInfo parameter)
    {
        var options = http.RequestServices.GetRequiredService<IOptions<HttpJsonOptions>>().Value.SerializerOptions;
        if (!http.Request.HasJsonContentType())
        {
            return new(
                Problems.Of(
                    StatusCodes.Status415UnsupportedMediaType,
                    "unsupported_media_type",
                    "Send JSON, with Content-Type: application/json."
                )
            );
        }
        return await BodyBytes.Read(http, BodyBytes.MaxSize) is { } bytes
            ? Read(bytes, options)
            : new(
                Problems.Of(
                    StatusCodes.Status413PayloadTooLarge,
                    "too_large",
                    $"A body can have at most {BodyBytes.MaxSize / 1024} KiB."
                )
            );
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json"], typeof(T)));

    private static JsonBody<T> Read(byte[] bytes, JsonSerializerOptions options)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes, Strict);
            var type = options.GetTypeInfo(typeof(T));
            var mistakes = new BodyErrors();
            Unknown(document.RootElement, type, "", mistakes, options);
            // Also reads every text once, so that a lone surrogate is found here and nowhere later.
            var digest = Requests.Digest.Of(document.RootElement);
            if (mistakes.Any)
                return new(Problems.Invalid(mistakes.ByField));
            if (document.RootElement.Deserialize(type) is not T value)
                return new(Problems.Malformed("The body must be a JSON object."));
            (value as IChecked)?.Check(mistakes);
            return mistakes.Any
                ? new(Problems.Invalid(mistakes.ByField))
                : new(value, System.Text.Encoding.UTF8.GetString(bytes), digest);
        }
        catch (JsonException wrong)
            when (wrong.Path is { Length: > 0 } path
                && !path.Contains('\'', StringComparison.Ordinal)
                && wrong.InnerException is not JsonException
                && path != "$"
            )
        {
            return new(Problems.Invalid(path.TrimStart('$', '.'), "This value has the wrong type or is missing."));
        }
        catch (JsonException broken)
        {
            return new(
                Problems.Malformed(
                    broken.LineNumber is { } line
                        ? $"The body isn't the expected JSON: line {line + 1}, byte {broken.BytePositionInLine + 1}."
                        : "The body isn't the expected JSON. "
                            + (
                                broken.Message.Contains("uplicate", StringComparison.Ordinal)
                                    ? "A member appears twice."
                                    : "A required member is missing, or it is not an object."
                            )
                )
            );
        }
        catch (InvalidOperationException)
        {
            return new(Problems.Malformed("The body contains invalid Unicode (half of a surrogate pair)."));
        }
    }

    private static JsonPropertyInfo? Known(JsonTypeInfo type, JsonProperty member)
    {
        foreach (var property in type.Properties)
        {
            if (member.NameEquals(property.Name))
                return property;
        }
        return null;
    }

    /// <summary>Names every member that the type does not have, also inside nested bodies.</summary>
    private static void Unknown(
        JsonElement value,
        JsonTypeInfo type,
        string path,
        BodyErrors mistakes,
        JsonSerializerOptions options
    )
    {
        if (value.ValueKind != JsonValueKind.Object || type.Kind != JsonTypeInfoKind.Object)
            return;
        foreach (var member in value.EnumerateObject())
        {
            if (Known(type, member) is { } known)
            {
                if (member.Value.ValueKind == JsonValueKind.Object && known.PropertyType.Assembly == typeof(T).Assembly)
                {
                    Unknown(
                        member.Value,
                        options.GetTypeInfo(known.PropertyType),
                        path + member.Name + ".",
                        mistakes,
                        options
                    );
                }
            }
            else
            {
                mistakes.Add(path + member.Name, "This member is unknown.");
            }
        }
    }
}

/// <summary>For a group of endpoints: a body that is not good is answered before the handler runs.</summary>
public static class RejectInvalidBodies
{
    public static ValueTask<object?> Filter(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        foreach (var argument in context.Arguments)
        {
            if (argument is IJsonBody { Problem: { } problem })
                return ValueTask.FromResult<object?>(problem);
        }
        return next(context);
    }
}

/// <summary>Mistakes in a body, gathered so that one answer names them all.</summary>
public sealed class BodyErrors
{
    private static readonly SearchValues<char> Controls = SearchValues.Create([
        .. Enumerable.Range(0, 0xA0).Select(c => (char)c).Where(char.IsControl),
    ]);
    private static readonly SearchValues<char> ControlsButBreaks = SearchValues.Create([
        .. Enumerable
            .Range(0, 0xA0)
            .Select(c => (char)c)
            .Where(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t')),
    ]);

    /// <summary>Whoever sends more is told of these first, so that no answer is larger than what it answers.</summary>
    public const int Max = 20;

    private const int MaxField = 100;
    private const string More = "There are more errors than listed here.";
    private int _count;

    public Dictionary<string, string[]> ByField { get; } = [];

    public bool Any => ByField.Count > 0;

    public void Add(string field, string why)
    {
        if (_count > Max)
            return;
        if (field.Length > MaxField)
            field = string.Concat(field.AsSpan(0, MaxField), "…");
        var others = ByField.GetValueOrDefault(field) ?? [];
        if (others.Contains(why, StringComparer.Ordinal))
            return;
        _count++;
        ByField[field] = [.. others, _count > Max ? More : why];
    }

    /// <summary>A line of text: no control characters.</summary>
    public void SingleLine(string field, string? text, int longest, bool required)
    {
        if (Text(field, text, longest, required) && text.AsSpan().ContainsAny(Controls))
            Add(field, "A line of text can't contain control characters.");
    }

    /// <summary>Text of several lines: of the control characters only tab and line breaks.</summary>
    public void MultiLine(string field, string? text, int longest, bool required)
    {
        if (Text(field, text, longest, required) && text.AsSpan().ContainsAny(ControlsButBreaks))
            Add(field, "Text can't contain control characters other than tabs and line breaks.");
    }

    private bool Text(string field, string? text, int longest, bool required)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            if (required)
                Add(field, "This is required.");
            return false;
        }
        if (text.Length <= longest)
            return true;
        Add(field, $"At most {longest} characters.");
        return false;
    }
}
