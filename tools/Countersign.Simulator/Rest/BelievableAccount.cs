using System.Text.Json.Nodes;

namespace Countersign.Simulator.Rest;

/// <summary>
/// An account for the believable changes: their requesters as members, their flags in each environment, and the
/// instructions that each change consists of. It follows a simulation, so that what the approval application reads
/// through the REST API is what it was sent.
/// </summary>
public sealed class BelievableAccount : ISimulationObserver
{
    private const string Project = "web-shop";

    private static readonly (string Key, string Name)[] Environments =
    [
        ("production", "Production"),
        ("staging", "Staging"),
        ("production-eu", "Production EU"),
    ];

    private readonly FakeLaunchDarkly _fake;
    private readonly Dictionary<string, string> _members = [];
    private readonly Dictionary<string, string> _instructions = [];
    private readonly Dictionary<string, RestApproval> _approvals = [];
    private readonly string _baseUrl;

    /// <param name="emailOf">A requester's email, by name.</param>
    /// <param name="baseUrl">Of the approval application.</param>
    public BelievableAccount(FakeLaunchDarkly fake, Func<string, string> emailOf, string baseUrl)
    {
        (_fake, _baseUrl) = (fake, baseUrl);
        // A change that was applied can be requested again.
        fake.FlagsChange = false;
        foreach (var name in BelievableChanges.Requesters)
            _members[name] = fake.AddMember(name, emailOf(name)).Id;
        foreach (var (environment, _) in Environments)
        {
            fake.AddSegment(Project, environment, "beta-testers", "Beta testers");
            fake.AddSegment(Project, environment, "gold-customers", "Gold customers");
        }
        AddFlags();
    }

    public void Started(Case started) { }

    public void Found(Finding finding, int occurrence) { }

    public void Interrupted() { }

    public void Changed(ApprovalTicket ticket)
    {
        var change = ticket.Change;
        if (!_approvals.TryGetValue(change.Id, out var approval))
        {
            approval = _approvals[change.Id] = _fake.Open(
                new RestApproval
                {
                    Id = change.Id,
                    Project = change.Project.Key,
                    Environment = change.Environment.Key,
                    Resource = change.Flag.Key,
                    Description = change.Comment,
                    CreatedAt = change.Timestamp,
                    RequestorId = _members.GetValueOrDefault(RequesterOf(change)),
                    Instructions = _instructions.GetValueOrDefault(change.Flag.Key, "[]"),
                }
            );
        }
        if (ticket.IsDeleted)
            _fake.Delete(approval);
        else if (ticket.IsApplied && approval.AppliedAt is null)
            _fake.MarkApplied(approval);
        else
            Hear(approval, ticket);
    }

    /// <summary>Nothing is applied by itself here, so it has happened when this returns.</summary>
    private void Hear(RestApproval approval, ApprovalTicket ticket)
    {
        var url = $"{_baseUrl}/approvals?approvalID={ticket.ExternalId}";
        _ = _fake.Hear(approval, ticket.ExternalId, url, ticket.Value ?? "pending", ticket.Display ?? "");
    }

    /// <summary>"Priya Raman requested approval for …"</summary>
    private static string RequesterOf(ProposedChange change)
    {
        var end = change.ShortDescription.IndexOf(" requested approval", StringComparison.Ordinal);
        return end < 0 ? "" : change.ShortDescription[..end];
    }

