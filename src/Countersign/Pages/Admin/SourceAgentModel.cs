using Countersign.Hosting;
using Countersign.Pages.Parts;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Admin;

/// <summary>The part of an agent's page that says whose access tokens act as it.</summary>
/// <param name="Issuer">Null where the server takes none any more.</param>
/// <param name="Resource">For whom the tokens must be.</param>
public sealed record SourceAgentModel(
    string Path,
    string? Issuer,
    string Resource,
    string Client,
    string Subject,
    Refused? Refused
)
{
    public const string Set = "oauth-client",
        ClientField = "oauthClient",
        SubjectField = "oauthSubject";

    public static SourceAgentModel? Of(
        HttpContext http,
        Source source,
        string path,
        Refused? refused,
        IFormCollection? typed
    )
    {
        var issuer = http.RequestServices.GetRequiredService<McpOptions>().Authority;
        if (source.Kind != SourceKinds.Agent || (issuer is null && source.Client is null))
            return null;
        var isOurs = typed?["do"].ToString() == Set;
        var (client, subject) = (source.Client?.Client ?? "", source.Client?.Subject ?? "");
        return new SourceAgentModel(
            path,
            issuer?.OriginalString,
            McpOptions.ResourceOf(http.RequestServices.GetRequiredService<ServerOptions>()),
            isOurs ? typed![ClientField].ToString() : client,
                // The client itself is what an empty field means.
                isOurs ? typed![SubjectField].ToString()
                : subject == client ? ""
                : subject,
            isOurs ? refused : null
        );
    }

    /// <summary>Null: none any more.</summary>
    public static AgentClient? Typed(IFormCollection form) =>
        string.IsNullOrWhiteSpace(form[ClientField])
            ? null
            : AgentClient.Of(form[ClientField].ToString(), form[SubjectField].ToString());

    public static Refused? Refusal(IStringLocalizer strings, AccessOutcome<long> outcome) =>
        outcome is AccessOutcome<long>.Exists
            ? new Refused(ClientField, strings["source.oauth.taken"])
            : Refused.From(strings, outcome);
}
