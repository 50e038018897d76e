using Countersign.Hosting;
using Countersign.People;
using Countersign.Storage;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests;

/// <summary>Keys of sources that expire.</summary>
public sealed class KeyExpiryTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2027-01-31", "2027-02-01T00:00:00.000Z")]
    [InlineData("90d", "2027-02-28T12:00:00.000Z")]
    [InlineData("2027-01-31T10:00:00Z", "2027-01-31T10:00:00.000Z")]
    [InlineData("2027-01-31T10:00:00+02:00", "2027-01-31T08:00:00.000Z")]
    [InlineData("never", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void It_is_a_day_a_time_a_duration_or_never(string? text, string? at)
    {
        var (read, problem) = KeyExpiry.Read(text, Now);
        Assert.Null(problem);
        Assert.Equal(at, read is { } until ? Instant.ToText(until) : null);
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("2026-11-29")]
    [InlineData("2027-02-30")]
    [InlineData("2027-01-31T10:00:00")]
    [InlineData("2050-01-01")]
    [InlineData("0d")]
    public void Nothing_else_is_taken(string text) => Assert.NotNull(KeyExpiry.Read(text, Now).Problem);

    [Theory, BothEngines]
    public async Task An_expired_key_is_refused_with_its_reason_and_a_rotation_has_two_keys(Engine engine)
    {
        using var overheard = new Overheard();
        await using var host = await ApiHost.Start(engine, overheard);
        var root = await host.Hub.AddPerson("Root", Role.Admin);
        using var admin = await host.Person(root);
        var made = await admin.Post(
            "/api/v1/sources",
            new
            {
                name = "deploys",
                kind = "api",
                keyExpires = "90d",
            }
        );
        Assert.Equal(201, made.Status);
        using var first = host.Source(new NewSourceKey(1, "deploys", made["key"]!));
        Assert.Equal(200, (await first.Get("/api/v1/requests")).Status);
        using var window = await host.SignIn(root);
        var path = $"/sources/{made["id"]}";
        Assert.Contains("The key expires on", (await window.Get(path)).Text, StringComparison.Ordinal);

        // Warned before: on the pages, in the log, as a metric.
        host.Hub.Clock.Advance(TimeSpan.FromDays(80));
        await host.Noticed();
        using var later = await host.SignIn(root);
        Assert.Contains("Key expires in", (await later.Get("/sources")).Text, StringComparison.Ordinal);
        Assert.Contains("Rotate it before", (await later.Get(path)).Text, StringComparison.Ordinal);
        var figures = await host.Hub.Store.ReadSnapshot(r => EngineFigures.Of(r, host.Hub.Store.Now));
        Assert.Equal(TimeSpan.FromDays(10), Assert.Single(figures.ExpiringKeys).Left);
        await Eventually.True(
            () =>
                overheard.Lines.Any(l =>
                    l.Contains("The key of the source deploys expires at", StringComparison.Ordinal)
                ),
            "a warning in the log"
        );

        // The new key has its own time, and the old one keeps what it had.
        var rotated = await admin.Send(HttpMethod.Post, "/api/v1/sources/deploys/key?expires=never", null);
        Assert.Equal(200, rotated.Status);
        using var second = host.Source(new NewSourceKey(1, "deploys", rotated["key"]!));
        await host.Noticed();
        Assert.Equal(200, (await first.Get("/api/v1/requests")).Status);
        Assert.Equal(200, (await second.Get("/api/v1/requests")).Status);
        var listed = (await admin.Get("/api/v1/sources")).Json["sources"]!
            .AsArray()
            .Single(s => s!["name"]!.ToString() == "deploys")!;
        Assert.Null(listed["keyExpires"]);
        Assert.NotNull(listed["oldKeyExpires"]);

        host.Hub.Clock.Advance(TimeSpan.FromDays(11));
        await host.Noticed();
        var refused = await first.Get("/api/v1/requests");
        Assert.Equal((401, "key_expired"), (refused.Status, refused.Code));
        Assert.Contains("This key expired at", refused["detail"]!, StringComparison.Ordinal);
        Assert.Equal(200, (await second.Get("/api/v1/requests")).Status);
        // Who has an expired key guesses nothing, so the address isn't slowed down.
        for (var i = 0; i < 110; i++)
            Assert.Equal(401, (await first.Get("/api/v1/requests")).Status);

        Assert.Equal(
            200,
            (
                await admin.Send(
                    HttpMethod.Patch,
                    "/api/v1/sources/deploys",
                    new StringContent("{\"keyExpires\":\"1d\"}", null, "application/json")
                )
            ).Status
        );
        host.Hub.Clock.Advance(TimeSpan.FromDays(2));
        await host.Noticed();
        Assert.Equal("key_expired", (await second.Get("/api/v1/requests")).Code);
        using var last = await host.SignIn(root);
        Assert.Contains("Key expired", (await last.Get("/sources")).Text, StringComparison.Ordinal);
        Assert.Equal(302, (await last.Submit(path, path, ("do", "key-expiry"), ("expires", ""))).Status);
        Assert.Equal(422, (await last.Submit(path, path, ("do", "key-expiry"), ("expires", "2001-01-01"))).Status);
        await host.Noticed();
        Assert.Equal(200, (await second.Get("/api/v1/requests")).Status);
    }
}
