namespace Countersign.Hosting;

/// <summary>Where somebody wanted to go, as an address line or a form brings it: a path of ours, or nothing.</summary>
public static class LocalPath
{
    private const int Longest = 2000;
    private static readonly Uri Here = new("http://here.invalid/");

    /// <summary>
    /// The path as it may stand behind our own address, or null. A text that a browser could read as another site isn't
    /// a path.
    /// </summary>
    public static string? Of(string? path)
    {
        if (
            path is not ['/', ..]
            || path.Length > Longest
            || path.Any(c => c == '\\' || char.IsControl(c) || char.IsWhiteSpace(c))
        )
        {
            return null;
        }
        if (
            !Uri.TryCreate(Here, path, out var whole)
            || whole.Host != Here.Host
            || whole.Scheme != Here.Scheme
            || whole.Port != Here.Port
            || whole.UserInfo.Length > 0
        )
        {
            return null;
        }
        // Dots resolve to what a browser makes of them, and only then does it show whether two slashes lead.
        var plain = whole.GetComponents(UriComponents.PathAndQuery | UriComponents.Fragment, UriFormat.UriEscaped);
        return plain.StartsWith("//", StringComparison.Ordinal) ? null : plain;
    }
}
