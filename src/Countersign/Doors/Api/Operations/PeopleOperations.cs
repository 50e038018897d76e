using Countersign.Hosting.OpenApi;

namespace Countersign.Doors.Api.Operations;

/// <summary>The operations on people, groups, tokens and sessions, for the API's description.</summary>
internal static class PeopleOperations
{
    public static void List(OperationText call) =>
        call.Is("listPeople", "List people", "Lists all people, also disabled ones, in the order they were added.");

    public static void Add(OperationText call) =>
        call.Is(
                "addPerson",
                "Add a person",
                "Adds a person, as an agent unless `role` says otherwise. Without a password they sign in by a link."
            )
            .Example("""{"email": "ann@example.com", "name": "Ann Lee", "role": "agent"}""")
            .Answer(201, "The person.")
            .Fails(409, "conflict");

    public static void Disable(OperationText call) =>
        call.Is(
            "disablePerson",
            "Disable a person",
            "Shuts a person out: ends their sessions and tokens, and they can't decide."
        );

    public static void Enable(OperationText call) =>
        call.Is("enablePerson", "Enable a person", "Lets a disabled person in again.");

    public static void Erase(OperationText call) =>
        call.Is(
                "erasePerson",
                "Erase a person",
                "Disables a person for good and replaces their names and addresses in everything that's stored."
            )
            .Answer(200, "The name that stands for them now; `left` lists texts by admins that still name the person.")
            .Fails(422, "invalid");

    public static void SetPassword(OperationText call) =>
        call.Is("setPassword", "Set a person's password", "Sets a password, and ends the person's sessions.")
            .Example("""{"password": "correct horse battery staple"}""");

    public static void SetRole(OperationText call) =>
        call.Is("setRole", "Set a person's role", "Changes what a person can do.").Example("""{"role": "admin"}""");

    public static void Rename(OperationText call) =>
        call.Is(
                "renamePerson",
                "Rename a person",
                "Changes a person's name. Requests that name the earlier one still count as theirs."
            )
            .Example("""{"name": "Ann Lee-Jones"}""");

    public static void ResetSecondFactor(OperationText call) =>
        call.Is(
            "resetSecondFactor",
            "Reset a person's second factor",
            "Removes authenticator app, passkeys and recovery codes of a person who lost them."
        );

    public static void ListAliases(OperationText call) =>
        call.Is(
            "listAliases",
            "List a person's aliases",
            "Lists the names and emails that they have in other systems."
        );

    public static void AddAlias(OperationText call) =>
        call.Is(
                "addAlias",
                "Add an alias",
                "Adds a name or an email that a person has in another system. Requests made under it, also active "
                    + "ones, count as theirs."
            )
            .Example("""{"alias": "alee"}""")
            .Answer(201, "The alias.")
            .Fails(409, "would_block");

    public static void RemoveAlias(OperationText call) =>
        call.Is("removeAlias", "Remove an alias", "Requests made under it before still count as the person's.");

    public static void Import(OperationText call) =>
        call.Is(
                "importPeople",
                "Import people",
                "Adds missing people, and the given names, roles, groups and aliases. All rows are imported or none; "
                    + "importing twice changes nothing."
            )
            .Example(
                """
                {"people": [{"email": "ann@example.com", "name": "Ann Lee", "role": "agent", "groups": ["SRE"],
                 "aliases": ["alee"]}]}
                """
            )
            .Fails(409, "would_block");

    public static void ListAbsences(OperationText call) =>
        call.Is("listAbsences", "List absences", "Lists everyone's present and coming out-of-office periods.");

    public static void SetAbsence(OperationText call) =>
        call.Is("setAbsence", "Set a person's absence", "Sets when a person is out of office, and their delegate.")
            .Example(Absence);

    public static void EndAbsence(OperationText call) =>
        call.Is("endAbsence", "End a person's absence", "Removes a person's out-of-office period.");

    public static void GetOwnAbsence(OperationText call) =>
        call.Is("getOwnAbsence", "Get your absence", "Returns your out-of-office period and your delegate.")
            .Fails(404, "not_found")
            .Forbids("people_only");

    public static void SetOwnAbsence(OperationText call) =>
        call.Is("setOwnAbsence", "Set your absence", "Sets when you're out of office, and who decides meanwhile.")
            .Example(Absence)
            .Forbids("people_only");

    public static void EndOwnAbsence(OperationText call) =>
        call.Is("endOwnAbsence", "End your absence", "Removes your out-of-office period.").Forbids("people_only");

    public static void GetOwnChannels(OperationText call) =>
        call.Is("getOwnChannels", "Get your channels", "Returns which notification channels you have turned on.")
            .Forbids("people_only");

    public static void SetOwnChannels(OperationText call) =>
        call.Is("setOwnChannels", "Set your channels", "Turns notification channels on or off.")
            .Example("""{"mail": true, "slack": false}""")
            .Forbids("people_only");

    public static void ListGroups(OperationText call) =>
        call.Is("listGroups", "List groups", "Lists all groups with their members' emails.");

    public static void AddGroup(OperationText call) =>
        call.Is("addGroup", "Add a group", "Adds a group, with members that exist.")
            .Example("""{"name": "SRE", "members": ["ann@example.com"]}""")
            .Answer(201, "The group.")
            .Fails(404, "not_found")
            .Fails(409, "conflict");

    public static void RenameGroup(OperationText call) =>
        call.Is("renameGroup", "Rename a group", "Changes a group's name. The policy file has to name it anew.")
            .Example("""{"name": "Platform"}""")
            .Fails(409, "conflict");

    public static void AddMember(OperationText call) =>
        call.Is("addMember", "Add a member", "Adds a person to a group. Nothing changes if they are a member.");

    public static void RemoveMember(OperationText call) =>
        call.Is("removeMember", "Remove a member", "Removes a person from a group.");

    public static void ListTokens(OperationText call) =>
        call.Is("listTokens", "List API tokens", "Lists everyone's tokens, also revoked ones, without their secrets.");

    public static void AddToken(OperationText call) =>
        call.Is("addToken", "Create an API token", "Creates a token for a person. The secret is shown once.")
            .Example("""{"email": "ann@example.com"}""")
            .Answer(201, "The token.")
            .Fails(404, "not_found");

    public static void RevokeToken(OperationText call) =>
        call.Is("revokeToken", "Revoke an API token", "The token stops working at once, also on open streams.");

    public static void ListSessions(OperationText call) =>
        call.Is("listSessions", "List sessions", "Lists everyone's open browser sessions.");

    public static void EndSession(OperationText call) => call.Is("endSession", "End a session", "Signs a browser out.");

    private const string Absence = """
        {"from": "2026-12-24", "to": "2027-01-02", "standIn": "ben@example.com"}
        """;
}
