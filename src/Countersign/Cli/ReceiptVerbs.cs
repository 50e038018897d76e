using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using Countersign.Audit.Receipts;
using Countersign.Proof;
using Countersign.Requests;

namespace Countersign.Cli;

/// <summary><c>countersign receipt</c> and <c>countersign verify</c>: who approved what, checked by anyone.</summary>
internal static class ReceiptVerbs
{
    public static Command Build(Terminal terminal)
    {
        var id = new Argument<string>("id") { Description = "The request's ID." };
        var file = new Argument<string?>("file")
        {
            Description = "The file to create; it must not exist yet. The default is standard output.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var decision = new Option<long?>("--decision")
        {
            Description = "The number of one decision, for a receipt of it alone.",
            HelpName = "n",
        };
        return Verb.Reading(
            terminal,
            "receipt",
            "Write a closed request's receipt, which anyone can verify. Exits with 3 if it isn't ready yet.",
            [id, file, decision],
            async (parse, hub, cancel) =>
            {
                if (!RequestId.TryParse(parse.GetValue(id), out var request))
                    return NoRequest();
                var n = parse.GetValue(decision);
                return await hub.Get<MakeReceipt>().Run(request, n, Viewer.Hub(Hub.Origin), cancel) switch
                {
                    ReceiptOutcome.Made { Receipt: var receipt } => await Write(
                        terminal,
                        receipt,
                        parse.GetValue(file)
                    ),
                    ReceiptOutcome.NotSealed => new Reply.Failed(
                        "not_sealed",
                        "The receipt isn't ready yet. Try again in a second, while the server runs.",
                        CannotTell: true
                    ),
                    ReceiptOutcome.NotSettled => new Reply.Failed(
                        "not_closed",
                        "This request isn't closed. For the receipt of one decision, add --decision and its number."
                    ),
                    ReceiptOutcome.Never => new Reply.Failed(
                        "no_receipt",
                        "There is no receipt: this is older than the log's receipts, or was archived."
                    ),
                    ReceiptOutcome.NotFound => NoRequest(),
                    _ => throw new UnreachableException(),
                };
            }
        );
    }

    private static Reply.Failed NoRequest() => new(Reply.NotFound, "There is no such request or decision.");

    private static async Task<Reply> Write(Terminal terminal, ReceiptFile receipt, string? file)
    {
        if (file is null)
        {
            await terminal.Output.WriteAsync(receipt.ToText());
            return new Reply.Silent(0);
        }
        var target = Path.GetFullPath(file);
        if (NewFile.Problem(target) is { } problem)
            return problem;
        var bytes = await NewFile.Make(target, unfinished => File.WriteAllTextAsync(unfinished, receipt.ToText()));
        return new Reply.Done(new { file = target, bytes }, $"Wrote the receipt to {target}.");
    }

    public static Command BuildVerify(Terminal terminal)
    {
        var file = new Argument<string>("receipt") { Description = "The receipt's file." };
        var key = new Option<string?>("--key")
        {
            Description =
                "The log's key (name+id+base64), or a file with it or with a policy of logs and witnesses "
                + "(c2sp.org/tlog-policy). Take it from a source that you trust.",
            HelpName = "key or file",
        };
        var content = new Option<string?>("--content")
        {
            Description = "A file with what you believe was decided on: checks that the receipt is about it.",
            HelpName = "file",
        };
        file.Validators.Add(result => RequireFile(result, result.Tokens));
        content.Validators.Add(result => RequireFile(result, result.Tokens));
        return Verb.Plain(
            terminal,
            "verify",
            "Check a receipt, without a hub. Exits with 0 if it's valid, 1 if not, 3 if that can't be told.",
            [file, key, content],
            async (parse, cancel) =>
            {
                if (!TryTrust(parse.GetValue(key), out var trust, out var why))
                    return new Reply.Failed(Reply.Usage, why);
                byte[] receipt;
                byte[]? decidedOn;
                try
                {
                    receipt = await Bytes(parse.GetValue(file)!, cancel);
                    decidedOn = parse.GetValue(content) is { } other
                        ? await File.ReadAllBytesAsync(other, cancel)
                        : null;
                }
                catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
                {
                    // Not that it isn't valid.
                    return new Reply.Failed(Reply.Unavailable, unreadable.Message, CannotTell: true);
                }
                var report = ReceiptCheck.Of(receipt, trust, Hub.Clock.GetUtcNow(), decidedOn);
                var text = ReceiptWords.Of(report);
                return report.Verdict switch
                {
                    ReceiptReport.Valid => new Reply.Done(report, text),
                    ReceiptReport.Invalid => new Reply.No(report, text),
                    _ => new Reply.Undecided(report, text),
                };
            }
        );
    }

    private static void RequireFile(SymbolResult result, IReadOnlyList<Token> tokens)
    {
        foreach (var missing in tokens.Select(t => t.Value).Where(name => !File.Exists(name)))
            result.AddError($"There is no file {missing}.");
    }

    /// <summary>No more of a file than a receipt can have.</summary>
    private static async Task<byte[]> Bytes(string file, CancellationToken cancel)
    {
        await using var stream = File.OpenRead(file);
        var bytes = new byte[ReceiptFile.MaxBytes + 1];
        var length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel);
        return bytes[..length];
    }

    private static bool TryTrust(string? text, out TrustPolicy? trust, out string why)
    {
        (trust, why) = (null, "");
        if (text is null)
            return true;
        if (NoteKey.TryParse(text, out var key, out why))
        {
            trust = TrustPolicy.Of(key);
        }
        else if (File.Exists(text))
        {
            var read = File.ReadAllText(text);
            trust = NoteKey.TryParse(read.Trim(), out key, out _)
                ? TrustPolicy.Of(key)
                : TrustPolicy.Parse(read, out why);
        }
        else
        {
            why = $"--key is neither a key nor a file. {why}";
        }
        return trust is not null;
    }
}
