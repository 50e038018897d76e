using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.People;

/// <summary>A source as scripts get it, from the API and from the command line.</summary>
/// <param name="Owner">Email address of the person who answers for it.</param>
/// <param name="OauthClient">Of an agent: the OAuth client whose access tokens act as it.</param>
/// <param name="OauthSubject">The subject of these tokens.</param>
public sealed record SourceView(
    long Id,
    string Name,
    [AllowedValues(
        "launchdarkly",
        "github",
        "gitlab",
        "azure",
        "terraform",
        "flagger",
        "agent",
        "pipeline",
        "api",
        "built-in"
    )]
        string Kind,
    string? Group,
    int? Need,
    string? Destination,
    bool Disabled,
    string CreatedAt,
    string? LastUsedAt,
    [AllowedValues("one_more", "refuse", "allow")] string UnknownRequester,
    [AllowedValues("accept", "one_more")] string ClaimedRequester,
    string? Owner,
    bool RequesterRequired,
    string? KeyExpires,
    string? OldKeyExpires,
    string? OauthClient,
    string? OauthSubject
)
{
    [JsonIgnore]
    public string WhoDecides => Destination ?? (Group is null ? "one admin" : $"{Need ?? 1} of {Group}");

    public static SourceView From(Source source, PeopleSnapshot snapshot) =>
        new(
            source.Id,
            source.Name,
            source.Kind,
            source.GroupId is { } group ? snapshot.Groups[group].Name : null,
            source.Need,
            source.Destination,
            source.IsDisabled,
            Instant.ToText(source.CreatedAt),
            source.LastUsedAt is { } used ? Instant.ToText(used) : null,
            source.UnknownRequester.ToWireName(),
            source.ClaimedRequester.ToWireName(),
            source.OwnerId is { } owner ? snapshot.People[owner].Email : null,
            source.RequesterRequired,
            source.KeyExpires is { } until ? Instant.ToText(until) : null,
            source is { HasOldKey: true, OldKeyExpires: { } oldUntil } ? Instant.ToText(oldUntil) : null,
            source.Client?.Client,
            source.Client?.Subject
        );
}
