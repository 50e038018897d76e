using System.Text.Json;
using Countersign.Storage;

namespace Countersign.People;

public enum AbsenceTurn
{
    Announced,
    Left,
    Returned,
    CalledOff,
}

/// <summary>Something that was known of somebody's absence from then on.</summary>
public sealed record AbsenceNews(
    long PersonId,
    DateTimeOffset At,
    AbsenceTurn Turn,
    DateTimeOffset From,
    DateTimeOffset Until,
    long? StandIn
);

/// <summary>
/// Who was away while a request was open, told from the record: an absence is written down once, for the person, and
/// every request that asks them shows it.
/// </summary>
public sealed class AbsenceHistory(Store store)
{
    /// <summary>Among more than so many, that one is away is no news.</summary>
    private const int MaxPeople = 200;

    /// <summary>In the words of the index, which serves only who asks in the same.</summary>
    private const string IsAbsence =
        "(kind = 'person.absence_set' OR kind = 'person.absence_began' OR kind = 'person.absence_ended')";

    /// <summary>What happened in that time, after what was already known at its beginning; the oldest first.</summary>
    public async ValueTask<IReadOnlyList<AbsenceNews>> During(
        IReadOnlyCollection<long> people,
        DateTimeOffset from,
        DateTimeOffset until,
        CancellationToken cancel
    )
    {
        if (people.Count is 0 or > MaxPeople)
            return [];
        var (subjects, arguments) = SqlList.Whole(people.Select(id => $"person:{id}"));
        var events = await store.Read(
            reader =>
                reader.All<StoredEvent>(
                    $"""
                    SELECT {StoredEvent.Columns} FROM events WHERE {IsAbsence}
                    AND subject IN ({subjects})
                    ORDER BY subject, n
                    """,
                    arguments
                ),
            cancel
        );
        return [.. events.GroupBy(e => e.Subject).SelectMany(own => Told(own, from, until)).OrderBy(news => news.At)];
    }

    private static IEnumerable<AbsenceNews> Told(
        IEnumerable<StoredEvent> own,
        DateTimeOffset from,
        DateTimeOffset until
    )
    {
        AbsenceNews? known = null;
        foreach (var e in own)
        {
            var next = Next(known, e);
            if (next.At > until)
                break;
            // What was known before is told as it stood last, unless it was over.
            if (next.At >= from && known is { Turn: AbsenceTurn.Announced or AbsenceTurn.Left } && known.At < from)
                yield return known;
            if (next.At >= from)
                yield return next;
            known = next;
        }
        if (known is { Turn: AbsenceTurn.Announced or AbsenceTurn.Left } && known.At < from)
            yield return known;
    }

    private static AbsenceNews Next(AbsenceNews? known, StoredEvent e)
    {
        var at = Instant.Parse(e.At);
        if (e.Kind == "person.absence_set")
        {
            using var data = JsonDocument.Parse(e.Data);
            var set = data.RootElement;
            return new AbsenceNews(
                long.Parse(e.Subject.AsSpan("person:".Length), System.Globalization.CultureInfo.InvariantCulture),
                at,
                set.GetProperty("begun").GetBoolean() ? AbsenceTurn.Left : AbsenceTurn.Announced,
                Instant.Parse(set.GetProperty("from").GetString()!),
                Instant.Parse(set.GetProperty("to").GetString()!),
                set.GetProperty("standIn").ValueKind == JsonValueKind.Number
                    ? set.GetProperty("standIn").GetInt64()
                    : null
            );
        }
        return known! with
        {
            At = at,
            Turn =
                e.Kind == "person.absence_began" ? AbsenceTurn.Left
                : known.Turn == AbsenceTurn.Left ? AbsenceTurn.Returned
                : AbsenceTurn.CalledOff,
        };
    }
}
