using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Countersign.Configuration;

namespace Countersign.SignIn;

public enum SecondFactorRule
{
    Optional,
    Required,
}

/// <summary>Passwords that this hub keeps itself, beside what identity providers prove.</summary>
public sealed record PasswordOptions
{
    [Description("Whether people can sign in with a password that Countersign keeps.")]
    public bool Enabled { get; init; } = true;

    [Description("Whether people who sign in with a password or an emailed link need a second factor.")]
    [MustBe("optional or required")]
    public SecondFactorRule SecondFactor { get; init; }

    [Description("A file or folder of breached passwords as SHA-1 hashes; none of them can be chosen.")]
    [MustBe("a file of sorted lines HASH:COUNT with SHA-1 hashes, or a folder of such files named by prefix")]
    [BreachedPasswordsFile]
    public string? BreachedFile { get; init; }
}

[AttributeUsage(AttributeTargets.Property)]
internal sealed class BreachedPasswordsFileAttribute : ValidationAttribute
{
    public override bool IsValid(object? value) =>
        value is not string { Length: > 0 } place || BreachedPasswords.IsReadable(place);
}
