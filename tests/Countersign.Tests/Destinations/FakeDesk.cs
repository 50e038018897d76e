using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Tests.Destinations;

/// <summary>
/// A workflow system for the sample manifest: keeps what it is asked, under ids of its own, and answers as a test
/// decides. What a test says of a call comes first, so that it can fail in any way.
/// </summary>
internal sealed class FakeDesk : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, JsonObject> _asks = new();
    private readonly Receiver _receiver;
    private int _made;

    public FakeDesk() => _receiver = new Receiver(Answer);

    /// <summary>Null lets the desk do its work; anything else is done in its place, before or after it.</summary>
    public Func<Received, Conduct?> Before { get; set; } = _ => null;
    public Func<Received, Conduct?> After { get; set; } = _ => null;

    public string BaseUrl => $"http://127.0.0.1:{_receiver.Port}";
    public IReadOnlyList<Received> Calls => _receiver.Calls;
    public IReadOnlyDictionary<string, JsonObject> Asks => _asks;

    public IReadOnlyList<Received> Of(string method) => [.. Calls.Where(c => c.Method == method)];

    public void Decide(string state)
    {
        foreach (var ask in _asks.Values)
            ask["state"] = state;
    }

    public ValueTask DisposeAsync() => _receiver.DisposeAsync();

    private Conduct Answer(Received call)
    {
        if (Before(call) is { } instead)
            return instead;
        var done = Work(call);
        return After(call) ?? done;
    }

    private Conduct.Answers Work(Received call)
    {
        if (!call.Headers.TryGetValue("Authorization", out var key) || key != "Bearer k-123")
            return new Conduct.Answers(401, """{"error":"no"}""");
        var path = call.Path.Split('?')[0];
        if ((call.Method, path) == ("POST", "/asks"))
        {
            var ask = new JsonObject
            {
                ["state"] = "open",
                ["id"] = $"T{Interlocked.Increment(ref _made)}",
                ["text"] = "New",
                ["asked"] = JsonNode.Parse(call.Body),
            };
            _asks[ask["id"]!.ToString()] = ask;
            return Json(201, new JsonObject { ["result"] = new JsonArray(ask.DeepClone()) });
        }
        if (path == "/find")
        {
            return Json(
                200,
                new JsonObject
                {
                    ["result"] = new JsonArray([
                        .. _asks
                            .Values.Where(a => call.Path.EndsWith("=" + a["asked"]!["id"]!, StringComparison.Ordinal))
                            .Select(a => a.DeepClone()),
                    ]),
                }
            );
        }
        if (!_asks.TryGetValue(path["/asks/".Length..], out var found))
            return new Conduct.Answers(404, "{}");
        if (call.Method == "PATCH")
            found["state"] = "done";
        if (call.Method == "DELETE")
            found["state"] = "gone";
        return Json(200, found);
    }

    private static Conduct.Answers Json(int status, JsonNode body) =>
        new Conduct.Answers(
            status,
            body.ToJsonString(new JsonSerializerOptions()),
            "Content-Type: application/json\r\n"
        );
}
