using Countersign.Configuration;
using Countersign.Storage;
using Microsoft.Extensions.Logging.Console;

namespace Countersign.Hosting;

/// <summary>The log on standard output: one stream in one format, before the server exists and after.</summary>
internal static partial class LogOutput
{
    public static void AddLogOutput(this ILoggingBuilder logging, IConfiguration configuration)
    {
        logging.ClearProviders();
        logging.AddConfiguration(configuration.GetSection("Logging"));
        logging.AddConsole();
        var formatter = configuration["Logging:Console:FormatterName"];
        logging.Services.PostConfigure<ConsoleLoggerOptions>(console => console.FormatterName = formatter);
        // In a line the time needs a space after it, in a member of JSON it must have none.
        logging.Services.PostConfigure<SimpleConsoleFormatterOptions>(Spaced);
        logging.Services.PostConfigure<ConsoleFormatterOptions>(Spaced);
        logging.Services.PostConfigure<JsonConsoleFormatterOptions>(json =>
            json.TimestampFormat = json.TimestampFormat?.TrimEnd()
        );
    }

    /// <summary>What the first lines of a server's log say about it.</summary>
    public static void TellStart(ILogger log, Store store, ServerOptions server)
    {
        var address = server.PublicUrl is null ? "not set" : server.BaseUrl;
        Log.Starting(log, Product.Version, store.Description, store.Place, store.Migration, address);
        foreach (var (variable, instead) in ConfigurationSources.IgnoredVariables())
        {
            if (instead.Length == 0)
                Log.Ignored(log, variable);
            else
                Log.IgnoredFor(log, variable, instead);
        }
    }

    private static void Spaced(ConsoleFormatterOptions options)
    {
        if (options.TimestampFormat is { Length: > 0 } format)
            options.TimestampFormat = format.TrimEnd() + " ";
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "Countersign {Version} starts with {Engine}, store {Store} at migration {Migration}, public "
                + "address {Address}"
        )]
        public static partial void Starting(
            ILogger log,
            string version,
            string engine,
            string store,
            string? migration,
            string address
        );

        [LoggerMessage(Level = LogLevel.Warning, Message = "The environment variable {Variable} is ignored")]
        public static partial void Ignored(ILogger log, string variable);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "The environment variable {Variable} is ignored; set {Instead} instead"
        )]
        public static partial void IgnoredFor(ILogger log, string variable, string instead);
    }
}
