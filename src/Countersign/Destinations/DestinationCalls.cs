using System.Collections.Concurrent;
using System.Net;
using Countersign.Destinations.Links;
using Countersign.Destinations.Manifest;
using Countersign.Outcomes;
using Countersign.Storage;

namespace Countersign.Destinations;

/// <summary>
/// Talks to a destination: renders a call, sends it through the guard, asks once more with a new token after a 401, and
/// says what the answer means. It writes nothing but tokens, and throws only when it is cancelled.
/// </summary>
internal sealed class DestinationCalls(Store store, Egress egress, AccessTokens tokens)
{
    private const int MaxId = 200;
    private static readonly TimeSpan MembersLive = TimeSpan.FromHours(1);

    /// <summary>How destinations know people, by e-mail; asked again after an hour.</summary>
    private readonly ConcurrentDictionary<long, (DateTimeOffset At, Dictionary<string, string> ByEmail)> _members =
        new();

    /// <summary>What is to be done with a link now, and how that ended.</summary>
    public async Task<(CallOutcome Outcome, string? Shown)> Proceed(
        Destination destination,
        Link link,
        ForwardedRequest forwarded,
        CancellationToken cancel
    )
    {
        var manifest = destination.Manifest;
        return link switch
        {
            { State: LinkState.New } => await Create(destination, link, forwarded, cancel),
            { State: LinkState.Sending } => (
                new CallOutcome.PerhapsOpened("Countersign stopped while opening this."),
                null
            ),
            { State: LinkState.Unsure } => await LookUp(destination, forwarded, cancel),
            { Pending: PendingAction.Apply } => await PassOn(destination, manifest.Apply, link, forwarded, cancel),
            { Pending: PendingAction.Cancel } => await PassOn(destination, manifest.Cancel, link, forwarded, cancel),
            _ => await Look(destination, link, forwarded, cancel),
        };
    }

    /// <summary>One call of any kind.</summary>
    public async Task<Sent> Send(
        Destination destination,
        CallTemplate template,
        ForwardedRequest forwarded,
        string externalId,
        string? creation,
        CancellationToken cancel
    )
    {
        var usesToken = template.Names.Any(n => n.Path.Contains("oauth"));
        string? refused = null;
        for (var again = false; ; again = true)
        {
            var (token, why) = usesToken ? await tokens.Get(destination, refused, cancel) : ("", null);
            var context = destination.Context(forwarded, token ?? "", externalId, creation);
            if (token is null)
                return new Sent(null, RedactedExchange.Of(template, null, context, null, store.Now), why, context);
            var rendering = Renderer.Render(template, context);
            if (rendering is not Rendering.Ready { Call: var call })
            {
                return new Sent(
                    null,
                    RedactedExchange.Of(template, rendering, context, null, store.Now),
                    null,
                    context
                );
            }
            using var message = call.ToMessage();
            var outcome = await egress.Send(message, cancel);
            if (
                again
                || !usesToken
                || outcome is not EgressOutcome.Answered { Status: (int)HttpStatusCode.Unauthorized }
            )
            {
                return new Sent(
                    outcome,
                    RedactedExchange.Of(template, rendering, context, outcome, store.Now),
                    null,
                    context
                );
            }
            refused = token;
        }
    }

    /// <param name="Outcome">Null when nothing left.</param>
    /// <param name="NoToken">Why there was no access token to send it with.</param>
    internal sealed record Sent(EgressOutcome? Outcome, RedactedExchange Shown, string? NoToken, CallContext Context);

    /// <summary>
    /// The list that a call answers with: members, or the values of a variable. Null and a reason without one.
    /// </summary>
    public async Task<(IReadOnlyList<(string First, string Second)>? Items, string? Why, RedactedExchange Shown)> List(
        Destination destination,
        CallTemplate template,
        CancellationToken cancel
    )
    {
        var (outcome, shown, refused, _) = await Send(destination, template, Rehearsals.Full, "", null, cancel);
        if (outcome is not EgressOutcome.Answered { IsGood: true } good)
            return (null, refused ?? shown.Refused ?? shown.Failure ?? $"It responded with {shown.Status}.", shown);
        return StatusReader.ReadList(template.List!, good.Body) is { } items
            ? (items, null, shown)
            : (null, "The response contains no list where the manifest expects one.", shown);
    }

