using System.Globalization;
using System.Text.RegularExpressions;
using Countersign.Audit;
using Countersign.Pages;
using Countersign.Pages.Admin;
using Countersign.People;
using Countersign.Storage;
using Countersign.Tests.Audit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Localization;
using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>Every event that is stored is a sentence in every language.</summary>
public sealed partial class AuditWordsTests
{
    /// <summary>Named like kinds, and never stored.</summary>
    private static readonly string[] NotStored = ["requester.email", "requester.name", "webhook.test"];

    [Fact]
    public void Every_kind_of_event_has_a_sentence()
    {
        var strings = Strings();
        var kinds = KindsOfTheProgram().Order().ToList();
        Assert.Contains("policy.set", kinds);
        Assert.InRange(kinds.Count, 70, 200);
        foreach (var language in Countersign.Pages.Strings.Languages)
        {
            CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(language);
            Assert.Equal([], kinds.Where(kind => strings["event." + kind].ResourceNotFound));
        }
    }

    [Theory, BothEngines]
    public async Task What_happened_in_a_busy_hub_reads_as_sentences(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        await recorded.LiveThroughALot();
        var store = recorded.Hub.Store;
        var events = (
            await new SearchEvents(store).Run(new EventFilter(null, null, null, null, null), null, 5_000, default)
        ).Events;
        using var directory = new PeopleDirectory(store);
        var names = await new EventSubjects(store).Names(
            [.. events.SelectMany(EventWords.SubjectsOf).Distinct()],
            default
        );
        var snapshot = await directory.Refresh();
        foreach (var language in Countersign.Pages.Strings.Languages)
        {
            CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(language);
            var words = new EventWords(Strings(), snapshot, names);
            var sentences = events.Select(e => (e.Kind, Text: words.Text(e))).ToList();
            Assert.Equal([], sentences.Where(s => s.Text.Contains($": {s.Kind} (", StringComparison.Ordinal)));
            Assert.Equal(
                [],
                sentences.Where(s => Party().IsMatch(s.Text) || s.Text.Contains('{', StringComparison.Ordinal))
            );
            if (language != "en")
                continue;
            var texts = sentences.Select(s => s.Text).ToHashSet();
            Assert.Contains("An operator published policy version 1", texts);
            Assert.Contains("An operator removed Cid from the group Team", texts);
            Assert.Contains("Ben approved “Turn on dark mode”; more approvals are needed", texts);
        }
    }

    [Fact]
    public void An_event_that_cannot_be_read_shows_its_kind()
    {
        CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("en");
        using var directory = new PeopleDirectory(null!);
        var words = new EventWords(Strings(), null!, new Dictionary<string, string>());
        foreach (
            var (kind, data) in new[] { ("policy.set", "{}"), ("policy.set", "no JSON"), ("policy.unheard_of", "[]") }
        )
        {
            var e = new StoredEvent
            {
                Subject = "policy",
                At = "",
                Kind = kind,
                Actor = "hub",
                Via = "",
                Address = "",
                Data = data,
                Hash = "",
            };
            Assert.Equal($"Countersign: {kind} (Policies)", words.Text(e));
        }
    }

    private static IStringLocalizer<Countersign.Pages.Strings> Strings() =>
        new ServiceCollection()
            .AddLogging()
            .AddLocalization()
            .BuildServiceProvider()
            .GetRequiredService<IStringLocalizer<Countersign.Pages.Strings>>();

    private static IEnumerable<string> KindsOfTheProgram() =>
        (
            from file in Directory.EnumerateFiles(
                Path.Combine(Repository.Root, "src", "Countersign"),
                "*.cs",
                SearchOption.AllDirectories
            )
            let folder = Path.GetRelativePath(Path.Combine(Repository.Root, "src", "Countersign"), file)
            where !folder.StartsWith("Pages", StringComparison.Ordinal)
            from Match kind in Kind().Matches(File.ReadAllText(file))
            select kind.Groups["kind"].Value
        )
            .Distinct()
            .Except(NotStored);

    [GeneratedRegex(
        "\"(?<kind>(request|person|group|source|token|session|policy|webhook|destination|ticket|work|stamp|hub|set_up|"
            + "sign_in|bodies)\\.[a-z_]+)\"",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Kind();

    [GeneratedRegex("(person|group|source|destination|webhook):[0-9]", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Party();
}
