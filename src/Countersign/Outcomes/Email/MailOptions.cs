using System.Net.Mail;

namespace Countersign.Outcomes.Email;

public enum MailSecurity
{
    StartTls,
    Tls,
    None,
}

/// <summary>The mail server, as the operator set it up.</summary>
public sealed record MailOptions
{
    public string? Host { get; init; }
    public int Port { get; init; } = 587;
    public MailSecurity Security { get; init; }
    public string? User { get; init; }
    public string? Password { get; init; }
    public MailAddress? From { get; init; }
    public MailAddress? ReplyTo { get; init; }

    /// <summary>How long a link to decide by is good, and one to sign in.</summary>
    public static readonly TimeSpan DecisionLink = TimeSpan.FromDays(3);
    public static readonly TimeSpan SignInLink = TimeSpan.FromMinutes(15);

    public bool IsSetUp => Host is not null && From is not null;
}
