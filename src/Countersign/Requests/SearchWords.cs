using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// A searched text as words, each with the terms in the store that begin with it. A request is meant when each word
/// begins one of its terms or stands in its title.
/// </summary>
/// <param name="Words">Without terms where none begins so, or too many do.</param>
/// <param name="Driver">The word with the fewest requests, whose ranges are read; null where none has terms.</param>
internal sealed record SearchWords(
    IReadOnlyList<(string Word, IReadOnlyList<string> Terms)> Words,
    IReadOnlyList<string>? Driver
)
{
    private const int MaxWords = 6;

    /// <summary>Each is a range to merge, or one more to look up for each row. A whole key counts alone then.</summary>
    private const int MaxTerms = 40;

    /// <summary>Beyond this many requests it makes no difference which word is rarer.</summary>
    private const int MaxCounted = 2_000;

    /// <summary>From one term to the next, so that it costs the terms and not their requests.</summary>
    private const string Expand = """
        WITH RECURSIVE found (term, n) AS (
          SELECT (SELECT min(t.term) FROM request_terms t WHERE t.term >= @word AND t.term < @end), 1
          UNION ALL
          SELECT (SELECT min(t.term) FROM request_terms t WHERE t.term > found.term AND t.term < @end), n + 1
          FROM found WHERE found.term IS NOT NULL AND n <= @most
        )
        SELECT term FROM found WHERE term IS NOT NULL
        """;

    public static async ValueTask<SearchWords> Of(Reader reader, string text)
    {
        var words = new List<(string Word, IReadOnlyList<string> Terms)>();
        foreach (var word in RequestTerms.Words(text).Distinct().Take(MaxWords))
        {
            var terms = (
                await reader.All<TermRow>(
                    Expand,
                    new
                    {
                        word,
                        end = word + "\U0010FFFF",
                        most = MaxTerms,
                    }
                )
            ).ConvertAll(row => row.Term);
            words.Add(
                (
                    word,
                    terms.Count <= MaxTerms ? terms
                    : terms.Contains(word) ? [word]
                    : []
                )
            );
        }
        var usable = words.FindAll(word => word.Terms.Count > 0);
        return new SearchWords(words, usable.Count < 2 ? usable.FirstOrDefault().Terms : await Rarest(reader, usable));
    }

    private static async ValueTask<IReadOnlyList<string>> Rarest(
        Reader reader,
        List<(string Word, IReadOnlyList<string> Terms)> words
    )
    {
        var (rarest, fewest) = (words[0].Terms, long.MaxValue);
        foreach (var (_, terms) in words)
        {
            var (list, arguments) = SqlList.Whole(terms);
            var count = await reader.Number(
                $"""
                SELECT count(*) FROM (
                  SELECT 1 AS one FROM request_terms
                  WHERE term IN ({list}) LIMIT {MaxCounted}) c
                """,
                arguments
            );
            if (count < fewest)
                (rarest, fewest) = (terms, count);
        }
        return rarest;
    }

    private sealed class TermRow
    {
        public required string Term { get; init; }
    }
}
