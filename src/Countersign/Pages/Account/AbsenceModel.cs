using System.Globalization;
using Countersign.Pages.Parts;
using Countersign.People;

namespace Countersign.Pages.Account;

/// <summary>When a person is out of office, and who reviews meanwhile.</summary>
/// <param name="Path">Where the form is posted.</param>
/// <param name="Name">The person's, on their page for admins; null on one's own.</param>
public sealed record AbsenceModel(string Path, string? Name)
{
    public Absence? Absence { get; init; }
    public Person? Delegate { get; init; }
    public Refused? Refused { get; init; }

    /// <summary>What was refused, so that it comes back: from, to, delegate.</summary>
    public (string From, string To, string Delegate)? Typed { get; init; }

    public string From => Typed?.From ?? (Absence is { } absence ? Day(absence.From) : "");
    public string To => Typed?.To ?? (Absence is { } absence ? Day(LastDay(absence)) : "");
    public string DelegateEmail => Typed?.Delegate ?? Delegate?.Email ?? "";

    /// <summary>The end itself is the first moment after it.</summary>
    public static DateTimeOffset LastDay(Absence absence) => absence.To.AddTicks(-1);

    private static string Day(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
