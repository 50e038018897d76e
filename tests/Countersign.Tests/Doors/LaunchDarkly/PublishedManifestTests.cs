using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.Tests.Destinations;
using Xunit;

namespace Countersign.Tests.Doors.LaunchDarkly;

/// <summary>
/// The integration as LaunchDarkly publishes it, where a copy lies beside this repository: its addresses, its pointers
/// and its patterns are followed to the letter.
/// </summary>
public sealed class PublishedManifestTests
{
    [Fact]
    public async Task The_published_integration_finds_its_way_and_reads_our_answers()
    {
        var approval = JsonNode.Parse(PublishedManifests.Read("custom-approvals.json"))!["capabilities"]!["approval"]!;
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        using var nobody = host.Host.Nobody();

        Task<ApiAnswer> Send(string name, string id, HttpContent? content)
        {
            var endpoint = approval[name]!["endpoint"]!;
            string Filled(string text) =>
                Regex.Replace(
                    text,
                    @"\{\{ *(?<name>[\w.]+) *\}\}",
                    variable =>
                        variable.Groups["name"].Value switch
                        {
                            "baseURL" => host.Host.Address.GetLeftPart(UriPartial.Authority),
                            "apiKey" => host.Key.Key,
                            "context.approvalId" => id,
                            var other => throw new InvalidOperationException($"The manifest uses {other}."),
                        },
                    RegexOptions.ExplicitCapture,
                    TimeSpan.FromSeconds(1)
                );
            var headers = endpoint["headers"]!
                .AsArray()
                .Select(h => (h!["name"]!.GetValue<string>(), Filled(h["value"]!.GetValue<string>())))
                .Where(h => h.Item1 != "Content-Type")
                .ToArray();
            return nobody.Send(
                new HttpMethod(endpoint["method"]!.GetValue<string>()),
                Filled(endpoint["url"]!.GetValue<string>()),
                content,
                headers
            );
        }

        static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");
        string Read(string name, string pointer, ApiAnswer answer) =>
            approval[name]!["parser"]![pointer]!
                .GetValue<string>()
                .Split('/', StringSplitOptions.RemoveEmptyEntries)
                .Aggregate(answer.Json, (node, member) => node[member]!)
                .GetValue<string>();
        bool Matches(string name, string matcher, ApiAnswer answer) =>
            Regex.IsMatch(
                Read(name, "statusValue", answer),
                approval[name]!["parser"]![matcher]!.GetValue<string>(),
                RegexOptions.None,
                TimeSpan.FromSeconds(1)
            );

        var created = await Send("creationRequest", "", Json(LaunchDarklySide.Body().ToJsonString()));
        var id = Read("creationRequest", "approvalId", created);
        Assert.Equal((201, LaunchDarklySide.Id), (created.Status, id));
        Assert.False(
            Matches("creationRequest", "approvalMatcher", created)
                || Matches("creationRequest", "rejectionMatcher", created)
        );

        await host.Approve(host.People[0]);
        foreach (var name in new[] { "statusRequest", "postApplyRequest", "deletionRequest" })
        {
            var answer = await Send(name, id, name == "statusRequest" ? null : Json(""));
            Assert.Equal(200, answer.Status);
            Assert.True(Matches(name, "approvalMatcher", answer) && !Matches(name, "rejectionMatcher", answer));
            Assert.NotEmpty(Read(name, "statusDisplay", answer));
        }
        var items = approval["memberListRequest"]!["parser"]!;
        var members = (await Send("memberListRequest", id, null)).Json[
            items["memberArrayPath"]!.GetValue<string>().Trim('/')
        ]!.AsArray();
        Assert.Equal(
            ["Ann", "Ben", "Cem", "Rita Roe"],
            members.Select(m => m![items["memberItems"]!["memberId"]!.GetValue<string>().Trim('/')]!.GetValue<string>())
        );
    }
}
