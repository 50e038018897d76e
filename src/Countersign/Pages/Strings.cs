using System.Globalization;
using Countersign.Requests;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages;

/// <summary>
/// Names the resource files that hold all words of the pages: <c>Strings.resx</c> in English, <c>Strings.de.resx</c> in
/// German. Another language is another file, named in <see cref="Languages"/>.
/// </summary>
public sealed class Strings
{
    /// <summary>The first is what readers get whose browser asks for none of them.</summary>
    public static readonly IReadOnlyList<string> Languages = ["en", "de"];

    private Strings() { }
}

public static class StringExtensions
{
    /// <summary>The pages' words in this reader's language.</summary>
    public static IStringLocalizer<Strings> Strings(this HttpContext http) =>
        http.RequestServices.GetRequiredService<IStringLocalizer<Strings>>();

    /// <summary><c>name.one</c> or <c>name.other</c>, with the count as <c>{0}</c>.</summary>
    public static string Count(this IStringLocalizer strings, string name, long count, params object[] more)
    {
        var language = CultureInfo.CurrentUICulture;
        return strings[name + (count == 1 ? ".one" : ".other"), [count.ToString("N0", language), .. more]];
    }

    /// <summary>Says described changes in the reader's language.</summary>
    public static ChangeText Changes(this IStringLocalizer strings) =>
        new((name, with) => strings.Find("change." + name, with), CultureInfo.CurrentUICulture);

    /// <summary>
    /// Null where there is no such name, for words that a stored kind or code chooses. A name that isn't there never
    /// becomes a format: it may hold what a system sent.
    /// </summary>
    public static string? Find(this IStringLocalizer strings, string name, params object[] arguments) =>
        strings[name].ResourceNotFound ? null : strings[name, arguments].Value;
}
