using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// The words and keys by which a request of any age is found: its external ID and ticket, the values of its
/// facts, who asks and its title. They follow from the current content alone, so that what is in the table for it can
/// be worked out again and removed. Titles are also searched as they are (<see cref="RequestChange.Searched"/>); what
/// is left out here is only found that way.
/// </summary>
internal static class RequestTerms
{
    /// <summary>Each is a row with an index entry, so few of them: see docs/performance.md.</summary>
    public const int MaxTerms = 20;
    public const int MaxLength = 64;
    private const int MaxOfFacts = 12;
    private const int MaxOfName = 3;

    /// <summary>A fact of more words is a text, not something people look a request up by.</summary>
    private const int MaxWordsOfFact = 4;
    private const int LeastOfFact = 2;
    private const int LeastOfTitle = 3;

    private static readonly SearchValues<char> Separators = SearchValues.Create(",;()[]{}<>\"'`|");

    /// <summary>In so common use in titles that a row for them wouldn't narrow a search.</summary>
    private static readonly HashSet<string> Fillers = ["and", "for", "from", "the", "this", "with"];

    /// <param name="facts">Those of the current revision.</param>
    public static IReadOnlyList<string> Of(ApprovalRequest request, string facts) =>
        Of(request.ExternalId, request.TicketId, facts, request.RequesterName, request.Subject);

    /// <summary>What cannot be done without comes first, because there is room for a few only.</summary>
    private static List<string> Of(string? externalId, long? ticket, string facts, string requesterName, string subject)
    {
        var terms = new List<string>(MaxTerms);
        if (externalId is not null)
            Add(Words(externalId), MaxOfName);
        if (ticket is { } id)
            Add([id.ToString(CultureInfo.InvariantCulture)], 1);
        Add(OfFacts(facts), MaxOfFacts);
        Add(Words(requesterName).Where(word => word.Length >= LeastOfFact), MaxOfName);
        Add(Words(subject).Where(word => word.Length >= LeastOfTitle && !Fillers.Contains(word)), MaxTerms);
        return terms;

        void Add(IEnumerable<string> words, int most)
        {
            foreach (var word in words)
            {
                if (terms.Count == MaxTerms)
                    return;
                if (terms.Contains(word))
                    continue;
                terms.Add(word);
                if (--most == 0)
                    return;
            }
        }
    }

    /// <summary>
    /// A text as the words that are compared: compatibility forms and case folded, without punctuation around them.
    /// Inside a word it stays, so that a key is one word.
    /// </summary>
    public static IEnumerable<string> Words(string text)
    {
        var folded = WellFormed.Text(text).Normalize(NormalizationForm.FormKC).ToLowerInvariant();
        for (int at = 0, end; at < folded.Length; at = end + 1)
        {
            for (end = at; end < folded.Length && !IsBetweenWords(folded[end]); end++)
            {
                // To the end of the word.
            }
            var (first, last) = (at, end);
            while (first < last && !IsOfWord(folded[first]))
                first++;
            while (first < last && !IsOfWord(folded[last - 1]))
                last--;
            if (last > first)
                yield return WellFormed.Cut(folded[first..last], MaxLength);
        }
    }

    private static bool IsBetweenWords(char c) => char.IsWhiteSpace(c) || char.IsControl(c) || Separators.Contains(c);

    private static bool IsOfWord(char c) => char.IsLetterOrDigit(c) || char.IsSurrogate(c);

