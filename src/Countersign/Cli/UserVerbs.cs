using System.CommandLine;
using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign user …</c>: people who ask and answer. Nobody is ever deleted, because their answers remain.
/// </summary>
internal static class UserVerbs
{
    private static readonly Argument<string> Email = new("email") { Description = "The person's email." };

    public static Command Build(Terminal terminal) =>
        Verb.Family(
            "user",
            "People: add, import, list, disable, enable, erase, change password, role, name and aliases.",
            Add(terminal),
            Import(terminal),
            List(terminal),
            Disable(terminal),
            Enable(terminal),
            Erase(terminal),
            Password(terminal),
            ResetSecondFactor(terminal),
            SetRole(terminal),
            Rename(terminal),
            AliasVerbs(terminal),
            AbsenceVerbs.Build(terminal)
        );

    private static Command Add(Terminal terminal)
    {
        var name = new Option<string>("--name")
        {
            Description = "The person's name.",
            Required = true,
            HelpName = "name",
        };
        var role = new Option<string>("--role")
        {
            Description = "admin manages everything, agent can submit requests, end-user can review.",
            DefaultValueFactory = _ => "agent",
        };
        role.AcceptOnlyFromAmong("admin", "agent", "end-user");
        var password = new Option<bool>("--password-stdin")
        {
            Description =
                "Read the password from the first line of standard input. Without it the person has no password yet.",
        };
        return Verb.OnNewStore(
            terminal,
            "add",
            "Add a person.",
            [Email, name, role, password],
            async (parse, hub, cancel) =>
            {
                string? secret = null;
                if (parse.GetValue(password) && (secret = terminal.Input.ReadLine()) is null)
                    return NoPassword;
                var outcome = await hub.Get<Accounts>()
                    .Add(
                        parse.GetValue(Email)!,
                        parse.GetValue(name)!,
                        Roles.Of(parse.GetValue(role)!)!.Value,
                        secret,
                        Hub.Origin,
                        cancel
                    );
                return outcome.ToReply(person => new Reply.Done(
                    new
                    {
                        person.Id,
                        person.Email,
                        person.Name,
                        role = person.Role.ToWireName(),
                    },
                    $"Added {person.Name} <{person.Email}> as {person.Role.ToWireName()} (person {person.Id})."
                ));
            }
        );
    }

    private static Command List(Terminal terminal) =>
        Verb.Reading(
            terminal,
            "list",
            "List everyone.",
            [],
            async (_, hub, cancel) =>
            {
                var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
                var people = directory
                    .People.Values.Where(p => p.Role != Role.Service)
                    .OrderBy(p => p.Id)
                    .Select(PersonLine.From)
                    .ToList();
                return new Reply.Done(
                    new { people },
                    people.Count == 0
                        ? "No people yet. Start with: countersign user add <email> --name <name> --role admin "
                            + "--password-stdin"
                        : terminal.Table(
                            ["id", "email", "name", "role", ""],
                            people.Select(p =>
                                new[] { $"{p.Id}", p.Email, p.Name, p.Role, p.Disabled ? "disabled" : "" }
                            )
                        )
                );
            }
        );

    private static Command Disable(Terminal terminal)
    {
        var force = ForceLastAdmin();
        return Verb.OnStore(
            terminal,
            "disable",
            "Disable a person now. Dismisses their decisions on active requests; closed requests don't change.",
            [Email, force],
            async (parse, hub, cancel) =>
                await Tell(
                    hub,
                    await hub.Get<Accounts>()
                        .Disable(parse.GetValue(Email)!, Hub.Origin, cancel, parse.GetValue(force)),
                    p => $"{p.DisplayName} is disabled.",
                    cancel
                )
        );
    }

    private static Command Enable(Terminal terminal) =>
        Change(
            terminal,
            "enable",
            "Enable a disabled person.",
            (people, email, cancel) => people.Enable(email, Hub.Origin, cancel),
            p => $"{p.DisplayName} is enabled."
        );

    private static Command Erase(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "erase",
            "Erase a person for good: disable them, and replace their name, email and texts everywhere "
                + "except in sealed events.",
            [Email],
            async (parse, hub, cancel) =>
                (await hub.Get<ErasePerson>().Run(parse.GetValue(Email)!, Hub.Origin, cancel)).ToReply(
                    erased => new Reply.Done(
                        new
                        {
                            erased.Id,
                            erased.Name,
                            erased.Left,
                        },
                        $"{parse.GetValue(Email)} is now {erased.Name}."
                            + (
                                erased.Left.Count == 0
                                    ? ""
                                    : $" These texts by admins still name them: {string.Join(", ", erased.Left)}."
                            )
                    )
                )
        );

