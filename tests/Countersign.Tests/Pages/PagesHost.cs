using Countersign.People;
using Countersign.Requests;

namespace Countersign.Tests.Pages;

/// <summary>
/// A server with the people of most stories about pages: two of a group who decide, one who asks, an admin.
/// </summary>
internal sealed class PagesHost : IAsyncDisposable
{
    public const string Password = "correct horse battery";

    private PagesHost(ApiHost api) => Api = api;

    public ApiHost Api { get; }
    public TestHub Hub => Api.Hub;
    public Person Ann { get; private set; } = null!;
    public Person Ben { get; private set; } = null!;
    public Person Rita { get; private set; } = null!;
    public Person Root { get; private set; } = null!;
    public Group Sre { get; private set; } = null!;

    public static async Task<PagesHost> Start(
        Engine engine = Engine.Sqlite,
        params (string Name, string Value)[] settings
    )
    {
        var host = new PagesHost(await ApiHost.Start(engine, settings));
        host.Ann = await host.Hub.AddPerson("Ann Approver", Role.Agent, Password);
        host.Ben = await host.Hub.AddPerson("Ben Approver", Role.Agent);
        host.Rita = await host.Hub.AddPerson("Rita Requester", Role.Agent);
        host.Root = await host.Hub.AddPerson("Root", Role.Admin);
        host.Sre = await host.Hub.AddGroup("SRE", host.Ann, host.Ben);
        return host;
    }

    /// <summary>Asked by Rita, to be decided by so many of the group.</summary>
    public Task<ApprovalRequest> Ask(
        string subject = "Open the new checkout",
        int need = 1,
        Func<Submission, Submission>? change = null
    ) =>
        Hub.Ask(
            Some.Policy(Some.Step("SRE", need, Sre.AsApprover)),
            s => (change?.Invoke(s) ?? s).Saying(subject).AskedBy(Rita)
        );

    public ValueTask DisposeAsync() => Api.DisposeAsync();
}
