using System.Text;
using Countersign.Hosting;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Countersign.Tests;

public sealed class CsvTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData("a, b", "\"a, b\"")]
    [InlineData("say \"hi\"", "\"say \"\"hi\"\"\"")]
    [InlineData("two\r\nlines", "\"two\r\nlines\"")]
    [InlineData("2026-11-20T23:05:00Z", "2026-11-20T23:05:00Z")]
    public void A_cell_is_quoted_where_it_must_be(string cell, string expected) => Assert.Equal(expected, Row(cell));

    [Theory]
    [InlineData("=HYPERLINK(\"http://evil.example\")")]
    [InlineData("+1")]
    [InlineData("-1")]
    [InlineData("@SUM(A1)")]
    [InlineData(" =1+1")]
    [InlineData("\t=1+1")]
    [InlineData("\r\n=1+1")]
    [InlineData("＝1+1")]
    public void A_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(string cell) =>
        Assert.StartsWith("\"'", Row(cell), StringComparison.Ordinal);

    [Fact]
    public async Task A_list_ends_at_its_limit_and_is_sent_as_a_download()
    {
        var http = new DefaultHttpContext();
        using var body = new MemoryStream();
        http.Response.Body = body;

        await new Csv("requests.csv", ["ID", "Title"], Endless()).ExecuteAsync(http);

        var text = Encoding.UTF8.GetString(body.ToArray());
        Assert.StartsWith("\uFEFFID,Title\r\n1,One\r\n", text, StringComparison.Ordinal);
        Assert.Equal(Csv.MaxRows + 1, text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal("attachment; filename=\"requests.csv\"", http.Response.Headers.ContentDisposition);
        Assert.Equal("nosniff", http.Response.Headers.XContentTypeOptions);
    }

    private static string Row(string cell)
    {
        var text = new StringBuilder();
        Csv.AddRow(text, [cell]);
        return text.ToString()[..^2];
    }

    private static async IAsyncEnumerable<IReadOnlyList<string?>> Endless()
    {
        await Task.CompletedTask;
        while (true)
            yield return ["1", "One"];
    }
}
