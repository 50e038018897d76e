using System.Collections;
using System.Reflection;

namespace Countersign.Configuration;

/// <summary>Where settings come from.</summary>
public static class ConfigurationSources
{
    public const string EnvironmentPrefix = "COUNTERSIGN_";

    /// <summary>What <c>countersign wait</c> reads under the same prefix; not settings of the server.</summary>
    public static readonly IReadOnlyList<string> ClientVariables = ["HUB", "KEY"];

    /// <summary>The switch that names a file of settings; not a setting itself.</summary>
    public const string FileSwitch = "--config";

    /// <summary>Sections that belong to the framework and are passed through.</summary>
    public static readonly IReadOnlyList<string> FrameworkSections = ["Logging", "Kestrel"];

    /// <summary>
    /// Settings from the program's own defaults, <c>appsettings.json</c>, the file that a switch names, the environment
    /// and switches, in rising order of precedence.
    /// </summary>
    public static IConfigurationRoot Read(string[] switches, string? data = null, string? database = null)
    {
        const string naming = FileSwitch + "=";
        var files = switches.Where(s => s.StartsWith(naming, StringComparison.Ordinal)).ToList();
        var builder = new ConfigurationBuilder()
            .SetBasePath(AppContext.BaseDirectory)
            .AddJsonStream(Assembly.GetExecutingAssembly().GetManifestResourceStream("Defaults.json")!)
            .AddJsonFile("appsettings.json", optional: true)
            .AddJsonFile(Path.Combine(Environment.CurrentDirectory, "appsettings.json"), optional: true)
            .AddFiles(files.Select(s => s[naming.Length..]))
            .AddInMemoryCollection(VariablesOf(FrameworkSections.Select(section => section + "__")))
            .AddEnvironmentVariables(EnvironmentPrefix)
            .Add(new SecretFiles())
            .AddCommandLine([.. switches.Except(files)]);
        var given = new Dictionary<string, string?>();
        if (data is not null)
            given["Data"] = data;
        if (database is not null)
            given["Database"] = database;
        return builder.AddInMemoryCollection(given).Build();
    }

    private static IConfigurationBuilder AddFiles(this IConfigurationBuilder builder, IEnumerable<string> files) =>
        files.Aggregate(builder, (all, file) => all.AddJsonFile(file, optional: false));

    /// <summary>Those of the environment's variables that telemetry reads under their standard names.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> TelemetryVariables() => VariablesOf(["OTEL_"]);

    /// <summary>
    /// Variables that set up other servers of this framework and mean nothing here, with what to set instead.
    /// </summary>
    public static IReadOnlyList<(string Variable, string Instead)> IgnoredVariables() =>
        [
            .. from variable in Environment.GetEnvironmentVariables().Keys.Cast<string>()
            where
                variable.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase)
                || Hosting.Contains(variable, StringComparer.OrdinalIgnoreCase)
            orderby variable
            select (variable, InsteadOf(variable)),
        ];

    private static readonly string[] Hosting =
    [
        "URLS",
        "DOTNET_URLS",
        "DOTNET_HTTP_PORTS",
        "DOTNET_HTTPS_PORTS",
        "DOTNET_ENVIRONMENT",
    ];

    private static string InsteadOf(string variable)
    {
        var name = variable[(variable.IndexOf('_', StringComparison.Ordinal) + 1)..];
        return name.ToUpperInvariant() switch
        {
            "URLS" or "HTTP_PORTS" or "HTTPS_PORTS" => EnvironmentPrefix + "Urls",
            "PATHBASE" => EnvironmentPrefix + "PathBase",
            "FORWARDEDHEADERS_ENABLED" => EnvironmentPrefix + "ForwardedHeaders__Known",
            var other when FrameworkSections.Any(s => other.StartsWith(s + "__", StringComparison.OrdinalIgnoreCase)) =>
                EnvironmentPrefix + name,
            _ => "",
        };
    }

    private static IEnumerable<KeyValuePair<string, string?>> VariablesOf(IEnumerable<string> prefixes) =>
        from DictionaryEntry entry in Environment.GetEnvironmentVariables()
        let name = (string)entry.Key
        where prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        select new KeyValuePair<string, string?>(
            name.Replace("__", ":", StringComparison.Ordinal),
            entry.Value as string
        );
}
