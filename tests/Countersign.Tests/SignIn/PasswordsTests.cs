using System.Net.Http.Headers;
using System.Text;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Xunit;

namespace Countersign.Tests;

/// <summary>How many passwords are tried, who waits for whom, and how they are hashed.</summary>
public sealed class PasswordsTests
{
    private const string Right = "correct horse battery";

    [Theory, BothEngines]
    public async Task Guesses_made_at_once_are_no_more_than_guesses_made_one_after_the_other(Engine engine)
    {
        LongRun.SkipPostgres(engine);
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", Role.Admin, Right);
        await host.Noticed();
        using var http = new HttpClient { BaseAddress = host.Address };

        var same = await Task.WhenAll(
            Enumerable.Range(0, 300).Select(i => Try(http, ann.Email!, $"guess number {i}", "203.0.113.1"))
        );
        Assert.InRange(same.Count(s => s == 401), 1, SignInAttempts.MaxPerAccount);
        Assert.All(same, s => Assert.Contains(s, new[] { 401, 429, 503 }));

        // The same address with many accounts, and the same network with many addresses.
        var others = await Task.WhenAll(
            Enumerable.Range(0, 300).Select(i => Try(http, $"{i}@example.test", "any", $"2001:db8:1:2::{i:x}"))
        );
        Assert.InRange(others.Count(s => s == 401), 1, SignInAttempts.MaxPerAddress);

        // Nobody else is kept from signing in by that, nor is Ann from another address.
        Assert.Equal(200, await Try(http, ann.Email!, Right, "203.0.113.2"));
    }

    [Fact]
    public async Task Each_address_has_one_place_in_the_line_and_who_finds_it_full_is_sent_away()
    {
        using var hashing = new PasswordHashing(atOnce: 1);
        var first = await hashing.Enter("a", "10.0.0.1", default);
        Assert.NotNull(first);
        var crowd = Enumerable
            .Range(0, PasswordHashing.MaxWaitingPerAddress)
            .Select(i => hashing.Enter($"b{i}", "10.0.0.1", default).AsTask())
            .ToList();
        Assert.Null(await hashing.Enter("c", "10.0.0.1", default));

        // Somebody from elsewhere comes last and is served next.
        var other = hashing.Enter("d", "10.0.0.2", default).AsTask();
        Assert.All([.. crowd, other], waiting => Assert.False(waiting.IsCompleted));
        first.Dispose();
        using (await other)
            Assert.All(crowd, waiting => Assert.False(waiting.IsCompleted));
        foreach (var waiting in crowd)
            (await waiting)!.Dispose();
    }

    [Fact]
    public async Task One_account_is_worked_on_once_at_a_time_from_however_many_addresses()
    {
        using var hashing = new PasswordHashing(atOnce: 4);
        var first = await hashing.Enter("ann", "10.0.0.1", default);
        var second = hashing.Enter("ann", "10.0.0.2", default).AsTask();
        using (await hashing.Enter("ben", "10.0.0.3", default))
            Assert.False(second.IsCompleted);
        first!.Dispose();
        (await second)!.Dispose();

        using var gone = new CancellationTokenSource();
        using (await hashing.Enter("ann", "10.0.0.1", default))
        {
            var waiting = hashing.Enter("ann", "10.0.0.2", gone.Token).AsTask();
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }
        (await hashing.Enter("ann", "10.0.0.2", default))!.Dispose();
    }

    [Fact]
    public void Made_up_accounts_in_any_number_free_no_account_that_has_been_guessed_at()
    {
        var attempts = new SignInAttempts(new TestClock());
        for (var i = 0; i < SignInAttempts.MaxPerAccount; i++)
            Assert.NotNull(attempts.BeginPassword("ann", "10.0.0.1", out _));
        for (var i = 0; i < 50_000; i++)
            attempts.BeginPassword($"{i}", $"10.{i / 65536}.{i / 256 % 256}.{i % 256}", out _);
        Assert.Null(attempts.BeginPassword("ann", "10.0.0.1", out var wait));
        Assert.InRange(wait, TimeSpan.FromSeconds(1), SignInAttempts.Window);
    }

    [Theory, BothEngines]
    public async Task A_hash_with_fewer_iterations_is_renewed_when_its_owner_signs_in(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var ann = await host.Hub.AddPerson("Ann", Role.Admin, Right);
        var made = await Stored(host, ann);
        Assert.Equal(PasswordHashing.IterationsUsed, IterationsOf(made));

        var old = new PasswordHasher<Person>(
            Options.Create(new PasswordHasherOptions { IterationCount = PasswordHashing.IterationsUsed / 2 })
        ).HashPassword(ann, Right);
        await host.Hub.Store.InTransaction(async tx =>
        {
            await tx.Execute("UPDATE people SET password_hash = @old WHERE id = @id", new { old, id = ann.Id });
            await tx.Signal(Countersign.People.PeopleDirectory.Signal);
        });
        await host.Noticed();
        using var browser = host.Browser();
        Assert.Equal(
            302,
            (await browser.Submit("/sign-in", "/sign-in", ("Email", ann.Email!), ("Password", Right))).Status
        );
        Assert.Equal(PasswordHashing.IterationsUsed, IterationsOf(await Stored(host, ann)));

        // Which ends no session and is no change of the password.
        Assert.Equal(200, (await browser.Get("/account")).Status);
        Assert.DoesNotContain(
            "person.password_set",
            (await host.Hub.Place.Events($"person:{ann.Id}")).Select(e => e.Kind)
        );
        await host.Noticed();
        using var again = host.Browser();
        Assert.Equal(
            302,
            (await again.Submit("/sign-in", "/sign-in", ("Email", ann.Email!), ("Password", Right))).Status
        );
    }

    [Theory]
    [InlineData("203.0.113.9", "203.0.113.9")]
    [InlineData("::ffff:203.0.113.9", "203.0.113.9")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData("fe80::1%3", "fe80::/64")]
    [InlineData("", "")]
    [InlineData("unknown", "unknown")]
    public void A_subscriber_of_ipv6_counts_as_one(string address, string counted) =>
        Assert.Equal(counted, NetworkAddress.Of(address));

    private static async Task<string> Stored(ApiHost host, Person person) =>
        (await host.Hub.Place.Text("SELECT password_hash FROM people WHERE id = @id", new { id = person.Id }))!;

    /// <summary>As the framework's format has it: a marker, the function, then the iterations.</summary>
    internal static int IterationsOf(string hash) =>
        System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(Convert.FromBase64String(hash).AsSpan(5));

    private static async Task<int> Try(HttpClient http, string email, string password, string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v2/approval_requests");
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Basic",
            Convert.ToBase64String(Encoding.UTF8.GetBytes($"{email}:{password}"))
        );
        request.Headers.Add("X-Forwarded-For", address);
        using var answer = await http.SendAsync(request);
        return (int)answer.StatusCode;
    }
}
