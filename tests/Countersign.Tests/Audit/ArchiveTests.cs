using Countersign.Audit;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;
using Countersign.Tests.Cli;
using Countersign.Work;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Tests.Audit;

/// <summary>
/// Requests that are over go into a file; what stays answers, and proves itself, and so does the file.
/// </summary>
public sealed class ArchiveTests
{
    [Theory, BothEngines]
    public async Task All_that_can_happen_to_requests_is_archived_and_proven_with_the_file_and_without_it(Engine engine)
    {
        await using var place = await Place.Start(engine);
        await place.Recorded.LiveThroughALot();
        var before = await place.Recorded.Check();

        var (file, removed) = await place.Archive();

        Assert.True(file.Requests.Count > 5, $"{file.Requests.Count} requests");
        Assert.Equal((file.Requests.Count, 0), (removed.Removed, removed.Changed));
        Assert.Equal(
            file.Requests.Count,
            await place.Hub.Place.Number("SELECT count(*) FROM events WHERE kind = 'request.archived'")
        );
        foreach (var status in new[] { "active", "approved" })
        {
            Assert.Equal(
                0,
                await place.Hub.Place.Number(
                    """
                    SELECT count(*) FROM requests r JOIN events e ON e.subject = 'request:' || r.id
                    WHERE e.kind = 'request.archived' AND r.status = @status AND r.applied_at IS NULL
                    """,
                    new { status }
                )
            );
        }
        Assert.Equal(
            0,
            await place.Hub.Place.Number(
                """
                SELECT count(*) FROM comments c JOIN events e ON e.subject = 'request:' || c.request_id
                WHERE e.kind = 'request.archived'
                """
            )
        );

        var without = await place.Recorded.Check();
        Assert.Equal([], without.Problems);
        Assert.Equal(
            (before.Events + file.Requests.Count, file.Events, 0),
            (without.Events, without.Archived, without.ProvenByArchive)
        );
        Assert.Equal(file.Events, (await place.Check()).ProvenByArchive);
        await place.Recorded.Sealer.SealAll();
        Assert.Equal(
            (true, 0),
            ((await place.Check()) is { Ok: true, Unsealed: 0 }, (await place.Archive()).Removed.Removed)
        );
    }

    [Theory, BothEngines]
    public async Task What_is_not_over_stays_whole(Engine engine)
    {
        await using var place = await Place.Start(engine);
        var hub = place.Hub;
        var jane = await hub.AddPerson("Jane", Role.Admin);
        var (approved, active, young) = (
            await hub.Ask(jane.AsApprover),
            await hub.Ask(jane.AsApprover),
            await hub.Ask(jane.AsApprover)
        );
        await hub.Approve(approved, jane);
        var (untold, @unsealed) = (await hub.Ask(jane.AsApprover), await hub.Ask(jane.AsApprover));
        await hub.Reject(untold, jane);
        await place.Settle(except: untold);
        hub.Clock.Advance(TimeSpan.FromDays(20));
        await hub.Reject(young, jane);
        var before = hub.Clock.Now;
        await place.Settle(except: untold);
        hub.Clock.Advance(TimeSpan.FromDays(-5));
        await hub.Reject(@unsealed, jane);
        await place.Followed(except: untold);

        var written = await new Archive(hub.Store, place.Recorded.Key).Write(before, Stream.Null, default);

        Assert.Equal((0, 2), (written.Requests, written.Left));
    }

