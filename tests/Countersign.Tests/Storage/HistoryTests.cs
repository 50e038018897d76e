using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests;

public sealed class HistoryTests
{
    [Theory, BothEngines]
    public async Task Every_event_of_a_subject_carries_the_hash_of_the_one_before(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i =>
                    test.Store.InTransaction(async tx =>
                    {
                        await tx.Append(
                            $"person:{i % 3}",
                            Some.Operator,
                            "test.happened",
                            new { i, text = "Grüße,\n\"quoted\" ✓ \u0001" }
                        );
                        await tx.Append("hub", Some.Origin, "test.happened", new { i });
                    })
                )
        );
        foreach (var subject in (await test.Events()).GroupBy(e => e.Subject))
        {
            var (n, previous) = (0L, "");
            foreach (var e in subject.OrderBy(e => e.N))
            {
                // As anyone would with what a receipt or an export holds.
                var parts = EventLeaf.Of(e)!.Parts;
                var lines = string.Join(
                    '\n',
                    "countersign-leaf-v1",
                    previous.Length == 0 ? "-" : previous,
                    e.Subject,
                    e.N.ToString(CultureInfo.InvariantCulture),
                    e.At,
                    e.Kind,
                    e.Via,
                    Digest(parts, "facts"),
                    Digest(parts, "people"),
                    Digest(parts, "words"),
                    Digest(parts, "origin")
                );
                Assert.Equal(Convert.ToHexStringLower(SHA256.HashData([0, .. Encoding.UTF8.GetBytes(lines)])), e.Hash);
                Assert.Equal(++n, e.N);
                previous = e.Hash;
            }
            Assert.Equal(
                previous,
                await test.Text("SELECT hash FROM event_heads WHERE subject = @subject", new { subject = subject.Key })
            );
            Assert.Equal(
                n,
                await test.Number("SELECT n FROM event_heads WHERE subject = @subject", new { subject = subject.Key })
            );
        }
        Assert.Equal(20, (await test.Events("hub")).Count);
    }

    private static string Digest(IReadOnlyList<EventPart> parts, string name) =>
        parts.Single(p => p.Name == name) is { Text: { } text }
            ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))
            : "-";

    [Theory, BothEngines]
    public async Task All_that_one_transaction_writes_has_one_time_to_the_millisecond(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        test.Clock.Now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)).AddTicks(6_789_999);
        await test.Store.InTransaction(async tx =>
        {
            await tx.Append("hub", Some.Origin, "test.first", new { });
            test.Clock.Advance(TimeSpan.FromSeconds(1));
            await tx.Append("hub", Some.Origin, "test.second", new { });
        });
        Assert.All(await test.Events("hub"), e => Assert.Equal("2026-01-02T01:04:05.678Z", e.At));
    }

    [Theory, BothEngines]
    public async Task Positions_have_no_gaps_where_a_transaction_was_undone(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() =>
            test.Store.InTransaction(async tx =>
            {
                await tx.Append("hub", Some.Origin, "test.undone", new { });
                throw new TimeZoneNotFoundException();
            })
        );
        for (var i = 0; i < 2; i++)
            await test.Store.InTransaction(async tx => await tx.Append("hub", Some.Origin, "test.done", new { i }));
        await test.Store.GivePositions();
        Assert.Equal(
            [(1, 1), (2, 2)],
            (await test.Store.Read(r => EventLog.Next(r, 0, 10))).Select(e => (e.Position, e.N))
        );
    }

    [Theory]
    [InlineData("0001-01-01T00:00:00.000Z")]
    [InlineData("2026-02-28T23:59:59.999Z")]
    [InlineData("9999-12-31T23:59:59.999Z")]
    public void A_time_reads_back_as_it_was_written(string text)
    {
        Assert.Equal(24, text.Length);
        Assert.Equal(text, Instant.ToText(Instant.Parse(text)));
        Assert.Equal(Instant.Parse(text), Instant.ToMilliseconds(Instant.Parse(text)));
        Assert.Equal(TimeSpan.Zero, Instant.Parse(text).Offset);
    }

    [Fact]
    public void Times_sort_as_their_texts_do_wherever_they_come_from_and_whatever_the_culture()
    {
        var random = Seeded.Random(1);
        var culture = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("ar-SA");
            var times = Enumerable
                .Range(0, 500)
                .Select(_ =>
                    new DateTimeOffset(random.NextInt64(DateTime.MaxValue.Ticks / 2), TimeSpan.Zero).ToOffset(
                        TimeSpan.FromHours(random.Next(0, 14))
                    )
                )
                .ToList();
            Assert.Equal(
                times.Select(Instant.ToMilliseconds).Order(),
                times.Select(Instant.ToText).Order(StringComparer.Ordinal).Select(Instant.Parse)
            );
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Theory]
    [InlineData("2026-02-28T23:59:59Z")]
    [InlineData("2026-02-28 23:59:59.999Z")]
    [InlineData("2026-02-28T23:59:59.999+01:00")]
    [InlineData("2026-02-30T00:00:00.000Z")]
    [InlineData("")]
    public void What_is_no_time_of_ours_is_not_read_as_one(string text) =>
        Assert.Throws<FormatException>(() => Instant.Parse(text));
}
