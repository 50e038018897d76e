using System.Buffers;
using System.Text;

namespace Countersign.Hosting;

/// <summary>
/// A list as a file for spreadsheets: RFC 4180 in UTF-8, with the byte order mark by which they recognize it. Rows are
/// sent as they come, so a long list is never held as a whole.
/// </summary>
/// <param name="fileName">Ends with <c>.csv</c>, ASCII letters only.</param>
/// <param name="rows">As many cells each as there are columns; null is an empty cell.</param>
public sealed class Csv(string fileName, IReadOnlyList<string> columns, IAsyncEnumerable<IReadOnlyList<string?>> rows)
    : IResult
{
    /// <summary>A list that goes on beyond this ends here; the link to it says so.</summary>
    public const int MaxRows = 10_000;

    /// <summary>A list that is at hand.</summary>
    public static Csv Of(string fileName, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string?>> rows) =>
        new(fileName, columns, rows.ToAsyncEnumerable());

    private const int FlushAt = 32 * 1024;

    private static readonly SearchValues<char> NeedsQuotes = SearchValues.Create(",\"\r\n");

    /// <summary>Spreadsheets take a cell that begins with one of these, or its full-width form, for a formula</summary>
    private static readonly SearchValues<char> Formula = SearchValues.Create("=+-@＝＋－＠");

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var (response, cancel) = (httpContext.Response, httpContext.RequestAborted);
        response.ContentType = "text/csv; charset=utf-8; header=present";
        response.Headers.ContentDisposition = $"attachment; filename=\"{fileName}\"";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-store";
        var text = new StringBuilder("\uFEFF");
        AddRow(text, columns);
        var count = 0;
        await foreach (var row in rows.WithCancellation(cancel))
        {
            AddRow(text, row);
            if (text.Length >= FlushAt)
            {
                await response.WriteAsync(text.ToString(), cancel);
                text.Clear();
            }
            if (++count == MaxRows)
                break;
        }
        await response.WriteAsync(text.ToString(), cancel);
    }

    public static void AddRow(StringBuilder text, IReadOnlyList<string?> cells)
    {
        for (var i = 0; i < cells.Count; i++)
        {
            if (i > 0)
                text.Append(',');
            AddCell(text, cells[i] ?? "");
        }
        text.Append("\r\n");
    }

    private static void AddCell(StringBuilder text, string cell)
    {
        // Shown as text: spreadsheets leave the apostrophe out. White space before a formula doesn't hide it from them.
        var start = cell.AsSpan().TrimStart();
        var isFormula = start.Length > 0 && Formula.Contains(start[0]);
        if (!isFormula && cell.AsSpan().IndexOfAny(NeedsQuotes) < 0)
        {
            text.Append(cell);
            return;
        }
        text.Append('"').Append(isFormula ? "'" : "");
        text.Append(cell.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
    }
}