    [Theory, BothEngines]
    public async Task An_archived_request_goes_on_answering(Engine engine)
    {
        await using var place = await Place.Start(engine);
        var hub = place.Hub;
        var jane = await hub.AddPerson("Jane", Role.Admin);
        var source = await hub.AddSource("deploys");
        var policy = Some.Policy(jane.AsApprover);
        var (applied, rejected) = (
            await hub.Ask(policy, s => s with { SourceId = source.Id, Facts = """{"flag":"loyalty-points"}""" }),
            await hub.Ask(policy, s => s with { SourceId = source.Id })
        );
        await hub.Answer(applied, jane, Answer.Approve, "Fine by me");
        await hub.Comment.Run(rejected.Id, Some.Viewer(jane), "Hm", default);
        await hub.MarkApplied.Run(applied.Id, Some.Viewer(source), default);
        await hub.Answer(rejected, jane, Answer.Reject, "No");
        var claim = RequesterClaim.Of([], ["Jane"]) with { People = [jane.Id] };
        var claimed = await hub.Ask(
            policy,
            s => s with { Requester = new Requester(jane.Id, "Jane", [], Certainty.Claimed) { Claim = claim } }
        );
        await hub.Withdraw.Run(claimed.Id, Viewer.Hub(Some.Origin), "", default);
        var sent = await RequestStatus.Find(hub.Store, source.Id, applied.ExternalId!, default);
        await place.Archive();

        Assert.Equal(sent, await RequestStatus.Find(hub.Store, source.Id, applied.ExternalId!, default));
        var again = await hub.Submit.Run(
            Some.Submission(policy) with
            {
                SourceId = source.Id,
                ExternalId = applied.ExternalId,
            },
            Some.Origin,
            null,
            default
        );
        Assert.Equal(
            (applied.Id, Status.Approved),
            (
                Assert.IsType<SubmitOutcome.Known>(again).Request.Id,
                Assert.IsType<SubmitOutcome.Known>(again).Request.Status
            )
        );
        Assert.IsType<MarkAppliedOutcome.AlreadyApplied>(
            await hub.MarkApplied.Run(applied.Id, Some.Viewer(source), default)
        );
        Assert.IsType<WithdrawOutcome.AlreadySettled>(
            await hub.Withdraw.Run(applied.Id, Some.Viewer(source), "late", default)
        );
        Assert.IsType<DecideOutcome.AlreadySettled>(await hub.Approve(rejected, jane));
        Assert.IsType<MarkAppliedOutcome.Breach>(await hub.MarkApplied.Run(rejected.Id, Some.Viewer(source), default));
        var other = Some.Submission(policy).Saying("Something else") with
        {
            SourceId = source.Id,
            ExternalId = rejected.ExternalId,
        };
        Assert.IsType<SubmitOutcome.Settled>(await hub.Submit.Run(other, Some.Origin, null, default));

        Assert.IsType<DisownOutcome.Disowned>(await new Disown(hub.Store).Run(claimed.Id, Some.Viewer(jane), default));

        var details = (await RequestDetails.Find(hub.Store, applied.Id, Some.Viewer(jane), default))!;
        Assert.Equal(
            ("archive.jsonl", "", "{}", ""),
            (details.Archived!.File, details.Current.Message, details.Current.Facts, details.Decisions[0].Note)
        );
        // It is still found by what stays in its row.
        Assert.Equal(
            ["dark", applied.ExternalId, "mode", "requester", "rita", "turn"],
            (
                await hub.Store.Read(r =>
                    r.Rows(
                        "SELECT term FROM request_terms WHERE request_id = @id ORDER BY term",
                        new { id = applied.Id }
                    )
                )
            ).Select(row => (string)row["term"]!)
        );
        Assert.Equal(
            (Answer.Approve, jane.Id, applied.Digest),
            (details.Decisions[0].Answer, details.Decisions[0].PersonId, details.Current.Digest)
        );
        Assert.True(
            (
                await Revisions.Find(hub.Store, applied.Id, 1, Some.Viewer(jane) with { IsAdmin = true }, default)
            )!.IsBodyForgotten
        );
        Assert.NotNull(await RequestHistory.Find(hub.Store, applied.Id, Some.Viewer(jane), null, default));
        Assert.Equal([], (await place.Check()).Problems);
    }

