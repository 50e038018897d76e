using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Countersign.Policies;

/// <summary>What a policy may look at: who asks, through which source, and the facts of the request.</summary>
/// <param name="Facts">A JSON object of names and values or lists of values.</param>
/// <param name="HasAssignee">The request names its reviewer, to which a policy yields whose <c>when</c> names
/// nothing.</param>
public readonly record struct PolicyQuery(string Source, string Requester, string Facts, bool HasAssignee)
{
    /// <summary>
    /// The facts of <see cref="ChangeFacts"/> about a change that its source described; null where it hasn't.
    /// </summary>
    public string? Change { get; init; }
}

/// <summary>
/// A file's policies made ready for matching. A request first learns which patterns of the whole file match it, each
/// compared once however many policies have it. A policy is filed under the patterns of its most telling condition, so
/// only those are then looked at that can match at all. Nothing is made per policy. Names of facts and their values are
/// compared folded, so that no spelling leads past a policy.
/// </summary>
public sealed partial class Matcher
{
    /// <param name="AsksNobody">It approves by itself, so every value of a fact must be one that it names, not just
    /// any.</param>
    private readonly record struct Rule(bool AsksNobody, (int Slot, int[] AnyOf)[] Conditions);

    private readonly Rule[] _rules;

    /// <summary>By fact that any policy looks at: its place, and there the patterns that it is compared with.</summary>
    private readonly FrozenDictionary<string, int> _slots;
    private readonly PatternIndex[] _patterns;
    private readonly int _tags;

    /// <summary>The places of what policies ask about a described change.</summary>
    private readonly int[] _changes;

    /// <summary>By number of a pattern: the number that it compares with, where it compares numbers.</summary>
    private readonly NumberPattern?[] _numbers;

    /// <summary>By number of a pattern.</summary>
    private readonly Wildcard[] _wildcards;

    /// <summary>By number of a pattern: the policies filed under it, in the order of the file.</summary>
    private readonly int[][] _filed;

    /// <summary>The first policy without conditions; the number of policies when each has some.</summary>
    private readonly int _unconditional;

    public Matcher(IReadOnlyList<PolicyRule> rules)
    {
        var slots = new Dictionary<string, int>(StringComparer.Ordinal);
        var patterns = new List<Dictionary<string, int>>();
        var numbers = 0;
        _rules =
        [
            .. rules.Select(rule => new Rule(
                rule.Auto is { Approves: true },
                [
                    .. rule.When.Select(c =>
                        (Slot(NameOf(c)), c.AnyOf.Select(p => Number(Slot(NameOf(c)), p)).Distinct().ToArray())
                    ),
                ]
            )),
        ];
        _slots = slots.ToFrozenDictionary(StringComparer.Ordinal);
        _tags = slots.GetValueOrDefault(Condition.Tags, -1);
        _changes = [.. ChangeFacts.All.Where(c => slots.ContainsKey(Reserved + c)).Select(c => slots[Reserved + c])];
        _patterns = [.. patterns.Select(p => new PatternIndex(p))];
        _wildcards = [.. patterns.SelectMany(p => p).OrderBy(p => p.Value).Select(p => new Wildcard(p.Key))];
        _numbers =
        [
            .. patterns
                .SelectMany((some, slot) => some.Select(p => (p.Value, Pattern: p.Key, IsNumber: IsNumber(slot))))
                .OrderBy(p => p.Value)
                .Select(p => p.IsNumber ? NumberPattern.Read(p.Pattern) : null),
        ];
        _filed = Filed(numbers, Array.ConvertAll(_wildcards, w => w.Beginning.Length == 0));
        _unconditional = Enumerable
            .Range(0, _rules.Length)
            .FirstOrDefault(i => _rules[i].Conditions.Length == 0, _rules.Length);

        bool IsNumber(int slot) =>
            slots.Any(s => s.Value == slot && s.Key.StartsWith(Reserved) && ChangeFacts.IsNumber(s.Key[1..]));

        int Slot(string fact)
        {
            if (!slots.TryGetValue(fact, out var slot))
            {
                slots[fact] = slot = slots.Count;
                patterns.Add(new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase));
            }
            return slot;
        }

