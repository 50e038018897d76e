using Countersign.Gates;
using Countersign.Gates.GitHub;
using Countersign.Hosting;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary>The part of a source's page that sets up how it calls and is called back.</summary>
/// <param name="Typed">What was typed and refused; secrets never come back.</param>
/// <param name="HookUrl">Where the other system calls.</param>
public sealed record SourceGateModel(
    string Path,
    GateView View,
    IReadOnlyList<GateField> Fields,
    IReadOnlyDictionary<string, string> Typed,
    string HookUrl,
    bool HasPublicUrl,
    Refused? Refused
)
{
    public string Server => Typed.GetValueOrDefault(GitHubGate.Server) ?? View.Values[GitHubGate.Server];

    /// <summary>What the field shows; secrets are never shown.</summary>
    public string? ValueOf(GateField field) =>
        field.IsSecret ? null : Typed.GetValueOrDefault(field.Name) ?? View.Values[field.Name];

    public string Organization => Typed.GetValueOrDefault("organization", "");
    public bool IsSetUp => View.Missing.Count == 0;

    private bool HasOtherWay => View.Kind == Requests.SourceKinds.GitHub;

    /// <summary>The fields are shown at once where they are the only way, or where one of them was refused.</summary>
    public bool IsOpen =>
        (!IsSetUp && !HasOtherWay)
        || (Refused is not null && (!HasOtherWay || Refused.Of(Refused, SourceGateActions.Prefix + "server") is null));

    /// <summary>Null until the App is known.</summary>
    public string? InstallPage =>
        View.Kind == Requests.SourceKinds.GitHub
            ? CreateGitHubApp.InstallPage(View.Values[GitHubGate.Server], View.Values[GitHubGate.Slug])
            : null;
}

/// <summary>What a source's page does about its gate.</summary>
internal sealed class SourceGateActions(GateSources gates)
{
    public const string Set = "gate-set",
        EndOld = "gate-end-old",
        App = "gate-app";

    /// <summary>What stands before a field's name in a form.</summary>
    public const string Prefix = "gate.";

    public static bool Knows(string what) => what is Set or EndOld or App;

    /// <summary>Null: done, and the page says what <c>Done</c> names.</summary>
    public async Task<(Refused? Refused, string Done)> Run(
        HttpContext http,
        string what,
        Source source,
        IFormCollection form,
        CurrentCaller caller,
        CancellationToken cancel
    )
    {
        var (strings, origin) = (http.Strings(), caller.Viewer.Origin);
        if (what == EndOld)
        {
            return (
                Refused.From(strings, await gates.EndOldSecrets(source.Id, source.Kind, origin, cancel)),
                "changed"
            );
        }
        var fields = gates.ByKind.TryGetValue(source.Kind, out var gate) ? gate.Fields : [];
        // Empty secrets leave those that are there.
        var values = fields
            .Where(f => form.ContainsKey(Prefix + f.Name))
            .Select(f => (f, Value: form[Prefix + f.Name].ToString()))
            .Where(v => !v.f.IsSecret || v.Value.Trim().Length > 0)
            .ToDictionary(v => v.f.Name, v => v.Value);
        var set = await gates.Set(source.Name, values, origin, cancel);
        return (
            set is AccessOutcome<long>.Invalid { Field: var field, Why: var why }
                ? new Refused(Prefix + field, strings.Find($"gate.{source.Kind}.{field}.refused") ?? why)
                : Refused.From(strings, set),
            "changed"
        );
    }

    /// <summary>Null for sources of other kinds.</summary>
    public async ValueTask<SourceGateModel?> Model(
        Source source,
        string path,
        ServerOptions server,
        Refused? refused,
        IFormCollection? typed,
        CancellationToken cancel
    )
    {
        if (await gates.Find(source.Id, source.Kind, cancel) is not { } view)
            return null;
        var isOurs = typed is not null && Knows(typed["do"].ToString());
        var fields = gates.ByKind[source.Kind].Fields;
        return new SourceGateModel(
            path,
            view,
            fields,
            isOurs
                ? fields
                    .Where(f => !f.IsSecret && typed!.ContainsKey(Prefix + f.Name))
                    .Select(f => KeyValuePair.Create(f.Name, typed![Prefix + f.Name].ToString()))
                    .Append(KeyValuePair.Create("organization", typed!["organization"].ToString()))
                    .ToDictionary()
                : new Dictionary<string, string>(),
            FormattableString.Invariant($"{server.BaseUrl}/gates/{source.Kind}/{source.Id}"),
            server.PublicUrl is not null,
            isOurs ? refused : null
        );
    }
}