    private static Command Password(Terminal terminal)
    {
        var stdin = new Option<bool>("--password-stdin")
        {
            Description = "Read the password from the first line of standard input instead of asking for it.",
        };
        return Verb.OnStore(
            terminal,
            "password",
            "Set a person's password.",
            [Email, stdin],
            async (parse, hub, cancel) =>
            {
                var ask = !parse.GetValue(stdin) && !Console.IsInputRedirected && !terminal.IsJson;
                var secret = ask ? Ask() : terminal.Input.ReadLine();
                if (secret is null)
                    return NoPassword;
                var outcome = await hub.Get<Accounts>().SetPassword(parse.GetValue(Email)!, secret, Hub.Origin, cancel);
                return await Tell(hub, outcome, p => $"{p.DisplayName} has a new password.", cancel);
            }
        );
    }

    private static Command ResetSecondFactor(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "reset-second-factor",
            "Remove a person's authenticator app, passkeys and recovery codes, and end all their sessions.",
            [Email],
            async (parse, hub, cancel) =>
                await Tell(
                    hub,
                    await hub.Get<SecondFactors>().Reset(parse.GetValue(Email)!, Hub.Origin, cancel),
                    p => $"{p.DisplayName} has no second factor now and has to sign in again.",
                    cancel
                )
        );

    private static Command SetRole(Terminal terminal)
    {
        var role = new Argument<string>("role")
        {
            Description = "admin manages everything, agent can submit requests, end-user can review.",
        };
        role.AcceptOnlyFromAmong("admin", "agent", "end-user");
        var force = ForceLastAdmin();
        return Verb.OnStore(
            terminal,
            "role",
            "Change a person's role. Their earlier decisions stay.",
            [Email, role, force],
            async (parse, hub, cancel) =>
                await Tell(
                    hub,
                    await hub.Get<Accounts>()
                        .SetRole(
                            parse.GetValue(Email)!,
                            Roles.Of(parse.GetValue(role)!)!.Value,
                            Hub.Origin,
                            cancel,
                            parse.GetValue(force)
                        ),
                    p => $"{p.DisplayName} is {p.Role} now.",
                    cancel
                )
        );
    }

    private static Command Rename(Terminal terminal)
    {
        var name = new Argument<string>("name") { Description = "The person's new name." };
        return Verb.OnStore(
            terminal,
            "rename",
            "Change a person's name. A request made under the earlier name still counts as theirs.",
            [Email, name],
            async (parse, hub, cancel) =>
                await Tell(
                    hub,
                    await hub.Get<Accounts>().Rename(parse.GetValue(Email)!, parse.GetValue(name)!, Hub.Origin, cancel),
                    p => $"The person is now named {p.DisplayName}.",
                    cancel
                )
        );
    }

    private static Command AliasVerbs(Terminal terminal)
    {
        var force = Force();
        var alias = new Argument<string>("alias")
        {
            Description = "A name or an email that the person has in another system.",
        };
        return Verb.Family(
            "alias",
            "A person's names and emails in other systems. They can't decide requests made under an alias.",
            Verb.OnStore(
                terminal,
                "add",
                "Add an alias. Also bars the person from deciding active requests made under it.",
                [Email, alias, force],
                async (parse, hub, cancel) =>
                {
                    var email = parse.GetValue(Email)!;
                    var outcome = await hub.Get<Aliases>()
                        .Add(email, parse.GetValue(alias)!, Hub.Origin, cancel, parse.GetValue(force));
                    var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
                    return outcome.ToReply(made =>
                        PersonLine.From(directory.FindPerson(email)!) is var person
                            ? new Reply.Done(person, $"{person.DisplayName} is also known as {made.Text}.")
                            : null!
                    );
                }
            ),
            Verb.OnStore(
                terminal,
                "remove",
                "Remove an alias. People it barred from deciding a request stay barred.",
                [Email, alias],
                async (parse, hub, cancel) =>
                    await Tell(
                        hub,
                        await hub.Get<Aliases>()
                            .Remove(parse.GetValue(Email)!, parse.GetValue(alias)!, Hub.Origin, cancel),
                        p =>
                            p.Aliases.Count == 0
                                ? $"{p.DisplayName} has no aliases."
                                : $"{p.DisplayName} is also known as {string.Join(", ", p.Aliases)}.",
                        cancel
                    )
            )
        );
    }

    private static Option<bool> ForceLastAdmin() =>
        new("--force")
        {
            Description = "Even if it is the last admin. The server then prints a link for a new one when it starts.",
        };

    private static Option<bool> Force() =>
        new("--force") { Description = "Even if an active request is left without a reviewer who could approve it." };

