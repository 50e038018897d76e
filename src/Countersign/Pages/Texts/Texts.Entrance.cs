using System.Globalization;

namespace Countersign.Pages;

internal partial class Texts
{
    // The first admin
    public virtual string NoAdminYet =>
        "This hub has no admin yet. Whoever started it finds a set-up link where it was started; it works once and for an hour.";
    public virtual string SetUpTitle => "Set up Countersign";
    public virtual string SetUpOverTitle => "This link is over";
    public virtual string SetUpLede =>
        "You are the first here. As an admin you add the others, and the systems that ask.";
    public virtual string SetUpDo => "Become the first admin";
    public virtual string SetUpOver => "This set-up link was used, is older than an hour, or is not needed any more.";
    public virtual string SetUpOtherwise =>
        "If there is no admin yet, start the server again for a new link, or on its machine:";
    public virtual string YourName => "Your name";
    public virtual string PasswordHint => "At least 10 characters. A few words that do not belong together do well.";

    // Signing in
    public virtual string SignInWith(string provider) => $"Sign in with {provider}";

    public virtual string SignInElsewhereProblem(string problem) =>
        problem switch
        {
            "not-available" =>
                "The identity provider is not available at the moment. Please try again, or sign in with your password.",
            "not-verified" =>
                "Your identity provider does not vouch for your e-mail address, so we cannot tell who you are here.",
            "not-fresh" =>
                "Your identity provider did not confirm that you signed in just now. Please sign in with your password or a link by email.",
            "not-here" => "Nobody here has your e-mail address. An admin can add you.",
            _ => "Signing in did not work. Please try again.",
        };

    public virtual string KeptAndElsewhere =>
        "You typed too much to take it along, so this opens in another tab and your text stays here. Then come back and go on.";
    public virtual string HaveSignedIn => "I have signed in: go on";
    public virtual string SignInWrong => "E-mail address or password are not right. Please try again.";
    public virtual string SignInPageTooOld => "This page had been open for too long. Please try once more.";
    public virtual string SignInAgainTitle => "Sign in again";
    public virtual string SignInAgain =>
        "This needs a recent sign-in. Sign in again; what you entered is kept, and you are asked before it is sent.";
    public virtual string SignInBusy =>
        "Many people are signing in right now. Please try again in a moment; your password was not checked yet.";
    public virtual string LinkTooOften =>
        "Too many links from your network did not work, so this one was not looked at. Please try again in a few minutes.";

    public virtual string SignInTooOften(TimeSpan wait) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"That was too often. Please wait {Math.Max(1, Math.Ceiling(wait.TotalMinutes)):0} min and try again; what you typed this time was not looked at."
        );
}