    private async Task<(CallOutcome, string?)> Create(
        Destination destination,
        Link link,
        ForwardedRequest forwarded,
        CancellationToken cancel
    )
    {
        var template = destination.Manifest.Create;
        if (
            forwarded.Member is { } member
            && template.Names.Any(n => n.Text.EndsWith("member.externalId", StringComparison.Ordinal))
        )
        {
            forwarded = forwarded with
            {
                Member = member with { ExternalId = await ExternalIdOf(destination, member.Email, cancel) },
            };
        }
        var (outcome, shown, noToken, context) = await Send(destination, template, forwarded, "", null, cancel);
        var opened = outcome switch
        {
            null when noToken is not null => new CallOutcome.NotOpened(noToken),
            null => new CallOutcome.NotOpened(shown.Refused ?? "The call couldn't be made.", IsFinal: true),
            EgressOutcome.Failed
            {
                Failure: Failure.Dns
                    or Failure.Refused
                    or Failure.Tls
                    or Failure.BlockedAddress
                    or Failure.NotConfigured
            } failed => new CallOutcome.NotOpened($"{failed.Failure.Word()}: {failed.Detail}"),
            EgressOutcome.Failed failed => new CallOutcome.PerhapsOpened($"{failed.Failure.Word()}: {failed.Detail}"),
            EgressOutcome.Answered { IsGood: true } good => Opened(
                destination,
                context,
                template.Parser,
                forwarded.Id,
                good
            ),
            EgressOutcome.Answered { Status: 429 or 401 or 403 } later => new CallOutcome.NotOpened(
                $"It responded with {later.Status}.",
                RetryAfter: RetryAfter(later)
            ),
            EgressOutcome.Answered { Status: 409 } when destination.Manifest.CanLookUp => new CallOutcome.PerhapsOpened(
                "It responded with 409: it already exists."
            ),
            EgressOutcome.Answered { Status: 408 or >= 500 } fault => new CallOutcome.PerhapsOpened(
                $"It responded with {fault.Status}."
            ),
            EgressOutcome.Answered refused => new CallOutcome.NotOpened(
                $"It responded with {refused.Status}.",
                IsFinal: true
            ),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return (opened, shown.ToText());
    }

    private static CallOutcome Opened(
        Destination destination,
        CallContext context,
        StatusParser? parser,
        string ours,
        EgressOutcome.Answered answer
    )
    {
        if (parser is null)
            return new CallOutcome.Opened(ours, null, answer.Text, ReportedStatus.Nothing);
        var reported = StatusReader.Read(parser, answer.Body);
        var id = parser.ApprovalId is null && reported.Problem is null ? ours : reported.ExternalId;
        return string.IsNullOrEmpty(id)
                ? new CallOutcome.PerhapsOpened(
                    reported.Problem ?? "The response contains no ID where the manifest expects one."
                )
            : ProblemWith(destination, context with { CreationAnswer = answer.Text }, id) is { } problem
                ? new CallOutcome.Unusable(problem, answer.Text)
            : new CallOutcome.Opened(id, UrlOf(destination, context, id), answer.Text, Clean(reported, context));
    }

    /// <summary>
    /// Why an id that the other system gave is of no use: our credentials would go somewhere else than the manifest
    /// says.
    /// </summary>
    private static string? ProblemWith(Destination destination, CallContext context, string externalId)
    {
        if (externalId.Length > MaxId)
            return $"The ID in the response has more than {MaxId} characters.";
        try
        {
            var manifest = destination.Manifest;
            foreach (var call in new[] { manifest.Status, manifest.Apply, manifest.Cancel })
                Renderer.AddressOf(call.Url, context with { ExternalId = externalId });
            return null;
        }
        catch (FormatException wrong)
        {
            return $"The ID in the response can't be used. {wrong.Message}";
        }
    }

    /// <summary>
    /// Finds what a creation may have made: by the manifest's own look-up, or by its status where its id is ours.
    /// </summary>
    private async Task<(CallOutcome, string?)> LookUp(
        Destination destination,
        ForwardedRequest forwarded,
        CancellationToken cancel
    )
    {
        var manifest = destination.Manifest;
        var template = manifest.LookUp ?? manifest.Status;
        var (outcome, shown, noToken, context) = await Send(
            destination,
            template,
            forwarded,
            forwarded.Id,
            null,
            cancel
        );
        if (outcome is EgressOutcome.Answered { Status: 404 or 410 })
            return (new CallOutcome.NotThere(), shown.ToText());
        if (outcome is not EgressOutcome.Answered { IsGood: true } good)
        {
            return (
                new CallOutcome.Failed(
                    noToken ?? shown.Refused ?? shown.Failure ?? $"It responded with {shown.Status}.",
                    RetryAfter(outcome)
                ),
                shown.ToText()
            );
        }
        var reported = StatusReader.Read(template.Parser!, good.Body);
        if (reported is { Problem: { } ambiguous, Value: null })
            return (new CallOutcome.Failed(ambiguous), shown.ToText());
        var id =
            manifest.LookUp is not null ? reported.ExternalId
            : reported.Value is null ? null
            : forwarded.Id;
        return (
            !string.IsNullOrEmpty(id) && ProblemWith(destination, context, id) is { } problem
                ? new CallOutcome.Unusable(problem, null)
            : !string.IsNullOrEmpty(id)
                ? new CallOutcome.Opened(id, UrlOf(destination, context, id), null, Clean(reported, context))
            : manifest.LookUp is not null && StatusReader.IsJson(good.Body) ? new CallOutcome.NotThere()
            : new CallOutcome.Failed("The response doesn't mention it."),
            shown.ToText()
        );
    }

    private async Task<(CallOutcome, string?)> Look(
        Destination destination,
        Link link,
        ForwardedRequest forwarded,
        CancellationToken cancel
    )
    {
        var template = destination.Manifest.Status;
        var (outcome, shown, noToken, context) = await Send(
            destination,
            template,
            forwarded,
            link.ExternalId ?? "",
            link.Creation,
            cancel
        );
        // A failure settles nothing: not even a 404 undoes what was reported before.
        if (outcome is not EgressOutcome.Answered { IsGood: true } good)
        {
            return (
                new CallOutcome.Failed(
                    noToken ?? shown.Refused ?? shown.Failure ?? $"It responded with {shown.Status}.",
                    RetryAfter(outcome)
                ),
                shown.ToText()
            );
        }
        var reported = StatusReader.Read(template.Parser!, good.Body);
        return (
            reported.Value is null
                ? new CallOutcome.Failed(
                    reported.Problem ?? "The response contains no status where the manifest expects one."
                )
                : new CallOutcome.Told(Clean(reported, context)),
            shown.ToText()
        );
    }

    private async Task<(CallOutcome, string?)> PassOn(
        Destination destination,
        CallTemplate template,
        Link link,
        ForwardedRequest forwarded,
        CancellationToken cancel
    )
    {
        var (outcome, shown, noToken, context) = await Send(
            destination,
            template,
            forwarded,
            link.ExternalId ?? "",
            link.Creation,
            cancel
        );
        return (
            outcome switch
            {
                EgressOutcome.Answered { IsGood: true } good => new CallOutcome.PassedOn(
                    Clean(StatusReader.Read(template.Parser!, good.Body), context)
                ),
                // What is gone need not be taken back.
                EgressOutcome.Answered { Status: 404 or 410 } when link.Pending == PendingAction.Cancel =>
                    new CallOutcome.PassedOn(ReportedStatus.Nothing),
                _ => new CallOutcome.Failed(
                    noToken ?? shown.Refused ?? shown.Failure ?? $"It responded with {shown.Status}.",
                    RetryAfter(outcome)
                ),
            },
            shown.ToText()
        );
    }

    private async Task<string> ExternalIdOf(Destination destination, string email, CancellationToken cancel)
    {
        if (destination.Manifest.Members is not { List: not null } members)
            return "";
        if (!_members.TryGetValue(destination.Id, out var known) || store.Now - known.At > MembersLive)
        {
            var (items, _, _) = await List(destination, members, cancel);
            // Who they are is a courtesy; a list that cannot be had holds up nothing.
            known = (
                store.Now,
                items
                    ?.DistinctBy(m => m.First, StringComparer.OrdinalIgnoreCase)
                    .ToDictionary(m => m.First, m => m.Second, StringComparer.OrdinalIgnoreCase)
                    ?? []
            );
            _members[destination.Id] = known;
        }
        return known.ByEmail.GetValueOrDefault(email, "");
    }

    private static string? UrlOf(Destination destination, CallContext context, string externalId)
    {
        try
        {
            return destination.Manifest.Create.Parser?.Url is { } template
                ? Renderer.AddressOf(template, context.Masked() with { ExternalId = externalId })?.AbsoluteUri
                : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static ReportedStatus Clean(ReportedStatus reported, CallContext context) =>
        reported with
        {
            Value = reported.Value is null ? null : context.Hide(reported.Value),
            Display = reported.Display is null ? null : context.Hide(reported.Display),
        };

    private TimeSpan? RetryAfter(EgressOutcome? outcome) => (outcome as EgressOutcome.Answered)?.RetryAfter(store.Now);
}
