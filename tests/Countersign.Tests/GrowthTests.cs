using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Destinations.Manifest;
using Countersign.Doors.LaunchDarkly;
using Countersign.Hosting;
using Countersign.Pages.Prose;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Tests.Destinations.Manifest;
using Countersign.Tests.Doors.LaunchDarkly;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// No work grows faster than what it is given. What is counted is what the work allocates, for an input and for one
/// four times as large; work that is only looking allocates nothing, and there the larger input is large enough that a
/// square of it would not end while the test waits.
/// </summary>
public sealed class GrowthTests
{
    /// <summary>
    /// Four times the input, room for sorting and for lists that double; the square would be sixteen.
    /// </summary>
    private const int MaxGrowth = 8;
    private const int Fixed = 200_000;

    private static readonly Dictionary<string, (int Size, Func<int, Action> Prepare)> Work = new()
    {
        ["mistakes of many members"] = (
            20_000,
            n =>
                () =>
                {
                    var mistakes = new BodyErrors();
                    for (var i = 0; i < n; i++)
                        mistakes.SingleLine($"m{i}", "\u0001", 100, required: true);
                }
        ),
        ["mistakes of one member"] = (
            20_000,
            n =>
                () =>
                {
                    var mistakes = new BodyErrors();
                    for (var i = 0; i < n; i++)
                        mistakes.Add("facts.a", $"Value {i} is no value.");
                }
        ),
        ["a message of heads of diffs"] = (60_000, n => Shown(Repeated("--- a/file\n", n))),
        ["a message of hunks"] = (20_000, n => Shown(Repeated("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n\n", n))),
        ["a message of addresses that are none"] = (200_000, n => Shown(Repeated("http", n))),
        ["a message of addresses"] = (5_000, n => Shown(Repeated("see https://example.com/a?b=c), and ", n))),
        ["a message of list items"] = (20_000, n => Shown(Repeated("* one\n\ntwo\n", n))),
        ["a message of characters that HTML minds"] = (100_000, n => Shown(Repeated("<&\"", n))),
        // Four times as much is still read as Markdown.
        ["Markdown of brackets"] = (15_000, n => Shown(Repeated("[", n))),
        ["Markdown of brackets and parentheses"] = (4_000, n => Shown(Repeated("[a](", n))),
        ["Markdown of pictures"] = (7_000, n => Shown(Repeated("![", n))),
        ["Markdown of stars"] = (15_000, n => Shown(Repeated("*", n))),
        ["Markdown of stars and words"] = (5_000, n => Shown(Repeated("*a ", n))),
        ["Markdown of emphasis in emphasis"] = (3_500, n => Shown(Repeated("*a_b", n))),
        ["Markdown of backticks"] = (7_000, n => Shown(Repeated("`a", n))),
        ["Markdown of quotes"] = (7_000, n => Shown(Repeated("> ", n))),
        ["Markdown of lists"] = (7_000, n => Shown(Repeated("- ", n))),
        ["the difference of two contents"] = (
            20_000,
            n =>
            {
                var (old, fresh) = (Numbered("line", n), Numbered("other", n));
                return () => TextDiff.Lines(old, fresh);
            }
        ),
        ["the difference of two policy files"] = (
            20_000,
            n =>
            {
                var (old, fresh) = (Numbered("line", n), Numbered("other", n));
                return () => TextDiff.Excerpt(old, fresh);
            }
        ),
        ["a policy file of policies"] = (
            1_000,
            n =>
            {
                var text =
                    "version: 1\npolicies:\n"
                    + string.Concat(
                        Enumerable
                            .Range(0, n)
                            .Select(i =>
                                $"  - name: p{i}\n    when: {{environment: e{i}}}\n    steps: [{{need: 1, "
                                + $"from: {{groups: [g{i}]}}}}]\n"
                            )
                    );
                return () => Assert.NotNull(PolicyFile.Read(text).File);
            }
        ),
        ["a policy file of mistakes"] = (
            10_000,
            n =>
            {
                var text =
                    "version: 1\npolicies:\n  - name: p\n    when:\n"
                    + string.Concat(Enumerable.Range(0, n).Select(i => $"      k{i}: v\n"));
                return () =>
                {
                    var (file, problems) = PolicyFile.Read(text);
                    Assert.Null(file);
                    Assert.InRange(problems.Count, 1, 210);
                };
            }
        ),
        ["a policy file of warnings and one mistake"] = (
            1_000,
            n =>
            {
                var text =
                    "version: 1\npolicies:\n"
                    + string.Concat(
                        Enumerable
                            .Range(0, n)
                            .Select(i => $"  - name: p{i}\n    steps: [{{need: 1, from: {{groups: [g]}}}}]\n")
                    )
                    + "  - name: last\n";
                return () =>
                {
                    var (file, problems) = PolicyFile.Read(text);
                    Assert.Null(file);
                    Assert.Contains(problems, p => !p.IsWarning);
                    Assert.InRange(problems.Count, 1, 210);
                };
            }
        ),
        ["a manifest of unknown members"] = (10_000, n => Linted(Sample.With(("~", Approval(n))))),
        ["a manifest of variables"] = (
            1_000,
            n =>
                Linted(
                    Sample.With(
                        (
                            "formVariables",
                            new JsonArray([
                                .. Enumerable
                                    .Range(0, n)
                                    .Select(i =>
                                        (JsonNode)
                                            new JsonObject
                                            {
                                                ["key"] = $"k{i}",
                                                ["name"] = "n",
                                                ["type"] = "string",
                                                ["description"] = "d",
                                            }
                                    ),
                            ])
                        )
                    )
                )
        ),
        ["a template of open blocks"] = (
            10_000,
            n => Linted(Sample.With(("~.creationRequest.jsonBody", Repeated("{{#if a}}", n))))
        ),
        ["a template of calls inside one another"] = (
            10_000,
            n =>
                Linted(
                    Sample.With(("~.creationRequest.jsonBody", "{{pathEncode " + Repeated("(pathEncode ", n) + "}}"))
                )
        ),
        ["a template of tags"] = (
            2_000,
            n => Linted(Sample.With(("~.creationRequest.jsonBody", "\"" + Repeated("{{comment}} ", n) + "\"")))
        ),
        ["a template of braces"] = (
            20_000,
            n => Linted(Sample.With(("~.creationRequest.jsonBody", Repeated("{ a }", n))))
        ),
        ["a pattern on an answer"] = (
            50_000,
            n =>
            {
                var (pattern, text) = (StatusPattern.Parse(Repeated("(a|aa)?", 8) + "b$"), new string('a', n));
                return () => Assert.False(pattern.IsMatch(text));
            }
        ),
        ["a body of LaunchDarkly with form variables"] = (
            15_000,
            n =>
            {
                var body = LaunchDarklySide.Body();
                body["approvalFormVariables"] = new JsonObject(
                    Enumerable.Range(0, n).Select(i => KeyValuePair.Create($"v{i}", (JsonNode?)"x"))
                );
                var sent = Encoding.UTF8.GetBytes(body.ToJsonString());
                return () =>
                    Assert.NotEmpty(
                        Facts.Json(
                            CreationBody.Read(sent).Body!,
                            new Requester(null, "Rita", [], Countersign.Policies.Certainty.Proven),
                            DateTimeOffset.UnixEpoch
                        )
                    );
            }
        ),
        ["a body of LaunchDarkly with halves of pairs"] = (
            15_000,
            n =>
            {
                var sent = Encoding.UTF8.GetBytes(
                    "{\"_id\":\"" + LaunchDarklySide.Id + "\",\"comment\":\"" + Repeated(@"\ud83d\\", n) + "\"}"
                );
                return () => Assert.NotNull(CreationBody.Read(sent).Body);
            }
        ),
        ["the digest of a body"] = (
            20_000,
            n =>
            {
                var body = JsonElement.Parse(
                    "{" + string.Join(',', Enumerable.Range(0, n).Select(i => $"\"é{n - i}\":[{i}]")) + "}"
                );
                return () => Assert.NotEmpty(Digest.Of(body));
            }
        ),
    };

