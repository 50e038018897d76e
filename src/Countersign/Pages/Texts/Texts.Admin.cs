using System.Globalization;
using Countersign.People;
using Countersign.Policies;

namespace Countersign.Pages;

internal partial class Texts
{
    // What just happened, and what did not
    public virtual string AlreadyThere(string what) => $"There is {what} already.";

    public virtual string NotThere(string what) => $"There is no such thing here: {what}.";

    public virtual string NobodyWithAddress(string email) => $"There is nobody here with the address {email}.";

    public virtual string NoDate => "This is no date.";

    public virtual string? Done(string what) =>
        what switch
        {
            "added" => "Added.",
            "changed" => "Done.",
            "revoked" => "The token is revoked.",
            "ended" => "Ended.",
            "password" => "You have a new password. Your other sessions are ended.",
            _ => null,
        };

    public virtual string ShownOnce =>
        "This is shown only now. Keep it where it is needed; later it can be replaced, not shown.";
    public virtual string KeptIt => "I have kept it";
    public virtual string Disabled => "disabled";
    public virtual string Disable => "Disable…";

    public virtual string DisableDo(string name) => $"Disable {name}";

    public virtual string Enable => "Enable again";
    public virtual string Remove => "Remove…";

    public virtual string RemoveDo(string name) => $"Remove {name}";

    public virtual string Add => "Add";
    public virtual string Added => "Added";
    public virtual string Never => "never";
    public virtual string None => "none";
    public virtual string Nobody => "nobody";

    // People and groups
    public virtual string Name => "Name";
    public virtual string Role => "Role";
    public virtual string Group => "Group";
    public virtual string Members => "Members";
    public virtual string AddPerson => "Add a person";
    public virtual string AddGroup => "Add a group";
    public virtual string NewGroup => "Name of the new group";
    public virtual string NoGroups => "No groups yet";
    public virtual string NoGroupsWhat =>
        "A group decides together: any member may give one of the approvals that it owes.";
    public virtual string FirstPasswordHint =>
        "Leave it empty for somebody who signs in with your identity provider, or who gets a password later.";
    public virtual string SetPasswordHint =>
        "Ends all sessions of this person. Tell them the password yourself; it is not sent.";
    public virtual string NewPassword => "New password";
    public virtual string SetPassword => "Set the password";
    public virtual string ChangeName => "Change the name";
    public virtual string ChangeRole => "Change the role";
    public virtual string Erase => "Erase";

    public virtual string EraseDo(string name) => $"Erase {name}";

    public virtual string ErasePersonQuestion(string name) =>
        $"Erase {name} for good? They are shut out, their active requests are withdrawn, and their name, email address, notes and comments are replaced everywhere but in the sealed record. This can't be undone.";

    public virtual string ErasedWhat => "This person was erased. What is sealed in the record stays.";
    public virtual string NotToYourself =>
        "You cannot do this to yourself, since you could not undo it. Ask another admin.";
    public virtual string DisabledWhat =>
        "This person is disabled: they cannot sign in, and their tokens open nothing.";

    public virtual string DisablePersonQuestion(string name) =>
        $"{name} is signed out at once and cannot sign in any more. Their answers to requests that are still open count no longer, also after they are enabled again.";

    public virtual string RoleName(Role role) =>
        role switch
        {
            Countersign.People.Role.Admin => "Admin",
            Countersign.People.Role.Agent => "Agent",
            Countersign.People.Role.EndUser => "End user",
            _ => "Service",
        };

    public virtual string RoleInWords(Role role) =>
        role switch
        {
            Countersign.People.Role.Admin => "Admin: looks after the hub and sees everything",
            Countersign.People.Role.Agent => "Agent: asks, and answers what they are asked",
            Countersign.People.Role.EndUser => "End user: answers what they are asked",
            _ => "Service",
        };

    public virtual string GroupLede =>
        "Every member may give one of the approvals that this group owes. Whoever leaves keeps the answers that they gave.";
    public virtual string RenameGroupHint =>
        "A policy that names this group has to be changed too. Requests asked before keep the name they were asked with.";
    public virtual string NoMembers => "Nobody is in this group yet";
    public virtual string NoMembersWhat => "What is asked of it cannot be decided until somebody is.";
    public virtual string AddMember => "Add a member";

    public virtual string RemoveMemberQuestion(string name, string group) =>
        $"{name} can then answer nothing more for {group}. Answers that they gave stay.";

    public virtual string EarlierNames => "Earlier names";
    public virtual string RenamePersonHint =>
        "The name before stays known: a request made under it still counts as this person's.";
    public virtual string Aliases => "Aliases";
    public virtual string Alias => "Alias";
    public virtual string AliasesWhat =>
        "Names and email addresses this person has in other systems. A request made under one of them counts as theirs, so they can't approve it.";
    public virtual string NewAlias => "Name or email address";
    public virtual string NewAliasHint => "As the other system writes it.";
    public virtual string AddAlias => "Add alias";

