using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Countersign.Tests.Simulator;

/// <summary>The ways in which an approval application may be wrong.</summary>
public enum Lie
{
    None,
    ReturnsAnIdOfItsOwn,
    ReturnsNoId,
    ReturnsAnIdWithASlash,
    SaysPartlyApproved,
    SaysBothWords,
    SaysApprovedInCapitals,
    SaysRejected,
    SaysNothing,
    SaysANumber,
    ShowsNothing,
    AnswersHtml,
    CallsUnknownApproved,
    CallsUnknownPending,
    AcceptsAnyKey,
    Answers403,
    ForgetsTheSecondKey,
    FlipsAfterApply,
    ChangesItsMind,
    RefusesCancel,
    RefusesApply,
    OnlyPatches,
    RefusesCancelOfUnknown,
    RepeatsMemberNames,
    LeavesMemberNamesOut,
    HidesMembers,
    HasNoMembers,
    MakesTwoOfOne,
    StartsOverOnARepeat,
    LetsApprovalCarryOver,
    DecidesWhenPolled,
    DecidesWhenOpened,
    DecidesWhenApplied,
    TakesBrokenBodies,
    KeepsBrokenBodies,
    CrashesOnBrokenBodies,
    TossesACoin,
    RefusesQuotes,
    AsksBrowsersForAKey,
    HasNoPage,
    LosesRequests,
    Brakes,
}

/// <summary>
/// A small approval application that does everything right except for one lie. Nobody sits in front of it: it approves,
/// declines or leaves open by the flag.
/// </summary>
internal sealed class ApplicationDouble : IAsyncDisposable
{
    public const string Key = "double-key-0123456789",
        OtherKey = "double-key-9876543210";

    private readonly Lie _lie;
    private readonly WebApplication _app;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Kept> _kept = [];
    private int _made,
        _calls;

    private ApplicationDouble(Lie lie)
    {
        _lie = lie;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder
            .WebHost.UseUrls("http://127.0.0.1:0")
            .ConfigureKestrel(k => k.Limits.MaxRequestBodySize = BodyBytes.MaxSize);
        _app = builder.Build();
        _app.Run(Answer);
    }

    public string Url => _app.Urls.First();

