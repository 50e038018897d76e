using System.CommandLine;
using Countersign.Work;

namespace Countersign.Cli;

/// <summary><c>countersign work …</c>: the job queue.</summary>
internal static class WorkVerbs
{
    private static readonly Argument<long> Id = new("id") { Description = "The job's ID, as listed." };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "work",
            "The job queue: list, retry, discard.",
            List(terminal),
            Change(
                terminal,
                "retry",
                "Retry a failed job now, with all its attempts.",
                (work, id, cancel) => work.Retry(id, Hub.Origin, cancel),
                "will be retried"
            ),
            Change(
                terminal,
                "discard",
                "Remove a job without running it.",
                (work, id, cancel) => work.Discard(id, Hub.Origin, cancel),
                "is discarded"
            )
        );

    private static Command List(Terminal terminal)
    {
        var states = $"Only jobs in this state: {string.Join(", ", WorkList.States)}.";
        var state = new Option<string?>("--state") { Description = states, HelpName = "state" };
        state.AcceptOnlyFromAmong([.. WorkList.States]);
        var kind = new Option<string?>("--kind") { Description = "Only jobs of this kind.", HelpName = "kind" };
        const string next = "The next page: the last ID of the page before.";
        var before = new Option<long?>("--before") { Description = next, HelpName = "id" };
        return Verb.Reading(
            terminal,
            "list",
            "List jobs that wait, run or failed, and why, newest first.",
            [state, kind, before],
            async (parse, hub, cancel) =>
            {
                var page = await hub.Get<WorkList>()
                    .List(parse.GetValue(state), parse.GetValue(kind), parse.GetValue(before), cancel);
                return new Reply.Done(
                    new
                    {
                        page.Counts,
                        page.Jobs,
                        page.Next,
                    },
                    page.Jobs.Count == 0
                        ? "No jobs."
                        : terminal.Table(
                            ["id", "kind", "about", "state", "due", "attempts", "error"],
                            page.Jobs.Select(j =>
                                new[] { $"{j.Id}", j.Kind, j.About, j.State, j.DueAt, $"{j.Attempts}", j.Error ?? "" }
                            )
                        ) + (page.Next is { } more ? $"\nMore: countersign work list --before {more}" : "")
                );
            }
        );
    }

    private static Command Change(
        Terminal terminal,
        string name,
        string description,
        Func<WorkList, long, CancellationToken, Task<WorkOutcome>> run,
        string done
    ) =>
        Verb.OnStore(
            terminal,
            name,
            description,
            [Id],
            async (parse, hub, cancel) =>
                await run(hub.Get<WorkList>(), parse.GetValue(Id), cancel) switch
                {
                    WorkOutcome.Done { Job: var job } => new Reply.Done(
                        new
                        {
                            job.Id,
                            job.Kind,
                            job.Key,
                        },
                        $"Job {job.Id} ({job.Kind}, {job.About}) {done}."
                    ),
                    WorkOutcome.Refused { Why: var why } => new Reply.Failed("refused", why),
                    _ => new Reply.Failed("not_found", "There is no job with this ID. See: countersign work list"),
                }
        );
}
