using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Doors.LaunchDarkly;

/// <summary>
/// Who asks, through the real door: however a name is spelled, nobody approves their own change alone.
/// </summary>
public sealed class RequesterTests
{
    private const string Rest = " requested approval for changes to the flag Dark mode in 'Live'";

    /// <summary>
    /// The sentence, the address beside it, and whether Ann Smith is found; if not, one more must approve.
    /// </summary>
    private static readonly (string Sentence, string? Email, bool IsFound)[] Spellings =
    [
        ("Ann Smith" + Rest, null, true),
        ("ann smith" + Rest, null, true),
        ("ANN SMITH" + Rest, null, true),
        ("  Ann Smith " + Rest, null, true),
        ("Ann  Smith" + Rest, null, true),
        ("Ann\u00A0Smith" + Rest, null, true),
        ("Ann\u3000Smith" + Rest, null, true),
        ("Ann\u2003\u2009Smith" + Rest, null, true),
        ("Ann\tSmith" + Rest, null, true),
        ("Ann\nSmith" + Rest, null, true),
        ("A\u200Bnn Smith" + Rest, null, true),
        ("Ann Smi\u200Dth" + Rest, null, true),
        ("Ann\u2060 Smith\uFEFF" + Rest, null, true),
        ("Ann Smi\u00ADth" + Rest, null, true),
        ("\u202EAnn Smith\u202C" + Rest, null, true),
        ("\u200FAnn\u200F Smith" + Rest, null, true),
        ("\u2066Ann Smith\u2069" + Rest, null, true),
        ("Ann\uFE0F Smith" + Rest, null, true),
        ("Ann Smith." + Rest, null, true),
        ("Ann Smith ;" + Rest, null, true),
        ("\"Ann Smith\"" + Rest, null, true),
        ("Smith, Ann" + Rest, null, true),
        ("Smith Ann" + Rest, null, true),
        ("SMITH,Ann" + Rest, null, true),
        ("Ann B. Smith" + Rest, null, true),
        ("Ａｎｎ Ｓｍｉｔｈ" + Rest, null, true),
        ("Ａｎｎ　Ｓｍｉｔｈ" + Rest, null, true),
        ("Ann \u017Fmith" + Rest, null, true),
        ("𝐀𝐧𝐧 𝐒𝐦𝐢𝐭𝐡" + Rest, null, true),
        ("Ⓐⓝⓝ Ⓢⓜⓘⓣⓗ" + Rest, null, true),
        ("Ann&nbsp;Smith" + Rest, null, true),
        ("Ann&#x20;Smith" + Rest, null, true),
        ("&amp;#65;nn Smith" + Rest, null, true),
        ("AnnSmith" + Rest, null, true),
        ("Ann\u0336 Smith" + Rest, null, true),
        ("Ann Smith requested approval" + Rest, null, true),
        ("Ann Smith Requested  Approval for changes", null, true),
        ("Ann Smith requested\u00A0approval for changes", null, true),
        ("Ben requested approval Ann Smith" + Rest, null, true),
        ("ann.smith@example.test" + Rest, null, true),
        ("ann.smith+ld@example.test" + Rest, null, true),
        ("Somebody Else" + Rest, "ann.smith@example.test", true),
        ("Somebody Else" + Rest, "Ann.Smith@EXAMPLE.test", true),
        ("Somebody Else" + Rest, "ann.smith+tag@example.test", true),
        ("Somebody Else" + Rest, "ann.smith&#43;tag&#64;example.test", true),
        ("Somebody Else" + Rest, "ann.smith＠example.test", true),
        ("Somebody Else" + Rest, " ann.smith@example.test. ", true),
        ("Somebody Else" + Rest, "ann.\u200Bsmith@example.test", true),
        ("Ann Smith" + Rest, "someone@elsewhere.test", true),
        ("Smith, Ann" + Rest, "ben+x@elsewhere.test", true),
        ("Аnn Smith" + Rest, null, false),
        ("Ann Ѕmith" + Rest, null, false),
        ("Αnn Smith" + Rest, null, false),
        ("Ann Smıth Jones" + Rest, null, false),
        ("A. Smith" + Rest, null, false),
        ("Annie" + Rest, null, false),
        ("Аnn Smith" + Rest, "someone@elsewhere.test", false),
        ("Аnn Smith" + Rest, "ben@example.test", false),
        (Rest, null, false),
        ("Ann Smith asks for approval", null, false),
    ];

