using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Xml;

namespace Countersign.Simulator.Conformance;

/// <summary>
/// A report as a text for people, as one JSON document, and as JUnit XML, which CI systems show as tests.
/// </summary>
public static class ReportFormats
{
    private const string Suite = "LaunchDarkly custom approvals";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    /// <summary>The format is the file's: <c>.xml</c> for JUnit, <c>.json</c>, and else text.</summary>
    public static string ForFile(ConformanceReport report, string file) =>
        Path.GetExtension(file).ToLowerInvariant() switch
        {
            ".xml" => JUnit(report),
            ".json" => JsonSerializer.Serialize(Document(report), Options),
            _ => Text(report),
        };

    public static object Document(ConformanceReport report) =>
        new
        {
            ok = report.IsClean,
            application = report.Application,
            calls = report.Calls,
            cases = report.Cases.Select(c => new
            {
                name = c.Case.Name,
                calls = c.Calls,
                findings = c.Findings,
            }),
            skipped = report.Skipped.Select(c => c.Name),
            open = report.Open,
            requests = report.Tickets.Select(t => new
            {
                id = t.Change.Id,
                externalId = t.ExternalId,
                @case = t.Case,
                flag = t.Change.Flag.Key,
                environment = t.Change.Environment.Key,
                launchDarkly = t.State,
                value = t.Value,
                display = t.Display,
            }),
            findings = report.Findings.Select(f => new
            {
                number = f.Rule.Label,
                code = f.Rule.Code,
                level = Level(f.Rule),
                @case = f.Case,
                request = f.Request,
                what = f.What,
            }),
            checks = report.Checks.Select(c => new
            {
                number = c.Rule.Label,
                code = c.Rule.Code,
                group = c.Rule.Group,
                level = Level(c.Rule),
                result = Word(c.Result),
                occurrences = c.Occurrences,
                meaning = c.Rule.Meaning,
                seen = c.Seen.Select(Seen),
                fix = c.Result is CheckResult.Failed or CheckResult.Doubtful ? c.Rule.Fix : null,
                why = c.Why,
            }),
        };

