using Countersign.SignIn;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.ApiExplorer;

namespace Countersign.Hosting.OpenApi;

/// <summary>What follows from an endpoint's metadata: its door, who may call it, and its errors.</summary>
internal sealed class OperationKind
{
    private readonly SortedDictionary<int, List<string>> _errors = [];
    private readonly List<string> _rules = [];

    public required Door? Door { get; init; }
    public required string? Permission { get; init; }
    public required bool IsAnonymous { get; init; }
    public required bool ChangesSomething { get; init; }
    public required bool NeedsRecentSignIn { get; init; }

    /// <summary>A source's key opens it.</summary>
    public bool IsForSources =>
        Door is { TakesSources: true }
        && Permission is (Permissions.AnyCaller or Permissions.Source or Permissions.LaunchDarkly);

    public bool IsForPeople =>
        Door is { TakesPeople: true } && Permission is not (Permissions.Source or Permissions.LaunchDarkly);
    public ErrorShape Shape => Door?.Errors ?? ErrorShape.Problem;
    public IReadOnlyDictionary<int, List<string>> Errors => _errors;
    public IReadOnlyList<string> Rules => _rules;

    public static OperationKind Of(ApiDescription description, IList<object> metadata, OperationText text)
    {
        var kind = new OperationKind
        {
            Door = metadata.OfType<Door>().LastOrDefault(),
            Permission = metadata.OfType<IAuthorizeData>().LastOrDefault(a => a.Policy is not null)?.Policy,
            IsAnonymous = metadata.OfType<IAllowAnonymous>().Any(),
            ChangesSomething = description.HttpMethod is not "GET",
            NeedsRecentSignIn = metadata.OfType<RecentSignInRequired>().Any(),
        };
        kind.AddErrors(description, metadata, text);
        return kind;
    }

    private void AddErrors(ApiDescription description, IList<object> metadata, OperationText text)
    {
        if (Door is { } door)
        {
            if (!IsAnonymous)
                Add(401, "unauthenticated");
            if (!IsAnonymous && IsForSources)
                Add(401, "key_expired");
            Add(429, "rate_limited");
            Add(500, "internal");
            Add(503, "unavailable");
            AddForbidden(door);
            if (metadata.OfType<IAcceptsMetadata>().Any() || text.BodySchema is not null)
            {
                Add(400, "invalid");
                Add(413, "too_large");
                Add(415, "unsupported_media_type");
            }
            if (metadata.OfType<IAcceptsMetadata>().Any())
                Add(422, "invalid");
            if (!text.IsEverythingFound && description.RelativePath!.Contains('{', StringComparison.Ordinal))
                Add(404, "not_found");
        }
        foreach (var (status, codes) in text.Errors)
        {
            foreach (var code in codes)
                Add(status, code);
        }
        _rules.AddRange(text.Rules);
    }

    private void AddForbidden(Door door)
    {
        var refused = Permission switch
        {
            Permissions.Source or Permissions.LaunchDarkly => "sources_only",
            Permissions.Person => door.TakesSources ? "people_only" : null,
            Permissions.Agent => "agents_only",
            Permissions.Admin => Permissions.AdminsOnly,
            _ => null,
        };
        // The door says it in its own way: by a rule, or by a code.
        if (refused is not null && !IsAnonymous)
        {
            if (Shape.HasRules)
            {
                Add(403, "not_allowed");
                _rules.Add(refused);
            }
            else
            {
                Add(403, refused);
            }
        }
        if (NeedsRecentSignIn)
        {
            Add(403, "not_allowed");
            _rules.Add(RecentSignIn.Rule);
        }
        if (!ChangesSomething)
            return;
        if (IsForPeople && !IsAnonymous)
            Add(403, SessionForms.Rule);
        Add(403, SameOrigin.Rule);
    }

    private void Add(int status, string code)
    {
        if (!_errors.TryGetValue(status, out var codes))
            _errors[status] = codes = [];
        codes.AddRange(Shape.Own(status, code).Except(codes, StringComparer.Ordinal).ToList());
    }
}
