using System.Globalization;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Storage;

namespace Countersign.Pages.Account;

/// <summary>
/// When somebody is away, and who answers meanwhile: a person's own on <c>/account</c>, everybody's on
/// <c>/people/{id}</c> for admins.
/// </summary>
internal static class AbsenceSection
{
    public const string Set = "absence",
        End = "absence-end";

    /// <param name="typed">What was refused, so that it comes back.</param>
    public static void Write(
        Html html,
        string path,
        Person person,
        Absence? absence,
        PeopleSnapshot directory,
        Refused? refused,
        IFormCollection? typed
    )
    {
        var says = html.Says;
        var name = html.Caller?.Person?.Id == person.Id ? null : person.DisplayName;
        var standIn = absence?.StandIn is { } id ? directory.People.GetValueOrDefault(id) : null;
        typed = typed?["do"].ToString() == Set ? typed : null;
        html.Add(
            $"<section class=\"sheet narrow\" id=\"absence\"><h2>{says.AbsenceTitle(name)}</h2><p class=\"soft\">{says.AbsenceLede(name)}</p>"
        );
        if (absence is not null)
        {
            html.Notice(
                Tone.Careful,
                absence.Begun
                    ? says.AbsenceNow(name, Day(absence.To), standIn?.DisplayName)
                    : says.AbsenceLater(name, Day(absence.From), Day(absence.To), standIn?.DisplayName)
            );
        }
        html.Form(
            path,
            form =>
            {
                form.Hidden("do", Set);
                form.Field(
                    new Field("from", says.AbsenceFrom)
                    {
                        Type = "date",
                        Required = true,
                        Value = typed?["from"] ?? (absence is null ? "" : Day(absence.From)),
                        Error = Refused.Of(refused, "from"),
                    }
                );
                form.Field(
                    new Field("to", says.AbsenceTo)
                    {
                        Type = "date",
                        Required = true,
                        Value = typed?["to"] ?? (absence is null ? "" : Day(absence.To.AddTicks(-1))),
                        Error = Refused.Of(refused, "to"),
                    }
                );
                form.Field(
                    new Field("standIn", says.AbsenceStandIn)
                    {
                        Type = "email",
                        Hint = says.AbsenceStandInHint,
                        Value = typed?["standIn"] ?? standIn?.Email,
                        Error = Refused.Of(refused, "standIn"),
                        Longest = 254,
                        Autocomplete = "off",
                    }
                );
                form.Button(says.Keep);
            }
        );
        if (absence is not null)
            html.Form(path, form => form.Hidden("do", End).Button(says.AbsenceEnd(name, absence.Begun)));
        html.Add($"</section>");
    }

    /// <summary>Null when it was done.</summary>
    public static async Task<Refused?> Run(
        IFormCollection form,
        string email,
        Absences absences,
        Origin origin,
        Texts says,
        CancellationToken cancel
    )
    {
        if (form["do"].ToString() == End)
            return Refused.From(says, await absences.Cancel(email, origin, cancel));
        return AbsenceTimes.Read(form["from"], isEnd: false) is not { } from ? new Refused("from", says.NoDate)
            : AbsenceTimes.Read(form["to"], isEnd: true) is not { } to ? new Refused("to", says.NoDate)
            : Refused.From(says, await absences.Set(email, from, to, form["standIn"], origin, cancel));
    }

    private static string Day(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
