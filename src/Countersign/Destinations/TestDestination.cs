using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Outcomes;
using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Destinations;

/// <summary>What came of trying a destination.</summary>
public sealed record DestinationTest(bool Ok, string Summary, IReadOnlyList<RedactedExchange> Exchanges);

/// <summary>
/// Tries a destination without opening anything there: a harmless call to see that address and credentials are right,
/// every call rendered and shown, the values of a variable looked up. Secrets are masked in all of it.
/// </summary>
internal sealed class TestDestination(
    Store store,
    DestinationCache book,
    DestinationCalls calls,
    DestinationOptions options
)
{
    private const string NoSuchId = "countersign-test";

    /// <summary>
    /// The members are asked for where the manifest has them; else the values of a variable; else the status of an
    /// approval that is not there.
    /// </summary>
    public async Task<AccessOutcome<DestinationTest>> Connect(string name, CancellationToken cancel)
    {
        if (await book.Find(name, cancel) is not { } destination)
            return AddDestination.NoDestination<DestinationTest>();
        if (
            (
                destination.Manifest.Members
                ?? destination
                    .Manifest.Settings.Select(v => v.DynamicOptions)
                    .FirstOrDefault(d => d is not null && Elsewhere(destination, d) is null)
            ) is
            { List: not null } list
        )
        {
            var (items, why, shown) = await calls.List(destination, list, cancel);
            return Done(
                items is not null,
                items is not null
                    ? $"It responded: {items.Count} {(list.Name == "memberListRequest" ? "people" : "values")}."
                    : why!,
                shown
            );
        }
        var template = destination.Manifest.Status;
        var (outcome, status, noToken, _) = await calls.Send(
            destination,
            template,
            Rehearsals.Full,
            NoSuchId,
            null,
            cancel
        );
        return outcome switch
        {
            EgressOutcome.Answered { Status: 401 or 403 } => Done(
                false,
                $"It responded with {status.Status}: the credentials are wrong.",
                status
            ),
            EgressOutcome.Answered { IsGood: true } or EgressOutcome.Answered { Status: 400 or 404 or 410 or 422 } =>
                Done(true, $"It responded with {status.Status} for an approval that doesn't exist.", status),
            _ => Done(
                false,
                noToken ?? status.Refused ?? status.Failure ?? $"It responded with {status.Status}.",
                status
            ),
        };
    }

    /// <summary>Every call as it would leave: for a request that is there, or for one that never was.</summary>
    public async Task<AccessOutcome<DestinationTest>> Rehearse(
        string name,
        RequestId? request,
        CancellationToken cancel
    )
    {
        if (await book.Find(name, cancel) is not { } destination)
            return AddDestination.NoDestination<DestinationTest>();
        var forwarded = Rehearsals.Full;
        if (request is { } id)
        {
            var revision = (int)
                await store.Read(r => r.Number("SELECT revision FROM requests WHERE id = @id", new { id }), cancel);
            if (
                await ForwardedRequests.Of(store, destination.Manifest, id, revision, options.BaseUrl, cancel)
                is not { } found
            )
            {
                return new AccessOutcome<DestinationTest>.NotFound("a request with this ID");
            }
            forwarded = found;
        }
        // A token is only looked at, not fetched: rehearsing asks nobody.
        var context = destination.Context(
            forwarded,
            destination.Manifest.UsesOAuth ? TemplateHelpers.Mask : "",
            NoSuchId,
            "{}"
        );
        var shown = destination.Manifest.Calls.Select(call => RedactedExchange.Of(call, context)).ToList();
        var refused = shown.Count(s => s.Refused is not null);
        return new AccessOutcome<DestinationTest>.Done(
            new DestinationTest(
                refused == 0,
                refused == 0 ? "Every call is valid." : $"{refused} of {shown.Count} calls couldn't be sent.",
                shown
            )
        );
    }

    /// <summary>What may be chosen for a variable whose values the other system knows.</summary>
    public async Task<AccessOutcome<IReadOnlyList<(string Label, string Value)>>> Options(
        string name,
        string key,
        CancellationToken cancel
    )
    {
        if (await book.Find(name, cancel) is not { } destination)
            return AddDestination.NoDestination<IReadOnlyList<(string, string)>>();
        if (destination.Manifest.Settings.FirstOrDefault(v => v.Key == key)?.DynamicOptions is not { } template)
        {
            return new AccessOutcome<IReadOnlyList<(string, string)>>.NotFound(
                "a variable with values of its own under this key"
            );
        }
        var (items, why) = await Values(destination, template, cancel);
        return items is not null
            ? new AccessOutcome<IReadOnlyList<(string, string)>>.Done(items)
            : new AccessOutcome<IReadOnlyList<(string, string)>>.Invalid(key, why!);
    }

    /// <summary>
    /// The values of every variable that has its own there, for a destination that is only being filled in.
    /// </summary>
    public Task<(
        IReadOnlyDictionary<string, IReadOnlyList<(string Label, string Value)>> Options,
        string? Problem
    )> OptionsFor(
        ApprovalManifest manifest,
        IReadOnlyDictionary<string, string> settings,
        IReadOnlyDictionary<string, string> secrets,
        CancellationToken cancel
    ) =>
        OptionsOf(
            new Destination
            {
                Id = 0,
                Name = "",
                Manifest = manifest,
                ManifestText = "",
                Settings = settings,
                Secrets = secrets,
                CreatedAt = store.Now,
            },
            cancel
        );

    /// <summary>The same for one that is there, with what was typed in place of what is kept.</summary>
    public async Task<(
        IReadOnlyDictionary<string, IReadOnlyList<(string Label, string Value)>> Options,
        string? Problem
    )> OptionsAt(
        string name,
        IReadOnlyDictionary<string, string> settings,
        IReadOnlyDictionary<string, string> secrets,
        CancellationToken cancel
    )
    {
        if (await book.Find(name, cancel) is not { } kept)
        {
            return (
                new Dictionary<string, IReadOnlyList<(string, string)>>(),
                "There is no destination with this name."
            );
        }
        var (changed, mistake) = kept.With(settings, secrets);
        return mistake is { Key: var key, Problem: var problem }
            ? (
                new Dictionary<string, IReadOnlyList<(string, string)>>(),
                $"{kept.Manifest.Settings.FirstOrDefault(v => v.Key == key)?.Name ?? key}: {problem}"
            )
            : await OptionsOf(changed, cancel);
    }

    private async Task<(
        IReadOnlyDictionary<string, IReadOnlyList<(string Label, string Value)>> Options,
        string? Problem
    )> OptionsOf(Destination destination, CancellationToken cancel)
    {
        var found = new Dictionary<string, IReadOnlyList<(string, string)>>();
        string? problem = null;
        foreach (var variable in destination.Manifest.Settings.Where(v => v.DynamicOptions is not null))
        {
            var (items, why) = await Values(destination, variable.DynamicOptions!, cancel);
            if (items is not null)
                found[variable.Key] = items;
            else
                problem ??= $"{variable.Name}: {why}";
        }
        return (found, problem);
    }

    /// <summary>
    /// Only the system that is asked knows what may be chosen for it; a manifest must not send credentials elsewhere.
    /// </summary>
    private async Task<(IReadOnlyList<(string Label, string Value)>? Items, string? Why)> Values(
        Destination destination,
        CallTemplate template,
        CancellationToken cancel
    )
    {
        if (Elsewhere(destination, template) is { } elsewhere)
        {
            return (
                null,
                $"The manifest would call {elsewhere} for them, which isn't the destination's host. Nothing was sent."
            );
        }
        var (items, why, _) = await calls.List(destination, template, cancel);
        return (items, why);
    }

    /// <summary>Where a call goes, if that is not where requests go.</summary>
    private static string? Elsewhere(Destination destination, CallTemplate template)
    {
        var context = destination.Context(Rehearsals.Full, TemplateHelpers.Mask, NoSuchId);
        var host = Renderer.HostOf(template, context);
        return host == Renderer.HostOf(destination.Manifest.Create, context) ? null : host;
    }

    private static AccessOutcome<DestinationTest> Done(bool ok, string summary, RedactedExchange shown) =>
        new AccessOutcome<DestinationTest>.Done(new DestinationTest(ok, summary, [shown]));
}
