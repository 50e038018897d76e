using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using HandlebarsDotNet;
using HandlebarsDotNet.IO;

namespace Countersign.Destinations.Manifest;

/// <summary>
/// A template, read and compiled once. Rendering throws <see cref="FormatException"/> when it prints what has no text.
/// </summary>
internal sealed class Template
{
    private readonly Lazy<HandlebarsTemplate<object, object>> _compiled;

    internal Template(string text, bool isBody, IHandlebars engine)
    {
        Text = text;
        (Names, var isClosed, Problems) = TemplateSyntax.Read(text, isBody);
        Roots = isClosed ? Names.SelectMany(n => n.Path.Take(1).Concat(n.Plain.Take(1))).ToFrozenSet() : null;
        _compiled = new(() => engine.Compile(TemplateSyntax.ForHandlebarsNet(text)));
    }

    public string Text { get; }
    public IReadOnlyList<UsedName> Names { get; }

    /// <summary>The first steps of all names that it draws on; null where that cannot be said before.</summary>
    public FrozenSet<string>? Roots { get; }
    public IReadOnlyList<(string Problem, string Fix, bool IsFatal)> Problems { get; }

    /// <summary>Null, or why Handlebars does not take it.</summary>
    public string? CompileProblem()
    {
        try
        {
            _ = _compiled.Value;
            return null;
        }
        catch (Exception failure)
            when (failure is HandlebarsException or ArgumentException or InvalidOperationException)
        {
            return failure.Message;
        }
    }

    public string Render(IReadOnlyDictionary<string, object?> scope)
    {
        try
        {
            return _compiled.Value(scope);
        }
        catch (Exception failure)
            when (failure
                    is HandlebarsException
                        or InvalidOperationException
                        or ArgumentException
                        or InvalidCastException
            )
        {
            throw new FormatException((failure.InnerException as FormatException ?? failure).Message, failure);
        }
    }

    public override string ToString() => Text;
}

/// <summary>
/// The template language of manifests, as Handlebars.Net has it, with what differs put right: booleans print in lower
/// case, lists with commas, objects not at all. Two braces escape for HTML only where an engine is to be imitated to
/// the letter; authors who write them mean the text itself.
/// </summary>
internal sealed class Templates
{
    /// <summary>For what goes out: two braces print what they name.</summary>
    public static readonly Templates Plain = new(null);

    private readonly IHandlebars _texts;
    private readonly IHandlebars _bodies;

    /// <param name="html">How two braces escape; null for not at all.</param>
    public Templates(Func<string, string>? html) =>
        (_texts, _bodies) = (Engine(html, isBody: false), Engine(html, isBody: true));

    public Template Of(string text, bool isBody = false) => new(text, isBody, isBody ? _bodies : _texts);

    private static IHandlebars Engine(Func<string, string>? html, bool isBody)
    {
        var configuration = new HandlebarsConfiguration
        {
            TextEncoder = new Encoder(html ?? (text => text)),
            FormatProvider = CultureInfo.InvariantCulture,
        };
        configuration.FormatterProviders.Add(new Formats());
        var engine = Handlebars.Create(configuration);
        new TemplateHelpers(isBody).Register(engine);
        return engine;
    }

    private sealed class Encoder(Func<string, string> encode) : ITextEncoder
    {
        public void Encode(StringBuilder? text, TextWriter target) => target.Write(encode(text?.ToString() ?? ""));

        public void Encode(string? text, TextWriter target) => target.Write(encode(text ?? ""));

        public void Encode<T>(T? text, TextWriter target)
            where T : IEnumerator<char>
        {
            var copy = new StringBuilder();
            while (text?.MoveNext() == true)
                copy.Append(text.Current);
            target.Write(encode(copy.ToString()));
        }
    }

    private sealed class Formats : IFormatterProvider, IFormatter
    {
        public bool TryCreateFormatter(Type type, out IFormatter formatter)
        {
            formatter = this;
            return type == typeof(bool)
                || (type != typeof(string) && typeof(System.Collections.IEnumerable).IsAssignableFrom(type));
        }

        public void Format<T>(T value, in EncodedTextWriter writer)
        {
            switch (value)
            {
                case bool yes:
                    writer.Write(yes ? "true" : "false");
                    break;
                case System.Collections.IDictionary or IReadOnlyDictionary<string, object?>:
                    throw new FormatException("The template prints a whole object. Print one of its members.");
                case System.Collections.IEnumerable list:
                    writer.Write(string.Join(',', list.Cast<object?>().Select(TemplateHelpers.Text)));
                    break;
            }
        }
    }
}

