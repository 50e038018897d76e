using System.Collections.Concurrent;
using Countersign.People;
using Countersign.SignIn;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// One browser, the system's own Chromium, for all tests that need one. Each person gets a window with cookies of its
/// own.
/// </summary>
public sealed class Chromium : IAsyncLifetime
{
    public const string Name = "browser";

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Milliseconds; only a test that fails waits this long, however busy the machine is.</summary>
    private const float Patience = 20_000;

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("TEST_CHROMIUM") is not { Length: > 0 } program)
            return;
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions { ExecutablePath = program, Args = ["--no-sandbox"] }
        );
    }

    /// <summary>A window in which this person is signed in; without a person, nobody is.</summary>
    public async Task<Window> Open(
        ApiHost host,
        Person? person = null,
        Action<BrowserNewContextOptions>? options = null
    )
    {
        Assert.SkipWhen(
            _browser is null,
            Environment.GetEnvironmentVariable("TEST_CHROMIUM_MISSING") is { Length: > 0 } reason
                ? reason
                : "No Chromium: run ./test.sh"
        );
        var settings = new BrowserNewContextOptions
        {
            BaseURL = host.Address.ToString(),
            Locale = "en-GB",
            TimezoneId = "Europe/Berlin",
        };
        options?.Invoke(settings);
        var context = await _browser.NewContextAsync(settings);
        context.SetDefaultTimeout(Patience);
        Assertions.SetDefaultExpectTimeout(Patience);
        if (person is not null)
        {
            var session = await host
                .Services.GetRequiredService<Sessions>()
                .Start(person.Id, "password", new ClientInfo("page", "127.0.0.1", "a test"), default);
            await context.AddCookiesAsync([
                new Cookie
                {
                    Name = SessionCookie.Name,
                    Value = session!.Secret,
                    Url = host.Address.ToString(),
                    HttpOnly = true,
                },
            ]);
        }
        return new Window(context, await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}

[CollectionDefinition(Chromium.Name)]
public sealed class BrowserTests : ICollectionFixture<Chromium>;

/// <summary>
/// A person's window. What its console complains about, a policy of ours that is broken for one, is kept.
/// </summary>
public sealed class Window : IAsyncDisposable
{
    private readonly IBrowserContext _context;

    public Window(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) =>
        {
            // That an answer was 4xx is said by the page; the console repeats it.
            if (
                message.Type == "error"
                && !message.Text.Contains("the server responded with a status of", StringComparison.Ordinal)
            )
            {
                Complaints.Enqueue(message.Text);
            }
        };
        page.PageError += (_, error) => Complaints.Enqueue(error);
        page.Dialog += async (_, dialog) =>
        {
            Complaints.Enqueue("A dialog: " + dialog.Message);
            await dialog.DismissAsync();
        };
    }

    public IPage Page { get; }
    public ConcurrentQueue<string> Complaints { get; } = [];

    public IBrowserContext Context => _context;

    public Task Go(string path) => Page.GotoAsync(path);

    public Task Press(string button) =>
        Page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();

    public Task Note(string text) => Page.GetByLabel("Comment", new() { Exact = true }).FillAsync(text);

    /// <summary>Waits until the page shows this text.</summary>
    public Task Shows(string text) => Page.GetByText(text).First.WaitForAsync();

    /// <summary>Chromium drops keys that come before it has painted anything; people do not press any.</summary>
    public Task IsPainted() =>
        Page.EvaluateAsync("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");

    /// <summary>
    /// Presses a key and sees what it does. A browser on a busy machine now and then swallows a key while it paints; a
    /// person would press again, and so does this.
    /// </summary>
    public async Task Key(string key, string does)
    {
        for (var tries = 1; ; tries++)
        {
            await Page.Keyboard.PressAsync(key);
            try
            {
                await Page.WaitForFunctionAsync(does, null, new() { Timeout = 5_000 });
                return;
            }
            catch (TimeoutException) when (tries < 4) { }
        }
    }

    /// <summary>Whether one has to scroll sideways.</summary>
    public async Task<bool> IsTooWide() =>
        await Page.EvaluateAsync<bool>("document.documentElement.scrollWidth > document.documentElement.clientWidth");

    /// <summary>Until the page hears of what happens.</summary>
    public Task Listens() => Page.WaitForSelectorAsync("body[data-listening]");

    public ValueTask DisposeAsync() => _context.DisposeAsync();
}
