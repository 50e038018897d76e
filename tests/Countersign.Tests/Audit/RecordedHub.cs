using Countersign.Audit;
using Countersign.Destinations.Links;
using Countersign.Gates;
using Countersign.Gates.GitHub;
using Countersign.LaunchDarkly;
using Countersign.Outcomes.Email;
using Countersign.Outcomes.Notifications;
using Countersign.Outcomes.Webhooks;
using Countersign.People;
using Countersign.Policies;
using Countersign.Proof;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Destinations;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Audit;

/// <summary>A hub whose record is sealed when a test says so.</summary>
public sealed class RecordedHub : IAsyncDisposable
{
    private const string KeyName = "root.key";
    private readonly string _keys = System.IO.Directory.CreateTempSubdirectory("countersign-key-").FullName;

    private RecordedHub(TestHub hub)
    {
        Hub = hub;
        hub.SealKey = Key = NewKey(KeyName);
        Sealer = NewSealer(hub.Store);
    }

    public TestHub Hub { get; }
    public SealKey Key { get; }

    /// <summary>The one that belongs to the root key, so that other processes with the key can decrypt, too.</summary>
    public IDataProtectionProvider KeyRing => field ??= KeyRingTests.ProviderOf(Hub.Store, RootKeyFile);
    public string RootKeyFile => Path.Combine(_keys, "root.key");
    public Sealer Sealer { get; }

    public static async Task<RecordedHub> Start(Engine engine) => new(await TestHub.Start(engine));

    /// <summary>Where the key lies with which this hub seals.</summary>
    public string KeyFile => Path.Combine(_keys, KeyName);

    public SealKey NewKey(string file) => new(RootKey.Load(Path.Combine(_keys, file), mayCreate: true));

    public Sealer NewSealer(Store store, SealKey? key = null) => Sealers.Of(store, RootKeyFile, key ?? Key, Hub.Clock);

    public Task<Verification> Check(string? head = null) =>
        new Verify(Hub.Store, Key) { ChecksPolicies = false }.Run(head is null ? null : SealHead.TryParse(head));

    /// <summary>As many events as make the first tile of the log's tree full, all sealed.</summary>
    public async Task FillTile()
    {
        var missing = Tile.FullWidth - await Hub.Place.Count("events");
        await Hub.Store.InTransaction(async tx =>
        {
            for (var n = 0; n < missing; n++)
                await tx.Append("hub", Some.Origin, "test.happened", new { n });
        });
        await Sealer.SealAll();
    }

