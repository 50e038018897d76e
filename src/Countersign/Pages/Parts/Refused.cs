using Countersign.People;
using Countersign.Requests;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Parts;

/// <summary>What a form was refused for: about which field, and why.</summary>
public sealed record Refused(string? Field, string Why)
{
    /// <summary>What could not be approved any more; it is done all the same when that is confirmed.</summary>
    public IReadOnlyList<WouldBeBlocked> Blocked { get; init; } = [];

    /// <summary>The field's element, which the summary above the form leads to.</summary>
    public string? ElementId => Field is null ? null : "f-" + Field;

    public static Refused? From<T>(IStringLocalizer strings, AccessOutcome<T> outcome) =>
        outcome switch
        {
            AccessOutcome<T>.Done => null,
            AccessOutcome<T>.Exists(var what) => new Refused(null, strings["refused.exists", what]),
            AccessOutcome<T>.NotFound(var what) => new Refused(null, strings["refused.notFound", what]),
            AccessOutcome<T>.Invalid(var field, var why) { Code: var code } => Invalid(strings, field, why, code),
            AccessOutcome<T>.WouldBlock(var requests) => new Refused(
                null,
                strings.Count("refused.wouldBlock", requests.Count)
            )
            {
                Blocked = requests,
            },
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>In the reader's language where there is a sentence for the code.</summary>
    public static Refused Invalid(IStringLocalizer strings, string field, string why, string? code) =>
        new(field, (code is null ? null : strings.Find("refused." + code)) ?? why);

    public static string? Of(Refused? refused, string field) => refused?.Field == field ? refused.Why : null;
}
