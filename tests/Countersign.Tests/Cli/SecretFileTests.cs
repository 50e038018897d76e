using System.Text.Json;
using Xunit;

namespace Countersign.Tests.Cli;

/// <summary>Secrets in files that variables name.</summary>
public sealed class SecretFileTests
{
    [Theory]
    [InlineData("hunter2\n", "Email__Password", "Email:Password")]
    [InlineData("hunter2\r\n", "SLACK__TOKEN", "Slack:Token")]
    [InlineData("hunter2", "Oidc__partner__ClientSecret", "Oidc:partner:ClientSecret")]
    [InlineData("Host=db.example.test;Username=hunter2", "Database", "Database")]
    public async Task A_secret_is_read_from_a_file_and_never_shown(string content, string variable, string setting)
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        shell.Variables["COUNTERSIGN_Oidc__partner__Authority"] = "https://login.example.test";
        shell.Variables["COUNTERSIGN_Oidc__partner__ClientId"] = "countersign";
        if (setting != "Oidc:partner:ClientSecret")
            shell.Variables["COUNTERSIGN_Oidc__partner__ClientSecret"] = "x";
        var file = await Write(shell, content);
        shell.Variables[$"COUNTERSIGN_{variable}_FILE"] = file;
        var ran = await shell.Program("", "doctor", "--json");
        Assert.DoesNotContain("hunter2", ran.Output + ran.Error, StringComparison.Ordinal);
        var seen = Assert.Single(
            ran.Document.GetProperty("settings").EnumerateArray(),
            s => s.GetProperty("name").GetString() == setting
        );
        Assert.Equal(("***", file), (seen.GetProperty("value").GetString(), seen.GetProperty("from").GetString()));
        Assert.DoesNotContain("_FILE", Problems(ran), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_can_be_named_in_a_file()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        await using var database = await TestStore.Start(Engine.Postgres);
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        shell.Variables["COUNTERSIGN_Database_FILE"] = await Write(shell, database.Options.Database + "\n");
        await shell.Program("", "user", "add", "ada@example.test", "--name", "Ada", "--json");
        Assert.Equal(1, await database.Number("SELECT count(*) FROM people WHERE role <> 'service'"));
    }

    [Fact]
    public async Task What_is_wrong_with_files_is_told()
    {
        await using var shell = await Shell.StartEmpty(Engine.Sqlite);
        shell.Variables["COUNTERSIGN_Email__Password"] = "x";
        shell.Variables["COUNTERSIGN_Email__Password_FILE"] = await Write(shell, "hunter2");
        shell.Variables["COUNTERSIGN_Slack__Token_FILE"] = Path.Combine(shell.Folder, "nowhere");
        shell.Variables["COUNTERSIGN_Email__Host_FILE"] = await Write(shell, "mail.example.test");
        var ran = await shell.Program("", "user", "list", "--json");
        Assert.Equal((2, "usage"), ran.Failure);
        foreach (
            var part in (string[])
                [
                    "Both COUNTERSIGN_Email__Password and COUNTERSIGN_Email__Password_FILE are set",
                    "which COUNTERSIGN_Slack__Token_FILE names",
                    "COUNTERSIGN_Email__Host_FILE isn't a setting",
                ]
        )
        {
            Assert.Contains(part, JsonDocument.Parse(ran.Error).RootElement.ToString(), StringComparison.Ordinal);
        }
    }

    private static string Problems(Ran ran) => ran.Document.GetProperty("problems").ToString();

    private static async Task<string> Write(Shell shell, string content)
    {
        var file = Path.Combine(shell.Folder, $"secret-{System.IO.Directory.GetFiles(shell.Folder).Length}");
        await File.WriteAllTextAsync(file, content, TestContext.Current.CancellationToken);
        return file;
    }
}
