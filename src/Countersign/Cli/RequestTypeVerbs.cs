using System.CommandLine;
using System.Diagnostics;
using Countersign.Doors.Api;
using Countersign.Requests;

namespace Countersign.Cli;

/// <summary><c>countersign request-type …</c>: what people can request on the page for new requests.</summary>
internal static class RequestTypeVerbs
{
    private static readonly Argument<string> File_ = new("file")
    {
        Description = "The request types in YAML or JSON, or - for standard input.",
    };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "request-type",
            "What people can request on the page for new requests: list, show as a file, set from a file.",
            List(terminal),
            Show(terminal),
            Set(terminal)
        );

    private static Command List(Terminal terminal) =>
        Verb.Reading(
            terminal,
            "list",
            "List the request types and their fields.",
            [],
            async (_, hub, cancel) =>
            {
                var list = await hub.Get<RequestTypes>().Find(cancel);
                return new Reply.Done(
                    RequestTypesView.From(list),
                    list.Types.Count == 0
                        ? "No request types."
                        : terminal.Table(
                            ["name", "reviewers", "fields"],
                            list.Types.Select(type =>
                                new[]
                                {
                                    type.Name,
                                    type.ReviewerGroup ?? type.ReviewerPerson ?? "",
                                    string.Join(", ", type.Fields.Select(f => f.Name)),
                                }
                            )
                        )
                );
            }
        );

    private static Command Show(Terminal terminal) =>
        Verb.Reading(
            terminal,
            "show",
            "Print the request types as a file to change and to set again.",
            [],
            async (_, hub, cancel) =>
            {
                var list = await hub.Get<RequestTypes>().Find(cancel);
                return new Reply.Done(RequestTypesView.From(list), RequestTypeFile.Write(list.Types).TrimEnd('\n'));
            }
        );

    private static Command Set(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "set",
            "Set all request types from a file. Requests that were submitted stay as they are.",
            [File_],
            async (parse, hub, cancel) =>
            {
                var (text, failed) = await PolicyVerbs.Read(terminal, parse.GetValue(File_)!, cancel);
                if (text is null)
                    return failed!;
                var (types, problems) = RequestTypeFile.Read(text);
                if (types is null)
                    return Refused(problems);
                return await hub.Get<RequestTypes>().Set(types, null, Hub.Origin, cancel) switch
                {
                    SetRequestTypesOutcome.Set { List: var list } => new Reply.Done(
                        RequestTypesView.From(list),
                        $"{Counted(list.Types.Count)} can be requested now."
                    ),
                    SetRequestTypesOutcome.Same { List: var list } => new Reply.Done(
                        RequestTypesView.From(list),
                        "These are the request types already."
                    ),
                    SetRequestTypesOutcome.Wrong { Problems: var wrong } => Refused(wrong),
                    _ => throw new UnreachableException(),
                };
            }
        );

    private static Reply.No Refused(IReadOnlyList<RequestTypeProblem> problems) =>
        new(new { ok = false, problems }, $"{string.Join('\n', problems)}\nNothing was set.");

    private static string Counted(int count) => count == 1 ? "1 request type" : $"{count} request types";
}