    /// <summary>
    /// Everything that can happen to people and requests, in several seals, and some of it not sealed yet.
    /// </summary>
    public async Task LiveThroughALot()
    {
        var (ann, ben, cid) = (
            await Hub.AddPerson("Ann", Role.Admin),
            await Hub.AddPerson("Ben"),
            await Hub.AddPerson("Cid")
        );
        var team = await Hub.AddGroup("Team", ann, ben, cid);
        var source = await Hub.AddSource("deploys", team, 2);
        var two = Some.Policy(Some.Step("team", 2, team.AsApprover));
        var token = Some.Done(await Hub.Tokens.Add(ben.Email!, Some.Operator, default));
        await Hub.Tokens.Add(cid.Email!, Some.Operator, default);
        await Hub.Tokens.Revoke(token.Id, Some.Operator, default);
        await Hub.Tokens.Add(ann.Email!, Some.Operator, default, impersonates: true);
        await LookAfterSecondFactors(ann, ben);
        var visit = new ClientInfo("page", "127.0.0.1", "a browser");
        await Hub.Sessions.Start(ann.Id, "password", visit, default);
        var left = await Hub.Sessions.Start(ben.Id, "password", visit, default);
        await Hub.Sessions.End(left!.Id, null, "signed out", Some.Operator, default);
        await Hub.Groups.RemoveMember("Team", cid.Email!, Some.Operator, default);
        await Hub.Groups.AddMember("Team", cid.Email!, Some.Operator, default);
        await Hub.Sources.Set("deploys", new SourceReviewers(null, 3, null, IsOneAdmin: false), Some.Operator, default);
        await Hub.Sources.Set(
            "deploys",
            new SourceReviewers("Team", 2, null, IsOneAdmin: false),
            Some.Operator,
            default
        );
        await Hub.Groups.Rename("team", "The team", Some.Operator, default);
        await Hub.Groups.Rename("The team", "Team", Some.Operator, default);
        await new RequestTypes(Hub.Store).Set([new RequestType("Access")], null, Some.Operator, default);
        await new RequestTypes(Hub.Store).Set([new RequestType("Travel")], null, Some.Operator, default);
        await Hub.Sources.SetKeyExpiry("deploys", Hub.Clock.GetUtcNow().AddDays(90), Some.Operator, default);
        await Hub.Sources.Disable("deploys", Some.Operator, default);
        await Hub.Sources.Enable("deploys", Some.Operator, default);
        await Sealer.SealAll();

        var approved = await Hub.Ask(two, s => s.AskedBy(ann));
        await Hub.Comment.Run(approved.Id, Some.Viewer(ben), "Looks \"good\" to me, naïve as I am", default);
        await Hub.Approve(approved, ben);
        await Hub.Answer(approved, cid, Answer.Approve, "Go\nahead");
        await Hub.MarkApplied.Run(approved.Id, Some.Viewer(ann), default);
        Hub.Clock.Advance(TimeSpan.FromSeconds(3));
        await Sealer.SealOnce();

        var rejected = await Hub.Ask(two, s => s with { SourceId = source.Id });
        await Hub.Reject(rejected, ben);
        await Hub.Submit.Run(
            Some.Submission(two).Saying("Something else") with
            {
                SourceId = source.Id,
                ExternalId = rejected.ExternalId,
            },
            Some.Origin,
            null,
            default
        );
        await Hub.MarkApplied.Run(rejected.Id, Some.Viewer(source), default);
        var redeemed = await Hub.Ask(two, s => s with { SourceId = source.Id });
        await Hub.Approve(redeemed, ben);
        await Hub.Approve(redeemed, cid);
        var redeem = new Redeem(Hub.Store);
        await redeem.Run(redeemed.Id, Some.Viewer(source), "another", null, r => r.Id.Value, default);
        await redeem.Run(redeemed.Id, Some.Viewer(source), redeemed.Digest, null, r => r.Id.Value, default);
        await Sealer.SealOnce();

        var revised = await Hub.Ask(two);
        await Hub.Approve(revised, ben);
        await Hub.Submit.Run(
            Some.Submission(two).Saying("Turn on light mode") with
            {
                ExternalId = revised.ExternalId,
            },
            Some.Origin,
            null,
            default
        );
        await Hub.Answer(revised, ben, Answer.Abstain, digest: Some.Content("Turn on light mode").Digest);
        var withdrawn = await Hub.Ask(Some.Policy(ben.AsApprover));
        await Hub.Approve(withdrawn, ben);
        await Hub.Withdraw.Run(withdrawn.Id, Some.Viewer(ann), "No longer needed", default);
        await Hub.Withdraw.Run(withdrawn.Id, Some.Viewer(ann), "Once more", default);
        var learned = await Hub.Ask(
            two,
            s =>
                s with
                {
                    Requester = new Requester(null, "Cid", [], Certainty.None)
                    {
                        Claim = RequesterClaim.Of([], ["Cid"]),
                    },
                }
        );
        await Hub.Approve(learned, cid);
        var claim = RequesterClaim.Of([], ["Ben"]) with { People = [ben.Id] };
        var claimed = await Hub.Ask(
            two,
            s => s with { Requester = new Requester(ben.Id, "Ben", [ben.Id], Certainty.Claimed) { Claim = claim } }
        );
        await new Disown(Hub.Store).Run(claimed.Id, Some.Viewer(ben), default);
        var reweighed = await Hub.Ask(two);
        await Hub.Approve(reweighed, cid);
        await Hub.Disable(cid);
        await LiveUnderPolicies(ann, ben);
        await LookAfterWaysInAndOut(ann);
        await LiveWithOtherSystems(ann, ben);
        await LiveWithSomeoneWhoIsErased(ben);
        await Sealer.SealOnce();
        await Hub.Enable(cid);
        await Hub.Submit.Run(
            Some.Submission(two) with
            {
                ExternalId = "repeated",
            },
            Some.Origin,
            new Repeatable("once", Some.Submission(two).Digest, r => $"{{\"id\":\"{r.Id}\"}}"),
            default
        );
        var waiting = await Hub.Ask(two, s => s with { CreatorId = ann.Id });
        await Hub.Comment.Run(waiting.Id, Some.Viewer(ann), "Who looks?", default);
        await Hub.Answer(waiting, ben, Answer.Approve, "I do");
    }