    /// <summary>Keys, numbers and addresses come before names of several words, and these before lists.</summary>
    private static List<string> OfFacts(string facts)
    {
        var (keys, names, items) = (new List<string>(), new List<string>(), new List<string>());
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(facts);
        }
        catch (JsonException)
        {
            return [];
        }
        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return [];
            foreach (var fact in document.RootElement.EnumerateObject())
            {
                if (fact.Value.ValueKind == JsonValueKind.Array)
                {
                    foreach (var item in fact.Value.EnumerateArray())
                        items.AddRange(OfValue(item));
                }
                else
                {
                    var words = OfValue(fact.Value);
                    (words.Count == 1 ? keys : names).AddRange(words);
                }
            }
        }
        return [.. keys, .. names, .. items];
    }

    private static List<string> OfValue(JsonElement value)
    {
        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString() ?? "",
            JsonValueKind.Number => value.GetRawText(),
            _ => "",
        };
        // Links and times are shown, but not searched for.
        if (text.Length is 0 or > MaxWordsOfFact * MaxLength || text.Contains("://", StringComparison.Ordinal))
            return [];
        if (text.Length >= 19 && text[10] == 'T' && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _))
            return [];
        var words = Words(text).Take(MaxWordsOfFact + 1).ToList();
        return words.Count > MaxWordsOfFact ? [] : words.FindAll(word => word.Length >= LeastOfFact);
    }

    /// <summary>
    /// Some at a time by one statement; where there are fewer, the last fills its place.
    /// </summary>
    public static async ValueTask Add(Tx tx, RequestId id, IReadOnlyList<string> terms)
    {
        for (var i = 0; i < terms.Count; i += 6)
        {
            await tx.Execute(
                """
                INSERT INTO request_terms (term, request_id)
                VALUES (@a, @id), (@b, @id), (@c, @id), (@d, @id), (@e, @id), (@f, @id)
                ON CONFLICT (term, request_id) DO NOTHING
                """,
                new
                {
                    id,
                    a = terms[i],
                    b = At(i + 1),
                    c = At(i + 2),
                    d = At(i + 3),
                    e = At(i + 4),
                    f = At(i + 5),
                }
            );
        }

        string At(int place) => terms[Math.Min(place, terms.Count - 1)];
    }

    /// <summary>Brings the table from what followed from the content before to what follows from that of now.</summary>
    public static async ValueTask Change(Tx tx, RequestId id, IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        foreach (var term in before.Except(after))
            await tx.Execute("DELETE FROM request_terms WHERE term = @term AND request_id = @id", new { term, id });
        await Add(tx, id, [.. after.Except(before)]);
    }

    /// <summary>Of the content of now; empty where the request is not there.</summary>
    public static async ValueTask<IReadOnlyList<string>> Read(Reader reader, RequestId id) =>
        await reader.First<ContentRow>(ContentRow.Select + " WHERE r.id = @id", new { id }) is { } row ? row.Terms : [];

    /// <summary>
    /// Adds those of requests from before there was the table, towards older ones; where it goes on, null at the end.
    /// </summary>
    public static async ValueTask<string?> AddOlder(Tx tx, string? below, int most)
    {
        // Locked before its content is read: an erasure that is under way comes before this or after it.
        var ids = await tx.All<ContentRow>(
            $"""
            SELECT id, '' AS subject, '' AS requester_name, '' AS facts FROM requests WHERE id < @below
            ORDER BY id DESC LIMIT @most{tx.ForShare}
            """,
            new { below = below ?? "\U0010FFFF", most }
        );
        foreach (var row in ids)
            await Add(tx, RequestId.Of(row.Id), await Read(tx, RequestId.Of(row.Id)));
        return ids.Count < most ? null : ids[^1].Id;
    }

    private sealed class ContentRow
    {
        public const string Select = """
            SELECT r.id, r.external_id, r.ticket_id, r.requester_name, r.subject, v.facts
            FROM requests r JOIN revisions v ON v.request_id = r.id AND v.n = r.revision
            """;

        public required string Id { get; init; }
        public string? ExternalId { get; init; }
        public long? TicketId { get; init; }
        public required string RequesterName { get; init; }
        public required string Subject { get; init; }
        public required string Facts { get; init; }

        public IReadOnlyList<string> Terms => Of(ExternalId, TicketId, Facts, RequesterName, Subject);
    }
}
