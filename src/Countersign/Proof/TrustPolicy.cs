using System.Globalization;

namespace Countersign.Proof;

/// <param name="Name">In the policy; the key has a name of its own.</param>
/// <param name="IsRunByLog">The policy says that the log's operator runs this witness too.</param>
public sealed record TrustedWitness(string Name, NoteKey Key, bool IsRunByLog);

/// <summary>
/// Whom a verifier trusts (<c>c2sp.org/tlog-policy</c>): the keys of logs and witnesses, and which witnesses must have
/// cosigned a checkpoint.
/// </summary>
public sealed class TrustPolicy
{
    private const string None = "none";

    /// <summary>
    /// Before a witness's name, in a comment, because the format has no word for it and other programs must read on.
    /// </summary>
    private const string RunByLog = "run-by-log ";

    private readonly Dictionary<string, (int Need, string[] Members)> _groups = new(StringComparer.Ordinal);
    private readonly List<NoteKey> _logs = [];
    private readonly List<TrustedWitness> _witnesses = [];
    private readonly HashSet<string> _members = new(StringComparer.Ordinal);
    private string? _quorum;

    private TrustPolicy() { }

    public IReadOnlyList<NoteKey> Logs => _logs;
    public IReadOnlyList<TrustedWitness> Witnesses => _witnesses;

    /// <summary>The name of a witness or a group; null where no cosignature is required.</summary>
    public string? Quorum => _quorum == None ? null : _quorum;

    /// <summary>One log, and no witnesses.</summary>
    public static TrustPolicy Of(NoteKey log)
    {
        var policy = new TrustPolicy { _quorum = None };
        policy._logs.Add(log);
        return policy;
    }

    public static TrustPolicy? Parse(string text, out string why)
    {
        var policy = new TrustPolicy();
        why = "";
        if (text.Any(c => (char.IsControl(c) && c is not ('\t' or '\n')) || c == '\uFEFF'))
        {
            why = "The policy has characters that policies don't have, such as carriage returns.";
            return null;
        }
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length && why.Length == 0; i++)
        {
            var words = lines[i].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0 && words[0][0] != '#' && policy.Take(words) is { } problem)
                why = string.Create(CultureInfo.InvariantCulture, $"Line {i + 1}: {problem}");
        }
        if (why.Length == 0 && policy._quorum is null)
            why = "The policy has no line \"quorum\". Without witnesses, write: quorum none";
        if (why.Length > 0)
            return null;
        policy.Mark(lines);
        return policy;
    }

    /// <summary>Whether the witnesses with these names suffice.</summary>
    public bool IsReachedBy(IReadOnlySet<string> witnesses) => Quorum is not { } quorum || Has(quorum, witnesses);

    private bool Has(string name, IReadOnlySet<string> witnesses) =>
        _groups.TryGetValue(name, out var group)
            ? group.Members.Count(member => Has(member, witnesses)) >= group.Need
            : witnesses.Contains(name);

    private string? Take(string[] words) =>
        words switch
        {
            // An address may follow, which a verifier has no use for.
            ["log", var key, ..] when words.Length <= 3 => TakeLog(key),
            ["witness", var name, var key, ..] when words.Length <= 4 => TakeWitness(name, key),
            ["group", var name, var need, .. var members] => TakeGroup(name, need, members),
            ["quorum", _] when _quorum is not null => "There is another quorum already.",
            ["quorum", var name] => TakeQuorum(name),
            _ => "A line is \"log\", \"witness\", \"group\" or \"quorum\" with its words.",
        };

    private string? TakeLog(string text)
    {
        if (!NoteKey.TryParse(text, out var key, out var why))
            return why;
        if (key.Type == NoteKeyType.Cosignature)
            return "This is a witness's key, not a log's.";
        if (_logs.Exists(other => other.Key.Span.SequenceEqual(key.Key.Span)))
            return "There is a log with the same key already.";
        _logs.Add(key);
        return null;
    }

    private string? TakeWitness(string name, string text)
    {
        if (IsTaken(name))
            return $"The name {name} is taken.";
        if (!NoteKey.TryParse(text, out var key, out var why))
            return why;
        if (key.Type is not (NoteKeyType.Cosignature or NoteKeyType.MlDsa44))
            return "This is no witness's key.";
        if (_witnesses.Exists(other => other.Key.Key.Span.SequenceEqual(key.Key.Span)))
            return "There is a witness with the same key already.";
        _witnesses.Add(new TrustedWitness(name, key, IsRunByLog: false));
        return null;
    }

    private string? TakeGroup(string name, string need, string[] members)
    {
        if (IsTaken(name))
            return $"The name {name} is taken.";
        if (members.FirstOrDefault(member => member == None || !IsTaken(member)) is { } unknown)
            return $"There is no witness or group {unknown} above this line.";
        if (members.FirstOrDefault(member => !_members.Add(member)) is { } twice)
            return $"{twice} is a member already.";
        var count =
            need == "all" ? members.Length
            : need == "any" ? Math.Min(1, members.Length)
            : Checkpoint.TryNumber(need, out var number) && number <= members.Length ? (int)number
            : 0;
        if (count < 1)
            return "A group needs \"all\", \"any\" or a number of its members.";
        _groups[name] = (count, members);
        return null;
    }

    private string? TakeQuorum(string name)
    {
        if (!IsTaken(name))
            return $"There is no witness or group {name} above this line.";
        _quorum = name;
        return null;
    }

    private bool IsTaken(string name) =>
        name == None || _groups.ContainsKey(name) || _witnesses.Exists(w => w.Name == name);

    private void Mark(string[] lines)
    {
        var marked = lines
            .Select(line => line.TrimStart(' ', '\t').TrimStart('#').TrimStart(' '))
            .Where(line => line.StartsWith(RunByLog, StringComparison.Ordinal))
            .Select(line => line[RunByLog.Length..].Trim())
            .ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < _witnesses.Count; i++)
            _witnesses[i] = _witnesses[i] with { IsRunByLog = marked.Contains(_witnesses[i].Name) };
    }
}
