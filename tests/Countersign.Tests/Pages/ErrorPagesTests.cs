using Xunit;

namespace Countersign.Tests.Pages;

/// <summary>Pages that say no are pages: in the reader's language, too.</summary>
public sealed class ErrorPagesTests
{
    [Theory]
    [InlineData("de-AT", "de", "Seite nicht gefunden")]
    [InlineData("en-GB", "en", "Page not found")]
    [InlineData("fr", "en", "Page not found")]
    public async Task A_page_that_is_not_there_is_refused_in_the_language_of_the_browser(
        string asked,
        string language,
        string title
    )
    {
        await using var host = await ApiHost.Start(Engine.Sqlite);
        using var browser = host.Browser();
        browser.Http.DefaultRequestHeaders.Add("Accept", "text/html");
        browser.Http.DefaultRequestHeaders.Add("Accept-Language", asked);
        var page = await browser.Get("/nothing-here");
        Assert.Equal(404, page.Status);
        Assert.Contains($"<html lang=\"{language}\"", page.Text, StringComparison.Ordinal);
        Assert.Contains(title, page.Text, StringComparison.Ordinal);
    }
}
