using System.CommandLine;
using Countersign.People;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary><c>countersign group …</c>: people any of whom may fill a slot.</summary>
internal static class GroupVerbs
{
    private static readonly Argument<string> Name = new("name") { Description = "The group's name." };
    private static readonly Argument<string> Email = new("email") { Description = "The member's email." };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "group",
            "Groups: add, rename, list, add and remove members.",
            Add(terminal),
            Rename(terminal),
            List(terminal),
            Verb.Family(
                "member",
                "Add or remove a member.",
                ChangeMember(
                    terminal,
                    "add",
                    "Add a member.",
                    (groups, name, email, cancel) => groups.AddMember(name, email, Hub.Origin, cancel),
                    (group, email) => $"{email} is in {group}."
                ),
                ChangeMember(
                    terminal,
                    "remove",
                    "Remove a member. Their earlier decisions still count.",
                    (groups, name, email, cancel) => groups.RemoveMember(name, email, Hub.Origin, cancel),
                    (group, email) => $"{email} is not in {group}."
                )
            )
        );

    private static Command Add(Terminal terminal)
    {
        var member = new Option<string[]>("--member")
        {
            Description = "A member's email. Can be repeated.",
            HelpName = "email",
            DefaultValueFactory = _ => [],
        };
        return Verb.OnNewStore(
            terminal,
            "add",
            "Add a group.",
            [Name, member],
            async (parse, hub, cancel) =>
            {
                var outcome = await hub.Get<Groups>()
                    .Add(parse.GetValue(Name)!, parse.GetValue(member)!, Hub.Origin, cancel);
                return outcome.ToReply(group => new Reply.Done(
                    new { group.Id, group.Name },
                    $"Added the group {group.Name} (group {group.Id}) with "
                        + $"{(group.Members.Count == 1 ? "1 member" : $"{group.Members.Count} members")}."
                ));
            }
        );
    }

    private static Command Rename(Terminal terminal)
    {
        var newName = new Argument<string>("new-name") { Description = "The new name." };
        return Verb.OnStore(
            terminal,
            "rename",
            "Rename a group. Update policy files that name it.",
            [Name, newName],
            async (parse, hub, cancel) =>
            {
                var outcome = await hub.Get<Groups>()
                    .Rename(parse.GetValue(Name)!, parse.GetValue(newName)!, Hub.Origin, cancel);
                return await Tell(hub, outcome, group => $"The group is now named {group}.", cancel);
            }
        );
    }

    private static Command List(Terminal terminal) =>
        Verb.Reading(
            terminal,
            "list",
            "List all groups and their members.",
            [],
            async (_, hub, cancel) =>
            {
                var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
                var groups = directory
                    .Groups.Values.OrderBy(g => g.Id)
                    .Select(g => GroupLine.From(g, directory))
                    .ToList();
                return new Reply.Done(
                    new { groups },
                    groups.Count == 0
                        ? "No groups yet. Add one with: countersign group add <name> --member <email>"
                        : terminal.Table(
                            ["id", "name", "members"],
                            groups.Select(g => new[] { $"{g.Id}", g.Name, string.Join(", ", g.Members) })
                        )
                );
            }
        );

    private static Command ChangeMember(
        Terminal terminal,
        string verb,
        string description,
        Func<Groups, string, string, CancellationToken, Task<AccessOutcome<long>>> change,
        Func<string, string, string> text
    ) =>
        Verb.OnStore(
            terminal,
            verb,
            description,
            [Name, Email],
            async (parse, hub, cancel) =>
            {
                var email = parse.GetValue(Email)!;
                var outcome = await change(hub.Get<Groups>(), parse.GetValue(Name)!, email, cancel);
                return await Tell(hub, outcome, group => text(group, email), cancel);
            }
        );

    private static async Task<Reply> Tell(
        Hub hub,
        AccessOutcome<long> outcome,
        Func<string, string> text,
        CancellationToken cancel
    )
    {
        var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
        return outcome.ToReply(id =>
            GroupLine.From(directory.Groups[id], directory) is var group
                ? new Reply.Done(group, text(group.Name))
                : null!
        );
    }

    private sealed record GroupLine(long Id, string Name, IReadOnlyList<string> Members, string CreatedAt)
    {
        public static GroupLine From(Group group, PeopleSnapshot directory) =>
            new(
                group.Id,
                group.Name,
                [.. group.Members.Select(id => directory.People[id].Email ?? directory.People[id].Name)],
                Instant.ToText(group.CreatedAt)
            );
    }
}
