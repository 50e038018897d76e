using Countersign.Outcomes;
using Countersign.Outcomes.Email;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Tests.Outcomes;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>
/// A server that ends in the middle of an act leaves all of it or something that the next server finishes. The end is a
/// trigger that lets nothing more of the act be written, neither its next step nor what would tidy up after it.
/// </summary>
public sealed class InterruptedTests
{
    [Theory, BothEngines]
    public async Task What_follows_from_a_disabled_person_is_done_by_the_next_server(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var people = await hub.AddPeople("Ann", "Ben", "Cem");
        var group = await hub.AddGroup("SRE", [.. people]);
        var request = await hub.Ask(Some.Policy(Some.Step("SRE", 2, group.AsApprover)));
        await hub.Approve(request, people[0]);
        var display = (await hub.Find(request.Id)).Display;

        await Stop(hub.Place, "UPDATE ON requests");
        await Assert.ThrowsAnyAsync<Exception>(() => hub.Disable(people[0]));
        await Resume(hub.Place, "requests");
        Assert.Equal(display, (await hub.Find(request.Id)).Display);
        Assert.Equal(
            0,
            await hub.Place.Number(
                "SELECT count(*) FROM people WHERE id = @id AND disabled_at IS NULL",
                new { id = people[0].Id }
            )
        );

        await PolicyHub.ClockworkOn(await hub.Place.OpenAnother()).Drain();
        Assert.NotEqual(display, (await hub.Find(request.Id)).Display);
        Assert.Contains("request.reweighed", await hub.Kinds(request.Id));
        Assert.Equal(0, await hub.Planned());
        // An absence of the same person, and its end, are other things that are due.
        var events = await hub.Place.Count("events");
        await PolicyHub.ClockworkOn(hub.Store).Drain();
        Assert.Equal(events, await hub.Place.Count("events"));
    }

    [Theory, BothEngines]
    public async Task The_end_of_an_absence_leaves_what_follows_from_a_disabled_person(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        var ann = await hub.AddPerson("Ann");
        var absences = new Absences(hub.Store);
        await absences.Set(ann.Email!, hub.Clock.Now, hub.Clock.Now.AddDays(1), null, Some.Operator, default);
        await Stop(hub.Place, "DELETE ON jobs");
        await Assert.ThrowsAnyAsync<Exception>(() => hub.Disable(ann));
        await Resume(hub.Place, "jobs");
        await absences.Cancel(ann.Email!, Some.Operator, default);
        Assert.Equal("reweigh", await hub.Place.Text("SELECT kind FROM jobs WHERE kind <> 'look_for_blocked'"));
        await PolicyHub.ClockworkOn(hub.Store).Drain();
        Assert.Equal(0, await hub.Planned());
    }

    [Theory, BothEngines]
    public async Task A_link_that_decides_is_used_up_with_its_answer_or_not_at_all(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        var ann = await hub.AddPerson("Ann");
        var request = await hub.Ask(Some.Policy(ann.AsApprover) with { AllowsMailDecisions = true });
        var link = news.Links.Write(
            new MailLink.Decide(99, ann.Id, hub.Clock.Now.AddDays(1), request.Id, request.Digest, Answer.Approve)
        );

        await Stop(hub.Place, "INSERT ON decisions", "DELETE ON used_links");
        await Assert.ThrowsAnyAsync<Exception>(() => news.ByMail.Run(link, "", "", default));
        await Resume(hub.Place, "decisions", "used_links");

        Assert.IsType<MailDecisionOutcome.Done>(await news.ByMail.Run(link, "", "", default));
        Assert.Equal(Status.Approved, (await hub.Find(request.Id)).Status);
        Assert.IsType<MailDecisionOutcome.Refused>(await news.ByMail.Run(link, "", "", default));
    }

    [Theory, BothEngines]
    public async Task A_link_that_signs_in_is_used_up_with_its_session_or_not_at_all(Engine engine)
    {
        await using var hub = await TestHub.Start(engine);
        using var news = new News(hub);
        var ann = await hub.AddPerson("Ann");
        var signIn = new MailSignIn(
            hub.Store,
            news.Links,
            new MailOptions(),
            OutcomeOptionsOf(news),
            hub.Sessions,
            PasswordPolicy.Default
        );
        var link = news.Links.Write(new MailLink.SignIn(98, ann.Id, hub.Clock.Now.AddMinutes(5)));
        var visit = new ClientInfo("page", "127.0.0.1", "a test");

        await Stop(hub.Place, "INSERT ON sessions");
        await Assert.ThrowsAnyAsync<Exception>(() => signIn.Run(link, visit, default));
        await Resume(hub.Place, "sessions");

        Assert.IsType<SignInOutcome.Done>(await signIn.Run(link, visit, default));
        Assert.IsType<SignInOutcome.Wrong>(await signIn.Run(link, visit, default));
    }

    private static OutcomeOptions OutcomeOptionsOf(News news) => news.Options;

    private static async Task Stop(TestStore place, params string[] writes)
    {
        foreach (var write in writes)
        {
            var table = write.Split(' ')[^1];
            if (place.Engine == Engine.Sqlite)
            {
                await place.Tamper(
                    $"CREATE TRIGGER stop_{table} BEFORE {write} BEGIN SELECT RAISE(ABORT, 'The server has "
                        + "ended.'); END"
                );
                continue;
            }
            await place.Tamper(
                $"""
                CREATE FUNCTION stop_{table}() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN RAISE EXCEPTION ''The server has ended.''; END';
                CREATE TRIGGER stop_{table} BEFORE {write} FOR EACH ROW EXECUTE FUNCTION stop_{table}()
                """
            );
        }
    }

    private static async Task Resume(TestStore place, params string[] tables)
    {
        foreach (var table in tables)
        {
            await place.Tamper(
                place.Engine == Engine.Sqlite ? $"DROP TRIGGER stop_{table}" : $"DROP FUNCTION stop_{table} CASCADE"
            );
        }
    }
}
