using System.CommandLine;
using Countersign.Cli;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary>
/// One meaning per exit code, through all verbs: 0 done or yes, 1 failed or no, 2 wrong use, 3 can't tell.
/// docs/command-line.md promises it.
/// </summary>
public sealed class ExitCodeTests
{
    public static TheoryData<string> Verbs() =>
        new(Leaves(CommandLine.Parse([]).RootCommandResult.Command).Select(verb => string.Join(' ', verb)));

    [Theory, MemberData(nameof(Verbs))]
    public async Task Every_verb_ends_with_0_when_its_help_is_asked_for(string verb)
    {
        var ran = await Shell.Anywhere([.. verb.Split(' '), "--help"]);
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
    }

    /// <summary>Those that need nothing but a store.</summary>
    [Theory]
    [InlineData("user list")]
    [InlineData("group list")]
    [InlineData("token list")]
    [InlineData("session list")]
    [InlineData("source list")]
    [InlineData("policy show")]
    [InlineData("request-type list")]
    [InlineData("webhook list")]
    [InlineData("destination list")]
    [InlineData("work list")]
    [InlineData("audit verify")]
    [InlineData("export config")]
    [InlineData("migrate")]
    [InlineData("user disable nobody@example.test")]
    [InlineData("policy apply --active")]
    [InlineData("archive --before 2020-01-01 archived.json")]
    [InlineData("backup copied.db")]
    public async Task A_verb_ends_with_3_where_there_is_no_store_or_it_cannot_be_reached(string verb)
    {
        var folder = Path.Combine(Path.GetTempPath(), "countersign-is-nowhere");
        var ran = await Shell.Anywhere([.. verb.Split(' '), "--data", folder, "--json"]);
        Assert.Equal((3, "not_found"), ran.Failure);
        Assert.False(Directory.Exists(folder));
    }

    [Theory]
    [InlineData("user list")]
    [InlineData("audit verify")]
    [InlineData("migrate")]
    public async Task A_verb_ends_with_3_where_the_database_does_not_answer(string verb)
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        const string nowhere = "Host=127.0.0.1;Port=1;Database=x;Username=x;Timeout=2";
        var ran = await Shell.Anywhere([
            .. verb.Split(' '),
            "--database",
            nowhere,
            "--RootKeyFile",
            shell.RootKeyFile,
            "--json",
        ]);
        Assert.Equal((3, "unavailable"), ran.Failure);
    }

    [Theory]
    [InlineData("user add nobody --name Nobody", "invalid")]
    [InlineData("user disable nobody@example.test", "not_found")]
    [InlineData("source rotate nothing", "not_found")]
    [InlineData("archive --before 2999-01-01 archived.json", "invalid")]
    public async Task What_is_refused_ends_with_1(string verb, string code)
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        Assert.Equal((1, code), (await shell.Json(verb.Split(' '))).Failure);
    }

    [Fact]
    public void The_documentation_has_them()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "command-line.md"));
        Assert.All(Enumerable.Range(0, 4), code => Assert.Contains($"\n| {code} | ", page, StringComparison.Ordinal));
    }

    private static IEnumerable<IEnumerable<string>> Leaves(Command command) =>
        command.Subcommands.Count == 0
            ?
            [
                [],
            ]
            : command
                .Subcommands.Where(verb => !verb.Hidden)
                .SelectMany(verb => Leaves(verb).Select(path => path.Prepend(verb.Name)));
}