    [Theory, BothEngines]
    public async Task Nobody_approves_their_own_change_alone_however_their_name_is_spelled(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        var ann = await AnnSmith(host);
        foreach (var ((sentence, email, isFound), n) in Spellings.Select((s, n) => (s, n)))
        {
            var id = $"spelling-{n}";
            await Create(host, id, sentence, email);
            var request = await host.Request(id);
            Assert.True(isFound == request.Barred.Contains(ann.Id), $"{sentence} / {email}");
            Assert.Equal(isFound ? Certainty.Claimed : Certainty.None, request.Certainty);
            await host.Approve(ann, id);
            await host.Approve(ann, id);
            Assert.Equal("pending", (await host.Side.Status(id)).Value());
            // One more, who did not ask.
            await host.Approve(host.People[2], id);
            Assert.Equal("approved", (await host.Side.Status(id)).Value());
        }
        Assert.Null(await Proof(host));
    }

    [Theory, BothEngines]
    public async Task A_person_who_is_added_after_the_request_cannot_decide_it_either(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine, need: 1);
        await Create(host, "later", "Ann Smith" + Rest);
        var ann = await AnnSmith(host);
        Assert.IsType<DecideOutcome.NotAllowed>(await host.Approve(ann, "later"));
        var request = await host.Request("later");
        Assert.Equal([ann.Id], request.Barred);
        Assert.Equal(["request.submitted", "request.barred"], await host.Hub.Kinds(request.Id));

