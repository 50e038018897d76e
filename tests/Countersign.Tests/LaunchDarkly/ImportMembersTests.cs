using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Simulator.Rest;
using Countersign.Work;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using Fake = Countersign.Simulator.Rest.FakeLaunchDarkly;

namespace Countersign.Tests.LaunchDarkly;

/// <summary>The members of a LaunchDarkly account become people, who get nothing by it.</summary>
public sealed class ImportMembersTests
{
    private const string Connection = "/api/v1/sources/flags/launchdarkly";

    [Theory, BothEngines]
    public async Task Members_become_end_users_and_a_second_time_changes_nothing(Engine engine)
    {
        await using var account = await Account.Start(engine);
        account.Theirs.AddMember("Rita Roe", "rita@example.com").Role = "owner";
        account.Theirs.AddMember(new RestMember { Email = "nameless@example.com" });

        var first = (await account.Import()).Json;
        Assert.Equal(2, first["added"]!.AsArray().Count);
        var people = await account.People();
        Assert.Equal(("Rita Roe", Role.EndUser), (people["rita@example.com"].Name, people["rita@example.com"].Role));
        Assert.Equal("nameless@example.com", people["nameless@example.com"].Name);

        var second = (await account.Import()).Json;
        Assert.Empty(second["added"]!.AsArray());
        Assert.Equal((0, 2), (second["aliases"]!.GetValue<int>(), second["unchanged"]!.GetValue<int>()));
        Assert.Single(await account.Events("source.members_imported"));
    }

    [Theory, BothEngines]
    public async Task A_person_who_is_here_keeps_role_and_name_and_gets_their_other_name_as_an_alias(Engine engine)
    {
        await using var account = await Account.Start(engine);
        var root = await account.Host.Hub.AddPerson("Root", Role.Admin);
        account.Theirs.AddMember("Ruth Rootman", root.Email!.ToUpperInvariant());

        var imported = (await account.Import()).Json;
        Assert.Equal(1, imported["aliases"]!.GetValue<int>());
        var person = (await account.People())[root.Email!];
        Assert.Equal(("Root", Role.Admin), (person.Name, person.Role));
        Assert.Equal(["Ruth Rootman"], person.Aliases);
    }

    [Theory]
    [InlineData(false, false, "not_verified")]
    [InlineData(true, true, "invited")]
    public async Task An_email_that_nobody_has_confirmed_says_nothing(bool isVerified, bool isInvited, string why)
    {
        await using var account = await Account.Start(Engine.Sqlite);
        var ann = await account.Host.Hub.AddPerson("Ann");
        account.Theirs.AddMember(
            new RestMember
            {
                Email = ann.Email!,
                FirstName = "Mallory",
                IsVerified = isVerified,
                IsInvited = isInvited,
            }
        );
        var imported = (await account.Import()).Json;
        Assert.Equal(why, Assert.Single(imported["skipped"]!.AsArray())!["why"]!.ToString());
        Assert.Empty((await account.People())[ann.Email!].Aliases);
    }

    [Theory, BothEngines]
    public async Task A_member_who_takes_another_persons_email_gives_them_no_alias(Engine engine)
    {
        await using var account = await Account.Start(engine);
        var (ann, ben) = (await account.Host.Hub.AddPerson("Ann"), await account.Host.Hub.AddPerson("Ben"));
        var member = account.Theirs.AddMember("Ann", ann.Email!);
        await account.Import();

        (member.Email, member.FirstName) = (ben.Email!, "Mallory");
        var second = (await account.Import()).Json;
        Assert.Equal("conflict", Assert.Single(second["skipped"]!.AsArray())!["why"]!.ToString());

        // Nor does another member become the person whom a member was already.
        member.IsRemoved = true;
        account.Theirs.AddMember("Trudy", ann.Email!);
        var third = (await account.Import()).Json;
        Assert.Equal("conflict", Assert.Single(third["skipped"]!.AsArray())!["why"]!.ToString());
        var people = await account.People();
        Assert.Empty(people[ann.Email!].Aliases.Concat(people[ben.Email!].Aliases));
    }

    [Fact]
    public async Task An_erased_person_does_not_come_back()
    {
        await using var account = await Account.Start(Engine.Sqlite);
        account.Theirs.AddMember("Rita Roe", "rita@example.com");
        await account.Import();
        Assert.Equal(200, (await account.Root.Post("/api/v1/people/rita@example.com/erase", new { })).Status);

        var again = (await account.Import()).Json;
        Assert.Empty(again["added"]!.AsArray());
        Assert.DoesNotContain("rita@example.com", (await account.People()).Keys);
    }

    [Fact]
    public async Task All_pages_are_read_each_member_once_and_links_lead_nowhere_else()
    {
        await using var account = await Account.Start(Engine.Sqlite);
        for (var i = 0; i < 230; i++)
            account.Theirs.AddMember($"Member {i}", $"m{i}@example.com");
        Assert.Equal(230, (await account.Import()).Json["members"]!.GetValue<int>());

        account.Theirs.Traps.PagesNeverEnd = true;
        Assert.Equal(200, (await account.Import()).Status);
        (account.Theirs.Traps.PagesNeverEnd, account.Theirs.Traps.LinksLeadTo) = (false, "http://198.51.100.7");
        Assert.Equal(100, (await account.Import()).Json["members"]!.GetValue<int>());
        Assert.All(account.Theirs.Calls, call => Assert.Equal(account.Token.Value, call.Authorization));
    }

