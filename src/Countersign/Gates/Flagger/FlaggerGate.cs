using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.Requests;

namespace Countersign.Gates.Flagger;

/// <summary>
/// Flagger's confirm hooks and the web metric of Argo Rollouts. Both ask again and again, and go by the answer. Flagger
/// goes on with any status up to 202, and goes back with one on its rollback hook; so everything that isn't exactly an
/// approval, or there a rejection, is answered with 409.
/// </summary>
public sealed partial class FlaggerGate : IGate
{
    public const string Secret = "secret",
        Interval = "interval";

    private const string Rollback = "rollback",
        Event = "event",
        Argo = "argo";

    /// <summary>Those that hold a canary back, by their exact names.</summary>
    private static readonly string[] Confirms = ["confirm-rollout", "confirm-traffic-increase", "confirm-promotion"];

    /// <summary>A caller that missed this number of its intervals has gone.</summary>
    private const int MissedIntervals = 3;

    public string Kind => SourceKinds.Flagger;

    public GateTraits Traits { get; } = new() { MaxBody = 64 * 1024, HasPaths = true };

    public IReadOnlyList<GateField> Fields { get; } =
    [new(Secret, IsSecret: true, Signs: true), new(Interval) { Default = "60" }];

    public string? ProblemWith(string field, string value) =>
        field switch
        {
            Secret => value.All(char.IsAsciiLetterOrDigit) ? GateSecrets.ProblemWith(value) : "Use letters and digits.",
            _ => Seconds(value) is >= 5 and <= 86_400 ? null : "The seconds between two calls, from 5 to 86400.",
        };

    /// <summary>Flagger can send nothing but its address, so the secret is in that; Argo can send a header.</summary>
    public bool IsGenuine(GateCall call, GateSettings settings)
    {
        var inPath = call.Path.Split('/')[0];
        var header = call.Header("Authorization");
        const string scheme = "Bearer ";
        var inHeader = header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? header[scheme.Length..] : "";
        return GateSecrets.IsAny(
            settings.SecretsOf(Secret),
            secret => GateSecrets.IsText(inPath, secret) | GateSecrets.IsText(inHeader, secret)
        );
    }

    public GateMessage Parse(GateCall call, GateSettings settings)
    {
        var path = call.Path.Split('/');
        var gap = TimeSpan.FromSeconds(MissedIntervals * (Seconds(settings[Interval]) ?? 60));
        return path switch
        {
            [Argo, var service, var hash] => OfRollout(service, hash, gap),
            [_, Argo, var service, var hash] => OfRollout(service, hash, gap),
            [_, var hook] when Confirms.Contains(hook) => OfCanary(call.Body, hook, gap),
            [_, Rollback] => OfRollback(call.Body, gap),
            [_, Event] => new GateMessage.Ignored("Noted."),
            _ => new GateMessage.Refused("There is no such hook. See docs/gates/flagger.md for their addresses."),
        };
    }

    /// <summary>Only the event hook, which holds nothing back, comes here.</summary>
    public GateResponse Acknowledge(GateMessage message) =>
        message is GateMessage.Ignored { Why: var why }
            ? new GateResponse(200, why)
            : new GateResponse(409, "Waiting.");

    public GateResponse Answer(GateMessage message, IReadOnlyList<GateStanding> standings) =>
        message switch
        {
            GateMessage.Looked => standings.Any(s => s is { Status: Status.Rejected, IsCurrent: true })
                ? new GateResponse(200, "Rejected: go back.")
                : new GateResponse(409, "Not rejected."),
            GateMessage.Asked { Ask.Group: var group } when group?.StartsWith(Argo, StringComparison.Ordinal) == true =>
                ForArgo(standings),
            _ => standings is [{ Status: Status.Approved }]
                ? new GateResponse(200, "Approved.")
                : new GateResponse(409, InWords(standings)),
        };

    public IReadOnlyList<Uri> Origins(GateSettings settings) => [];

