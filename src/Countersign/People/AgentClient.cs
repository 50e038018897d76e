namespace Countersign.People;

/// <summary>
/// As whom an agent's access tokens are issued: to which OAuth client, and about which subject. Of a client that acts
/// for itself, many issuers say the client's own id as the subject.
/// </summary>
public sealed record AgentClient(string Client, string Subject)
{
    private const int MaxLength = 255;

    internal const string SubjectAlone = "An OAuth subject needs its client.";

    /// <summary>Without a subject, the client acts for itself.</summary>
    public static AgentClient Of(string client, string? subject) =>
        new(client.Trim(), string.IsNullOrWhiteSpace(subject) ? client.Trim() : subject.Trim());

    /// <summary>About which field there is something to say, and what.</summary>
    internal (string Field, string Why)? Problem =>
        !IsId(Client) ? ("oauthClient", Why("client ID"))
        : !IsId(Subject) ? ("oauthSubject", Why("subject"))
        : null;

    private static bool IsId(string text) => text.Length is >= 1 and <= MaxLength && !text.Any(char.IsControl);

    private static string Why(string what) =>
        $"The OAuth {what} has 1 to {MaxLength} characters, as it stands in the agent's access tokens.";
}
