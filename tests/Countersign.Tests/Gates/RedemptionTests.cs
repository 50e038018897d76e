using Countersign.People;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Gates;

/// <summary>An approval is used once, by its source, in time, for what was approved.</summary>
public sealed class RedemptionTests
{
    private const string Requests = "/api/v1/requests";

    [Theory, BothEngines]
    public async Task An_approval_is_redeemed_once_and_its_request_is_applied(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        var (path, digest) = await gate.Ask();
        var early = await gate.Bot.Post($"{path}/redemption", new { digest });
        Assert.Equal(
            (409, "not_approved", "active"),
            (early.Status, early.Code, early.Json["request"]!["status"]!.ToString())
        );
        await gate.Approve(path);
        Assert.Equal(
            Instant.ToText(gate.Hub.Clock.Now + TimeSpan.FromHours(1)),
            (await gate.Bot.Get(path))["grantExpiresAt"]
        );

        var redeemed = await gate.Bot.Post($"{path}/redemption", new { digest });
        Assert.Equal(
            (200, digest, Instant.ToText(gate.Hub.Clock.Now)),
            (redeemed.Status, redeemed["digest"], redeemed["redeemed_at"])
        );
        var after = await gate.Bot.Get(path);
        Assert.Equal(
            ("approved", "Approved, applied", redeemed["redeemed_at"], null),
            (after["status"], after["display"], after["appliedAt"], after["grantExpiresAt"])
        );
        var again = await gate.Bot.Post($"{path}/redemption", new { digest });
        Assert.Equal((409, "already_used"), (again.Status, again.Code));
        Assert.Equal(409, (await gate.Bot.Post($"{path}/withdrawal", new { })).Status);
        Assert.Equal(200, (await gate.Bot.Post($"{path}/applied", new { })).Status);
        Assert.Equal("approved", (await gate.Bot.Get(path))["status"]);
    }

    [Theory, BothEngines]
    public async Task The_same_key_gets_the_same_answer_and_every_other_call_is_too_late(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        var (path, digest) = await gate.Ask();
        await gate.Approve(path);
        (string, string)[] key = [("Idempotency-Key", "run-1")];
        var first = await gate.Bot.Post($"{path}/redemption", new { digest }, key);
        gate.Hub.Clock.Advance(TimeSpan.FromHours(2));
        var second = await gate.Bot.Post($"{path}/redemption", new { digest }, key);
        Assert.Equal((200, first.Text), (second.Status, second.Text));
        var other = await gate.Bot.Post($"{path}/redemption", new { digest }, ("Idempotency-Key", "run-2"));
        Assert.Equal("already_used", other.Code);
        var changed = await gate.Bot.Post($"{path}/redemption", new { digest = new string('0', 64) }, key);
        Assert.Equal((409, "conflict"), (changed.Status, changed.Code));
        // A key is remembered by what it was used for: the same one still sends a request.
        var asked = await gate.Bot.Post(Requests, new { subject = "Another" }, key);
        Assert.Equal(201, asked.Status);
        Assert.Equal(400, (await gate.Bot.Post($"{path}/redemption", new { digest }, ("Idempotency-Key", ""))).Status);
    }

    [Theory, BothEngines]
    public async Task A_wrong_digest_uses_nothing_up_and_is_on_record(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        var (path, digest) = await gate.Ask();
        await gate.Approve(path);
        var wrong = await gate.Bot.Post($"{path}/redemption", new { digest = new string('a', 64) });
        Assert.Equal((409, "digest_mismatch"), (wrong.Status, wrong.Code));
        foreach (var body in new object[] { new { }, new { digest = "" }, new { digest = new string('a', 65) } })
            Assert.Equal(422, (await gate.Bot.Post($"{path}/redemption", body)).Status);
        Assert.Equal(200, (await gate.Bot.Post($"{path}/redemption", new { digest })).Status);
        Assert.Equal(["request.redemption_refused", "request.redeemed"], (await gate.Kinds(path))[^2..]);
    }

    [Theory, BothEngines]
    public async Task Where_the_facts_name_the_content_only_that_content_is_redeemed(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        var content = Hashes.Sha256("DROP INDEX ix_orders_old");
        var (path, digest) = await gate.Ask(new { content_sha256 = content });
        await gate.Approve(path);
        Assert.Equal("digest_mismatch", (await gate.Bot.Post($"{path}/redemption", new { digest })).Code);
        Assert.Equal(
            200,
            (await gate.Bot.Post($"{path}/redemption", new { digest = content.ToUpperInvariant() })).Status
        );
    }

