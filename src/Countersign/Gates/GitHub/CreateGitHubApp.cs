using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Countersign.People;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection;

namespace Countersign.Gates.GitHub;

/// <summary>A form that the admin's browser posts to GitHub, which asks them once whether to create the App.</summary>
/// <param name="ReadsCommits">It may read the repositories' contents, for the commits that a deployment brings.</param>
public sealed record GitHubAppForm(Uri Address, string Manifest, bool ReadsCommits);

/// <summary>
/// Creates the GitHub App by GitHub's manifest flow: GitHub shows the admin what will be created, and sends their
/// browser back with a code, for which it gives the App's id, key and webhook secret once.
/// </summary>
public sealed class CreateGitHubApp(GateSources sources, IDataProtectionProvider keyRing, IServiceProvider services)
{
    /// <summary>GitHub takes names of Apps up to this length.</summary>
    private const int MaxName = 34;

    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private readonly ITimeLimitedDataProtector _states = keyRing
        .CreateProtector("Countersign.GitHubApp")
        .ToTimeLimitedDataProtector();

    /// <param name="organization">Whose App it will be; empty: the admin's own.</param>
    /// <param name="baseUrl">Of this hub, as GitHub reaches it.</param>
    public async ValueTask<GitHubAppForm> Form(
        Source source,
        long person,
        string organization,
        string baseUrl,
        string returnTo,
        CancellationToken cancel
    )
    {
        var settings = await sources.Open(source.Id, cancel);
        var server = ServerOf(settings);
        var permissions = new JsonObject { ["actions"] = "read", ["deployments"] = "write" };
        if (settings?[GitHubGate.ReadsCommits] != GitHubGate.Off)
            permissions["contents"] = "read";
        var name = $"Countersign {new Uri(baseUrl).Host}";
        var manifest = new JsonObject
        {
            ["name"] = name.Length <= MaxName ? name : name[..MaxName],
            ["url"] = baseUrl,
            ["description"] = "Deployments wait until people approve them in Countersign.",
            ["hook_attributes"] = new JsonObject { ["url"] = HookOf(source.Id, baseUrl), ["active"] = true },
            ["redirect_url"] = returnTo,
            ["public"] = false,
            ["default_permissions"] = permissions,
            ["default_events"] = new JsonArray(DeploymentEvent.Kind),
        };
        var owner = organization.Trim();
        var path =
            owner.Length == 0
                ? "/settings/apps/new"
                : $"/organizations/{Uri.EscapeDataString(owner)}/settings/apps/new";
        // Only the person who began may end it: with another's code, the source would belong to another's App.
        var state = _states.Protect(StateOf(source.Id, person), Life);
        return new GitHubAppForm(
            new Uri(GitHubAddresses.Page(server, path) + $"?state={Uri.EscapeDataString(state)}"),
            manifest.ToJsonString(History.Json),
            permissions.ContainsKey("contents")
        );
    }

    public static string HookOf(long source, string baseUrl) =>
        string.Create(CultureInfo.InvariantCulture, $"{baseUrl}/gates/github/{source}");

    /// <summary>Null: the App is there, and the source set up with it; else why not, for people.</summary>
    public async Task<string?> Finish(
        Source source,
        long person,
        string code,
        string state,
        Origin origin,
        CancellationToken cancel
    )
    {
        if (!IsOurs(state, source.Id, person))
            return "This wasn't begun on this page, or longer than an hour ago. Create the App again.";
        var server = ServerOf(await sources.Open(source.Id, cancel));
        var gate = sources.ByKind[Requests.SourceKinds.GitHub];
        var settings = new GateSettings(source.Id, new Dictionary<string, string> { [GitHubGate.Server] = server });
        var call = new OutgoingCall(
            HttpMethod.Post,
            new Uri(
                GitHubAddresses.Api(server).ToString().TrimEnd('/')
                    + $"/app-manifests/{Uri.EscapeDataString(code)}/conversions"
            )
        )
        {
            Headers = [("Accept", "application/vnd.github+json")],
        };
        switch (await services.GetRequiredService<GateCaller>().Send(gate, settings, call, cancel))
        {
            case GateCallOutcome.Answered { Answer: { Status: >= 200 and < 300 } answer }
                when GateText.Object(answer.Body) is { } app && GateText.Number(app["id"]) is { } id:
                var set = await sources.Set(
                    source.Name,
                    new Dictionary<string, string>
                    {
                        [GitHubGate.Server] = server,
                        [GitHubGate.AppId] = id.ToString(CultureInfo.InvariantCulture),
                        [GitHubGate.PrivateKey] = GateText.Text(app["pem"]),
                        [GitHubGate.WebhookSecret] = GateText.Text(app["webhook_secret"]),
                        [GitHubGate.Slug] = GateText.Text(app["slug"]),
                    },
                    origin,
                    cancel
                );
                return set is AccessOutcome<long>.Done ? null : "GitHub's answer has no usable key or secret.";
            case GateCallOutcome.Answered { Answer.Status: var status }:
                return $"GitHub didn't take the code ({status}). Create the App again.";
            case GateCallOutcome.Failed { Why: var why }:
                return why;
            default:
                return "GitHub couldn't be called.";
        }
    }

    /// <summary>Where the App is installed, once it is there.</summary>
    public static string? InstallPage(string server, string slug) =>
        slug.Length == 0 ? null
        : GitHubAddresses.IsEnterpriseServer(server)
            ? GitHubAddresses.Page(server, $"/github-apps/{slug}/installations/new")
        : GitHubAddresses.Page(server, $"/apps/{slug}/installations/new");

    private bool IsOurs(string state, long source, long person)
    {
        try
        {
            return _states.Unprotect(state) == StateOf(source, person);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static string StateOf(long source, long person) =>
        string.Create(CultureInfo.InvariantCulture, $"{source} {person}");

    private static string ServerOf(GateSettings? settings) =>
        settings?[GitHubGate.Server] is { Length: > 0 } server ? server : GitHubAddresses.DefaultServer;
}
