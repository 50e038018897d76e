using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>
/// A real OpenID provider (<c>oidc-provider</c> from npm) on loopback, with people it knows. Skips the test where npm
/// is not reachable.
/// </summary>
internal sealed partial class IdentityProvider : IAsyncDisposable
{
    public const string ClientId = "countersign",
        ClientSecret = "a secret with signs: /+&=%";

    private static readonly SemaphoreSlim One = new(1);
    private static string? _folder,
        _missing;

    private readonly Process _process;

    private IdentityProvider(Process process, Uri issuer) => (_process, Issuer) = (process, issuer);

    public Uri Issuer { get; }

    public static async Task<IdentityProvider> Start()
    {
        var folder = await Install();
        Assert.SkipWhen(folder is null, $"npm could not install oidc-provider: {_missing}");
        await File.WriteAllTextAsync(Path.Combine(folder!, "provider.mjs"), Script);
        var process = Process.Start(
            new ProcessStartInfo("node", ["provider.mjs", ClientId, ClientSecret])
            {
                WorkingDirectory = folder,
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        _ = process.StandardError.ReadToEndAsync();
        string? line;
        do line = await process.StandardOutput.ReadLineAsync().Soon();
        while (line is not null && !line.StartsWith("http", StringComparison.Ordinal));
        return new IdentityProvider(
            process,
            new Uri(line ?? throw new InvalidOperationException("The provider ended."))
        );
    }

    /// <summary>With which a server sends people here to sign in.</summary>
    public (string Name, string Value)[] Settings => SettingsFor(Issuer);

    public static (string Name, string Value)[] SettingsFor(Uri issuer) =>
        [("Oidc:Authority", issuer.AbsoluteUri), ("Oidc:ClientId", ClientId), ("Oidc:ClientSecret", ClientSecret)];

    /// <summary>The provider is a process with the real clock, and its tokens are good for a while of it.</summary>
    public static void ShareClock(TestHub hub)
    {
#pragma warning disable RS0030 // The one thing here that does not run on a clock of ours.
        hub.Clock.Now = TimeProvider.System.GetUtcNow();
#pragma warning restore RS0030
    }

    /// <summary>
    /// Follows the way from our page through the provider's own pages, as this person there, back to ours; the last
    /// address.
    /// </summary>
    /// <param name="to">Where the client expects people back, if not at one of our pages.</param>
    public static async Task<Uri> Walk(HttpClient http, Uri from, string login, Uri? to = null)
    {
        var (at, form) = (from, (Dictionary<string, string>?)null);
        for (var step = 0; step < 30; step++)
        {
            using var response = await (
                form is null ? http.GetAsync(at) : http.PostAsync(at, new FormUrlEncodedContent(form))
            );
            form = null;
            if (response.Headers.Location is { } location)
            {
                at = new Uri(at, location);
                if (to is not null && at.GetLeftPart(UriPartial.Path) == to.AbsoluteUri)
                    return at;
                if (
                    to is null
                    && at.Port == from.Port
                    && !at.AbsolutePath.StartsWith("/sign-in/oidc", StringComparison.Ordinal)
                )
                {
                    return at;
                }
                continue;
            }
            var page = await response.Content.ReadAsStringAsync();
            var action = Action().Match(page);
            if (!action.Success)
                throw new InvalidOperationException($"{at} answered {(int)response.StatusCode}: {page}");
            at = new Uri(at, WebUtility.HtmlDecode(action.Groups["to"].Value));
            form = new()
            {
                ["prompt"] = Prompt().Match(page).Groups["is"].Value,
                ["login"] = login,
                ["password"] = "anything",
            };
        }
        throw new InvalidOperationException("The way does not end.");
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>Once per run; the folder goes with the process.</summary>
    private static async Task<string?> Install()
    {
        await One.WaitAsync();
        try
        {
            if (_folder is not null || _missing is not null)
                return _folder;
            var folder = System.IO.Directory.CreateTempSubdirectory("countersign-oidc-").FullName;
            AppDomain.CurrentDomain.ProcessExit += (_, _) => System.IO.Directory.Delete(folder, recursive: true);
            await File.WriteAllTextAsync(
                Path.Combine(folder, ".npmrc"),
                "omit-lockfile-registry-resolved=true\nfetch-retries=0\nfetch-timeout=20000\n"
            );
            try
            {
                using var npm = Process.Start(
                    new ProcessStartInfo(
                        "npm",
                        ["install", "--prefix", folder, "--no-audit", "--no-fund", "--silent", "oidc-provider@8.8.1"]
                    )
                    {
                        UseShellExecute = false,
                        WorkingDirectory = folder,
                        RedirectStandardError = true,
                    }
                )!;
                var error = await npm.StandardError.ReadToEndAsync();
                await npm.WaitForExitAsync();
                (_folder, _missing) = npm.ExitCode == 0 ? (folder, (string?)null) : (null, error);
            }
            catch (System.ComponentModel.Win32Exception missing)
            {
                _missing = missing.Message;
            }
            return _folder;
        }
        finally
        {
            One.Release();
        }
    }

    private const string Script = """
        import { createServer } from 'node:http';
        import Provider from 'oidc-provider';
        const [, , id, secret] = process.argv;
        const people = {
          ann: { email: 'Ann@Example.test', email_verified: true, name: 'Ann of the provider',
            groups: ['SRE', 'unknown here'] },
          approver: { email: 'ann.approver@example.test', email_verified: true, name: 'Ann Approver' },
          ann2: { email: 'ann@example.test', email_verified: true, name: 'Another Ann' },
          eve: { email: 'ann@example.test', email_verified: false, name: 'Eve' },
          new: { email: 'new@example.test', email_verified: true, name: 'New <b>Person</b>', groups: [] },
        };
        const server = createServer();
        server.listen(0, '127.0.0.1', () => {
          const issuer = `http://127.0.0.1:${server.address().port}`;
          const provider = new Provider(issuer, {
            clients: [{ client_id: id, client_secret: secret,
              redirect_uris: ['http://127.0.0.1/sign-in/oidc/callback'] },
              ...['release-bot', 'stranger'].map(bot => ({ client_id: bot, client_secret: `secret of ${bot}`,
                grant_types: ['client_credentials'], redirect_uris: [], response_types: [] })),
              { client_id: 'ide', client_secret: 'secret of ide', redirect_uris: ['http://127.0.0.1/callback'] }],
            features: {
              clientCredentials: { enabled: true },
              resourceIndicators: {
                enabled: true,
                getResourceServerInfo: (ctx, resource) =>
                  ({ scope: 'anything', audience: resource, accessTokenFormat: 'jwt' }),
              },
            },
            pkce: { required: () => true },
            claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
            findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
            cookies: { keys: ['test'] },
          });
          provider.Client.prototype.redirectUriAllowed = uri =>
            /^(\/sign-in\/oidc(\/[a-z]+)?)?\/callback$/.test(new URL(uri).pathname);
          server.on('request', provider.callback());
          console.log(issuer);
        });
        """;

    [GeneratedRegex("<form[^>]*action=\"(?<to>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Action();

    [GeneratedRegex("name=\"prompt\" value=\"(?<is>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Prompt();
}
