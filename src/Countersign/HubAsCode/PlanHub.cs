using Countersign.Configuration;
using Countersign.Gates;
using Countersign.LaunchDarkly;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.HubAsCode;

/// <summary>
/// Compares a file with the hub and says what has to change, without changing anything. What the hub has and the file
/// leaves out stays; with pruning it is disabled, in those parts that the file has.
/// </summary>
internal sealed class PlanHub(
    Store store,
    PeopleDirectory directory,
    RequestTypes types,
    Connections connections,
    GateSources gates,
    PolicyFiles policies,
    PasswordPolicy passwords
)
{
    /// <summary>The hub as a file that changes nothing in it.</summary>
    public async Task<string> Export(CancellationToken cancel) => HubFileWriter.Write(await Load(cancel));

    /// <param name="isForced">Adds an alias even where no one could approve an active request any more.</param>
    public async Task<PlanHubOutcome> Run(HubFile file, bool prune, bool isForced, CancellationToken cancel)
    {
        var hub = await Load(cancel);
        var planning = new Planning(hub, file, prune, isForced, connections, gates, policies, passwords)
        {
            Now = store.Now,
        };
        await planning.Run(cancel);
        return planning.Problems.Count > 0
            ? new PlanHubOutcome.Wrong([.. planning.Problems.OrderBy(p => p.Line).ThenBy(p => p.Column)])
            : new PlanHubOutcome.Planned(
                new HubPlan(hub.Revision, planning.Changes, planning.Warnings(), planning.Notes, planning.NewKeys)
            );
    }

    private Task<HubState> Load(CancellationToken cancel) =>
        HubState.Load(store, directory, types, connections, gates, policies, cancel);

    /// <summary>One comparison.</summary>
    private sealed class Planning(
        HubState hub,
        HubFile file,
        bool prune,
        bool isForced,
        Connections connections,
        GateSources gates,
        PolicyFiles policies,
        PasswordPolicy passwords
    )
    {
        public required DateTimeOffset Now { get; init; }

        private readonly HashSet<string> _people = new(hub.Directory.PeopleByEmail.Keys, StringComparer.Ordinal);
        private readonly HashSet<string> _groups = new(hub.Directory.GroupsByName.Keys, StringComparer.Ordinal);

        public List<PolicyProblem> Problems { get; } = [];
        public List<HubChange> Changes { get; } = [];
        public List<string> Notes { get; } = [];
        public List<(string Source, string Key)> NewKeys { get; } = [];

        public async Task Run(CancellationToken cancel)
        {
            _people.UnionWith((file.People ?? []).Select(p => EmailAddress.KeyOf(p.Email)));
            _groups.UnionWith((file.Groups ?? []).Select(g => PeopleDirectory.KeyOf(g.Name)));
            foreach (var entry in file.People ?? [])
                Person(entry);
            PrunePeople();
            foreach (var entry in file.Groups ?? [])
                Group(entry);
            NoteGroups();
            foreach (var entry in file.Sources ?? [])
                await Source(entry, cancel);
            PruneSources();
            RequestTypes();
            Policies();
        }

        /// <summary>Names in the policies that neither the hub nor the file has.</summary>
        public IReadOnlyList<PolicyProblem> Warnings() =>
            file.Policies is null
                ? []
                : PolicyBook
                    .Of(
                        0,
                        file.Policies.File,
                        name => _groups.Contains(PeopleDirectory.KeyOf(name)) ? Anyone(name) : null,
                        email => _people.Contains(EmailAddress.KeyOf(email)) ? Anyone(email) : null
                    )
                    .UnknownNames(
                        hub.Directory.Sources.Values.Select(s => s.Name)
                            .Concat((file.Sources ?? []).Select(s => s.Name)),
                        hub.Destinations
                    );

        private static Approver Anyone(string name) => new(Party.Admins, name);

        private void Person(PersonEntry entry)
        {
            var known = hub.Directory.FindPerson(entry.Email);
            if (known is null)
                Add(entry);
            else
                Change(entry, known);
            var aliases = (known?.Aliases ?? []).Select(PeopleDirectory.KeyOf).ToHashSet(StringComparer.Ordinal);
            foreach (var alias in (entry.Aliases ?? []).Where(a => !aliases.Contains(PeopleDirectory.KeyOf(a.Name))))
            {
                Add(
                    HubFile.PeopleKey,
                    '+',
                    entry.Email,
                    $"add the alias \"{alias.Name}\"",
                    needsConsent: true,
                    alias.Line,
                    async (tx, origin) => Why(await Aliases.Add(tx, entry.Email, alias.Name, origin, isForced))
                );
            }
            if (entry.IsDisabled == true && known is not { IsDisabled: true })
                Disable(entry.Email, "disable", entry.Line);
        }

        private void Add(PersonEntry entry)
        {
            if (entry.Name is not { } name)
            {
                Wrong(
                    entry.Line,
                    HubFile.PeopleKey,
                    $"{entry.Email} is a new person and needs a name.",
                    "Add: name: …"
                );
                return;
            }
            if (entry.Password is { } password && passwords.Problem(password, entry.Email, name) is { } bad)
                Wrong(entry.Line, $"{HubFile.PeopleKey}.password", bad.Why, "Write another one to its file.");
            var role = entry.Role ?? Role.Agent;
            string? hash = null;
            Add(
                HubFile.PeopleKey,
                '+',
                entry.Email,
                $"add {name} as {role.ToWireName()}{(entry.Password is null ? "" : ", with a password")}",
                needsConsent: role == Role.Admin,
                entry.Line,
                async (tx, origin) => Why(await Accounts.Add(tx, entry.Email, name, role, hash, origin)),
                prepare: () => hash = entry.Password is { } given ? PasswordHashing.Hash(given) : null
            );
        }

        private void Change(PersonEntry entry, Person known)
        {
            if (entry.Name is { } name && name != known.Name)
            {
                Add(
                    HubFile.PeopleKey,
                    '~',
                    entry.Email,
                    $"name: {known.Name} → {name}",
                    needsConsent: false,
                    entry.Line,
                    async (tx, origin) =>
                    {
                        await Accounts.Rename(tx, known.Id, name, origin);
                        return null;
                    }
                );
            }
            if (entry.Role is { } role && role != known.Role)
            {
                Add(
                    HubFile.PeopleKey,
                    '~',
                    entry.Email,
                    $"role: {known.Role.ToWireName()} → {role.ToWireName()}",
                    needsConsent: Rank(role) > Rank(known.Role),
                    entry.Line,
                    async (tx, origin) =>
                    {
                        await Accounts.SetRole(tx, known.Id, role, origin);
                        return null;
                    }
                );
            }
            if (entry.Password is { } password && !HasPassword(known, password))
            {
                if (passwords.Problem(password, entry.Email, entry.Name ?? known.Name) is { } bad)
                    Wrong(entry.Line, $"{HubFile.PeopleKey}.password", bad.Why, "Write another one to its file.");
                var hash = "";
                Add(
                    HubFile.PeopleKey,
                    '~',
                    entry.Email,
                    "set the password",
                    needsConsent: true,
                    entry.Line,
                    async (tx, origin) => Why(await Accounts.SetPassword(tx, entry.Email, hash, origin)),
                    prepare: () => hash = PasswordHashing.Hash(password)
                );
            }
            if (entry.IsDisabled == false && known.IsDisabled)
            {
                Add(
                    HubFile.PeopleKey,
                    '~',
                    entry.Email,
                    "enable",
                    needsConsent: true,
                    entry.Line,
                    async (tx, origin) => Why(await Accounts.Enable(tx, entry.Email, origin))
                );
            }
            if (!prune || entry.Aliases is not { } listed)
                return;
            var kept = listed.Select(a => PeopleDirectory.KeyOf(a.Name)).ToHashSet(StringComparer.Ordinal);
            foreach (var alias in known.Aliases.Where(a => !kept.Contains(PeopleDirectory.KeyOf(a))))
            {
                Add(
                    HubFile.PeopleKey,
                    '-',
                    entry.Email,
                    $"remove the alias \"{alias}\"",
                    needsConsent: true,
                    entry.Line,
                    async (tx, origin) => Why(await Aliases.Remove(tx, entry.Email, alias, origin))
                );
            }
        }

        private bool HasPassword(Person person, string password) =>
            hub.Directory.PasswordHashes.TryGetValue(person.Id, out var hash)
            && PasswordHashing.Verify(hash, password).IsRight;

        private static int Rank(Role role) =>
            role switch
            {
                Role.Admin => 2,
                Role.Agent => 1,
                _ => 0,
            };

        private void PrunePeople()
        {
            if (!prune || file.People is not { } people)
                return;
            var listed = people.Select(p => EmailAddress.KeyOf(p.Email)).ToHashSet(StringComparer.Ordinal);
            foreach (
                var email in hub
                    .Directory.PeopleByEmail.Where(p => !p.Value.IsDisabled && !listed.Contains(p.Key))
                    .Select(p => p.Value.Email!)
                    .Order(StringComparer.Ordinal)
            )
            {
                Disable(email, "disable: not in the file", 0);
            }
        }

        private void Disable(string email, string what, int line) =>
            Changes.Add(
                new HubChange(HubFile.PeopleKey, '-', email, what, NeedsConsent: false, line)
                {
                    Make = async (tx, origin) => Why(await Accounts.Disable(tx, email, origin)),
                    Disables = email,
                }
            );

        private void Group(GroupEntry entry)
        {
            var known = hub.Directory.FindGroup(entry.Name);
            foreach (var member in (entry.Members ?? []).Where(m => !_people.Contains(EmailAddress.KeyOf(m.Name))))
            {
                Wrong(
                    member.Line,
                    HubFile.GroupsKey,
                    $"There is no person with the email {member.Name}.",
                    $"Add them under {HubFile.PeopleKey}, or correct the email.",
                    member.Column
                );
            }
            if (known is null)
            {
                List<string> members = [.. (entry.Members ?? []).Select(m => m.Name)];
                Add(
                    HubFile.GroupsKey,
                    '+',
                    entry.Name,
                    members.Count == 0 ? "add, without members" : $"add, with {string.Join(", ", members)}",
                    needsConsent: false,
                    entry.Line,
                    async (tx, origin) => Why(await Groups.Add(tx, entry.Name, members, origin))
                );
                return;
            }
            if (entry.Members is not { } listed)
                return;
            var here = known
                .Members.Select(hub.Directory.People.GetValueOrDefault)
                .OfType<Person>()
                .Where(p => p.Email is not null)
                .ToDictionary(p => EmailAddress.KeyOf(p.Email!), p => p.Email!, StringComparer.Ordinal);
            foreach (var member in listed.Where(m => !here.ContainsKey(EmailAddress.KeyOf(m.Name))))
            {
                Add(
                    HubFile.GroupsKey,
                    '+',
                    known.Name,
                    $"add the member {member.Name}",
                    needsConsent: false,
                    member.Line,
                    async (tx, origin) => Why(await Groups.AddMember(tx, known.Name, member.Name, origin))
                );
            }
            if (!prune)
                return;
            var kept = listed.Select(m => EmailAddress.KeyOf(m.Name)).ToHashSet(StringComparer.Ordinal);
            foreach (
                var email in here.Where(m => !kept.Contains(m.Key)).Select(m => m.Value).Order(StringComparer.Ordinal)
            )
            {
                Add(
                    HubFile.GroupsKey,
                    '-',
                    known.Name,
                    $"remove the member {email}",
                    needsConsent: false,
                    entry.Line,
                    async (tx, origin) => Why(await Groups.RemoveMember(tx, known.Name, email, origin))
                );
            }
        }

        private void NoteGroups()
        {
            if (!prune || file.Groups is not { } groups)
                return;
            var listed = groups.Select(g => PeopleDirectory.KeyOf(g.Name)).ToHashSet(StringComparer.Ordinal);
            var others = hub
                .Directory.GroupsByName.Where(g => !listed.Contains(g.Key))
                .Select(g => g.Value.Name)
                .Order(StringComparer.Ordinal)
                .ToList();
            if (others.Count > 0)
                Notes.Add($"Groups can't be disabled. Not in the file, and unchanged: {string.Join(", ", others)}.");
        }

        private async Task Source(SourceEntry entry, CancellationToken cancel)
        {
            var known = hub.Directory.FindSource(entry.Name);
            if (known?.Kind == HubState.BuiltIn)
            {
                Wrong(
                    entry.Line,
                    HubFile.SourcesKey,
                    $"The source {known.Name} is built in and can't be changed.",
                    "Remove it from the file, or choose another name."
                );
                return;
            }
            var kind = known?.Kind ?? entry.Kind;
            if (kind is null)
            {
                Wrong(
                    entry.Line,
                    HubFile.SourcesKey,
                    $"{entry.Name} is a new source and needs a kind.",
                    $"Add: kind: {string.Join(", ", SourceKinds.All)}."
                );
                return;
            }
            if (entry.Kind is { } wanted && wanted != kind)
            {
                Wrong(
                    entry.Line,
                    $"{HubFile.SourcesKey}.kind",
                    $"{entry.Name} is of kind {kind}, which can't be changed.",
                    $"Write kind: {kind}, or give the new source another name."
                );
            }
            Check(entry, kind);
            if (known is null)
                Add(entry, kind);
            else
                Change(entry, known);
            if (entry.Form is { } form && form.ToText() != (known?.Form ?? SourceForm.Empty).ToText())
            {
                var keys = form.Variables.Count == 0 ? "none" : string.Join(", ", form.Variables.Select(v => v.Key));
                Add(
                    HubFile.SourcesKey,
                    '~',
                    entry.Name,
                    $"form fields: {keys}",
                    needsConsent: false,
                    entry.Line,
                    async (tx, origin) => Why(await SetSourceForm.Run(tx, entry.Name, form, origin))
                );
            }
            if (entry.Connection is { } connection)
                await Connect(entry, connection, known, cancel);
            if (entry.Gate is { } settings)
                await SetGate(entry, kind, settings, known, cancel);
            if (entry.KeyExpires is { } expires)
                SetKeyExpiry(entry, expires, known);
            SetOauthClient(entry, kind, known);
            if (entry.IsDisabled == true && known is not { IsDisabled: true })
                DisableSource(entry.Name, "disable", entry.Line);
            if (entry.IsDisabled == false && known is { IsDisabled: true })
            {
                Add(
                    HubFile.SourcesKey,
                    '~',
                    entry.Name,
                    "enable",
                    needsConsent: true,
                    entry.Line,
                    async (tx, origin) => Why(await Sources.Enable(tx, entry.Name, origin))
                );
            }
        }

        /// <summary>What is said of other things must be there; the use cases would refuse it without a line.</summary>
        private void Check(SourceEntry entry, string kind)
        {
            if (entry.Reviewers?.Group is { } group && !_groups.Contains(PeopleDirectory.KeyOf(group)))
            {
                Wrong(
                    entry.Line,
                    $"{HubFile.SourcesKey}.reviewers",
                    $"There is no group {group}.",
                    $"Add it under {HubFile.GroupsKey}, or correct the name."
                );
            }
            if (
                entry.Reviewers?.Destination is { } destination
                && !hub.Destinations.Any(d => PeopleDirectory.KeyOf(d) == PeopleDirectory.KeyOf(destination))
            )
            {
                Wrong(
                    entry.Line,
                    $"{HubFile.SourcesKey}.reviewers",
                    $"There is no destination {destination}.",
                    $"Add it with: countersign destination add \"{destination}\" --manifest <file>"
                );
            }
            if (entry.Requesters.Owner is { Length: > 0 } owner && !_people.Contains(EmailAddress.KeyOf(owner)))
            {
                Wrong(
                    entry.Line,
                    $"{HubFile.SourcesKey}.owner",
                    $"There is no person with the email {owner}.",
                    $"Add them under {HubFile.PeopleKey}, or write: owner: none"
                );
            }
            if (entry.Requesters.RequesterRequired == true && kind != SourceKinds.Api)
            {
                Wrong(
                    entry.Line,
                    $"{HubFile.SourcesKey}.requester",
                    "Only a source of kind api can require a requester.",
                    "Remove this line."
                );
            }
            if (
                kind != SourceKinds.LaunchDarkly
                && (entry.Form is { Variables.Count: > 0 } || entry.Connection is not null)
            )
            {
                Wrong(
                    entry.Line,
                    HubFile.SourcesKey,
                    "Only a source of kind launchdarkly has form and launchdarkly.",
                    "Remove them."
                );
            }
        }

        private void Add(SourceEntry entry, string kind)
        {
            var decides = entry.Reviewers ?? new SourceReviewers(null, null, null, IsOneAdmin: true);
            var owner = entry.Requesters.Owner is { Length: > 0 } email ? email : null;
            if (Why(Sources.Problem<long>(entry.Name, kind, decides, owner)) is { } problem)
                Wrong(entry.Line, HubFile.SourcesKey, problem, "Add: owner: …");
            var key = Keys.NewSourceKey();
            NewKeys.Add((entry.Name, key));
            Add(
                HubFile.SourcesKey,
                '+',
                entry.Name,
                $"add, kind {kind}, decided by {Words(decides)}{(owner is null ? "" : $", owner {owner}")}",
                needsConsent: false,
                entry.Line,
                async (tx, origin) =>
                    Why(
                        await Sources.Add(
                            tx,
                            entry.Name,
                            kind,
                            decides.Group,
                            decides.Need,
                            decides.Destination,
                            owner,
                            key,
                            origin
                        )
                    )
            );
            var rules = entry.Requesters with { Owner = null };
            var words = RuleWords(UnknownRequester.OneMore, ClaimedRequester.Accept, false, rules);
            if (words.Count > 0)
                Set(entry, null, rules, words, needsConsent: rules.UnknownRequester == UnknownRequester.Allow);
        }

        private void Change(SourceEntry entry, Source known)
        {
            var before = hub.ReviewersOf(known);
            var after = entry.Reviewers;
            var words = new List<string>();
            var needsConsent = false;
            if (after is not null && !Same(before, after))
            {
                var need = after.Need ?? (IsSameGroup(before, after) ? before.Need : null);
                words.Add($"decided by: {Words(before)} → {Words(after with { Need = need })}");
                needsConsent = true;
            }
            else
            {
                after = null;
            }
            var rules = entry.Requesters;
            words.AddRange(RuleWords(known.UnknownRequester, known.ClaimedRequester, known.RequesterRequired, rules));
            needsConsent |=
                rules.UnknownRequester == UnknownRequester.Allow && known.UnknownRequester != UnknownRequester.Allow
                || rules.ClaimedRequester == ClaimedRequester.Accept
                    && known.ClaimedRequester != ClaimedRequester.Accept
                || rules.RequesterRequired == false && known.RequesterRequired;
            var owner = hub.OwnerOf(known);
            if (rules.Owner is { } wanted && EmailAddress.KeyOf(wanted) != EmailAddress.KeyOf(owner ?? ""))
            {
                words.Add($"owner: {owner ?? "none"} → {(wanted.Length > 0 ? wanted : "none")}");
                // Another person answers for it from now on, and this one may decide.
                needsConsent |= owner is not null;
            }
            if (words.Count > 0)
                Set(entry, after, rules == new SourceRequesterRules() ? null : rules, words, needsConsent);
        }

        private void Set(
            SourceEntry entry,
            SourceReviewers? decides,
            SourceRequesterRules? asks,
            List<string> words,
            bool needsConsent
        ) =>
            Add(
                HubFile.SourcesKey,
                '~',
                entry.Name,
                string.Join(", ", words),
                needsConsent,
                entry.Line,
                async (tx, origin) => Why(await Sources.Set(tx, entry.Name, decides, asks, origin))
            );

        private static List<string> RuleWords(
            UnknownRequester unknown,
            ClaimedRequester claimed,
            bool isRequired,
            SourceRequesterRules wanted
        )
        {
            var words = new List<string>();
            if (wanted.UnknownRequester is { } u && u != unknown)
                words.Add($"unknown_requester: {unknown.ToWireName()} → {u.ToWireName()}");
            if (wanted.ClaimedRequester is { } c && c != claimed)
                words.Add($"claimed_requester: {claimed.ToWireName()} → {c.ToWireName()}");
            if (wanted.RequesterRequired is { } r && r != isRequired)
                words.Add(r ? "requester: optional → required" : "requester: required → optional");
            return words;
        }

        private static bool Same(SourceReviewers before, SourceReviewers after) =>
            before.IsOneAdmin == after.IsOneAdmin
            && PeopleDirectory.KeyOf(before.Destination ?? "") == PeopleDirectory.KeyOf(after.Destination ?? "")
            && IsSameGroup(before, after)
            && (after.Need is null || (before.Need ?? 1) == after.Need);

        private static bool IsSameGroup(SourceReviewers before, SourceReviewers after) =>
            PeopleDirectory.KeyOf(before.Group ?? "") == PeopleDirectory.KeyOf(after.Group ?? "");

        private static string Words(SourceReviewers decides) =>
            decides.Destination ?? (decides.Group is { } group ? $"{decides.Need ?? 1} of {group}" : "one admin");

        private async Task Connect(SourceEntry entry, ConnectionChange wanted, Source? known, CancellationToken cancel)
        {
            var before = known is null ? null : hub.ConnectionOf(known.Id);
            var open = before is null ? null : await connections.Open(before.SourceId, cancel);
            var url = wanted.BaseUrl is { } given ? ConnectionValues.BaseUrl(given).BaseUrl : null;
            var words = new List<string>();
            if (before is null)
                words.Add($"connect to {url ?? ConnectionValues.DefaultBaseUrl}");
            else if (url is not null && url != before.BaseUrl)
                words.Add($"url: {before.BaseUrl} → {url}");
            var isElsewhere = before is not null && url is not null && url != before.BaseUrl;
            if (wanted.Token is { } token && (isElsewhere || token != open?.Token))
                words.Add("set the token");
            else
                wanted = wanted with { Token = null };
            if (wanted.WebhookSecret is { } secret && secret != open?.WebhookSecret)
                words.Add("set the webhook secret");
            else
                wanted = wanted with { WebhookSecret = null };
            foreach (
                var (name, now, then) in new[]
                {
                    ("identify", before?.Identify, wanted.Identify),
                    ("describe", before?.Describe, wanted.Describe),
                    ("apply", before?.Apply, wanted.Apply),
                    ("import_members", before?.ImportMembers, wanted.ImportMembers),
                }
            )
            {
                if (then is { } flag && flag != (now ?? false))
                    words.Add($"{name}: {(flag ? "false → true" : "true → false")}");
            }
            if (words.Count == 0)
                return;
            var (describes, applies) = (wanted.Describe ?? before?.Describe, wanted.Apply ?? before?.Apply);
            if (applies == true && describes != true)
            {
                Wrong(
                    entry.Line,
                    $"{HubFile.SourcesKey}.launchdarkly.apply",
                    "Only a change that LaunchDarkly describes can be compared before it is applied.",
                    "Add: describe: true"
                );
            }
            var (ready, refused) = ((Connections.ReadyChange?)null, (AccessOutcome<ConnectionView>?)null);
            Add(
                HubFile.SourcesKey,
                '~',
                entry.Name,
                $"launchdarkly: {string.Join(", ", words)}",
                // What is asked there may be what keeps a requester from approving their own change.
                needsConsent: before is not null,
                entry.Line,
                async (tx, origin) =>
                    ready is null ? Why(refused!) : Why(await Connections.Set(tx, entry.Name, ready, origin)),
                prepare: () => (ready, refused) = connections.Prepare(wanted)
            );
        }

        private async Task SetGate(
            SourceEntry entry,
            string kind,
            IReadOnlyList<GateSettingEntry> settings,
            Source? known,
            CancellationToken cancel
        )
        {
            var place = $"{HubFile.SourcesKey}.gate";
            if (!gates.ByKind.TryGetValue(kind, out var gate))
            {
                Wrong(entry.Line, place, $"A source of kind {kind} has no gate.", "Remove this.");
                return;
            }
            var before = known is null ? null : await gates.Open(known.Id, cancel);
            var (wanted, words) = (new Dictionary<string, string>(), new List<string>());
            foreach (var setting in settings)
            {
                if (gate.Fields.FirstOrDefault(f => f.Name == setting.Name) is not { } field)
                {
                    var names = string.Join(", ", gate.Fields.Select(f => f.Name));
                    Wrong(setting.Line, place, $"There is no setting {setting.Name}.", $"There are: {names}.");
                }
                else if (field.IsSecret && !setting.IsFromFile)
                {
                    Wrong(
                        setting.Line,
                        place,
                        "A secret must not be in this file.",
                        $"Put it into a file of its own and name that file: {field.Name}: \"@/path/to/file\""
                    );
                }
                else if (gate.ProblemWith(field, setting.Value) is { } problem)
                {
                    Wrong(setting.Line, place, problem, "Correct it.");
                }
                else if (setting.Value != (before?[field.Name] is { Length: > 0 } now ? now : field.Default))
                {
                    wanted[field.Name] = setting.Value;
                    words.Add(
                        field.IsSecret ? $"set {field.Name}"
                        : before?[field.Name] is { Length: > 0 } was ? $"{field.Name}: {was} → {setting.Value}"
                        : $"{field.Name}: {setting.Value}"
                    );
                }
            }
            if (words.Count == 0)
                return;
            GateSources.ReadySettings? ready = null;
            Add(
                HubFile.SourcesKey,
                '~',
                entry.Name,
                $"gate: {string.Join(", ", words)}",
                // Who has these secrets can ask, and hears what was decided.
                needsConsent: before is not null,
                entry.Line,
                async (tx, origin) => Why(await GateSources.Set(tx, entry.Name, ready!, origin)),
                prepare: () => ready = gates.Prepare(gate, before, wanted)
            );
        }

        private void SetKeyExpiry(SourceEntry entry, NamedOnLine wanted, Source? known)
        {
            var before = known?.KeyExpires;
            if (wanted.Name == (before is { } now ? Instant.ToText(now) : KeyExpiry.Never))
                return;
            var (at, problem) = KeyExpiry.Read(wanted.Name, Now);
            if (Durations.Parse(wanted.Name) is not null)
                problem = "Applied again, a duration would mean another time.";
            if (problem is not null)
            {
                Wrong(
                    wanted.Line,
                    $"{HubFile.SourcesKey}.key_expires",
                    problem,
                    "Write a day such as 2027-01-31, a time with its zone, or never.",
                    wanted.Column
                );
                return;
            }
            if (at == before)
                return;
            Add(
                HubFile.SourcesKey,
                '~',
                entry.Name,
                $"key expires: {Words(before)} → {Words(at)}",
                needsConsent: before is not null && (at is null || at > before),
                entry.Line,
                async (tx, origin) => Why(await Sources.SetKeyExpiry(tx, entry.Name, at, origin))
            );

            static string Words(DateTimeOffset? at) => at is { } until ? Instant.ToText(until) : KeyExpiry.Never;
        }

        private void SetOauthClient(SourceEntry entry, string kind, Source? known)
        {
            var place = $"{HubFile.SourcesKey}.oauth_client";
            if (entry.OauthClient is not { } named)
            {
                if (entry.OauthSubject is not null)
                    Wrong(entry.Line, place, AgentClient.SubjectAlone, "Write oauth_client, too.");
                return;
            }
            var client = named.Name == "none" ? null : AgentClient.Of(named.Name, entry.OauthSubject);
            if (SetAgentClient.Problem(client, kind) is { } problem)
            {
                Wrong(named.Line, place, problem.Why, "Correct it.", named.Column);
                return;
            }
            if (client == known?.Client)
                return;
            Add(
                HubFile.SourcesKey,
                '~',
                entry.Name,
                $"OAuth client: {Words(known?.Client)} → {Words(client)}",
                // Anyone with a token of this client can then ask as this source.
                needsConsent: known is not null && client is not null,
                entry.Line,
                async (tx, origin) => Why(await SetAgentClient.Run(tx, entry.Name, client, origin))
            );

            static string Words(AgentClient? client) =>
                client is null ? "none"
                : client.Subject == client.Client ? client.Client
                : $"{client.Client} with subject {client.Subject}";
        }

        private void PruneSources()
        {
            if (!prune || file.Sources is not { } sources)
                return;
            var listed = sources.Select(s => PeopleDirectory.KeyOf(s.Name)).ToHashSet(StringComparer.Ordinal);
            foreach (
                var name in hub
                    .Directory.Sources.Values.Where(s =>
                        s is { IsDisabled: false, Kind: not HubState.BuiltIn }
                        && !listed.Contains(PeopleDirectory.KeyOf(s.Name))
                    )
                    .Select(s => s.Name)
                    .Order(StringComparer.Ordinal)
            )
            {
                DisableSource(name, "disable: not in the file", 0);
            }
        }

        private void DisableSource(string name, string what, int line) =>
            Add(
                HubFile.SourcesKey,
                '-',
                name,
                what,
                needsConsent: false,
                line,
                async (tx, origin) => Why(await Sources.Disable(tx, name, origin))
            );

        private void RequestTypes()
        {
            if (file.RequestTypes is not { } wanted)
                return;
            var (before, after) = (RequestTypeFile.Write(hub.RequestTypes.Types), RequestTypeFile.Write(wanted));
            if (before == after)
                return;
            var basedOn = hub.Revision.RequestTypes;
            Changes.Add(
                new HubChange(
                    HubFile.RequestTypesKey,
                    '~',
                    "all",
                    wanted.Count == 1 ? "set 1 type" : $"set {wanted.Count} types",
                    NeedsConsent: false,
                    0
                )
                {
                    Diff = TextDiff.Excerpt(before, after),
                    Make = async (tx, origin) =>
                        await Requests.RequestTypes.Set(tx, wanted, basedOn, origin) is SetRequestTypesOutcome.Changed
                            ? "The request types were changed meanwhile."
                            : null,
                }
            );
        }

        private void Policies()
        {
            if (file.Policies is not { } wanted)
                return;
            var before = hub.PolicyText;
            if (
                before is null
                    ? wanted.List.Items.Count == 0
                    : PolicyText.ListIn(before)?.SaysTheSame(wanted.List) == true
            )
            {
                return;
            }
            var basedOn = hub.Directory.Policies.Version;
            Changes.Add(
                new HubChange(
                    HubFile.PoliciesKey,
                    '~',
                    "all",
                    $"publish version {basedOn + 1}",
                    NeedsConsent: true,
                    wanted.Line
                )
                {
                    Diff = TextDiff.Excerpt(before ?? "", wanted.Text),
                    Make = async (tx, origin) =>
                        await policies.Set(tx, wanted.Text, wanted.File, [], basedOn, origin)
                        is SetPoliciesOutcome.Changed
                            ? "The policies were changed meanwhile."
                            : null,
                }
            );
        }

        private void Add(
            string section,
            char mark,
            string subject,
            string what,
            bool needsConsent,
            int line,
            Func<Tx, Origin, ValueTask<string?>> make,
            Action? prepare = null
        ) =>
            Changes.Add(
                new HubChange(section, mark, subject, what, needsConsent, line) { Make = make, Prepare = prepare }
            );

        private void Wrong(int line, string place, string problem, string fix, int column = 1) =>
            Problems.Add(new PolicyProblem(line, column, "value", place, problem, fix));

        /// <summary>Null: it was done.</summary>
        private static string? Why<T>(AccessOutcome<T>? outcome) =>
            outcome switch
            {
                null or AccessOutcome<T>.Done => null,
                AccessOutcome<T>.Exists(var what) => $"There is already {what}.",
                AccessOutcome<T>.NotFound(var what) => $"There isn't {what}.",
                AccessOutcome<T>.Invalid(_, var why) => why,
                AccessOutcome<T>.WouldBlock blocking => $"{blocking.Text} To do it anyway, add --force",
                _ => throw new System.Diagnostics.UnreachableException(),
            };
    }
}