    public virtual string WouldBlock(int count) =>
        count == 1
            ? "Not saved yet: no reviewer could approve 1 active request any more."
            : string.Create(
                CultureInfo.InvariantCulture,
                $"Not saved yet: no reviewer could approve {count} active requests any more."
            );

    public virtual string AddAliasAnyway => "Add alias anyway";

    public virtual string AddAliasAnywayWhat(string alias) =>
        $"These requests were made under {alias}. They stay open, and can be withdrawn, or approved once there is another reviewer:";

    public virtual string RemoveAliasQuestion(string alias) =>
        $"A new request made under {alias} no longer counts as this person's. Requests that it already keeps them from deciding stay as they are.";

    // Tokens and sessions
    public virtual string Tokens => "Tokens";
    public virtual string TokensLede =>
        "Keys with which people's programs call the API. Each person makes their own on their account page.";
    public virtual string TokensWhat =>
        "A token lets a program act in a person's name, with their e-mail address and /token behind it.";
    public virtual string NoTokens => "No tokens";
    public virtual string NewToken => "New token";
    public virtual string AddToken => "Make a token";
    public virtual string TokenImpersonates => "It may also speak for other people (header X-On-Behalf-Of)";
    public virtual string SpeaksForOthers => "speaks for others";

    public virtual string TokenOf(string email) => $"Token of {email}";

    public virtual string TokenUse => "It is used like this:";
    public virtual string Number => "Number";
    public virtual string Owner => "Person";
    public virtual string LastUsed => "Last used";
    public virtual string Revoked => "revoked";
    public virtual string Revoke => "Revoke…";

    public virtual string RevokeQuestion(long id) =>
        string.Create(CultureInfo.InvariantCulture, $"Programs that use token {id} are refused from now on.");

    public virtual string RevokeDo(long id) => string.Create(CultureInfo.InvariantCulture, $"Revoke token {id}");

    public virtual string Sessions => "Sessions";
    public virtual string SessionsLede => "Where people are signed in. An ended session is out at once, on every node.";
    public virtual string NoSessions => "Nobody is signed in";
    public virtual string NoSessionsWhat => "Sessions in browsers are listed here.";
    public virtual string Browser => "Browser";
    public virtual string UnknownBrowser => "unknown";
    public virtual string Address => "Address";
    public virtual string SignedIn => "Signed in";
    public virtual string ThisOne => "this one";
    public virtual string End => "End…";
    public virtual string EndQuestion => "Whoever uses this session has to sign in again.";
    public virtual string EndDo => "End this session";
    public virtual string EndOthers => "End all others…";
    public virtual string EndOthersQuestion => "You stay signed in here and are signed out everywhere else.";
    public virtual string EndOthersDo => "End all other sessions";

    // Sources
    public virtual string Sources => "Sources";
    public virtual string SourcesLede => "Systems that ask. Each has a key of its own.";
    public virtual string NoSources => "No source yet";
    public virtual string NoSourcesWhat =>
        "Add the first system that asks: a LaunchDarkly account, or any program that calls the API.";
    public virtual string AddSource => "Add a source";
    public virtual string SourceNameHint => "In LaunchDarkly, the approval system gets the same name.";
    public virtual string Kind => "Kind";

    public virtual string KindName(string kind) =>
        kind switch
        {
            "launchdarkly" => "LaunchDarkly",
            "api" => "Program (API)",
            _ => kind,
        };

    public virtual string DecidedBy => "Who decides";
    public virtual string DecidedByHint => "Unless a policy says otherwise.";
    public virtual string OneAdmin => "one admin";

    public virtual string SomeOf(int need, string group) =>
        string.Create(CultureInfo.InvariantCulture, $"{need} of {group}");

    public virtual string GroupDecides(string group) => $"Group {group}";

    public virtual string DestinationDecides(string destination) => $"Destination {destination}";

    public virtual string ChangeWhoDecides => "Change who decides";
    public virtual string ChangeWhoDecidesWhat =>
        "For what it asks from now on. What it asked already stays with those who were asked.";
    public virtual string HowMany => "How many of the group";
    public virtual string HowManyHint => "Distinct people who must approve, where a group decides.";
    public virtual string LastCall => "Last call";
    public virtual string Connected => "connected";
    public virtual string WaitingForFirstCall => "waiting for the first call";
    public virtual string WaitingWhat => "This turns green as soon as the system has called.";
    public virtual string LookAgain => "Look again";

    public virtual string KeyOf(string name) => $"Key of {name}";

    public virtual string OldKeyWorks => "The old key still works. Once the new one is in use, end the old one.";
    public virtual string PasteThis => "Paste this into LaunchDarkly";
    public virtual string PasteWhere =>
        "On the page Integrations, search for “Custom approvals” and click Add integration.";
    public virtual string ThenChoose => "Then choose it";
    public virtual string ChooseWhere =>
        "In Project settings, Approval settings, select an environment and click Edit approval setting.";

    public virtual string NotReachable(string address) =>
        $"LaunchDarkly must reach {address} from outside. Set PublicUrl to the address under which it does.";

