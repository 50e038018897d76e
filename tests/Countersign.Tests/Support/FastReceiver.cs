using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Countersign.Tests;

/// <summary>A receiver for many calls: says 204 to everything and notes each message's id.</summary>
public sealed class FastReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FastReceiver(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.First());

    public static async Task<FastReceiver> Start(Action<string> note)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddLogging(logging => logging.ClearProviders());
        var app = builder.Build();
        app.Run(http =>
        {
            note(http.Request.Headers["webhook-id"].ToString());
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        });
        await app.StartAsync();
        return new FastReceiver(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