        await Create(host, "renamed", "Benjamin" + Rest);
        Assert.IsType<DecideOutcome.Recorded>(await host.Approve(host.People[1], "renamed"));
        Some.Done(await host.Hub.People.Rename(host.People[1].Email!, "Benjamin", Some.Operator, default));
        // He approved before anybody knew; it no longer counts once somebody else decides.
        Assert.IsType<DecideOutcome.Recorded>(await host.Approve(host.People[2], "renamed"));
        Assert.Equal(
            "1 of 2 approvals, waiting for SRE, requester not recognized",
            (await host.Side.Status("renamed")).Display()
        );
        Assert.Null(await Proof(host));
    }

    [Theory, BothEngines]
    public async Task A_requester_who_is_not_recognized_costs_what_the_policy_says(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        foreach (
            var (rule, display, value) in new[]
            {
                ("one_more", "0 of 2 approvals, waiting for SRE, requester not recognized", "pending"),
                ("allow", "0 of 1 approval, waiting for SRE", "pending"),
                ("refuse", "Requester not recognized", "declined"),
            }
        )
        {
            await SetPolicy(
                host,
                $"steps: [ {{ name: SRE, from: {{ groups: [SRE] }} }} ]\n    unknown_requester: {rule}"
            );
            var answer = await Create(host, rule, "Nobody Known" + Rest);
            Assert.Equal((display, value), (answer.Display(), answer.Value()));
            Assert.Equal(
                (display, value),
                ((await host.Side.Status(rule)).Display(), (await host.Side.Status(rule)).Value())
            );
            // Ann is known, so none of that is about her.
            Assert.Equal(
                "0 of 1 approval, waiting for SRE",
                (await Create(host, rule + "-known", "Ben" + Rest)).Display()
            );
        }
        Assert.Equal(
            ["request.submitted", "request.rejected"],
            await host.Hub.Kinds((await host.Request("refuse")).Id)
        );
        Assert.Null(await Proof(host));
    }

    [Theory, BothEngines]
    public async Task A_claimed_requester_costs_one_more_where_the_policy_says_so(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await SetPolicy(host, "steps: [ { name: SRE, from: { groups: [SRE] } } ]\n    claimed_requester: one_more");
        Assert.Equal(
            "0 of 2 approvals, waiting for SRE, requester not confirmed",
            (await Create(host, "claimed", "Ann" + Rest)).Display()
        );
        await host.Approve(host.People[1], "claimed");
        Assert.Equal("pending", (await host.Side.Status("claimed")).Value());
        await host.Approve(host.People[2], "claimed");
        Assert.Equal("approved", (await host.Side.Status("claimed")).Value());
        Assert.Null(await Proof(host));
    }

    [Theory, BothEngines]
    public async Task Where_everyone_must_approve_one_more_is_an_admin_outside_or_the_request_is_blocked(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await SetPolicy(host, "steps: [ { name: SRE, need: all, from: { groups: [SRE] } } ]");
        var blocked = await Create(host, "blocked", "Nobody Known" + Rest);
        Assert.StartsWith(
            "0 of 4 approvals, waiting for SRE, requester not recognized. Blocked: ",
            blocked.Display(),
            StringComparison.Ordinal
        );

        var ada = await host.Hub.AddPerson("Ada", Role.Admin);
        await host.Host.Noticed();
        Assert.Equal(
            "0 of 4 approvals, waiting for SRE, requester not recognized",
            (await Create(host, "outside", "Nobody Known" + Rest)).Display()
        );
        foreach (var person in host.People)
            await host.Approve(person, "outside");
        Assert.Equal(
            "3 of 4 approvals, waiting for an admin, requester not recognized",
            (await host.Side.Status("outside")).Display()
        );
        await host.Approve(ada, "outside");
        Assert.Equal("approved", (await host.Side.Status("outside")).Value());
        Assert.Null(await Proof(host));
    }

    [Theory, BothEngines]
    public async Task Being_named_gives_no_right_to_withdraw(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine);
        await Create(host, "claimed", "Ann" + Rest);
        var request = await host.Request("claimed");
        // She sees it, and takes nothing back.
        Assert.NotNull(await RequestDetails.Find(host.Hub.Store, request.Id, Some.Viewer(host.People[0]), default));
        Assert.IsType<WithdrawOutcome.NotAllowed>(
            await host.Hub.Withdraw.Run(request.Id, Some.Viewer(host.People[0]), "Mine", default)
        );
        Assert.Equal("pending", (await host.Side.Status("claimed")).Value());
        Assert.Equal("cancelled", (await host.Side.Cancel("claimed")).Value());
    }

    [Theory, BothEngines]
    public async Task Whoever_was_barred_stays_barred_when_the_request_is_sent_again_in_another_name(Engine engine)
    {
        await using var host = await LaunchDarklyHost.Start(engine, need: 2);
        await Create(host, "again", "Ann" + Rest);
        await Create(host, "again", "Ben" + Rest);
        Assert.Equal([host.People[0].Id, host.People[1].Id], (await host.Request("again")).Barred);
        // Two of three are barred, and two are needed.
        Assert.Contains("Blocked", (await host.Side.Status("again")).Display(), StringComparison.Ordinal);
        Assert.IsType<DecideOutcome.NotAllowed>(await host.Approve(host.People[0], "again"));
        Assert.Null(await Proof(host));
    }

    internal static async Task<ApiAnswer> Create(
        LaunchDarklyHost host,
        string id,
        string sentence,
        string? email = null
    )
    {
        var body = LaunchDarklySide.Body(id);
        body["shortDescription"] = sentence;
        if (email is not null)
            body["requestedBy"] = new JsonObject { ["id"] = "569f514183f2164430000002", ["email"] = email };
        return await host.Side.Create(body);
    }

    internal static async Task SetPolicy(LaunchDarklyHost host, string terms)
    {
        var files = host.Host.Services.GetRequiredService<PolicyFiles>();
        Assert.IsType<SetPoliciesOutcome.Set>(
            await files.Set($"version: 1\npolicies:\n  - name: production\n    {terms}\n", null, Some.Operator, default)
        );
        await host.Host.Noticed();
    }

    internal static async Task<string?> Proof(LaunchDarklyHost host) => await host.Hub.Proof();

    private static async Task<Person> AnnSmith(LaunchDarklyHost host)
    {
        var ann = Some.Done(
            await host.Hub.People.Add("ann.smith@example.test", "Ann Smith", Role.EndUser, null, Some.Operator, default)
        );
        Some.Done(await host.Hub.Groups.AddMember("SRE", ann.Email!, Some.Operator, default));
        await host.Host.Noticed();
        return ann;
    }
}