    public virtual string SendWithEveryCall => "Send it with every call:";
    public virtual string RotateKey => "Make a new key…";

    public virtual string RotateQuestion(string name) =>
        $"{name} gets a new key, shown once. The key it has now goes on working until you end it; one from an earlier rotation stops at once.";

    public virtual string RotateDo => "Make a new key";
    public virtual string EndOldKey => "End the old key…";

    public virtual string EndOldKeyQuestion(string name) =>
        $"Only the newest key of {name} works from then on. Calls with the one before are refused.";

    public virtual string EndOldKeyDo => "End the old key";
    public virtual string SourceDisabledWhat => "This source is disabled: its calls are refused.";

    public virtual string DisableSourceQuestion(string name) =>
        $"Calls of {name} are refused at once. What it asked stays and can be decided, but it will not hear the outcome until it is enabled again.";

    public virtual string SourceOwner => "Owner";
    public virtual string SourceOwnerHint =>
        "Email of the person who answers for this source. They can't decide its requests. Leave it empty for no owner.";
    public virtual string WhoAsks => "Requesters";
    public virtual string WhoAsksWhat =>
        "People can't approve their own requests, so it matters how sure we are who a requester is.";
    public virtual string IfRequesterUnknown => "If the requester isn't recognized";

    public virtual string UnknownRequesterIs(UnknownRequester rule) =>
        rule switch
        {
            UnknownRequester.Refuse => "Reject the request",
            UnknownRequester.Allow => "Allow it without another approval",
            _ => "Require one more approval",
        };

    public virtual string IfRequesterClaimed => "If the requester is named, but not proven";

    public virtual string ClaimedRequesterIs(ClaimedRequester rule) =>
        rule is ClaimedRequester.OneMore ? "Require one more approval" : "Accept it without another approval";

    public virtual string RequesterRequired => "Every request must name its requester";
    public virtual string RequesterRequiredHint =>
        "Otherwise a request that names no one counts as made by the source itself.";
    public virtual string UnknownAllowedTitle => "Unknown requesters need no additional approval.";

    public virtual string UnknownAllowed(string kind) =>
        kind == "launchdarkly"
            ? "Anyone whose LaunchDarkly name is unknown here can approve their own change. To close this, import people with their LaunchDarkly names and emails as aliases, then choose another setting."
            : "Anyone whose name in that system is unknown here can approve their own change. To close this, import people with their names and emails there as aliases, then choose another setting.";

    public virtual string ClaimAcceptedTitle => "A named requester is taken at their word.";

    public virtual string ClaimAccepted(string kind) =>
        kind == "launchdarkly"
            ? "The name or email in a request is no proof. Someone who can make a change in LaunchDarkly under another person's name can approve it here. The person who was named is told."
            : "The name or email in a request is no proof. A program that holds this source's key can name another person as the requester. The person who was named is told.";

    public virtual string SaveWhoAsks => "Save requester settings";

    // The record
    public virtual string Audit => "Audit";
    public virtual string TheRecord => "The record";
    public virtual string RecordWhat =>
        "Every change is an event, and every event is sealed into a chain that shows if anything was altered, removed or put in later.";
    public virtual string VerifyNow => "Verify now";
    public virtual string Export => "Export as JSON lines";
    public virtual string Head => "Last seal";
    public virtual string EarlierHead => "An earlier last seal (optional)";
    public virtual string EarlierHeadHint =>
        "One that you kept outside of the hub; then it also shows if everything after it was cut off.";
    public virtual string HeadWrong => "A seal is a number, a colon and 64 hexadecimal digits.";

    public virtual string RecordHolds(long events, long sealedEvents) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"The record holds: {events:N0} events, {sealedEvents:N0} of them sealed."
        );

    public virtual string MoreProblems(long more) =>
        string.Create(CultureInfo.InvariantCulture, $"… and {more:N0} more");

    public virtual string RecordBroken => "The record does not hold.";
    public virtual string Events => "Events";
    public virtual string HappenedAt => "When";
    public virtual string What => "What";
    public virtual string About => "About";
    public virtual string Who => "Who";

    public virtual string RequestName(string id) => $"request {id}";

    public virtual string ThroughDoor => "Through";
    public virtual string More => "More";
    public virtual string From => "From";
    public virtual string Until => "Until";
    public virtual string ShowThese => "Show";
    public virtual string AboutHint => "person:7, group:3, source:2, request:01K…, hub, or an e-mail address";
    public virtual string KindHint => "request.approved, or session. for all that begin so";
    public virtual string WhoHint => "An e-mail address, source:2, operator, hub";
    public virtual string NoEvents => "No events here";
    public virtual string NoEventsWhat => "Nothing in the record fits.";
    public virtual string NoEventsYet => "Nothing fits in this part of the record; there is more before it.";

    // Account
    public virtual string YourPassword => "Your password";
    public virtual string CurrentPassword => "Current password";
    public virtual string ChangePassword => "Change the password";
    public virtual string NoPasswordToChange => "You sign in without a password. An admin can set one.";
    public virtual string WrongCurrentPassword => "This is not your current password.";
}