    private void AddFlags()
    {
        var checkout = AddFlag("new-checkout", "New checkout", ("New checkout", true), ("Old checkout", false));
        Everywhere(checkout, isOn: true, Rollout((0, 10_000), (1, 90_000)));
        _instructions["new-checkout"] = Instruction(
            "updateFallthroughVariationOrRollout",
            ("rolloutWeights", RestShapes.Filled((IdOf(checkout, 0), 25_000), (IdOf(checkout, 1), 75_000)))
        );

        foreach (
            var (key, name) in new[]
            {
                ("dark-mode", "Dark mode"),
                ("cookie-banner", "Cookie banner"),
                ("holiday-theme", "Holiday theme"),
            }
        )
        {
            AddFlag(key, name, ("On", true), ("Off", false));
            _instructions[key] = Instruction("turnFlagOn");
        }

        var ranking = AddFlag("search-ranking-v3", "Search ranking v3", ("v2", "v2"), ("v3", "v3"));
        Everywhere(ranking, isOn: true, RestShapes.Filled(("variation", 0)));
        _instructions["search-ranking-v3"] = Instruction(
            "updateFallthroughVariationOrRollout",
            ("variationId", IdOf(ranking, 1))
        );

        var limiter = AddFlag("api-rate-limiter", "Rate limiter", ("normal", "normal"), ("strict", "strict"));
        Everywhere(limiter, isOn: true, RestShapes.Filled(("variation", 0)));
        _instructions["api-rate-limiter"] = Instruction(
            "updateFallthroughVariationOrRollout",
            ("variationId", IdOf(limiter, 1))
        );

        var model = AddFlag(
            "recommendation-model",
            "Recommendation model",
            ("model-1", "model-1"),
            ("model-2", "model-2")
        );
        Everywhere(model, isOn: true, RestShapes.Filled(("variation", 0)));
        _instructions["recommendation-model"] = Instruction(
            "updateFallthroughVariationOrRollout",
            ("rolloutWeights", RestShapes.Filled((IdOf(model, 0), 50_000), (IdOf(model, 1), 50_000)))
        );

        var points = AddFlag("loyalty-points", "Loyalty points", ("On", true), ("Off", false));
        Everywhere(points, isOn: true, RestShapes.Filled(("variation", 0)));
        _instructions["loyalty-points"] = Instruction("turnFlagOff");

        var loading = AddFlag("image-lazy-loading", "Image lazy loading", ("Lazy", true), ("At once", false));
        string[] users = ["user-1041", "user-2230", "user-3107"];
        foreach (var (environment, _) in Environments)
        {
            loading["environments"]![environment]!["targets"] = new JsonArray(
                RestShapes.Filled(
                    ("contextKind", "user"),
                    ("variation", 0),
                    ("values", new JsonArray([.. users.Select(u => (JsonNode)u)]))
                )
            );
        }
        _instructions["image-lazy-loading"] = Instruction(
            "removeTargets",
            ("contextKind", "user"),
            ("variationId", IdOf(loading, 0)),
            ("values", new JsonArray([.. users.Select(u => (JsonNode)u)]))
        );

        var signIn = AddFlag(
            "two-step-sign-in",
            "Two-step sign-in",
            ("optional", "optional"),
            ("required", "required")
        );
        Everywhere(signIn, isOn: true, RestShapes.Filled(("variation", 0)));
        _instructions["two-step-sign-in"] = Instruction(
            "addRule",
            ("clauses", new JsonArray(InSegment("staff"))),
            ("variationId", IdOf(signIn, 1)),
            ("description", "Staff")
        );

        var invoices = AddFlag("invoice-pdf-service", "Invoice PDF service", ("New service", true), ("Old", false));
        Everywhere(invoices, isOn: true, Rollout((0, 5_000), (1, 95_000)));
        _instructions["invoice-pdf-service"] = Instruction(
            "updateFallthroughVariationOrRollout",
            ("variationId", IdOf(invoices, 0))
        );

        var (ruleId, clauseId) = (ProposedChange.NewId(), ProposedChange.NewId());
        var refunds = AddFlag("express-refunds", "Express refunds", ("Express", true), ("Standard", false));
        Everywhere(refunds, isOn: true, RestShapes.Filled(("variation", 1)), EarlyAccess(ruleId, clauseId));
        _instructions["express-refunds"] = Instruction(
            "addValuesToClause",
            ("ruleId", ruleId),
            ("clauseId", clauseId),
            ("values", new JsonArray("gold-customers"))
        );
    }

    private JsonObject AddFlag(string key, string name, params IReadOnlyList<(string? Name, JsonNode Value)> variations)
    {
        var flag = _fake.AddFlag(Project, key, name, variations, [.. Environments.Select(e => e.Key)]);
        foreach (var (environment, title) in Environments)
            flag["environments"]![environment]!["_environmentName"] = title;
        return flag;
    }

    private static void Everywhere(JsonObject flag, bool isOn, JsonObject fallthrough, JsonObject? rule = null)
    {
        foreach (var (key, _) in Environments)
        {
            var state = flag["environments"]![key]!;
            state["on"] = isOn;
            state["fallthrough"] = fallthrough.DeepClone();
            if (rule is not null)
                state["rules"] = new JsonArray(rule.DeepClone());
        }
    }

    private static JsonObject EarlyAccess(string ruleId, string clauseId) =>
        RestShapes.Filled(
            ("_id", ruleId),
            ("description", "Early access"),
            ("variation", 0),
            ("trackEvents", false),
            ("clauses", new JsonArray(InSegment("beta-testers", clauseId)))
        );

    private static JsonObject InSegment(string segment, string? clauseId = null) =>
        RestShapes.Filled(
            ("_id", clauseId),
            ("contextKind", "user"),
            ("attribute", "segmentMatch"),
            ("op", "segmentMatch"),
            ("negate", false),
            ("values", new JsonArray(segment))
        );

    private static JsonObject Rollout(params IReadOnlyList<(int Variation, int Weight)> shares) =>
        RestShapes.Filled(
            (
                "rollout",
                RestShapes.Filled(
                    (
                        "variations",
                        new JsonArray([
                            .. shares.Select(s =>
                                (JsonNode)RestShapes.Filled(("variation", s.Variation), ("weight", s.Weight))
                            ),
                        ])
                    )
                )
            )
        );

    private static string IdOf(JsonObject flag, int variation) => flag["variations"]![variation]!["_id"]!.ToString();

    private static string Instruction(string kind, params IReadOnlyList<(string Name, JsonNode? Value)> arguments) =>
        new JsonArray(RestShapes.Filled([("kind", kind), .. arguments])).ToJsonString();
}
