using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Countersign.Simulator.Rest;

/// <summary>The paths of the simulated REST API, and the checks that come before them.</summary>
internal sealed class RestRoutes(FakeLaunchDarkly fake)
{
    private const int MaxBody = 1 << 20,
        MaxApprovals = 200,
        MaxMembers = 200,
        UsualPage = 20;
    private const string Root = "/api/v2/",
        Json = "application/json";

    private static readonly string[] Versions = ["20240415", "20220603", "20210729", "20191212", "20160426", "beta"];

    /// <summary>What a link to another page asks for again.</summary>
    private static readonly string[] Repeated = ["filter", "sort", "expand"];

    public async Task Serve(HttpContext context)
    {
        var request = context.Request;
        using var reader = new StreamReader(request.Body);
        var call = new RestCall(
            request.Method,
            request.Path,
            request.QueryString.Value ?? "",
            request.Headers.Authorization.Count > 0 ? request.Headers.Authorization.ToString() : null,
            request.Headers["LD-API-Version"].Count > 0 ? request.Headers["LD-API-Version"].ToString() : null,
            request.ContentLength > MaxBody ? "" : await reader.ReadToEndAsync(context.RequestAborted)
        );
        fake.Note(call);
        await fake.Traps.Gate();
        var fault = fake.Traps.Take(call);
        if (fault != RestFault.None)
        {
            await Fail(context, call, fault);
            return;
        }
        var (status, answer) = await Answer(context, call);
        if (fake.Traps.ApplyAnswerIsLost && call.Path.EndsWith("/apply", StringComparison.Ordinal))
        {
            context.Abort();
            return;
        }
        context.Response.Headers["X-Ratelimit-Global-Remaining"] = "999";
        context.Response.Headers["X-Ratelimit-Reset"] = Text(fake.Now + 10_000);
        await Write(context, call, status, answer);
    }

    private async Task<(int Status, JsonNode? Answer)> Answer(HttpContext context, RestCall call)
    {
        if (context.Request.Headers["LD-API-Version"].Count > 1)
            return Bad("Too many values for header LD-API-Version");
        if (call.Version is { } version && !Versions.Contains(version))
            return Bad($"Unknown API version: {version}");
        // The bare value: "Bearer api-…" is no token.
        if (fake.FindToken(call.Authorization ?? "") is not { } token)
            return (401, RestShapes.Error("unauthorized", "Invalid access token"));
        if (!call.Path.StartsWith(Root, StringComparison.Ordinal))
            return NotFound();
        var steps = call.Path[Root.Length..].Split('/').Select(Uri.UnescapeDataString).ToArray();
        return (call.Method, steps) switch
        {
            ("GET", ["caller-identity"]) => (200, Identity(token)),
            ("GET", ["tokens", var id]) => Token(id),
            ("GET", ["approval-requests"]) => May(token, RestRights.View, () => ListApprovals(context)),
            ("GET", ["approval-requests", var id]) => May(token, RestRights.View, () => Approval(context, id)),
            ("DELETE", ["approval-requests", var id]) => May(token, RestRights.Review, () => Delete(id)),
            ("POST", ["approval-requests", var id, "apply"]) => await Apply(token, call, id),
            ("POST", ["approval-requests", _, "reviews"]) => May(token, RestRights.Review, ReviewsElsewhere),
            ("GET", ["projects", _, "flags", _, "environments", _, "approval-requests", var id]) => May(
                token,
                RestRights.View,
                () => Approval(context, id)
            ),
            ("GET", ["members"]) => May(token, RestRights.ListMembers, () => ListMembers(context)),
            ("GET", ["members", var id]) => May(token, RestRights.ListMembers, () => Member(id)),
            ("GET", ["projects"]) => May(token, RestRights.View, ListProjects),
            ("GET", ["projects", var key]) => May(
                token,
                RestRights.View,
                () => fake.Projects.Contains(key) ? (200, RestShapes.Project(key)) : NotFound()
            ),
            ("GET", ["flags", var project, var key]) => May(
                token,
                RestRights.View,
                () => Found(OnlyIn(fake.Flag(project, key), context.Request.Query["env"].ToString()))
            ),
            ("GET", ["segments", var project, var environment, var key]) => May(
                token,
                RestRights.View,
                () => Found(fake.Segment(project, environment, key))
            ),
            _ => NotFound(),
        };
    }

