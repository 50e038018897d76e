using System.Globalization;
using Countersign.Hosting;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Account;

/// <summary>
/// <c>/account/two-factor</c>: one's own authenticator app, passkeys and recovery codes. Every change asks for a recent
/// sign-in: an open browser must not be enough.
/// </summary>
internal static class TwoFactorPage
{
    public const string Path = AccountPage.Path + "/two-factor";

    /// <summary>What apps call the account, beside its email.</summary>
    private const string Issuer = "Countersign";
    private const string Code = "code",
        Credential = "credential";

    public static void Map(RouteGroupBuilder pages)
    {
        pages.MapGet(Path, Show);
        pages.MapPost(Path, Run).AfterRecentSignIn();
    }

    /// <summary>A new key for an app, or the one that a form brought back.</summary>
    public static AppSetUpModel NewApp(HttpContext http, Person person, string? known = null)
    {
        var key = known ?? Totp.NewKey();
        return new AppSetUpModel(
            key,
            Totp.Uri(key, Issuer, person.Email ?? person.Name),
            SealedField.Seal(http, SealedField.AppKey, OwnerOf(person), key)
        );
    }

    /// <summary>The key that a form brought back; null when it's too old.</summary>
    public static string? KeyOf(HttpContext http, Person person, IFormCollection form) =>
        SealedField.Open(http, SealedField.AppKey, OwnerOf(person), form["key"].ToString());

    /// <summary>Shows recovery codes once, on this page.</summary>
    public static void ShowOnce(HttpContext http, IReadOnlyList<string> codes)
    {
        if (codes.Count > 0)
            ShownOnce.Leave(http, Path, string.Join('\n', codes));
    }

    private static Task<IResult> Show(
        string? next,
        HttpContext http,
        CurrentCaller caller,
        SecondFactors factors,
        PasskeyCeremony passkeys,
        PasswordPolicy policy,
        CancellationToken cancel
    ) => Page(http, caller.Person, factors, passkeys, policy, null, null, next, cancel);

    private static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        SecondFactors factors,
        PasskeyCeremony passkeys,
        PasswordPolicy policy,
        CancellationToken cancel
    )
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var (me, origin, session) = (caller.Person, caller.Viewer.Origin, caller.Caller.Session?.Id ?? 0);
        var (strings, what) = (http.Strings(), form["do"].ToString());
        string? key = null;
        SecondFactorOutcome outcome;
        switch (what)
        {
            case "add-app":
                key = KeyOf(http, me, form);
                outcome = key is null
                    ? new SecondFactorOutcome.Wrong()
                    : await factors.AddApp(
                        me.Id,
                        key,
                        form[Code].ToString().Replace(" ", "", StringComparison.Ordinal),
                        origin,
                        session,
                        cancel
                    );
                break;
            case "add-passkey":
                outcome =
                    SealedField.Open(http, SealedField.Passkey, OwnerOf(me), form["state"].ToString()) is { } state
                    && await passkeys.Created(
                        me,
                        await factors.PasskeysOf(me.Id, cancel),
                        state,
                        form[Credential].ToString(),
                        http
                    )
                        is { } made
                        ? await factors.AddPasskey(me.Id, form["name"].ToString(), made, origin, session, cancel)
                        : new SecondFactorOutcome.Wrong();
                break;
            case "remove" when long.TryParse(form["id"], CultureInfo.InvariantCulture, out var id):
                outcome = await factors.Remove(me.Id, id, origin, session, cancel);
                break;
            case "codes":
                outcome = await factors.RenewRecoveryCodes(me.Id, origin, cancel);
                break;
            default:
                return NotFoundPage.Page(http);
        }
        var refused = outcome switch
        {
            SecondFactorOutcome.Done => null,
            SecondFactorOutcome.Wrong when what == "add-app" => new Refused(
                Code,
                strings[key is null ? "twoFactor.tooOld" : "twoFactor.code.wrong"]
            ),
            SecondFactorOutcome.Wrong => new Refused(Credential, strings["twoFactor.passkey.failed"]),
            SecondFactorOutcome.Exists => new Refused(null, strings["twoFactor.exists"]),
            SecondFactorOutcome.LastOne => new Refused(null, strings["twoFactor.lastOne"]),
            SecondFactorOutcome.NotFound => new Refused(null, strings["twoFactor.notFound"]),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        if (refused is not null)
            return await Page(http, me, factors, passkeys, policy, refused, key, null, cancel);
        ShowOnce(http, ((SecondFactorOutcome.Done)outcome).RecoveryCodes);
        return AdminParts.Done(http, Path, "changed");
    }

    private static async Task<IResult> Page(
        HttpContext http,
        Person me,
        SecondFactors factors,
        PasskeyCeremony passkeys,
        PasswordPolicy policy,
        Refused? refused,
        string? key,
        string? next,
        CancellationToken cancel
    )
    {
        var mine = await factors.Of(me.Id, cancel);
        var asked = await passkeys.AskToCreate(me, await factors.PasskeysOf(me.Id, cancel), http);
        var strings = http.Strings();
        var model = new TwoFactorModel(mine)
        {
            NewCodes = ShownOnce.Take(http, Path)?.Split('\n') ?? [],
            NewApp = mine.App is null ? NewApp(http, me, key) : null,
            NewPasskey = new PasskeyFormModel(
                Path,
                "create",
                asked.Options,
                SealedField.Seal(http, SealedField.Passkey, OwnerOf(me), asked.State)
            )
            {
                Hidden = [("do", "add-passkey")],
                Error = Refused.Of(refused, Credential),
            },
            IsRequired = policy.NeedsSecondFactor,
            Next = LocalPath.Of(next),
            Refused = refused,
        };
        return new PageResult(
            new PageFrame(strings["twoFactor.title"])
            {
                Section = AccountPage.Path,
                Breadcrumbs = [(AccountPage.Path, strings["account.title"])],
                AsksForPasskey = true,
            },
            TwoFactorSlice.Create(model)
        )
        {
            Status = AdminParts.StatusOf(refused),
        };
    }

    private static string OwnerOf(Person person) => $"person:{person.Id.ToString(CultureInfo.InvariantCulture)}";
}
