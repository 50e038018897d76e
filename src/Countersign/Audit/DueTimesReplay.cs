using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// When a request is to be reminded of, escalated and expired, worked out anew from its events and its policy.
/// </summary>
internal sealed class DueTimesReplay
{
    private DateTimeOffset? _remind;
    private DateTimeOffset? _escalate;

    /// <summary>
    /// Which step a new policy opened is not in its event, so whether that one escalates is not known.
    /// </summary>
    public bool MayNotEscalate { get; private set; }

    /// <summary>Too much is gone or changed to say anything about it.</summary>
    public bool IsUnknown { get; set; }

    public string? Of(string kind, RequestReplay story) =>
        story.Status != Status.Active
            ? null
            : kind switch
            {
                DueTimes.Expire => story.Expires,
                DueTimes.Remind => _remind is { } at ? Instant.ToText(at) : null,
                _ => _escalate is { } at ? Instant.ToText(at) : null,
            };

    public void Take(StoredEvent next, int? step, Policy policy, bool isRestamped)
    {
        var at = Instant.Parse(next.At);
        switch (next.Kind)
        {
            case "request.submitted" or "request.revised":
                (_remind, MayNotEscalate) = (null, false);
                Opened(at, 0, policy);
                break;
            case "request.restamped":
                (_remind, MayNotEscalate) = (null, true);
                Opened(at, 0, policy);
                break;
            // Where LaunchDarkly's answer led to another policy.
            case "request.checked" when isRestamped:
                (_remind, MayNotEscalate) = (null, true);
                Opened(at, 0, policy);
                break;
            case "request.step_opened":
                MayNotEscalate = false;
                Opened(at, step ?? 0, policy);
                break;
            case "request.reminded":
                _remind = _remind is { } due ? policy.Remind?.Next(due, at) : null;
                break;
            case "request.escalated":
                _escalate = null;
                break;
        }
    }

    private void Opened(DateTimeOffset at, int step, Policy policy)
    {
        _remind = policy.Remind is { } remind ? at + remind.After : _remind;
        _escalate =
            policy.Escalate is { } escalate
            && (MayNotEscalate || (step < policy.Steps.Count && !policy.Steps[step].Escalated))
                ? at + escalate.After
                : null;
    }
}
