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
        var email = new Argument<string>("email") { Description = "Whom the token stands for." };
        var impersonate = new Option<bool>("--impersonate")
        {
            Description =
                "It may also speak for other people, by their e-mail address or with X-On-Behalf-Of. For an "
                + "admin's token.",
        };
        return Verb.OnStore(
            terminal,
            "add",
            "Make a token; it is shown this once.",
            [email, impersonate],
            async (parse, hub, cancel) =>
            {
                var outcome = await hub.Get<Tokens>()
                    .Add(parse.GetValue(email)!, Hub.Origin, cancel, parse.GetValue(impersonate));
                return outcome.ToReply(token => new Reply.Done(
                    new { token.Id, token.Token },
                    $"""
                    Token {token.Id} for {parse.GetValue(email)}, shown only this once:

                        {token.Token}

                    Use it as the password of HTTP Basic, with "/token" behind the e-mail address:

                        curl -u '{parse.GetValue(email)}/token:{token.Token}' {hub.Settings.BaseUrl}/api/v1/requests
                    """
                ));
            }
        );
    }

    private static Command List(Terminal terminal) =>
        Verb.OnStore(
            terminal,
            "list",
            "List all tokens, without their text.",
            [],
            async (_, hub, cancel) =>
            {
                var tokens = await hub.Get<Tokens>().List(cancel);
                return new Reply.Done(
                    new { tokens },
                    tokens.Count == 0
                        ? "No tokens yet. Make one with: countersign token add <email>"
                        : Terminal.Table(
                            ["id", "e-mail", "made", "last used", ""],
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
        var id = new Argument<long>("id") { Description = "The token's number, as listed." };
        return Verb.OnStore(
            terminal,
            "revoke",
            "End a token. Running servers refuse it within a second.",
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
