using System.Globalization;
using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// How people call what events are about, where the directory of people doesn't know it: titles of requests and
/// tickets, names of destinations, hosts of webhooks.
/// </summary>
public sealed class EventSubjects(Store store)
{
    /// <param name="subjects"><c>request:…</c>, <c>webhook:3</c>; others are left out of the answer.</param>
    public async ValueTask<IReadOnlyDictionary<string, string>> Names(
        IReadOnlyCollection<string> subjects,
        CancellationToken cancel
    )
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        await Add("request", "SELECT id, subject AS name FROM requests", id => id, name => name);
        await Add("ticket", "SELECT id, subject AS name FROM tickets", NumberOf, name => name);
        await Add("destination", "SELECT id, name FROM destinations", NumberOf, name => name);
        // A path may be a secret.
        await Add("webhook", "SELECT id, url AS name FROM webhooks", NumberOf, url => new Uri(url).Authority);
        foreach (var subject in subjects.Distinct(StringComparer.Ordinal).Where(IsDeletedWebhook))
        {
            // The log keeps the address without its path.
            var added = await store.Read(
                reader =>
                    reader.Text(
                        "SELECT data FROM events WHERE subject = @subject AND kind = 'webhook.added'",
                        new { subject }
                    ),
                cancel
            );
            if (added is not null)
                names[subject] = UrlIn(added) ?? subject;
        }
        return names;

        bool IsDeletedWebhook(string subject) =>
            subject.StartsWith("webhook:", StringComparison.Ordinal) && !names.ContainsKey(subject);

        async ValueTask Add(string kind, string sql, Func<string, object?> idOf, Func<string, string> nameOf)
        {
            var (ids, arguments) = SqlList.Whole(
                subjects
                    .Where(s => s.StartsWith(kind + ":", StringComparison.Ordinal))
                    .Select(s => idOf(s[(kind.Length + 1)..]))
                    .OfType<object>()
                    .Distinct()
            );
            if (arguments.Count == 0)
                return;
            var rows = await store.Read(reader => reader.Rows($"{sql} WHERE id IN ({ids})", arguments), cancel);
            foreach (var row in rows)
            {
                if (row["name"] is string name)
                    names[string.Create(CultureInfo.InvariantCulture, $"{kind}:{row["id"]}")] = nameOf(name);
            }
        }
    }

    private static string? UrlIn(string data)
    {
        using var document = JsonDocument.Parse(data);
        return document.RootElement.TryGetProperty("url", out var url) ? url.GetString() : null;
    }

    private static object? NumberOf(string id) =>
        long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