    [Theory, BothEngines]
    public async Task While_the_server_runs_its_pages_and_its_api_show_what_remains(Engine engine)
    {
        await using var pages = await Pages.PagesHost.Start(engine);
        var request = await pages.Ask("Open the new checkout");
        await pages.Hub.Comment.Run(request.Id, Some.Viewer(pages.Ben), "Is it ready?", default);
        await pages.Hub.Answer(request, pages.Ann, Answer.Reject, "Not on a Friday");
        var key = new SealKey(pages.Api.Services.GetRequiredService<RootKey>());
        pages.Hub.SealKey = key;
        await Eventually.True(
            async () =>
                await pages.Hub.Place.IsFollowed() && (await new Verify(pages.Hub.Store, key).Run(null)).Unsealed == 0,
            "all is sealed and told"
        );
        var path = Path.Combine(
            System.IO.Directory.CreateTempSubdirectory("countersign-archive-").FullName,
            "2026.jsonl"
        );
        var archive = new Archive(pages.Hub.Store, key);
        await using (var stream = File.Create(path))
            Assert.Equal(1, (await archive.Write(pages.Hub.Clock.Now.AddDays(2), stream, default)).Requests);
        await archive.Remove((await ArchiveFile.Read(path, default)).File!, Some.Operator, default);

        using var ann = await pages.Api.SignIn(pages.Ann);
        var page = await ann.Get($"/requests/{request.Id}");
        Assert.Equal(200, page.Status);
        foreach (
            var shown in new[] { "Open the new checkout", "Archived on", "2026.jsonl", "Ann Approver", "Rejected" }
        )
        {
            Assert.Contains(shown, page.Text, StringComparison.Ordinal);
        }
        foreach (var gone in new[] { "Not on a Friday", "Is it ready?" })
            Assert.DoesNotContain(gone, page.Text, StringComparison.Ordinal);
        var caller = await pages.Api.Person(pages.Ann);
        var json = (await caller.Get($"/api/v1/requests/{request.Id}")).Json;
        Assert.Equal(
            ("2026.jsonl", "rejected", "reject", ""),
            (
                json["archive"]!.GetValue<string>(),
                json["status"]!.GetValue<string>(),
                json["decisions"]![0]!["answer"]!.GetValue<string>(),
                json["decisions"]![0]!["note"]!.GetValue<string>()
            )
        );
        Assert.Contains(
            request.Id.Value,
            (await caller.Get("/api/v1/requests?status=rejected")).Text,
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task Whatever_is_changed_of_what_stays_is_found(Engine engine)
    {
        await using var place = await Place.Start(engine);
        var hub = place.Hub;
        var jane = await hub.AddPerson("Jane", Role.Admin);
        var (one, other) = (await hub.Ask(jane.AsApprover), await hub.Ask(jane.AsApprover));
        await hub.Reject(one, jane);
        await hub.Reject(other, jane);
        await place.Archive();
        await place.Recorded.Sealer.SealAll();
        var whole = await hub.Ask(jane.AsApprover);
        await hub.Reject(whole, jane);
        Assert.Equal([], (await place.Check()).Problems);
        var intruder = await Intruder.Of(place.Recorded);
        foreach (
            var change in new[]
            {
                $"UPDATE requests SET status = 'approved' WHERE id = '{one.Id}'",
                $"UPDATE requests SET subject = 'Another' WHERE id = '{one.Id}'",
                $"UPDATE requests SET applied_at = created_at WHERE id = '{one.Id}'",
                $"UPDATE decisions SET answer = 'approve' WHERE request_id = '{one.Id}'",
                $"UPDATE decisions SET note = 'Yes' WHERE request_id = '{one.Id}'",
                $"DELETE FROM decisions WHERE request_id = '{one.Id}'",
                $"UPDATE revisions SET message = 'Shown' WHERE request_id = '{one.Id}'",
                $"DELETE FROM parties WHERE request_id = '{one.Id}' AND party = 'person:{jane.Id}'",
                $"INSERT INTO parties (party, request_id) VALUES ('person:7', '{one.Id}')",
                $"UPDATE events SET hash = '{new string('0', 64)}' WHERE subject = 'request:{one.Id}' AND n = 1",
                $"UPDATE events SET kind = 'request.approved' WHERE subject = 'request:{one.Id}' AND n = 2",
                $"UPDATE events SET actor = 'hub' WHERE subject = 'request:{one.Id}' AND n = 2",
                $"DELETE FROM events WHERE subject = 'request:{one.Id}' AND n = 3",
                $"""
                    UPDATE events SET data = replace(data, 'archive.jsonl', 'another')
                    WHERE subject = 'request:{one.Id}' AND n = 3
                    """,
                // A request that was not archived, emptied.
                $"UPDATE events SET data = '{ArchivedRequest.Mark}' WHERE subject = 'request:{whole.Id}'",
                $"UPDATE events SET data = '{ArchivedRequest.Mark}' WHERE subject = 'request:{whole.Id}' AND n = 1",
            }
        )
        {
            await intruder.Run(change);
            Assert.False((await place.Recorded.Check()).Ok, change);
            await intruder.PutBack();
            Assert.True((await place.Recorded.Check()).Ok, $"put back after {change}");
        }
    }

    [Theory, BothEngines]
    public async Task Nobody_without_the_key_can_say_that_a_request_was_archived(Engine engine)
    {
        await using var place = await Place.Start(engine);
        var hub = place.Hub;
        var jane = await hub.AddPerson("Jane", Role.Admin);
        var rejected = await hub.Ask(jane.AsApprover);
        await hub.Reject(rejected, jane);
        using var another = place.Recorded.NewKey("another.key");

        await place.Archive(another);

        hub.Place.IsTampered = true;
        Assert.Contains(
            "not signed with this hub's key",
            (await place.Recorded.Check()).Problem,
            StringComparison.Ordinal
        );
    }

    [Theory, BothEngines]
    public async Task A_file_that_was_changed_cut_or_exchanged_is_found(Engine engine)
    {
        await using var place = await Place.Start(engine);
        var hub = place.Hub;
        var jane = await hub.AddPerson("Jane", Role.Admin);
        await hub.Reject(await hub.Ask(jane.AsApprover), jane);
        await hub.Answer(await hub.Ask(jane.AsApprover), jane, Answer.Reject, "Not this one");
        await place.Archive();
        var text = await File.ReadAllTextAsync(place.FilePath, TestContext.Current.CancellationToken);
        var lines = text.TrimEnd().Split('\n');
        foreach (
            var changed in new[]
            {
                text.Replace("Not this one", "But this one", StringComparison.Ordinal),
                text.Replace("\"note\":\"Not this one\"", "\"note\":\"But\"", StringComparison.Ordinal),
                string.Join('\n', lines[..^1]) + "\n",
                string.Join(
                    '\n',
                    [lines[0], lines[2], lines[3].Replace("\"requests\":2", "\"requests\":1", StringComparison.Ordinal)]
                ) + "\n",
                text + lines[1] + "\n",
                "nothing",
                "",
            }
        )
        {
            await File.WriteAllTextAsync(place.FilePath, changed, TestContext.Current.CancellationToken);
            Assert.False((await place.Check()).Ok);
            Assert.True((await place.Recorded.Check()).Ok);
        }
        await File.WriteAllTextAsync(place.FilePath, text, TestContext.Current.CancellationToken);
        Assert.True((await place.Check()).Ok);
    }

    [Theory, BothEngines]
    public async Task A_request_that_changes_between_file_and_removal_stays_whole_and_a_repeat_goes_on(Engine engine)
    {
        await using var place = await Place.Start(engine);
        var hub = place.Hub;
        var jane = await hub.AddPerson("Jane", Role.Admin);
        var (one, other) = (await hub.Ask(jane.AsApprover), await hub.Ask(jane.AsApprover));
        await hub.Reject(one, jane);
        await hub.Reject(other, jane);
        var file = await place.Write();
        await hub.Withdraw.Run(one.Id, Some.Viewer(jane) with { IsAdmin = true }, "late", default);
        var archive = new Archive(hub.Store, place.Recorded.Key);
        Assert.Equal(new ArchiveRemoved(1, 1, 0), await archive.Remove(file, Some.Operator, default));
        Assert.Equal(new ArchiveRemoved(0, 1, 1), await archive.Remove(file, Some.Operator, default));
        Assert.Equal(2, (await place.Check()).ProvenByArchive);
    }

    [Theory, BothEngines]
    public async Task The_verb_makes_a_private_file_never_overwrites_and_says_what_it_did(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await Settled(shell, 3);
        var file = Path.Combine(shell.Folder, "old.jsonl");
        Assert.Equal((1, "invalid"), (await shell.Json("archive", "--before", "2100-01-01", file)).Failure);
        Assert.Equal((2, "usage"), (await shell.Json("archive", "--before", "soon", file)).Failure);
        Assert.Equal(
            0,
            (await shell.Json("archive", "--before", "2020-01-01", file)).Done.GetProperty("requests").GetInt32()
        );
        Assert.False(File.Exists(file));

        var done = (await shell.Json("archive", "--before", "2026-06-01", file)).Done;

        Assert.Equal((3, 3), (done.GetProperty("requests").GetInt32(), done.GetProperty("removed").GetInt32()));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        var content = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        Assert.Equal(
            0,
            (await shell.Json("archive", "--before", "2026-06-01", file)).Done.GetProperty("removed").GetInt32()
        );
        Assert.Equal(content, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        var other = Path.Combine(shell.Folder, "other.txt");
        await File.WriteAllTextAsync(other, "mine", TestContext.Current.CancellationToken);
        Assert.Equal((1, "exists"), (await shell.Json("archive", "--before", "2026-06-01", other)).Failure);
        Assert.Equal("mine", await File.ReadAllTextAsync(other, TestContext.Current.CancellationToken));

        var proven = (await shell.Json("audit", "verify", "--archive", file)).Done;
        Assert.Equal(
            (6, 6),
            (proven.GetProperty("archived").GetInt32(), proven.GetProperty("provenByArchive").GetInt32())
        );
        Assert.Equal(0, (await shell.Json("audit", "verify")).ExitCode);
        Assert.Contains(
            "verified in the given archives",
            (await shell.Run("audit", "verify", "--archive", file)).Output,
            StringComparison.Ordinal
        );
        Assert.Equal(1, (await shell.Json("audit", "verify", "--archive", other)).ExitCode);
        Assert.Equal((2, "usage"), (await shell.Json("audit", "verify", "--archive", file + "x")).Failure);
    }

    /// <summary>The real program, killed while it takes requests from the store.</summary>
    [Theory, BothEngines]
    public async Task Killed_in_the_middle_the_store_verifies_and_a_repeat_finishes(Engine engine)
    {
        await using var shell = await Shell.Start(engine);
        await Settled(shell, 600);
        var file = Path.Combine(shell.Folder, "old.jsonl");
        for (var some = 0L; ; )
        {
            using var process = shell.StartProgram("archive", "--before", "2026-06-01", file);
            while (!process.HasExited && await Archived() is var now && (now == some || now < 40))
                await Task.Yield();
            var killed = !process.HasExited;
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            some = await Archived();
            Assert.True((await shell.Json("audit", "verify", "--archive", file)).Done.GetProperty("ok").GetBoolean());
            if (killed && some < 600)
                break;
            Assert.SkipWhen(some == 600, "The program was done before it was killed.");
        }
        var done = (await shell.Json("archive", "--before", "2026-06-01", file)).Done;
        Assert.Equal((600, 600), (done.GetProperty("requests").GetInt32(), (int)await Archived()));
        var proven = (await shell.Json("audit", "verify", "--archive", file)).Done;
        Assert.Equal(1200, proven.GetProperty("provenByArchive").GetInt32());

        ValueTask<long> Archived() => shell.Place.Number("SELECT count(*) FROM events WHERE kind = 'request.archived'");
    }

    /// <summary>Requests that were rejected long ago by the clock of the machine, sealed and told.</summary>
    private static async Task Settled(Shell shell, int count)
    {
        var people = new Accounts(shell.Place.Store, new ReweighRequests(shell.Place.Store));
        var jane = Some.Done(await people.Add("jane@example.test", "Jane", Role.Admin, null, Some.Operator, default));
        var (submit, decide) = (new Submit(shell.Place.Store, new RequestIds()), new Decide(shell.Place.Store));
        for (var i = 0; i < count; i++)
        {
            // One admin decides, as where no policy says anything.
            var submission = Some.Submission(Some.Policy(new Approver(Party.Admins, "an admin"))) with
            {
                ExternalId = $"ext-{i}",
            };
            var asked = ((SubmitOutcome.Created)await submit.Run(submission, Some.Origin, null, default)).Request;
            Assert.IsType<DecideOutcome.Settled>(
                await decide.Run(
                    asked.Id,
                    Some.Viewer(jane) with
                    {
                        IsAdmin = true,
                    },
                    Answer.Reject,
                    "No",
                    null,
                    default
                )
            );
        }
        using var key = new SealKey(RootKey.Load(shell.RootKeyFile, mayCreate: false));
        await Sealers.Of(shell, key).SealAll();
        await shell.Place.Follow();
    }

    /// <summary>A sealed hub and a file beside it.</summary>
    private sealed class Place : IAsyncDisposable
    {
        private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("countersign-archive-").FullName;

        private Place(RecordedHub recorded) => Recorded = recorded;

        public RecordedHub Recorded { get; }
        public TestHub Hub => Recorded.Hub;
        public string FilePath => Path.Combine(_folder, "archive.jsonl");

        public static async Task<Place> Start(Engine engine) => new(await RecordedHub.Start(engine));

        /// <summary>Everything is sealed and told.</summary>
        public async Task Settle(ApprovalRequest? except = null)
        {
            await Recorded.Sealer.SealAll();
            await Followed(except);
        }

        public async Task Followed(ApprovalRequest? except = null)
        {
            await Hub.Place.Follow();
            await Hub.Store.InTransaction(async tx =>
            {
                if (except is not null)
                    await Jobs.Add(tx, new JobToAdd("webhooks", "1", except.Id.Subject, tx.Now));
                await tx.Execute("UPDATE links SET state = 'closed'");
            });
        }

        public async Task<ArchiveFile> Write(SealKey? key = null)
        {
            await Settle();
            File.Delete(FilePath);
            await using (var stream = File.Create(FilePath))
                await new Archive(Hub.Store, key ?? Recorded.Key).Write(Hub.Clock.Now.AddDays(30), stream, default);
            var (file, problem) = await ArchiveFile.Read(FilePath, default);
            Assert.Null(problem);
            return file!;
        }

        public async Task<(ArchiveFile File, ArchiveRemoved Removed)> Archive(SealKey? key = null)
        {
            var first = !File.Exists(FilePath);
            var kept = first ? null : await File.ReadAllBytesAsync(FilePath);
            var file = await Write(key);
            var removed = await new Archive(Hub.Store, key ?? Recorded.Key).Remove(file, Some.Operator, default);
            if (kept is not null)
                await File.WriteAllBytesAsync(FilePath, kept);
            return (file, removed);
        }

        public Task<Verification> Check() =>
            new Verify(Hub.Store, Recorded.Key) { ChecksPolicies = false }.Run(null, [FilePath], default);

        public async ValueTask DisposeAsync()
        {
            await Recorded.DisposeAsync();
            System.IO.Directory.Delete(_folder, recursive: true);
        }
    }
}
