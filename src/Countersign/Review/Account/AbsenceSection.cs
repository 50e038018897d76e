using Countersign.Access;
using Countersign.Doors;
using Countersign.Doors.Api;
using Countersign.Review.Frame;

namespace Countersign.Review.Account;

/// <summary>On the account page: when its owner is away, and who answers meanwhile.</summary>
internal static class AbsenceSection
{
    public const string Path = "/account/absence";

    public static void Write(Html html, Absence? absence, DirectorySnapshot directory)
    {
        var says = html.Says;
        html.Add($"<section class=\"sheet\" id=\"absence\"><h2>{says.AbsenceTitle}</h2><p>{says.AbsenceLede}</p>");
        string? standIn = null;
        if (absence is not null)
        {
            standIn = absence.StandIn is { } id && directory.People.TryGetValue(id, out var person) ? person.Email : null;
            html.Notice(Tone.Careful, absence.Begun ? says.AbsenceNow(Day(absence.To), standIn) : says.AbsenceLater(Day(absence.From), Day(absence.To), standIn));
        }
        html.Form(Path, form =>
        {
            form.Field(new Field("from", says.AbsenceFrom) { Type = "date", Required = true, Value = absence is null ? "" : Day(absence.From) });
            form.Field(new Field("to", says.AbsenceTo) { Type = "date", Required = true, Value = absence is null ? "" : Day(absence.To.AddDays(-1)) });
            form.Field(new Field("standIn", says.AbsenceStandIn) { Type = "email", Hint = says.AbsenceStandInHint, Value = standIn ?? "", Longest = 254 });
            form.Button(says.AbsenceSet, "main");
        });
        if (absence is not null)
            html.Form(Path, form => form.Hidden("end", "true").Button(says.AbsenceEnd));
        html.Add($"</section>");
    }

    public static async Task<IResult> Run(HttpContext http, Asking asking, Absences absences, CancellationToken cancel)
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var (says, me) = (Texts.For(http), asking.Person.Email ?? "");
        var done = Results.Redirect($"{http.Request.PathBase}{AccountPage.Path}#absence");
        if (form["end"].Count > 0)
        {
            await absences.Cancel(me, asking.Viewer.Origin, cancel);
            return done;
        }
        if (AbsenceTimes.Read(form["from"], isEnd: false) is not { } from || AbsenceTimes.Read(form["to"], isEnd: true) is not { } to)
            return Refused(says.AbsenceBadDay);
        return await absences.Set(me, from, to, form["standIn"], asking.Viewer.Origin, cancel) switch
        {
            AccessOutcome<Absence>.Done => done,
            AccessOutcome<Absence>.Invalid { Why: var why } => Refused(why),
            _ => Missing.Page(http),
        };

        static PageAnswer Refused(string why) => new(t => t.NotSaved, html =>
        {
            html.Notice(Tone.Bad, why);
            html.Add($"<p><a href=\"{html.Base}{AccountPage.Path}#absence\">{html.Says.AbsenceTitle}</a></p>");
        })
        { Status = StatusCodes.Status422UnprocessableEntity, Section = AccountPage.Path };
    }

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
}