    private async Task LookAfterSecondFactors(Person ann, Person ben)
    {
        var factors = new SecondFactors(Hub.Store, KeyRing, PasswordPolicy.Default);
        foreach (var person in new[] { ann, ben })
        {
            var key = Totp.NewKey();
            var shown = Totp.CodeAt(key, Totp.StepAt(Hub.Clock.GetUtcNow()));
            Assert.IsType<SecondFactorOutcome.Done>(
                await factors.AddApp(person.Id, key, shown, Some.Operator, 0, default)
            );
        }
        var made = await factors.RenewRecoveryCodes(ann.Id, Some.Operator, default);
        var code = RecoveryCodes.HashOf(((SecondFactorOutcome.Done)made).RecoveryCodes[0]);
        await Hub.Store.InTransaction(async tx =>
            Assert.True(await SecondFactors.UseRecoveryCode(tx, ann.Id, code, Some.Operator))
        );
        var passkey = new StoredPasskey("id", new PasskeyKey([1], [], false, false), 0, Hub.Clock.GetUtcNow());
        await factors.AddPasskey(ann.Id, "Key", passkey, Some.Operator, 0, default);
        var added = (await factors.Of(ann.Id, default)).Passkeys.Single();
        await factors.Remove(ann.Id, added.Id, Some.Operator, 0, default);
        Some.Done(await factors.Reset(ben.Email!, Some.Operator, default));
        await new PendingSignIns(Hub.Store).Begin(ann.Id, "password", default);
    }

    private async Task LiveWithSomeoneWhoIsErased(Person ben)
    {
        var erik = await Hub.AddPerson("Erik Erased");
        var asked = await Hub.Ask(
            Some.Policy(ben.AsApprover, erik.AsApprover),
            s => s.Saying("For Erik Erased").AskedBy(erik)
        );
        await Hub.Comment.Run(asked.Id, Some.Viewer(erik), "Please", default);
        var answered = await Hub.Ask(Some.Policy(ben.AsApprover, erik.AsApprover));
        await Hub.Answer(answered, erik, Answer.Reject, "Not like this");
        Some.Done(
            await new ErasePerson(Hub.Store, Key, Hub.Reweigh, Hub.Withdraw).Run(erik.Email!, Some.Operator, default)
        );
    }