/// <summary>
/// The helpers that published manifests use. In bodies values come escaped for JSON, and are taken back for what works
/// on the text.
/// </summary>
internal sealed class TemplateHelpers(bool isBody)
{
    /// <summary>Stands for a secret where a call is only shown.</summary>
    public const string Mask = "••••••";

    internal const string ClosingBrace = "closing-brace";

    public void Register(IHandlebars engine)
    {
        engine.RegisterHelper(ClosingBrace, (output, _, _) => output.WriteSafeString("}"));
        engine.RegisterHelper("equal", Equal);
        engine.RegisterHelper("equalWithElse", Equal);
        engine.RegisterHelper(
            "pathEncode",
            (output, _, arguments) => output.WriteSafeString(Encoded(PathEncode, arguments))
        );
        engine.RegisterHelper(
            "queryEncode",
            (output, _, arguments) => output.WriteSafeString(Encoded(QueryEncode, arguments))
        );
        engine.RegisterHelper(
            "basicAuthHeaderValue",
            (output, _, arguments) => output.WriteSafeString(Put(Basic(Plain(arguments, 0), Plain(arguments, 1))))
        );
        engine.RegisterHelper(
            "formatWithOffset",
            (output, _, arguments) =>
                output.WriteSafeString(Time(Plain(arguments, 0), Plain(arguments, 1), Plain(arguments, 2)))
        );
    }

    public static string Text(object? value) =>
        value switch
        {
            null => "",
            bool yes => yes ? "true" : "false",
            UndefinedBindingResult => "",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString() ?? "",
        };

    private static void Equal(
        EncodedTextWriter output,
        BlockHelperOptions options,
        Context context,
        Arguments arguments
    )
    {
        if (ForeignValue.Unwrap(Text(arguments[0])) == ForeignValue.Unwrap(Text(arguments[1])))
            options.Template(output, context);
        else
            options.Inverse(output, context);
    }

    private string Plain(Arguments arguments, int n)
    {
        var text = n < arguments.Length ? Text(arguments[n]) : "";
        return isBody ? JsonText.Unescape(text) : ForeignValue.Unwrap(text);
    }

    /// <summary>
    /// A value that no admin set is encoded for the place where it comes to stand, also if the template doesn't say so.
    /// </summary>
    private string Encoded(Func<string, string> encode, Arguments arguments) =>
        arguments.Length > 0 && Text(arguments[0]) is var text && ForeignValue.IsIn(text)
            ? text
            : Put(encode(Plain(arguments, 0)));

    private string Put(string text) => isBody ? JsonText.Escape(text) : text;

    /// <summary>Slashes stay: what is encoded may be a path of several steps.</summary>
    private static string PathEncode(string text) => string.Join('/', text.Split('/').Select(Uri.EscapeDataString));

    /// <summary>As browsers' encodeURIComponent: a space is %20, and <c>!'()*~</c> stay.</summary>
    internal static string QueryEncode(string text) =>
        Uri.EscapeDataString(text)
            .Replace("%21", "!", StringComparison.Ordinal)
            .Replace("%27", "'", StringComparison.Ordinal)
            .Replace("%28", "(", StringComparison.Ordinal)
            .Replace("%29", ")", StringComparison.Ordinal)
            .Replace("%2A", "*", StringComparison.Ordinal);

    private static string Basic(string user, string password) =>
        password == Mask
            ? $"Basic {Mask}"
            : "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));

    /// <summary>
    /// Always UTC, in the 24 hours of a day: two of the engines differ there, and a change window must not.
    /// </summary>
    private static string Time(string milliseconds, string offset, string format)
    {
        if (
            !decimal.TryParse(milliseconds, NumberStyles.Float, CultureInfo.InvariantCulture, out var from)
            || !decimal.TryParse(
                offset.Length == 0 ? "0" : offset,
                NumberStyles.Float,
                CultureInfo.InvariantCulture,
                out var seconds
            )
        )
        {
            throw new FormatException("formatWithOffset needs milliseconds and a number of seconds.");
        }
        var total = from + seconds * 1000;
        if (
            total < DateTimeOffset.MinValue.ToUnixTimeMilliseconds()
            || total > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
        )
        {
            throw new FormatException("formatWithOffset got a time out of range.");
        }
        return Written(DateTimeOffset.FromUnixTimeMilliseconds((long)decimal.Floor(total)), format);
    }

    /// <summary>A time in one of the four forms.</summary>
    public static string Written(DateTimeOffset time, string format) =>
        format switch
        {
            "milliseconds" => time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture),
            "seconds" => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            "rfc3339" => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            "simple" => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
            _ => throw new FormatException(
                $"formatWithOffset supports milliseconds, seconds, rfc3339 and simple, not {format}."
            ),
        };
}
