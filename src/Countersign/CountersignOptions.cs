using Countersign.Audit;
using Countersign.Configuration;
using Countersign.Destinations;
using Countersign.Hosting;
using Countersign.Insights;
using Countersign.LaunchDarkly;
using Countersign.Outcomes;
using Countersign.Outcomes.Email;
using Countersign.Outcomes.Slack;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Witnessing;
using Countersign.Work;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Options;

namespace Countersign;

/// <summary>
/// The options of every feature, as one configuration sets them. What can be set is what their classes have: properties
/// with a <c>[Description]</c>. <c>docs/configuration.md</c> says what each does.
/// </summary>
public sealed class CountersignOptions(IConfiguration configuration)
{
    /// <summary>In the order in which <c>doctor</c> shows them.</summary>
    internal static readonly IReadOnlyList<OptionsClass> Classes =
    [
        OptionsClass.Of<ServerOptions, ServerOptionsValidator>(""),
        OptionsClass.Of<StoreOptions, StoreOptionsValidator>(""),
        OptionsClass.Of<ShutdownOptions>("Shutdown"),
        OptionsClass.Of<RateLimitOptions>("RateLimit"),
        OptionsClass.Of<EgressOptions>("Egress"),
        OptionsClass.Of<OidcOptions, OidcOptionsValidator>(OidcOptions.Section),
        OptionsClass.Of<McpOptions>("Mcp"),
        OptionsClass.Of<PasswordOptions>("Passwords"),
        OptionsClass.Of<BrowserSessionOptions, BrowserSessionOptionsValidator>("Sessions"),
        OptionsClass.Of<DestinationOptions>("Destinations"),
        OptionsClass.Of<LaunchDarklyOptions>("LaunchDarkly"),
        OptionsClass.Of<OutcomeOptions>("Outcomes"),
        OptionsClass.Of<MailOptions, MailOptionsValidator>("Email"),
        OptionsClass.Of<SlackOptions>("Slack"),
        OptionsClass.Of<ZendeskOptions>("Zendesk"),
        OptionsClass.Of<PageOptions>("Pages"),
        OptionsClass.Of<InsightsOptions>("Insights"),
        OptionsClass.Of<MetricsOptions>("Metrics"),
        OptionsClass.Of<RetentionOptions>("Retention"),
        OptionsClass.Of<ProofOptions, ProofOptionsValidator>("Proof"),
        OptionsClass.Of<WitnessOptions, WitnessOptionsValidator>("Witness"),
    ];

    public static IEnumerable<Setting> Settings => Classes.SelectMany(c => c.Settings);

    public IConfiguration Configuration => configuration;

    public static bool IsKnown(string name) =>
        Classes.Any(c => c.Has(name))
        || ConfigurationSources.FrameworkSections.Any(root =>
            name.StartsWith(root, StringComparison.OrdinalIgnoreCase)
        );

    /// <summary>The options as far as the configuration can be read, whether or not there are problems.</summary>
    public T Get<T>()
        where T : class => (T)Classes.Single(c => c.Type == typeof(T)).Bind(configuration, Options.DefaultName);

    /// <summary>The names of the identity providers that are set up.</summary>
    internal IReadOnlyList<string> OidcProviders()
    {
        var options = Classes.Single(c => c.Type == typeof(OidcOptions));
        return
        [
            .. options
                .Names(configuration)
                .Where(name => options.Bind(configuration, name) is OidcOptions { IsSetUp: true }),
        ];
    }

    /// <summary>Every setting with its value in force, once more for each identity provider with a name.</summary>
    public IEnumerable<(Setting Setting, string Value)> InForce() =>
        from options in Classes
        from name in options.Names(configuration)
        let bound = options.Bind(configuration, name)
        from setting in options.SettingsOf(name)
        select (setting, setting.Given(configuration) ?? setting.ValueIn(bound));

    /// <summary>All that is wrong with the configuration, each with what to write instead.</summary>
    public IReadOnlyList<string> Problems()
    {
        using var services = new ServiceCollection().AddCountersignOptions(configuration).BuildServiceProvider();
        try
        {
            services.GetRequiredService<IStartupValidator>().Validate();
            return [.. UnknownNames(), .. SecretFileProblems(), .. WaysInProblems(), .. AgentProblems()];
        }
        catch (OptionsValidationException invalid)
        {
            return
            [
                .. UnknownNames(),
                .. SecretFileProblems(),
                .. WaysInProblems(),
                .. AgentProblems(),
                .. invalid.Failures,
            ];
        }
        catch (AggregateException several)
        {
            return
            [
                .. UnknownNames(),
                .. SecretFileProblems(),
                .. WaysInProblems(),
                .. AgentProblems(),
                .. several.InnerExceptions.Cast<OptionsValidationException>().SelectMany(e => e.Failures),
            ];
        }
    }

