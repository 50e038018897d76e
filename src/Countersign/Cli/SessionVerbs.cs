using System.CommandLine;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary><c>countersign session …</c>: where people are signed in with a browser.</summary>
internal static class SessionVerbs
{
    public static Command Build(Terminal terminal) =>
        Verb.Family("session", "Browser sessions: list, end.", List(terminal), End(terminal));

    private static Command List(Terminal terminal) =>
        Verb.Reading(
            terminal,
            "list",
            "List all open sessions, most recently used first.",
            [],
            async (_, hub, cancel) =>
            {
                var people = (await hub.Get<PeopleDirectory>().Refresh(cancel)).People;
                var sessions = (await hub.Get<Sessions>().List(null, cancel)).ConvertAll(s => new SessionLine(
                    s.Id,
                    people.GetValueOrDefault(s.PersonId)?.Email ?? "",
                    s.How,
                    s.Browser,
                    s.Address,
                    Instant.ToText(s.CreatedAt),
                    Instant.ToText(s.LastUsedAt),
                    Instant.ToText(s.Until)
                ));
                return new Reply.Done(
                    new { sessions },
                    sessions.Count == 0
                        ? "No one is signed in."
                        : terminal.Table(
                            ["id", "email", "how", "address", "signed in", "last used"],
                            sessions.Select(s =>
                                new[] { $"{s.Id}", s.Email, s.How, s.Address, s.CreatedAt, s.LastUsedAt }
                            )
                        )
                );
            }
        );

    private static Command End(Terminal terminal)
    {
        var id = new Argument<long>("id") { Description = "The session's ID, as listed." };
        return Verb.OnStore(
            terminal,
            "end",
            "End a session; the person has to sign in again.",
            [id],
            async (parse, hub, cancel) =>
            {
                var outcome = await hub.Get<Sessions>()
                    .End(parse.GetValue(id), null, "ended by an operator", Hub.Origin, cancel);
                return outcome.ToReply(ended => new Reply.Done(new { id = ended }, $"Session {ended} has ended."));
            }
        );
    }

    private sealed record SessionLine(
        long Id,
        string Email,
        string How,
        string Browser,
        string Address,
        string CreatedAt,
        string LastUsedAt,
        string Until
    );
}
