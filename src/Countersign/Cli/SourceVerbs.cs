using System.CommandLine;
using System.Globalization;
using Countersign.People;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary><c>countersign source …</c>: systems that ask.</summary>
internal static class SourceVerbs
{
    private static readonly Argument<string> Name = new("name") { Description = "The source's name." };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "source",
            "Systems that send requests: add, set who decides and how requesters are treated, rotate the "
                + "key, list, disable, enable.",
            Add(terminal),
            Set(terminal),
            Rotate(terminal),
            List(terminal),
            Change(
                terminal,
                "disable",
                "Refuse a source's calls. Takes effect within a second.",
                (sources, name, cancel) => sources.Disable(name, Hub.Origin, cancel),
                s => $"{s.Name} is disabled."
            ),
            Change(
                terminal,
                "enable",
                "Accept a disabled source's calls again, with the same key.",
                (sources, name, cancel) => sources.Enable(name, Hub.Origin, cancel),
                s => $"{s.Name} is enabled."
            )
        );

    private static Command Add(Terminal terminal)
    {
        var kind = new Option<string>("--kind")
        {
            Description = "The kind of source: LaunchDarkly, or any client of Countersign's own API.",
            DefaultValueFactory = _ => "launchdarkly",
        };
        kind.AcceptOnlyFromAmong("launchdarkly", "api");
        var (group, need, destination) = Deciders(
            "The group that decides this source's requests. The default is one admin."
        );
        var owner = Owner();
        return Verb.OnNewStore(
            terminal,
            "add",
            "Add a source and show its key, once.",
            [Name, kind, group, need, destination, owner],
            async (parse, hub, cancel) =>
            {
                var outcome = await hub.Get<Sources>()
                    .Add(
                        parse.GetValue(Name)!,
                        parse.GetValue(kind)!,
                        parse.GetValue(group),
                        parse.GetValue(need),
                        Hub.Origin,
                        cancel,
                        parse.GetValue(destination),
                        parse.GetValue(owner)
                    );
                return outcome.ToReply(made => new Reply.Done(
                    new
                    {
                        made.Id,
                        made.Name,
                        made.Key,
                    },
                    $"Added the source {made.Name} (source {made.Id}). Its key is shown only "
                        + $"once.\n\n{HowToUse(hub, parse.GetValue(kind)!, made.Name, made.Key)}"
                ));
            }
        );
    }

    private static Command Set(Terminal terminal)
    {
        var (group, need, destination) = Deciders("The group that decides this source's future requests.");
        var admin = new Option<bool>("--admin") { Description = "One admin decides." };
        var unknown = new Option<string?>("--unknown-requester")
        {
            Description =
                "If the requester isn't recognized: require one more approval, reject the request, or "
                + "require nothing more.",
        };
        unknown.AcceptOnlyFromAmong("one_more", "refuse", "allow");
        var claimed = new Option<string?>("--claimed-requester")
        {
            Description = "If the requester is only claimed: accept the request, or require one more approval.",
        };
        claimed.AcceptOnlyFromAmong("accept", "one_more");
        var owner = Owner();
        var noOwner = new Option<bool>("--no-owner") { Description = "The source has no owner." };
        var requester = new Option<string?>("--requester")
        {
            Description =
                "For kind api: whether each request must name its requester. Otherwise the source itself can "
                + "be the requester.",
        };
        requester.AcceptOnlyFromAmong("required", "optional");
        return Verb.OnStore(
            terminal,
            "set",
            "Change who decides a source's requests and how requesters are treated. Earlier requests don't change.",
            [Name, group, need, destination, admin, unknown, claimed, owner, noOwner, requester],
            async (parse, hub, cancel) =>
            {
                var asks = new SourceRequesterRules(
                    RequesterRules.UnknownOf(parse.GetValue(unknown) ?? ""),
                    RequesterRules.ClaimedOf(parse.GetValue(claimed) ?? ""),
                    parse.GetValue(noOwner) ? "" : parse.GetValue(owner),
                    parse.GetValue(requester) is { } word ? word == "required" : null
                );
                var decides = new SourceReviewers(
                    parse.GetValue(group),
                    parse.GetValue(need),
                    parse.GetValue(destination),
                    parse.GetValue(admin)
                );
                return await Tell(
                    hub,
                    await hub.Get<Sources>().Set(parse.GetValue(Name)!, decides, asks, Hub.Origin, cancel),
                    s => s.InWords,
                    cancel
                );
            }
        );
    }

    private static Option<string?> Owner() =>
        new("--owner")
        {
            Description = "The owner, who answers for the source and can't decide its requests.",
            HelpName = "email",
        };

    private static (Option<string?> Group, Option<int?> Need, Option<string?> Destination) Deciders(string who)
    {
        var need = new Option<int?>("--need")
        {
            Description = "How many members of the group must approve (1).",
            HelpName = "n",
        };
        need.Validators.Add(result =>
        {
            if (
                result.Tokens is [var token]
                && int.TryParse(token.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number)
                && number < 1
            )
            {
                result.AddError("--need is 1 or more.");
            }
        });
        return (
            new("--group") { Description = who, HelpName = "name" },
            need,
            new("--destination")
            {
                Description = "The workflow system that decides, instead of a group.",
                HelpName = "name",
            }
        );
    }

    private static Command Rotate(Terminal terminal)
    {
        var endOld = new Option<bool>("--end-old")
        {
            Description = "Only revoke the key from before the last rotation; create no new one.",
        };
        return Verb.OnStore(
            terminal,
            "rotate",
            "Create a new key. The old one keeps working until the next rotation or --end-old.",
            [Name, endOld],
            async (parse, hub, cancel) =>
            {
                var (sources, name) = (hub.Get<Sources>(), parse.GetValue(Name)!);
                if (parse.GetValue(endOld))
                {
                    return await Tell(
                        hub,
                        await sources.EndOldKey(name, Hub.Origin, cancel),
                        s => $"Only the newest key of {s.Name} works now.",
                        cancel
                    );
                }
                var outcome = await sources.Rotate(name, Hub.Origin, cancel);
                var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
                return outcome.ToReply(made => new Reply.Done(
                    new
                    {
                        made.Id,
                        directory.Sources[made.Id].Name,
                        made.Key,
                    },
                    $"""
                    The new key for {directory.Sources[made.Id].Name}, shown only once:

                        {made.Key}

                    The old key still works. Once the new one is in use, run:
                    countersign source rotate "{directory.Sources[made.Id].Name}" --end-old
                    """
                ));
            }
        );
    }

    private static Command List(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "list",
            "List all sources, without their keys.",
            [],
            async (_, hub, cancel) =>
            {
                var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
                var sources = directory
                    .Sources.Values.Where(s => s.Kind != "built-in")
                    .OrderBy(s => s.Id)
                    .Select(s => SourceLine.From(s, directory))
                    .ToList();
                return new Reply.Done(
                    new { sources },
                    sources.Count == 0
                        ? "No sources yet. Add one with: countersign source add <name>"
                        : Terminal.Table(
                            ["id", "name", "kind", "who decides", "last call", ""],
                            sources.Select(s =>
                                new[]
                                {
                                    $"{s.Id}",
                                    s.Name,
                                    s.Kind,
                                    s.WhoDecides,
                                    s.LastUsedAt ?? "never",
                                    s.Disabled ? "disabled" : "",
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
        Func<Sources, string, CancellationToken, Task<AccessOutcome<long>>> change,
        Func<SourceLine, string> text
    ) =>
        Verb.OnStore(
            terminal,
            verb,
            description,
            [Name],
            async (parse, hub, cancel) =>
                await Tell(hub, await change(hub.Get<Sources>(), parse.GetValue(Name)!, cancel), text, cancel)
        );

    private static async Task<Reply> Tell(
        Hub hub,
        AccessOutcome<long> outcome,
        Func<SourceLine, string> text,
        CancellationToken cancel
    )
    {
        var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
        return outcome.ToReply(id =>
            SourceLine.From(directory.Sources[id], directory) is var source
                ? new Reply.Done(source, text(source))
                : null!
        );
    }

    /// <summary>Exactly what to paste where.</summary>
    private static string HowToUse(Hub hub, string kind, string name, string key) =>
        kind switch
        {
            "launchdarkly" => LaunchDarklySetUp.Text(name, key, hub.Server.BaseUrl, hub.Server.PublicUrl is not null),
            _ => $"""
                    {key}

                Send it with every call:

                    curl -H 'Authorization: Bearer {key}' {hub.Server.BaseUrl}/api/v1/requests
                """,
        };

    private sealed record SourceLine(
        long Id,
        string Name,
        string Kind,
        string? Group,
        int? Need,
        string? Destination,
        bool Disabled,
        string CreatedAt,
        string? LastUsedAt,
        string UnknownRequester,
        string ClaimedRequester,
        string? Owner,
        bool RequesterRequired
    )
    {
        /// <summary>How it is set, and what that leaves open.</summary>
        [System.Text.Json.Serialization.JsonIgnore]
        public string InWords =>
            string.Join(
                Environment.NewLine,
                [
                    $"Requests of {Name} are decided by {WhoDecides}.",
                    UnknownRequester switch
                    {
                        "refuse" => "If the requester isn't recognized, the request is rejected.",
                        "allow" => "If the requester isn't recognized, nothing more is required. Anyone whose name is "
                            + "unknown here can approve their own change.",
                        _ => "If the requester isn't recognized, one more approval is required.",
                    },
                    ClaimedRequester == "one_more"
                        ? "If the requester is only claimed, one more approval is required."
                        : "If the requester is only claimed, the request is accepted. Anyone who can send "
                            + "requests in another person's name can approve their own change.",
                    Owner is null ? "Owner: none." : $"Owner: {Owner}, who can't decide its requests.",
                    .. RequesterRequired ? ["Each request must name its requester."] : Array.Empty<string>(),
                ]
            );

        [System.Text.Json.Serialization.JsonIgnore]
        public string WhoDecides => Destination ?? (Group is null ? "one admin" : $"{Need ?? 1} of {Group}");

        public static SourceLine From(Source source, PeopleSnapshot directory) =>
            new(
                source.Id,
                source.Name,
                source.Kind,
                source.GroupId is { } group ? directory.Groups[group].Name : null,
                source.Need,
                source.Destination,
                source.IsDisabled,
                Instant.ToText(source.CreatedAt),
                source.LastUsedAt is { } used ? Instant.ToText(used) : null,
                source.UnknownRequester.ToWireName(),
                source.ClaimedRequester.ToWireName(),
                source.OwnerId is { } owner ? directory.People[owner].Email : null,
                source.RequesterRequired
            );
    }
}