    /// <summary>What happens by itself, past the policy, with the policy, and while somebody is away.</summary>
    private async Task LiveUnderPolicies(Person admin, Person ben)
    {
        await using var hub = PolicyHub.On(Hub);
        var dan = await Hub.AddPerson("Dan");
        await hub.Set(
            $$"""
            version: 1
            policies:
              - name: slow
                when: { environment: [slow] }
                steps: [ { name: ben, from: { people: [{{ben.Email}}] } } ]
                remind: { after: 1h }
                escalate: { after: 2h, to: { people: [{{admin.Email}}] } }
                expire: { after: 3h, as: rejected }
              - name: nobody minds
                when: { environment: [test] }
                auto: { answer: approve, because: nobody minds }
              - name: two
                steps:
                  - { name: ben, from: { people: [{{ben.Email}}] } }
                  - { name: dan, from: { people: [{{dan.Email}}] } }
            """
        );
        await hub.Ask("""{"environment":"slow"}""");
        for (var hour = 0; hour < 3; hour++)
            await hub.Wait(TimeSpan.FromHours(1));
        await hub.Ask("""{"environment":"test"}""");
        var broken = await hub.Ask();
        await hub.BreakGlass.Run(broken.Id, Some.Viewer(admin), "The shop is down and nobody answers.", null, default);

        var inTurn = await hub.Ask();
        await Hub.Approve(inTurn, ben);
        Some.Done(
            await hub.Absences.Set(
                dan.Email!,
                Hub.Clock.Now.AddHours(1),
                Hub.Clock.Now.AddHours(3),
                null,
                Some.Operator,
                default
            )
        );
        await hub.Wait(TimeSpan.FromHours(1));
        await hub.Looking.Drain();
        Some.Done(
            await hub.Absences.Set(
                dan.Email!,
                Hub.Clock.Now,
                Hub.Clock.Now.AddHours(2),
                admin.Email,
                Some.Operator,
                default
            )
        );
        await hub.Looking.Drain();
        await Hub.Approve(inTurn, admin);
        var carried = await hub.Ask();
        await Hub.Approve(carried, ben);
        await hub.Wait(TimeSpan.FromHours(2));
        await hub.Set(
            $$"""
            version: 1
            policies:
              - name: three
                when: { environment: [production] }
                steps: [ { name: all, need: 3, from: { people: [{{ben.Email}}, {{dan.Email}}, {{admin.Email}}] } } ]
              - name: patient
                steps: [ { name: ben, from: { people: [{{ben.Email}}] } } ]
                remind: { after: 30d }
                escalate: { after: 60d, to: { people: [{{admin.Email}}] } }
                expire: { after: 90d, as: rejected }
            """
        );
        await hub.Apply.Run(onlyLook: false, Some.Operator, default);
        await hub.Ask("""{"environment":"someday"}""");
        Some.Done(
            await hub.Absences.Set(
                dan.Email!,
                Hub.Clock.Now.AddDays(1),
                Hub.Clock.Now.AddDays(2),
                ben.Email,
                Some.Operator,
                default
            )
        );
    }

