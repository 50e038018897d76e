using System.Text;
using Countersign.Audit;
using Countersign.Audit.Receipts;
using Countersign.People;
using Countersign.Proof;
using Countersign.Storage;
using Countersign.Tests.Audit.Receipts;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Countersign.Tests.Doors.Api;

public sealed class ReceiptApiTests
{
    private const string Sent = """
        {"subject":"Turn on loyalty points","message":"First 10 %.","facts":{"share":1.0,"smile":"😀\u2028"}}
        """;

    [Theory, BothEngines]
    public async Task A_closed_request_has_a_receipt_that_the_log_s_key_verifies(Engine engine)
    {
        await using var hub = await Closed.Start(engine, isClosed: false);
        var path = $"/api/v1/requests/{hub.Id}/receipt";
        Assert.Equal((409, "not_closed"), Code(await hub.Jane.Get(path)));
        await hub.Approve();
        await hub.Seal();

        var made = await hub.Jane.Get(path);
        Assert.Equal((200, "application/json"), (made.Status, made.MediaType));
        var report = await hub.Check(made.Text);
        Assert.True(report.Verdict == "valid", report.Problem + string.Concat(report.Doubts));
        Assert.Equal(["Jane Doe"], report.Answers.Select(a => a.Name));
        Assert.Equal("1 approval required, and given.", report.Weighed);
        // What settled it was Jane's own act; the content as it was sent is not hers to read.
        Assert.Equal("shown", report.Parts["origin"]);
        Assert.Equal("withheld", report.Parts["content"]);

        var source = await hub.Check((await hub.Source.Get(path)).Text);
        Assert.Equal(("valid", "shown", "withheld"), (source.Verdict, source.Parts["content"], source.Parts["origin"]));
        var admin = await hub.Check((await hub.Ada.Get(path)).Text, Encoding.UTF8.GetBytes(Sent));
        Assert.Equal(("valid", "shown", "shown"), (admin.Verdict, admin.Parts["content"], admin.Parts["origin"]));
        Assert.Equal(404, (await hub.Stranger.Get(path)).Status);
        Assert.Equal(401, (await hub.Host.Nobody().Get(path)).Status);
        Assert.Equal(404, (await hub.Jane.Get("/api/v1/requests/01KB3ZQ4M6W8T0Y2N4R6P8X1CD/receipt")).Status);
    }

