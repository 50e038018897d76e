using System.Text.Json;
using Countersign.Access;
using Countersign.Audit;
using Countersign.Doors.LaunchDarkly;
using Countersign.Requests;
using Countersign.Review.Frame;
using Countersign.Storage;
using Countersign.Web;

namespace Countersign.Review;

/// <summary>
/// <c>GET /approvals?approvalID=…</c>: where LaunchDarkly's button leads, in a browser that brings no key. It shows and
/// never decides. A stranger sees the same page for every id, known or not; whoever says with their token who they are
/// sees what is theirs to see under this id.
/// </summary>
internal static class ApprovalPage
{
    private const string Via = "page";

    public static async Task<IResult> Show(string? approvalID, HttpContext http, Callers callers, FailedSignIns failures, Store store, Settings settings, CancellationToken cancel)
    {
        var id = approvalID is not null && ApprovalId.IsOne(approvalID) ? approvalID : "";
        var authorization = http.Request.Headers.Authorization.ToString();
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        var caller = authorization.Length == 0 ? http.Features.Get<Caller>() : await callers.Find(authorization, Via, address, cancel);
        if (caller?.Person is null && authorization.Length > 0)
            failures.Note(Callers.AccountOf(authorization), address, Via);
        if (caller?.Person is null)
            return new PageAnswer("Sign in to review this approval", html => Stranger(html, id, settings));

        var requests = new List<Details>();
        if (id.Length > 0)
        {
            foreach (var request in await SameExternalId.Find(store, id, caller.Viewer, cancel))
            {
                if (await Details.Find(store, request.Id, caller.Viewer, cancel) is { } details)
                    requests.Add(details);
            }
        }
        return requests.Count == 0
            ? new PageAnswer("Not found", html => html.Add($"<p>There is no approval with this id, or it is not yours to see.</p>")) { Status = StatusCodes.Status404NotFound }
            : new PageAnswer("Review this approval", html => requests.ForEach(request => Request(html, request, settings)));
    }

    private static void Stranger(Html html, string id, Settings settings) => html.Add($"""
        <p>This approval is decided in Countersign, by people who are known here. What it is about is shown to them only.</p>
        <p>Signing in with a browser is not part of this version. With a token (an operator makes one with
        <code>countersign token add</code>) you see the approval, and how to decide it, with:</p>
        <pre>curl -u 'YOUR-EMAIL/token:YOUR-TOKEN' '{settings.BaseUrl}/approvals?approvalID={id}'</pre>
        <p><a href="{html.Base}/approvals?approvalID={id}">Open this page again</a></p>
        """);

    private static void Request(Html html, Details details, Settings settings)
    {
        var request = details.Request;
        using var facts = JsonDocument.Parse(details.Current.Facts);
        var link = facts.RootElement.TryGetProperty("link", out var href) ? href.GetString() : null;
        html.Add($"""
            <article>
            <h2>{request.Subject}</h2>
            <p><strong>{request.Display}</strong> ({request.Status.Ours()}). Asked by {request.RequesterName}.</p>
            <dl><dt>What changes</dt><dd>{details.Current.Message}</dd>
            """);
        foreach (var fact in facts.RootElement.EnumerateObject().Where(f => IsShown(f, request)))
            Fact(html, fact);
        html.Add($"</dl>");
        if (!request.IsSettled)
            HowToDecide(html, request, settings);
        html.Add($"<p>LaunchDarkly hears of a decision within five minutes, or when its page is loaded again. ");
        if (link is not null)
            html.LinkOut(link, "Open it in LaunchDarkly");
        html.Add($"</p></article>");
    }

    private static void HowToDecide(Html html, ApprovalRequest request, Settings settings)
    {
        var body = $$"""{"answer":"approve","digest":"{{request.Digest}}"}""";
        html.Add($"""
            <p>To decide (or <code>reject</code>, or <code>abstain</code>, with a <code>note</code>):</p>
            <pre>curl -u 'YOUR-EMAIL/token:YOUR-TOKEN' -H 'Content-Type: application/json' -d '{body}' '{settings.BaseUrl}/api/v1/requests/{request.Id.Value}/decisions'</pre>
            """);
    }

    /// <summary>What the head, the text or the link of the page say already.</summary>
    private static bool IsShown(JsonProperty fact, ApprovalRequest request) =>
        fact.Name is not ("comment" or "details" or "requester" or "link") || (fact.Name == "comment" && !fact.Value.ValueEquals(request.Subject));

    private static void Fact(Html html, JsonProperty fact) => html.Add(
        $"<dt>{fact.Name}</dt><dd>{(fact.Value.ValueKind == JsonValueKind.Array ? string.Join(", ", fact.Value.EnumerateArray().Select(v => v.ToString())) : fact.Value.ToString())}</dd>");
}
