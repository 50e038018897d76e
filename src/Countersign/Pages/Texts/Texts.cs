using System.Globalization;

namespace Countersign.Pages;

/// <summary>
/// All words of the pages, in plain English. A page's words are in a part of their own (<c>Texts.Inbox.cs</c>). Another
/// language is a class that inherits from this one and says them again; what it leaves out stays English.
/// </summary>
internal partial class Texts
{
    private static readonly Texts English = new();

    /// <summary>In the reader's language, of those that are there.</summary>
    public static Texts For(HttpContext http)
    {
        _ = http;
        return English;
    }

    public virtual string Language => "en";

    // The frame
    public virtual string Brand => "Countersign";
    public virtual string SkipToContent => "Skip to the content";
    public virtual string Navigation => "Main";
    public virtual string Inbox => "Inbox";
    public virtual string NewRequest => "New request";
    public virtual string Manage => "Manage";
    public virtual string SignOut => "Sign out";
    public virtual string SignIn => "Sign in";
    public virtual string Pages => "Pages";
    public virtual string Newer => "Newer";
    public virtual string Older => "Older";

    public virtual string Close => "Close";

    // Keys
    public virtual string Keys => "Keyboard";
    public virtual IReadOnlyList<(string Key, string What)> KeyList =>
        [
            ("j", "next request"),
            ("k", "request before"),
            ("Enter", "open it, or press the button"),
            ("x", "choose it"),
            ("a", "go to Approve"),
            ("r", "go to Reject, first to its note"),
            ("c", "write a comment"),
            ("/", "search"),
            ("?", "this list"),
        ];

    // News while a page is open
    public virtual string NewRequestCame => "New:";
    public virtual string StaleNotice => "The content of this request has changed while you were reading.";
    public virtual string ShowWhatChanged => "Show what changed";

    // Times
    public virtual string JustNow => "just now";

    public virtual string Relative(TimeSpan ago) =>
        Math.Abs(ago.TotalSeconds) < 45 ? JustNow
        : ago > TimeSpan.Zero ? $"{Span(ago)} ago"
        : $"in {Span(-ago)}";

    /// <summary>One unit, rounded down: who waits 59 minutes does not wait an hour.</summary>
    public virtual string Span(TimeSpan span) =>
        span switch
        {
            { TotalMinutes: < 1 } => "1 min",
            { TotalHours: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalMinutes} min"),
            { TotalDays: < 2 } => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours} h"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalDays} days"),
        };

    // Signing in between
    public virtual string Email => "E-mail";
    public virtual string Password => "Password";
    public virtual string SignedOutMeanwhile =>
        "You were signed out in the meantime, so nothing was sent. What you typed is kept: sign in, and you are asked whether to send it.";
    public virtual string NotSaved => "Not saved";
    public virtual string SendAgainTitle => "Send it now?";
    public virtual string SendAgain => "This was not sent yet. What you typed is here; send it now, or leave it.";

    public virtual string KeptField(string name) =>
        name switch
        {
            "subject" => Subject,
            "message" => Message,
            _ => Note,
        };

    public virtual string YouWereAboutTo(string what) =>
        what switch
        {
            "approve" => "You were about to approve.",
            "reject" => "You were about to reject.",
            "abstain" => "You were about to abstain.",
            "withdraw" => "You were about to withdraw the request.",
            "comment" => "You were about to comment.",
            _ => "",
        };

    public virtual string SendNow => "Send it now";
    public virtual string DoNotSend => "Do not send it";

    // Refusals that any page may meet
    public virtual string NotFromHere => "This was not sent from a page of this hub, so nothing was done.";

    public virtual string RefusalTitle(int status) =>
        status switch
        {
            404 => NotFoundTitle,
            429 => "Too fast",
            503 => "Not available at the moment",
            >= 500 => "Something went wrong",
            _ => "This did not work",
        };

    public virtual string Refusal(int status, string detail) => status == 404 ? NotFound : detail;

    public virtual string NotFoundTitle => "Not found";
    public virtual string NotFound => "There is nothing at this address, or it is not yours to see.";
    public virtual string BackToInbox => "Back to the inbox";
}
