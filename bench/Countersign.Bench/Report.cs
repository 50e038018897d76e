using System.Globalization;
using System.Text;

namespace Countersign.Bench;

/// <summary>One line of the table.</summary>
/// <param name="Result">The figure that the bar is about, as a reader should see it.</param>
internal sealed record Row(string What, string Product, string Control, string Result, string Bar, bool Holds, string ProductCpu = "", string ControlCpu = "");

/// <summary>The one table that the bench prints.</summary>
internal sealed class Report
{
    private static readonly string[] Heading = ["what", "product", "control", "result", "bar", "", "CPU µs, product", "CPU µs, control"];
    /// <summary>For figures that tell something and must reach nothing.</summary>
    public const string NoBar = "–";

    private readonly List<Row> _rows = [];

    public bool AllHold => _rows.TrueForAll(row => row.Holds);

    public void Add(Row row)
    {
        _rows.Add(row);
        Say($"{row.What}: {row.Result} (bar {row.Bar})");
    }

    /// <summary>What goes on, for whoever waits; the table alone goes to standard output.</summary>
    public static void Say(string text) => Console.Error.WriteLine(text);

    public string Table()
    {
        var cells = _rows.ConvertAll(r => (string[])[r.What, r.Product, r.Control, r.Result, r.Bar, r.Holds ? "✓" : "✗", r.ProductCpu, r.ControlCpu]);
        cells.Insert(0, Heading);
        var widths = Heading.Select((_, column) => cells.Max(row => row[column].Length)).ToArray();
        var table = new StringBuilder();
        for (var i = 0; i < cells.Count; i++)
        {
            Line(cells[i].Select((cell, column) => cell.PadRight(widths[column])));
            if (i == 0)
                Line(widths.Select(width => new string('-', width)));
        }
        return table.ToString();

        void Line(IEnumerable<string> columns) => table.Append("| ").AppendJoin(" | ", columns).Append(" |\n");
    }

    public static string Text(double number, string format = "0.00") => number.ToString(format, CultureInfo.InvariantCulture);
}

internal static class Numbers
{
    public static double Median(this IEnumerable<double> numbers)
    {
        var sorted = numbers.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
