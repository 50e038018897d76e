using System.CommandLine;
using Countersign.SignIn;

namespace Countersign.Cli;

/// <summary><c>countersign token …</c>: API tokens, each good for one person.</summary>
internal static class TokenVerbs
{
    public static Command Build(Terminal terminal) =>
        Verb.Family("token", "API tokens: add, list, revoke.", Add(terminal), List(terminal), Revoke(terminal));

    private static Command Add(Terminal terminal)
    {
        var email = new Argument<string>("email") { Description = "The token's owner." };
        var impersonate = new Option<bool>("--impersonate")
        {
            Description =
                "Let the token act for other people, by their email or with X-On-Behalf-Of. Only for an admin's token.",
        };
        return Verb.OnStore(
            terminal,
            "add",
            "Create a token and show it, once.",
            [email, impersonate],
            async (parse, hub, cancel) =>
            {
                var outcome = await hub.Get<Tokens>()
                    .Add(parse.GetValue(email)!, Hub.Origin, cancel, parse.GetValue(impersonate));
                return outcome.ToReply(token => new Reply.Done(
                    new { token.Id, token.Token },
                    $"""
                    Token {token.Id} for {parse.GetValue(email)}, shown only once:

                        {token.Token}

                    Use it as the HTTP Basic password; the user name is the email followed by "/token":

                        curl -u '{parse.GetValue(email)}/token:{token.Token}' {hub.Server.BaseUrl}/api/v1/requests
                    """
                ));
            }
        );
    }

    private static Command List(Terminal terminal) =>
        Verb.Reading(
            terminal,
            "list",
            "List all tokens, without their secrets.",
            [],
            async (_, hub, cancel) =>
            {
                var tokens = await hub.Get<Tokens>().List(cancel);
                return new Reply.Done(
                    new { tokens },
                    tokens.Count == 0
                        ? "No tokens yet. Create one with: countersign token add <email>"
                        : terminal.Table(
                            ["id", "email", "made", "last used", ""],
                            tokens.Select(t =>
                                new[]
                                {
                                    $"{t.Id}",
                                    t.Email,
                                    t.CreatedAt,
                                    t.LastUsedAt ?? "never",
                                    t.RevokedAt is null ? "" : "revoked",
                                }
                            )
                        )
                );
            }
        );

    private static Command Revoke(Terminal terminal)
    {
        var id = new Argument<long>("id") { Description = "The token's ID, as listed." };
        return Verb.OnStore(
            terminal,
            "revoke",
            "Revoke a token. Takes effect within a second.",
            [id],
            async (parse, hub, cancel) =>
            {
                var outcome = await hub.Get<Tokens>().Revoke(parse.GetValue(id), Hub.Origin, cancel);
                var tokens = await hub.Get<Tokens>().List(cancel);
                return outcome.ToReply(revoked => new Reply.Done(
                    tokens.First(t => t.Id == revoked),
                    $"Token {revoked} is revoked."
                ));
            }
        );
    }
}
