using System.Text.RegularExpressions;
using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Dependencies point one way, from the doors to the storage. Read from the compiled assembly, so that neither an alias
/// nor a qualified name hides one.
/// </summary>
public sealed class ArchitectureTests
{
    private static readonly string Source = Path.Combine(Repository.Root, "src", "Countersign");

    /// <summary>A folder may use folders of its own level and of those after it.</summary>
    private static readonly string[][] Levels =
    [
        ["Doors", "Pages", "Cli"],
        ["HubAsCode"],
        ["Destinations", "Gates", "LaunchDarkly", "Witnessing"],
        ["Outcomes"],
        ["Audit", "Insights", "People", "SignIn", "Hosting"],
        ["Requests"],
        ["Policies"],
        ["Work"],
        ["Storage"],
        ["Configuration", "Proof"],
    ];

    private static readonly Lazy<List<(string From, string To, string Type, string Used)>> Arrows = new(() =>
    {
        var product = typeof(Program).Assembly;
        return
        [
            .. from type in new ArchLoader().LoadAssemblies(product).Build().Types
            where type.Assembly.Name == product.GetName().Name || type.FullName.StartsWith("Countersign.", Ordinal)
            from used in type.Dependencies.Select(d => d.Target).Distinct()
            select (FolderOf(type), FolderOf(used), type.FullName, used.FullName),
        ];
    });

    private const StringComparison Ordinal = StringComparison.Ordinal;

    [Fact]
    public void A_folder_uses_only_those_on_its_level_and_below()
    {
        var level = Levels
            .SelectMany((folders, i) => folders.Select(folder => (folder, i)))
            .ToDictionary(x => x.folder, x => x.i);
        var wrong =
            from arrow in Arrows.Value
            where level.ContainsKey(arrow.From) && level.ContainsKey(arrow.To) && level[arrow.From] > level[arrow.To]
            select $"{arrow.Type} uses {arrow.Used}";
        None(wrong);
    }

    [Theory]
    [InlineData("Pages", "Doors")]
    [InlineData("Doors", "Pages")]
    [InlineData("Doors", "Cli")]
    [InlineData("Pages", "Cli")]
    public void The_ways_in_do_not_use_each_other(string folder, string other) =>
        None(
            from arrow in Arrows.Value
            where arrow.From == folder && arrow.To == other
            select $"{arrow.Type} uses {arrow.Used}"
        );

    [Theory]
    [InlineData("Configuration")]
    [InlineData("Proof")]
    [InlineData("Storage")]
    [InlineData("Work")]
    [InlineData("Policies")]
    [InlineData("Requests")]
    public void The_core_uses_no_type_of_the_web(string folder) =>
        None(
            from arrow in Arrows.Value
            where arrow.From == folder && arrow.Used.StartsWith("Microsoft.AspNetCore", Ordinal)
            select $"{arrow.Type} uses {arrow.Used}"
        );

    [Fact]
    public void Only_the_storage_uses_a_database_driver() =>
        None(
            from arrow in Arrows.Value
            where arrow.From != "Storage"
            where
                new[] { "Npgsql", "Microsoft.Data.", "SQLitePCL", "Dapper" }.Any(d => arrow.Used.StartsWith(d, Ordinal))
            select $"{arrow.Type} uses {arrow.Used}"
        );

    [Fact]
    public void Doors_and_pages_leave_writing_to_the_use_cases()
    {
        string[] folders = ["Doors", "Pages", "Cli", "Hosting"];
        var wrong =
            from folder in folders
            from file in Directory.EnumerateFiles(Path.Combine(Source, folder), "*.cs", SearchOption.AllDirectories)
            where
                Regex.IsMatch(
                    File.ReadAllText(file),
                    @"\b(INSERT INTO|DELETE FROM|UPDATE \w+ SET|\.InTransaction\()",
                    RegexOptions.ExplicitCapture,
                    TimeSpan.FromSeconds(10)
                )
            select Path.GetRelativePath(Source, file);
        None(wrong);
    }

    [Fact]
    public void The_program_is_a_table_of_contents() =>
        Assert.InRange(File.ReadAllLines(Path.Combine(Source, "Program.cs")).Length, 1, 105);

    [Fact]
    public void Every_folder_is_on_a_level_and_has_types()
    {
        var folders = Directory
            .EnumerateDirectories(Source)
            .Where(d => Directory.EnumerateFiles(d, "*.cs", SearchOption.AllDirectories).Any())
            .Select(d => Path.GetFileName(d)!)
            .Except(["bin", "obj"])
            .Order();
        Assert.Equal(Levels.SelectMany(l => l).Order(), folders);
        Assert.All(Levels.SelectMany(l => l), folder => Assert.Contains(Arrows.Value, a => a.From == folder));
    }

    private static void None(IEnumerable<string> wrong) =>
        Assert.True(!wrong.Any(), string.Join('\n', wrong.Distinct().Order(StringComparer.Ordinal)));

    private static string FolderOf(IType type) =>
        type.FullName.Split('.') is ["Countersign", var folder, _, ..] ? folder : "";
}
