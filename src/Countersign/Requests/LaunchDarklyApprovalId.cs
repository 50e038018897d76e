using System.Buffers;

namespace Countersign.Requests;

/// <summary>
/// LaunchDarkly's id of an approval. It puts the id into paths and into the review page's address without encoding it,
/// so only ids that need none can come back to us.
/// </summary>
internal static class LaunchDarklyApprovalId
{
    private const int Longest = 200;
    private static readonly SearchValues<char> Allowed = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    );

    public static bool IsOne(string text) =>
        text.Length is > 0 and <= Longest && !text.AsSpan().ContainsAnyExcept(Allowed);
}
