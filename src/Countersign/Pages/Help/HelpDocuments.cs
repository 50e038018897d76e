using System.Collections.Concurrent;
using System.Reflection;
using Markdig;
using Markdig.Extensions.AutoIdentifiers;
using Markdig.Syntax;

namespace Countersign.Pages.Help;

/// <summary>
/// The documentation in <c>docs/</c>, which comes with the program so that help is there without the internet and for
/// this version. It is trusted as our own, and shown by a slice like any other text.
/// </summary>
public static class HelpDocuments
{
    /// <summary>In the order in which they are listed.</summary>
    public static readonly IReadOnlyList<string> Names =
    [
        "launchdarkly",
        "github",
        "gitlab",
        "azure",
        "terraform",
        "flagger",
        "agents",
        "pipelines",
        "policies",
        "notifications",
        "destinations",
        "install",
        "operating",
        "upgrading",
        "monitoring",
        "configuration",
        "command-line",
        "hub-as-code",
        "proof",
        "api",
        "zendesk",
        "simulate",
    ];

    private static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder()
        .UsePipeTables()
        .UseAutoIdentifiers(AutoIdentifierOptions.GitHub)
        .Build();

    private static readonly ConcurrentDictionary<string, MarkdownDocument> Parsed = new();

    /// <summary>Null when there is no such page.</summary>
    public static MarkdownDocument? Find(string name)
    {
        if (!Names.Contains(name))
            return null;
        return Parsed.GetOrAdd(
            name,
            static n =>
            {
                using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Docs.{n}.md")!;
                using var reader = new StreamReader(stream);
                return Markdown.Parse(reader.ReadToEnd(), Pipeline);
            }
        );
    }
}
