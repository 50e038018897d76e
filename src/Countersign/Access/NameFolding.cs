using System.Net;
using Countersign.Policies;

namespace Countersign.Access;

/// <summary>
/// Brings names and email addresses that other systems wrote to one form, so that a different spelling does not hide who
/// is meant. Only for finding out who may not decide: who signs in is looked up by <see cref="EmailAddress.KeyOf"/>.
/// </summary>
public static class NameFolding
{
    /// <summary>
    /// Entities decoded, compatibility forms composed, case folded, what nobody sees removed, white space single, and no
    /// punctuation at the end.
    /// </summary>
    public static string Name(string text)
    {
        var name = Folded(text);
        while (name.Length > 0 && (char.IsPunctuation(name[^1]) || name[^1] == ' '))
            name = name[..^1];
        return name;
    }

    /// <summary>As a name, and without what follows a plus in front of the at sign.</summary>
    public static string Email(string text)
    {
        var address = Name(text).Replace(" ", "", StringComparison.Ordinal);
        var at = address.LastIndexOf('@');
        var plus = address.IndexOf('+', StringComparison.Ordinal);
        return at > 0 && plus > 0 && plus < at ? string.Concat(address.AsSpan(0, plus), address.AsSpan(at)) : address;
    }

    // Decoded twice, since a system that escapes what was escaped already writes &amp;amp;.
    private static string Folded(string text) => Folding.Fold(WebUtility.HtmlDecode(WebUtility.HtmlDecode(text)));
}
