using Countersign.Pages.Layout;
using Countersign.Requests;

namespace Countersign.Pages.Request;

/// <summary>
/// The question in plain words, how it stands, and what happened to the reader's own answer a moment ago.
/// </summary>
internal static class QuestionSection
{
    public static void Write(Html html, RequestPageModel sight)
    {
        var (says, request) = (html.Says, sight.Request);
        if (sight.Refused is { } why)
            html.Notice(Tone.Bad, h => h.Add($"<p>{why}</p>"));
        var about = sight.Fact("flag.name") ?? sight.Fact("flag");
        var place = sight.Fact("environment.name") ?? sight.Fact("environment");
        html.Add(
            $"<header class=\"question\"><p class=\"asks\">{says.Question(request.IsAskedBy(sight.Me) && request.RequesterId == sight.Me ? null : request.RequesterName, about, place)}</p><h1>{request.Subject}</h1><p class=\"standing\" id=\"standing\" data-part>"
        );
        html.Badge(Tones.Of(request), says.StatusOf(request.Status)).Add($" <span>{says.Standing(request)}</span>");
        html.Add($"<span class=\"soft\"> {says.Asked} ").Ago(request.CreatedAt);
        if (request is { IsSettled: false, ExpiresAt: { } end })
            html.Add($" · {says.Expires} ").Ago(end);
        if (request.AppliedAt is { } applied)
            html.Add($" · {says.Applied} ").Ago(applied);
        html.Add($"</span></p></header>");
        if (request.BreachedAt is not null)
            html.Notice(Tone.Bad, says.Breached);
        if (ArchivedRequest.Find(sight.Story.Events) is { } archived)
        {
            html.Notice(
                Tone.Plain,
                h => h.Add($"<p>{says.ArchivedOn} ").Time(archived.At).Add($" {says.ArchivedTo(archived.File)}</p>")
            );
        }
    }
}

/// <summary>How good or bad it is.</summary>
internal static class Tones
{
    public static Tone Of(ApprovalRequest request) =>
        request.BrokeGlassAt is not null
            ? Tone.Loud
            : request.Status switch
            {
                Status.Active => Tone.Careful,
                Status.Approved => Tone.Good,
                Status.Rejected => Tone.Bad,
                _ => Tone.Plain,
            };

    public static Tone Of(Answer answer) =>
        answer switch
        {
            Answer.Approve => Tone.Good,
            Answer.Reject => Tone.Bad,
            _ => Tone.Plain,
        };
}
