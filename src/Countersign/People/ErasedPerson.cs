using System.Globalization;

namespace Countersign.People;

/// <summary>What stands in the place of a person who was erased.</summary>
public static class ErasedPerson
{
    /// <summary>A domain that no mail reaches, and that no one here may use.</summary>
    public const string Domain = "@erased.invalid";

    public static string Name(long id) => string.Create(CultureInfo.InvariantCulture, $"Erased person {id}");

    public static string Email(long id) => string.Create(CultureInfo.InvariantCulture, $"erased-{id}{Domain}");

    /// <summary>Whose address this is; 0 for every other one.</summary>
    public static long IdOf(string email) =>
        email.StartsWith("erased-", StringComparison.Ordinal)
        && email.EndsWith(Domain, StringComparison.Ordinal)
        && long.TryParse(
            email.AsSpan("erased-".Length, email.Length - "erased-".Length - Domain.Length),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var id
        )
            ? id
            : 0;
}
