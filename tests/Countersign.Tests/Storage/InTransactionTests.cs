using Countersign.Storage;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Xunit;

namespace Countersign.Tests;

/// <summary>
/// What <see cref="Store.InTransaction{T}"/> promises on both engines, and on SQLite the lane behind it.
/// </summary>
public sealed class InTransactionTests
{
    [Theory, BothEngines]
    public async Task What_was_acknowledged_is_there_for_everyone(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await test.Store.InTransaction(tx => Put(tx, "blue"));
        var another = await test.OpenAnother();
        Assert.Equal(1, await another.Read(r => r.Number("SELECT count(*) FROM hub WHERE name = 'blue'")));
    }

    [Theory, BothEngines]
    public async Task A_transaction_inside_a_transaction_throws_and_undoes_the_outer_one(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            test.Store.InTransaction(async tx =>
            {
                await Put(tx, "outer");
                await test.Store.InTransaction(inner => Put(inner, "inner"));
            })
        );
        Assert.Equal(0, await test.Count("hub"));
        await test.Store.InTransaction(tx => Put(tx, "afterwards"));
    }

    [Theory, BothEngines]
    public async Task An_exception_comes_back_as_it_was_thrown_and_leaves_nothing(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var thrown = new TimeZoneNotFoundException("of the caller's own");
        var caught = await Assert.ThrowsAsync<TimeZoneNotFoundException>(() =>
            test.Store.InTransaction(async tx =>
            {
                await Put(tx, "gone");
                throw thrown;
            })
        );
        Assert.Same(thrown, caught);
        Assert.Equal(0, await test.Count("hub"));
    }

    [Theory, BothEngines]
    public async Task A_violated_constraint_is_the_callers_mistake_and_no_outage(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await test.Store.InTransaction(tx => Put(tx, "one"));
        var failure = await Record.ExceptionAsync(() =>
            test.Store.InTransaction(async tx =>
            {
                await Put(tx, "two");
                await Put(tx, "one");
            })
        );
        Assert.IsAssignableFrom<System.Data.Common.DbException>(failure);
        Assert.Equal(1, await test.Count("hub"));
    }

    [Theory, BothEngines]
    public async Task A_call_that_was_cancelled_before_it_began_leaves_nothing(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            test.Store.InTransaction(tx => Put(tx, "never"), new CancellationToken(canceled: true))
        );
        Assert.Equal(0, await test.Count("hub"));
    }

    [Theory, BothEngines]
    public async Task Followers_hear_of_events_that_stand_and_of_no_others(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var heard = 0;
        test.Store.EventsCommitted += () => Interlocked.Increment(ref heard);
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() =>
            test.Store.InTransaction(async tx =>
            {
                await tx.Append("hub", Some.Origin, "test.undone", new { });
                throw new TimeZoneNotFoundException();
            })
        );
        await test.Store.InTransaction(tx => Put(tx, "no event"));
        await test.Store.InTransaction(tx => tx.Append("hub", Some.Origin, "test.done", new { }));

        await Eventually.True(() => Volatile.Read(ref heard) > 0, "the event is heard of");
        Assert.Equal(1, Volatile.Read(ref heard));
    }

    [Theory, BothEngines]
    public async Task A_follower_that_throws_reaches_neither_the_caller_nor_other_writers(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        test.Store.EventsCommitted += () => throw new TimeZoneNotFoundException();
        await test.Store.InTransaction(tx => tx.Append("hub", Some.Origin, "test.done", new { }));
        await test.Store.InTransaction(tx => tx.Append("hub", Some.Origin, "test.done", new { }));
        Assert.Equal(2, await test.Count("events"));
    }

    [Theory, BothEngines]
    public async Task Reading_does_not_wait_for_a_writer_nor_see_what_it_has_not_committed(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await test.Store.InTransaction(tx => Put(tx, "before"));
        using var held = await Held.Of(test.Store, tx => Put(tx, "within"));
        Assert.Equal(1, await test.Count("hub").AsTask().Soon());
        await held.Release();
        Assert.Equal(2, await test.Count("hub"));
    }

    [Theory, BothEngines]
    public async Task Closing_the_store_lets_a_transaction_end_that_has_begun(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        var another = await test.OpenAnother();
        using var held = await Held.Of(another, tx => Put(tx, "begun"));
        var closing = Task.Run(async () => await another.DisposeAsync());
        await held.Release();
        await closing.Soon();
        Assert.Equal(1, await test.Count("hub"));
    }

    [Theory, BothEngines]
    public async Task A_question_that_fails_harms_neither_the_next_nor_others(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(async () =>
            await test.Store.Read<long>(async r =>
            {
                await r.Number("SELECT count(*) FROM hub");
                throw new TimeZoneNotFoundException();
            })
        );
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(async () =>
            await test.Number("SELECT nonsense FROM nowhere")
        );
        Assert.Equal(0, await test.Count("hub"));
    }

    [Theory, BothEngines]
    public async Task Sixty_four_writers_of_one_row_all_count(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        await test.Store.InTransaction(async tx =>
        {
            await tx.Execute("INSERT INTO hub (name, value) VALUES ('n', '0')");
        });
        await Task.WhenAll(
            Enumerable
                .Range(0, 64)
                .Select(_ =>
                    test.Store.InTransaction(async tx =>
                    {
                        var n = long.Parse(
                            (await tx.Text($"SELECT value FROM hub WHERE name = 'n'{tx.ForUpdate}"))!,
                            System.Globalization.CultureInfo.InvariantCulture
                        );
                        await tx.Execute("UPDATE hub SET value = @value WHERE name = 'n'", new { value = $"{n + 1}" });
                    })
                )
        );
        Assert.Equal("64", await test.Text("SELECT value FROM hub WHERE name = 'n'"));
    }

    [Theory, BothEngines]
    public async Task Every_check_and_foreign_key_is_enforced(Engine engine)
    {
        await using var test = await TestStore.Start(engine);
        foreach (
            var forbidden in new[]
            {
                "UPDATE sources SET kind = 'fax' WHERE id = 1",
                "UPDATE sources SET person_id = 404 WHERE id = 1",
                "INSERT INTO tickets (subject, status, created_at) VALUES ('x', 'lost', '')",
                "INSERT INTO tickets (subject, requester_id, created_at) VALUES ('x', 404, '')",
                "INSERT INTO parties (party, request_id) VALUES ('admins', 'x')",
                "INSERT INTO waiting (party, request_id) VALUES ('admins', 'x')",
                """
                    INSERT INTO revisions (request_id, n, digest, stamp, message, facts, body, at)
                    VALUES ('x', 1, '', '', '', '', '', '')
                    """,
                """
                    INSERT INTO deliveries (event_id, kind, subject, receiver, channel, endpoint, state, due_at,
                    created_at)
                    VALUES (404, '', '', '', '', '', 'due', '', '')
                    """,
                "INSERT INTO chats (request_id, receiver, channel, ts) VALUES ('x', '', '', '')",
                "INSERT INTO claimed_members (group_id, person_id) VALUES (404, 404)",
            }
        )
        {
            var failure = await Record.ExceptionAsync(() =>
                test.Store.InTransaction(async tx => await tx.Execute(forbidden))
            );
            Assert.True(failure is System.Data.Common.DbException, forbidden);
        }
        Assert.Equal(0, await test.Number("SELECT count(*) FROM sources WHERE kind = 'fax' OR person_id IS NOT NULL"));
        Assert.Equal(0, await test.Count("tickets"));
    }

    // --- The lane of SQLite ---

    /// <summary>SQLite then keeps pages in its log before the commit, and asks for them again.</summary>
    [Fact]
    public async Task A_transaction_larger_than_the_cache_reads_what_it_wrote()
    {
        const string insert = "INSERT INTO hub (name, value) VALUES (@name, @value)";
        const string read = "SELECT value FROM hub WHERE name = @name";
        const int rows = 300;
        await using var test = await TestStore.Start(Engine.Sqlite);
        static string Value(int row) => new((char)('a' + (row % 26)), 10_000);
        await test.Store.InTransaction(async tx =>
        {
            await tx.Number("PRAGMA cache_size = 10");
            for (var row = 0; row < rows; row++)
                await tx.Execute(insert, new { name = $"{row}", value = Value(row) });
            // Backwards, which comes to what left the cache last.
            for (var row = rows - 1; row >= 0; row--)
                Assert.Equal(Value(row), await tx.Text(read, new { name = $"{row}" }));
            // Once more, so that pages which lie in the log are written there anew.
            for (var row = 0; row < 20; row++)
            {
                await tx.Execute(
                    "UPDATE hub SET value = @value WHERE name = @name",
                    new { name = $"{row}", value = Value(row + 1) }
                );
            }
        });
        var another = await test.OpenAnother();
        for (var row = 0; row < rows; row++)
        {
            Assert.Equal(
                Value(row < 20 ? row + 1 : row),
                await another.Read(r => r.Text(read, new { name = $"{row}" }))
            );
        }
        Assert.Equal("ok", await test.Text("PRAGMA integrity_check"));
    }

    /// <summary>
    /// Pages of it have left for the log by then, and another process writes there as soon as the lock is free.
    /// </summary>
    [Fact]
    public async Task A_transaction_larger_than_the_cache_that_fails_does_no_harm_to_what_others_commit_next()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        await using var another = (SqliteConnection)await test.OpenRaw();
        // From an empty log on, so that undoing the transaction reads nothing there.
        await test.Tamper("PRAGMA wal_checkpoint(TRUNCATE)");
        var rollbacks = 0;
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() =>
            test.Store.InTransaction(async tx =>
            {
                await tx.Number("PRAGMA cache_size = 10");
                // Called between the ROLLBACK and the lane's next BEGIN, when no lock is held.
                raw.sqlite3_rollback_hook(
                    ((SqliteConnection)tx.Connection).Handle,
                    _ =>
                    {
                        rollbacks++;
                        PutLong(another);
                    },
                    null
                );
                await tx.Execute(
                    "INSERT INTO hub (name, value) VALUES ('undone', @value)",
                    new { value = new string('x', 4_000_000) }
                );
                throw new TimeZoneNotFoundException();
            })
        );
        await test.Store.InTransaction(tx => Put(tx, "afterwards"));

        Assert.Equal(1, rollbacks);
        var reopened = await test.OpenAnother();
        Assert.Equal("ok", await reopened.Read(r => r.Text("PRAGMA integrity_check")));
        Assert.Equal(2, await reopened.Read(r => r.Number("SELECT count(*) FROM hub")));
        Assert.Equal(
            2,
            await reopened.Read(r =>
                r.Number("SELECT count(*) FROM hub WHERE value = hex(zeroblob(4000000)) OR name = 'afterwards'")
            )
        );
    }

    [Fact]
    public async Task Of_callers_that_share_a_commit_nobody_hears_before_it_and_all_after()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        using var held = await Held.Of(test.Store);
        var early = 0;
        var callers = new List<Task>();
        for (var i = 0; i < 20; i++)
        {
            var name = $"caller {i}";
            callers.Add(
                test.Store.InTransaction(async tx =>
                {
                    await Put(tx, name);
                    early += callers.Count(c => c.IsCompleted);
                })
            );
        }
        await held.Release();
        await Task.WhenAll(callers).Soon();
        Assert.Equal(0, early);
        Assert.Equal(20, await test.Count("hub"));
    }

    [Fact]
    public async Task A_caller_that_fails_in_a_batch_is_undone_alone()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        using var held = await Held.Of(test.Store);
        var first = test.Store.InTransaction(tx => Put(tx, "first"));
        var failing = test.Store.InTransaction(async tx =>
        {
            await Put(tx, "failing");
            throw new TimeZoneNotFoundException();
        });
        var violating = test.Store.InTransaction(tx => Put(tx, "first"));
        var last = test.Store.InTransaction(tx => Put(tx, "last"));
        await held.Release();

        await first.Soon();
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => failing.Soon());
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => violating.Soon());
        await last.Soon();
        Assert.Equal(2, await test.Number("SELECT count(*) FROM hub WHERE name IN ('first', 'last')"));
        Assert.Equal(2, await test.Count("hub"));
    }

    [Fact]
    public async Task A_caller_that_waits_for_something_else_inside_its_transaction_is_refused_and_the_lane_goes_on()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            test.Store.InTransaction(async tx =>
            {
                await Put(tx, "slow");
                await Task.Yield();
                await Put(tx, "slower");
            })
        );
        Assert.Equal(0, await test.Count("hub"));
        await test.Store.InTransaction(tx => Put(tx, "next"));
        Assert.Equal(1, await test.Count("hub"));
    }

    [Fact]
    public async Task Whoever_cancels_while_queued_leaves_nothing_and_holds_up_nobody()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        using var held = await Held.Of(test.Store);
        using var cancel = new CancellationTokenSource();
        var patient = test.Store.InTransaction(tx => Put(tx, "patient"));
        var impatient = test.Store.InTransaction(tx => Put(tx, "impatient"), cancel.Token);
        var later = test.Store.InTransaction(tx => Put(tx, "later"));
        await cancel.CancelAsync();
        // Known at once, while the lane is still held.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient.Soon());
        await held.Release();
        await Task.WhenAll(patient, later).Soon();
        Assert.Equal(0, await test.Number("SELECT count(*) FROM hub WHERE name = 'impatient'"));
        Assert.Equal(2, await test.Count("hub"));
    }

    [Fact]
    public async Task Cancelling_what_has_begun_comes_too_late()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        using var cancel = new CancellationTokenSource();
        await test.Store.InTransaction(
            async tx =>
            {
                // A callback of the token runs here; the change is made all the same, and acknowledged.
                cancel.Cancel();
                await Put(tx, "begun");
            },
            cancel.Token
        );
        Assert.Equal(1, await test.Count("hub"));
    }

    [Fact]
    public async Task Closing_serves_everyone_who_waits_and_takes_nobody_more()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        var another = await test.OpenAnother();
        using var held = await Held.Of(another);
        var waiting = Enumerable.Range(0, 50).Select(i => another.InTransaction(tx => Put(tx, $"caller {i}"))).ToList();
        var closing = Task.Run(async () => await another.DisposeAsync());
        var refusal = "";
        await Eventually.True(
            async () =>
            {
                // Once the lane is closing, a new caller is refused although it is still held.
                var late = another.InTransaction(tx => ValueTask.CompletedTask);
                if (!late.IsFaulted)
                    return false;
                refusal = (await Assert.ThrowsAsync<StoreUnavailable>(() => late)).Message;
                return true;
            },
            "a new caller is refused"
        );
        Assert.Equal("The store is closing.", refusal);
        await held.Release();
        await Task.WhenAll(waiting).Soon();
        await closing.Soon();
        Assert.Equal(50, await test.Count("hub"));
    }

    [Fact]
    public async Task When_too_many_wait_the_next_is_told_so_at_once()
    {
        await using var test = await TestStore.Start(Engine.Sqlite);
        using var held = await Held.Of(test.Store);
        var waiting = new List<Task>();
        Task next;
        while (!(next = test.Store.InTransaction(tx => ValueTask.CompletedTask)).IsFaulted)
        {
            waiting.Add(next);
            Assert.True(waiting.Count <= 100_000, "The queue has no bound.");
        }
        Assert.Equal(
            "Too many writers are waiting for the store.",
            (await Assert.ThrowsAsync<StoreUnavailable>(() => next)).Message
        );
        await held.Release();
        await Task.WhenAll(waiting).Soon();
        await test.Store.InTransaction(tx => Put(tx, "afterwards"));
    }

    private static void PutLong(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        // What it commits stays in the log.
        command.CommandText =
            "PRAGMA wal_autocheckpoint = 0; INSERT INTO hub (name, value) VALUES ('other', hex(zeroblob(4000000)))";
        command.ExecuteNonQuery();
    }

    private static async ValueTask Put(Tx tx, string name) =>
        await tx.Execute("INSERT INTO hub (name, value) VALUES (@name, '')", new { name });
}
