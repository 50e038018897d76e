using System.Text.RegularExpressions;
using Countersign.Bench.Load;
using Countersign.Bench.Servers;
using Countersign.Bench.Stock;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Bench.Rows;

/// <summary>
/// What people look at, over a store with many requests, as somebody who is signed in: against a bare endpoint that
/// answers the very bytes of that page. And what a first visit weighs: page, style, script and icon, compressed.
/// </summary>
internal sealed partial class Pages(Options options, Product product, Report report)
{
    private const int Connections = 16;
    private static readonly Bar Bar = Bar.AtLeast(0.10, 0.15);

    public async Task Run()
    {
        var shelf = await Shelf.Stock(options, options.LargeList);
        string cookie;
        await using (var store = await Session.OpenStore(shelf.Folder))
        {
            var person = (await new PeopleDirectory(store).Refresh()).FindPerson("person0@example.com")!;
            var session = await new Sessions(store, new BrowserSessionOptions()).Start(
                person.Id,
                "bench",
                new ClientInfo("page", "127.0.0.1", "the bench"),
                default
            );
            cookie = $"{SessionCookie.Name}={session!.Secret}";
        }
        await using var server = await product.Start(shelf.Folder);
        await server.Settle();
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = server.Url };
        http.DefaultRequestHeaders.Add("Cookie", cookie);
        string inbox;
        using (var first = await http.GetAsync(new Uri("/", UriKind.Relative)))
        {
            inbox = await first.Content.ReadAsStringAsync();
            // As a browser does from its second page on: it brings the cookie that the forms' proof goes with.
            foreach (var set in first.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies : [])
                cookie += "; " + set[..set.IndexOf(';', StringComparison.Ordinal)];
        }
        var request = RequestLink().Match(inbox).Value;
        if (request.Length == 0)
            throw new InvalidOperationException("The inbox shows no request: " + inbox[..Math.Min(inbox.Length, 500)]);

        foreach (var (what, path) in new[] { ("inbox", "/"), ("request page", request) })
        {
            await using var bare = await Control.StartSame(
                Path.Combine(options.Folder, "pages-same"),
                await http.GetByteArrayAsync(new Uri(path, UriKind.Relative))
            );
            foreach (var one in (Server[])[server, bare])
                await Ask(one, path, options.WarmUp);
            var (ours, theirs) = await Measured.Pairs(
                options.Pairs,
                _ => Ask(server, path, options.Slice),
                _ => Ask(bare, path, options.Slice)
            );
            report.Add(
                Measured.Ratio(
                    $"{what} of a hub with {shelf.Count:N0} requests, against a bare page with the same bytes",
                    ours,
                    theirs,
                    Bar
                )
            );
        }
        var weight = await Weight(http, inbox) / 1024d;
        report.Add(
            Row.Of("inbox with its style, script and icon, compressed", weight, "0.0", "KB", Bar.AtMost(60, unit: "KB"))
        );

        Task<Slice> Ask(Server of, string path, TimeSpan length) =>
            Wrk.Run(
                new Uri(of.Url, path),
                "get.lua",
                Connections,
                length,
                of.Cpu,
                "Accept",
                "text/html",
                "Cookie",
                cookie
            );
    }

    private static async Task<double> Weight(HttpClient http, string page)
    {
        double bytes = 0;
        foreach (var path in AssetLink().Matches(page).Select(m => m.Value).Distinct().Append("/"))
        {
            using var asked = new HttpRequestMessage(HttpMethod.Get, path)
            {
                Headers = { { "Accept-Encoding", "br" } },
            };
            using var answer = await http.SendAsync(asked);
            bytes += (await answer.Content.ReadAsByteArrayAsync()).Length;
        }
        return bytes;
    }

    [GeneratedRegex("/requests/[0-9A-Z]{26}", RegexOptions.None, 1000)]
    private static partial Regex RequestLink();

    [GeneratedRegex("/assets/[a-z]+\\.[0-9a-f]+\\.[a-z]+", RegexOptions.None, 1000)]
    private static partial Regex AssetLink();
}