    // --- Approval requests ---

    private (int, JsonNode?) Approval(HttpContext context, string id)
    {
        if (fake.FindApproval(id) is not { } approval || fake.IsHidden(approval))
            return NotFound();
        return (200, Shaped(context, approval));
    }

    private (int, JsonNode?) ListApprovals(HttpContext context)
    {
        var query = context.Request.Query;
        var found = fake.Approvals.ToList();
        foreach (var filter in SplitFilters(query["filter"].ToString()))
        {
            var words = filter.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
            Func<RestApproval, string?>? field = words[0] switch
            {
                "status" => a => a.Status,
                "reviewStatus" => a => a.ReviewStatus,
                "requestorId" => a => a.RequestorId,
                "resourceId" => a => a.ResourceId,
                "resourceKind" => a => a.ResourceKind,
                "projectKey" => a => a.Project,
                "notifyMemberIds" => a => string.Join(',', a.NotifiedMembers),
                _ => null,
            };
            if (field is null || words.Length != 3)
                return Bad($"unsupported filter: {filter}");
            var values = words[1] == "anyOf" ? JsonSerializer.Deserialize<string[]>(words[2])! : [words[2].Trim('"')];
            found.RemoveAll(a => !values.Contains(field(a)));
        }
        var (offset, limit) = Page(context, MaxApprovals);
        var page = found.Skip(offset).Take(limit);
        var links = PageLinks("/api/v2/approval-requests", query, offset, limit, found.Count);
        return (
            200,
            RestShapes.Filled(
                ("totalCount", found.Count),
                ("items", new JsonArray([.. page.Select(a => (JsonNode)Shaped(context, a))])),
                ("_links", links)
            )
        );
    }

