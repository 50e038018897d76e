using System.CommandLine;
using System.Text.Json;
using Countersign.People;

namespace Countersign.Cli;

/// <summary><c>countersign source form</c>: the fields that LaunchDarkly asks requesters for.</summary>
internal static class SourceFormVerb
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        AllowDuplicateProperties = false,
    };

    public static Command Build(Terminal terminal)
    {
        var name = new Argument<string>("name") { Description = "The source's name." };
        var file = new Option<string?>("--file")
        {
            Description =
                "A JSON file with all fields: [{key, name, type, description, required, options, default}]; - reads "
                + "standard input. An empty list removes them.",
            HelpName = "json",
        };
        return Verb.OnStore(
            terminal,
            "form",
            "Define the fields that LaunchDarkly asks requesters for, and print the JSON to paste there.",
            [name, file],
            async (parse, hub, cancel) =>
            {
                if (parse.GetValue(file) is { } path)
                {
                    var (text, failed) = await PolicyVerbs.Read(terminal, path, cancel);
                    if (failed is not null)
                        return failed;
                    if (Read(text!) is not { } form)
                        return new Reply.Failed("invalid", $"{path} isn't a JSON list of fields.");
                    var outcome = await hub.Get<SetSourceForm>().Run(parse.GetValue(name)!, form, Hub.Origin, cancel);
                    if (outcome is not AccessOutcome<long>.Done)
                        return outcome.ToReply(_ => throw new System.Diagnostics.UnreachableException());
                }
                var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
                if (directory.FindSource(parse.GetValue(name)!) is not { } source)
                    return new Reply.Failed(Reply.NotFound, "There is no source with this name.");
                return new Reply.Done(
                    new
                    {
                        variables = source.Form.Variables,
                        launchdarkly = JsonElement.Parse(source.Form.ToLaunchDarkly()),
                    },
                    source.Form.Variables.Count == 0
                        ? $"{source.Name} asks for no additional fields."
                        : "Paste this into Additional form variables of the integration in LaunchDarkly:\n\n"
                            + source.Form.ToLaunchDarkly()
                );
            }
        );
    }

    private static SourceForm? Read(string text)
    {
        try
        {
            var fields = JsonSerializer.Deserialize<List<FormVariableInput?>>(text, Json) ?? [];
            return new SourceForm([.. fields.Select(f => (f ?? new FormVariableInput()).ToVariable())]);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