    /// <summary>How many requests it holds.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _kept.Count;
        }
    }

    public static async Task<ApplicationDouble> Start(Lie lie)
    {
        var made = new ApplicationDouble(lie);
        await made._app.StartAsync();
        return made;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task Answer(HttpContext http)
    {
        var path = "/" + http.Request.Path.Value!.TrimStart('/');
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync();
        var (status, answer) =
            path == "/approvals" ? Page(http)
            : Let(http) is { } refused ? refused
            : Serve(http.Request.Method, path, body);
        http.Response.StatusCode = status;
        http.Response.ContentType = answer is string ? "text/html" : "application/json";
        await http.Response.WriteAsync(answer as string ?? JsonSerializer.Serialize(answer));
    }

    private (int, object)? Let(HttpContext http)
    {
        if (_lie == Lie.AcceptsAnyKey)
            return null;
        var key = http.Request.Headers.Authorization.ToString();
        return key == $"Bearer {Key}" || (key == $"Bearer {OtherKey}" && _lie != Lie.ForgetsTheSecondKey)
            ? null
            : (_lie == Lie.Answers403 ? 403 : 401, new { error = "Not authenticated" });
    }

    private (int, object) Serve(string method, string path, string body)
    {
        lock (_lock)
        {
            if (_lie == Lie.Brakes && ++_calls > 200)
                return (429, new { error = "Not so fast" });
            if (_lie == Lie.AnswersHtml)
                return (200, "<html><body>It works!</body></html>");
            if (path == "/api/members")
                return Members();
            if (path == "/api/approvals")
                return method == "POST" ? Create(body) : NoSuchMethod;
            var parts = path.Split('/');
            if (
                parts is not ["", "api", "approvals", var id, var what]
                || what is not ("status" or "apply" or "cancel")
            )
            {
                return NotThere;
            }
            if (
                method
                != (
                    what == "status" ? "GET"
                    : _lie == Lie.OnlyPatches ? "PATCH"
                    : "POST"
                )
            )
            {
                return NoSuchMethod;
            }
            if (_lie == Lie.LosesRequests && what == "status")
                _kept.Remove(id);
            return _kept.TryGetValue(id, out var kept) ? About(kept, what) : Unknown(id, what);
        }
    }

    private (int, object) Create(string body)
    {
        JsonObject? change;
        try
        {
            change = JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            change = null;
        }
        if (change?["_id"]?.ToString() is not { Length: > 0 } id || change["shortDescription"] is null)
            return Broken(body);
        if (_lie == Lie.RefusesQuotes && body.Contains("\\\"", StringComparison.Ordinal))
            return (400, new { error = "No quotes, please" });
        var known = _kept.TryGetValue(id, out var kept);
        if (_lie == Lie.ReturnsAnIdOfItsOwn)
            (known, kept) = (true, _kept[id] = kept ?? new Kept(id, Rule(change), Text(change)) { Shown = Own(id) });
        else if (_lie == Lie.MakesTwoOfOne && known)
            (known, kept) = (true, _kept[id] = new Kept(id, Rule(change), Text(change)) { Shown = $"{id}-{++_made}" });
        if (!known)
        {
            kept = _kept[id] = new Kept(id, Rule(change), Text(change));
            if (_lie == Lie.ReturnsAnIdWithASlash)
                kept.Shown = "approval/" + id;
        }
        else if (_lie == Lie.StartsOverOnARepeat)
        {
            kept!.Value = "pending";
        }
        else if (kept!.Text != Text(change))
        {
            if (kept.Value is "approved" or "declined" && _lie != Lie.LetsApprovalCarryOver)
                return (409, new { error = "This was decided already" });
            kept.Text = Text(change);
        }
        return (known ? 200 : 201, View(kept!));
    }

    private (int, object) Broken(string body)
    {
        if (_lie == Lie.CrashesOnBrokenBodies)
            return (500, new { error = "NullReferenceException" });
        if (_lie == Lie.KeepsBrokenBodies && body.Split("\"_id\": \"") is [_, { Length: > 24 } rest])
            _kept[rest[..24]] = new Kept(rest[..24], "pending", "");
        return _lie == Lie.TakesBrokenBodies
            ? (200, new { ok = true })
            : (400, new { error = "This is no approval request" });
    }

    private (int, object) About(Kept kept, string what)
    {
        switch (what)
        {
            case "status" when _lie == Lie.DecidesWhenPolled && kept.Value == "pending":
                kept.Value = "approved";
                break;
            case "status" when _lie == Lie.TossesACoin && kept.Value == "pending":
                return (200, View(kept, ++kept.Polls % 2 == 1 ? "pending" : "approved"));
            case "status" when _lie == Lie.ChangesItsMind && kept.Value == "approved" && ++kept.Polls > 1:
                kept.Value = "declined";
                break;
            case "apply" when _lie == Lie.RefusesApply:
                return (409, new { error = "Not now" });
            case "apply":
                kept.Applied = true;
                if (_lie == Lie.DecidesWhenApplied)
                    kept.Value = "approved";
                break;
            case "cancel" when _lie == Lie.RefusesCancel:
                return NotThere;
            case "cancel" when !kept.Applied && kept.Value != "declined":
                kept.Value = "cancelled";
                break;
        }
        return (200, View(kept, kept.Applied && _lie == Lie.FlipsAfterApply ? "applied" : null));
    }

    private (int, object) Unknown(string id, string what) =>
        (_lie, what) switch
        {
            (Lie.CallsUnknownApproved, _) => (200, View(new Kept(id, "approved", ""))),
            (Lie.CallsUnknownPending, _) => (200, View(new Kept(id, "pending", ""))),
            (Lie.RefusesCancelOfUnknown, "cancel") => NotThere,
            (_, "cancel") => (200, View(new Kept(id, "cancelled", ""))),
            _ => NotThere,
        };

    private (int, object) Members() =>
        _lie switch
        {
            Lie.HasNoMembers => NotThere,
            Lie.HidesMembers => (200, new { people = new[] { Member("Ann") } }),
            Lie.RepeatsMemberNames => (200, new { members = new[] { Member("Ann"), Member("Bob"), Member("Ann") } }),
            Lie.LeavesMemberNamesOut => (200, new { members = new[] { Member("Ann"), new { name = "", email = "" } } }),
            _ => (200, new { members = new[] { Member("Ann"), Member("Bob") } }),
        };

    private (int, object) Page(HttpContext http)
    {
        lock (_lock)
        {
            if (_lie == Lie.AsksBrowsersForAKey)
                return (401, new { error = "Not authenticated" });
            if (_lie == Lie.HasNoPage || !_kept.TryGetValue(http.Request.Query["approvalID"].ToString(), out var kept))
                return (404, "<html><body>There is no such request.</body></html>");
            if (_lie == Lie.DecidesWhenOpened && kept.Value == "pending")
                kept.Value = "approved";
            return (200, "<html><body>Please sign in.</body></html>");
        }
    }

    private object View(Kept kept, string? other = null)
    {
        var value = other ?? kept.Value;
        object? said = (_lie, value) switch
        {
            (Lie.SaysPartlyApproved, "pending") => "partially_approved",
            (Lie.SaysBothWords, "pending") => "neither approved nor declined",
            (Lie.SaysApprovedInCapitals, "approved") => "APPROVED",
            (Lie.SaysRejected, "declined") => "rejected",
            (Lie.SaysNothing, _) => null,
            (Lie.SaysANumber, "pending") => 1,
            _ => value,
        };
        var status =
            _lie == Lie.ShowsNothing ? (object)new { value = said } : new { value = said, display = $"It is {value}" };
        return _lie == Lie.ReturnsNoId ? new { status } : new { _id = kept.Shown, status };
    }

    private static (int, object) NotThere => (404, new { error = "There is no such thing" });
    private static (int, object) NoSuchMethod => (405, new { error = "Not like this" });

    private static object Member(string name) => new { name, email = $"{name}@example.test" };

    private static string Own(string id) => new([.. id.Reverse()]);

    private static string Rule(JsonObject change) =>
        change["flag"]?["key"]?.ToString() switch
        {
            "dark-mode" or "cookie-banner" => "approved",
            "loyalty-points" => "declined",
            _ => "pending",
        };

    private static string Text(JsonObject change) => $"{change["comment"]}\n{change["details"]}";

    private sealed class Kept(string id, string value, string text)
    {
        public string Shown { get; set; } = id;
        public string Value { get; set; } = value;
        public string Text { get; set; } = text;
        public bool Applied { get; set; }
        public int Polls { get; set; }
    }
}
