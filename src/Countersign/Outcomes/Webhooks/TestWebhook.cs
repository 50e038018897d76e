using System.Diagnostics;
using Countersign.People;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Outcomes.Webhooks;

/// <summary>How a test went, to be shown at once.</summary>
public sealed record WebhookTest(bool Ok, long Delivery, string? Failure, int? Status, string Answer, string? Advice);

/// <summary>Sends a test message to one webhook now, past the line, and records it as any other delivery.</summary>
public sealed class TestWebhook(Store store, WebhookChannel channel, RecordAttempt record)
{
    public async Task<AccessOutcome<WebhookTest>> Run(long id, Origin origin, CancellationToken cancel)
    {
        var delivery = await store.InTransaction(
            async tx =>
            {
                if (await tx.Number("SELECT id FROM webhooks WHERE id = @id AND disabled_at IS NULL", new { id }) == 0)
                    return null;
                var name = Webhook.NameOf(id);
                await tx.Append(name, origin, WebhookChannel.TestKind, new { });
                var eventId = await tx.Number(
                    "SELECT id FROM events WHERE subject = @name ORDER BY n DESC LIMIT 1",
                    new { name }
                );
                await tx.Execute(
                    "INSERT INTO endpoints (name) VALUES (@name) ON CONFLICT (name) DO NOTHING",
                    new { name }
                );
                // Sent below at once, behind nothing; should this process die, a worker sends it.
                var made = (
                    await tx.First<Delivery>(
                        $"""
                        INSERT INTO deliveries (event_id, kind, subject, receiver, channel, endpoint, state, tries,
                        created_at)
                        VALUES (@eventId, @kind, @subject, @name, 'webhook', @name, 'due', @tries, @now)
                        RETURNING {Delivery.Columns}
                        """,
                        new
                        {
                            eventId,
                            kind = WebhookChannel.TestKind,
                            subject = $"{name}:test:{eventId}",
                            name,
                            tries = 1_000,
                            now = tx.Now,
                        }
                    )
                )!;
                await Jobs.Add(
                    tx,
                    new JobToAdd(DeliveryJob.JobKind, DeliveryJob.KeyOf(made.Id), made.Subject, tx.Now.AddMinutes(2))
                    {
                        Receiver = name,
                    }
                );
                return made;
            },
            cancel
        );
        if (delivery is null)
            return new AccessOutcome<WebhookTest>.NotFound("an enabled webhook with this ID");
        var began = Stopwatch.GetTimestamp();
        var outcome = await channel.Send(delivery, cancel);
        // By hand, so a failure is no reason to hold or switch off anything.
        var plan = record.PlanFor(
            new Attempt(
                delivery,
                outcome is SendOutcome.Failed failed ? failed with { Final = true } : outcome,
                Stopwatch.GetElapsedTime(began)
            )
        );
        await store.InTransaction(
            async tx =>
            {
                if (await Jobs.Cancel(tx, DeliveryJob.JobKind, DeliveryJob.KeyOf(delivery.Id)))
                    await record.Write(tx, plan);
            },
            CancellationToken.None
        );
        var failure = (outcome as SendOutcome.Failed)?.Failure;
        return new AccessOutcome<WebhookTest>.Done(
            new WebhookTest(
                outcome is SendOutcome.Delivered,
                delivery.Id,
                failure?.Word(),
                outcome.Status,
                SendOutcome.Beginning(outcome.Answer),
                failure?.Advice()
            )
        );
    }
}
