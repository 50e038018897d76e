using Countersign.Audit;
using Countersign.Requests;
using Countersign.Storage;
using Xunit;

namespace Countersign.Tests.Audit;

/// <summary>What verification says to events that can't have followed each other, without a store.</summary>
public sealed class RequestReplayTests
{
    private const string Ann = "person:1",
        Ben = "person:2",
        Hub = "hub";

    private static readonly RequestReplay.Told First = new()
    {
        Revision = 1,
        Digest = "d1",
        Stamp = "s1",
        Source = 7,
        Barred = [5],
        Requester = 5,
        RequesterName = "Rita",
        Certainty = "proven",
        SentBy = "api",
        Form = 2,
    };

    [Fact]
    public void What_follows_is_taken_and_adds_up_to_what_the_row_must_be()
    {
        var replay = Submitted();
        Taken(replay, "request.answered", Approval("d1"));
        Taken(replay, "request.approved", new() { Status = "approved" });
        Assert.Equal((Status.Approved, "s1", "2026-01-03"), (replay.Status, replay.Stamp, replay.SettledAt));
        Taken(replay, "request.applied", new());
        Assert.Equal("2026-01-04", replay.AppliedAt);
        Assert.Null(replay.BreachedAt);
        Assert.Equal([5], replay.Barred);
        Assert.True(replay.IsOfThisForm);
        Assert.True(replay.HasPolicyOfItsContent);
        Assert.Equal(["s1"], replay.Stamps);
        Assert.Equal(["person:5"], replay.Sees);
    }

