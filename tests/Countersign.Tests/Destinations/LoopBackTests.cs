using System.Text.Json.Nodes;
using Countersign.Destinations;
using Countersign.Destinations.Links;
using Countersign.Requests;
using Countersign.Tests.Doors.LaunchDarkly;
using Xunit;

namespace Countersign.Tests.Destinations;

/// <summary>
/// Trap 50: one Countersign asks another through the manifest for custom approvals, and both say the same in the end.
/// </summary>
public sealed class LoopBackTests
{
    private static int Requests => LongRun.IsAskedFor ? 200 : 50;

    private static readonly string[] Pieces =
    [
        "\"",
        "'",
        "<b>",
        "&amp;",
        "&",
        "\\",
        "\\n",
        "日本",
        "😀",
        "{{x}}",
        "}}",
        "${y}",
        "%20",
        "\t",
        "ß",
        " ",
        "approved",
        "declined",
        "</script>",
        "a",
        "Z",
        "0",
        ",",
        "]",
    ];

    [Theory]
    [InlineData(Engine.Sqlite, "countersign")]
    [InlineData(Engine.Sqlite, "custom-approvals.json")]
    public async Task Trap_50_every_text_and_every_decision_is_equal_on_both_sides(Engine engine, string manifest)
    {
        var text = ShippedManifests.Find(manifest) ?? PublishedManifests.Read(manifest);
        await using var other = await LaunchDarklyHost.Start(engine);
        await using var over = await HandedOver.Start(engine);
        await over.Destination(
            text,
            new Dictionary<string, string> { ["baseURL"] = other.Host.Address.ToString().TrimEnd('/') },
            new Dictionary<string, string> { ["apiKey"] = other.Key.Key }
        );

        var random = Seeded.Random(50);
        string Hostile(bool line = true)
        {
            var made = string.Concat(
                    Enumerable.Range(0, random.Next(1, 12)).Select(_ => Pieces[random.Next(Pieces.Length)])
                )
                .Trim();
            return line ? made.Replace("\t", "", StringComparison.Ordinal) + "x" : made + "\nsecond \"line\"";
        }
        JsonObject Facts()
        {
            var facts = new JsonObject();
            foreach (var thing in new[] { "project", "environment", "flag" })
            {
                facts[thing] = $"{thing}-{random.Next(100)}";
                facts[thing + ".name"] = Hostile();
                // The published template does not take HTML's characters in tags.
                facts[thing + ".tags"] = new JsonArray("one", "日本 😀");
            }
            facts["comment"] = Hostile();
            facts["details"] = Hostile(line: false);
            facts["description"] = Hostile();
            facts["form.risk"] = Hostile();
            facts["form.plan"] = Hostile();
            return facts;
        }

        var asked = new List<ApprovalRequest>();
        for (var i = 0; i < Requests; i++)
            asked.Add(await over.Ask(s => s with { Facts = Facts().ToJsonString() }));
        await over.Work();

        var fates = new Dictionary<RequestId, Answer>();
        foreach (var request in asked)
        {
            Assert.Equal(LinkState.Open, (await over.Link(request)).State);
            var there = await other.Facts(request.Id.Value);
            var here = JsonNode
                .Parse(
                    (await RequestDetails.Find(over.Hub.Store, request.Id, Viewer.Hub(Some.Origin), default))!
                        .Current
                        .Facts
                )!
                .AsObject();
            foreach (var (name, value) in here)
            {
                Assert.True(
                    JsonNode.DeepEquals(value, there[name]),
                    $"{name}: {value?.ToJsonString()} here, {there[name]?.ToJsonString()} there"
                );
            }
            fates[request.Id] = random.Next(3) switch
            {
                0 => Answer.Approve,
                1 => Answer.Reject,
                _ => Answer.Abstain,
            };
            // Nobody can tell who asks, so the other side wants one approval more.
            await other.Answer(other.People[0], fates[request.Id], request.Id.Value);
            if (fates[request.Id] == Answer.Approve)
                await other.Answer(other.People[1], fates[request.Id], request.Id.Value);
        }
        await over.WorkAfter(TimeSpan.FromMinutes(6));

        foreach (var request in asked)
        {
            var (here, there) = (await over.Now(request), await other.Request(request.Id.Value));
            var link = await over.Link(request);
            Assert.True(
                there.Status == here.Status,
                $"{here.Status} here, {there.Status} there: {link.State} {link.Value} {link.Problem}"
            );
            Assert.Equal(
                fates[request.Id] switch
                {
                    Answer.Approve => Status.Approved,
                    Answer.Reject => Status.Rejected,
                    _ => Status.Active,
                },
                here.Status
            );
            if (here.Status == Status.Approved)
                await over.Hub.MarkApplied.Run(request.Id, Viewer.Hub(Some.Origin), default);
            else if (here.Status == Status.Active)
                await over.Hub.Withdraw.Run(request.Id, Viewer.Hub(Some.Origin), "", default);
        }
        await over.WorkAfter(TimeSpan.FromMinutes(6));
        foreach (var request in asked)
        {
            var (here, there) = (await over.Now(request), await other.Request(request.Id.Value));
            Assert.Equal((here.Status, here.AppliedAt is null), (there.Status, there.AppliedAt is null));
        }
        Assert.Equal(Requests, await other.Hub.Place.Count("requests"));
    }
}