    /// <summary>Every check with its number, and for the broken ones what was seen and what to do.</summary>
    public static string Text(ConformanceReport report)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Suite}: {report.Application}\n{report.Totals}\n");
        foreach (var group in report.Checks.GroupBy(c => c.Rule.Group))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{group.Key}\n");
            foreach (var check in group)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"  {Word(check.Result), -8}  {check.Rule.Label}  {check.Rule.Code}\n"
                );
                if (check.Result is CheckResult.Failed or CheckResult.Doubtful)
                    text.Append(Broken(check, "            "));
                else if (check.Why is { } why)
                    text.Append(CultureInfo.InvariantCulture, $"            {why}\n");
            }
        }
        return text.Append(Verdict(report)).ToString();
    }

    /// <summary>The end of a run on a terminal: only what people have to do something about.</summary>
    public static string Summary(ConformanceReport report)
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"\n{report.Tickets.Count} requests, {report.Calls} calls to {report.Application}\n"
        );
        if (report.Tickets.Count > 0)
        {
            var states = report.Tickets.GroupBy(t => t.State).OrderBy(g => g.Key, StringComparer.Ordinal);
            var counts = states.Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Count()} {g.Key}"));
            text.Append(CultureInfo.InvariantCulture, $"LaunchDarkly has {string.Join(", ", counts)}.\n");
        }
        if (report.Open > 0)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{report.Open} are still pending; the cases after a decision didn't run.\n"
            );
        }
        var broken = report.Checks.Where(c => c.Result is CheckResult.Failed or CheckResult.Doubtful);
        foreach (var check in broken.OrderByDescending(c => c.Rule.Severity).ThenBy(c => c.Rule.Number))
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"\n{Heading(check.Rule)}  {check.Rule.Label}  {check.Rule.Code} ({check.Occurrences})\n"
            );
            text.Append(Broken(check, "       "));
        }
        return text.Append(CultureInfo.InvariantCulture, $"\n{report.Totals}").Append(Verdict(report)).ToString();
    }

    /// <summary>
    /// One test per check, under its number. What is doubtful or wasn't run counts as skipped, with the reason.
    /// </summary>
    public static string JUnit(ConformanceReport report)
    {
        var text = new StringBuilder();
        var settings = new XmlWriterSettings { Indent = true, OmitXmlDeclaration = true };
        using (var xml = XmlWriter.Create(text, settings))
        {
            xml.WriteStartElement("testsuites");
            Totals(xml, Suite, report.Checks);
            foreach (var group in report.Checks.GroupBy(c => c.Rule.Group))
            {
                xml.WriteStartElement("testsuite");
                Totals(xml, group.Key, [.. group]);
                foreach (var check in group)
                    TestCase(xml, check);
                xml.WriteEndElement();
            }
            xml.WriteEndElement();
        }
        return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + text + "\n";
    }

    internal static string Heading(Rule rule) => rule.Severity == Severity.Wrong ? "WRONG" : "doubt";

    /// <summary>One line without anything that could steer a terminal or that XML doesn't allow.</summary>
    internal static string Line(string text)
    {
        var line = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var category = Rune.GetUnicodeCategory(rune);
            var isShown = category is not (UnicodeCategory.Control or UnicodeCategory.Format);
            line.Append(isShown && rune.Value is not (0xFFFE or 0xFFFF) ? rune.ToString() : " ");
        }
        return line.ToString();
    }

    private static string Broken(Check check, string indent)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{indent}{check.Rule.Meaning}\n");
        foreach (var seen in check.Seen)
            text.Append(CultureInfo.InvariantCulture, $"{indent}Seen: {Line(Seen(seen))}\n");
        if (check.Occurrences > check.Seen.Count)
            text.Append(CultureInfo.InvariantCulture, $"{indent}… {check.Occurrences} times in all\n");
        return text.Append(CultureInfo.InvariantCulture, $"{indent}Fix: {check.Rule.Fix}\n").ToString();
    }

    private static string Verdict(ConformanceReport report) =>
        $"\nLaunchDarkly and the application {(report.IsClean ? "agree" : "disagree")}.";

    private static void Totals(XmlWriter xml, string name, IReadOnlyList<Check> checks)
    {
        xml.WriteAttributeString("name", name);
        xml.WriteAttributeString("tests", Number(checks.Count));
        xml.WriteAttributeString("failures", Number(checks.Count(c => c.Result == CheckResult.Failed)));
        xml.WriteAttributeString("errors", "0");
        xml.WriteAttributeString(
            "skipped",
            Number(checks.Count(c => c.Result is CheckResult.Doubtful or CheckResult.NotRun))
        );
    }

    private static void TestCase(XmlWriter xml, Check check)
    {
        xml.WriteStartElement("testcase");
        xml.WriteAttributeString("classname", $"launchdarkly.{Slug(check.Rule.Group)}");
        xml.WriteAttributeString("name", $"{check.Rule.Label} {check.Rule.Code}");
        if (check.Result == CheckResult.Failed)
        {
            xml.WriteStartElement("failure");
            xml.WriteAttributeString("type", check.Rule.Code);
            xml.WriteAttributeString("message", Line(check.Seen.Count > 0 ? check.Seen[0].What : check.Rule.Meaning));
            xml.WriteString(Broken(check, ""));
            xml.WriteEndElement();
        }
        else if (check.Result != CheckResult.Passed)
        {
            xml.WriteStartElement("skipped");
            xml.WriteAttributeString(
                "message",
                check.Why ?? Line($"Doubtful: {check.Rule.Meaning} {check.Seen[0].What}")
            );
            xml.WriteEndElement();
            if (check.Result == CheckResult.Doubtful)
                xml.WriteElementString("system-out", Broken(check, ""));
        }
        xml.WriteEndElement();
    }

    private static string Seen(Finding finding) =>
        finding.Request is { } id ? $"{finding.Case}, {id}: {finding.What}" : $"{finding.Case}: {finding.What}";

    private static string Level(Rule rule) => rule.Severity == Severity.Wrong ? "wrong" : "doubtful";

    private static string Word(CheckResult result) =>
        result switch
        {
            CheckResult.Passed => "passed",
            CheckResult.Failed => "failed",
            CheckResult.Doubtful => "doubtful",
            _ => "not run",
        };

    private static string Slug(string group) => group.ToLowerInvariant().Replace(' ', '-');

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
