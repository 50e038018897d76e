using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Audit;
using Countersign.Pages.Layout;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Admin;

/// <summary>
/// <c>/audit</c>: what happened, as sentences with details on demand, narrowed in the address bar; whether the log is
/// whole; all of it as a file.
/// </summary>
internal static class AuditPage
{
    public const string Path = "/audit";

    private const int PageSize = 50,
        MaxData = 20_000;

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Task<IResult> Show(HttpContext http, CancellationToken cancel) =>
        Page(http, AuditFilter.Of(http.Request.Query), null, "", cancel);

    public static async Task<IResult> VerifyNow(
        HttpContext http,
        CurrentCaller caller,
        LogChecks checks,
        CancellationToken cancel
    )
    {
        var head = (await http.Request.ReadFormAsync(cancel))["head"].ToString().Trim();
        SealHead? earlier = null;
        if (head.Length > 0 && (earlier = SealHead.TryParse(head)) is null)
        {
            var refused = new Refused("head", http.Strings()["audit.head.wrong"]);
            return await Page(http, AuditFilter.Of(new QueryCollection()), refused, head, cancel);
        }
        await checks.Run(earlier, caller.Viewer.Origin, cancel);
        return TypedResults.LocalRedirect($"{http.Request.PathBase}{Path}#integrity");
    }

    private static async Task<IResult> Page(
        HttpContext http,
        AuditFilter filter,
        Refused? refused,
        string typedHead,
        CancellationToken cancel
    )
    {
        var services = http.RequestServices;
        var t = http.Strings();
        // A person who was added a moment ago can be searched for.
        var snapshot = await services.GetRequiredService<PeopleDirectory>().Refresh(cancel);
        var wanted = filter.Read(snapshot, t, out var wrong);
        var page = wanted is null
            ? new EventPage([], null)
            : await services.GetRequiredService<SearchEvents>().Run(wanted, filter.Below, PageSize, cancel);
        var (last, checkpoint) = await services.GetRequiredService<LogChecks>().Find(cancel);
        var subjects = page.Events.SelectMany(EventWords.SubjectsOf).Concat([wanted?.Subject, wanted?.Actor]);
        var names = await services
            .GetRequiredService<EventSubjects>()
            .Names([.. subjects.OfType<string>().Distinct()], cancel);
        var words = new EventWords(t, snapshot, names);
        var basePath = http.Request.PathBase + Path;
        var model = new AuditModel(filter, [.. page.Events.Select(e => Row(e, words, t, basePath))])
        {
            Chips = wanted is null ? [] : [.. Chips(filter, wanted, words, t, basePath)],
            Kinds = Kinds(filter, t),
            Newest = filter.Below is null ? null : (filter with { Below = null }).Address(basePath),
            Older = page.Next is { } next ? (filter with { Below = next }).Address(basePath) : null,
            CsvAddress = (filter with { Below = null }).Address(http.Request.PathBase + AuditFile.Path),
            Refused = refused ?? wrong,
            Found = last?.Found,
            VerifiedAt = last?.At ?? default,
            VerifiedBy = last is null ? "" : words.NameOf(last.Actor).Text,
            Checkpoint = checkpoint == SealHead.None ? "" : checkpoint.ToString(),
            TypedHead = typedHead,
        };
        return new PageResult(new PageFrame(t["nav.audit"]) { Section = Path }, AuditSlice.Create(model))
        {
            Status = AdminParts.StatusOf(model.Refused),
        };
    }

    private static AuditRow Row(StoredEvent e, EventWords words, IStringLocalizer t, string basePath)
    {
        var everything = new AuditFilter("", "", "", "", "", null);
        return new AuditRow(e, Instant.Parse(e.At), words.Sentence(e), ViaOf(t, e.Via), Pretty(e.Data))
        {
            SubjectAddress = (everything with { Subject = e.Subject }).Address(basePath),
            ActorAddress = (everything with { Who = e.Actor }).Address(basePath),
            KindAddress = (everything with { Kind = e.Kind }).Address(basePath),
        };
    }

    private static IEnumerable<AuditChip> Chips(
        AuditFilter filter,
        EventFilter wanted,
        EventWords words,
        IStringLocalizer t,
        string basePath
    )
    {
        if (wanted.Subject is { } subject)
            yield return Chip(t["audit.target"], words.NameOf(subject).Text, filter with { Subject = "" });
        if (wanted.Actor is { } actor)
            yield return Chip(t["audit.actor"], words.NameOf(actor).Text, filter with { Who = "" });
        if (wanted.Kind is { } kind)
            yield return Chip(t["audit.kind"], KindOf(t, kind), filter with { Kind = "" });
        if (wanted.From is not null)
            yield return Chip(t["audit.from"], filter.From, filter with { From = "" });
        if (wanted.Until is not null)
            yield return Chip(t["audit.to"], filter.Until, filter with { Until = "" });

        AuditChip Chip(string name, string value, AuditFilter without) =>
            new($"{name}: {value}", (without with { Below = null }).Address(basePath));
    }

    /// <summary>All, the groups of kinds, and the one kind that the address names.</summary>
    private static List<(string Value, string Text)> Kinds(AuditFilter filter, IStringLocalizer t)
    {
        var kinds = AuditFilter.Kinds.Select(k => (k, KindOf(t, k))).Prepend(("", t["audit.kind.all"].Value)).ToList();
        if (filter.Kind.Length > 0 && !AuditFilter.Kinds.Contains(filter.Kind))
            kinds.Add((filter.Kind, filter.Kind));
        return kinds;
    }

    private static string KindOf(IStringLocalizer t, string kind) =>
        AuditFilter.Kinds.Contains(kind) ? t["audit.kind." + kind.TrimEnd('.')] : kind;

    internal static string ViaOf(IStringLocalizer t, string via) =>
        t["event.via." + via] is { ResourceNotFound: false } known ? known.Value : via;

    private static string Pretty(string data)
    {
        try
        {
            using var document = JsonDocument.Parse(data);
            return WellFormed.Cut(JsonSerializer.Serialize(document.RootElement, Indented), MaxData);
        }
        catch (JsonException)
        {
            return WellFormed.Cut(data, MaxData);
        }
    }
}
