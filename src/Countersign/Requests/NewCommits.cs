using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Storage;

namespace Countersign.Requests;

/// <param name="Sha">In full.</param>
/// <param name="Author">Empty where it isn't known.</param>
/// <param name="Title">The first line of its message.</param>
public sealed record CommitLine(string Sha, string Author, string Title);

/// <summary>
/// What a deployment brings beside what is there: the commits since the last deployment to the same environment, as the
/// source says. They are read after the request came, so they are no part of its content: no policy sees them, and
/// neither the digest nor a review changes with them. An event of the request holds them, written once, which shows
/// when they could be seen.
/// </summary>
public sealed record NewCommits
{
    public const string Kind = "request.gate_commits";

    /// <summary>How many are told; the source's own comparison has them all.</summary>
    public const int MaxListed = 50;

    /// <summary>The commit that was deployed last; null: none was, or it isn't known.</summary>
    public string? Base { get; init; }

    /// <summary>When that was, as a text of <see cref="Instant"/>.</summary>
    public string? BaseAt { get; init; }
    public required string Head { get; init; }

    /// <summary>The repository's page; empty where there is none to link to.</summary>
    public string Page { get; init; } = "";

    /// <summary>How many commits come, and how many of the last deployment are left out.</summary>
    public int Ahead { get; init; }
    public int Behind { get; init; }
    public IReadOnlyList<CommitLine> Commits { get; init; } = [];

    /// <summary>Why they couldn't be read; null: they could.</summary>
    public string? Problem { get; init; }

    /// <summary>When they were read; not kept, because the event has it.</summary>
    [JsonIgnore]
    public DateTimeOffset? ReadAt { get; init; }

    public string? LinkOf(string sha) => Page.Length == 0 ? null : $"{Page}/commit/{sha}";

    /// <summary>Where the source compares them; the commit alone where nothing was deployed before.</summary>
    [JsonIgnore]
    public string? Link =>
        Page.Length == 0 ? null
        : Base is { } from ? $"{Page}/compare/{from}...{Head}"
        : LinkOf(Head);

    /// <summary>Null where none were read.</summary>
    public static NewCommits? Of(IEnumerable<StoredEvent> events) =>
        events.LastOrDefault(e => e.Kind == Kind) is { } told ? Read(told) : null;

    public static async ValueTask<NewCommits?> Find(Reader reader, ApprovalRequest request) =>
        await reader.First<StoredEvent>(
            $"""
            SELECT {StoredEvent.Columns} FROM events WHERE subject = @subject AND kind = @kind
            ORDER BY n DESC LIMIT 1
            """,
            new { subject = request.Id.Subject, kind = Kind }
        )
            is { } told
            ? Read(told)
            : null;

    /// <summary>Null for what was moved to an archive.</summary>
    private static NewCommits? Read(StoredEvent told)
    {
        try
        {
            return JsonSerializer.Deserialize<NewCommits>(told.Data, History.Json) is { } read
                ? read with
                {
                    ReadAt = Instant.Parse(told.At),
                }
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
