using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Countersign.Requests;

namespace Countersign.Audit;

/// <summary>
/// What a person was called, found in texts and replaced, in the forms in which texts hold it: as it is, in JSON, HTML
/// and addresses, and folded. Addresses and names of several words are looked for everywhere; a name of one word, or
/// one that another person has as well, only where the text is about this person, since elsewhere it may mean something
/// else.
/// </summary>
internal sealed class ErasedTerms
{
    // A letter of an escape in JSON begins no word.
    private const string Before =
        @"(?:(?<![\p{L}\p{N}_.%+-])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4})|(?<=%[0-9a-fA-F]{2}))";
    private const string After = @"(?![\p{L}\p{N}_]|\.[\p{L}\p{N}])";

    private readonly string _instead;
    private readonly Regex? _anywhere;
    private readonly Regex? _about;

    /// <param name="names">With whether only this person has it.</param>
    public ErasedTerms(string instead, IEnumerable<string> emails, IEnumerable<(string Name, bool IsAlone)> names)
    {
        _instead = instead;
        var all = names.ToList();
        var addresses = emails.SelectMany(e => new[] { e, NameFolding.Email(e) }).ToList();
        _anywhere = Pattern([
            .. addresses,
            .. all.Where(n => n.IsAlone && n.Name.Contains(' ', StringComparison.Ordinal)).Select(n => n.Name),
        ]);
        _about = Pattern([.. addresses, .. all.Select(n => n.Name)]);
    }

    public string Replace(string text, bool isAbout) => (isAbout ? _about : _anywhere)?.Replace(text, _instead) ?? text;

    public bool Finds(string text, bool isAbout) => (isAbout ? _about : _anywhere)?.IsMatch(text) == true;

    private static Regex? Pattern(IReadOnlyList<string> terms)
    {
        var forms = terms
            .Where(t => t.Length > 0)
            .SelectMany(t =>
                new[]
                {
                    t,
                    NameFolding.Name(t),
                    JsonEncodedText.Encode(t).ToString(),
                    WebUtility.HtmlEncode(t),
                    Uri.EscapeDataString(t),
                    WebUtility.UrlEncode(t),
                }
            )
            .Where(t => t.Length > 0)
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .OrderByDescending(t => t.Length)
            .Select(Regex.Escape)
            .ToList();
        return forms.Count == 0
            ? null
            : new Regex(
                $"{Before}(?:{string.Join('|', forms)}){After}",
                RegexOptions.IgnoreCase | RegexOptions.CultureInvariant,
                TimeSpan.FromSeconds(10)
            );
    }
}
