using Countersign.Pages.Parts;
using Countersign.SignIn;
using QRCoder;

namespace Countersign.Pages.Account;

/// <summary>What an authenticator app is given, as a picture and to type.</summary>
/// <param name="Key">In base32.</param>
/// <param name="Address">What the picture holds.</param>
/// <param name="Sealed">The key as the form carries it, so that it's the same once the code is typed.</param>
public sealed record AppSetUpModel(string Key, string Address, string Sealed)
{
    /// <summary>In groups of four, as people type it.</summary>
    public string Groups => string.Join(' ', Key.Chunk(4).Select(group => new string(group)));

    /// <summary>The squares of the QR code, and how many lie on one side with the margin.</summary>
    public (string Path, int Size) Picture()
    {
        using var generator = new QRCodeGenerator();
        using var code = generator.CreateQrCode(Address, QRCodeGenerator.ECCLevel.M);
        var rows = code.ModuleMatrix;
        var path = new System.Text.StringBuilder();
        for (var y = 0; y < rows.Count; y++)
        {
            for (var x = 0; x < rows.Count; x++)
            {
                var from = x;
                while (x < rows.Count && rows[y][x])
                    x++;
                if (x > from)
                    path.Append(System.Globalization.CultureInfo.InvariantCulture, $"M{from} {y}h{x - from}v1H{from}z");
            }
        }
        return (path.ToString(), rows.Count);
    }
}

/// <summary>A form that asks the browser for a passkey.</summary>
/// <param name="Kind">create or get.</param>
/// <param name="Options">For the browser, as JSON.</param>
/// <param name="State">What the server remembers of the question, sealed.</param>
public sealed record PasskeyFormModel(string Path, string Kind, string Options, string State)
{
    public bool IsNew => Kind == "create";
    public IReadOnlyList<(string Name, string Value)> Hidden { get; init; } = [];
    public string? Error { get; init; }
}

/// <summary>A person's second factors, and how they get more.</summary>
public sealed record TwoFactorModel(SecondFactorsOfPerson Factors)
{
    /// <summary>Made just now, and shown this one time.</summary>
    public IReadOnlyList<string> NewCodes { get; init; } = [];

    /// <summary>Null when there is an authenticator app.</summary>
    public AppSetUpModel? NewApp { get; init; }
    public required PasskeyFormModel NewPasskey { get; init; }

    /// <summary>Whether at least one must stay.</summary>
    public bool IsRequired { get; init; }

    /// <summary>Where the person was going when they had to set this up.</summary>
    public string? Next { get; init; }
    public Refused? Refused { get; init; }
}
