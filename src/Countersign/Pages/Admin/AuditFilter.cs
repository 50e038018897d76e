using System.Globalization;
using Countersign.Audit;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Admin;

/// <summary>What narrows the log, as it stands in the address bar.</summary>
public sealed record AuditFilter(string Subject, string Kind, string Who, string From, string Until, long? Below)
{
    /// <summary>What one can choose: all kinds that begin like this.</summary>
    public static readonly IReadOnlyList<string> Kinds =
    [
        "request.",
        "policy.",
        "person.",
        "group.",
        "source.",
        "destination.",
        "webhook.",
        "session.",
        "sign_in.",
        "token.",
        "ticket.",
        "work.",
    ];

    public bool IsEmpty => Subject.Length + Kind.Length + Who.Length + From.Length + Until.Length == 0;

    public static AuditFilter Of(IQueryCollection query) =>
        new(
            query["subject"].ToString().Trim(),
            query["kind"].ToString().Trim(),
            query["who"].ToString().Trim(),
            query["from"].ToString().Trim(),
            query["until"].ToString().Trim(),
            long.TryParse(query["below"].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var below)
                ? below
                : null
        );

    internal EventFilter? Read(PeopleSnapshot snapshot, IStringLocalizer t, out Refused? refused)
    {
        refused = null;
        var (from, until) = (Day(From), Day(Until));
        var subject = Subject.Length == 0 ? null : Party(Subject, snapshot);
        var actor = Who.Length == 0 ? null : Party(Who, snapshot);
        if (Subject.Length > 0 && subject is null)
            refused = new Refused("subject", t["audit.unknownName", Subject]);
        else if (Who.Length > 0 && actor is null)
            refused = new Refused("who", t["audit.unknownName", Who]);
        else if (From.Length > 0 && from is null)
            refused = new Refused("from", t["audit.noDate"]);
        else if (Until.Length > 0 && until is null)
            refused = new Refused("until", t["audit.noDate"]);
        return refused is null
            ? new EventFilter(subject, Kind.Length == 0 ? null : Kind, actor, from, until?.AddDays(1))
            : null;
    }

    public string Address(string path)
    {
        var parts = new Dictionary<string, string?>
        {
            ["subject"] = Subject,
            ["kind"] = Kind,
            ["who"] = Who,
            ["from"] = From,
            ["until"] = Until,
            ["below"] = Below?.ToString(CultureInfo.InvariantCulture),
        };
        return QueryHelpers.AddQueryString(path, parts.Where(p => !string.IsNullOrEmpty(p.Value)));
    }

    /// <summary>
    /// What was typed as events have it: <c>person:7</c>, a request's id, an email or a name. Null: nobody and nothing
    /// is called that, or several are.
    /// </summary>
    private static string? Party(string typed, PeopleSnapshot snapshot)
    {
        if (typed is "hub" or "operator" or "policy")
            return typed;
        if (typed.Contains('@', StringComparison.Ordinal))
            return snapshot.FindPerson(typed) is { } known ? Actor.Person(known.Id).Text : null;
        // An id, or the address of a request's page.
        if (RequestId.TryParse(typed[(typed.LastIndexOf('/') + 1)..], out var request))
            return request.Subject;
        string[] called =
        [
            .. from person in snapshot.People.Values
            where person.Role != Role.Service && (Same(person.Name) || Same(person.DisplayName))
            select Actor.Person(person.Id).Text,
            .. snapshot.FindGroup(typed) is { } group ? [group.AsApprover.Party.Text] : Array.Empty<string>(),
            .. snapshot.FindSource(typed) is { } source ? [Actor.Source(source.Id).Text] : Array.Empty<string>(),
        ];
        return called is [var one] ? one
            : called.Length == 0 && typed.Contains(':', StringComparison.Ordinal) ? typed
            : null;

        bool Same(string name) => string.Equals(name, typed, StringComparison.OrdinalIgnoreCase);
    }

    private static DateTimeOffset? Day(string text) =>
        DateTimeOffset.TryParseExact(
            text,
            "yyyy-MM-dd",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var day
        )
            ? day
            : null;
}
