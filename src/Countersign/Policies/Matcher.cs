using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using System.Text.Json;

namespace Countersign.Policies;

/// <summary>What a policy may look at: who asks, through which source, and the facts of the request.</summary>
/// <param name="Facts">A JSON object of names and values or lists of values.</param>
/// <param name="HasAssignee">The request names who decides, and only a policy for its source stands before that.</param>
public readonly record struct Question(string Source, string Requester, string Facts, bool HasAssignee);

/// <summary>
/// A file's policies made ready for matching: every fact that any of them looks at has a place, a request's facts are put
/// there once, and then each policy compares. Nothing is made per policy.
/// </summary>
public sealed class Matcher
{
    private readonly (bool NamesSource, (int Slot, Wildcard[] AnyOf)[] Conditions)[] _rules;
    private readonly FrozenDictionary<string, int> _slots;
    private readonly int _tags;

    public Matcher(IReadOnlyList<PolicyRule> rules)
    {
        var slots = new Dictionary<string, int>(StringComparer.Ordinal);
        _rules = [.. rules.Select(rule => (rule.NamesSource, rule.When.Select(c => (Slot(c.Fact), c.AnyOf.Select(v => new Wildcard(v)).ToArray())).ToArray()))];
        _slots = slots.ToFrozenDictionary(StringComparer.Ordinal);
        _tags = slots.GetValueOrDefault(Condition.Tags, -1);

        int Slot(string fact)
        {
            if (!slots.TryGetValue(fact, out var slot))
                slots[fact] = slot = slots.Count;
            return slot;
        }
    }

    /// <summary>The number of the first policy that matches, or -1.</summary>
    public int Find(in Question question)
    {
        if (_rules.Length == 0)
            return -1;
        var values = Values(question);
        for (var i = 0; i < _rules.Length; i++)
        {
            ref readonly var rule = ref _rules[i];
            if ((rule.NamesSource || !question.HasAssignee) && FirstMiss(rule.Conditions, values) < 0)
                return i;
        }
        return -1;
    }

    /// <summary>For one policy: the number of its first condition that does not hold, or -1; and what was there instead.</summary>
    public (int Condition, IReadOnlyList<string> Found) Explain(int rule, in Question question)
    {
        var values = Values(question, folded: false);
        var folded = Array.ConvertAll(values, v => v is null ? null : Array.ConvertAll(v, Wildcard.Fold));
        var miss = FirstMiss(_rules[rule].Conditions, folded);
        return (miss, miss < 0 ? [] : values[_rules[rule].Conditions[miss].Slot] ?? []);
    }

    private static int FirstMiss((int Slot, Wildcard[] AnyOf)[] conditions, string[]?[] values)
    {
        for (var i = 0; i < conditions.Length; i++)
        {
            ref readonly var condition = ref conditions[i];
            if (values[condition.Slot] is not { } found || !AnyMatches(condition.AnyOf, found))
                return i;
        }
        return -1;
    }

    private static bool AnyMatches(Wildcard[] patterns, string[] values)
    {
        foreach (var value in values)
        {
            foreach (ref readonly var pattern in patterns.AsSpan())
            {
                if (pattern.Matches(value))
                    return true;
            }
        }
        return false;
    }

    /// <summary>By slot, what the request says; null where it says nothing.</summary>
    private string[]?[] Values(in Question question, bool folded = true)
    {
        var values = new string[]?[_slots.Count];
        ReadFacts(question.Facts, values);
        if (_slots.TryGetValue(Condition.Source, out var source))
            values[source] = [question.Source];
        if (_slots.TryGetValue(Condition.Requester, out var requester))
            values[requester] = [question.Requester];
        if (folded)
        {
            foreach (var some in values)
            {
                for (var i = 0; i < some?.Length; i++)
                    some[i] = Wildcard.Fold(some[i]);
            }
        }
        return values;
    }

    private void ReadFacts(string facts, string[]?[] values)
    {
        if (facts.Length <= 2)
            return;
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(facts.Length));
        try
        {
            var reader = new Utf8JsonReader(bytes.AsSpan(0, Encoding.UTF8.GetBytes(facts, bytes)));
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var fact = reader.GetString()!;
                var slot = _slots.TryGetValue(fact, out var named) ? named : -1;
                // Tags are those of the project, the environment and the flag together.
                var isTags = _tags >= 0 && fact is ("project.tags" or "environment.tags" or "flag.tags");
                reader.Read();
                if (slot < 0 && !isTags)
                {
                    reader.Skip();
                    continue;
                }
                string[]? read = null;
                ReadValues(ref reader, ref read);
                if (slot >= 0)
                    values[slot] = read;
                if (isTags && read is not null)
                    values[_tags] = [.. values[_tags] ?? [], .. read];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private static void ReadValues(ref Utf8JsonReader reader, ref string[]? values)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            Add(ref reader, ref values);
            return;
        }
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            Add(ref reader, ref values);
    }

    private static void Add(ref Utf8JsonReader reader, ref string[]? values)
    {
        var text = reader.TokenType switch
        {
            JsonTokenType.String => reader.GetString()!,
            JsonTokenType.Null => null,
            _ => Encoding.UTF8.GetString(reader.ValueSpan),
        };
        if (text is not null)
            values = [.. values ?? [], text];
        reader.TrySkip();
    }
}