    /// <summary>Environment variables with our prefix that mean nothing: most likely a typing mistake.</summary>
    private IEnumerable<string> UnknownNames() =>
        from name in (configuration as IConfigurationRoot)
            ?.Providers.OfType<EnvironmentVariablesConfigurationProvider>()
            .Where(provider =>
                provider.ToString().Contains(ConfigurationSources.EnvironmentPrefix, StringComparison.Ordinal)
            )
            .SelectMany(provider => NamesOf(provider, null))
            ?? []
        where
            !IsKnown(name)
            && !ConfigurationSources.ClientVariables.Contains(name, StringComparer.OrdinalIgnoreCase)
            && !name.EndsWith(SecretFiles.Suffix, StringComparison.OrdinalIgnoreCase)
        let variable = ConfigurationSources.EnvironmentPrefix + name.Replace(":", "__", StringComparison.Ordinal)
        select $"{variable} isn't a setting. See docs/configuration.md for all settings.";

    private IEnumerable<string> SecretFileProblems() =>
        from file in (configuration as IConfigurationRoot)
            ?.Providers.OfType<SecretFiles>()
            .SelectMany(provider => provider.Files)
            ?? []
        let problem = !IsSecret(file.Setting)
            ? $"{file.Variable} isn't a setting: only secrets can be in files. See docs/configuration.md."
            : file.Problem
        where problem is not null
        select problem;

    /// <summary>Without passwords there must be another way to sign in.</summary>
    private IEnumerable<string> WaysInProblems()
    {
        if (
            !Get<PasswordOptions>().Enabled
            && OidcProviders().Count == 0
            && (!Get<MailOptions>().IsSetUp || Get<ServerOptions>().PublicUrl is null)
        )
        {
            yield return "`Passwords:Enabled` is false, but there is no other way to sign in. Set `Oidc:Authority`, or "
                + "`Email:Host`, `Email:From` and `PublicUrl` for emailed links.";
        }
    }

    /// <summary>Access tokens are for one address, which has to be known.</summary>
    private IEnumerable<string> AgentProblems()
    {
        if (Get<McpOptions>().Authority is not null && Get<ServerOptions>().PublicUrl is null)
        {
            yield return "`PublicUrl` is missing. `Mcp:Authority` needs it: agents' access tokens must be for the "
                + "address `<PublicUrl>/mcp`.";
        }
    }

    private static bool IsSecret(string name) => Classes.Any(c => c.Find(name) is { IsSecret: true });

    private static IEnumerable<string> NamesOf(IConfigurationProvider provider, string? parent) =>
        from child in provider.GetChildKeys([], parent).Distinct(StringComparer.OrdinalIgnoreCase)
        let name = parent is null ? child : $"{parent}:{child}"
        from leaf in NamesOf(provider, name).DefaultIfEmpty(name)
        select leaf;
}

internal static class CountersignOptionsServices
{
    /// <summary>
    /// Binds every options class and validates it at start. Nothing changes while the process runs, so consumers take
    /// the class itself.
    /// </summary>
    public static IServiceCollection AddCountersignOptions(
        this IServiceCollection services,
        IConfiguration configuration
    )
    {
        foreach (var options in CountersignOptions.Classes)
            options.Register(services, configuration);
        // As far as it can be read: what is wrong with the server's options is told once, and hides nothing else.
        var server = new CountersignOptions(configuration).Get<ServerOptions>();
        services.PostConfigure<OutcomeOptions>(o => (o.PublicUrl, o.PathBase) = (server.PublicUrl, server.PathBase));
        services.PostConfigure<DestinationOptions>(o => o.BaseUrl = server.BaseUrl);
        var providers = new CountersignOptions(configuration).OidcProviders();
        return services.AddSingleton(s => new OidcProviders([
            .. providers.Select(s.GetRequiredService<IOptionsMonitor<OidcOptions>>().Get),
        ]));
    }
}
