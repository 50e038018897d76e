using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Countersign.Destinations;
using Countersign.Hosting;
using Countersign.Outcomes;
using Countersign.Outcomes.Email;
using Countersign.Outcomes.Slack;
using Countersign.Policies;
using Countersign.SignIn;
using Countersign.Storage;
using Countersign.Work;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace Countersign;

/// <summary>Everything that can be set, read once. <c>docs/configuration.md</c> says what each does.</summary>
public sealed record Settings
{
    public const string Prefix = "COUNTERSIGN_";
    public const int LargestBody = 1024 * 1024;

    public required IReadOnlyList<string> Urls { get; init; }
    public required string Data { get; init; }
    public string? Database { get; init; }
    public Uri? PublicUrl { get; init; }
    public string PathBase { get; init; } = "";
    public required string RootKeyFile { get; init; }
    public required IReadOnlyList<IPNetwork> KnownProxies { get; init; }
    public int RateLimitPerKeyPerMinute { get; init; }

    /// <summary>Names under which the server may be called; a star stands for all.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = ["*"];

    /// <summary>Whether browsers are told to come by TLS only, for a year.</summary>
    public bool Hsts { get; init; }

    /// <summary>The identity providers with which people may sign in.</summary>
    public IReadOnlyList<OidcSettings> Oidc { get; init; } = [];

    /// <summary>How long people stay signed in.</summary>
    public SessionLimits Sessions { get; init; } = SessionLimits.Default;

    /// <summary>Whether a request may only name a ticket that is here.</summary>
    public bool ZendeskTicketsStrict { get; init; }

    /// <summary>Whether a ticket has one request at most, unless it was withdrawn.</summary>
    public bool ZendeskOnePerTicket { get; init; } = true;

    /// <summary>What bounds every outgoing call.</summary>
    public EgressOptions Egress { get; init; } = new();

    /// <summary>How news goes out, whatever the channel.</summary>
    public OutcomeOptions Outcomes { get; init; } = new();

    public MailOptions Mail { get; init; } = new();
    public SlackOptions Slack { get; init; } = new();

    /// <summary>Whether people may ask on a page.</summary>
    public bool NewRequestsOnPages { get; init; } = true;

    /// <summary>Whether <c>/metrics</c> answers, in Prometheus' format.</summary>
    public bool Prometheus { get; init; }

    /// <summary>How questions at other workflow systems are looked after.</summary>
    public DestinationOptions Destinations { get; init; } = new();

    /// <summary>How long what grows is kept.</summary>
    public Retention Retention { get; init; } = new();

    public StoreOptions Store => new(Data, Database);

    /// <summary>The address to tell people: the public one, or the first that we listen on.</summary>
    public string BaseUrl =>
        PublicUrl is not null ? PublicUrl.ToString().TrimEnd('/') : Urls[0].TrimEnd('/') + PathBase;

    /// <summary>
    /// A key is made together with its store and never later: a store without its key came from a backup, and sealing
    /// it with another one would make its record look forged. Nodes on PostgreSQL must share theirs on purpose.
    /// </summary>
    public bool MayCreateRootKey => Database is null && !File.Exists(Store.SqliteFile);

