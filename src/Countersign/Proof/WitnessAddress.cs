using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Countersign.Proof;

/// <summary>A witness that is asked to cosign: its key, which has its name, and where it is.</summary>
/// <remarks>As text: the key as it is published ("vkey"), a space, and the address.</remarks>
public sealed record WitnessAddress(NoteKey Key, Uri Url) : IParsable<WitnessAddress>
{
    /// <summary>Name and key ID: what the hub calls it.</summary>
    public string Id { get; } = string.Create(CultureInfo.InvariantCulture, $"{Key.Name}+{Key.Id:x8}");

    public static bool TryParse(
        [NotNullWhen(true)] string? s,
        IFormatProvider? provider,
        [MaybeNullWhen(false)] out WitnessAddress result
    )
    {
        result = null;
        if (
            s?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var vkey, var url]
            && NoteKey.TryParse(vkey, out var key, out _)
            && key.Type is NoteKeyType.Ed25519 or NoteKeyType.Cosignature
            && Uri.TryCreate(url, UriKind.Absolute, out var address)
            && address.Scheme is "http" or "https"
        )
        {
            result = new WitnessAddress(key, address);
        }
        return result is not null;
    }

    public static WitnessAddress Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var result) ? result : throw new FormatException($"{s} is not a witness.");

    public Uri To(string path) => new($"{Url.ToString().TrimEnd('/')}/{path}");

    public override string ToString() => $"{Key} {Url.OriginalString}";
}