    private static Command Import(Terminal terminal)
    {
        var force = Force();
        var file = new Argument<string>("file")
        {
            Description =
                "CSV with the header email,name,role,groups,aliases (separate several groups or aliases with "
                + "semicolons), or a JSON list of such people. Use - for standard input.",
        };
        return Verb.OnNewStore(
            terminal,
            "import",
            "Add people from a file, with names, roles, groups and aliases. Removes nothing; importing twice "
                + "changes nothing.",
            [file, force],
            async (parse, hub, cancel) =>
            {
                var (text, failed) = await PolicyVerbs.Read(terminal, parse.GetValue(file)!, cancel);
                if (text is null)
                    return failed!;
                var (people, mistakes) = PeopleFile.Read(text);
                using var progress = ProgressLine.Of(terminal, "Imported", "people");
                return mistakes.Count > 0
                    ? NotImported(mistakes)
                    : await hub.Get<PeopleImport>()
                        .Run(people, Hub.Origin, cancel, parse.GetValue(force), progress) switch
                    {
                        ImportOutcome.Done { People: var done } => new Reply.Done(done, InWords(done)),
                        ImportOutcome.WouldBlock { Requests: var blocking } => Verb.WouldBlock(blocking.Text),
                        ImportOutcome.Refused { Mistakes: var more } => NotImported(more),
                        _ => throw new System.Diagnostics.UnreachableException(),
                    };
            }
        );
    }

    private static Reply.Failed NotImported(IReadOnlyList<string> mistakes) =>
        new(Reply.Invalid, $"Nothing was imported.{Environment.NewLine}{string.Join(Environment.NewLine, mistakes)}");

    private static string InWords(ImportedPeople done)
    {
        var lines = done.Added.Select(e => $"added    {e}").Concat(done.Changed.Select(e => $"changed  {e}"));
        return string.Join(
            Environment.NewLine,
            lines.Append(
                $"{done.Added.Count} added, {done.Changed.Count} changed, {done.Unchanged} unchanged; "
                    + $"{done.Aliases} new aliases."
            )
        );
    }

    private static Reply NoPassword => new Reply.Failed(Reply.Usage, "No password: standard input was empty.");

    private static Command Change(
        Terminal terminal,
        string name,
        string description,
        Func<Accounts, string, CancellationToken, Task<AccessOutcome<long>>> change,
        Func<PersonLine, string> text
    ) =>
        Verb.OnStore(
            terminal,
            name,
            description,
            [Email],
            async (parse, hub, cancel) =>
                await Tell(hub, await change(hub.Get<Accounts>(), parse.GetValue(Email)!, cancel), text, cancel)
        );

    /// <summary>A change is answered with the person as they are now.</summary>
    private static async Task<Reply> Tell(
        Hub hub,
        AccessOutcome<long> outcome,
        Func<PersonLine, string> text,
        CancellationToken cancel
    )
    {
        var directory = await hub.Get<PeopleDirectory>().Refresh(cancel);
        return outcome.ToReply(id =>
            PersonLine.From(directory.People[id]) is var person ? new Reply.Done(person, text(person)) : null!
        );
    }

    /// <summary>Asks twice at a terminal and shows nothing of what is typed.</summary>
    private static string? Ask()
    {
        while (true)
        {
            var first = AskOnce("Password: ");
            if (first is null || first == AskOnce("Repeat the password: "))
                return first;
            Console.Error.WriteLine("The passwords don't match.");
        }
    }

    private static string? AskOnce(string prompt)
    {
        Console.Error.Write(prompt);
        var typed = new System.Text.StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    Console.Error.WriteLine();
                    return typed.Length == 0 ? null : typed.ToString();
                case ConsoleKey.Backspace when typed.Length > 0:
                    typed.Length--;
                    break;
                default:
                    if (!char.IsControl(key.KeyChar))
                        typed.Append(key.KeyChar);
                    break;
            }
        }
    }

    private sealed record PersonLine(
        long Id,
        string Email,
        string Name,
        string Role,
        bool Disabled,
        string CreatedAt,
        IReadOnlyList<string> Aliases,
        IReadOnlyList<string> EarlierNames
    )
    {
        /// <summary>For what is printed for people; the document has the address beside the name anyway.</summary>
        [System.Text.Json.Serialization.JsonIgnore]
        public string DisplayName { get; private init; } = Name;

        public static PersonLine From(Person person) =>
            new(
                person.Id,
                person.Email ?? "",
                person.Name,
                person.Role.ToWireName(),
                person.IsDisabled,
                Instant.ToText(person.CreatedAt),
                person.Aliases,
                person.EarlierNames
            )
            {
                DisplayName = person.DisplayName,
            };
    }
}
