using System.CommandLine;
using Countersign.Outcomes.Webhooks;
using Countersign.People;

namespace Countersign.Cli;

/// <summary><c>countersign webhook …</c>: receivers of events, signed after Standard Webhooks.</summary>
internal static class WebhookVerbs
{
    private static readonly Argument<long> Id = new("id") { Description = "The webhook's number, as list shows it." };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "webhook",
            "Receivers of events: add, test, rotate the secret, list, disable, enable.",
            Add(terminal),
            Test(terminal),
            Rotate(terminal),
            List(terminal),
            Change(
                terminal,
                "disable",
                "Send nothing more there. What waits is kept as failed.",
                (webhooks, id, cancel) => webhooks.Disable(id, Hub.Origin, cancel),
                "disabled"
            ),
            Change(
                terminal,
                "enable",
                "Send there again.",
                (webhooks, id, cancel) => webhooks.Enable(id, Hub.Origin, cancel),
                "enabled"
            )
        );

    private static Command Add(Terminal terminal)
    {
        var url = new Argument<string>("url") { Description = "Where events are posted." };
        var kinds = new Option<string[]>("--event")
        {
            Description =
                "A kind of event, or a family such as request.*; more than once for several. Without it, all.",
            HelpName = "kind",
        };
        var sources = new Option<string[]>("--source")
        {
            Description = "Only requests of this source; more than once for several.",
            HelpName = "name",
        };
        return Verb.OnStore(
            terminal,
            "add",
            "Add a webhook; its secret is shown this once.",
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
                    Webhook {made.Id} hears of events from now on. Its secret, shown only this once:

                        {made.Secret}

                    The receiver checks every message with it, with any library of https://www.standardwebhooks.com.
                    Try it: countersign webhook test {made.Id}{(
                        hub.Settings.PublicUrl is null ? "\n\nPublicUrl is not set: until it is, nothing is sent." : ""
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
            "Send a test message now and say how it went.",
            [Id],
            async (parse, hub, cancel) =>
            {
                var outcome = await hub.Get<TestWebhook>().Run(parse.GetValue(Id), Hub.Origin, cancel);
                return outcome.ToReply(result =>
                    result.Ok
                        ? new Reply.Done(result, $"It arrived: the receiver answered {result.Status}.")
                        : new Reply.Failed(
                            result.Failure!.Replace(' ', '_'),
                            "It did not arrive: "
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
            Description = "Make no new secret, but sign with the newest one only.",
        };
        return Verb.OnStore(
            terminal,
            "rotate",
            "Make a new secret; messages are signed with the old one as well until the next rotation or --end-old.",
            [Id, endOld],
            async (parse, hub, cancel) =>
            {
                var (webhooks, id) = (hub.Get<Subscriptions>(), parse.GetValue(Id));
                if (parse.GetValue(endOld))
                {
                    return (await webhooks.EndOldSecret(id, Hub.Origin, cancel)).ToReply(_ => new Reply.Done(
                        new { id },
                        $"Only the newest secret of webhook {id} signs now."
                    ));
                }
                return (await webhooks.Rotate(id, Hub.Origin, cancel)).ToReply(made => new Reply.Done(
                    new { made.Id, made.Secret },
                    $"""
                    The new secret of webhook {made.Id}, shown only this once:

                        {made.Secret}

                    Messages are signed with the old secret too. Once the receiver has the new one, run:
                    countersign webhook rotate {made.Id} --end-old
                    """
                ));
            }
        );
    }

    private static Command List(Terminal terminal) =>
        Verb.OnStore(
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
                        ? "No webhooks yet. Begin with: countersign webhook add <url>"
                        : Terminal.Table(
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
