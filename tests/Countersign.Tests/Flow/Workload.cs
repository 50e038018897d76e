using System.Collections.Concurrent;
using System.Text;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Tests.Cli;
using Xunit;

namespace Countersign.Tests.Flow;

/// <summary>A source that submits requests, an admin who decides them, and a list of what they were told.</summary>
public sealed class Workload
{
    private readonly TestStore _place;
    private readonly string _key;
    private readonly string _email;
    private readonly string _token;
    private ConcurrentDictionary<string, string> _told = new();
    private ConcurrentDictionary<string, bool> _open = new();

    private Workload(TestStore place, string key, string email, string token) =>
        (_place, _key, _email, _token) = (place, key, email, token);

    public int Count => _told.Count;

    /// <summary>Characters in the message of each request.</summary>
    public int MessageLength { get; set; }

    /// <summary>What callers were answered instead of what they asked for.</summary>
    public ConcurrentQueue<ApiAnswer> Refusals { get; } = [];

    public static Task<Workload> Start(Shell shell) => Start(shell.Place);

    public static async Task<Workload> Start(TestStore place)
    {
        var store = place.Store;
        var admin = Some.Done(
            await new Accounts(store, new(store)).Add(
                "ada@example.test",
                "Ada",
                Role.Admin,
                null,
                Some.Operator,
                default
            )
        );
        var token = Some.Done(await new Tokens(store).Add(admin.Email!, Some.Operator, default));
        var key = Some.Done(await new Sources(store).Add("pipeline", "api", null, null, Some.Operator, default));
        return new Workload(place, key.Key, admin.Email!, token.Token);
    }

    /// <summary>The same people and what they were told, on the store that took over from theirs.</summary>
    public Workload On(TestStore place) => new(place, _key, _email, _token) { _told = _told, _open = _open };

    /// <summary>Callers who submit and decide until the server is gone, or until they are told to stop.</summary>
    /// <param name="endures">Goes on after a refusal, with the next request.</param>
    public Task Load(Uri address, int round, int callers, Task? until = null, bool endures = false) =>
        Task.WhenAll(
            Enumerable
                .Range(0, callers)
                .Select(async caller =>
                {
                    using var source = Source(address);
                    using var admin = Admin(address);
                    try
                    {
                        for (var i = 0; until is not { IsCompleted: true }; i++)
                        {
                            if (!await SubmitAndDecide(source, admin, $"{round}-{caller}-{i}", i % 3) && !endures)
                                return;
                        }
                    }
                    catch (HttpRequestException)
                    {
                        // The server is gone.
                    }
                })
        );

    private async Task<bool> SubmitAndDecide(ApiClient source, ApiClient admin, string name, int kind)
    {
        if (await Submit(source, name) is not { Status: 201 } submitted)
            return false;
        if (kind == 0)
            return true;
        var decided = await admin.Post(
            $"/api/v1/requests/{submitted["id"]}/decisions",
            new { answer = kind == 1 ? "approve" : "reject" }
        );
        if (decided.Status == 200)
            _told[submitted["id"]!] = decided["status"]!;
        else
            Refusals.Enqueue(decided);
        return decided.Status == 200;
    }

    private async Task<ApiAnswer> Submit(ApiClient source, string name)
    {
        _open[name] = true;
        var submitted = await source.Post(
            "/api/v1/requests",
            new
            {
                subject = $"Change {name}",
                externalId = name,
                message = new string('x', MessageLength),
            }
        );
        if (submitted.Status is 200 or 201)
        {
            _told[submitted["id"]!] = "active";
            _open.TryRemove(name, out _);
        }
        else
        {
            Refusals.Enqueue(submitted);
        }
        return submitted;
    }

    /// <summary>
    /// What one more caller hears in the end: one request may fit where the dozen before it did not.
    /// </summary>
    public async Task<int> AskUntilRefused(Uri address, string name)
    {
        using var source = Source(address);
        for (var i = 0; ; i++)
        {
            if (await Submit(source, $"{name}-{i}") is { Status: not 201 } refused)
                return refused.Status;
        }
    }

    public Task Acknowledged(int count) =>
        Eventually.True(() => _told.Count >= count, $"{count} requests are acknowledged");

    /// <summary>
    /// A caller without an answer asks again, and it is one request whether or not the first attempt arrived.
    /// </summary>
    public async Task RepeatWhatWasNotAcknowledged(Uri address)
    {
        using var source = Source(address);
        foreach (var name in _open.Keys)
            Assert.InRange((await Submit(source, name)).Status, 200, 201);
    }

    public async Task FindEverything(Uri address)
    {
        using var admin = Admin(address);
        foreach (var (id, told) in _told)
        {
            var status = "";
            // On a busy machine the database may be slow to answer; callers who hear 503 come back.
            await Eventually.True(
                async () => (status = (await admin.Get($"/api/v1/requests/{id}"))["status"]) != "503",
                "the store answers"
            );
            AssertStands(id, told, status);
        }
        Assert.Equal(_told.Count, await _place.Count("requests"));
    }

    /// <summary>In a store that no server has touched since: all that was acknowledged, and all of it whole.</summary>
    public async Task FindEverything(Store store)
    {
        Assert.Equal([], await Lost(store));
        await NothingHalfExists(store);
    }

    /// <summary>What was acknowledged and isn't in a store, or is there with an earlier status.</summary>
    public async Task<List<string>> Lost(Store store)
    {
        var found = (await store.Read(r => r.Rows("SELECT id, status FROM requests"))).ToDictionary(
            row => (string)row["id"]!,
            row => (string)row["status"]!
        );
        return
        [
            .. _told
                .Where(told =>
                    found.GetValueOrDefault(told.Key) is not { } status
                    || (
                        told.Value == "active"
                            ? status is not ("active" or "approved" or "rejected")
                            : status != told.Value
                    )
                )
                .Select(told => $"{told.Key} was {told.Value}, is {found.GetValueOrDefault(told.Key, "not there")}"),
        ];
    }

    /// <summary>An answer may have been kept although no caller saw it; never the other way round.</summary>
    private static void AssertStands(string id, string told, string? status)
    {
        if (told == "active")
            Assert.Contains(status, new[] { "active", "approved", "rejected" });
        else
            Assert.Equal((id, told), (id, status));
    }

    public Task NothingHalfExists() => NothingHalfExists(_place.Store);

    private static async Task NothingHalfExists(Store store)
    {
        foreach (
            var half in new[]
            {
                "requests r WHERE NOT EXISTS (SELECT 1 FROM revisions v WHERE v.request_id = r.id)",
                "requests r WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.subject = 'request:' || "
                    + "r.id AND e.n = r.events)",
                "requests r WHERE r.status = 'active' AND NOT EXISTS (SELECT 1 FROM waiting w WHERE "
                    + "w.party = 'admins' AND w.request_id = r.id)",
                "requests r WHERE r.status <> 'active' AND EXISTS (SELECT 1 FROM waiting w WHERE w.party "
                    + "= 'admins' AND w.request_id = r.id)",
                "requests r WHERE r.status <> 'active' AND NOT EXISTS (SELECT 1 FROM decisions d WHERE "
                    + "d.request_id = r.id)",
            }
        )
        {
            Assert.Equal((half, 0L), (half, await store.Read(r => r.Number($"SELECT count(*) FROM {half}"))));
        }
    }

    private ApiClient Source(Uri address) => new(address, new("Bearer", _key));

    private ApiClient Admin(Uri address) =>
        new(address, new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{_email}/token:{_token}"))));
}
