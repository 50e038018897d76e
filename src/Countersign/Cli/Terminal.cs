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

    /// <summary>
    /// The verb asked something and can't tell the answer: printed like any answer, but the exit code is 3.
    /// </summary>
    public sealed record Undecided(object Document, string Text) : Reply;

    /// <param name="CannotTell">
    /// Nothing was found out, because the store or another system can't be reached: the exit code is 3.
    /// </param>
    public sealed record Failed(string Code, string Message, bool CannotTell = false) : Reply;

    /// <summary>The verb has spoken for itself.</summary>
    public sealed record Silent(int ExitCode) : Reply;
}

/// <summary>Where answers are printed: documents and texts to standard output, failures to standard error.</summary>
internal sealed record Terminal(TextReader Input, TextWriter Output, TextWriter Error, bool IsJson)
{
    /// <summary>Whether a person sees standard error.</summary>
    public bool ShowsProgress { get; init; }

    /// <summary>Whether a person can be asked, on standard error, and answers on standard input.</summary>
    public bool CanAsk { get; init; }

    /// <summary>Whether standard output shows colors.</summary>
    public bool HasColors { get; init; }

    /// <summary>How many characters fit into a line of standard output; null where it is no terminal.</summary>
    public int? Width { get; init; }

    /// <summary>As people have agreed: https://no-color.org, and terminals that know no colors.</summary>
    public static bool AllowsColors(Func<string, string?> variable) =>
        string.IsNullOrEmpty(variable("NO_COLOR")) && variable("TERM") is not "dumb";

    /// <summary>Null where the terminal doesn't say.</summary>
    public static int? WidthOfConsole()
    {
        try
        {
            return Console.WindowWidth is > 0 and var width ? width : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public string Green(string text) => Colored(text, 32);

    public string Yellow(string text) => Colored(text, 33);

    public string Red(string text) => Colored(text, 31);

    private string Colored(string text, int color) => HasColors && !IsJson ? $"\e[{color}m{text}\e[0m" : text;

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
            case Reply.Undecided(var document, var text):
                Output.WriteLine(IsJson ? JsonSerializer.Serialize(document, Options) : text);
                return 3;
            case Reply.Failed(var code, var message, var cannotTell):
                Error.WriteLine(
                    IsJson ? JsonSerializer.Serialize(new { error = new { code, message } }, Options) : message
                );
                return cannotTell ? 3
                    : code is Reply.Usage ? 2
                    : 1;
            case Reply.Silent(var exitCode):
                return exitCode;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>
    /// Columns for people, as wide as their widest cell; at a terminal no wider than it is. The widest columns give way
    /// and go on in the next line, so nothing is left out. The first one never does: it is what people copy.
    /// </summary>
    public string Table(IReadOnlyList<string> heads, IEnumerable<IReadOnlyList<string>> rows) =>
        Table([heads, .. rows]);

    public string Table(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = rows[0].Select((_, column) => rows.Max(row => row[column].Length)).ToList();
        if (Width is { } width && !IsJson)
            Narrow(widths, width);
        return string.Join('\n', rows.SelectMany(row => Lines(row, widths)));
    }

    private const int Between = 2,
        Narrowest = 12;

    private static void Narrow(List<int> widths, int width)
    {
        for (var over = widths.Sum() + Between * (widths.Count - 1) - width; over > 0; over--)
        {
            var widest = widths.Count > 1 ? widths.IndexOf(widths.Skip(1).Max(), 1) : 0;
            if (widest == 0 || widths[widest] <= Narrowest)
                return;
            widths[widest]--;
        }
    }

    private static IEnumerable<string> Lines(IReadOnlyList<string> row, List<int> widths)
    {
        var cells = row.Select((cell, column) => Wrapped(cell, widths[column])).ToList();
        for (var line = 0; line < cells.Max(cell => cell.Count); line++)
        {
            yield return string.Join(
                    new string(' ', Between),
                    cells.Select((cell, column) => (line < cell.Count ? cell[line] : "").PadRight(widths[column]))
                )
                .TrimEnd();
        }
    }

    /// <summary>At blanks where there are any, else within the word.</summary>
    private static List<string> Wrapped(string text, int width)
    {
        var lines = new List<string>();
        while (text.Length > width)
        {
            var end = text.LastIndexOf(' ', width) is > 0 and var blank ? blank : width;
            if (char.IsHighSurrogate(text[end - 1]) && end > 1)
                end--;
            lines.Add(text[..end]);
            text = text[end..].TrimStart();
        }
        lines.Add(text);
        return lines;
    }
}