    /// <summary>
    /// Destinations that decide, tickets, keys that change, links from mails, and channels that are off.
    /// </summary>
    private async Task LiveWithOtherSystems(Person admin, Person ben)
    {
        await using var desk = new FakeDesk();
        await using var over = HandedOver.On(Hub, KeyRing);
        await over.Destination(desk);
        Some.Done(
            await over.Add.Change(
                HandedOver.Name,
                new Dictionary<string, string> { ["baseURL"] = desk.BaseUrl },
                new Dictionary<string, string> { ["apiKey"] = "k-123" },
                Some.Operator,
                default
            )
        );
        Some.Done(await over.Add.Pause(HandedOver.Name, true, Some.Operator, default));
        Some.Done(await over.Add.Pause(HandedOver.Name, false, Some.Operator, default));
        await over.Ask();
        await over.Work();
        desk.Decide("yes");
        await over.WorkAfter(TimeSpan.FromMinutes(6));
        // LaunchDarkly is asked first.
        var kept = await over.Ask(s => s with { Check = OpenCheck.Requester });
        await over.Work();
        desk.Decide("yes");
        await over.WorkAfter(TimeSpan.FromMinutes(6));
        await Hub.Store.InTransaction(async tx =>
        {
            await EndCheck.Run(
                tx,
                kept.Id,
                new CheckResult(1, OpenCheck.Requester),
                (r, _, _) => r.Policy with { Carried = null }
            );
        });
        // Withdrawn here while the question is opened there, and while its answer is on the way.
        void Withdraw(ApprovalRequest request) =>
            Hub.Withdraw.Run(request.Id, Viewer.Hub(Some.Origin), "", default).Wait();
        foreach (var method in new[] { "POST", "GET" })
        {
            var late = await over.Ask();
            if (method == "GET")
                await over.Work();
            desk.Decide("yes");
            desk.Before = call =>
            {
                if (call.Method == method)
                    Withdraw(late);
                return null;
            };
            await over.WorkAfter(TimeSpan.FromMinutes(6));
            desk.Before = _ => null;
        }
        var open = await over.Ask();
        await over.Work();
        var link = await over.Link(open);
        await Hub.Store.InTransaction(async tx =>
            await LinkRow.Save(tx, link with { State = LinkState.Held, ExternalId = null })
        );
        await over.Resolve.Run(link.Id, new Resolution.Exists(link.ExternalId!), Some.Operator, default);

        await DelegateAndReassign(admin);

        var tickets = new Tickets(Hub.Store);
        var ticket = (TicketOutcome.Done)
            await tickets.Add(
                new TicketChange { Subject = "A laptop", RequesterId = ben.Id },
                admin.Id,
                Some.Origin,
                default
            );
        await tickets.Change(
            ticket.Ticket.Id,
            new TicketChange { AssigneeId = ben.Id, Status = "open" },
            admin.Id,
            Some.Origin,
            default
        );
        var terms = new TicketTerms(MayBeUnknown: true, OneRequest: false);
        await Hub.Ask(Some.Policy(admin.AsApprover), s => s with { TicketId = ticket.Ticket.Id, TicketTerms = terms });
        await Hub.Ask(Some.Policy(admin.AsApprover), s => s with { TicketId = 77, TicketTerms = terms });

        Some.Done(await Hub.Sources.Rotate("deploys", Some.Operator, default));
        var other = await Hub.AddSource("builds");
        Some.Done(await Hub.Sources.Rotate(other.Name, Some.Operator, default));
        Some.Done(await Hub.Sources.EndOldKey(other.Name, Some.Operator, default));
        var channels = new NotificationPreferences(Hub.Store);
        await channels.Set(ben.Id, "mail", false, Some.Operator, default);
        await channels.Set(ben.Id, "slack", false, Some.Operator, default);
        await channels.Set(ben.Id, "slack", true, Some.Operator, default);
        await Hub.Store.InTransaction(async tx =>
        {
            var used = new MailLink.SignIn(12, ben.Id, tx.Now);
            await DecideByMail.Use(tx, used);
            await DecideByMail.NoteUse(tx, used, "127.0.0.1");
        });
    }

    private async Task DelegateAndReassign(Person admin)
    {
        var (holder, other, third) = (
            await Hub.AddPerson("Hanna Holder", Role.Agent),
            await Hub.AddPerson("Otto Other", Role.Agent),
            await Hub.AddPerson("Thea Third", Role.Agent)
        );
        var (delegates, end) = (new DelegateSeat(Hub.Store), new EndDelegation(Hub.Store));
        var given = await Hub.Ask(Some.Policy(Some.Step("two", 2, holder.AsApprover, admin.AsApprover)));
        await delegates.Run(given.Id, Some.Viewer(holder), other.Id, default);
        await end.Run(given.Id, Some.Viewer(holder), default);
        await delegates.Run(given.Id, Some.Viewer(holder), third.Id, default);
        await Hub.Approve(given, third);
        var inTurn = await Hub.Ask(
            Some.Policy(
                Some.Step("first", 1, holder.AsApprover, other.AsApprover),
                Some.Step("then", 1, admin.AsApprover)
            )
        );
        await Hub.Approve(inTurn, holder);
        var used = await Hub.Ask(holder.AsApprover);
        await delegates.Run(used.Id, Some.Viewer(holder), other.Id, default);
        await Hub.Approve(used, other);
        var moved = await Hub.Ask(
            Some.Policy(Some.Step("assignee", 1, holder.AsApprover)) with
            {
                Name = "assignee",
            },
            s => s with { Assignee = holder.AsApprover }
        );
        var reassigned = await new Reassign(Hub.Store).Run(
            moved.Id,
            Some.Viewer(admin) with
            {
                IsAdmin = true,
            },
            Party.Person(other.Id),
            default
        );
        Xunit.Assert.True(reassigned is ReassignOutcome.Reassigned, $"{reassigned}");
    }

