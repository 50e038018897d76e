using System.CommandLine;
using System.Globalization;
using Countersign.Gates;
using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary><c>countersign source …</c>: systems that ask.</summary>
internal static class SourceVerbs
{
    internal static readonly Argument<string> Name = new("name") { Description = "The source's name." };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "source",
            "Systems that send requests: add, set who decides and how requesters are treated, rotate the "
                + "key, list, disable, enable.",
            Add(terminal),
            Set(terminal),
            SourceFormVerb.Build(terminal),
            SourceGateVerb.Build(terminal),
            Rotate(terminal),
            SetKeyExpiry(terminal),
            List(terminal),
            SourceConnectionVerbs.Test(terminal),
            SourceConnectionVerbs.Disconnect(terminal),
            SourceConnectionVerbs.Members(terminal),
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
            Description =
                "The kind of source: LaunchDarkly, a system that waits (GitHub, GitLab, Azure DevOps, Terraform, "
                + "Flagger), an agent, a pipeline, or any other client of Countersign's own API. Agents and pipelines "
                + "need an owner.",
            DefaultValueFactory = _ => SourceKinds.LaunchDarkly,
        };
        kind.AcceptOnlyFromAmong([.. SourceKinds.All]);
        var (group, need, destination) = Deciders(
            "The group that decides this source's requests. The default is one admin."
        );
        var owner = Owner();
        var expires = Expires();
        var (oauthClient, oauthSubject) = OAuth("");
        return Verb.OnNewStore(
            terminal,
            "add",
            "Add a source and show its key, once.",
            [Name, kind, group, need, destination, owner, expires, oauthClient, oauthSubject],
            async (parse, hub, cancel) =>
            {
                var (until, problem) = KeyExpiry.Read(parse.GetValue(expires), hub.Store.Now);
                if (problem is not null)
                    return new Reply.Failed(Reply.Invalid, problem);
                var (client, subject) = (parse.GetValue(oauthClient), parse.GetValue(oauthSubject));
                if (client is null && subject is not null)
                    return SubjectAlone;
                var outcome = await hub.Get<Sources>()
                    .Add(
                        parse.GetValue(Name)!,
                        parse.GetValue(kind)!,
                        parse.GetValue(group),
                        parse.GetValue(need),
                        Hub.Origin,
                        cancel,
                        parse.GetValue(destination),
                        parse.GetValue(owner),
                        until,
                        client is null ? null : AgentClient.Of(client, subject)
                    );
                return outcome.ToReply(made => new Reply.Done(
                    new
                    {
                        made.Id,
                        made.Name,
                        made.Key,
                    },
                    hub.Get<GateSources>().Knows(parse.GetValue(kind)!)
                        ? $"Added the source {made.Name} (source {made.Id}).\n\n"
                            + SourceGateVerb.HowToSetUp(hub, made.Id, made.Name, parse.GetValue(kind)!)
                        : $"Added the source {made.Name} (source {made.Id}). Its key is shown only "
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
        var (oauthClient, oauthSubject) = OAuth(" none removes it.");
        return Verb.OnStore(
            terminal,
            "set",
            "Change who decides a source's requests, how requesters are treated, and what LaunchDarkly is asked. "
                + "Earlier requests don't change.",
            [
                Name,
                group,
                need,
                destination,
                admin,
                unknown,
                claimed,
                owner,
                noOwner,
                requester,
                oauthClient,
                oauthSubject,
                .. SourceConnectionVerbs.Switches,
            ],
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
                var isConnected = SourceConnectionVerbs.AreUsed(parse);
                if (isConnected && await SourceConnectionVerbs.Set(terminal, parse, hub, cancel) is { } wrong)
                    return wrong;
                var name = parse.GetValue(Name)!;
                var (client, subject) = (parse.GetValue(oauthClient), parse.GetValue(oauthSubject));
                if (client is null && subject is not null)
                    return SubjectAlone;
                var bound = client is null
                    ? null
                    : await hub.Get<SetAgentClient>()
                        .Run(name, client == "none" ? null : AgentClient.Of(client, subject), Hub.Origin, cancel);
                if (bound is not null and not AccessOutcome<long>.Done)
                    return await Tell(hub, bound, InWords, cancel);
                // With nothing else to change, there is nothing to ask of the source itself.
                var isRest =
                    decides != new SourceReviewers(null, null, null, false)
                    || asks != new SourceRequesterRules(null, null, null, null)
                    || (!isConnected && bound is null);
                var reply = await Tell(
                    hub,
                    !isRest
                        ? bound ?? await SourceConnectionVerbs.IdOf(hub, name, cancel)
                        : await hub.Get<Sources>().Set(name, decides, asks, Hub.Origin, cancel),
                    InWords,
                    cancel
                );
                return isConnected ? await SourceConnectionVerbs.AddTo(reply, hub, name, cancel) : reply;
            }
        );
    }

    private static Option<string?> Owner() =>
        new("--owner")
        {
            Description = "The owner, who answers for the source and can't decide its requests.",
            HelpName = "email",
        };

    private static (Option<string?> Client, Option<string?> Subject) OAuth(string more) =>
        (
            new("--oauth-client")
            {
                Description =
                    "For kind agent: the OAuth client whose access tokens act as this source, if the server has "
                    + $"Mcp:Authority.{more}",
                HelpName = "client-id",
            },
            new("--oauth-subject")
            {
                Description = "The subject (sub) of these tokens. The default is the client itself.",
                HelpName = "subject",
            }
        );

    private static readonly Reply.Failed SubjectAlone = new(Reply.Usage, "--oauth-subject requires --oauth-client.");

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

    private const string HowToExpire = "a day (2027-01-31), a time with its zone, a duration (90d), or never.";

    private static Option<string?> Expires() =>
        new("--expires") { Description = "Until when the new key is taken: " + HowToExpire, HelpName = "when" };

    private static Command SetKeyExpiry(Terminal terminal)
    {
        var when = new Argument<string>("when") { Description = "Until when its newest key is taken: " + HowToExpire };
        return Verb.OnStore(
            terminal,
            "key-expiry",
            "Set when a source's newest key expires. The log, the pages and doctor warn 14 days before.",
            [Name, when],
            async (parse, hub, cancel) =>
            {
                var (until, problem) = KeyExpiry.Read(parse.GetValue(when), hub.Store.Now);
                return problem is not null
                    ? new Reply.Failed(Reply.Invalid, problem)
                    : await Tell(
                        hub,
                        await hub.Get<Sources>().SetKeyExpiry(parse.GetValue(Name)!, until, Hub.Origin, cancel),
                        s =>
                            s.KeyExpires is { } at
                                ? $"The newest key of {s.Name} expires at {at}."
                                : $"The newest key of {s.Name} doesn't expire.",
                        cancel
                    );
            }
        );
    }

    private static Command Rotate(Terminal terminal)
    {
        var expires = Expires();
        var endOld = new Option<bool>("--end-old")
        {
            Description = "Only revoke the key from before the last rotation; create no new one.",
        };
        return Verb.OnStore(
            terminal,
            "rotate",
            "Create a new key. The old one keeps working until the next rotation or --end-old.",
            [Name, endOld, expires],
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
                var (until, problem) = KeyExpiry.Read(parse.GetValue(expires), hub.Store.Now);
                if (problem is not null)
                    return new Reply.Failed(Reply.Invalid, problem);
                var outcome = await sources.Rotate(name, Hub.Origin, cancel, until);
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
        Verb.Reading(
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
                    .Select(s => SourceView.From(s, directory))
                    .ToList();
                return new Reply.Done(
                    new { sources },
                    sources.Count == 0
                        ? "No sources yet. Add one with: countersign source add <name>"
                        : terminal.Table(
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
        Func<SourceView, string> text
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
        Func<SourceView, string> text,
        CancellationToken cancel
    )
    {
        var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
        return outcome.ToReply(id =>
            SourceView.From(directory.Sources[id], directory) is var source
                ? new Reply.Done(source, text(source))
                : null!
        );
    }

    private static string Indented(string lines) => "    " + lines.ReplaceLineEndings("\n    ");

    /// <summary>Exactly what to paste where.</summary>
    private static string HowToUse(Hub hub, string kind, string name, string key) =>
        kind switch
        {
            SourceKinds.LaunchDarkly => LaunchDarklySetUp.Text(
                name,
                key,
                hub.Server.BaseUrl,
                hub.Server.PublicUrl is not null
            ),
            SourceKinds.Agent => $"""
                Add this to the MCP servers of your agent (docs/gates/agents.md):

                {Indented(GateSetUp.Snippet(kind, key, hub.Server.BaseUrl)!)}
                """,
            SourceKinds.Pipeline => $"""
                Keep the key as a secret of your CI, and let a step wait for the approval (docs/gates/pipelines.md):

                {Indented(GateSetUp.Snippet(kind, key, hub.Server.BaseUrl)!)}
                """,
            _ => $"""
                    {key}

                Send it with every call:

                    curl -H 'Authorization: Bearer {key}' {hub.Server.BaseUrl}/api/v1/requests
                """,
        };

    /// <summary>How it is set, and what that leaves open.</summary>
    private static string InWords(SourceView source) =>
        string.Join(
            Environment.NewLine,
            [
                $"Requests of {source.Name} are decided by {source.WhoDecides}.",
                source.UnknownRequester switch
                {
                    "refuse" => "If the requester isn't recognized, the request is rejected.",
                    "allow" => "If the requester isn't recognized, nothing more is required. Anyone whose name is "
                        + "unknown here can approve their own change.",
                    _ => "If the requester isn't recognized, one more approval is required.",
                },
                source.ClaimedRequester == "one_more"
                    ? "If the requester is only claimed, one more approval is required."
                    : "If the requester is only claimed, the request is accepted. Anyone who can send "
                        + "requests in another person's name can approve their own change.",
                source.Owner is null ? "Owner: none." : $"Owner: {source.Owner}, who can't decide its requests.",
                .. source.RequesterRequired ? ["Each request must name its requester."] : Array.Empty<string>(),
                .. source.OauthClient is { } client
                    ? [$"Access tokens of the OAuth client {client} with the subject {source.OauthSubject} act as it."]
                    : Array.Empty<string>(),
            ]
        );
}
