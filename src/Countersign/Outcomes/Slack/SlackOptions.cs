namespace Countersign.Outcomes.Slack;

/// <summary>The Slack workspace, as the operator set it up.</summary>
public sealed record SlackOptions
{
    public Uri BaseUrl { get; init; } = new("https://slack.com/api/");
    public string? Token { get; init; }

    /// <summary>
    /// Which channel a group is told in, by the group's name; <c>admins</c> for the admins, <c>*</c> for everybody
    /// else's.
    /// </summary>
    public IReadOnlyDictionary<string, string> Channels { get; init; } = new Dictionary<string, string>();

    public bool IsSetUp => Token is not null;

    public string? ChannelOf(string group) => OwnChannelOf(group) ?? Channels.GetValueOrDefault("*");

    /// <summary>What is for nobody else's eyes is not shown in everybody's channel.</summary>
    public string? OwnChannelOf(string group) => Channels.GetValueOrDefault(group);

    /// <summary><c>SRE=C0123456, *=C0456789</c>; null when it is none.</summary>
    public static IReadOnlyDictionary<string, string>? ReadChannels(string text)
    {
        var channels = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = entry.LastIndexOf('=');
            if (equals <= 0 || equals == entry.Length - 1)
                return null;
            channels[entry[..equals].Trim()] = entry[(equals + 1)..].Trim();
        }
        return channels;
    }
}