    /// <summary>LaunchDarkly is asked, answers, answers otherwise, and says too late who asked.</summary>
    private async Task LiveWithLaunchDarkly(Person admin)
    {
        var (pia, quinn) = (await Hub.AddPerson("Pia"), await Hub.AddPerson("Quinn"));
        var asked = OpenCheck.Requester | OpenCheck.Change;
        var policy = Some.Policy(admin.AsApprover, pia.AsApprover);
        async Task End(ApprovalRequest request, OpenCheck ends, string? kind, LearnedRequester? learned = null) =>
            await Hub.Store.InTransaction(async tx =>
            {
                await EndCheck.Run(
                    tx,
                    request.Id,
                    new CheckResult(1, ends)
                    {
                        Requester = learned,
                        Change = kind is null
                            ? null
                            : new DescribedChanges([new DescribedChange(kind)], Hashes.Sha256(kind)),
                    },
                    (r, _, _) => r.Policy with { Carried = null }
                );
            });
        ApprovalRequest Now(ApprovalRequest request) => Hub.Find(request.Id).GetAwaiter().GetResult();

        var compared = await Hub.Ask(policy, s => s with { SentBy = SentBy.LaunchDarkly, Check = asked });
        await End(
            compared,
            asked,
            "turnFlagOn",
            new LearnedRequester(quinn.Id, quinn.Name, quinn.DisplayName, [quinn.Id], quinn.Email)
        );
        await Hub.Approve(compared, pia);
        await End(compared, OpenCheck.Comparison, "turnFlagOff");
        await Hub.Answer(compared, pia, Answer.Approve, digest: Now(compared).AnswerDigest);
        await End(compared, OpenCheck.Comparison, "turnFlagOff");

        await Hub.Ask(policy, s => s with { SentBy = SentBy.LaunchDarkly, Check = asked });
        foreach (var isApplied in new[] { false, true })
        {
            var late = await Hub.Ask(policy, s => s with { SentBy = SentBy.LaunchDarkly, Check = asked });
            await End(late, asked, null);
            await Hub.Approve(late, pia);
            if (isApplied)
                await Hub.MarkApplied.Run(late.Id, Some.Viewer(admin), default);
            await Hub.Store.InTransaction(async tx => await LateRequesters.Bar(tx, late.Id, [pia.Id]));
        }
    }

