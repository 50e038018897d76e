using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Countersign.Audit;

/// <summary>Event ids from one to another, both included.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct IdRange(long From, long To)
{
    public long Count => To - From + 1;
}

/// <summary>
/// A set of event ids, kept as ranges in rising order that neither touch nor overlap. The text form, <c>1-40,42</c>, is
/// what a seal says it covers; a set has exactly one text.
/// </summary>
internal sealed class IdRanges
{
    private readonly List<IdRange> _ranges = [];

    public IReadOnlyList<IdRange> Ranges => _ranges;
    public long Count { get; private set; }

    /// <summary>The highest id, 0 when empty.</summary>
    public long Highest => _ranges.Count == 0 ? 0 : _ranges[^1].To;

    public static IdRanges Of(IEnumerable<long> ids)
    {
        var set = new IdRanges();
        foreach (var id in ids)
            set.TryAdd(new IdRange(id, id));
        return set;
    }

    /// <summary>Null when the text is not one that <see cref="ToString"/> writes.</summary>
    public static IdRanges? Parse(string text)
    {
        var set = new IdRanges();
        foreach (var part in text.Split(','))
        {
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            if (
                !TryNumber(dash < 0 ? part : part[..dash], out var from)
                || !TryNumber(dash < 0 ? part : part[(dash + 1)..], out var to)
                || from > to
                || !set.TryAdd(new IdRange(from, to))
            )
            {
                return null;
            }
        }
        return set.ToString() == text ? set : null;
    }

    /// <summary>False, and nothing is added, when an id of the range is in the set already.</summary>
    public bool TryAdd(IdRange range)
    {
        var at = FirstFrom(range.From);
        if ((at > 0 && _ranges[at - 1].To >= range.From) || (at < _ranges.Count && _ranges[at].From <= range.To))
            return false;
        Count += range.Count;
        var joinsBefore = at > 0 && _ranges[at - 1].To + 1 == range.From;
        var joinsAfter = at < _ranges.Count && _ranges[at].From - 1 == range.To;
        if (joinsBefore && joinsAfter)
        {
            _ranges[at - 1] = new IdRange(_ranges[at - 1].From, _ranges[at].To);
            _ranges.RemoveAt(at);
        }
        else if (joinsBefore)
        {
            _ranges[at - 1] = new IdRange(_ranges[at - 1].From, range.To);
        }
        else if (joinsAfter)
        {
            _ranges[at] = new IdRange(range.From, _ranges[at].To);
        }
        else
        {
            _ranges.Insert(at, range);
        }
        return true;
    }

    public bool Contains(long id)
    {
        var after = FirstFrom(id + 1);
        return after > 0 && _ranges[after - 1].To >= id;
    }

    /// <summary>How many ids of the set are below this one; null when it isn't in the set.</summary>
    public long? OffsetOf(long id)
    {
        var before = 0L;
        foreach (var range in _ranges)
        {
            if (id < range.From)
                return null;
            if (id <= range.To)
                return before + id - range.From;
            before += range.Count;
        }
        return null;
    }

    /// <summary>The given number of ids, after the given number of smaller ones.</summary>
    public IEnumerable<long> Slice(long offset, long count)
    {
        foreach (var range in _ranges)
        {
            if (offset >= range.Count)
            {
                offset -= range.Count;
                continue;
            }
            for (var id = range.From + offset; id <= range.To && count > 0; id++, count--)
                yield return id;
            offset = 0;
        }
    }

    /// <summary>The ids from <paramref name="from"/> up to the highest that are not in the set.</summary>
    public IEnumerable<IdRange> Gaps(long from)
    {
        foreach (var range in _ranges)
        {
            if (range.From > from)
                yield return new IdRange(from, range.From - 1);
            from = Math.Max(from, range.To + 1);
        }
    }

    /// <summary>
    /// The ranges again, with those joined between which few ids are missing: one query then serves many.
    /// </summary>
    public IEnumerable<IdRange> Spans(long nearby)
    {
        IdRange? open = null;
        foreach (var range in _ranges)
        {
            if (open is { } span && range.From - span.To <= nearby)
            {
                open = new IdRange(span.From, range.To);
                continue;
            }
            if (open is { } done)
                yield return done;
            open = range;
        }
        if (open is { } last)
            yield return last;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (from, to) in _ranges)
        {
            if (text.Length > 0)
                text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{from}");
            if (to > from)
                text.Append(CultureInfo.InvariantCulture, $"-{to}");
        }
        return text.ToString();
    }

    /// <summary>The place of the first range that begins at this id or later.</summary>
    private int FirstFrom(long id)
    {
        var (low, high) = (0, _ranges.Count);
        // Ids arrive in rising order but for a few, so the end is where to look first.
        if (high > 0 && _ranges[^1].From < id)
            return high;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].From < id)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number)
        && number > 0
        && number < long.MaxValue;
}
