using Countersign.People;
using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests;

/// <summary>Tokens that were made to speak for others; sessions and roles over the API.</summary>
public sealed class ImpersonationTests
{
    [Theory, BothEngines]
    public async Task Only_an_admins_token_made_for_it_speaks_for_others_and_the_record_says_whose_it_was(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (root, ann, ben) = (
            await host.Hub.AddPerson("Root", Role.Admin),
            await host.Hub.AddPerson("Ann", Role.Agent),
            await host.Hub.AddPerson("Ben")
        );
        var plain = Some.Done(await host.Hub.Tokens.Add(root.Email!, Some.Operator, default));
        var speaking = Some.Done(await host.Hub.Tokens.Add(root.Email!, Some.Operator, default, impersonates: true));
        Assert.IsType<AccessOutcome<NewToken>.Invalid>(
            await host.Hub.Tokens.Add(ann.Email!, Some.Operator, default, impersonates: true)
        );

        Assert.Equal((401, null), await Me(host, ann.Email!, plain));
        Assert.Equal((401, null), await Me(host, root.Email!, plain, ann.Email));
        Assert.Equal((200, root.Id), await Me(host, root.Email!, plain));
        Assert.Equal((200, root.Id), await Me(host, root.Email!, speaking));
        Assert.Equal((200, ann.Id), await Me(host, ann.Email!, speaking));
        Assert.Equal((200, ben.Id), await Me(host, root.Email!, speaking, ben.Email));
        Assert.Equal((401, null), await Me(host, root.Email!, speaking, "nobody@example.test"));
        Assert.Equal((401, null), await Me(host, ann.Email!, speaking, ben.Email));

        var request = await host.Hub.Ask(ben.AsApprover);
        using var program = host.Person(ben.Email!, speaking.Token);
        Assert.Equal(
            201,
            (await program.Post($"/api/v1/requests/{request.Id.Value}/comments", new { text = "On my way." })).Status
        );
        var comment = (await host.Hub.Place.Events(request.Id.Subject)).Single(e => e.Kind == "request.commented");
        Assert.Equal(
            ($"person:{ben.Id}", true),
            (
                comment.Actor,
                comment.Address.EndsWith($"token:{speaking.Id} of person:{root.Id}", StringComparison.Ordinal)
            )
        );

        Some.Done(await host.Hub.People.SetRole(root.Email!, Role.Agent, Some.Operator, default, isForced: true));
        await Eventually.True(
            async () => (await Me(host, ann.Email!, speaking)).Status == 401,
            "who is no admin any more speaks for nobody else"
        );
        Assert.Equal((200, root.Id), await Me(host, root.Email!, speaking));
    }

    [Theory, BothEngines]
    public async Task Sessions_and_roles_are_looked_after_over_the_api_too(Engine engine)
    {
        await using var host = await ApiHost.Start(engine);
        var (root, ann) = (await host.Hub.AddPerson("Root", Role.Admin), await host.Hub.AddPerson("Ann"));
        using var api = await host.Person(root);
        using var browser = await host.SignIn(ann);
        var listed = (await api.Get("/api/v1/sessions")).Json["sessions"]![0]!;
        Assert.Equal((ann.Email, "password"), (listed["email"]!.ToString(), listed["how"]!.ToString()));
        Assert.Equal(204, (await api.Delete($"/api/v1/sessions/{listed["id"]}")).Status);
        Assert.Equal(404, (await api.Delete($"/api/v1/sessions/{listed["id"]}")).Status);
        Assert.Equal(302, (await browser.Get("/account")).Status);
        Assert.Equal(204, (await api.Put($"/api/v1/people/{ann.Email}/role", new { role = "agent" })).Status);
        Assert.Equal(422, (await api.Put($"/api/v1/people/{ann.Email}/role", new { role = "king" })).Status);
        Assert.Equal(204, (await api.Put($"/api/v1/people/{ann.Email}/name", new { name = "Anna" })).Status);
        Assert.Equal(201, (await api.Post("/api/v1/tokens", new { email = root.Email, impersonates = true })).Status);
    }

    private static async Task<(int Status, long? Id)> Me(
        ApiHost host,
        string email,
        NewToken token,
        string? onBehalfOf = null
    )
    {
        using var client = host.Person(email, token.Token);
        var answer = await client.Send(
            HttpMethod.Get,
            "/api/v2/users/me",
            null,
            onBehalfOf is null ? [] : [("X-On-Behalf-Of", onBehalfOf)]
        );
        return (answer.Status, answer.Status == 200 ? (long?)answer.Json["user"]!["id"] : null);
    }
}