    /// <summary>
    /// Settings that this program knows, with the default, in the order in which <c>doctor</c> shows them.
    /// </summary>
    public static readonly IReadOnlyList<(string Name, string Default, bool Secret)> Known =
    [
        ("Urls", "http://localhost:5080", false),
        ("Data", "data", false),
        ("Database", "", true),
        ("PublicUrl", "", false),
        ("PathBase", "", false),
        ("RootKeyFile", "<Data>/root.key", false),
        ("ForwardedHeaders:Known", "127.0.0.0/8,::1", false),
        ("AllowedHosts", "*", false),
        ("Hsts", "false", false),
        ("RateLimit:PerKeyPerMinute", "6000", false),
        ("Egress:Allow", "", false),
        ("Egress:Roots", "", false),
        ("Oidc:Authority", "", false),
        ("Oidc:ClientId", "", false),
        ("Oidc:ClientSecret", "", true),
        ("Oidc:Name", "single sign-on", false),
        ("Oidc:MakeAccounts", "none", false),
        ("Oidc:GroupClaim", "", false),
        ("Sessions:Idle", "7d", false),
        ("Sessions:Longest", "30d", false),
        ("Destinations:PollEvery", "5m", false),
        ("Outcomes:Schedule", "0s,5s,5m,30m,2h,5h,10h,14h,20h,24h", false),
        ("Outcomes:PerPerson", "20", false),
        ("Email:Host", "", false),
        ("Email:Port", "587", false),
        ("Email:Security", "starttls", false),
        ("Email:User", "", false),
        ("Email:Password", "", true),
        ("Email:From", "", false),
        ("Email:ReplyTo", "", false),
        ("Slack:BaseUrl", "https://slack.com/api/", false),
        ("Slack:Token", "", true),
        ("Slack:Channels", "", false),
        ("Zendesk:Tickets", "open", false),
        ("Zendesk:OnePerTicket", "true", false),
        ("Pages:NewRequests", "true", false),
        ("Metrics:Prometheus", "false", false),
        ("Retention:Deliveries", "30d", false),
        ("Retention:UsedLinks", "30d", false),
        ("Retention:IdempotencyKeys", "24h", false),
        ("Retention:RejectedBodies", "90d", false),
        ("Retention:ChatMessages", "30d", false),
        ("Retention:Bodies", "365d", false),
        ("Retention:SetAsideWork", "90d", false),
    ];

    /// <summary>Roots that belong to the framework and are passed through.</summary>
    private static readonly string[] Foreign = ["Logging", "Kestrel"];

    /// <summary>Those that this program knows, and once more for each identity provider with a name.</summary>
    public static IEnumerable<(string Name, string Default, bool Secret)> KnownIn(IConfiguration configuration) =>
        [
            .. Known,
            .. from provider in OidcSettings.Keys(configuration)
            from known in Known
            where known.Name.StartsWith("Oidc:", StringComparison.Ordinal)
            select known with
            {
                Name = known.Name.Insert("Oidc:".Length, provider + ":"),
            },
        ];

    public static bool IsKnown(string name) =>
        Known.Any(k => string.Equals(k.Name, OidcSettings.General(name), StringComparison.OrdinalIgnoreCase))
        || Foreign.Any(root => name.StartsWith(root, StringComparison.OrdinalIgnoreCase));

    public static string Value(IConfiguration configuration, string name) =>
        configuration[name] is { Length: > 0 } value ? value
        // Without a name of its own a provider's button bears the one that tells it from the others.
        : name.Split(':') is ["Oidc", var provider, "Name"] ? provider
        : Known.First(k => k.Name == OidcSettings.General(name)).Default;

    /// <summary>Reads and checks everything; all mistakes at once, each with what to write instead.</summary>
    public static Settings Read(IConfiguration configuration, IList<string> mistakes)
    {
        foreach (var unknown in UnknownNames(configuration))
        {
            mistakes.Add(
                $"{Prefix}{unknown.Replace(":", "__", StringComparison.Ordinal)} isn't a setting. See "
                    + "docs/configuration.md for all settings."
            );
        }

        var data = Value(configuration, "Data");
        var database = configuration["Database"] is { Length: > 0 } text ? text : null;
        var rootKeyFile = configuration["RootKeyFile"];
        if (database is not null && string.IsNullOrEmpty(rootKeyFile))
        {
            mistakes.Add(
                "`RootKeyFile` is missing. With `Database`, every node needs the same key file. Create one "
                    + "with: head -c 32 /dev/urandom | base64 > root.key"
            );
        }
        if (database is not null && !database.Contains('=', StringComparison.Ordinal))
        {
            mistakes.Add(
                "`Database` must be a PostgreSQL connection string, such as "
                    + "Host=db;Database=countersign;Username=countersign;Password=…"
            );
        }

        var urls = Value(configuration, "Urls")
            .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var url in urls)
        {
            if (
                !url.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
                && !url.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
            )
            {
                mistakes.Add(
                    $"`Urls`: {url} isn't an address. Use addresses such as http://localhost:5080, separated "
                        + "by semicolons."
                );
            }
        }

