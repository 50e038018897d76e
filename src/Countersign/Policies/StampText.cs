using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Policies;

/// <summary>
/// A stamped policy as text. Its hash is its name in the record, so the text of a policy must never come out
/// differently: members are only ever added, at the end, and left out where they say nothing.
/// </summary>
internal static class StampText
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static string Write(Policy policy) =>
        JsonSerializer.Serialize(
            new Stored
            {
                Name = policy.Name,
                RequesterUnknown = policy.RequesterUnknown,
                Steps =
                [
                    .. policy.Steps.Select(s => new StoredStep
                    {
                        Name = s.Name,
                        Need = s.Need,
                        From = Write(s.From),
                        Unknown = s.Unknown.Count == 0 ? null : [.. s.Unknown],
                        Escalated = s.Escalated,
                        All = s.All,
                    }),
                ],
                SelfApproval = policy.AllowsSelfApproval,
                Rejection = policy.Rejection == Rejection.Never ? "never" : null,
                NoteRequired = policy.NoteRequired?.ToArray(),
                Remind = policy.Remind is { } remind
                    ? new StoredRemind
                    {
                        After = Seconds(remind.After),
                        Every = remind.Every is { } every ? Seconds(every) : 0,
                    }
                    : null,
                Escalate = policy.Escalate is { } escalate
                    ? new StoredEscalate { After = Seconds(escalate.After), To = Write(escalate.To) }
                    : null,
                Expire = policy.Expire is { } expire
                    ? new StoredExpire
                    {
                        After = Seconds(expire.After),
                        As = expire.AsWithdrawn ? "withdrawn" : "rejected",
                    }
                    : null,
                MailDecisions = policy.AllowsMailDecisions,
                BreakGlass = policy.ForbidsBreakGlass ? "forbid" : null,
                Auto = policy.Auto is { } auto
                    ? new StoredAuto { Answer = auto.Approves ? "approve" : "reject", Because = auto.Because }
                    : null,
                Destination = policy.Destination,
                UnknownRequester = policy.UnknownRequester is { } unknown and not UnknownRequester.OneMore
                    ? unknown.ToWireName()
                    : null,
                ClaimedRequester = policy.ClaimedRequester is { } claimed and not ClaimedRequester.Accept
                    ? claimed.ToWireName()
                    : null,
                RequesterClaimed = policy.RequesterClaimed,
                Carried = policy.Carried is { } carried
                    ? new StoredCarried
                    {
                        UpTo = carried.UpTo,
                        Steps = carried.Steps.OrderBy(s => s.Key).ToDictionary(s => s.Key, s => s.Value.ToArray()),
                    }
                    : null,
                GrantExpires = policy.GrantExpires is { } grant ? Seconds(grant) : 0,
            },
            Json
        );

    public static Policy Read(string text)
    {
        var stored = JsonSerializer.Deserialize<Stored>(text, Json) ?? throw new JsonException("An empty policy.");
        return new Policy(
            stored.Name,
            [
                .. stored.Steps.Select(s => new Step(s.Name, s.Need, Read(s.From))
                {
                    Unknown = s.Unknown ?? [],
                    Escalated = s.Escalated,
                    All = s.All,
                }),
            ]
        )
        {
            RequesterUnknown = stored.RequesterUnknown,
            AllowsSelfApproval = stored.SelfApproval,
            Rejection = stored.Rejection switch
            {
                null => Rejection.Any,
                "never" => Rejection.Never,
                _ => throw new JsonException("An invalid rejection."),
            },
            NoteRequired = stored.NoteRequired,
            Remind = stored.Remind is { } remind
                ? new Reminders(
                    TimeSpan.FromSeconds(remind.After),
                    remind.Every > 0 ? TimeSpan.FromSeconds(remind.Every) : null
                )
                : null,
            Escalate = stored.Escalate is { } escalate
                ? new Escalation(TimeSpan.FromSeconds(escalate.After), Read(escalate.To))
                : null,
            Expire = stored.Expire is { } expire
                ? new Expiry(TimeSpan.FromSeconds(expire.After), expire.As == "withdrawn")
                : null,
            AllowsMailDecisions = stored.MailDecisions,
            ForbidsBreakGlass = stored.BreakGlass is not null,
            Auto = stored.Auto is { } auto ? new AutoAnswer(auto.Answer == "approve", auto.Because) : null,
            Destination = stored.Destination,
            UnknownRequester = stored.UnknownRequester is { } unknown
                ? RequesterRules.UnknownOf(unknown) ?? UnknownRequester.Refuse
                : null,
            ClaimedRequester = stored.ClaimedRequester is { } claimed
                ? RequesterRules.ClaimedOf(claimed) ?? ClaimedRequester.OneMore
                : null,
            RequesterClaimed = stored.RequesterClaimed,
            Carried = stored.Carried is { } carried
                ? new Carried(carried.UpTo, carried.Steps.ToDictionary(s => s.Key, s => (IReadOnlyList<int>)s.Value))
                : null,
            GrantExpires = stored.GrantExpires > 0 ? TimeSpan.FromSeconds(stored.GrantExpires) : null,
        };
    }

    private static double Seconds(TimeSpan span) => span.TotalSeconds;

    private static StoredApprover[] Write(IReadOnlyList<Approver> approvers) =>
        [.. approvers.Select(a => new StoredApprover(a.Party.Text, a.Name))];

    private static Approver[] Read(StoredApprover[] approvers) =>
        [.. approvers.Select(a => new Approver(new Party(a.Party), a.Name))];

    private sealed class Stored
    {
        public required string Name { get; init; }
        public bool RequesterUnknown { get; init; }
        public required StoredStep[] Steps { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        public bool SelfApproval { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Rejection { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string[]? NoteRequired { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public StoredRemind? Remind { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public StoredEscalate? Escalate { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public StoredExpire? Expire { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        public bool MailDecisions { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? BreakGlass { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public StoredAuto? Auto { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Destination { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public StoredCarried? Carried { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? UnknownRequester { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? ClaimedRequester { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        public bool RequesterClaimed { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        public double GrantExpires { get; init; }
    }

    private sealed class StoredStep
    {
        public required string Name { get; init; }
        public int Need { get; init; }
        public required StoredApprover[] From { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string[]? Unknown { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        public bool Escalated { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        public bool All { get; init; }
    }

    private sealed record StoredApprover(string Party, string Name);

    private sealed class StoredRemind
    {
        public double After { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        public double Every { get; init; }
    }

    private sealed class StoredEscalate
    {
        public double After { get; init; }
        public required StoredApprover[] To { get; init; }
    }

    private sealed class StoredExpire
    {
        public double After { get; init; }
        public required string As { get; init; }
    }

    private sealed class StoredAuto
    {
        public required string Answer { get; init; }
        public required string Because { get; init; }
    }

    private sealed class StoredCarried
    {
        public int UpTo { get; init; }
        public required Dictionary<int, int[]> Steps { get; init; }
    }
}
