using System.Globalization;
using Countersign.Requests;

namespace Countersign.Pages;

/// <summary>The words of the inbox.</summary>
internal partial class Texts
{
    public virtual string WaitsForYou => "Waits for you";
    public virtual string YouAsked => "You asked";
    public virtual string Everything => "Everything";

    public virtual string PartOf(string show, bool narrowed) =>
        show switch
        {
            "waiting" => WaitsForYou,
            "asked" => YouAsked,
            _ => narrowed ? "Found" : "All requests",
        };

    public virtual string ShowAll => "Show all";

    // Filters
    public virtual string Search => "Search";
    public virtual string Which => "Show";
    public virtual string StatusName => "Status";
    public virtual string Environment => "Environment";
    public virtual string Any => "Any";
    public virtual string Filter => "Filter";
    public virtual string ClearFilters => "Clear";

    // Rows
    public virtual string AskedShort => "asked by";
    public virtual string Waits => "waits";

    public virtual string Settled(ApprovalRequest request) =>
        request.Status switch
        {
            Status.Approved when request.Display.StartsWith("Approved ", StringComparison.Ordinal) => request.Display[
                "Approved ".Length..
            ],
            Status.Approved when request.Display.StartsWith("Approved, ", StringComparison.Ordinal) => request.Display[
                "Approved, ".Length..
            ],
            Status.Rejected when request.Display.StartsWith("Declined ", StringComparison.Ordinal) => request.Display[
                "Declined ".Length..
            ],
            Status.Withdrawn when request.Display == "Cancelled" => "",
            _ => request.Display,
        };

    // Nothing there
    public virtual string EmptyTitle(string show) =>
        show switch
        {
            "waiting" => "Nothing waits for you",
            "asked" => "You have not asked for anything",
            _ => "No requests yet",
        };

    public virtual string EmptyHint(string show) =>
        show switch
        {
            "waiting" => "When somebody needs your yes, it appears here by itself.",
            "asked" => "What you ask for appears here, with what is still missing.",
            _ => "As soon as a system or a person asks, it appears here.",
        };

    public virtual string NothingFound => "Nothing found";
    public virtual string NothingFoundHint =>
        "No request that you may see matches. Search looks at the subject, at who asked and at the source's own id.";
    public virtual string NothingOnThisPage => "Nothing on this page";
    public virtual string LookFurther =>
        "A search looks at some two thousand requests at a time; go on to the older ones.";

    // Several at once
    public virtual string BulkNote => "Note to all chosen";
    public virtual string ApproveChosen => "Approve chosen";
    public virtual string RejectChosen => "Reject chosen";
    public virtual string NothingChosen => "Choose at least one request.";
    public virtual string NothingSent => "Nothing was sent yet";
    public virtual string WhatBecame => "What became of your answers";
    public virtual string Taken => "Taken";
    public virtual string NotTaken => "Not taken";

    public virtual string TooLateShort(ApprovalRequest request) => $"Too late: {request.Display}";

    public virtual string ChangedShort => "The content changed while you were reading. Open it and answer the new one.";

    public virtual string BulkDone(Answer answer, int taken, int refused)
    {
        var did = answer == Answer.Approve ? "approved" : "rejected";
        var good = taken switch
        {
            0 => "None was taken",
            1 => $"One request {did}",
            _ => string.Create(CultureInfo.InvariantCulture, $"{taken} requests {did}"),
        };
        return refused == 0
            ? good + "."
            : string.Create(CultureInfo.InvariantCulture, $"{good}; {refused} not taken, see below.");
    }
}