    [Theory]
    [InlineData(RestFault.Html)]
    [InlineData(RestFault.Unavailable)]
    [InlineData(RestFault.AddressLimit)]
    [InlineData(RestFault.Redirects)]
    [InlineData(RestFault.OtherJson)]
    public async Task LaunchDarkly_that_does_not_answer_changes_nothing(RestFault fault)
    {
        await using var account = await Account.Start(Engine.Sqlite);
        account.Theirs.AddMember("Rita Roe", "rita@example.com");
        account.Theirs.Traps.Answer(fault);
        var answer = await account.Import();
        Assert.Equal((502, "launchdarkly_unavailable"), (answer.Status, answer.Json["code"]!.ToString()));
        Assert.DoesNotContain("rita@example.com", (await account.People()).Keys);
    }

    [Fact]
    public async Task A_connection_is_set_tested_and_removed_by_the_API_and_never_shows_its_secrets()
    {
        await using var account = await Account.Start(Engine.Sqlite);
        var set = await account.Root.Put(Connection, new { webhookSecret = "shhh-webhook", describe = true });
        Assert.Equal((200, true), (set.Status, set.Json["hasWebhookSecret"]!.GetValue<bool>()));
        var shown = await account.Root.Get(Connection);
        Assert.DoesNotContain("shhh", shown.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(account.Token.Value, shown.Text, StringComparison.Ordinal);

        Assert.True((await account.Root.Post(Connection + "/test", new { })).Json["isComplete"]!.GetValue<bool>());
        account.Token.Rights = RestRights.View;
        var tested = (await account.Root.Post(Connection + "/test", new { })).Json;
        Assert.False(tested["isComplete"]!.GetValue<bool>());
        Assert.Equal(
            "members",
            Assert.Single(tested["rights"]!.AsArray(), r => r!["isGranted"]?.GetValue<bool>() == false)![
                "name"
            ]!.ToString()
        );

        Assert.Equal(422, (await account.Root.Put(Connection, new { baseUrl = "ftp://x" })).Status);
        var moved = await account.Root.Put(Connection, new { baseUrl = "https://app.eu.launchdarkly.com" });
        Assert.False(moved.Json["hasToken"]!.GetValue<bool>());
        Assert.Equal(204, (await account.Root.Delete(Connection)).Status);
        Assert.Equal(404, (await account.Root.Get(Connection)).Status);
    }

    /// <summary>A hub whose source "flags" has a token for a LaunchDarkly account.</summary>
    [Theory, BothEngines]
    public async Task The_daily_import_leaves_out_a_source_that_is_disabled(Engine engine)
    {
        await using var account = await Account.Start(engine);
        account.Theirs.AddMember("Rita Roe", "rita@example.com");
        await account.Root.Put(Connection, new { importMembers = true });
        var daily = account.Host.Services.GetServices<IJobHandler>().OfType<ImportMembersDaily>().Single();
        Some.Done(await account.Host.Hub.Sources.Disable("flags", Some.Operator, default));
        await daily.Run(null!, default);
        Assert.DoesNotContain("rita@example.com", await account.People());

        Some.Done(await account.Host.Hub.Sources.Enable("flags", Some.Operator, default));
        await daily.Run(null!, default);
        Assert.Contains("rita@example.com", await account.People());
    }

    private sealed class Account : IAsyncDisposable
    {
        private Account(ApiHost host, Fake theirs, RestToken token, ApiClient root) =>
            (Host, Theirs, Token, Root) = (host, theirs, token, root);

        public ApiHost Host { get; }
        public Fake Theirs { get; }
        public RestToken Token { get; }

        /// <summary>An admin.</summary>
        public ApiClient Root { get; }

        public static async Task<Account> Start(Engine engine)
        {
            var host = await ApiHost.Start(engine, ("Egress:Allow", "127.0.0.0/8"));
            var theirs = await Fake.Start(host.Hub.Clock);
            var token = theirs.AddToken();
            await host.Hub.AddSource("flags", kind: "launchdarkly");
            var root = await host.Person(await host.Hub.AddPerson("The admin", Role.Admin));
            var set = await root.Put(Connection, new { baseUrl = theirs.Address.ToString(), token = token.Value });
            Assert.Equal(200, set.Status);
            return new Account(host, theirs, token, root);
        }

        public Task<ApiAnswer> Import() => Root.Post(Connection + "/members", new { });

        public async Task<Dictionary<string, Person>> People() =>
            (await Host.Services.GetRequiredService<PeopleDirectory>().Refresh())
                .People.Values.Where(p => p.Email is not null)
                .ToDictionary(p => p.Email!);

        public async Task<IReadOnlyList<string>> Events(string kind) =>
            [.. (await Host.Hub.Place.Events()).Select(e => e.Kind).Where(k => k == kind)];

        public async ValueTask DisposeAsync()
        {
            Root.Dispose();
            await Theirs.DisposeAsync();
            await Host.DisposeAsync();
        }
    }
}