    [Fact]
    public void Only_the_first_event_submits()
    {
        Assert.Contains("does not submit it", New().Take(Event("request.answered"), Approval("d1")), Ordinal);
        Refused(Submitted(), "submits a request that was there already", "request.submitted", First);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_revision_follows_the_one_before(long revision) =>
        Refused(Submitted(), "which cannot follow", "request.revised", First with { Revision = revision });

    [Fact]
    public void A_closed_request_has_no_more_revisions() =>
        Refused(Closed("rejected"), "which cannot follow", "request.revised", First with { Revision = 2 });

    [Fact]
    public void A_revision_bars_all_who_were_barred()
    {
        Refused(
            Submitted(),
            "lets people decide who were barred",
            "request.revised",
            First with
            {
                Revision = 2,
                Barred = [6],
            }
        );
        var replay = Submitted();
        Taken(replay, "request.revised", First with { Revision = 2, Digest = "d2", Stamp = "s2", Barred = [5, 6] });
        Assert.Equal([5, 6], replay.Barred);
        Assert.Equal(["s1", "s2"], replay.Stamps.Order());
        Refused(replay, "not the current one", "request.answered", Approval("d1", 2));
        Taken(replay, "request.answered", Approval("d2", 2));
    }

    [Fact]
    public void Who_sent_it_or_asked_sees_it_but_no_service_person()
    {
        var first = First with
        {
            Creator = 8,
            Requester = 9,
            Claim = new RequesterClaim([], []) { People = [3] }.ToText(),
        };
        Assert.Equal(["person:3", "person:8", "person:9"], Submitted(first).Sees.Order());
        var bySource = New();
        Taken(bySource, "request.submitted", first, "source:7");
        Assert.Equal(["person:3", "person:9"], bySource.Sees.Order());
        Assert.Equal(["source:7", "person:9"], bySource.SeesByItself);
        var byOther = New();
        Taken(byOther, "request.submitted", first, "source:6");
        Assert.Contains("person:8", byOther.Sees);
    }

    [Fact]
    public void Once_an_event_has_the_form_of_now_all_later_ones_are_held_to_it()
    {
        var replay = Submitted(First with { Form = 1 });
        Assert.False(replay.IsOfThisForm);
        Taken(replay, "request.revised", First with { Revision = 2, Form = 2 });
        Assert.True(replay.IsOfThisForm);
        Taken(replay, "request.revised", First with { Revision = 3, Form = 2 });
        Assert.True(replay.IsOfThisForm);
        Taken(replay, "request.revised", First with { Revision = 4, Form = null });
        Assert.True(replay.IsOfThisForm);
    }

    [Fact]
    public void Nothing_about_the_bar_means_that_nobody_is_barred()
    {
        Refused(
            Submitted(),
            "lets people decide who were barred",
            "request.revised",
            First with
            {
                Revision = 2,
                Barred = null,
            }
        );
        var open = Submitted(First with { Barred = null, Check = "requester,change" });
        Assert.Empty(open.Barred);
        Taken(open, "request.barred", new());
        Assert.Empty(open.Barred);
        Taken(open, "request.checked", Checked with { Barred = null }, Hub);
        Assert.Empty(open.Barred);
        Refused(Asked(), "says otherwise who asked", "request.checked", Checked with { Barred = null }, Hub);
        var onlyChange = Submitted(First with { Barred = null, Check = "change" });
        Taken(onlyChange, "request.checked", Checked with { Ended = "change", Barred = null }, Hub);
    }

    [Fact]
    public void What_was_archived_goes_on_where_it_stood()
    {
        var replay = New();
        replay.Resume(Archived("approved"));
        Assert.Equal((Status.Approved, "s1", "2026-01-01"), (replay.Status, replay.Stamp, replay.SettledAt));
        Refused(replay, "submits a request that was there already", "request.submitted", First);
        Refused(replay, "that was settled", "request.answered", Approval("d1"));
        Taken(replay, "request.applied", new());
        Refused(replay, "the law of states forbids", "request.withdrawn", new() { Status = "withdrawn" });
        Refused(replay, "for someone else", "request.disowned", new() { Person = 1 }, Ben);
        Refused(replay, "for someone else", "request.disowned", new(), Ann);
        Taken(
            replay,
            "request.disowned",
            new()
            {
                Person = 1,
                Requester = 2,
                Certainty = "claimed",
            },
            Ann
        );
        Assert.Equal(ArchiveStatement.AskedOf(2, "claimed", null), replay.Asked);
        Assert.Throws<FormatException>(() => New().Resume(Archived("granted")));
        Assert.Throws<FormatException>(() => New().Resume(Archived(null)));
    }

    [Fact]
    public void An_answer_that_is_kept_can_open_the_comparison_too()
    {
        var replay = Submitted();
        Taken(replay, "request.answer_kept", Approval("d1") with { Check = "comparison" });
        Refused(replay, "was still asked", "request.approved", new() { Status = "approved" });
        // Other events don't ask LaunchDarkly.
        replay = Submitted();
        Taken(replay, "request.commented", new() { Check = "comparison" });
        Taken(replay, "request.approved", new() { Status = "approved" });
    }

    [Fact]
    public void Facts_of_a_change_are_forgotten_once_another_was_read()
    {
        foreach (var (told, isKept) in new[] { (Checked, true), (Checked with { Changes = "[]" }, false) })
        {
            var replay = Asked();
            replay.FactsOfChange = "{}";
            Taken(replay, "request.checked", told, Hub);
            Assert.Equal(isKept, replay.FactsOfChange is not null);
        }
        var unread = Asked();
        unread.FactsOfChange = "{}";
        Taken(unread, "request.checked", Checked with { Change = null }, Hub);
        Assert.Null(unread.FactsOfChange);
    }

    [Fact]
    public void Nothing_takes_the_bar_from_a_person()
    {
        Refused(Submitted(), "lets people decide who were barred", "request.barred", new() { Barred = [] });
        Refused(Submitted(), "lets people decide who were barred", "request.barred", new());
        var replay = Submitted();
        Taken(replay, "request.barred", new() { Barred = [5, 9] });
        Assert.Equal([5, 9], replay.Barred);
    }

    [Fact]
    public void An_answer_is_a_word_on_an_active_request_and_its_current_content()
    {
        Refused(Submitted(), "invalid decision", "request.answered", Approval("d1") with { Answer = "perhaps" });
        Refused(Closed("rejected"), "that was settled", "request.answered", Approval("d1"));
        Refused(Submitted(), "not the current one", "request.answered", Approval("d0"));
        Refused(Submitted(), "not the current one", "request.answered", Approval("d1", 2));
        Refused(Submitted(), "not the current one", "request.answered", Approval("d1") with { Reading = 2 });
    }

    [Theory]
    [InlineData("rejected", "approved")]
    [InlineData("rejected", "withdrawn")]
    [InlineData("withdrawn", "approved")]
    [InlineData("withdrawn", "active")]
    [InlineData("approved", "rejected")]
    [InlineData("approved", "active")]
    public void A_closed_request_stays_as_it_is(string closed, string then) =>
        Refused(Closed(closed), "the law of states forbids", "request.settled", new() { Status = then });

    [Theory]
    [InlineData("approved")]
    [InlineData("rejected")]
    [InlineData("withdrawn")]
    public void An_event_settles_once_and_as_its_kind_says(string status)
    {
        var kind = $"request.{status}";
        Refused(Closed(status), "which it was already", kind, new() { Status = status });
        Refused(Submitted(), "otherwise than its kind", kind, new() { Status = "active" });
        Refused(Submitted(), "otherwise than its kind", kind, new());
        Refused(Submitted(), "of a kind that doesn't", "request.answered", new() { Status = status });
    }

    [Fact]
    public void An_approval_can_be_withdrawn_until_it_was_used()
    {
        Taken(Closed("approved"), "request.withdrawn", new() { Status = "withdrawn" });
        var used = Closed("approved");
        Taken(used, "request.redeemed", new());
        Refused(used, "the law of states forbids", "request.withdrawn", new() { Status = "withdrawn" });
        Refused(Submitted(), "invalid status", "request.settled", new() { Status = "granted" });
    }

    [Fact]
    public void A_change_is_applied_once_and_without_an_approval_that_is_a_breach()
    {
        var approved = Closed("approved");
        Refused(Closed("approved"), "a breach of what was approved", "request.breached", new());
        Taken(approved, "request.applied", new());
        Refused(approved, "applied before", "request.applied", new());
        Refused(approved, "applied before", "request.redeemed", new());
        Refused(approved, "applied before", "request.breached", new());
        Refused(Submitted(), "one of something approved", "request.applied", new());
        Refused(Submitted(), "one of something approved", "request.redeemed", new());
        var breached = Submitted();
        Taken(breached, "request.breached", new());
        Assert.Equal(("2026-01-02", "2026-01-02"), (breached.AppliedAt, breached.BreachedAt));
        Refused(breached, "applied before", "request.breached", new());
    }

    [Fact]
    public void What_was_approved_by_its_requester_and_applied_is_a_breach_once()
    {
        RequestReplay.Told told = new() { ApprovedByRequester = [5] };
        var replay = Closed("approved");
        Refused(replay, "a breach of what was approved", "request.breached", told);
        Taken(replay, "request.applied", new());
        Taken(replay, "request.breached", told);
        Assert.NotEqual(replay.AppliedAt, replay.BreachedAt);
        Assert.NotNull(replay.BreachedAt);
        Refused(replay, "applied before", "request.breached", told);
    }

    [Theory]
    [InlineData("request.restamped")]
    [InlineData("request.reassigned")]
    [InlineData("request.escalated")]
    [InlineData("request.stuck")]
    [InlineData("request.broke_glass")]
    public void The_policy_of_a_closed_request_stays(string kind) =>
        Refused(Closed("approved"), "comes after the request was settled", kind, new() { Stamp = "s9" });

    [Fact]
    public void What_changes_the_policy_of_an_active_request_is_kept()
    {
        var replay = Submitted();
        Taken(replay, "request.escalated", new() { Stamp = "s2" });
        Assert.True(replay.HasPolicyOfItsContent);
        Taken(replay, "request.restamped", new() { Stamp = "s3", Expires = "2026-02-01" });
        Assert.False(replay.HasPolicyOfItsContent);
        Assert.Equal(("s3", "2026-02-01"), (replay.Stamp, replay.Expires));
        Assert.Equal(["s1", "s2", "s3"], replay.Stamps.Order());
        Taken(replay, "request.broke_glass", new());
        Assert.Equal("2026-01-04", replay.BrokeGlassAt);
    }

    [Fact]
    public void A_review_is_given_by_its_reviewer_once_and_taken_back_by_them()
    {
        RequestReplay.Told toBen = new() { Person = 1, Delegate = 2 };
        var replay = Submitted();
        Refused(replay, "in the name of another", "request.delegated", toBen, Ben);
        Refused(replay, "in the name of another", "request.delegated", new() { Person = 1 }, Ann);
        Refused(replay, "in the name of another", "request.delegated", new() { Delegate = 2 }, Ann);
        Refused(replay, "was not delegated", "request.delegation_revoked", toBen, Ann);
        Taken(replay, "request.delegated", toBen, Ann);
        Assert.Equal([new Policies.Delegation(1, 2)], replay.Delegations);
        Refused(replay, "delegated already", "request.delegated", new() { Person = 1, Delegate = 3 }, Ann);
        Refused(replay, "delegated already", "request.delegated", new() { Person = 4, Delegate = 2 }, "person:4");
        Refused(replay, "was not delegated", "request.delegation_revoked", toBen with { Delegate = 3 }, Ann);
        Taken(replay, "request.delegation_revoked", toBen, Ann);
        Assert.Empty(replay.Delegations);
        Taken(replay, "request.delegated", toBen, "operator");
        Taken(replay, "request.reassigned", new() { Stamp = "s2", AssigneeUser = 3 });
        Assert.Empty(replay.Delegations);
        Refused(Closed("approved"), "that was settled", "request.delegated", toBen, Ann);
        Refused(Closed("approved"), "that was settled", "request.delegation_revoked", toBen, Ann);
    }

    [Fact]
    public void Nothing_approves_while_LaunchDarkly_is_asked()
    {
        var replay = Submitted(First with { Check = "requester,change" });
        Refused(replay, "was still asked", "request.approved", new() { Status = "approved" });
        replay = Submitted(First with { Check = "requester,change" });
        var half = Checked with { Ended = "requester", Check = "change", Change = null };
        Taken(replay, "request.checked", half, Hub);
        Refused(replay, "was still asked", "request.approved", new() { Status = "approved" });
        replay = Submitted(First with { Check = "requester,change" });
        Taken(replay, "request.rejected", new() { Status = "rejected" });
    }

    [Fact]
    public void Asking_LaunchDarkly_ends_as_it_was_open()
    {
        Refused(Asked(), "of which nothing was open", "request.checked", Checked, Ann);
        Refused(Asked(), "of which nothing was open", "request.checked", Checked with { Revision = 2 }, Hub);
        Refused(Asked(), "of which nothing was open", "request.checked", Checked with { Ended = null }, Hub);
        Refused(Asked(), "of which nothing was open", "request.checked", Checked with { Ended = "comparison" }, Hub);
        Refused(Asked(), "of which nothing was open", "request.checked", Checked with { Check = "change" }, Hub);
        Refused(Submitted(), "of which nothing was open", "request.checked", Checked, Hub);
        var closed = Asked();
        Taken(closed, "request.rejected", new() { Status = "rejected" });
        Refused(closed, "of which nothing was open", "request.checked", Checked, Hub);
        var ended = Asked();
        Taken(ended, "request.checked", Checked, Hub);
        Assert.Equal("c1", ended.ChangeDigest);
        Taken(ended, "request.approved", new() { Status = "approved" });
    }

    [Fact]
    public void What_LaunchDarkly_says_bars_more_people_and_never_fewer()
    {
        Refused(Asked(), "says otherwise who asked", "request.checked", Checked with { Barred = [6] }, Hub);
        var replay = Asked();
        Taken(replay, "request.checked", Checked with { Barred = [5, 6], Requester = 6 }, Hub);
        Assert.Equal([5, 6], replay.Barred);
        Assert.Contains("person:6", replay.Sees);
        // Who asked isn't said again where only the change was read.
        foreach (
            var told in new[]
            {
                Checked with
                {
                    Requester = 6,
                },
                Checked with
                {
                    RequesterName = "Someone",
                },
                Checked with
                {
                    Certainty = "claimed",
                },
                Checked with
                {
                    Claim = "{}",
                },
                Checked with
                {
                    Barred = [5, 6],
                },
            }
        )
        {
            var onlyChange = Submitted(First with { Check = "change" });
            Refused(onlyChange, "says otherwise who asked", "request.checked", told with { Ended = "change" }, Hub);
        }
    }

    [Fact]
    public void A_reading_counts_one_change()
    {
        Refused(Asked(), "counts another change", "request.checked", Checked with { Reading = 2 }, Hub);
        Refused(
            Submitted(First with { Check = "requester" }),
            "counts another change",
            "request.checked",
            Checked with
            {
                Ended = "requester",
            },
            Hub
        );
        var read = Asked();
        Taken(read, "request.checked", Checked, Hub);
        Taken(read, "request.answered", Approval("d1") with { Check = "comparison" });
        var compared = Checked with { Ended = "comparison" };
        Refused(read, "counts another change", "request.checked", compared with { Change = "c2" }, Hub);
        Refused(read, "counts another change", "request.checked", compared with { Reading = 2 }, Hub);
        Refused(read, "counts another change", "request.checked", compared with { Reading = 3, Change = "c2" }, Hub);
        Taken(read, "request.checked", compared with { Reading = 2, Change = "c2" }, Hub);
        Assert.Equal("c2", read.ChangeDigest);
        // Answers to the change that was read before count no longer.
        Refused(read, "not the current one", "request.answered", Approval("d1"));
        Taken(read, "request.answered", Approval("d1") with { Reading = 2 });
    }

    [Fact]
    public void A_decision_asks_for_what_is_open()
    {
        var replay = Asked();
        Refused(
            replay,
            "something else than was open",
            "request.answered",
            Approval("d1") with
            {
                Check = "comparison",
            }
        );
        Taken(Asked(), "request.answered", Approval("d1") with { Check = "requester,change" });
    }

    [Fact]
    public void A_person_says_only_of_themselves_that_they_didnt_ask()
    {
        var claim = new RequesterClaim([], ["ann"]) { People = [1, 2] };
        var first = First with { Claim = claim.ToText(), Certainty = "claimed", Requester = null, Barred = [1, 2] };
        var after = claim.DisownedBy(1);
        RequestReplay.Told disowned = new()
        {
            Person = 1,
            Claim = after.ToText(),
            Certainty = "claimed",
            Requester = 2,
            Stamp = "s2",
        };
        Refused(Submitted(first), "in whose name it wasn't opened", "request.disowned", disowned, Ben);
        Refused(
            Submitted(first),
            "in whose name it wasn't opened",
            "request.disowned",
            disowned with
            {
                Person = 3,
            },
            "person:3"
        );
        Refused(Submitted(), "in whose name it wasn't opened", "request.disowned", disowned, Ann);
        foreach (
            var wrong in new[]
            {
                disowned with
                {
                    Requester = 1,
                },
                disowned with
                {
                    Certainty = "none",
                },
                disowned with
                {
                    Claim = claim.ToText(),
                },
            }
        )
        {
            Refused(Submitted(first), "does not follow from what was claimed", "request.disowned", wrong, Ann);
        }
        var replay = Submitted(first);
        Assert.True(replay.HasRequester);
        Taken(replay, "request.disowned", disowned, Ann);
        Assert.Equal("s2", replay.Stamp);
        Assert.False(replay.IsRequesterUnknown);
        // Both stay barred.
        Assert.Equal([1, 2], replay.Barred);
        Taken(
            replay,
            "request.disowned",
            new()
            {
                Person = 2,
                Claim = after.DisownedBy(2).ToText(),
                Certainty = "none",
                Stamp = "s3",
            },
            Ben
        );
        Assert.True(replay.IsRequesterUnknown);
        Assert.False(replay.HasRequester);
    }

    // --- Events, a day each ---

    private const StringComparison Ordinal = StringComparison.Ordinal;
    private int _day;

    private static RequestReplay.Told Checked =>
        new()
        {
            Revision = 1,
            Ended = "requester,change",
            Requester = 5,
            RequesterName = "Rita",
            Certainty = "proven",
            Barred = [5],
            Reading = 1,
            Change = "c1",
            Stamp = "s1",
        };

    private static ArchiveStatement Archived(string? status) =>
        new()
        {
            Status = status,
            Settled = "2026-01-01",
            Stamp = "s1",
            Revision = 1,
            Digest = "d1",
            Asked = "a",
        };

    private static RequestReplay New() => new("01A");

    private RequestReplay Submitted(RequestReplay.Told? told = null)
    {
        _day = 0;
        var replay = New();
        Taken(replay, "request.submitted", told ?? First);
        return replay;
    }

    private RequestReplay Asked() => Submitted(First with { Check = "requester,change" });

    private RequestReplay Closed(string status)
    {
        var replay = Submitted();
        Taken(replay, $"request.{status}", new() { Status = status });
        return replay;
    }

    private static RequestReplay.Told Approval(string digest, long revision = 1) =>
        new()
        {
            Answer = "approve",
            Revision = revision,
            Digest = digest,
            Person = 1,
        };

    private void Taken(RequestReplay replay, string kind, RequestReplay.Told told, string actor = Ann) =>
        Assert.Null(replay.Take(Event(kind, actor), told));

    private void Refused(RequestReplay replay, string why, string kind, RequestReplay.Told told, string actor = Ann) =>
        Assert.Contains(why, replay.Take(Event(kind, actor), told) ?? "It was taken.", Ordinal);

    private StoredEvent Event(string kind, string actor = Ann) =>
        new()
        {
            Id = ++_day,
            Subject = "request:01A",
            N = _day,
            At = $"2026-01-{_day:00}",
            Kind = kind,
            Actor = actor,
            Via = "test",
            Address = "",
            Data = "{}",
            Hash = "",
        };
}
