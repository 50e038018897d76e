namespace Countersign.Pages;

/// <summary>The words of the page on which one asks.</summary>
internal partial class Texts
{
    public virtual string NewRequestLede =>
        "Ask one person, or any member of a group, for a yes. Whoever asks cannot decide.";
    public virtual string SubjectHint => "One line that says what should happen.";
    public virtual string MessageHint => "What changes and why. Links become links, a unified diff is shown as one.";
    public virtual string WhoDecides => "Who decides";
    public virtual string Choose => "Choose…";
    public virtual string Groups => "Groups";
    public virtual string People => "People";
    public virtual string TicketOptional => "Ticket (optional)";
    public virtual string Ask => "Ask for approval";
    public virtual string ChooseWhoDecides => "Choose who decides.";
    public virtual string NotYourself => "Whoever asks may not decide: choose somebody else.";
    public virtual string TicketIsANumber => "A ticket is a whole number.";
    public virtual string TicketTaken => "This ticket has a request already, and may have one only.";

    public virtual string TicketFull(int most) =>
        $"This ticket has had {most} requests that were withdrawn, which is as many as a ticket takes. Use another ticket.";

    public virtual string NoSuchTicket => "There is no such ticket here.";
    public virtual string TicketsRequesterMayNotDecide =>
        "The ticket's requester may not decide: choose somebody else.";
}
