using System.Globalization;
using System.Text;

namespace Countersign.Bench;

/// <summary>What a figure must reach, and what it should: at least or at most.</summary>
internal sealed record Bar
{
    private readonly bool _atLeast;
    private readonly double? _floor,
        _aim;
    private readonly string _unit;

    private Bar(bool atLeast, double? floor, double? aim, string unit) =>
        (_atLeast, _floor, _aim, _unit) = (atLeast, floor, aim, unit);

    /// <summary>For figures that tell something and must reach nothing.</summary>
    public static readonly Bar None = new(true, null, null, "");

    public static Bar AtLeast(double floor, double? aim = null, string unit = "×") => new(true, floor, aim, unit);

    public static Bar AtMost(double floor, double? aim = null, string unit = "×") => new(false, floor, aim, unit);

    public string Floor => Text(_floor);
    public string Aim => Text(_aim);

    public bool Holds(double figure) => _floor is not { } floor || Reaches(figure, floor);

    public bool MeetsAim(double figure) => _aim is { } aim && Reaches(figure, aim);

    private bool Reaches(double figure, double bar) => _atLeast ? figure >= bar : figure <= bar;

    private string Text(double? bar) =>
        bar is { } figure
            ? $"{(_atLeast ? "≥" : "≤")} {figure.ToString("0.##", CultureInfo.InvariantCulture)} {_unit}"
            : "–";
}

/// <summary>One line of the table.</summary>
/// <param name="Result">The figure that the bar is about, as a reader should see it.</param>
/// <param name="Failed">The figure measures something else than it should, so it holds no bar.</param>
internal sealed record Row(
    string What,
    string Product,
    string Control,
    string Result,
    double Figure,
    Bar Bar,
    bool Failed = false
)
{
    public string ProductCpu { get; init; } = "";
    public string ControlCpu { get; init; } = "";

    public bool Holds => !Failed && Bar.Holds(Figure);

    /// <summary>A figure of the product alone.</summary>
    public static Row Of(string what, double figure, string format, string unit, Bar bar)
    {
        var text = $"{Report.Text(figure, format)} {unit}";
        return new Row(what, text, "", text, figure, bar);
    }

    internal string Mark =>
        !Holds ? "✗"
        : Bar.MeetsAim(Figure) ? "✓✓"
        : "✓";
}

/// <summary>The one table that the bench prints: ✓ where the floor holds, ✓✓ where the aim is met as well.</summary>
internal sealed class Report
{
    private static readonly string[] Heading =
    [
        "what",
        "product",
        "control",
        "result",
        "floor",
        "aim",
        "",
        "CPU µs, product",
        "CPU µs, control",
    ];

    private readonly List<Row> _rows = [];

    public bool AllHold => _rows.TrueForAll(row => row.Holds);

    public void Add(Row row)
    {
        _rows.Add(row);
        Say($"{row.What}: {row.Result} (floor {row.Bar.Floor}, aim {row.Bar.Aim})");
    }

    /// <summary>What goes on, for whoever waits; the table alone goes to standard output.</summary>
    public static void Say(string text) => Console.Error.WriteLine(text);

    public string Table()
    {
        var cells = _rows.ConvertAll(r =>
            (string[])
                [r.What, r.Product, r.Control, r.Result, r.Bar.Floor, r.Bar.Aim, r.Mark, r.ProductCpu, r.ControlCpu]
        );
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

    public static string Text(double number, string format = "0.00") =>
        number.ToString(format, CultureInfo.InvariantCulture);
}

internal static class Numbers
{
    public static double Median(this IEnumerable<double> numbers)
    {
        var sorted = numbers.Order().ToArray();
        return sorted.Length % 2 == 1
            ? sorted[sorted.Length / 2]
            : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
