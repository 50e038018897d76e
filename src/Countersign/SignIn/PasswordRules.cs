namespace Countersign.SignIn;

/// <summary>
/// Which passwords are taken. Length does most of the work; beyond it, those are refused that everybody tries first:
/// well-known words however decorated, keyboard rows, counting, one thing over and over, and the person's own name.
/// </summary>
public static class PasswordRules
{
    public const int Shortest = 10,
        Longest = 200;

    /// <summary>
    /// What remains of the commonest passwords of any length once digits and decoration around them are gone.
    /// </summary>
    private static readonly HashSet<string> Common = new(StringComparer.Ordinal)
    {
        "password",
        "passwort",
        "passwd",
        "passphrase",
        "motdepasse",
        "contrasena",
        "parola",
        "wachtwoord",
        "haslo",
        "senha",
        "mypassword",
        "thepassword",
        "newpassword",
        "yourpassword",
        "passwordpassword",
        "temporary",
        "temppassword",
        "changeme",
        "changemenow",
        "changeit",
        "letmein",
        "letmeinnow",
        "pleaseletmein",
        "opensesame",
        "secret",
        "topsecret",
        "supersecret",
        "mysecret",
        "welcome",
        "welcomeback",
        "hello",
        "helloworld",
        "hallo",
        "bonjour",
        "admin",
        "administrator",
        "adminadmin",
        "adminpassword",
        "root",
        "rootroot",
        "toor",
        "superuser",
        "sysadmin",
        "operator",
        "manager",
        "user",
        "username",
        "guest",
        "test",
        "testing",
        "testtest",
        "tester",
        "testpassword",
        "demo",
        "example",
        "default",
        "service",
        "support",
        "access",
        "login",
        "signin",
        "master",
        "computer",
        "internet",
        "server",
        "database",
        "iloveyou",
        "iloveu",
        "iloveme",
        "iloveyousomuch",
        "loveyou",
        "lovely",
        "forever",
        "trustno",
        "trustnoone",
        "whatever",
        "nothing",
        "anything",
        "something",
        "sunshine",
        "princess",
        "monkey",
        "dragon",
        "shadow",
        "superman",
        "batman",
        "spiderman",
        "starwars",
        "pokemon",
        "football",
        "baseball",
        "basketball",
        "soccer",
        "liverpool",
        "chelsea",
        "arsenal",
        "barcelona",
        "juventus",
        "jordan",
        "michael",
        "jennifer",
        "jessica",
        "charlie",
        "thomas",
        "andrew",
        "daniel",
        "ashley",
        "michelle",
        "nicole",
        "samantha",
        "elizabeth",
        "alexander",
        "freedom",
        "mustang",
        "ferrari",
        "corvette",
        "mercedes",
        "porsche",
        "harley",
        "yankees",
        "cowboys",
        "eagles",
        "steelers",
        "lakers",
        "summer",
        "winter",
        "autumn",
        "spring",
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "qwerty",
        "qwertz",
        "azerty",
        "qwertyqwerty",
        "qwertyuiop",
        "qwertzuiop",
        "azertyuiop",
        "asdfghjkl",
        "asdfghjklasdfghjkl",
        "zxcvbnm",
        "qazwsx",
        "qazwsxedc",
        "qazwsxedcrfv",
        "zaqxsw",
        "asdf",
        "asdfasdf",
        "zxcvbn",
        "abcabc",
        "abcd",
        "abcdef",
        "aaaa",
        "google",
        "facebook",
        "microsoft",
        "windows",
        "linux",
        "ubuntu",
        "samsung",
        "iphone",
        "android",
        "minecraft",
        "counterstrike",
        "blink",
        "matrix",
        "phoenix",
        "cheese",
        "cookie",
        "chocolate",
        "butterfly",
        "purple",
        "flower",
        "angel",
        "babygirl",
        "jesus",
        "jesuschrist",
        "god",
        "blessed",
        "ninja",
        "killer",
        "hunter",
        "ranger",
        "soldier",
        "pepper",
        "ginger",
        "buster",
        "tigger",
        "maggie",
        "correcthorsebatterystaple",
        "countersign",
        "approval",
        "approvals",
        "approve",
        "approved",
        "launchdarkly",
        "zendesk",
        "company",
        "business",
        "office",
        "production",
        "staging",
        "deploy",
        "release",
    };

