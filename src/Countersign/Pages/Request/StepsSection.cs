using Countersign.Pages.Layout;
using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Pages.Request;

/// <summary>Who has said yes and who still must, step by step, with names.</summary>
internal static class StepsSection
{
    private const int MaxNames = 8;

    public static void Write(Html html, RequestPageModel sight)
    {
        var (says, request) = (html.Says, sight.Request);
        var steps = request.Policy.Steps;
        // Where another system decides, nobody here must say yes.
        if (steps.Count == 0 && request.Policy.Destination is not null)
            return;
        html.Add(
            $"<section class=\"sheet\" id=\"steps\" data-part><h2>{(request.IsSettled ? says.WhoSaidYes : says.WhoMustSayYes)}</h2><ol class=\"steps\">"
        );
        for (var n = 0; n < steps.Count; n++)
            Step(html, sight, steps[n], n);
        html.Add($"</ol>");
        if (request.Policy is { RequesterUnknown: true } or { RequesterClaimed: true })
            html.Add($"<p class=\"small soft\">{says.RequesterCosts(request)}</p>");
        if (request is { IsSettled: false, Policy.AllowsSelfApproval: false, Barred.Count: > 0 })
        {
            html.Add(
                $"<p class=\"small soft\">{says.MayNotDecide([.. request.Barred.Select(sight.NameOf).OfType<string>()])}</p>"
            );
        }
        html.Add($"</section>");
    }

    private static void Step(Html html, RequestPageModel sight, Step step, int n)
    {
        var (says, seated) = (html.Says, sight.Seats[n]);
        var isFull = seated.Count >= step.Need;
        var isOpen = !sight.Request.IsSettled && n == sight.OpenStep;
        html.Add(
            $"<li class=\"{(isFull ? "full" : isOpen ? "open" : "later")}\"><p><strong>{says.StepName(step)}</strong> <span class=\"soft\">{says.Filled(seated.Count, step.Need)}{(!isFull && !isOpen && !sight.Request.IsSettled ? says.OpensLater : "")}</span></p>"
        );
        foreach (var decision in seated)
            html.Add($"<p class=\"yes\">{decision.Who} <span class=\"soft\">").Ago(decision.At).Add($"</span></p>");
        if (!isFull && !sight.Request.IsSettled)
        {
            foreach (var approver in step.From)
                Waiting(html, sight, approver, seated);
        }
        html.Add($"</li>");
    }

    private static void Waiting(Html html, RequestPageModel sight, Approver approver, IReadOnlyList<Decision> seated)
    {
        var open = sight
            .MembersOf(approver.Party)
            .Where(p => seated.All(d => d.PersonId != p.Id && d.ForPerson != p.Id))
            .Select(p => p.AwayUntil is null ? p.Name : html.Says.AwayNow(p.Name, sight.DelegateOf(p)))
            .ToList();
        if (!approver.Party.Text.StartsWith("person:", StringComparison.Ordinal))
            html.Add($"<p class=\"awaited\">{html.Says.AnyOf(approver.Name, open, MaxNames)}</p>");
        else if (seated.All(d => Party.Person(d.PersonId) != approver.Party))
            html.Add($"<p class=\"awaited\">{open.FirstOrDefault(approver.Name)}</p>");
    }
}
