using Countersign.Outcomes.Email;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Doors;

/// <summary>
/// A right that is removed is removed from everything at once: lists, single views, decisions, files, Zendesk's door,
/// and links that lie in a mailbox. <see cref="Api.OpenStreamTests"/> says the same of answers that last.
/// </summary>
public sealed class RemovedRightsTests
{
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);

    public static TheoryData<Engine, string> Removals =>
        new(
            from engine in new[] { Engine.Sqlite, Engine.Postgres }
            where engine == Engine.Sqlite || PostgresServer.Missing is null
            from removal in new[] { "disabled", "left the group", "is back", "delegation ended", "admin no more" }
            select (engine, removal)
        );

    [Theory, MemberData(nameof(Removals))]
    public async Task What_a_person_may_no_longer_see_or_decide_is_gone_everywhere(Engine engine, string removal)
    {
        await using var host = await ApiHost.Start(engine);
        await using var policies = PolicyHub.On(host.Hub);
        var (hub, absences) = (host.Hub, policies.Absences);
        var eve = await hub.AddPerson("Eve", removal == "admin no more" ? Role.Admin : Role.Agent);
        var ann = await hub.AddPerson("Ann", Role.Agent);
        await hub.AddPerson("Root", Role.Admin);
        var group = await hub.AddGroup("SRE", ann, eve);
        var policy = Some.Policy(
            removal switch
            {
                "admin no more" => new Approver(Party.Admins, "an admin"),
                "is back" or "delegation ended" => ann.AsApprover,
                _ => group.AsApprover,
            }
        ) with
        {
            AllowsMailDecisions = true,
        };
        var request = await hub.Ask(policy);
        if (removal == "is back")
        {
            var now = hub.Clock.Now;
            Some.Done(await absences.Set(ann.Email!, now, now + Week, eve.Email, Some.Operator, default));
        }
        if (removal == "delegation ended")
            await new DelegateSeat(hub.Store).Run(request.Id, Some.Viewer(ann), eve.Id, default);
        await host.Noticed();
        using var client = await host.Person(eve);
        using var browser = await host.SignIn(eve);
        using var anyone = host.Browser();
        var mail = host
            .Services.GetRequiredService<MailLinks>()
            .Write(new MailLink.Decide(77, eve.Id, hub.Clock.Now + Week, request.Id, request.Digest, Answer.Approve));
        Assert.Equal(["list", "waiting", "single", "revisions", "page", "file", "zendesk", "mail"], await Open());

        switch (removal)
        {
            case "disabled":
                await hub.Disable(eve);
                break;
            case "left the group":
                await hub.Groups.RemoveMember("SRE", eve.Email!, Some.Operator, default);
                break;
            case "is back":
                await absences.Cancel(ann.Email!, Some.Operator, default);
                break;
            case "delegation ended":
                await new EndDelegation(hub.Store).Run(request.Id, Some.Viewer(ann), default);
                break;
            default:
                Some.Done(await hub.People.SetRole(eve.Email!, Role.Agent, Some.Operator, default, isForced: true));
                break;
        }
        await host.Noticed();

        Assert.Equal([], await Open());
        foreach (var answer in new[] { "approve", "reject" })
        {
            var decided = await client.Post($"/api/v1/requests/{request.Id}/decisions", new { answer, note = "x" });
            Assert.Contains(decided.Status, new[] { 401, 404 });
        }
        Assert.Equal(Status.Active, (await hub.Find(request.Id)).Status);

        async Task<List<string>> Open()
        {
            var (open, id) = (new List<string>(), $"{request.Id}");
            async Task Has(string what, Func<Task<string>> text)
            {
                if ((await text()).Contains(id, StringComparison.Ordinal))
                    open.Add(what);
            }
            async Task<string> Read(string path) => (await client.Get(path)).Text;
            await Has("list", () => Read("/api/v1/requests"));
            await Has("waiting", () => Read("/api/v1/requests?waiting=me"));
            await Has("single", () => Read($"/api/v1/requests/{id}"));
            if ((await client.Get($"/api/v1/requests/{id}/revisions")).Status == 200)
                open.Add("revisions");
            if ((await browser.Get($"/requests/{id}")).Status == 200)
                open.Add("page");
            await Has("file", async () => (await browser.Get("/requests.csv")).Text);
            await Has("zendesk", () => Read($"/api/v2/approval_requests/{id}"));
            if ((await anyone.Get($"/mail/{mail}")).Status == 200)
                open.Add("mail");
            return open;
        }
    }
}
