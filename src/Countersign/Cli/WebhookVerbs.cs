using System.CommandLine;
using Countersign.Outcomes.Webhooks;
using Countersign.People;

namespace Countersign.Cli;

/// <summary><c>countersign webhook …</c>: receivers of events, signed after Standard Webhooks.</summary>
internal static class WebhookVerbs
{
    private static readonly Argument<long> Id = new("id") { Description = "The webhook's ID, as listed." };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "webhook",
            "Receivers of events: add, test, rotate the secret, list, disable, enable, delete.",
            Add(terminal),
            Test(terminal),
            Rotate(terminal),
            List(terminal),
            Change(
                terminal,
                "disable",
                "Disable a webhook. Waiting deliveries are marked as failed.",
                (webhooks, id, cancel) => webhooks.Disable(id, Hub.Origin, cancel),
                "disabled"
            ),
            Change(
                terminal,
                "enable",
                "Enable a webhook again.",
                (webhooks, id, cancel) => webhooks.Enable(id, Hub.Origin, cancel),
                "enabled"
            ),
            Change(
                terminal,
                "delete",
                "Delete a webhook and its secret. Waiting deliveries are skipped.",
                (webhooks, id, cancel) => webhooks.Delete(id, Hub.Origin, cancel),
                "deleted"
            )
        );

    private static Command Add(Terminal terminal)
    {
        var url = new Argument<string>("url") { Description = "The URL that events are posted to." };
        var kinds = new Option<string[]>("--event")
        {
            Description = "An event, or a family such as request.*. Can be repeated. The default is all events.",
            HelpName = "kind",
        };
        var sources = new Option<string[]>("--source")
        {
            Description = "Only requests from this source. Can be repeated.",
            HelpName = "name",
        };
        return Verb.OnStore(
            terminal,
            "add",
            "Add a webhook and show its secret, once.",
            [url, kinds, sources],
            async (parse, hub, cancel) =>
            {
                var outcome = await hub.Get<Subscriptions>()
                    .Add(
                        parse.GetValue(url)!,
                        parse.GetValue(kinds) ?? [],
                        parse.GetValue(sources) ?? [],
                        Hub.Origin,
                        null,
                        cancel
                    );
                return outcome.ToReply(made => new Reply.Done(
                    new { made.Id, made.Secret },
                    $"""
                    Webhook {made.Id} receives events from now on. Its secret, shown only once:

                        {made.Secret}

                    Verify messages with it and any library from https://www.standardwebhooks.com.
                    Try it: countersign webhook test {made.Id}{(
                        hub.Server.PublicUrl is null ? "\n\nNothing is sent until you set PublicUrl." : ""
                    )}
                    """
                ));
            }
        );
    }

    private static Command Test(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "test",
            "Send a test message now and show the result.",
            [Id],
            async (parse, hub, cancel) =>
            {
                var outcome = await hub.Get<TestWebhook>().Run(parse.GetValue(Id), Hub.Origin, cancel);
                return outcome.ToReply(result =>
                    result.Ok
                        ? new Reply.Done(result, $"Delivered: the receiver responded with {result.Status}.")
                        : new Reply.Failed(
                            result.Failure!.Replace(' ', '_'),
                            "Test failed: "
                                + $"{result.Failure}{(result.Status is { } status ? $" {status}" : "")}. "
                                + $"{result.Advice}"
                        )
                );
            }
        );

    private static Command Rotate(Terminal terminal)
    {
        var endOld = new Option<bool>("--end-old")
        {
            Description = "Create no new secret; only sign with the newest one from now on.",
        };
        return Verb.OnStore(
            terminal,
            "rotate",
            "Create a new secret. Messages are also signed with the old one until the next rotation or --end-old.",
            [Id, endOld],
            async (parse, hub, cancel) =>
            {
                var (webhooks, id) = (hub.Get<Subscriptions>(), parse.GetValue(Id));
                if (parse.GetValue(endOld))
                {
                    return (await webhooks.EndOldSecret(id, Hub.Origin, cancel)).ToReply(_ => new Reply.Done(
                        new { id },
                        $"Messages of webhook {id} are only signed with the newest secret now."
                    ));
                }
                return (await webhooks.Rotate(id, Hub.Origin, cancel)).ToReply(made => new Reply.Done(
                    new { made.Id, made.Secret },
                    $"""
                    The new secret for webhook {made.Id}, shown only once:

                        {made.Secret}

                    Messages are signed with the old secret too. Once the receiver has the new one, run:
                    countersign webhook rotate {made.Id} --end-old
                    """
                ));
            }
        );
    }

    private static Command List(Terminal terminal) =>
        Verb.Reading(
            terminal,
            "list",
            "List all webhooks, without their secrets.",
            [],
            async (_, hub, cancel) =>
            {
                var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
                var webhooks = (await hub.Get<Subscriptions>().List(cancel)).ConvertAll(w => new
                {
                    w.Id,
                    Url = w.ShownUrl,
                    Events = w.KindList,
                    Sources = w.SourceList.Select(s => directory.Sources[s].Name).ToList(),
                    Disabled = w.IsDisabled,
                    w.DisabledWhy,
                    w.CreatedAt,
                });
                return new Reply.Done(
                    new { webhooks },
                    webhooks.Count == 0
                        ? "No webhooks yet. Add one with: countersign webhook add <url>"
                        : terminal.Table(
                            ["id", "address", "events", "sources", ""],
                            webhooks.Select(w =>
                                new[]
                                {
                                    $"{w.Id}",
                                    w.Url,
                                    w.Events.Count == 0 ? "all" : string.Join(", ", w.Events),
                                    w.Sources.Count == 0 ? "all" : string.Join(", ", w.Sources),
                                    w.Disabled ? $"disabled: {w.DisabledWhy}" : "",
                                }
                            )
                        )
                );
            }
        );

    private static Command Change(
        Terminal terminal,
        string verb,
        string description,
        Func<Subscriptions, long, CancellationToken, Task<AccessOutcome<long>>> change,
        string done
    ) =>
        Verb.OnStore(
            terminal,
            verb,
            description,
            [Id],
            async (parse, hub, cancel) =>
                (await change(hub.Get<Subscriptions>(), parse.GetValue(Id), cancel)).ToReply(id => new Reply.Done(
                    new { id, state = done },
                    $"Webhook {id} is {done}."
                ))
        );
}