    private static readonly string[] Rows =
    [
        "qwertyuiop",
        "qwertzuiop",
        "azertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "yxcvbnm",
        "1234567890",
        "0123456789",
        "abcdefghijklmnopqrstuvwxyz",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
        "qazwsxedcrfvtgbyhnujm",
        "1q2w3e4r5t6y7u8i9o0p",
        "q1w2e3r4t5y6u7i8o9p0",
        "!@#$%^&*()",
    ];

    /// <summary>Null, or what is wrong with it, as a sentence.</summary>
    public static PasswordProblem? Problem(string password, string email, string name) =>
        password.Length < Shortest ? new("password_short", $"Use at least {Shortest} characters.")
        : password.Length > Longest ? new("password_long", $"Use at most {Longest} characters.")
        : IsCommon(password)
            ? new("password_common", "This password is too easy to guess. Choose a few unrelated words.")
        : IsOwn(password, email, name) ? new("password_own", "Don't use the person's name or email as the password.")
        : null;

    private static bool IsCommon(string password)
    {
        var lower = password.ToLowerInvariant();
        return Repeats(lower)
            || Rows.Any(row => Walks(lower, row))
            || Common.Contains(Core(lower))
            || Common.Contains(Plain(Core(lower)))
            || (
                Core(lower) is { Length: < 3 }
                && lower.All(char.IsDigit)
                && (lower.Distinct().Count() < 4 || Walks(lower, "1234567890"))
            );
    }

    /// <summary>
    /// The person's name or the first part of their address, with no more than four other characters.
    /// </summary>
    private static bool IsOwn(string password, string email, string name)
    {
        var lower = password.ToLowerInvariant();
        string[] own =
        [
            email,
            email.Split('@')[0],
            name,
            name.Replace(" ", "", StringComparison.Ordinal),
            .. name.Split(' '),
            .. email.Split('@', '.', '-', '_'),
        ];
        return own.Select(o => o.Trim().ToLowerInvariant())
            .Any(o => o.Length >= 4 && lower.Contains(o, StringComparison.Ordinal) && lower.Length - o.Length <= 4);
    }

    /// <summary>One to four characters over and over.</summary>
    private static bool Repeats(string text)
    {
        for (var length = 1; length <= 4; length++)
        {
            if (Enumerable.Range(0, text.Length).All(i => text[i] == text[i % length]))
                return true;
        }
        return false;
    }

    /// <summary>Nothing but steps along a row, forwards or backwards, also several rows' worth of it.</summary>
    private static bool Walks(string text, string row)
    {
        var places = text.Select(c => row.IndexOf(c, StringComparison.Ordinal)).ToArray();
        if (Array.IndexOf(places, -1) >= 0)
            return false;
        var steps = places.Zip(places.Skip(1), (a, b) => b - a).ToList();
        return steps.Count(s => s is 1 or -1) >= steps.Count - (text.Length / 4);
    }

    /// <summary>Without digits and signs at either end.</summary>
    private static string Core(string text) =>
        text.Trim([.. text.Where(c => !char.IsLetter(c)).Distinct()]).Replace(" ", "", StringComparison.Ordinal);

    /// <summary>With the letters back that digits and signs stand for.</summary>
    private static string Plain(string text) =>
        string.Create(
            text.Length,
            text,
            static (plain, from) =>
            {
                for (var i = 0; i < plain.Length; i++)
                {
                    plain[i] = from[i] switch
                    {
                        '0' => 'o',
                        '1' or '!' or '|' => 'i',
                        '3' => 'e',
                        '4' or '@' => 'a',
                        '5' or '$' => 's',
                        '7' or '+' => 't',
                        '8' => 'b',
                        var c => c,
                    };
                }
            }
        );
}
