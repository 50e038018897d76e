using System.Buffers.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.People;
using Countersign.SignIn;
using Countersign.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Countersign.Doors.Mcp;

/// <summary>As which source an access token acts that the framework has checked, and how refusals are told.</summary>
internal sealed class AgentTokenEvents(Callers callers, Store store, FailedSignIns failures) : JwtBearerEvents
{
    /// <summary>How issuers name the client: RFC 9068, OpenID Connect, and two from before both.</summary>
    private static readonly string[] ClientClaims = ["client_id", "azp", "appid", "cid"];

    public override async Task TokenValidated(TokenValidatedContext context)
    {
        var http = context.HttpContext;
        var token = (JsonWebToken)context.SecurityToken;
        if (Read(token) is not { } claims)
        {
            Note(http);
            context.Fail("The access token isn't one for an agent.");
            return;
        }
        var client = AgentClient.Of(claims.Client, claims.Subject);
        var caller = await callers.FindAgent(
            client,
            new DateTimeOffset(token.ValidTo, TimeSpan.Zero) + AgentTokens.ClockSkew,
            McpEndpoints.Door.Via,
            http.Connection.RemoteIpAddress?.ToString() ?? "",
            http.RequestAborted
        );
        if (caller?.Source is not { } source)
        {
            context.Fail(new AgentNotKnown("unknown_client", Unknown(client)));
            return;
        }
        var others = await store.Read(
            r =>
                r.Number(
                    """
                    SELECT count(*) FROM identities JOIN people p ON p.id = person_id
                    WHERE issuer = @issuer AND subject = @subject AND (p.id <> @owner OR p.disabled_at IS NOT NULL)
                    """,
                    new
                    {
                        issuer = token.Issuer,
                        subject = client.Subject,
                        owner = source.OwnerId ?? 0,
                    }
                ),
            http.RequestAborted
        );
        if (others > 0)
        {
            context.Fail(
                new AgentNotKnown(
                    "not_the_owner",
                    $"This access token is a person's who doesn't own {source.Name} or is disabled, so its requester "
                        + "could approve their own requests. An admin can make this person the owner of the source."
                )
            );
            return;
        }
        context.Principal = CallerIdentity.PrincipalOf(caller, context.Scheme.Name);
    }

    public override Task AuthenticationFailed(AuthenticationFailedContext context)
    {
        Note(context.HttpContext);
        return Task.CompletedTask;
    }

    public override Task Challenge(JwtBearerChallengeContext context)
    {
        context.HandleResponse();
        var http = context.HttpContext;
        if (context.AuthenticateFailure is not AgentNotKnown notKnown)
            return McpEndpoints.Door.Challenge(http);
        RefusalLog.Note(http, notKnown.Rule);
        return McpEndpoints
            .Door.ErrorFormatOf(http)
            .Refuse(http, StatusCodes.Status403Forbidden, notKnown.Rule, notKnown.Message);
    }

    private void Note(HttpContext http) =>
        failures.Note(Callers.NoAccount, http.Connection.RemoteIpAddress?.ToString() ?? "", McpEndpoints.Door.Via);

    /// <summary>
    /// Null unless the token is for this address alone, so that no other service that is given it can use it here, and
    /// says once which client it is for. Without a subject it is about the client itself.
    /// </summary>
    private static (string Client, string? Subject)? Read(JsonWebToken token)
    {
        try
        {
            var strict = new JsonDocumentOptions { AllowDuplicateProperties = false };
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(token.EncodedPayload), strict);
            var claims = document.RootElement;
            var clients = ClientClaims
                .Where(name => claims.TryGetProperty(name, out _))
                .Select(name => claims.GetProperty(name).GetString())
                .Distinct()
                .ToList();
            var subject = claims.TryGetProperty("sub", out var sub) ? sub.GetString() ?? "" : null;
            return
                clients is [{ Length: > 0 } client]
                && subject is not ""
                && token.Audiences.Count() == 1
                && claims.TryGetProperty("exp", out var exp)
                && exp.ValueKind == JsonValueKind.Number
                ? (client, subject)
                : null;
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static string Unknown(AgentClient client) =>
        $"No agent's source here has the OAuth client {client.Client} with the subject {client.Subject}. An admin can "
        + "set it on the source's page, or with: countersign source set <name> "
        + $"--oauth-client \"{client.Client}\" --oauth-subject \"{client.Subject}\"";

    /// <summary>The token is good, and stands for no source here.</summary>
    private sealed class AgentNotKnown(string rule, string why) : AuthenticationFailureException(why)
    {
        public string Rule => rule;
    }
}