    private async Task LookAfterWaysInAndOut(Person admin)
    {
        await new ExternalSignIn(Hub.Store, Hub.Sessions).Run(
            new Identity(
                "https://login.example.test",
                "somebody",
                "new@example.test",
                IsVerified: true,
                "Somebody New",
                ["Team"]
            ),
            Role.Agent,
            new ClientInfo("page", "127.0.0.1", "a browser"),
            default
        );
        var webhooks = new Subscriptions(Hub.Store, new WebhookSecrets(KeyRing));
        var first = Some.Done(
            await webhooks.Add(
                "https://example.test/hook",
                ["request.*"],
                ["deploys"],
                Some.Operator,
                admin.Id,
                default
            )
        );
        await webhooks.Disable(first.Id, Some.Operator, default);
        await webhooks.Enable(first.Id, Some.Operator, default);
        var second = Some.Done(await webhooks.Add("https://example.test/other", [], [], Some.Operator, null, default));
        await webhooks.Disable(second.Id, Some.Operator, default);
        var third = Some.Done(await webhooks.Add("https://example.test/third", [], [], Some.Operator, null, default));
        await webhooks.Delete(third.Id, Some.Operator, default);
        await Hub.People.Rename(admin.Email!, "Anna", Some.Operator, default);
        await Hub.People.Rename(admin.Email!, "Anna Smith", Some.Operator, default);
        var aliases = new Aliases(Hub.Store);
        Some.Done(await aliases.Add(admin.Email!, "asmith@launchdarkly.example", Some.Operator, default));
        Some.Done(await aliases.Add(admin.Email!, "Ann from the night shift", Some.Operator, default));
        Some.Done(await aliases.Add(admin.Email!, "A. Smith", Some.Operator, default));
        Some.Done(await aliases.Remove(admin.Email!, "a. smith", Some.Operator, default));
        Some.Done(
            await Hub.Sources.Set(
                "deploys",
                new SourceRequesterRules(UnknownRequester.Refuse, ClaimedRequester.OneMore, admin.Email),
                Some.Operator,
                default
            )
        );
        Some.Done(await Hub.Sources.Add("pipelines", "api", null, null, Some.Operator, default, owner: admin.Email));
        Some.Done(
            await Hub.Sources.Set(
                "pipelines",
                new SourceRequesterRules(RequesterRequired: true),
                Some.Operator,
                default
            )
        );
        await Hub.AddSource("flags", kind: "launchdarkly");
        await Hub.AddSource("other flags", kind: "launchdarkly");
        var connections = new Connections(Hub.Store, KeyRing, NullLogger<Connections>.Instance);
        var connection = new ConnectionChange
        {
            Token = "api-1",
            WebhookSecret = "hush",
            Identify = true,
            Describe = true,
            Apply = true,
        };
        Some.Done(await connections.Set("flags", connection, Some.Operator, default));
        Some.Done(await connections.Set("other flags", connection, Some.Operator, default));
        Some.Done(await connections.Remove("other flags", Some.Operator, default));
        await Hub.AddSource("github", kind: "github");
        Some.Done(
            await new GateSources(Hub.Store, KeyRing, [new GitHubGate()], NullLogger<GateSources>.Instance).Set(
                "github",
                new Dictionary<string, string> { [GitHubGate.AppId] = "1", [GitHubGate.WebhookSecret] = "a-secret" },
                Some.Operator,
                default
            )
        );
        Some.Done(
            await new SetSourceForm(Hub.Store).Run(
                "flags",
                new SourceForm([new FormVariable("ticket", "Ticket", "string", "", false, [], "")]),
                Some.Operator,
                default
            )
        );
        await Hub.Store.InTransaction(async tx =>
        {
            var flags = await tx.Number("SELECT id FROM sources WHERE name = 'flags'");
            await Hints.Keep(tx, flags, "65a1", "m-1", "new@example.test", "Somebody New", "proj/p:env/e:flag/f");
            var member = new MemberInLaunchDarkly("m-1", "new@example.test", "S. New", true, false, "writer");
            await ImportMembers.Import(tx, flags, [member], Some.Operator, isForced: false);
        });
        await LiveWithLaunchDarkly(admin);
        await Hub.People.SetRole("new@example.test", Role.EndUser, Some.Operator, default);
        Some.Done(
            await Hub.Sources.Add(
                "release bot",
                "agent",
                null,
                null,
                Some.Operator,
                default,
                owner: "new@example.test",
                client: new AgentClient("release-bot", "release-bot")
            )
        );
    }

    public async ValueTask DisposeAsync()
    {
        Sealer.Dispose();
        await Hub.DisposeAsync();
        Key.Dispose();
        System.IO.Directory.Delete(_keys, recursive: true);
    }
}