        if (urls.Length == 0)
            mistakes.Add("`Urls` is empty. Set at least one address, such as http://localhost:5080");

        Uri? publicUrl = null;
        if (
            configuration["PublicUrl"] is { Length: > 0 } address
            && (!Uri.TryCreate(address, UriKind.Absolute, out publicUrl) || publicUrl.Scheme is not ("http" or "https"))
        )
        {
            mistakes.Add(
                "`PublicUrl` must be the public address of this server, such as https://approvals.example.com"
            );
        }

        var pathBase = (configuration["PathBase"] ?? "").TrimEnd('/');
        if (pathBase.Length > 0 && (pathBase[0] != '/' || pathBase.Contains("//", StringComparison.Ordinal)))
            mistakes.Add("`PathBase` must start with a slash, such as /approvals");

        var proxies = new List<IPNetwork>();
        foreach (
            var proxy in Value(configuration, "ForwardedHeaders:Known")
                .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        )
        {
            if (Network(proxy) is { } network)
            {
                proxies.Add(network);
            }
            else
            {
                mistakes.Add(
                    $"`ForwardedHeaders:Known`: {proxy} isn't an address or a network. Use values such as "
                        + "10.0.0.0/8, separated by commas."
                );
            }
        }

        var hosts = Value(configuration, "AllowedHosts")
            .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var host in hosts)
        {
            if (
                host != "*"
                && Uri.CheckHostName(host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host.Trim('[', ']'))
                    == UriHostNameType.Unknown
            )
            {
                mistakes.Add(
                    $"`AllowedHosts`: {host} isn't a host name. Use names without a port, such as "
                        + "approvals.example.com or *.example.com, separated by semicolons."
                );
            }
        }
        if (hosts.Length == 0)
            mistakes.Add("`AllowedHosts` is empty. Set at least one host name; * allows all.");
        if (!bool.TryParse(Value(configuration, "Hsts"), out var hsts))
            mistakes.Add("`Hsts` must be true or false.");

        if (
            !int.TryParse(
                Value(configuration, "RateLimit:PerKeyPerMinute"),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var limit
            )
        )
        {
            mistakes.Add("`RateLimit:PerKeyPerMinute` must be a whole number; 0 turns the limit off.");
        }

        var (idle, longest) = (
            Durations.Parse(Value(configuration, "Sessions:Idle")),
            Durations.Parse(Value(configuration, "Sessions:Longest"))
        );
        if (idle is not { } quiet || quiet < TimeSpan.FromMinutes(5) || longest is not { } whole || whole < quiet)
        {
            mistakes.Add(
                "`Sessions:Idle` and `Sessions:Longest` must be durations such as 12h or 7d. The first must "
                    + "be at least 5m and not longer than the second."
            );
        }

        var tickets = Value(configuration, "Zendesk:Tickets").ToLowerInvariant();
        if (tickets is not ("open" or "strict"))
        {
            mistakes.Add(
                "`Zendesk:Tickets` must be open (a request can name any ticket) or strict (only an existing one)."
            );
        }
        if (!bool.TryParse(Value(configuration, "Zendesk:OnePerTicket"), out var onePerTicket))
            mistakes.Add("`Zendesk:OnePerTicket` must be true or false.");

        if (
            Durations.Parse(Value(configuration, "Destinations:PollEvery")) is not { } pollEvery
            || pollEvery < TimeSpan.FromSeconds(1)
        )
        {
            pollEvery = TimeSpan.FromMinutes(5);
            mistakes.Add("`Destinations:PollEvery` must be a duration of at least a second, such as 5m.");
        }
        var egress = ReadEgress(configuration, mistakes);

        if (!bool.TryParse(Value(configuration, "Pages:NewRequests"), out var newRequests))
            mistakes.Add("`Pages:NewRequests` must be true or false.");

        if (!bool.TryParse(Value(configuration, "Metrics:Prometheus"), out var prometheus))
            mistakes.Add("`Metrics:Prometheus` must be true or false.");

        return new Settings
        {
            NewRequestsOnPages = newRequests,
            Prometheus = prometheus,
            Retention = ReadRetention(configuration, mistakes),
            Urls = urls,
            Data = data,
            Database = database,
            PublicUrl = publicUrl,
            PathBase = pathBase,
            RootKeyFile = string.IsNullOrEmpty(rootKeyFile) ? Path.Combine(data, "root.key") : rootKeyFile,
            KnownProxies = proxies,
            RateLimitPerKeyPerMinute = limit,
            AllowedHosts = hosts,
            Hsts = hsts,
            Egress = egress,
            Oidc = OidcSettings.Read(configuration, mistakes),
            Sessions = new SessionLimits(idle ?? default, longest ?? default),
            Mail = ReadMail(configuration, mistakes),
            Slack = ReadSlack(configuration, mistakes),
            Destinations = new DestinationOptions { PollEvery = pollEvery },
            Outcomes = ReadOutcomes(configuration, mistakes) with { PublicUrl = publicUrl, PathBase = pathBase },
            ZendeskTicketsStrict = tickets == "strict",
            ZendeskOnePerTicket = onePerTicket,
        };
    }

    private static EgressOptions ReadEgress(IConfiguration configuration, IList<string> mistakes)
    {
        var allowed = new List<EgressAllowance>();
        foreach (
            var entry in (configuration["Egress:Allow"] ?? "").Split(
                ',',
                StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
            )
        )
        {
            if (EgressAllowance.Parse(entry) is { } allowance)
            {
                allowed.Add(allowance);
            }
            else
            {
                mistakes.Add(
                    $"`Egress:Allow`: {entry} isn't an address or a network. Use values such as 10.0.0.0/8, "
                        + "10.1.2.3:443 (only this port) or [fd00::/8]:443, separated by commas."
                );
            }
        }
        var roots = new X509Certificate2Collection();
        if (configuration["Egress:Roots"] is { Length: > 0 } file)
        {
            try
            {
                roots.ImportFromPemFile(file);
            }
            catch (Exception unreadable)
                when (unreadable is IOException or UnauthorizedAccessException or CryptographicException)
            {
                // Told below, together with a file that holds none.
            }
            if (roots.Count == 0)
            {
                mistakes.Add(
                    "`Egress:Roots` must name a readable PEM file with the certificates of your own authority."
                );
            }
        }
        return new EgressOptions { Allow = allowed, Roots = roots };
    }

    private static OutcomeOptions ReadOutcomes(IConfiguration configuration, IList<string> mistakes)
    {
        var steps = Value(configuration, "Outcomes:Schedule")
            .Split(',', StringSplitOptions.TrimEntries)
            .Select(Durations.Parse)
            .ToList();
        if (steps.Contains(null))
        {
            mistakes.Add(
                "`Outcomes:Schedule` must be the delays before each attempt, separated by commas, such as "
                    + "0s,5s,5m,30m,2h."
            );
        }
        if (
            !int.TryParse(
                Value(configuration, "Outcomes:PerPerson"),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var most
            )
            || most < 1
        )
        {
            mistakes.Add(
                "`Outcomes:PerPerson` must be a whole number from 1: the messages to one person within ten minutes."
            );
        }
        return new OutcomeOptions { Schedule = new RetrySchedule([.. steps.OfType<TimeSpan>()]), MostPerPerson = most };
    }

    private static Retention ReadRetention(IConfiguration configuration, IList<string> mistakes)
    {
        TimeSpan Kept(string name, TimeSpan least)
        {
            if (Durations.Parse(Value(configuration, "Retention:" + name)) is { } kept && kept >= least)
                return kept;
            mistakes.Add($"`Retention:{name}` must be a duration of at least {Durations.Words(least)}, such as 90d.");
            return least;
        }
        var anHour = TimeSpan.FromHours(1);
        return new Retention
        {
            Deliveries = Kept("Deliveries", anHour),
            UsedLinks = Kept("UsedLinks", Retention.LeastUsedLinks),
            IdempotencyKeys = Kept("IdempotencyKeys", Retention.LeastIdempotencyKeys),
            RejectedBodies = Kept("RejectedBodies", anHour),
            ChatMessages = Kept("ChatMessages", anHour),
            Bodies = Kept("Bodies", anHour),
            SetAsideWork = Kept("SetAsideWork", anHour),
        };
    }

    private static MailOptions ReadMail(IConfiguration configuration, IList<string> mistakes)
    {
        string? Given(string name) => configuration["Email:" + name] is { Length: > 0 } text ? text : null;
        MailAddress? Address(string name)
        {
            if (Given(name) is not { } text)
                return null;
            if (MailAddress.TryCreate(text, out var address) && address.Address.All(char.IsAscii))
                return address;
            mistakes.Add($"`Email:{name}` must be an address, such as `Countersign <approvals@example.com>`.");
            return null;
        }
        var security = Value(configuration, "Email:Security").ToLowerInvariant() switch
        {
            "starttls" => MailSecurity.StartTls,
            "tls" => MailSecurity.Tls,
            "none" => MailSecurity.None,
            _ => (MailSecurity?)null,
        };
        if (security is null)
        {
            mistakes.Add(
                "`Email:Security` must be starttls (usual, port 587), tls (from the start, port 465) or none "
                    + "(a server on this machine)."
            );
        }
        if (security == MailSecurity.None && Given("User") is not null)
        {
            mistakes.Add(
                "`Email:User` requires `Email:Security` starttls or tls, because passwords aren't sent "
                    + "unencrypted."
            );
        }
        if (
            !int.TryParse(
                Value(configuration, "Email:Port"),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var port
            ) || port is < 1 or > 65535
        )
        {
            mistakes.Add("`Email:Port` must be a port number, such as 587.");
        }
        var from = Address("From");
        if (Given("Host") is not null && from is null)
        {
            mistakes.Add(
                "`Email:From` is missing. Set it to the sender's address, such as `Countersign "
                    + "<approvals@example.com>`."
            );
        }
        return new MailOptions
        {
            Host = Given("Host"),
            Port = port,
            Security = security ?? default,
            User = Given("User"),
            Password = Given("Password"),
            From = from,
            ReplyTo = Address("ReplyTo"),
        };
    }

    private static SlackOptions ReadSlack(IConfiguration configuration, IList<string> mistakes)
    {
        if (
            !Uri.TryCreate(Value(configuration, "Slack:BaseUrl"), UriKind.Absolute, out var address)
            || address.Scheme is not ("http" or "https")
        )
        {
            mistakes.Add("`Slack:BaseUrl` must be the address of Slack's API, such as https://slack.com/api/");
        }
        var channels = SlackOptions.ReadChannels(configuration["Slack:Channels"] ?? "");
        if (channels is null)
            mistakes.Add("`Slack:Channels` must list a channel for each group, such as SRE=C0123456, *=C0456789");
        return new SlackOptions
        {
            BaseUrl = address ?? new Uri("https://slack.com/api/"),
            Token = configuration["Slack:Token"] is { Length: > 0 } token ? token : null,
            Channels = channels ?? new Dictionary<string, string>(),
        };
    }

    /// <summary>Environment variables with our prefix that mean nothing: most likely a typing mistake.</summary>
    private static IEnumerable<string> UnknownNames(IConfiguration configuration) =>
        from name in (configuration as IConfigurationRoot)
            ?.Providers.OfType<EnvironmentVariablesConfigurationProvider>()
            .Where(provider => provider.ToString().Contains(Prefix, StringComparison.Ordinal))
            .SelectMany(NamesOf)
            ?? []
        where !IsKnown(name)
        select name;

    private static IEnumerable<string> NamesOf(IConfigurationProvider provider) => NamesOf(provider, null);

    private static IEnumerable<string> NamesOf(IConfigurationProvider provider, string? parent) =>
        from child in provider.GetChildKeys([], parent).Distinct(StringComparer.OrdinalIgnoreCase)
        let name = parent is null ? child : $"{parent}:{child}"
        from leaf in NamesOf(provider, name).DefaultIfEmpty(name)
        select leaf;

    private static IPNetwork? Network(string text) =>
        IPNetwork.TryParse(text, out var network) ? network
        : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : null;
}