    /// <summary>Never called: it asks.</summary>
    public OutgoingCall Verdict(GateSettings settings, GateReply reply, GateVerdict verdict) =>
        throw new InvalidOperationException("A caller that polls isn't called.");

    public CallResult Classify(CallAnswer answer, TimeSpan age) =>
        new CallResult.Held("A caller that polls isn't called.");

    private static GateMessage OfCanary(byte[] body, string hook, TimeSpan gap)
    {
        if (GateText.Object(body) is not { } call || CanaryOf(call) is not ({ } canary, { } checksum))
            return new GateMessage.Refused(NoCanary);
        var facts = new JsonObject { ["canary"] = canary, ["hook"] = hook };
        facts.Add("namespace", GateText.Text(call, "namespace"));
        facts.Add("phase", GateText.Text(call, "phase"));
        facts.Add("checksum", checksum);
        var what = hook switch
        {
            "confirm-rollout" => "Roll out",
            "confirm-promotion" => "Promote",
            _ => "Give more traffic to",
        };
        return Ask($"{what} {canary}", $"{hook}/{canary}", checksum, facts, "Flagger", gap);
    }

    private static GateMessage OfRollback(byte[] body, TimeSpan gap) =>
        GateText.Object(body) is { } call && CanaryOf(call) is ({ } canary, { } checksum)
            ? new GateMessage.Looked([.. Confirms.Select(hook => $"{hook}/{canary}/{checksum}")], gap)
            : new GateMessage.Refused(NoCanary);

    private static GateMessage OfRollout(string service, string hash, TimeSpan gap) =>
        Name().IsMatch(service) && Checksum().IsMatch(hash)
            ? Ask(
                $"Roll out {service}",
                $"{Argo}/{service}",
                hash,
                new JsonObject { ["rollout"] = service, ["checksum"] = hash },
                "Argo Rollouts",
                gap
            )
            : new GateMessage.Refused("The address must end with argo, the service and the hash of its pod template.");

    private static GateMessage.Asked Ask(
        string subject,
        string group,
        string checksum,
        JsonObject facts,
        string shownAs,
        TimeSpan gap
    ) =>
        new(
            new GateAsk
            {
                Id = $"{group}/{checksum}",
                Group = group,
                GroupRule = GroupRule.Supersedes,
                Subject = subject,
                Facts = facts.Json(),
                Content = new JsonObject { ["what"] = group, ["checksum"] = checksum }.Json(),
                // A controller asks, and doesn't say for whom.
                Requester = new GateRequester("", shownAs, [], IsPerson: false),
                Reply = new GateReply("", new Dictionary<string, string>()),
                PollGap = gap,
            }
        );

    private static (string? Canary, string? Checksum) CanaryOf(JsonObject call)
    {
        var (name, space) = (GateText.Text(call, "name"), GateText.Text(call, "namespace"));
        var checksum = GateText.Text(call, "checksum");
        return Name().IsMatch(name) && Name().IsMatch(space) && Checksum().IsMatch(checksum)
            ? ($"{space}/{name}", checksum)
            : default;
    }

    private static GateResponse ForArgo(IReadOnlyList<GateStanding> standings)
    {
        var status = standings is [var one]
            ? one.Status switch
            {
                Status.Approved => "approved",
                Status.Active => "pending",
                _ => "declined",
            }
            : "pending";
        return new GateResponse(
            200,
            new JsonObject
            {
                ["data"] = new JsonObject { ["status"] = status, ["text"] = InWords(standings) },
            }.Json()
        )
        {
            IsJson = true,
        };
    }

    private static string InWords(IReadOnlyList<GateStanding> standings) =>
        standings is [var one] ? string.Join(" – ", new[] { one.Text, one.Link }.OfType<string>()) : "Waiting.";

    private const string NoCanary = "The body must have the canary's name, namespace and checksum.";

    private static int? Seconds(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : null;

    [GeneratedRegex(
        "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000
    )]
    private static partial Regex Name();

    [GeneratedRegex("^[A-Za-z0-9]{1,100}$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Checksum();
}
