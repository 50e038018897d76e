using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// A file of archived requests, as it was checked: every line can be read, every history is whole and hashes to its
/// end, and the last line says that nothing is missing. <c>docs/operating.md</c> describes the lines.
/// </summary>
/// <param name="Requests">The number and the hash of the last archived event, by request.</param>
internal sealed record ArchiveFile(string Name, string Sha256, IReadOnlyDictionary<string, Head> Requests, long Events)
{
    /// <summary>The file, or what is wrong with it.</summary>
    /// <param name="look">Sees the events of each request.</param>
    public static async Task<(ArchiveFile? File, string? Problem)> Read(
        string path,
        CancellationToken cancel,
        Func<string, IReadOnlyList<StoredEvent>, Task>? look = null
    )
    {
        var requests = new Dictionary<string, Head>(StringComparer.Ordinal);
        var (events, line, end) = (0L, 0, false);
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            await foreach (var text in File.ReadLinesAsync(path, Encoding.UTF8, cancel))
            {
                line++;
                sha.AppendData(Encoding.UTF8.GetBytes(text + "\n"));
                using var json = JsonDocument.Parse(text);
                var root = json.RootElement;
                var type = root.GetProperty("type").GetString();
                if (end || (line == 1) != (type == "archive"))
                    return (null, $"line {line} is out of place.");
                if (type == "end")
                {
                    end =
                        root.GetProperty("requests").GetInt64() == requests.Count
                        && root.GetProperty("events").GetInt64() == events;
                    if (!end)
                        return (null, "the last line counts other requests or events than there are.");
                }
                else if (type == "request")
                {
                    var id = root.GetProperty("id").GetString() ?? "";
                    var history = root.GetProperty("events").EnumerateArray().Select(e => EventOf(id, e)).ToList();
                    if (ProblemOf(history) is { } wrong)
                        return (null, $"{wrong} (line {line})");
                    if (history.Count == 0 || !requests.TryAdd(id, new Head(history[^1].N, history[^1].Hash)))
                        return (null, $"request {id} is there twice, or without events (line {line}).");
                    events += history.Count;
                    if (look is not null)
                        await look(id, history);
                }
            }
        }
        catch (Exception unreadable)
            when (unreadable is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return (null, $"line {line} can't be read: {unreadable.Message}");
        }
        if (!end)
            return (null, "it has no end: it was not written to its last line, or cut off.");
        return (
            new ArchiveFile(Path.GetFileName(path), Convert.ToHexStringLower(sha.GetHashAndReset()), requests, events),
            null
        );
    }

    /// <summary>Every event hashes, over the one before it.</summary>
    private static string? ProblemOf(List<StoredEvent> history)
    {
        StoredEvent? previous = null;
        foreach (var e in history)
        {
            if (e.N != (previous?.N ?? 0) + 1 || e.HashAfter(previous?.Hash ?? "") != e.Hash)
            {
                return $"event {e.Id} of {e.Subject} does not match its hash.";
            }
            previous = e;
        }
        return null;
    }

    private static StoredEvent EventOf(string id, JsonElement e) =>
        new()
        {
            Id = e.GetProperty("id").GetInt64(),
            Subject = RequestId.Of(id).Subject,
            N = e.GetProperty("n").GetInt64(),
            At = Text(e, "at"),
            Kind = Text(e, "kind"),
            Actor = Text(e, "actor"),
            Via = Text(e, "via"),
            Address = Text(e, "address"),
            Data = Text(e, "data"),
            Hash = Text(e, "hash"),
            People = Optional(e, "people"),
            Salts = Optional(e, "salts"),
        };

    /// <summary>Files of an earlier version don't have it.</summary>
    private static string? Optional(JsonElement e, string name) =>
        e.TryGetProperty(name, out var text) ? text.GetString() : null;

    private static string Text(JsonElement e, string name) => e.GetProperty(name).GetString() ?? "";
}
