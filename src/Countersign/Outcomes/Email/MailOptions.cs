using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Net.Mail;
using Countersign.Configuration;
using Microsoft.Extensions.Options;

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
    [Description("The mail server. Its address may be private. Requires Email:From.")]
    public string? Host { get; init; }

    [Description("The mail server's port; usually 465 with tls.")]
    [MustBe("a port number, such as 587"), Range(1, 65535)]
    public int Port { get; init; } = 587;

    [Description("How the connection is encrypted: starttls, tls or none.")]
    [MustBe("starttls (usual, port 587), tls (from the start, port 465) or none (a server on this machine)")]
    public MailSecurity Security { get; init; }

    [Description("The account at the mail server.")]
    public string? User { get; init; }

    [Description("The account's password, sent only over an encrypted connection."), Secret]
    public string? Password { get; init; }

    [Description("The sender.")]
    [MustBe("an address, such as `Countersign <approvals@example.com>`")]
    public MailAddress? From { get; init; }

    [Description("The address that gets replies.")]
    [MustBe("an address, such as `Countersign <approvals@example.com>`")]
    public MailAddress? ReplyTo { get; init; }

    [Description("Whether emails about closed requests have the request's receipt attached.")]
    public bool AttachReceipts { get; init; }

    /// <summary>How long a link to decide by is good, and one to sign in.</summary>
    public static readonly TimeSpan DecisionLink = TimeSpan.FromDays(3);
    public static readonly TimeSpan SignInLink = TimeSpan.FromMinutes(15);

    public bool IsSetUp => Host is not null && From is not null;
}

internal sealed class MailOptionsValidator : IValidateOptions<MailOptions>
{
    public ValidateOptionsResult Validate(string? name, MailOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (options is { Security: MailSecurity.None, User: not null })
        {
            result.AddError(
                "`Email:User` requires `Email:Security` starttls or tls, because passwords aren't sent unencrypted."
            );
        }
        if (options is { Host: not null, From: null })
        {
            result.AddError(
                "`Email:From` is missing. Set it to the sender's address, such as "
                    + "`Countersign <approvals@example.com>`."
            );
        }
        return result.Build();
    }
}
