using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Gates.GitHub;

/// <summary>
/// The commits since the last deployment: which deployments there were, the first of them that succeeded, and GitHub's
/// comparison with it.
/// </summary>
internal static partial class DeployedCommits
{
    /// <summary>What the reply keeps for this.</summary>
    public const string Deployment = "deployment",
        Sha = "sha";

    /// <summary>A token for this reads, and may do nothing else.</summary>
    public const string Reading = "read";

    /// <summary>How many earlier deployments are asked about.</summary>
    private const int MaxLooked = 6;
    private const int MaxTitle = 200,
        MaxAuthor = 100;

    /// <param name="call">A call to a path below the repository, with what finds it apart.</param>
    /// <param name="answers">Of the calls so far, in their order.</param>
    public static CommitsStep? Next(
        GateSettings settings,
        GateReply reply,
        IReadOnlyList<CallAnswer> answers,
        Func<string, OutgoingCall> call
    )
    {
        var (head, ours) = (reply[Sha], reply[Deployment]);
        if (!IsSha(head) || settings[GitHubGate.ReadsCommits] == GitHubGate.Off)
            return null;
        var found = new NewCommits { Head = head, Page = PageOf(settings, reply) };
        if (answers.Count == 0)
        {
            var environment = Uri.EscapeDataString(reply[DeploymentEvent.Environment]);
            return new CommitsStep(call($"deployments?environment={environment}&per_page=20"), found);
        }
        if (Problem(answers[0], "Deployments: read") is { } refused)
            return new CommitsStep(null, found with { Problem = refused });
        var earlier = GateText
            .Objects(answers[0].Body)
            .Select(d => (Id: GateText.Number(d["id"]), Sha: GateText.Text(d["sha"]), At: d["created_at"]))
            .Where(d => d.Id is { } id && id.ToString(CultureInfo.InvariantCulture) != ours && IsSha(d.Sha))
            .ToList();
        for (var i = 0; i < Math.Min(earlier.Count, MaxLooked); i++)
        {
            if (answers.Count == i + 1)
            {
                var id = earlier[i].Id!.Value.ToString(CultureInfo.InvariantCulture);
                return new CommitsStep(call($"deployments/{id}/statuses?per_page=30"), found);
            }
            if (Problem(answers[i + 1], "Deployments: read") is { } why)
                return new CommitsStep(null, found with { Problem = why });
            if (!Succeeded(answers[i + 1]))
                continue;
            found = found with { Base = earlier[i].Sha, BaseAt = TimeOf(earlier[i].At) };
            if (found.Base == head)
                return new CommitsStep(null, found);
            return answers.Count == i + 2
                ? new CommitsStep(call($"compare/{found.Base}...{head}?per_page={NewCommits.MaxListed}"), found)
                : new CommitsStep(null, Compared(found, answers[i + 2]));
        }
        return new CommitsStep(
            null,
            earlier.Count <= MaxLooked
                ? found
                : found with
                {
                    Problem = $"None of the last {MaxLooked} deployments succeeded.",
                }
        );
    }

    private static NewCommits Compared(NewCommits found, CallAnswer answer)
    {
        if (Problem(answer, "Contents: read") is { } why)
            return found with { Problem = why };
        if (GateText.Object(answer.Body) is not { } comparison)
            return found with { Problem = "GitHub answered with something else than it documents." };
        return found with
        {
            Ahead = Count(comparison["ahead_by"]),
            Behind = Count(comparison["behind_by"]),
            Commits =
            [
                .. (comparison["commits"] as JsonArray ?? [])
                    .OfType<JsonObject>()
                    .Where(c => IsSha(GateText.Text(c["sha"])))
                    .Take(NewCommits.MaxListed)
                    .Select(c => new CommitLine(GateText.Text(c["sha"]), AuthorOf(c), TitleOf(c))),
            ],
        };
    }

    /// <summary>The account, or the name in the commit, which its author chose.</summary>
    private static string AuthorOf(JsonObject commit) =>
        GateText.Line(
            GateText.Text((commit["author"] as JsonObject)?["login"]) is { Length: > 0 } login
                ? login
                : GateText.Text(((commit["commit"] as JsonObject)?["author"] as JsonObject)?["name"]),
            MaxAuthor
        );

    private static string TitleOf(JsonObject commit) =>
        GateText.Line(
            GateText.Text((commit["commit"] as JsonObject)?["message"]).TrimStart().Split('\n', 2)[0],
            MaxTitle
        );

    /// <summary>Later statuses say that another deployment took its place.</summary>
    private static bool Succeeded(CallAnswer answer) =>
        GateText.Objects(answer.Body).Any(s => GateText.Text(s["state"]) == "success");

    private static string? Problem(CallAnswer answer, string permission) =>
        answer.Status switch
        {
            200 => null,
            403 or 404 =>
                $"GitHub refuses it ({answer.Status}). The App needs the permission {permission}, and an owner must "
                    + "accept it.",
            _ => $"GitHub answered with {answer.Status}.",
        };

    private static string PageOf(GateSettings settings, GateReply reply) =>
        Repository().Match(reply.Url) is { Success: true } match
            ? GitHubAddresses.Page(settings[GitHubGate.Server], $"/{match.Groups["name"].Value}")
            : "";

    private static string? TimeOf(JsonNode? at) =>
        DateTimeOffset.TryParse(
            GateText.Text(at),
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time
        )
            ? Instant.ToText(time)
            : null;

    private static int Count(JsonNode? node) => (int)Math.Clamp(GateText.Number(node) ?? 0, 0, int.MaxValue);

    private static bool IsSha(string text) => DeploymentEvent.Sha().IsMatch(text);

    [GeneratedRegex(
        "/repos/(?<name>[A-Za-z0-9._-]+/[A-Za-z0-9._-]+)/actions/runs/",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000
    )]
    private static partial Regex Repository();
}
