using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.Storage;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Account;

/// <summary>
/// Setting and ending an absence: a person's own on <c>/account</c>, other people's on <c>/people/{id}</c> for admins.
/// </summary>
internal static class AbsenceForm
{
    public const string Set = "absence",
        End = "absence-end";

    /// <param name="typed">What was refused, so that it comes back.</param>
    public static AbsenceModel ModelOf(
        string path,
        Person person,
        bool isSelf,
        Absence? absence,
        PeopleSnapshot directory,
        Refused? refused,
        IFormCollection? typed
    ) =>
        new(path, isSelf ? null : person.DisplayName)
        {
            Absence = absence,
            Delegate = absence?.StandIn is { } id ? directory.People.GetValueOrDefault(id) : null,
            Refused = refused,
            Typed =
                typed?["do"].ToString() == Set
                    ? (typed["from"].ToString(), typed["to"].ToString(), typed["standIn"].ToString())
                    : null,
        };

    /// <summary>Null when it was done.</summary>
    public static async Task<Refused?> Run(
        IFormCollection form,
        string email,
        Absences absences,
        Origin origin,
        IStringLocalizer strings,
        CancellationToken cancel
    )
    {
        if (form["do"].ToString() == End)
            return Refused.From(strings, await absences.Cancel(email, origin, cancel));
        return AbsenceTimes.Read(form["from"], isEnd: false) is not { } from
                ? new Refused("from", strings["absence.noDate"])
            : AbsenceTimes.Read(form["to"], isEnd: true) is not { } to ? new Refused("to", strings["absence.noDate"])
            : Refused.From(strings, await absences.Set(email, from, to, form["standIn"], origin, cancel));
    }
}
