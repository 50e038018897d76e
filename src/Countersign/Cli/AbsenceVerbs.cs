using System.CommandLine;
using Countersign.Doors.Api;
using Countersign.People;

namespace Countersign.Cli;

/// <summary><c>countersign user absence …</c>: who is away, and who answers meanwhile.</summary>
internal static class AbsenceVerbs
{
    private static readonly Argument<string> Email = new("email") { Description = "The person's email." };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "absence",
            "Out of office and delegates: set, end, list.",
            Set(terminal),
            End(terminal),
            List(terminal)
        );

    private static Command Set(Terminal terminal)
    {
        var from = new Option<string>("--from")
        {
            Description = "The first day, or a time with its zone. Days are in UTC.",
            Required = true,
            HelpName = "day",
        };
        var to = new Option<string>("--to")
        {
            Description = "The last day, or a time with its zone.",
            Required = true,
            HelpName = "day",
        };
        var standIn = new Option<string?>("--stand-in")
        {
            Description = "The delegate's email. Without a delegate, no one decides for this person.",
            HelpName = "email",
        };
        return Verb.OnStore(
            terminal,
            "set",
            "Set when a person is out of office. Replaces an earlier setting.",
            [Email, from, to, standIn],
            async (parse, hub, cancel) =>
            {
                if (
                    AbsenceTimes.Read(parse.GetValue(from), isEnd: false) is not { } start
                    || AbsenceTimes.Read(parse.GetValue(to), isEnd: true) is not { } end
                )
                {
                    return new Reply.Failed(Reply.Invalid, AbsenceTimes.Expected);
                }
                var outcome = await hub.Get<Absences>()
                    .Set(parse.GetValue(Email)!, start, end, parse.GetValue(standIn), Hub.Origin, cancel);
                var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
                return outcome.ToReply(absence => new Reply.Done(
                    AbsenceView.Of(absence, directory),
                    InWords(AbsenceView.Of(absence, directory))
                ));
            }
        );
    }

    private static Command End(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "end",
            "End or cancel a person's absence.",
            [Email],
            async (parse, hub, cancel) =>
                (await hub.Get<Absences>().Cancel(parse.GetValue(Email)!, Hub.Origin, cancel)).ToReply(
                    id => new Reply.Done(new { id }, "No absence is set.")
                )
        );

    private static Command List(Terminal terminal) =>
        Verb.Reading(
            terminal,
            "list",
            "List everyone who is or will be out of office.",
            [],
            async (_, hub, cancel) =>
            {
                var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
                var absences = (await hub.Get<Absences>().List(cancel)).ConvertAll(a => AbsenceView.Of(a, directory));
                return new Reply.Done(
                    new { absences },
                    absences.Count == 0 ? "No one is out of office." : string.Join('\n', absences.Select(InWords))
                );
            }
        );

    private static string InWords(AbsenceView absence) =>
        $"{absence.Person} "
        + $"{(absence.Away ? "is out of office" : "will be out of office from " + absence.From)} until "
        + $"{absence.To}; {(absence.StandIn is { } other ? $"{other} is the delegate" : "no delegate")}.";
}
