using System.Globalization;
using Countersign.Policies;

namespace Countersign.Requests;

/// <summary>
/// How many approvals an active request has and needs, and the step it waits for. For lists, which don't read
/// decisions.
/// </summary>
public sealed record ApprovalProgress(int Given, int Needed, Step Open)
{
    /// <summary>
    /// Null for a request that is closed or whose policy has no steps. What was weighed last stands at the beginning
    /// of <see cref="ApprovalRequest.Display"/>; steps are filled in order, so the first that isn't full is open.
    /// </summary>
    public static ApprovalProgress? Of(ApprovalRequest request)
    {
        var end = request.Display.IndexOf(" of ", StringComparison.Ordinal);
        if (
            request.IsSettled
            || end < 0
            || !int.TryParse(
                request.Display.AsSpan(0, end),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var given
            )
        )
        {
            return null;
        }
        var needed = 0;
        Step? open = null;
        foreach (var step in request.Policy.Steps)
        {
            needed += step.Need;
            if (open is null && needed > given)
                open = step;
        }
        return open is null ? null : new ApprovalProgress(given, needed, open);
    }
}
