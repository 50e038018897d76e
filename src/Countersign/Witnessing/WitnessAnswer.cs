using System.Globalization;
using System.Text;
using Countersign.Outcomes;
using Countersign.Proof;

namespace Countersign.Witnessing;

/// <summary>What a witness answers to a checkpoint (<c>c2sp.org/tlog-witness</c>).</summary>
internal abstract record WitnessAnswer
{
    private const int MaxAnswer = 64 * 1024;

    /// <summary>A clock may be off by this much.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan UsualRest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MaxRest = TimeSpan.FromHours(1);

    private WitnessAnswer() { }

    /// <param name="Lines">Its signatures that verify, with their times in seconds since 1970.</param>
    public sealed record Cosigned(IReadOnlyList<(string Line, long Time)> Lines) : WitnessAnswer;

    /// <summary>It cosigned another size last.</summary>
    public sealed record OtherSize(long Size) : WitnessAnswer;

    /// <summary>It cosigned another history.</summary>
    public sealed record OtherHistory : WitnessAnswer;

    /// <summary>It asks to be left alone.</summary>
    public sealed record Rest(TimeSpan Wait) : WitnessAnswer;

    public sealed record Failed(string Why) : WitnessAnswer;

    /// <param name="text">Of the checkpoint that was sent.</param>
    public static WitnessAnswer Of(
        EgressOutcome outcome,
        AddCheckpoint asked,
        string text,
        NoteKey witness,
        DateTimeOffset now
    )
    {
        if (outcome is not EgressOutcome.Answered answer)
            return new Failed(((EgressOutcome.Failed)outcome).Detail);
        var isSize = answer.ContentType == AddCheckpoint.SizeType;
        return answer.Status switch
        {
            200 => ReadLines(answer.Body, text, witness, now),
            400 => new Failed("The witness can't read the checkpoint (400)."),
            403 => new Failed("The witness has another key for this log (403). Give its operator the log's key."),
            404 => new Failed("The witness doesn't know this log (404). Give its operator the log's key."),
            409 when isSize && AddCheckpoint.SizeIn(answer.Text) is { } size => new OtherSize(size),
            409 when answer.Body.Length == 0 && asked.Old > 0 && IsSameSize(asked, text) => new OtherHistory(),
            // Without a history that it knows, a witness has nothing to compare with.
            422 when asked.Old > 0 => new OtherHistory(),
            429 => new Rest(RestOf(answer.RetryAfter(now))),
            >= 300 and < 400 => new Failed("The witness redirects to another address. Set the one that it answers at."),
            var status => new Failed(
                string.Create(CultureInfo.InvariantCulture, $"The witness answered with status {status}.")
            ),
        };
    }

    private static bool IsSameSize(AddCheckpoint asked, string text) =>
        Checkpoint.Parse(text, out _) is { } head && head.Size == asked.Old;

    private static TimeSpan RestOf(TimeSpan? wait) =>
        wait is null ? UsualRest
        : wait > MaxRest ? MaxRest
        : wait.Value;

    /// <summary>Lines of other keys are passed over; one of this key that is wrong spoils the answer.</summary>
    private static WitnessAnswer ReadLines(byte[] body, string text, NoteKey witness, DateTimeOffset now)
    {
        if (body.Length > MaxAnswer)
            return new Failed("The witness's answer is too large.");
        if (
            SignedNote.Parse($"{text}\n{Encoding.UTF8.GetString(body)}", out _) is not { } note
            // An empty line in the answer would move the end of the text.
            || note.Text != text
        )
        {
            return new Failed("The witness's answer isn't a list of signatures.");
        }
        var lines = new List<(string, long)>();
        foreach (var signature in note.Signatures)
        {
            if (signature.Name != witness.Name || signature.KeyId != witness.Id)
                continue;
            if (!witness.IsSignatureOf(text, signature.Bytes, out var time))
                return new Failed("The witness's signature doesn't verify.");
            if (time > (ulong)(now + Tolerance).ToUnixTimeSeconds())
            {
                return new Failed(
                    "The witness's signature is dated in the future. Compare its clock with this server's."
                );
            }
            lines.Add((signature.ToString(), (long)time));
        }
        return lines.Count > 0
            ? new Cosigned(lines)
            : new Failed("The witness's answer has no signature of its key. Compare the key in `Proof:Witnesses`.");
    }
}
