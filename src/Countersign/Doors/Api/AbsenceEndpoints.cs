using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Countersign.Doors.Api.Operations;
using Countersign.Hosting;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Doors.Api;

public sealed record AbsenceBody : IChecked
{
    [
        Description("A time such as 2026-12-24T08:00:00Z, or a day, which begins at midnight UTC."),
        Required,
        Example("2026-12-24")
    ]
    public string? From { get; init; }

    [Description("A time, or the last day."), Required, Example("2027-01-02")]
    public string? To { get; init; }

    [Description("The email of the delegate who decides meanwhile."), MaxLength(254), Example("ben@example.com")]
    public string? StandIn { get; init; }

    public void Check(BodyErrors mistakes)
    {
        if (AbsenceTimes.Read(From, isEnd: false) is null)
            mistakes.Add("from", AbsenceTimes.Expected);
        if (AbsenceTimes.Read(To, isEnd: true) is null)
            mistakes.Add("to", AbsenceTimes.Expected);
        mistakes.SingleLine("standIn", StandIn, 254, required: false);
    }
}

public sealed record AbsenceView(
    [Description("The person's email."), Example("ann@example.com")] string Person,
    [Description("When it begins."), Format("date-time"), Example("2026-12-24T00:00:00.000Z")] string From,
    [Description("When it ends."), Format("date-time"), Example("2027-01-03T00:00:00.000Z")] string To,
    [Description("The delegate's email."), Example("ben@example.com")] string? StandIn,
    [Description("Whether it has begun.")] bool Away
)
{
    public static AbsenceView Of(Absence absence, PeopleSnapshot directory) =>
        new(
            NameOf(absence.PersonId, directory)!,
            Instant.ToText(absence.From),
            Instant.ToText(absence.To),
            NameOf(absence.StandIn, directory),
            absence.Begun
        );

    private static string? NameOf(long? id, PeopleSnapshot directory) =>
        id is { } known && directory.People.TryGetValue(known, out var person) ? person.Email ?? person.Name : null;
}

public sealed record AbsencesView(IReadOnlyList<AbsenceView> Absences);

/// <summary>Who is away, and who answers meanwhile: of oneself, and for admins of everybody.</summary>
internal static class AbsenceEndpoints
{
    public static void Map(RouteGroupBuilder api, RouteGroupBuilder admin)
    {
        api.MapGet(
                "/me/absence",
                async Task<IResult> (
                    CurrentCaller caller,
                    Absences absences,
                    PeopleDirectory directory,
                    CancellationToken cancel
                ) => caller.Caller.Person is not { } me ? PeopleOnly : await Show(me, absences, directory, cancel)
            )
            .Produces<AbsenceView>()
            .Describe(Tags.Me, PeopleOperations.GetOwnAbsence);
        api.MapPut(
                "/me/absence",
                async Task<IResult> (
                    JsonBody<AbsenceBody> body,
                    CurrentCaller caller,
                    Absences absences,
                    PeopleDirectory directory,
                    CancellationToken cancel
                ) =>
                    caller.Caller.Person is not { } me
                        ? PeopleOnly
                        : await Set(me.Email!, body.Value, caller, absences, directory, cancel)
            )
            .Produces<AbsenceView>()
            .Describe(Tags.Me, PeopleOperations.SetOwnAbsence);
        api.MapDelete(
                "/me/absence",
                async Task<IResult> (CurrentCaller caller, Absences absences, CancellationToken cancel) =>
                    caller.Caller.Person is not { } me
                        ? PeopleOnly
                        : AdminEndpoints.Plain(await absences.Cancel(me.Email!, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.Me, PeopleOperations.EndOwnAbsence);
        admin
            .MapGet(
                "/absences",
                async (Absences absences, PeopleDirectory directory, CancellationToken cancel) =>
                {
                    var snapshot = await directory.Refresh(cancel);
                    return TypedResults.Ok(
                        new AbsencesView([.. (await absences.List(cancel)).Select(a => AbsenceView.Of(a, snapshot))])
                    );
                }
            )
            .Describe(Tags.People, PeopleOperations.ListAbsences);
        admin
            .MapPut(
                "/people/{email}/absence",
                (
                    string email,
                    JsonBody<AbsenceBody> body,
                    CurrentCaller caller,
                    Absences absences,
                    PeopleDirectory directory,
                    CancellationToken cancel
                ) => Set(email, body.Value, caller, absences, directory, cancel)
            )
            .Produces<AbsenceView>()
            .Describe(Tags.People, PeopleOperations.SetAbsence);
        admin
            .MapDelete(
                "/people/{email}/absence",
                async (string email, CurrentCaller caller, Absences absences, CancellationToken cancel) =>
                    AdminEndpoints.Plain(await absences.Cancel(email, caller.Viewer.Origin, cancel))
            )
            .Produces(204)
            .Describe(Tags.People, PeopleOperations.EndAbsence);
    }

    private static IResult PeopleOnly => Problems.NotAllowed("people_only", "Only people can be out of office.");

    private static async Task<IResult> Show(
        Person person,
        Absences absences,
        PeopleDirectory directory,
        CancellationToken cancel
    ) =>
        await absences.Find(person.Id, cancel) is { } absence
            ? TypedResults.Ok(AbsenceView.Of(absence, await directory.Refresh(cancel)))
            : Problems.NotFound("No absence is set.");

    private static async Task<IResult> Set(
        string email,
        AbsenceBody body,
        CurrentCaller caller,
        Absences absences,
        PeopleDirectory directory,
        CancellationToken cancel
    )
    {
        var outcome = await absences.Set(
            email,
            AbsenceTimes.Read(body.From, isEnd: false)!.Value,
            AbsenceTimes.Read(body.To, isEnd: true)!.Value,
            body.StandIn,
            caller.Viewer.Origin,
            cancel
        );
        var snapshot = await directory.Refresh(cancel);
        return AdminEndpoints.Answer(outcome, absence => TypedResults.Ok(AbsenceView.Of(absence, snapshot)));
    }
}
