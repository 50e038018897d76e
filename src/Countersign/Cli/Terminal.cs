using System.Text.Encodings.Web;
using System.Text.Json;

namespace Countersign.Cli;

/// <summary>What a verb came to.</summary>
internal abstract record Reply
{
    public const string Usage = "usage",
        Invalid = "invalid",
        Exists = "exists",
        NotFound = "not_found",
        Unavailable = "unavailable",
        Internal = "internal",
        WouldBlock = "would_block";

    private Reply() { }

    /// <param name="Document">For programs.</param>
    /// <param name="Text">The same for people.</param>
    public sealed record Done(object Document, string Text) : Reply;

    /// <summary>
    /// The verb asked something and the answer is "no": printed like any answer, but the exit code is 1.
    /// </summary>
    public sealed record No(object Document, string Text) : Reply;

    public sealed record Failed(string Code, string Message) : Reply;

    /// <summary>The verb has spoken for itself.</summary>
    public sealed record Silent(int ExitCode) : Reply;
}

/// <summary>Where answers are printed: documents and texts to standard output, failures to standard error.</summary>
internal sealed record Terminal(TextReader Input, TextWriter Output, TextWriter Error, bool IsJson)
{
    /// <summary>Names stay readable: a terminal is no web page.</summary>
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Prints the answer and returns the exit code.</summary>
    public int Print(Reply reply)
    {
        switch (reply)
        {
            case Reply.Done(var document, var text):
                Output.WriteLine(IsJson ? JsonSerializer.Serialize(document, Options) : text);
                return 0;
            case Reply.No(var document, var text):
                Output.WriteLine(IsJson ? JsonSerializer.Serialize(document, Options) : text);
                return 1;
            case Reply.Failed(var code, var message):
                Error.WriteLine(
                    IsJson ? JsonSerializer.Serialize(new { error = new { code, message } }, Options) : message
                );
                return code is Reply.Usage or Reply.Invalid ? 2 : 1;
            case Reply.Silent(var exitCode):
                return exitCode;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>Columns for people, as wide as their widest cell.</summary>
    public static string Table(IReadOnlyList<string> heads, IEnumerable<IReadOnlyList<string>> rows) =>
        Table([heads, .. rows]);

    public static string Table(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = rows[0].Select((_, column) => rows.Max(row => row[column].Length)).ToList();
        return string.Join(
            '\n',
            rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd())
        );
    }
}
