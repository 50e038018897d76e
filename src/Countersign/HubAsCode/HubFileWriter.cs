using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Countersign.Gates;
using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.HubAsCode;

/// <summary>
/// A hub as a file: in a fixed order, so that a version control system shows what changed, and without any secret.
/// </summary>
internal static partial class HubFileWriter
{
    private static readonly string[] NoPlainTexts = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

    public static string Write(HubState hub)
    {
        var text = new StringBuilder(
            """
            # Exported with: countersign export config
            # To apply it:   countersign apply -f <this file>
            version: 1

            """.ReplaceLineEndings("\n")
        );
        var people = hub
            .Directory.People.Values.Where(IsPerson)
            .OrderBy(p => EmailAddress.KeyOf(p.Email!), StringComparer.Ordinal)
            .ToList();
        Head(text, HubFile.PeopleKey, people.Count);
        foreach (var person in people)
        {
            text.Append(Invariant, $"  - email: {Text(person.Email!)}\n    name: {Text(person.Name)}\n");
            text.Append(Invariant, $"    role: {person.Role.ToWireName()}\n");
            if (person.Aliases.Count > 0)
                text.Append(Invariant, $"    aliases: {List(person.Aliases.Order(StringComparer.Ordinal))}\n");
            if (person.IsDisabled)
                text.Append("    disabled: true\n");
        }
        Head(text, HubFile.GroupsKey, hub.Directory.Groups.Count);
        foreach (var group in hub.Directory.Groups.Values.OrderBy(g => g.Name, StringComparer.Ordinal))
        {
            var members = group.Members.Select(hub.Directory.People.GetValueOrDefault).OfType<Person>().Where(IsPerson);
            text.Append(Invariant, $"  - name: {Text(group.Name)}\n");
            text.Append(
                Invariant,
                $"    members: {List(members.Select(m => m.Email!).Order(StringComparer.Ordinal))}\n"
            );
        }
        var sources = hub
            .Directory.Sources.Values.Where(s => s.Kind != HubState.BuiltIn)
            .OrderBy(s => s.Name, StringComparer.Ordinal)
            .ToList();
        Head(text, HubFile.SourcesKey, sources.Count);
        foreach (var source in sources)
            Append(text, hub, source);
        if (hub.RequestTypes.Version > 0)
        {
            var types = RequestTypeFile.Write(hub.RequestTypes.Types);
            text.Append('\n').Append("request_").Append(types[types.IndexOf(RequestTypeFile.Types, Ordinal)..]);
        }
        // Last, so that a comment at its end stays with it.
        if (hub.PolicyText is { } policies && PolicyText.AsPart(policies) is { Length: > 0 } part)
            text.Append('\n').Append(part);
        return text.ToString();
    }

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;
    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static void Append(StringBuilder text, HubState hub, Source source)
    {
        var reviewers = hub.ReviewersOf(source);
        var need = reviewers.Need is { } number ? string.Create(Invariant, $", need: {number}") : "";
        var decides =
            reviewers.Destination is { } destination ? $"{{ destination: {Text(destination)} }}"
            : reviewers.Group is { } group ? $"{{ group: {Text(group)}{need} }}"
            : "admin";
        text.Append(Invariant, $"  - name: {Text(source.Name)}\n    kind: {source.Kind}\n");
        text.Append(Invariant, $"    reviewers: {decides}\n");
        if (hub.OwnerOf(source) is { } owner)
            text.Append(Invariant, $"    owner: {Text(owner)}\n");
        text.Append(Invariant, $"    unknown_requester: {source.UnknownRequester.ToWireName()}\n");
        text.Append(Invariant, $"    claimed_requester: {source.ClaimedRequester.ToWireName()}\n");
        if (source.RequesterRequired)
            text.Append("    requester: required\n");
        if (source.Form.Variables.Count > 0)
            text.Append("    form:\n");
        foreach (var field in source.Form.Variables)
        {
            text.Append(
                Invariant,
                $"      - key: {Text(field.Key)}\n        name: {Text(field.Name)}\n        type: {field.Type}\n"
            );
            if (field.Description.Length > 0)
                text.Append(Invariant, $"        description: {Text(field.Description)}\n");
            if (field.Required)
                text.Append("        required: true\n");
            if (field.Options.Count > 0)
                text.Append(Invariant, $"        options: {List(field.Options)}\n");
            if (field.Default.Length > 0)
                text.Append(Invariant, $"        default: {Text(field.Default)}\n");
        }
        if (hub.ConnectionOf(source.Id) is { } connection)
            Append(text, connection);
        if (hub.Gates.GetValueOrDefault(source.Id) is { } gate)
            Append(text, gate);
        if (source.KeyExpires is { } expires)
            text.Append(Invariant, $"    key_expires: {PolicyText.Quoted(Instant.ToText(expires))}\n");
        if (source.Client is { } client)
        {
            text.Append(Invariant, $"    oauth_client: {Text(client.Client)}\n");
            text.Append(Invariant, $"    oauth_subject: {Text(client.Subject)}\n");
        }
        if (source.IsDisabled)
            text.Append("    disabled: true\n");
    }

    private static void Append(StringBuilder text, GateView gate)
    {
        text.Append("    gate:\n");
        foreach (var (name, value) in gate.Values.Where(v => v.Value.Length > 0))
            text.Append(Invariant, $"      {name}: {PolicyText.Quoted(value)}\n");
        foreach (var secret in gate.Secrets)
            text.Append(Invariant, $"      # {secret}: \"@/path/to/file\"\n");
    }

    private static void Append(StringBuilder text, ConnectionView connection)
    {
        text.Append(Invariant, $"    launchdarkly:\n      url: {PolicyText.Quoted(connection.BaseUrl)}\n");
        if (connection.HasToken)
            text.Append("      # token: \"@/path/to/file\"\n");
        if (connection.HasWebhookSecret)
            text.Append("      # webhook_secret: \"@/path/to/file\"\n");
        text.Append(
            Invariant,
            $"      identify: {Word(connection.Identify)}\n      describe: {Word(connection.Describe)}\n"
        );
        text.Append(
            Invariant,
            $"      apply: {Word(connection.Apply)}\n      import_members: {Word(connection.ImportMembers)}\n"
        );
    }

    /// <summary>A person who was erased can't be set up again.</summary>
    private static bool IsPerson(Person person) =>
        person is { Role: not Role.Service, Email: { } email } && ErasedPerson.IdOf(email) == 0;

    private static void Head(StringBuilder text, string name, int count) =>
        text.Append('\n').Append(name).Append(count == 0 ? ": []\n" : ":\n");

    private static string List(IEnumerable<string> texts) => $"[{string.Join(", ", texts.Select(Text))}]";

    private static string Word(bool isOn) => isOn ? "true" : "false";

    private static string Text(string text) =>
        Plain.IsMatch(text) && !NoPlainTexts.Contains(text, StringComparer.OrdinalIgnoreCase)
            ? text
            : PolicyText.Quoted(text);

    /// <summary>What no reader of YAML takes for anything but a text.</summary>
    [GeneratedRegex(
        @"^\p{L}([\p{L}\p{N} ._@+-]*[\p{L}\p{N}])?$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Plain { get; }
}
