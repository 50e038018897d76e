using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Tests.Pages;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Countersign.Tests;

/// <summary>Passwords that are switched off, and those that were published in a breach.</summary>
public sealed class PasswordSettingsTests : IDisposable
{
    private const string Password = "correct horse battery",
        Breached = "a phrase that was breached";

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-breached-").FullName;

    [Theory, BothEngines]
    public async Task Where_passwords_are_switched_off_none_signs_in_and_none_can_be_set(Engine engine)
    {
        await using var host = await ApiHost.Start(
            engine,
            [.. IdentityProvider.SettingsFor(new Uri("https://login.example.test")), ("Passwords:Enabled", "false")]
        );
        var ann = await host.Hub.AddPerson("Ann", Role.Admin, Password);
        await host.Noticed();
        using var browser = host.Browser();

        var page = await browser.Get("/sign-in");
        Assert.DoesNotContain("type=\"password\"", page.Text, StringComparison.Ordinal);
        Assert.Contains("/sign-in/oidc", page.Text, StringComparison.Ordinal);
        Assert.NotEqual(302, (await browser.Post("/sign-in", ("email", ann.Email!), ("password", Password))).Status);
        Assert.Empty(await host.Hub.Sessions.List(null, default));
        Assert.Equal(401, await Basic(host, $"{ann.Email}:{Password}"));

        using var admin = await host.Person(ann);
        var refused = await admin.Put(
            $"/api/v1/people/{ann.Email}/password",
            new { password = "another one entirely" }
        );
        Assert.Equal((422, "password"), (refused.Status, Assert.Single(refused.Wrong)));
        Assert.Equal(
            422,
            (
                await admin.Post(
                    "/api/v1/people",
                    new
                    {
                        email = "ben@example.test",
                        name = "Ben",
                        password = "another one entirely",
                    }
                )
            ).Status
        );
        Assert.Equal(
            201,
            (await admin.Post("/api/v1/people", new { email = "ben@example.test", name = "Ben" })).Status
        );
        using var before = await host.SignIn(ann);
        Assert.Equal(302, (await before.Get("/account")).Status);
        using var window = await SignInByMail(host, ann);
        Assert.DoesNotContain("current-password", (await window.Get("/account")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("new-password", (await window.Get($"/people/{ann.Id}")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("new-password", (await window.Get("/people/new")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Passwords_are_switched_off_only_where_there_is_another_way_in()
    {
        Assert.Contains("`Passwords:Enabled`", Assert.Single(Problems()), StringComparison.Ordinal);
        Assert.Contains("`Passwords:Enabled`", Assert.Single(Problems(MailedLinks[..2])), StringComparison.Ordinal);
        Assert.Empty(Problems(MailedLinks));
        Assert.Empty(Problems(IdentityProvider.SettingsFor(new Uri("https://login.example.test"))));

        static IReadOnlyList<string> Problems(params (string Name, string Value)[] settings) =>
            Options([("Passwords:Enabled", "false"), .. settings]).Problems();
    }

    private static readonly (string Name, string Value)[] MailedLinks =
    [
        ("Email:Host", "mail.example.test"),
        ("Email:From", "approvals@example.test"),
        ("PublicUrl", "https://approvals.example.test"),
    ];

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void Every_hash_of_a_list_is_found_and_none_between_them(string end)
    {
        var listed = Enumerable.Range(0, 500).Select(i => $"password number {i}").ToList();
        var file = Path.Combine(_folder, "all.txt");
        File.WriteAllText(file, string.Concat(listed.Select(HashOf).Order(StringComparer.Ordinal).Select(Line)));
        Assert.True(BreachedPasswords.IsReadable(file));
        Assert.All(listed, password => Assert.True(BreachedPasswords.Contains(file, password)));
        Assert.All(listed, password => Assert.False(BreachedPasswords.Contains(file, password + "!")));

        var folder = Path.Combine(_folder, "parts");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "00000.txt"), Line(new string('0', 35)));
        foreach (var part in listed.SelectMany(p => new[] { p, p + "!" }).GroupBy(p => HashOf(p)[..5]))
        {
            File.WriteAllText(
                Path.Combine(folder, part.Key + ".txt"),
                string.Concat(
                    part.Where(listed.Contains).Select(p => HashOf(p)[5..]).Order(StringComparer.Ordinal).Select(Line)
                )
            );
        }
        Assert.True(BreachedPasswords.IsReadable(folder));
        Assert.All(listed, password => Assert.True(BreachedPasswords.Contains(folder, password)));
        Assert.All(listed, password => Assert.False(BreachedPasswords.Contains(folder, password + "!")));

        string Line(string hash) => $"{hash}:{hash.Length}{end}";
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("hunter2\n")]
    [InlineData("0123456789ABCDEF0123456789ABCDEF01234567890123456789:1\n")]
    public void A_list_that_is_missing_or_holds_something_else_is_a_start_up_error(string? content)
    {
        var file = Path.Combine(_folder, "list.txt");
        if (content is not null)
            File.WriteAllText(file, content);
        Assert.StartsWith(
            "`Passwords:BreachedFile` must be",
            Assert.Single(Options([("Passwords:BreachedFile", file)]).Problems()),
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task A_breached_password_is_refused_wherever_one_is_chosen(Engine engine)
    {
        var file = Path.Combine(_folder, "list.txt");
        File.WriteAllText(file, $"{new string('0', 40)}:2\n{HashOf(Breached)}:7\n{new string('F', 40)}:1\n");
        await using var host = await ApiHost.Start(engine, ("Passwords:BreachedFile", file));
        var ann = await host.Hub.AddPerson("Ann", Role.Admin, Password);
        using var admin = await host.Person(ann);
        var refused = await admin.Put($"/api/v1/people/{ann.Email}/password", new { password = Breached });
        Assert.Equal(422, refused.Status);
        Assert.Contains("data breach", refused.Text, StringComparison.Ordinal);
        Assert.Equal(
            422,
            (
                await admin.Post(
                    "/api/v1/people",
                    new
                    {
                        email = "ben@example.test",
                        name = "Ben",
                        password = Breached,
                    }
                )
            ).Status
        );
        using var window = await host.SignIn(ann);
        var page = await window.Submit(
            "/account",
            "/account",
            ("do", "password"),
            ("current-password", Password),
            ("new-password", Breached)
        );
        Assert.Equal(422, page.Status);
        Assert.Contains("This password was published in a data breach", page.Text, StringComparison.Ordinal);
        Assert.Equal(
            204,
            (await admin.Put($"/api/v1/people/{ann.Email}/password", new { password = "not in that list" })).Status
        );

        // A list that can't be read says nothing about a password, so none is taken.
        File.WriteAllText(file, "broken");
        Assert.Equal(
            422,
            (await admin.Put($"/api/v1/people/{ann.Email}/password", new { password = "another one entirely" })).Status
        );
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    internal static async Task<int> Basic(ApiHost host, string credential)
    {
        using var client = new ApiClient(
            host.Address,
            new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credential)))
        );
        return (await client.Get("/api/v2/approval_requests")).Status;
    }

    private static async Task<Browser> SignInByMail(ApiHost host, Person person)
    {
        var session = await host.Hub.Sessions.Start(
            person.Id,
            "mail",
            new ClientInfo("page", "::1", "a test"),
            default
        );
        return new Browser(host.Address, session!.Secret);
    }

    private static CountersignOptions Options((string Name, string Value)[] settings) =>
        new(
            new ConfigurationBuilder()
                .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Name, (string?)s.Value)))
                .Build()
        );

    // The published lists are of SHA-1.
#pragma warning disable CA5350
    private static string HashOf(string password) =>
        Convert.ToHexString(SHA1.HashData(Encoding.UTF8.GetBytes(password)));
#pragma warning restore CA5350
}