    private JsonObject Shaped(HttpContext context, RestApproval approval)
    {
        var answer = RestShapes.Approval(approval, fake.Traps.InstructionsAsText);
        var wanted = context.Request.Query["expand"].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries);
        RestShapes.Expand(answer, approval, fake.Flag(approval.Project, approval.Resource), wanted);
        return answer;
    }

    private (int, JsonNode?) Delete(string id)
    {
        if (fake.FindApproval(id) is not { } approval)
            return NotFound();
        fake.Delete(approval);
        return (204, null);
    }

    private async Task<(int, JsonNode?)> Apply(RestToken token, RestCall call, string id)
    {
        if (!token.Rights.HasFlag(RestRights.Apply))
            return Forbidden("applyApprovalRequest");
        if (fake.FindApproval(id) is not { } approval)
            return NotFound();
        string? comment = null;
        if (call.Body.Length > 0)
        {
            try
            {
                comment = JsonNode.Parse(call.Body)?["comment"]?.ToString();
            }
            catch (Exception failure) when (failure is JsonException or InvalidOperationException)
            {
                return Bad("invalid JSON");
            }
        }
        if (await fake.Apply(approval, token, comment) is { } refused)
        {
            var isConflict = approval.ConflictReason is not null;
            if (!isConflict)
                return (400, refused);
            if (!fake.Traps.ConflictAnswers200)
                return (409, refused);
        }
        return (200, RestShapes.Approval(approval, fake.Traps.InstructionsAsText));
    }

    /// <summary>Requests that another system decides can't be reviewed here.</summary>
    private static (int, JsonNode?) ReviewsElsewhere() =>
        (405, RestShapes.Error("method_not_allowed", "This request is reviewed in another system."));

    private (int, JsonNode?) ListProjects()
    {
        var keys = fake.Projects;
        return (
            200,
            RestShapes.Filled(
                ("items", new JsonArray([.. keys.Select(k => (JsonNode)RestShapes.Project(k))])),
                ("_links", RestShapes.Links(("self", "/api/v2/projects"))),
                ("totalCount", keys.Count)
            )
        );
    }

    // --- Members and tokens ---

    private (int, JsonNode?) Member(string id) =>
        Found(fake.Members.FirstOrDefault(m => m.Id == id) is { } member ? RestShapes.Member(member) : null);

    private (int, JsonNode?) ListMembers(HttpContext context)
    {
        var query = context.Request.Query;
        var found = fake.Members.ToList();
        foreach (var filter in SplitFilters(query["filter"].ToString()))
        {
            var colon = filter.IndexOf(':', StringComparison.Ordinal);
            var values = filter[(colon + 1)..].Split('|');
            switch (colon < 0 ? "" : filter[..colon])
            {
                case "email":
                    found.RemoveAll(m => !values.Contains(m.Email, StringComparer.OrdinalIgnoreCase));
                    break;
                case "id":
                    found.RemoveAll(m => !values.Contains(m.Id));
                    break;
                case "role":
                    found.RemoveAll(m => !values.Contains(m.Role));
                    break;
                case "query":
                    found.RemoveAll(m =>
                        !$"{m.Name} {m.Email}".Contains(values[0], StringComparison.OrdinalIgnoreCase)
                    );
                    break;
                default:
                    return Bad($"unsupported filter: {filter}");
            }
        }
        found = query["sort"].ToString() switch
        {
            "displayName" => [.. found.OrderBy(m => m.Name, StringComparer.Ordinal)],
            "-displayName" => [.. found.OrderByDescending(m => m.Name, StringComparer.Ordinal)],
            _ => found,
        };
        var (offset, limit) = Page(context, MaxMembers);
        return (
            200,
            RestShapes.Filled(
                (
                    "items",
                    new JsonArray([.. found.Skip(offset).Take(limit).Select(m => (JsonNode)RestShapes.Member(m))])
                ),
                ("_links", PageLinks("/api/v2/members", query, offset, limit, found.Count)),
                ("totalCount", found.Count)
            )
        );
    }

    private static JsonObject Identity(RestToken token) =>
        RestShapes.Filled(
            ("accountId", FakeLaunchDarkly.AccountId),
            ("authKind", "token"),
            ("tokenKind", "auth"),
            ("tokenName", token.Name),
            ("tokenId", token.Id),
            ("memberId", token.Member?.Id),
            ("serviceToken", token.Member is null)
        );

    private (int, JsonNode?) Token(string id)
    {
        if (fake.FindTokenById(id) is not { } token)
            return NotFound();
        var actions = new JsonArray();
        if (token.Rights.HasFlag(RestRights.Apply))
            actions.Add("applyApprovalRequest");
        if (token.Rights.HasFlag(RestRights.Review))
            actions.Add("reviewApprovalRequest");
        return (
            200,
            RestShapes.Filled(
                ("_id", token.Id),
                ("ownerId", FakeLaunchDarkly.AccountId),
                ("memberId", token.Member?.Id ?? ""),
                ("name", token.Name),
                ("creationDate", 1746000000000),
                ("lastModified", 1746000000000),
                ("role", token.Rights.HasFlag(RestRights.View) ? "reader" : null),
                (
                    "inlineRole",
                    actions.Count == 0
                        ? null
                        : new JsonArray(
                            RestShapes.Filled(
                                ("effect", "allow"),
                                ("resources", new JsonArray("proj/*:env/*:flag/*")),
                                ("actions", actions)
                            )
                        )
                ),
                ("serviceToken", token.Member is null),
                ("_links", RestShapes.Links(("self", $"/api/v2/tokens/{token.Id}"))),
                ("token", "*" + token.Value[^4..])
            )
        );
    }

    // --- Answers ---

    private (int, JsonNode?) May(RestToken token, RestRights right, Func<(int, JsonNode?)> serve) =>
        token.Rights.HasFlag(right)
            ? serve()
            : Forbidden(right == RestRights.Review ? "reviewApprovalRequest" : "viewProject");

    private (int, JsonNode?) Forbidden(string action) =>
        fake.Traps.MissingRightsAnswer401
            ? (401, RestShapes.Error("unauthorized", $"You do not have permission: {action}"))
            : (403, RestShapes.Error("forbidden", $"Access to the requested resource was denied: {action}"));

    private static (int, JsonNode?) NotFound() => (404, RestShapes.Error("not_found", "Invalid resource identifier"));

    private static (int, JsonNode?) Bad(string message) => (400, RestShapes.Error("invalid_request", message));

    private static (int, JsonNode?) Found(JsonObject? found) => found is null ? NotFound() : (200, found);

    /// <summary>A flag's state in one environment, where the call names one.</summary>
    private static JsonObject? OnlyIn(JsonObject? flag, string environment)
    {
        if (environment.Length > 0 && flag?["environments"] is JsonObject all)
        {
            foreach (var other in all.Select(e => e.Key).Where(key => key != environment).ToList())
                all.Remove(other);
        }
        return flag;
    }

    private static (int Offset, int Limit) Page(HttpContext context, int max)
    {
        int Number(string name, int otherwise) =>
            int.TryParse(context.Request.Query[name], CultureInfo.InvariantCulture, out var n) && n >= 0
                ? n
                : otherwise;
        return (Number("offset", 0), Math.Clamp(Number("limit", UsualPage), 1, max));
    }

    private JsonObject PageLinks(string path, IQueryCollection query, int offset, int limit, int total)
    {
        string At(int from) =>
            $"{path}?limit={Text(limit)}&offset={Text(from)}"
            + string.Concat(
                Repeated
                    .Where(query.ContainsKey)
                    .Select(name => $"&{name}={Uri.EscapeDataString(query[name].ToString())}")
            );
        var links = new List<(string, string)> { ("self", At(offset)), ("first", At(0)) };
        if (fake.Traps.PagesNeverEnd)
            links.Add(("next", At(offset)));
        else if (offset + limit < total)
            links.Add(("next", fake.Traps.LinksLeadTo + At(offset + limit)));
        if (offset > 0)
            links.Add(("prev", At(Math.Max(0, offset - limit))));
        return RestShapes.Links([.. links]);
    }

    /// <summary>Commas separate filters, but not inside of brackets.</summary>
    private static IEnumerable<string> SplitFilters(string text)
    {
        var (start, depth) = (0, 0);
        for (var i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || text[i] == ',' && depth == 0)
            {
                if (text[start..i].Trim() is { Length: > 0 } one)
                    yield return one;
                start = i + 1;
            }
            else
            {
                depth +=
                    text[i] == '[' ? 1
                    : text[i] == ']' ? -1
                    : 0;
            }
        }
    }

    private async Task Fail(HttpContext context, RestCall call, RestFault fault)
    {
        var response = context.Response;
        switch (fault)
        {
            case RestFault.RouteLimit:
            case RestFault.RouteLimitInThePast:
                response.Headers["X-Ratelimit-Route-Remaining"] = "0";
                response.Headers["X-Ratelimit-Reset"] = Text(
                    fake.Now + (long)(fault == RestFault.RouteLimit ? 1 : -1) * (long)fake.Traps.Wait.TotalMilliseconds
                );
                await Write(context, call, 429, RestShapes.Error("rate_limited", "Rate limit exceeded"));
                break;
            case RestFault.AddressLimit:
                response.Headers.RetryAfter = Text((long)fake.Traps.Wait.TotalSeconds);
                await Write(context, call, 429, RestShapes.Error("rate_limited", "Rate limit exceeded"));
                break;
            case RestFault.Html:
                await Write(context, call, 200, "<!DOCTYPE html><title>Sign in</title><p>Sign in", "text/html");
                break;
            case RestFault.BadGateway:
                await Write(context, call, 502, "<html><h1>502 Bad Gateway</h1></html>", "text/html");
                break;
            case RestFault.Unavailable:
                await Write(context, call, 503, RestShapes.Error("service_unavailable", "Please try again later"));
                break;
            case RestFault.Redirects:
                response.Headers.Location = "http://198.51.100.7/api/v2/approval-requests";
                await Write(context, call, 302, "", "text/plain");
                break;
            case RestFault.CutShort:
                await Write(context, call, 200, "{\"_id\": \"66a8e20c07546", Json);
                break;
            case RestFault.OtherJson:
                await Write(context, call, 200, "[1, \"two\", null]", Json);
                break;
            case RestFault.Endless:
                await Flood(context, call);
                break;
            default:
                context.Abort();
                break;
        }
    }

    private static async Task Flood(HttpContext context, RestCall call)
    {
        call.Status = 200;
        context.Response.ContentType = Json;
        await context.Response.WriteAsync("{\"description\": \"", context.RequestAborted);
        var chunk = new string('x', 64 << 10);
        while (!context.RequestAborted.IsCancellationRequested)
            await context.Response.WriteAsync(chunk, context.RequestAborted);
    }

    private static Task Write(HttpContext context, RestCall call, int status, JsonNode? answer) =>
        Write(context, call, status, answer?.ToJsonString() ?? "", answer is null ? null : Json);

    private static async Task Write(HttpContext context, RestCall call, int status, string text, string? type)
    {
        call.Status = status;
        context.Response.StatusCode = status;
        if (status == 204)
            return;
        context.Response.ContentType = type;
        await context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
