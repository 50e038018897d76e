using System.Text.Json;
using Countersign.Requests;
using Countersign.Storage;
using Countersign.Tests.Audit;
using Xunit;

namespace Countersign.Tests;

public sealed class EventLeafTests
{
    [Fact]
    public async Task Traps_23_and_24_a_leaf_shows_no_word_and_each_part_has_a_salt_of_its_own()
    {
        await using var recorded = await RecordedHub.Start(Engine.Sqlite);
        await recorded.LiveThroughALot();
        var events = await recorded.Hub.Place.Events();
        var people = await recorded.Hub.Store.Read(r =>
            r.Rows("SELECT name, email FROM people WHERE role <> 'service'")
        );
        var words = people
            .SelectMany(p => new[] { p["name"] as string, p["email"] as string })
            .Concat(events.Select(e => e.Address))
            .OfType<string>()
            .Where(w => w.Length > 3)
            .ToHashSet();
        Assert.NotEmpty(words);
        var salts = new HashSet<string>();
        var previous = new Dictionary<string, string>();
        foreach (var e in events.Where(e => e.Data != ArchivedRequest.Mark).OrderBy(e => e.Id))
        {
            var leaf = EventLeaf.Of(e)!;
            var text = leaf.TextAfter(previous.GetValueOrDefault(e.Subject, ""));
            Assert.Equal(11, text.Split('\n').Length);
            Assert.DoesNotContain(words, word => text.Contains(word, StringComparison.OrdinalIgnoreCase));
            foreach (var part in leaf.Parts.Where(p => p.Salt is not null))
                Assert.True(salts.Add(part.Salt!) && part.Salt!.Length == 22);
            previous[e.Subject] = e.Hash;
        }
    }

    [Fact]
    public async Task Trap_25_texts_are_hashed_as_they_stand()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        const string data = """{"a":1.0,"note":"\uD83D\uDE00 \u2028","z":{"x":[1,2]},"text":"é"}""";
        await test.Store.InTransaction(async tx =>
            await tx.Append("hub", Some.Operator, "test.happened", new EventText(data))
        );
        var e = Assert.Single(await test.Events("hub"));
        Assert.Equal(data, e.Data);
        var parts = EventLeaf.Of(e)!.Parts;
        Assert.Equal("""{"a":1.0,"z":{"x":[1,2]}}""", parts[0].Json);
        Assert.Null(parts[1].Json);
        Assert.Equal("""{"note":"\uD83D\uDE00 \u2028","text":"é"}""", parts[2].Json);
        Assert.Equal($$"""{"actor":"operator","address":"{{e.Address}}"}""", parts[3].Json);
        Assert.Equal(e.Hash, e.HashAfter(""));
        foreach (
            var changed in new[]
            {
                data.Replace("1.0", "1", StringComparison.Ordinal),
                data.Replace(",\"note", ", \"note", StringComparison.Ordinal),
                data + " ",
                " " + data,
                data.Replace("é", "e", StringComparison.Ordinal),
                "{}",
                "nothing",
            }
        )
        {
            Assert.NotEqual(e.Hash, With(e, changed).HashAfter(""));
        }
    }

    [Fact]
    public async Task A_part_that_was_erased_leaves_the_hash_and_says_nothing()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        await test.Store.InTransaction(async tx =>
            await tx.Append("hub", Some.Operator, "test.happened", new { n = 1, note = "a secret" })
        );
        var e = Assert.Single(await test.Events("hub"));
        var leaf = EventLeaf.Of(e)!;
        var after = With(e, """{"n":1,"note":""}""");
        after = With(e, after.Data, EventLeaf.SaltsWithout(leaf, after));
        Assert.Equal(e.Hash, after.HashAfter(""));
        var parts = EventLeaf.Of(after)!.Parts;
        Assert.Equal([false, false, true, false], parts.Select(p => p.IsErased));
        Assert.Equal((null, leaf.Parts[2].Digest), (parts[2].Text, parts[2].Digest));
        Assert.DoesNotContain(leaf.Parts[2].Salt!, after.Salts, StringComparison.Ordinal);
    }

    [Theory, BothEngines]
    public async Task Trap_30_a_decision_names_people_as_they_were_known_then(Engine engine)
    {
        await using var recorded = await RecordedHub.Start(engine);
        var hub = recorded.Hub;
        var ann = await hub.AddPerson("Ann Approver");
        var ben = await hub.AddPerson("Ben");
        var request = await hub.Ask(Some.Policy(ann.AsApprover), s => s.AskedBy(ben));
        await hub.Approve(request, ann);
        Some.Done(await hub.People.Rename(ann.Email!, "Ann Other", Some.Operator, default));

        var settled = (await hub.Place.Events(request.Id.Subject)).Single(e => e.Kind == "request.approved");

        using var people = JsonDocument.Parse(settled.People!);
        var answered = people.RootElement.GetProperty("answered")[0];
        Assert.Equal("Ann Approver", answered.GetProperty("name").GetString());
        Assert.Equal(ann.Email, answered.GetProperty("login").GetString());
        Assert.Equal("Ben", people.RootElement.GetProperty("requester").GetString());
        using var facts = JsonDocument.Parse(EventLeaf.Of(settled)!.Parts[0].Json!);
        var story = facts.RootElement.GetProperty("story");
        Assert.Equal(request.Digest, story.GetProperty("digest").GetString());
        Assert.Equal(request.Policy.Stamp, story.GetProperty("stamp").GetString());
        Assert.Equal(
            (ann.Id, "approve"),
            (
                story.GetProperty("answers")[0].GetProperty("person").GetInt64(),
                story.GetProperty("answers")[0].GetProperty("answer").GetString()
            )
        );
        Assert.Equal([], (await recorded.Check()).Problems);
    }

    private static StoredEvent With(StoredEvent e, string data, string? salts = null) =>
        new()
        {
            Id = e.Id,
            Subject = e.Subject,
            N = e.N,
            At = e.At,
            Kind = e.Kind,
            Actor = e.Actor,
            Via = e.Via,
            Address = e.Address,
            Data = data,
            Hash = e.Hash,
            People = e.People,
            Salts = salts ?? e.Salts,
        };
}
