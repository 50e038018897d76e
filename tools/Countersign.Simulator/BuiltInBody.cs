using System.Globalization;
using System.Text;

namespace Countersign.Simulator;

/// <summary>Which generation of LaunchDarkly's template renders the body.</summary>
public enum Generation
{
    /// <summary>Texts that people write arrive as they are; keys and addresses escaped for HTML.</summary>
    Current,

    /// <summary>
    /// Everything escaped for HTML, and a quote in a text breaks the JSON: how it was until the middle of 2025, and
    /// still is with OAuth.
    /// </summary>
    Old,
}

/// <summary>
/// The creation's body from our own description of it: which members there are, in which order, which are left out, and
/// how each is escaped. For those who have no manifest at hand.
/// </summary>
internal sealed class BuiltInBody(Escaping escaping, Generation generation)
{
    public string Render(ProposedChange change)
    {
        var body = new Writer(escaping, generation == Generation.Old);
        body.Open();
        body.Open("_site").Coded("href", change.Link).Close();
        body.Coded("_id", change.Id);
        if (change.Details is { Length: > 0 } details)
            body.Plain("details", details);
        body.Open("project")
            .Plain("name", change.Project.Name)
            .Coded("key", change.Project.Key)
            .Tags(change.Project.Tags)
            .Close();
        body.Open("environment")
            .Plain("name", change.Environment.Name)
            .Coded("key", change.Environment.Key)
            .Tags(change.Environment.Tags)
            .Close();
        body.Open("flag").Plain("name", change.Flag.Name).Coded("key", change.Flag.Key).Tags(change.Flag.Tags).Close();
        if (change.RequestedBy is { } by)
            body.Open("requestedBy").Coded("id", by.Id).Coded("email", by.Email).Close();
        body.Plain("shortDescription", change.ShortDescription);
        body.Coded("timestamp", change.Timestamp.ToString(CultureInfo.InvariantCulture));
        body.Open("approvalFormVariables");
        foreach (var (key, value) in change.Form)
        {
            if (value is null)
                body.AsItIs(escaping.Html(key), GoDump.Of(change));
            else
                body.Plain(escaping.Html(key), value);
        }
        body.Close();
        body.Plain("comment", change.Comment);
        body.Close();
        return body.ToString();
    }

    private sealed class Writer(Escaping escaping, bool codesAll)
    {
        private readonly StringBuilder _text = new();
        private bool _first = true;

        public Writer Open(string? name = null)
        {
            Name(name);
            _text.Append("{ ");
            _first = true;
            return this;
        }

        public Writer Close()
        {
            _text.Append(" }");
            _first = false;
            return this;
        }

        /// <summary>Two braces: escaped for HTML on top of JSON.</summary>
        public Writer Coded(string name, string value) => AsItIs(name, escaping.Html(Escaping.Json(value)));

        /// <summary>Three braces, at least in the current generation.</summary>
        public Writer Plain(string name, string value) =>
            codesAll ? Coded(name, value) : AsItIs(name, Escaping.Json(value));

        public Writer AsItIs(string name, string rendered)
        {
            Name(name);
            _text.Append('"').Append(rendered).Append('"');
            return this;
        }

        public Writer Tags(IReadOnlyList<string> tags)
        {
            Name("tags");
            _text.Append('[').AppendJoin(',', tags.Select(t => $"\"{escaping.Html(Escaping.Json(t))}\"")).Append(']');
            return this;
        }

        public override string ToString() => _text.ToString();

        private void Name(string? name)
        {
            if (name is null)
                return;
            if (!_first)
                _text.Append(", ");
            _text.Append('"').Append(name).Append("\": ");
            _first = false;
        }
    }
}
