using System.ComponentModel;
using Countersign.Configuration;

namespace Countersign.Requests;

/// <summary>Which tickets a request may name.</summary>
public enum TicketRule
{
    Open,
    Strict,
}

/// <summary>How requests stand to tickets, at the Zendesk door and on the page for new requests.</summary>
public sealed record ZendeskOptions
{
    [Description("Whether a request can name any ticket (open) or only an existing one (strict).")]
    [MustBe("open (a request can name any ticket) or strict (only an existing one)")]
    public TicketRule Tickets { get; init; }

    [Description("Whether a ticket can have only one request that wasn't withdrawn.")]
    public bool OnePerTicket { get; init; } = true;

    public TicketTerms Terms => new(Tickets == TicketRule.Open, OnePerTicket);
}
