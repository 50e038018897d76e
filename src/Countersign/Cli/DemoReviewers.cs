using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Countersign.Cli;

/// <summary>
/// Two of the demo's people have been at work before you came: a few requests are decided, one has half of its
/// approvals, one a question. They answer as anybody would, through the API, and leave all the rest to you.
/// </summary>
internal sealed class DemoReviewers(string url, DemoPerson first, DemoPerson second)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private const int Patience = 150,
        Answered = 4;

    /// <param name="expected">As many requests are opened at the start.</param>
    public async Task Run(int expected, CancellationToken cancel)
    {
        using var one = As(first);
        using var two = As(second);
        var requests = new JsonArray();
        // What the agent and the pipeline ask is left to the demo's user.
        var theirs = "api/v1/requests?status=active&waiting=me&source=" + Uri.EscapeDataString(DemoCast.SourceName);
        for (var look = 0; look < Patience && requests.Count < expected; look++)
        {
            await Task.Delay(Pause, Hub.Clock, cancel);
            requests = (await one.GetFromJsonAsync<JsonNode>(theirs, cancel))?["requests"] as JsonArray ?? [];
        }
        if (requests.Count < Answered)
            return;
        await Answer(one, requests[^1], "approve", "Looks right, and the metrics are quiet.", cancel);
        await Answer(two, requests[^1], "approve", "", cancel);
        await Answer(two, requests[^2], "reject", "Not in the week of the sale. Please ask again on Monday.", cancel);
        await Answer(one, requests[^3], "approve", "Fine for me.", cancel);
        await Post(one, requests[^4], "comments", new { text = "How do we take this back if support calls?" }, cancel);
    }

    /// <summary>Somebody may have been quicker; then it is decided, and that is fine too.</summary>
    private static Task Answer(
        HttpClient person,
        JsonNode? request,
        string answer,
        string note,
        CancellationToken cancel
    ) =>
        Post(
            person,
            request,
            "decisions",
            new
            {
                answer,
                note,
                digest = request?["digest"]?.ToString(),
            },
            cancel
        );

    private static async Task Post(
        HttpClient person,
        JsonNode? request,
        string what,
        object body,
        CancellationToken cancel
    ) => (await person.PostAsJsonAsync($"api/v1/requests/{request?["id"]}/{what}", body, cancel)).Dispose();

    private HttpClient As(DemoPerson person)
    {
        var http = new HttpClient { BaseAddress = new Uri(url + "/") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Basic",
            Convert.ToBase64String(Encoding.UTF8.GetBytes($"{person.Email}/token:{person.Token}"))
        );
        return http;
    }
}