    [Fact]
    public async Task Until_the_log_s_head_is_signed_the_caller_is_told_to_ask_again()
    {
        await using var hub = await Closed.Start(Engine.Sqlite, maySign: false);
        var early = await hub.Jane.Get(hub.Address);
        Assert.Equal((409, "not_sealed"), Code(early));
        Assert.Equal(TimeSpan.FromSeconds(1), early.Headers.RetryAfter!.Delta);
        using var browser = await hub.Host.SignIn(hub.JaneDoe);
        var page = await browser.Get($"/requests/{hub.Id}/receipt");
        Assert.Equal(409, page.Status);
        Assert.Contains("ready yet. Try again in a few seconds.", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_answers_gets_a_receipt_of_their_own_answer_at_once()
    {
        await using var hub = await Closed.Start(Engine.Sqlite, isClosed: false, need: 2);
        await hub.Approve();
        await hub.Seal();
        var path = $"/api/v1/requests/{hub.Id}/receipt";
        Assert.Equal((409, "not_closed"), Code(await hub.Jane.Get(path)));
        var report = await hub.Check((await hub.Jane.Get(path + "?decision=1")).Text);
        Assert.Equal(("valid", "request.answered"), (report.Verdict, report.Kind));
        Assert.Equal("shown", report.Parts["origin"]);
        Assert.Equal("approve", report.Disclosed["facts"].GetProperty("answer").GetString());
        // To another reviewer the address from which she answered is not shown.
        Assert.Equal("withheld", (await hub.Check((await hub.Stan.Get(path + "?decision=1")).Text)).Parts["origin"]);
        Assert.Equal(404, (await hub.Jane.Get(path + "?decision=2")).Status);
    }

    [Fact]
    public async Task Trap_30_a_person_who_is_renamed_later_has_their_name_of_then_in_the_receipt()
    {
        await using var hub = await Closed.Start(Engine.Sqlite);
        await hub.Seal();
        var before = ReceiptFile.Parse(Encoding.UTF8.GetBytes((await hub.Ada.Get(hub.Address)).Text), out _)!;
        await hub.Host.Hub.People.Rename(hub.JaneDoe.Email!, "Jane Smith", Some.Operator, default);
        await hub.Seal();
        var file = (await hub.Ada.Get(hub.Address)).Text;
        var after = ReceiptFile.Parse(Encoding.UTF8.GetBytes(file), out _)!;
        Assert.Equal(before.Leaf, after.Leaf);
        Assert.Equal(before.Parts, after.Parts);
        Assert.Equal(["Jane Doe"], (await hub.Check(file)).Answers.Select(a => a.Name));
    }

    [Theory, BothEngines]
    public async Task Trap_29_after_a_person_was_erased_the_receipt_still_verifies_and_says_so(Engine engine)
    {
        await using var hub = await Closed.Start(engine);
        await hub.Seal();
        var kept = (await hub.Ada.Get(hub.Address)).Text;
        Some.Done(
            await hub.Host.Services.GetRequiredService<ErasePerson>().Run(hub.JaneDoe.Email!, Some.Operator, default)
        );
        await hub.Seal();
        var file = (await hub.Ada.Get(hub.Address)).Text;
        var report = await hub.Check(file);
        Assert.True(report.Verdict == "valid", report.Problem + string.Concat(report.Doubts));
        Assert.Equal("erased", report.Parts["people"]);
        Assert.DoesNotContain("Jane", file, StringComparison.Ordinal);
        Assert.Equal("valid", (await hub.Check(kept)).Verdict);
    }

    [Fact]
    public async Task A_content_that_is_no_longer_kept_is_told_and_the_holders_own_copy_is_taken()
    {
        await using var hub = await Closed.Start(Engine.Sqlite);
        await hub.Host.Hub.Place.Tamper("UPDATE revisions SET body = ''");
        await hub.Seal();
        var file = (await hub.Ada.Get(hub.Address)).Text;
        Assert.Equal("erased", (await hub.Check(file)).Parts["content"]);
        Assert.Equal("valid", (await hub.Check(file, Encoding.UTF8.GetBytes(Sent))).Verdict);
        Assert.Equal("invalid", (await hub.Check(file, "{}"u8.ToArray())).Verdict);
    }

    [Fact]
    public async Task The_request_page_has_the_receipt_as_a_file()
    {
        await using var hub = await Closed.Start(Engine.Sqlite);
        using var browser = await hub.Host.SignIn(hub.JaneDoe);
        var page = await browser.Get($"/requests/{hub.Id}");
        Assert.Contains($"href=\"/requests/{hub.Id}/receipt\"", page.Text, StringComparison.Ordinal);
        Assert.Contains($"href=\"/requests/{hub.Id}/receipt?decision=1\"", page.Text, StringComparison.Ordinal);
        await hub.Seal();
        Assert.Equal("valid", (await hub.Check((await browser.Get($"/requests/{hub.Id}/receipt")).Text)).Verdict);
        Assert.Equal(200, (await hub.Host.Browser().Get("/verify")).Status);
    }

    [Fact]
    public async Task A_receipt_in_a_log_of_a_million_events_with_two_witnesses_is_a_few_kilobytes()
    {
        await using var hub = await Closed.Start(Engine.Sqlite, isClosed: false, need: 2);
        await hub.Approve();
        await hub.Approve(hub.Stan);
        await hub.Seal();
        var proof = TlogProof.Parse(Receipt((await hub.Jane.Get(hub.Address)).Text).Proof, out var why)!;
        Assert.True(proof is not null, why);
        var note = SignedNote.Parse(proof.Note, out why)!;
        // As JSON has them: each line's end is two characters.
        static int Lines(string text) => text.Length + text.Count(c => c == '\n');
        const int hashesOfAMillion = 20;
        var hash = Lines(Convert.ToBase64String(new byte[MerkleTree.HashSize]) + "\n");
        var witnesses = 2 * Lines(new MemoryLog().Ann.Line(note.Text, 1_796_000_000));
        var more = ((hashesOfAMillion - proof.Hashes.Count) * hash) + witnesses;
        var bracket = Lines(proof.Note) + witnesses + (hashesOfAMillion * hash) + 60;
        async Task<int> SizeFor(ApiClient viewer) =>
            Encoding.UTF8.GetByteCount((await viewer.Get(hub.Address)).Text) + more;

        var (reviewer, source, admin) = (await SizeFor(hub.Jane), await SizeFor(hub.Source), await SizeFor(hub.Ada));
        TestContext.Current.TestOutputHelper!.WriteLine($"{reviewer}, {source}, {admin}, bracket {bracket}");
        Assert.InRange(reviewer, 2_000, 3_584);
        Assert.InRange(reviewer + bracket, 3_000, 5_120);
    }

    private static ReceiptFile Receipt(string file) => ReceiptFile.Parse(Encoding.UTF8.GetBytes(file), out _)!;

    private static (int, string?) Code(ApiAnswer answer) => (answer.Status, answer.Code);

    /// <summary>A hub with a request of a pipeline that the group SRE decides.</summary>
    private sealed class Closed : IAsyncDisposable
    {
        public required ApiHost Host { get; init; }
        public required ApiClient Source { get; init; }
        public required ApiClient Jane { get; init; }
        public required ApiClient Stan { get; init; }
        public required ApiClient Ada { get; init; }
        public required ApiClient Stranger { get; init; }
        public required Person JaneDoe { get; init; }
        public required string Id { get; init; }
        public string Address => $"/api/v1/requests/{Id}/receipt";

        public static async Task<Closed> Start(Engine engine, bool isClosed = true, int need = 1, bool maySign = true)
        {
            // The right to sign is this hub's alone, while all of this process share a root key.
            var folder = Directory.CreateTempSubdirectory("countersign-signed-").FullName;
            var signed = maySign ? Path.Combine(folder, "signed") : folder;
            var host = await ApiHost.Start(engine, ("Proof:SignedFile", signed));
            var ada = await host.Hub.AddPerson("Ada", Role.Admin);
            var jane = await host.Hub.AddPerson("Jane Doe");
            var stan = await host.Hub.AddPerson("Stan");
            var source = host.Source(
                await host.Hub.AddSource("pipeline", await host.Hub.AddGroup("SRE", jane, stan), need)
            );
            var asked = await source.PostText("/api/v1/requests", Sent);
            Assert.Equal(201, asked.Status);
            var closed = new Closed
            {
                Host = host,
                Source = source,
                Jane = await host.Person(jane),
                Stan = await host.Person(stan),
                Ada = await host.Person(ada),
                Stranger = await host.Person(await host.Hub.AddPerson("Eve")),
                JaneDoe = jane,
                Id = asked["id"]!,
            };
            closed.Jane.ChecksDescription = closed.Ada.ChecksDescription = true;
            if (isClosed)
                await closed.Approve();
            return closed;
        }

        public async Task Approve(ApiClient? reviewer = null) =>
            Assert.Equal(
                200,
                (
                    await (reviewer ?? Jane).Post(
                        $"/api/v1/requests/{Id}/decisions",
                        new { answer = "approve", note = "Fine." }
                    )
                ).Status
            );

        public Task Seal() => Host.Services.GetRequiredService<Sealer>().SealAll(TestContext.Current.CancellationToken);

        public async Task<ReceiptReport> Check(string file, byte[]? content = null)
        {
            var first = Assert.IsType<ProofOutcome.Sealed>(await Host.Services.GetRequiredService<ProofOf>().Event(1));
            Assert.True(NoteKey.TryParse(first.Epoch.Vkey, out var key, out var why), why);
            return ReceiptCheck.Of(
                Encoding.UTF8.GetBytes(file),
                TrustPolicy.Of(key),
                Host.Hub.Clock.GetUtcNow(),
                content
            );
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var client in new[] { Source, Jane, Stan, Ada, Stranger })
                client.Dispose();
            await Host.DisposeAsync();
        }
    }
}