    public static TheoryData<string> Names => [.. Work.Keys];

    [Theory, MemberData(nameof(Names))]
    public async Task Four_times_the_input_takes_about_four_times_the_work(string name)
    {
        var (size, prepare) = Work[name];
        var (one, four) = await Task.Run(() =>
            {
                var (small, large) = (prepare(size), prepare(4 * size));
                // What is made once for every input, and what is pooled.
                small();
                large();
                return (Allocated(small), Allocated(large));
            })
            .Soon();
        Assert.True(four <= (MaxGrowth * one) + Fixed, $"{one} bytes became {four}.");
    }

    [Fact]
    public async Task However_many_mistakes_a_body_has_the_answer_names_a_few()
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var source = host.Source(await host.Hub.AddSource("pipeline"));
        string[] bodies =
        [
            "{\"subject\":\"x\",\"facts\":{\"a\":["
                + string.Join(',', Enumerable.Repeat("\"\\u0001\"", 110_000))
                + "]}}",
            "{\"subject\":\"x\"," + string.Join(',', Enumerable.Range(0, 80_000).Select(i => $"\"a{i}\":1")) + "}",
            "{\"subject\":\"x\",\"" + new string('b', 900_000) + "\":1}",
            "{\"subject\":\"x\",\"facts\":{\"" + new string('c', 900_000) + "\":{}}}",
        ];
        foreach (var body in bodies)
        {
            var answer = await source.PostText("/api/v1/requests", body).Soon();
            Assert.Equal(422, answer.Status);
            Assert.InRange(answer.Wrong.Count, 1, BodyErrors.Max + 1);
            Assert.InRange(answer.Text.Length, 1, 10_000);
        }
    }

    [Fact]
    public async Task A_request_with_tens_of_thousands_of_form_variables_is_taken_and_shown_in_part()
    {
        await using var host = await LaunchDarklyHost.Start(Engine.Sqlite);
        var body = LaunchDarklySide.Body();
        body["approvalFormVariables"] = new JsonObject(
            Enumerable.Range(0, 60_000).Select(i => KeyValuePair.Create($"variable{i}", (JsonNode?)"x"))
        );
        Assert.Equal(201, (await host.Side.Create(body).Soon()).Status);
        using var ann = await host.Host.SignIn(host.People[0]);
        var page = await ann.Get($"/requests/{(await host.Request()).Id}").Soon();
        Assert.Equal(200, page.Status);
        Assert.Contains("Variable1", page.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("available through the API", page.Text, StringComparison.Ordinal);
        Assert.InRange(page.Text.Length, 1, 200_000);
    }

    private static long Allocated(Action work)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static Action Shown(string text) => () => Assert.NotEmpty(MarkdownText.Read(text));

    private static Action Linted(string manifest) =>
        () =>
            Assert.InRange(Linter.Run(manifest).Sum(f => f.Place.Length + f.Problem.Length + f.Fix.Length), 0, 200_000);

    private static JsonObject Approval(int members)
    {
        var approval = JsonNode.Parse(Sample.Text)!["capabilities"]!["approval"]!.DeepClone().AsObject();
        for (var i = 0; i < members; i++)
            approval[$"m{i}"] = 1;
        return approval;
    }

    private static string Repeated(string text, int times) =>
        new StringBuilder(text.Length * times).Insert(0, text, times).ToString();

    private static string Numbered(string text, int lines) =>
        string.Join('\n', Enumerable.Range(0, lines).Select(i => $"{text} {i}"));
}