        int Number(int slot, string pattern)
        {
            if (!patterns[slot].TryGetValue(pattern, out var number))
                patterns[slot][pattern] = number = numbers++;
            return number;
        }
    }

    /// <summary>Before the names that no fact of a request has: folding takes it out of every other name.</summary>
    private const char Reserved = '\u0001';

    private static string NameOf(Condition condition) =>
        ChangeFacts.IsOne(condition.Key) ? Reserved + condition.Key : Folding.Fold(condition.Fact);

    /// <summary>
    /// Each policy goes under its condition that the fewest others share; one that begins with a wildcard tells
    /// nothing.
    /// </summary>
    private int[][] Filed(int numbers, bool[] beginsWild)
    {
        var shared = new int[numbers];
        foreach (var number in _rules.SelectMany(r => r.Conditions).SelectMany(c => c.AnyOf))
            shared[number] += beginsWild[number] ? _rules.Length : 1;
        var filed = Enumerable.Range(0, numbers).Select(_ => new List<int>()).ToArray();
        for (var i = 0; i < _rules.Length; i++)
        {
            foreach (
                var number in _rules[i].Conditions.Select(c => c.AnyOf).MinBy(anyOf => anyOf.Sum(n => (long)shared[n]))
                    ?? []
            )
            {
                filed[number].Add(i);
            }
        }
        return Array.ConvertAll(filed, some => some.ToArray());
    }

    /// <summary>The number of the first policy that matches, or -1.</summary>
    public int Find(in PolicyQuery question)
    {
        if (_rules.Length == 0)
            return -1;
        var values = Values(question);
        var rented = ArrayPool<bool>.Shared.Rent(_filed.Length);
        var matched = rented.AsSpan(0, _filed.Length);
        var presumes = Presumes(question);
        Mark(values, matched, presumes);
        var first = question.HasAssignee ? _rules.Length : _unconditional;
        for (var number = Next(matched, 0); number >= 0; number = Next(matched, number + 1))
        {
            foreach (var rule in _filed[number])
            {
                if (rule >= first)
                    break;
                if (FirstMiss(_rules[rule], matched, values, presumes) < 0)
                    first = rule;
            }
        }
        ArrayPool<bool>.Shared.Return(rented);
        return first < _rules.Length ? first : -1;
    }

    /// <summary>
    /// For one policy: the number of its first condition that does not hold, or -1; and what was there instead.
    /// </summary>
    public (int Condition, IReadOnlyList<string> Found) Explain(int rule, in PolicyQuery question)
    {
        var values = Values(question);
        var matched = new bool[_filed.Length];
        var presumes = Presumes(question);
        Mark(values, matched, presumes);
        var miss = FirstMiss(_rules[rule], matched, values, presumes);
        return (miss, miss < 0 ? [] : values[_rules[rule].Conditions[miss].Slot] ?? []);
    }

    /// <summary>Whether a policy applies only because too little is known of the change.</summary>
    public bool IsPresumed(int rule, in PolicyQuery question)
    {
        if (!Presumes(question) || !Array.Exists(_rules[rule].Conditions, c => _changes.Contains(c.Slot)))
            return false;
        var values = Values(question);
        var matched = new bool[_filed.Length];
        Mark(values, matched, presumes: false);
        return FirstMiss(_rules[rule], matched, values, presumes: false) >= 0;
    }

    private bool Presumes(in PolicyQuery question) => _changes.Length > 0 && !ChangeFacts.IsUnderstood(question.Change);

    private static int Next(ReadOnlySpan<bool> matched, int from) =>
        matched[from..].IndexOf(true) is >= 0 and var at ? from + at : -1;

    private int FirstMiss(Rule rule, ReadOnlySpan<bool> matched, List<string>?[] values, bool presumes)
    {
        for (var i = 0; i < rule.Conditions.Length; i++)
        {
            if (
                !AnyOf(rule.Conditions[i].AnyOf, matched)
                || (
                    rule.AsksNobody
                    // An unknown change isn't approved automatically.
                    && (
                        !NamesEach(rule.Conditions[i], values)
                        || (presumes && _changes.Contains(rule.Conditions[i].Slot))
                    )
                )
            )
            {
                return i;
            }
        }
        return -1;
    }

    /// <summary>Of tags, which come in any number, one is enough.</summary>
    private bool NamesEach((int Slot, int[] AnyOf) condition, List<string>?[] values) =>
        condition.Slot == _tags
        || (values[condition.Slot] ?? []).TrueForAll(value =>
            Wildcard.Fold(value) is var folded && Array.Exists(condition.AnyOf, number => Matches(number, folded))
        );

    private bool Matches(int pattern, string folded) =>
        _numbers[pattern]?.Matches(folded) ?? _wildcards[pattern].Matches(folded);

    private static bool AnyOf(int[] numbers, ReadOnlySpan<bool> matched)
    {
        foreach (var number in numbers)
        {
            if (matched[number])
                return true;
        }
        return false;
    }

    private void Mark(List<string>?[] values, Span<bool> matched, bool presumes)
    {
        matched.Clear();
        for (var slot = 0; slot < values.Length; slot++)
        {
            foreach (var value in values[slot] ?? [])
                _patterns[slot].Mark(Wildcard.Fold(value), matched);
        }
        foreach (var slot in _changes)
        {
            foreach (var number in _patterns[slot].Numbers)
            {
                matched[number] |=
                    presumes || (_numbers[number] is { } limit && values[slot]?.Exists(limit.Matches) == true);
            }
        }
    }

    /// <summary>By place of a fact, what the request says; null where it says nothing.</summary>
    private List<string>?[] Values(in PolicyQuery question)
    {
        var values = new List<string>?[_slots.Count];
        ReadFacts(question.Facts, values);
        // Nobody says by a fact who they are.
        if (_slots.TryGetValue(Condition.Source, out var source))
            values[source] = [question.Source];
        if (_slots.TryGetValue(Condition.Requester, out var requester))
            values[requester] = [question.Requester];
        if (_changes.Length > 0 && question.Change is { } change)
            ReadFacts(change, values, isChange: true);
        return values;
    }

    private void ReadFacts(string facts, List<string>?[] values, bool isChange = false)
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
                var fact = isChange ? Reserved + TextOf(ref reader) : Folding.Fold(TextOf(ref reader));
                var slot = _slots.TryGetValue(fact, out var named) ? named : -1;
                // Tags are those of the project, the environment and the flag together.
                var isTags = _tags >= 0 && fact is ("project.tags" or "environment.tags" or "flag.tags");
                reader.Read();
                if (slot < 0 && !isTags)
                {
                    reader.Skip();
                    continue;
                }
                List<string>? read = null;
                ReadValues(ref reader, ref read);
                if (slot >= 0)
                    Join(ref values[slot], read);
                if (isTags)
                    Join(ref values[_tags], read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private static void Join(ref List<string>? values, List<string>? more) =>
        values = values is null ? more : [.. values, .. more ?? []];

    /// <summary>Every text, number and truth value there, however deep it lies.</summary>
    private static void ReadValues(ref Utf8JsonReader reader, ref List<string>? values)
    {
        for (var depth = reader.CurrentDepth; ; reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.String:
                    (values ??= new List<string>(1)).Add(TextOf(ref reader));
                    break;
                case JsonTokenType.Number:
                    AddNumber(Encoding.UTF8.GetString(reader.ValueSpan), ref values);
                    break;
                case JsonTokenType.True or JsonTokenType.False:
                    (values ??= new List<string>(1)).Add(Encoding.UTF8.GetString(reader.ValueSpan));
                    break;
            }
            if (
                reader.CurrentDepth <= depth
                && reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.StartObject)
            )
            {
                return;
            }
        }
    }

    /// <summary>As it was written, and as it is usually written: 3.0 is 3.</summary>
    private static void AddNumber(string text, ref List<string>? values)
    {
        values ??= new List<string>(1);
        values.Add(text);
        if (
            text.AsSpan().IndexOfAny(".eE-") >= 0
            && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && number.ToString("0.############################", CultureInfo.InvariantCulture) is var usual
            && usual != text
        )
        {
            values.Add(usual);
        }
    }

    /// <summary>A text that holds half of a surrogate pair is read without it.</summary>
    private static string TextOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            var raw = Encoding.UTF8.GetString(reader.ValueSpan);
            try
            {
                return JsonSerializer.Deserialize<string>($"\"{HalfPairs().Replace(raw, "")}\"") ?? "";
            }
            catch (JsonException)
            {
                return raw;
            }
        }
    }

    [GeneratedRegex(@"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex HalfPairs();
}
