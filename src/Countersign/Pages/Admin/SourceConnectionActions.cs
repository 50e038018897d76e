using Countersign.LaunchDarkly;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Pages.Admin;

/// <summary>What a source's page does about its connection to LaunchDarkly.</summary>
internal sealed class SourceConnectionActions(Connections connections, TestConnection testing, ImportMembers importing)
{
    public const string Set = "ld-set",
        Test = "ld-test",
        Import = "ld-import",
        Remove = "ld-remove";

    public static bool Knows(string what) => what is Set or Test or Import or Remove;

    /// <summary>Null: done, and the page says what <c>Done</c> names.</summary>
    public async Task<(Refused? Refused, string Done)> Run(
        HttpContext http,
        string what,
        Source source,
        string path,
        IFormCollection form,
        CurrentCaller caller,
        CancellationToken cancel
    )
    {
        var (strings, origin) = (http.Strings(), caller.Viewer.Origin);
        switch (what)
        {
            case Set:
                var change = SourceConnectionForm.Typed(form).ChosenWith(form);
                var set = await connections.Set(source.Name, change, origin, cancel);
                return (InWords(http, Refused.From(strings, set)), "changed");
            case Remove:
                return (
                    Refused.From(strings, await connections.Remove(source.Name, origin, cancel)),
                    "launchDarklyDisconnected"
                );
            case Test:
                var tested = await testing.Run(source.Name, cancel);
                if (tested is AccessOutcome<ConnectionReport>.Done { Value: var report })
                    new SourceConnectionNews(report, null).Leave(http, path);
                return (Refused.From(strings, tested), "launchDarklyTested");
            default:
                var imported = await importing.Run(source.Name, origin, cancel, form.ContainsKey("force"));
                if (imported is ImportMembersOutcome.Done { Imported: var members })
                    SourceConnectionNews.Of(members).Leave(http, path);
                return (
                    imported switch
                    {
                        ImportMembersOutcome.Done => null,
                        ImportMembersOutcome.Unavailable(var why) => new Refused(
                            null,
                            strings["sourceLd.import.unavailable", why]
                        ),
                        ImportMembersOutcome.WouldBlock(var requests) => Refused.From(
                            strings,
                            (AccessOutcome<Alias>)requests
                        ),
                        _ => new Refused(null, strings["refused.notFound", source.Name]),
                    },
                    "membersImported"
                );
        }
    }

    public async Task<SourceConnectionModel> Model(
        HttpContext http,
        Source source,
        string path,
        string baseUrl,
        Refused? refused,
        IFormCollection? typed,
        CancellationToken cancel
    )
    {
        var connection = await connections.Find(source.Name, cancel);
        return new SourceConnectionModel(
            path,
            source.Name,
            connection,
            typed?["do"].ToString() == Set ? SourceConnectionForm.Typed(typed) : SourceConnectionForm.Of(connection),
            SourceConnectionNews.Take(http, path),
            FormattableString.Invariant($"{baseUrl}/api/launchdarkly/{source.Id}/webhook"),
            typed is not null && Knows(typed["do"].ToString()) ? refused : null
        );
    }

    /// <summary>The use case speaks English; the fields of the page speak the reader's language.</summary>
    private static Refused? InWords(HttpContext http, Refused? refused) =>
        refused?.Field is { } field && http.Strings().Find("sourceLd.refused." + field) is { } words
            ? new Refused(field, words)
            : refused;
}
