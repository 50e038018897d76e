using Countersign.People;
using Xunit;

namespace Countersign.Tests.Doors.Description;

/// <summary>
/// What others make of the description, by programs from npm: a linter finds nothing, and a client in TypeScript that
/// is generated from it compiles and works.
/// </summary>
public sealed class ClientTests
{
    [Fact]
    public async Task Spectral_finds_nothing()
    {
        Assert.SkipUnless(LongRun.IsAskedFor, "The linter takes a minute to install and run: ./test.sh --long");
        using var npm = await Npm.Install("@stoplight/spectral-cli@6.16.3");
        await using var host = await ApiHost.Start(Engine.Sqlite);
        await Save(host, npm);
        await File.WriteAllTextAsync(Path.Combine(npm.Folder, "rules.yaml"), "extends: spectral:oas\n");
        var (code, output, error) = await Run(
            npm,
            "spectral",
            "lint",
            "--ruleset",
            "rules.yaml",
            "--fail-severity",
            "hint",
            "--format",
            "text",
            "v1.json"
        );
        Assert.True(code == 0, output + error);
    }

    [Fact]
    public async Task A_generated_TypeScript_client_compiles_and_runs_a_story()
    {
        using var npm = await Npm.Install("openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3");
        await using var host = await ApiHost.Start(Engine.Sqlite);
        await Save(host, npm);
        await Generate(npm);
        var (ann, key) = (await host.Hub.AddPerson("Ann", Role.Agent), await host.Hub.AddSource("checkout"));
        await host.Hub.AddGroup("SRE", ann);
        await host.Noticed();
        var token = Some.Done(await host.Hub.Tokens.Add(ann.Email!, Some.Operator, default));

        var (code, output, error) = await Programs.Run(
            "node",
            ["story.js", $"{host.Address}".TrimEnd('/'), key.Key, ann.Email!, token.Token],
            npm.Folder
        );

        Assert.True(code == 0, output + error);
        Assert.Equal("approved by Ann, then already_settled", output.Trim());
    }

    private static async Task Save(ApiHost host, Npm npm)
    {
        using var nobody = host.Nobody();
        await File.WriteAllTextAsync(Path.Combine(npm.Folder, "v1.json"), (await nobody.Get("/openapi/v1.json")).Text);
    }

    private static async Task Generate(Npm npm)
    {
        await File.WriteAllTextAsync(Path.Combine(npm.Folder, "package.json"), """{"type": "module"}""");
        File.Copy(
            Path.Combine(Repository.Root, "tests", "Countersign.Tests", "Doors", "Description", "story.ts"),
            Path.Combine(npm.Folder, "story.ts")
        );
        var (code, output, error) = await Run(npm, "openapi-typescript", "v1.json", "-o", "v1.d.ts");
        Assert.True(code == 0, output + error);
        (code, output, error) = await Run(
            npm,
            "tsc",
            "--strict",
            "--target",
            "es2022",
            "--module",
            "nodenext",
            "--lib",
            "es2022,dom",
            "story.ts"
        );
        Assert.True(code == 0, output + error);
    }

    private static Task<(int Code, string Output, string Error)> Run(
        Npm npm,
        string program,
        params string[] arguments
    ) =>
        Programs.Run(
            Path.Combine(npm.Folder, "node_modules", ".bin", program),
            arguments,
            npm.Folder,
            TimeSpan.FromMinutes(3)
        );
}
