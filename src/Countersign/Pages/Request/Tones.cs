using Countersign.Pages.Layout;
using Countersign.Requests;

namespace Countersign.Pages.Request;

/// <summary>How good or bad it is.</summary>
internal static class Tones
{
    public static Tone Of(ApprovalRequest request) =>
        request.BrokeGlassAt is not null
            ? Tone.Override
            : request.Status switch
            {
                Status.Active => Tone.Warning,
                Status.Approved => Tone.Success,
                Status.Rejected => Tone.Danger,
                _ => Tone.Neutral,
            };

    public static Tone Of(Answer answer) =>
        answer switch
        {
            Answer.Approve => Tone.Success,
            Answer.Reject => Tone.Danger,
            _ => Tone.Neutral,
        };
}
