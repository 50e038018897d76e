using System.Globalization;
using System.Text;
using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Audit.Receipts;

/// <summary>
/// A report for people. What the receipt says stands escaped, and of times it is said by whose clock they are: when the
/// event happened is the hub's word, and witnesses only say before and after what it was logged.
/// </summary>
internal static class ReceiptWords
{
    private const int Column = 12;

    public static string Of(ReceiptReport report)
    {
        var text = new StringBuilder();
        if (report.Problem is { } problem)
            return $"Not valid. {Visible.Text(problem)}";
        text.Append(
            report.Doubts.Count == 0
                ? "Valid."
                : $"Undecided. {string.Join(' ', report.Doubts)}\n"
                    + "What follows is what the file says; not all of it is proven."
        );
        Line("Event", $"{report.Subject}, {report.Kind}, number {report.N} of its history");
        Line("Hub's time", $"{report.HubTime}, by the clock of {report.Origin}");
        Line("Via", report.Via);
        Line("Requester", report.Requester);
        foreach (var answer in report.Answers)
        {
            var who = answer.Name is null ? $"person {answer.Person}" : $"{answer.Name} ({answer.Login})";
            var standsIn = answer.For is null ? "" : $" for {answer.ForName ?? $"person {answer.For}"}";
            Line("Answer", $"{answer.Answer} by {who}{standsIn}, {answer.At}, via {answer.Via}");
        }
        Line("Policy", report.Weighed is null ? null : $"{report.Policy}: {report.Weighed}");
        Line("Content", report.Digest is null ? null : $"SHA-256 {report.Digest}, {report.Parts["content"]}");
        Line("Log", $"{report.Origin}, entry {report.Index} of {report.Size}");
        Line("Key", report.AnnouncedBy is { } by ? $"announced by {by}, whose key was given" : null);
        Line("Strength", Strength(report));
        Line("Logged", Logged(report));
        foreach (var (part, state) in report.Parts.Where(p => p.Key is not ("content" or "policy")))
        {
            Line("Part", $"{part}: {state}");
            if (
                part is EventLeaf.WordsPart or EventLeaf.OriginPart
                && report.Disclosed.TryGetValue(part, out var shown)
            )
            {
                foreach (var member in shown.EnumerateObject())
                    Line("", $"{member.Name}: {Said(member.Value)}");
            }
        }
        return text.ToString();

        void Line(string name, string? value)
        {
            if (value is not null)
                text.Append('\n').Append(name.PadRight(Column)).Append(Visible.Text(value));
        }
    }

    private static string Said(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private static string Strength(ReceiptReport report)
    {
        var witnesses = report.Witnesses.Select(w =>
            $"{w.Name}{(w.IsRunByLog ? ", which the log's operator runs" : "")}, at {Utc(w.Time)} by its clock"
        );
        var known = report.Witnesses.Count == 0 ? "" : $": {string.Join("; ", witnesses)}";
        var others = report.NotCounted == 0 ? "" : $". {report.NotCounted} signatures by unknown keys aren't counted";
        var ofKnown =
            report.KnownWitnesses == 0
                ? ""
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $", {report.Witnesses.Count} of {report.KnownWitnesses} known witnesses"
                );
        return $"{report.Strength ?? "not proven"}{ofKnown}{known}{others}";
    }

    private static string? Logged(ReceiptReport report) =>
        (report.LoggedAfter, report.LoggedBefore) switch
        {
            ({ } after, { } before) => $"after {Utc(after)} and before {Utc(before)}, by witness clocks",
            (null, { } before) => $"before {Utc(before)}, by witness clocks",
            _ => null,
        };

    private static string Utc(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