    [Theory, BothEngines]
    public async Task An_approval_expires_an_hour_later_or_when_its_policy_says(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        var (path, digest) = await gate.Ask();
        await gate.Approve(path);
        gate.Hub.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal("expired", (await gate.Bot.Post($"{path}/redemption", new { digest })).Code);

        using var admin = await gate.Host.Person(gate.Ada);
        const string text = """
            version: 1
            policies:
              - name: quick
                steps: [ { name: ada, from: { people: [Ada@example.test] } } ]
                grant: { expires: 10m }
            """;
        Assert.Equal(200, (await admin.Put("/api/v1/policies", new { text })).Status);
        foreach (var (after, status) in new[] { (TimeSpan.FromMinutes(10), 409), (TimeSpan.FromMinutes(9), 200) })
        {
            (path, digest) = await gate.Ask();
            await gate.Approve(path);
            gate.Hub.Clock.Advance(after);
            Assert.Equal(status, (await gate.Bot.Post($"{path}/redemption", new { digest })).Status);
        }
        // An expired approval can still be taken back.
        (path, digest) = await gate.Ask();
        await gate.Approve(path);
        gate.Hub.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal("withdrawn", (await gate.Bot.Post($"{path}/withdrawal", new { }))["status"]);
        Assert.Equal("not_approved", (await gate.Bot.Post($"{path}/redemption", new { digest })).Code);
    }

    [Theory, BothEngines]
    public async Task Only_the_source_that_asked_redeems(Engine engine)
    {
        await using var gate = await Gate.Start(engine);
        var (path, digest) = await gate.Ask();
        await gate.Approve(path);
        var other = await gate.Hub.AddSource("other");
        await gate.Host.Noticed();
        using var stranger = gate.Host.Source(other);
        using var admin = await gate.Host.Person(gate.Ada);
        using var nobody = gate.Host.Nobody();
        Assert.Equal(404, (await stranger.Post($"{path}/redemption", new { digest })).Status);
        Assert.Equal(403, (await admin.Post($"{path}/redemption", new { digest })).Status);
        Assert.Equal(401, (await nobody.Post($"{path}/redemption", new { digest })).Status);
        Assert.Equal(404, (await gate.Bot.Post($"{Requests}/nothing/redemption", new { digest })).Status);
        Assert.Equal(200, (await gate.Bot.Post($"{path}/redemption", new { digest })).Status);
    }

    [Theory, BothEngines]
    public async Task Of_sixteen_calls_at_once_one_redeems(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (request, source) = await Approved(hub, 0);
        var redeem = new Redeem(hub.Store);
        var outcomes = await Task.WhenAll(
                Enumerable
                    .Range(0, 16)
                    .Select(i =>
                        Task.Run(() => redeem.Run(request.Id, source, request.Digest, $"{i}", r => r.Id.Value, default))
                    )
            )
            .Soon();
        Assert.Single(outcomes.OfType<RedeemOutcome.Redeemed>());
        Assert.Equal(15, outcomes.OfType<RedeemOutcome.AlreadyUsed>().Count());
        Assert.Single(await hub.Kinds(request.Id), "request.redeemed");
    }

    [Theory, BothEngines]
    public async Task Of_withdrawal_and_redemption_at_once_one_wins(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var redeem = new Redeem(hub.Store);
        for (var round = 0; round < 12; round++)
        {
            var (request, source) = await Approved(hub, round);
            var redeemed = Task.Run(() =>
                redeem.Run(request.Id, source, request.Digest, null, r => r.Id.Value, default)
            );
            var withdrawn = Task.Run(() => hub.Withdraw.Run(request.Id, source, "", default));
            var won = await redeemed.Soon() is RedeemOutcome.Redeemed;
            Assert.Equal(!won, await withdrawn.Soon() is WithdrawOutcome.Withdrawn);
            var after = await hub.Find(request.Id);
            Assert.Equal(won ? Status.Approved : Status.Withdrawn, after.Status);
            Assert.Equal(won, after.AppliedAt is not null);
        }
    }

    [Theory, BothEngines]
    public async Task A_redemption_that_no_source_made_is_found_by_verification(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var (request, source) = await Approved(hub, 0);
        await new Redeem(hub.Store).Run(request.Id, source, request.Digest, null, r => r.Id.Value, default);
        await hub.Place.Tamper("UPDATE events SET actor = 'person:1' WHERE kind = 'request.redeemed'");
        Assert.NotNull(await hub.Proof());
    }

    private static async Task<(ApprovalRequest Request, Viewer Source)> Approved(TestHub hub, int n)
    {
        var ann = await hub.AddPerson($"Ann {n}");
        var source = await hub.AddSource($"bot {n}");
        var request = await hub.Ask(Some.Policy(ann.AsApprover), s => s with { SourceId = source.Id });
        await hub.Approve(request, ann);
        return (await hub.Find(request.Id), Some.Viewer(source));
    }
}
