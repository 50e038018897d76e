using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Destinations.Manifest;

/// <summary>
/// The names that templates draw on. Addresses and bodies call some things differently (<c>environment.x</c> and
/// <c>environmentFormVariables.x</c>, <c>context.title</c> and <c>title</c>); everything is there under both. The other
/// system's id is <c>context.approvalId</c>, ours is <c>approvalId</c>.
/// </summary>
internal static class TemplateScope
{
    /// <param name="isBody">Strings are escaped for the JSON that they will stand in.</param>
    /// <param name="isAddress">What no admin set can only fill a part of the address
    /// (<see cref="ForeignValue"/>).</param>
    /// <param name="roots">The names that will be asked for: what is under no other need not be there. Null for
    /// all.</param>
    public static Dictionary<string, object?> Of(
        CallContext call,
        bool isBody,
        IReadOnlySet<string>? roots = null,
        bool isAddress = false
    )
    {
        bool Wants(string root) => roots is null || roots.Contains(root);
        // What an admin set may be an address itself, with slashes and all.
        string Set(string text) => isBody ? JsonText.Escape(text) : text;
        string T(string text) => isAddress ? ForeignValue.Wrap(text) : Set(text);
        object? V(object? value, Func<string, string> text) =>
            value switch
            {
                string one => text(one),
                List<string> list => list.ConvertAll(t => (object?)text(t)),
                _ => value,
            };
        // A template may write names, too. Those that need no care are found by a template that names them.
        string Key(string name) => name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? name : T(name);
        Dictionary<string, object?> Values(Dictionary<string, object?> values, Func<string, string> text)
        {
            var all = new Dictionary<string, object?>(values.Count);
            foreach (var (key, value) in values)
                all[text == T ? Key(key) : Set(key)] = V(value, text);
            return all;
        }
        Dictionary<string, object?> Named(ForwardedRequest.Named thing) =>
            new()
            {
                ["name"] = T(thing.Name),
                ["key"] = T(thing.Key),
                ["tags"] = thing.Tags.Select(t => (object?)T(t)).ToList(),
            };
        Dictionary<string, object?> Link(string href) => new() { ["href"] = T(href) };
        Dictionary<string, object?> Words(string text) =>
            new()
            {
                ["plainText"] = T(text),
                ["markdown"] = T(text),
                ["html"] = T(System.Net.WebUtility.HtmlEncode(text)),
            };

        var forwarded = call.Request;
        var environment = Values(call.Values.Environment, Set);
        var form = Values(call.Values.Form, Set);
        var approval = new Dictionary<string, object?>
        {
            ["environmentFormVariables"] = environment,
            ["formVariables"] = form,
        };
        if (Wants("approvalId"))
            approval["approvalId"] = T(forwarded.Id);
        if (Wants("approvalDescription"))
            approval["approvalDescription"] = T(forwarded.Description);
        if (Wants("comment"))
            approval["comment"] = T(call.Comment);
        if (Wants("_links"))
        {
            approval["_links"] = new Dictionary<string, object?>
            {
                ["approval"] = Link(forwarded.Link),
                ["history"] = Link(forwarded.HistoryLink),
            };
        }
        if (Wants("title"))
        {
            var title = Words(forwarded.Title);
            if (forwarded.Member is not null)
                title["member"] = true;
            approval["title"] = title;
        }
        if (Wants("details"))
            approval["details"] = Words(forwarded.Details);
        if (Wants("project"))
        {
            var project = Named(forwarded.Project);
            project["environment"] = Named(forwarded.Environment);
            approval["project"] = project;
        }
        if (Wants("flag"))
            approval["flag"] = Named(forwarded.Flag);
        if (Wants("timestamp"))
        {
            var milliseconds = forwarded.At.ToUnixTimeMilliseconds();
            approval["timestamp"] = new Dictionary<string, object?>
            {
                ["milliseconds"] = milliseconds,
                ["seconds"] = milliseconds / 1000,
                ["rfc3339"] = TemplateHelpers.Written(forwarded.At, "rfc3339"),
                ["simple"] = TemplateHelpers.Written(forwarded.At, "simple"),
            };
        }
        if (Wants("approvalFormVariables"))
            approval["approvalFormVariables"] = Values(call.Values.Request, T);
        if (Wants("customProperties"))
        {
            approval["customProperties"] = forwarded.CustomProperties.ToDictionary(
                p => Key(p.Key),
                object? (p) =>
                    new Dictionary<string, object?>
                    {
                        ["name"] = T(p.Key),
                        ["values"] = p.Value.Select(v => (object?)T(v)).ToList(),
                    }
            );
        }
        if (Wants("creationResponseBody"))
            approval["creationResponseBody"] = call.CreationAnswer is { } answer ? Tree(answer, T) : null;
        if (forwarded.Member is { } member && Wants("member"))
        {
            var names = member.Name.Split(' ', 2, StringSplitOptions.TrimEntries);
            approval["member"] = new Dictionary<string, object?>
            {
                ["_id"] = T(member.Id),
                ["email"] = T(member.Email),
                ["emailLocalPart"] = T(member.Email.Split('@')[0]),
                ["firstName"] = T(names[0]),
                ["lastName"] = T(names.Length > 1 ? names[1] : ""),
                ["displayName"] = T(member.Name),
                ["externalId"] = T(member.ExternalId),
            };
        }

        var scope = new Dictionary<string, object?>(form);
        foreach (var (key, value) in environment)
            scope.TryAdd(key, value);
        foreach (var (key, value) in approval)
            scope[key] = value;
        // In an address a variable's own name wins over the approval's member of the same name.
        if (!isBody)
        {
            foreach (var (key, value) in form)
                scope[key] = value;
        }
        scope["environment"] = environment;
        if (Wants("oauth"))
        {
            scope["oauth"] = new Dictionary<string, object?>
            {
                ["baseURI"] = Set(call.OAuthBaseUri.TrimEnd('/')),
                ["accessToken"] = Set(call.AccessToken),
            };
        }
        if (Wants("context"))
            scope["context"] = new Dictionary<string, object?>(approval) { ["approvalId"] = T(call.ExternalId) };
        return scope;
    }

    private static object? Tree(string json, Func<string, string> text)
    {
        try
        {
            using var document = JsonDocument.Parse(WellFormed.Json(json), StatusReader.Strictly);
            return Tree(document.RootElement, text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static object? Tree(JsonElement element, Func<string, string> text) =>
        element.ValueKind switch
        {
            JsonValueKind.Object => element.EnumerateObject().ToDictionary(m => m.Name, m => Tree(m.Value, text)),
            JsonValueKind.Array => element.EnumerateArray().Select(e => Tree(e, text)).ToList(),
            JsonValueKind.String => text(element.GetString()!),
            JsonValueKind.Number => element.TryGetInt64(out var whole) ? whole : element.GetRawText(),
            JsonValueKind.True or JsonValueKind.False => element.ValueKind == JsonValueKind.True,
            _ => null,
        };
}
