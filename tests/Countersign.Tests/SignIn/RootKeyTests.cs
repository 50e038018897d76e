using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests;

public sealed class RootKeyTests
{
    [Fact]
    public async Task A_store_that_came_without_its_key_gets_no_other_one()
    {
        await using var shell = await Shell.Start(Engine.Sqlite);
        File.Delete(shell.RootKeyFile);
        using var server = shell.StartProgram("--Urls=http://127.0.0.1:0");
        var why = await server.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken).Soon();
        await server.WaitForExitAsync(TestContext.Current.CancellationToken).Soon();
        Assert.Equal(1, server.ExitCode);
        Assert.Contains("from a backup", why, StringComparison.Ordinal);
        Assert.False(File.Exists(shell.RootKeyFile));
    }
}
