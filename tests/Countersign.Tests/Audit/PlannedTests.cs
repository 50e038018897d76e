using Countersign.Policies;
using Xunit;

namespace Countersign.Tests.Audit;

/// <summary>Verification finds what was changed in jobs of requests and in answers to repeated calls.</summary>
public sealed class PlannedTests
{
    [Theory, BothEngines]
    public async Task Jobs_of_requests_that_are_gone_moved_or_added_are_found(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        hub.HasPoliciesOfItsOwn = true;
        var ann = await hub.AddPerson("Ann");
        var policy = Some.Policy(ann.AsApprover) with
        {
            Expire = new Expiry(TimeSpan.FromHours(72)),
            Remind = new Reminders(TimeSpan.FromHours(1), TimeSpan.FromHours(4)),
            Escalate = new Escalation(TimeSpan.FromHours(24), [ann.AsApprover]),
        };
        var request = await hub.Ask(policy);
        using var clockwork = PolicyHub.ClockworkOn(hub.Store);
        hub.Clock.Advance(TimeSpan.FromHours(30));
        await clockwork.Drain();
        Assert.Null(await hub.Proof());
        var id = request.Id;
        foreach (
            var (sql, said) in new[]
            {
                ($"UPDATE jobs SET due_at = '2099-01-01T00:00:00.000Z' WHERE kind = 'expire'", "another time"),
                ($"UPDATE jobs SET due_at = '2099-01-01T00:00:00.000Z' WHERE kind = 'remind'", "another time"),
                ($"UPDATE jobs SET kind = 'escalate' WHERE kind = 'remind'", "does not follow"),
                ($"UPDATE jobs SET key = 'gone' WHERE kind = 'expire'", "no event tells"),
                ($"DELETE FROM jobs WHERE kind = 'expire'", $"The job expire of request {id} is gone"),
            }
        )
        {
            var before = await hub.Place.Number("SELECT count(*) FROM jobs");
            await hub.Place.Tamper("CREATE TABLE kept AS SELECT * FROM jobs");
            await hub.Place.Tamper(sql);
            Assert.Contains(said, await hub.Proof(), StringComparison.Ordinal);
            await hub.Place.Tamper("DELETE FROM jobs; INSERT INTO jobs SELECT * FROM kept; DROP TABLE kept");
            Assert.Equal(before, await hub.Place.Number("SELECT count(*) FROM jobs"));
            Assert.Null(await hub.Proof());
        }
    }

    [Theory, BothEngines]
    public async Task Answers_to_repeated_calls_that_name_another_request_are_found(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var request = await hub.Ask((await hub.AddPerson("Ann")).AsApprover);
        await hub.Store.InTransaction(async tx =>
            await tx.Execute(
                "INSERT INTO idempotency (key, body, status, answer, at) VALUES ('k', @digest, 201, @answer, @now)",
                new
                {
                    digest = request.Digest,
                    answer = $$$"""{"approval_request":{"id":"{{{request.Id}}}"}}""",
                    now = tx.Now,
                }
            )
        );
        Assert.True((await recorded.Check()).Ok);
        await hub.Place.Tamper("UPDATE idempotency SET body = 'another' WHERE key = 'k'");
        Assert.Contains("brought none of the contents", (await recorded.Check()).Problem, StringComparison.Ordinal);
        await hub.Place.Tamper(
            """UPDATE idempotency SET answer = '{"approval_request":{"id":"another"}}' WHERE key = 'k'"""
        );
        Assert.Contains("not in the store", (await recorded.Check()).Problem, StringComparison.Ordinal);
        await hub.Place.Tamper("UPDATE idempotency SET answer = '{}' WHERE key = 'k'");
        Assert.Contains("names no request", (await recorded.Check()).Problem, StringComparison.Ordinal);
    }
}
