using System.CommandLine;
using Countersign.Gates;
using Countersign.People;
using Countersign.Requests;

namespace Countersign.Cli;

/// <summary><c>countersign source gate</c>: how a system that waits calls, and is called back.</summary>
internal static class SourceGateVerb
{
    public static Command Build(Terminal terminal)
    {
        var set = new Option<string[]>("--set")
        {
            Description =
                "A setting as name=value; an empty value removes it. A secret comes from a file (name=@file) or from "
                + "standard input (name=-).",
            HelpName = "name=value",
        };
        var endOld = new Option<bool>("--end-old")
        {
            Description = "From now on take only the newest signing secret; the one before it was still taken.",
        };
        return Verb.OnStore(
            terminal,
            "gate",
            "Set up how a system that waits for approvals calls, and is called back. Without --set, show it.",
            [SourceVerbs.Name, set, endOld],
            async (parse, hub, cancel) =>
            {
                var (gates, name) = (hub.Get<GateSources>(), parse.GetValue(SourceVerbs.Name)!);
                var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
                var source = directory.FindSource(name);
                if (source is null || !gates.ByKind.TryGetValue(source.Kind, out var gate))
                    return new Reply.Failed(Reply.NotFound, $"There is no source {name} that is set up this way.");
                var (values, problem) = await Read(terminal, gate, parse.GetValue(set) ?? []);
                if (problem is not null)
                    return problem;
                AccessOutcome<long> outcome = new AccessOutcome<long>.Done(source.Id);
                if (values.Count > 0)
                    outcome = await gates.Set(name, values, Hub.Origin, cancel);
                if (outcome is AccessOutcome<long>.Done && parse.GetValue(endOld))
                    outcome = await gates.EndOldSecrets(source.Id, source.Kind, Hub.Origin, cancel);
                var view = (await gates.Find(source.Id, source.Kind, cancel))!;
                return outcome.ToReply(_ => new Reply.Done(view, InWords(hub, view)));
            }
        );
    }

    /// <summary>What to do next after a source was added.</summary>
    public static string HowToSetUp(Hub hub, long id, string name, string kind) =>
        kind == SourceKinds.GitHub
            ? $"""
                The page {hub.Server.BaseUrl}/sources/{id} creates its GitHub App in two clicks. For an App that is
                there already (docs/gates/github.md):

                    Webhook URL  {hub.Server.BaseUrl}/gates/{kind}/{id}

                    countersign source gate "{name}" --set appId=12345 --set privateKey=@key.pem --set webhookSecret=-
                """
            : $"""
                Set it up on the page {hub.Server.BaseUrl}/sources/{id}, or with:

                    countersign source gate "{name}" --set …
                """;

    private static async Task<(Dictionary<string, string> Values, Reply? Problem)> Read(
        Terminal terminal,
        IGate gate,
        string[] given
    )
    {
        var values = new Dictionary<string, string>();
        foreach (var text in given)
        {
            if (text.Split('=', 2) is not [{ Length: > 0 } name, var value])
                return (values, new Reply.Failed(Reply.Usage, $"--set {text} isn't name=value."));
            if (gate.Fields.Any(f => f.Name == name && f.IsSecret) && value.Length > 0)
            {
                if (value == "-")
                {
                    value = terminal.Input.ReadToEnd();
                }
                else if (value[0] != '@')
                {
                    var how = $"Give {name} from a file ({name}=@file) or as {name}=-.";
                    return (values, new Reply.Failed(Reply.Usage, how));
                }
                else if (!File.Exists(value[1..]))
                {
                    return (values, new Reply.Failed(Reply.NotFound, $"There is no file {value[1..]}."));
                }
                else
                {
                    value = await File.ReadAllTextAsync(value[1..]);
                }
            }
            values[name] = value;
        }
        return (values, null);
    }

    private static string InWords(Hub hub, GateView view) =>
        string.Join(
            Environment.NewLine,
            [
                $"Webhook URL: {hub.Server.BaseUrl}/gates/{view.Kind}/{view.SourceId}",
                .. view.Values.Where(v => v.Value.Length > 0).Select(v => $"{v.Key}: {v.Value}"),
                .. view.Secrets.Select(s => $"{s}: set"),
                .. view.OldSecrets.Select(s => $"The {s} before is still taken. End it with --end-old."),
                view.Missing.Count > 0 ? $"No call is taken: set {string.Join(", ", view.Missing)}."
                : view.Refused is { } refused ? $"A call was refused last: {refused}."
                : view.Problem is { } problem ? $"It can't be called: {problem}"
                : view.HeardAt is { } heard ? $"The first genuine call came at {Storage.Instant.ToText(heard)}."
                : "Set up. No genuine call has come yet.",
                .. view.Alarms.Select(a => $"{a.Kind}: request {a.RequestId}. {a.Why}"),
            ]
        );
}
