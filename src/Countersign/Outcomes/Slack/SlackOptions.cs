using System.ComponentModel;
using Countersign.Configuration;

namespace Countersign.Outcomes.Slack;

/// <summary>The Slack workspace, as the operator set it up.</summary>
public sealed record SlackOptions
{
    [Description("The address of Slack's API, or of a replacement for tests. It may be private.")]
    [MustBe("the address of Slack's API, such as https://slack.com/api/")]
    public Uri BaseUrl { get; init; } = new("https://slack.com/api/");

    [Description("A bot token with the scopes chat:write and users:read.email."), Secret]
    public string? Token { get; init; }

    /// <summary>
    /// Which channel a group is told in, by the group's name; <c>admins</c> for the admins, <c>*</c> for everybody
    /// else's.
    /// </summary>
    [Description("The channel for each group: SRE=C0123456, admins=C0777777, *=C0456789.")]
    [MustBe("pairs of a group and a channel, such as SRE=C0123456, *=C0456789")]
    public IReadOnlyDictionary<string, string> Channels { get; init; } = new Dictionary<string, string>();

    public bool IsSetUp => Token is not null;

    public string? ChannelOf(string group) => OwnChannelOf(group) ?? Channels.GetValueOrDefault("*");

    /// <summary>What is for nobody else's eyes is not shown in everybody's channel.</summary>
    public string? OwnChannelOf(string group) => Channels.GetValueOrDefault(group);
}
