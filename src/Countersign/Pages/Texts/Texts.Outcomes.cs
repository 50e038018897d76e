using Countersign.Requests;

namespace Countersign.Pages;

internal partial class Texts
{
    // Links in mails
    public virtual string LinkRefusedTitle => "This link is not good";
    public virtual string LinkRefused =>
        "It was used before, is too old, or is not complete. Nothing was changed. Signed in, you see everything that waits for you.";

    public virtual string LinkDecides(Answer answer, string person) =>
        answer == Answer.Approve ? $"You approve this as {person}." : $"You reject this as {person}.";

    public virtual string LinkDecideTitle(Answer answer) => answer == Answer.Approve ? "Approve this?" : "Reject this?";

    public virtual string LinkDo(Answer answer) => answer == Answer.Approve ? "Approve" : "Reject";

    public virtual string LinkDone(Answer answer) =>
        answer == Answer.Approve ? "You approved this" : "You rejected this";

    public virtual string LinkNoteNeeded => "This needs a note: say why.";
    public virtual string LinkSignInTitle => "Sign in";
    public virtual string LinkSignIn => "Press the button, and you are signed in in this browser.";
    public virtual string MailMeALink => "Mail me a link instead";
    public virtual string MailMeALinkHint =>
        "For those who have no password at hand. The link works once, within 15 minutes.";
    public virtual string LinkIsOnItsWayTitle => "Look into your mailbox";
    public virtual string LinkIsOnItsWay =>
        "If this address is known here, a link to sign in is on its way. It works once, within 15 minutes.";

    // Deliveries
    public virtual string Deliveries => "Deliveries";
    public virtual string DeliveriesLede => "What left this hub, to whom, and how it was received.";
    public virtual string FailedError => "Error";
    public virtual string RetryWork => "Retry";

    // The job queue
    public virtual string Work => "Queue";
    public virtual string WorkLede =>
        "What this hub does later or elsewhere: what waits, what runs, and what failed and why.";
    public virtual string WorkByKind => "By kind";
    public virtual string WorkJobs => "Jobs";
    public virtual string WorkKind => "Kind";
    public virtual string WorkAbout => "About";
    public virtual string WorkCount => "Number";
    public virtual string WorkOldest => "Oldest due";
    public virtual string WorkDue => "Due";
    public virtual string NoWork => "No jobs";
    public virtual string NoWorkHere => "Reminders, deliveries, expiries and whatever else is done later appear here.";
    public virtual string DiscardWork => "Discard";

    public virtual string WorkState(string state) =>
        state switch
        {
            "running" => "Running",
            "behind" => "Behind another",
            "failing" => "Failed, retrying",
            "set_aside" => "Set aside",
            _ => "Waiting",
        };

    public virtual string WorkAttempts(long attempts) => attempts == 1 ? "1 attempt" : $"{attempts} attempts";

    public virtual string WorkName(string kind) =>
        kind switch
        {
            "remind" => "Reminder",
            "escalate" => "Escalation",
            "expire" => "Expiry",
            "begin_absence" => "Start of an absence",
            "end_absence" => "End of an absence",
            "reweigh" => "Reviews of a disabled person",
            "look_for_blocked" => "Check for blocked requests",
            "clean" => "Cleaning",
            "notifications" => "Event for notifications",
            "webhooks" => "Event for webhooks",
            "destinations" => "Event for destinations",
            "delivery" => "Delivery",
            "link" => "Linked ticket",
            _ => kind,
        };

    public virtual string NoDeliveries => "Nothing here";
    public virtual string NoDeliveriesYet =>
        "As soon as something happens that somebody wants to hear of, it is listed here.";
    public virtual string SendingIsOff =>
        "PublicUrl is not set. Until it is, nothing leaves this hub: neither mail nor chat nor webhooks.";
    public virtual string Webhooks => "Webhooks";
    public virtual string NoWebhooks => "No webhooks yet";
    public virtual string NoWebhooksYet =>
        "A webhook hears of events the moment they happen, signed after Standard Webhooks.";
    public virtual string AddWebhook => "Add a webhook";
    public virtual string WebhookAddress => "Address";
    public virtual string WebhookEvents => "Events";
    public virtual string WebhookEventsHint =>
        "Separated by commas, such as request.approved, request.rejected or request.*; empty: all.";
    public virtual string WebhookSources => "Sources";
    public virtual string WebhookSourcesHint =>
        "Whose requests it hears of, by their names, separated by commas; empty: all.";

    public virtual string IsNotHere(string what) => $"Not found: {what}.";

    public virtual string OfSources(string names) => $"of {names}";

    public virtual string WebhookSecretOnce =>
        "This is its secret, shown only now. The receiver checks every message with it.";

    public virtual string WebhookTested(bool ok, int? status) =>
        ok ? $"The test message arrived: the receiver answered {status}." : "The test message did not arrive.";

    public virtual string Test => "Send a test";
    public virtual string Rotate => "New secret";
    public virtual string EndOld => "End the old secret";
    public virtual string SwitchOff => "Switch off";
    public virtual string SwitchOn => "Switch on";
    public virtual string IsOff => "off";
    public virtual string AllEvents => "all events";
    public virtual string SendOnceMore => "Send again";
    public virtual string SendFailedAgain => "Send all failed ones again";
    public virtual string SendFailedAgainAsk =>
        "Everything that failed for this receiver is sent again, with the ids it had. Receivers know by them what they have had.";

    public virtual string IsOnItsWay(int count) =>
        count == 1 ? "It is on its way again." : $"{count} are on their way again.";

    public virtual string WhatHappened => "What";
    public virtual string ToWhom => "To";
    public virtual string Through => "Through";
    public virtual string How => "How";
    public virtual string WorkStateTitle => "State";
    public virtual string WhenMade => "When";
    public virtual string WhatWasSent => "What was sent";
    public virtual string NothingSentYet => "Nothing was sent yet.";
    public virtual string Attempts => "Attempts";

    public virtual string AttemptTook(long milliseconds) => $"{milliseconds} ms";

    public virtual string TheCall => "Call";
    public virtual string Answered => "Answer";
    public virtual string ShowOnly => "Show";
    public virtual string AllOfThem => "All";

    public virtual string DeliveryState(string state) =>
        state switch
        {
            "due" => "on its way",
            "waiting" => "waits for an earlier one",
            "folded" => "told in a summary",
            "delivered" => "delivered",
            "dropped" => "not needed any more",
            _ => "failed",
        };

    // Channels of one's own
    public virtual string Channels => "How you hear of things";
    public virtual string ChannelsLede => "What waits for you is on your page in any case.";

    public virtual string Channel(string channel) => channel == "mail" ? "By mail" : "In Slack";

    public virtual string Keep => "Save";
    public virtual string Kept => "Saved.";
}
