using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>The time of a question is over: it becomes what its policy says of that, rejected or withdrawn.</summary>
public sealed class Expire : DueHandler
{
    public override string Kind => DueTimes.Expire;

    protected override async ValueTask Do(Tx tx, ApprovalRequest request, DateTimeOffset due)
    {
        // A clock that has jumped back since it was due leaves it to come again.
        if (await Settle.IfExpired(tx, request, DueTimes.Clock) is { IsSettled: false, ExpiresAt: { } end })
            await DueTimes.Set(tx, request, DueTimes.Expire, end);
    }
}
