using Countersign.Storage;

namespace Countersign.Destinations.Links;

public abstract record ResolveLinkOutcome
{
    private ResolveLinkOutcome() { }

    public sealed record Done : ResolveLinkOutcome;

    /// <summary>This cannot be done with a link in this state.</summary>
    public sealed record NotPossible(string Why) : ResolveLinkOutcome;

    public sealed record NotFound : ResolveLinkOutcome;
}

/// <summary>What an operator decides about a link.</summary>
public abstract record Resolution
{
    private Resolution() { }

    /// <summary>Try again now instead of what was planned next.</summary>
    public sealed record Retry : Resolution;

    /// <summary>Held: it was looked for there and does not exist, so it may be sent again.</summary>
    public sealed record SendAgain : Resolution;

    /// <summary>Held: it exists there, under this id.</summary>
    public sealed record Exists(string ExternalId) : Resolution;

    /// <summary>Nothing more shall be done with it.</summary>
    public sealed record GiveUp : Resolution;
}

/// <summary>
/// An operator says how to go on with a link. Where nobody knows whether a creation arrived, only a person who has
/// looked may say that it is to be sent again.
/// </summary>
public sealed class ResolveLink(Store store)
{
    public Task<ResolveLinkOutcome> Run(long id, Resolution resolution, Origin origin, CancellationToken cancel) =>
        store.InTransaction<ResolveLinkOutcome>(
            async tx =>
            {
                if (await LinkRow.Find(tx, id) is not { } link)
                    return new ResolveLinkOutcome.NotFound();
                if (await LinkJob.IsRunning(tx, id))
                {
                    return new ResolveLinkOutcome.NotPossible("It's being processed right now. Try again in a minute.");
                }
                Link next;
                switch (resolution)
                {
                    case Resolution.Retry
                        when link.State is LinkState.Open or LinkState.Unsure or LinkState.New
                            && !(link is { State: LinkState.Open, Pending: PendingAction.None, Answer.Length: > 0 }):
                        next = link with { DueAt = tx.Now, Attempts = 0, Polls = 0 };
                        break;
                    case Resolution.Retry when link.State == LinkState.Held:
                        return new ResolveLinkOutcome.NotPossible(
                            "It's unknown whether it was opened. Check there first; then say whether it "
                                + "exists or should be sent again."
                        );
                    case Resolution.SendAgain when link.State is LinkState.Held or LinkState.Unsure:
                        next = link with { State = LinkState.New, DueAt = tx.Now, Attempts = 0, Problem = null };
                        break;
                    case Resolution.Exists(var externalId)
                        when link.State is LinkState.Held or LinkState.Unsure
                            && externalId.Trim().Length is > 0 and <= 200:
                        next = link with
                        {
                            State = LinkState.Open,
                            ExternalId = externalId.Trim(),
                            DueAt = tx.Now,
                            Attempts = 0,
                            Polls = 0,
                            Problem = null,
                        };
                        break;
                    case Resolution.GiveUp when link.State != LinkState.Closed:
                        next = link with { State = LinkState.Closed, Pending = PendingAction.None, DueAt = null };
                        break;
                    default:
                        return new ResolveLinkOutcome.NotPossible("This action isn't possible in its current state.");
                }
                await LinkRow.Save(tx, next);
                await LinkJob.Schedule(tx, next);
                if (resolution is Resolution.Exists)
                {
                    // An answer counts only under the id that the request's own activity names.
                    var destination = await tx.Text(
                        "SELECT name FROM destinations WHERE id = @id",
                        new { id = link.DestinationId }
                    );
                    await RecordCall.NoteLinked(tx, destination ?? "", next, origin);
                }
                await tx.Append(
                    $"destination:{link.DestinationId}",
                    origin,
                    "destination.link_resolved",
                    new
                    {
                        link = id,
                        request = link.RequestId.Value,
                        by = resolution.GetType().Name,
                        content = link.Revision,
                        externalId = next.ExternalId,
                        url = next.Url,
                        state = LinkRow.Word(next.State),
                    }
                );
                return new ResolveLinkOutcome.Done();
            },
            cancel
        );
}
