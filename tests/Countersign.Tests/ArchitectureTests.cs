using System.Text.RegularExpressions;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// Dependencies point one way (docs/flow.md). Read from the sources, so that a comment or a cast counts as little as it
/// should and a type as much.
/// </summary>
public sealed partial class ArchitectureTests
{
    private static readonly string Source = Path.Combine(Repository.Root, "src", "Countersign");

    /// <summary>What each room may know of the others. Rooms that nobody below knows may know everyone.</summary>
    private static readonly Dictionary<string, string[]> MayKnow = new()
    {
        ["Storage"] = [],
        ["Work"] = ["Storage"],
        ["Policies"] = ["Storage", "Work"],
        ["Requests"] = ["Storage", "Work", "Policies"],
        ["Access"] = ["Storage", "Work", "Policies", "Requests"],
        ["Audit"] = ["Storage", "Work", "Policies", "Requests", "Access"],
        // Who hears what follows from a request's policy and from the directory of people.
        ["Outcomes"] = ["Storage", "Work", "Policies", "Requests", "Access"],
        ["Destinations"] = ["Storage", "Work", "Policies", "Requests", "Access", "Outcomes"],
    };

    private static readonly string[] Front = ["Doors", "Review", "Destinations", "Cli", "Web"];

    [Fact]
    public void A_room_knows_only_the_rooms_behind_it()
    {
        var wrong =
            from room in MayKnow
            from file in FilesOf(room.Key)
            from other in MayKnow.Keys.Concat(Front)
            where other != room.Key && !room.Value.Contains(other) && Knows(file.Code, other)
            select $"{file.Path} knows {other}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_core_knows_no_type_of_the_web()
    {
        var wrong =
            from room in new[] { "Storage", "Policies", "Requests" }
            from file in FilesOf(room)
            where file.Code.Contains("Microsoft.AspNetCore", StringComparison.Ordinal) || WebTypes().IsMatch(file.Code)
            select file.Path;
        Assert.Empty(wrong);
    }

    [Fact]
    public void Only_the_storage_names_a_database()
    {
        var wrong =
            from file in FilesOf("")
            where !file.Path.StartsWith("Storage/", StringComparison.Ordinal) && Providers().IsMatch(file.Code)
            select file.Path;
        Assert.Empty(wrong);
    }

    [Fact]
    public void Doors_and_pages_leave_writing_to_the_use_cases()
    {
        var wrong =
            from room in Front
            from file in FilesOf(room)
            where Writing().IsMatch(file.Code) && !MayWrite(file.Path)
            select file.Path;
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_program_is_a_table_of_contents() =>
        Assert.InRange(File.ReadAllLines(Path.Combine(Source, "Program.cs")).Length, 1, 59);

    [Fact]
    public void The_rooms_named_here_are_there()
    {
        foreach (var room in new[] { "Storage", "Policies", "Requests", "Access" })
            Assert.NotEmpty(FilesOf(room));
    }

    /// <summary>
    /// Links are written by use cases that lie beside the forwarder, because no room behind knows what a manifest is.
    /// </summary>
    private static bool MayWrite(string path) => path.StartsWith("Destinations/Links/", StringComparison.Ordinal);

    private static bool Knows(string code, string room) =>
        Regex.IsMatch(
            code,
            $@"\bCountersign\.{room}\b|\busing (static )?{room}\b|(?<![\w.""]){room}\.[A-Z]\w*[.(<]",
            RegexOptions.ExplicitCapture,
            TimeSpan.FromSeconds(10)
        );

    private static IEnumerable<(string Path, string Code)> FilesOf(string room) =>
        Directory.Exists(Path.Combine(Source, room))
            ? from path in Directory.EnumerateFiles(Path.Combine(Source, room), "*.*", SearchOption.AllDirectories)
            where path.EndsWith(".cs", StringComparison.Ordinal) || path.EndsWith(".razor", StringComparison.Ordinal)
            select (Path.GetRelativePath(Source, path).Replace('\\', '/'), WithoutComments(File.ReadAllText(path)))
            : [];

    private static string WithoutComments(string code) => Comments().Replace(code, "");

    [GeneratedRegex(@"//[^\n]*", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Comments();

    [GeneratedRegex(
        @"\b(HttpContext|HttpRequest|HttpResponse|IResult|TypedResults|IEndpointRouteBuilder)\b",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex WebTypes();

    [GeneratedRegex(
        @"\b(INSERT INTO|DELETE FROM|UPDATE \w+ SET|InTransaction)\b",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Writing();

    // A meter's or tracer's name in quotes listens to a driver without depending on it.
    [GeneratedRegex(
        @"(?<!"")\b(Npgsql\w*|Microsoft\.Data\.Sqlite|Sqlite(Connection|Command|Exception)|SQLitePCL|Dapper)\b",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Providers();
}
