using Countersign.Policies;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>
/// Who may see a request, and for whose review it waits: the one rule, for lists, single views, streams and use cases
/// of every door. What isn't theirs to see looks like what isn't there.
/// <code>
///   sees it       an admin; its source; its requester; everyone with a row in parties: reviewers, those who sent it
///                 or in whose name it was opened, delegates who answered; the assignee of its ticket; and a delegate,
///                 while their principal may answer
///   waits for     everyone whose approval would bring it forward, and who has not answered, for themselves or as a
///                 delegate, and has not delegated their seat
/// </code>
/// These are conditions on a request <c>r</c> for a viewer <c>@admin, @source, @person</c>, so that a page of a list
/// costs no more than its rows. <see cref="ReviewerSeat"/> decides the same about one request whose decisions are at
/// hand; <c>VisibilityTests</c> holds both beside each other, and beside what <see cref="Decide"/> then does.
/// </summary>
internal static class Visibility
{
    private const string LetsRequesterDecide =
        "(SELECT b.policy FROM stamps b WHERE b.hash = r.stamp) LIKE '%\"selfApproval\":true%'";

    /// <summary>In <see cref="Reach"/> for those who have requests only as a delegate for these.</summary>
    public const string Delegated = "delegations";

    private const string Absent = """
        FROM absences x JOIN people p ON p.id = x.person_id AND x.begun = 1 AND x.stand_in = @person
        """;

    /// <summary>A delegate chosen for the request comes before the delegate for an absence.</summary>
    private const string Principals = """
        FROM (SELECT b.person_id FROM absences b WHERE b.stand_in = @person AND b.begun = 1
                AND NOT EXISTS (SELECT 1 FROM delegations e WHERE e.request_id = r.id AND e.person_id = b.person_id)
              UNION ALL SELECT g.person_id FROM delegations g WHERE g.delegate_id = @person AND g.request_id = r.id) x
        JOIN people p ON p.id = x.person_id
        """;

    /// <summary>Rules 1 and 2 of <see cref="Delegates"/>, without who asks.</summary>
    private const string IsDelegate = """
        p.disabled_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM absences own WHERE own.person_id = @person AND own.begun = 1)
        """;

    /// <summary>
    /// Decisions <c>d</c> that count: to the content of now, by an author <c>a</c> who was not disabled since, none of
    /// them for or by someone who may not decide, and of each author the last. What was said for a principal ends when
    /// the principal answers. <see cref="Weigh.LatestThatCount"/> says the same.
    /// </summary>
    private static readonly string CountingDecision = $"""
        SELECT 1 FROM decisions d
        JOIN people a ON a.id = d.person_id AND a.disabled_at IS NULL AND a.disablings = d.disablings
        WHERE d.request_id = r.id AND d.revision = r.revision AND d.reading = r.reading
          AND NOT {Bars("d.person_id")} AND {IsForSomeone("d")}
          AND NOT EXISTS (SELECT 1 FROM decisions l WHERE l.request_id = d.request_id AND l.revision = d.revision
                            AND l.reading = d.reading AND l.person_id = d.person_id AND l.n > d.n AND {IsForSomeone(
            "l"
        )})
          AND (d.for_person IS NULL
               OR NOT EXISTS (SELECT 1 FROM decisions o JOIN people q ON q.id = o.person_id
                              WHERE o.request_id = d.request_id AND o.revision = d.revision
                                AND o.reading = d.reading AND o.person_id = d.for_person AND q.disabled_at IS NULL
                                AND q.disablings = o.disablings AND {IsForSomeone("o")}))
        """;

    /// <summary>The rule of <see cref="Delegates"/>, but for the steps.</summary>
    private static readonly string MayStandIn = $"""
        {IsDelegate} AND NOT {Bars("@person")} AND NOT {Bars("p.id")}
          AND NOT EXISTS ({CountingDecision}
                          AND (d.person_id = @person OR d.person_id = p.id OR d.for_person = p.id)
                          AND NOT (d.person_id = @person AND d.for_person IS NOT NULL AND d.for_person = p.id))
        """;

    /// <summary>Another person holds the viewer's seat, because they gave it to them.</summary>
    private static readonly string HasDelegated = $"""
        EXISTS (SELECT 1 FROM delegations g JOIN people b ON b.id = g.delegate_id
                WHERE g.request_id = r.id AND g.person_id = @person AND b.disabled_at IS NULL
                  AND NOT EXISTS (SELECT 1 FROM absences own WHERE own.person_id = b.id AND own.begun = 1)
                  AND NOT {Bars("b.id")}
                  AND NOT EXISTS ({CountingDecision} AND (d.person_id = b.id OR d.for_person = @person)
                                  AND NOT (d.person_id = b.id AND d.for_person IS NOT NULL
                                           AND d.for_person = @person)))
        """;

    /// <summary>The viewer is the delegate of someone for whom the request waits.</summary>
    private static readonly string IsNeededAsDelegate =
        $"EXISTS (SELECT 1 {Principals} WHERE {MayStandIn} AND ({IsAmong("waiting")}))";

    /// <summary>
    /// The viewer is the delegate of someone who may answer now: whose step is open, or was filled by others.
    /// </summary>
    private static readonly string MayAnswerAsDelegate =
        $"EXISTS (SELECT 1 {Principals} WHERE {MayStandIn} AND ({IsAmong("waiting")} OR {IsAmong("answerable")}))";

    /// <summary>
    /// An EXISTS for each reason rather than an OR inside one, because PostgreSQL then walks from the person's groups
    /// and not through the whole table.
    /// </summary>
    public static readonly string MaySee = $"""
        (@admin = 1 OR r.source_id = @source OR r.requester_id = @person
         OR EXISTS (SELECT 1 FROM parties v WHERE v.party = 'person:' || @person AND v.request_id = r.id)
         OR EXISTS (SELECT 1 FROM parties v WHERE v.party = 'ticket-assignee:' || @person AND v.request_id = r.id)
         OR EXISTS (SELECT 1 FROM members m JOIN parties v ON v.party = 'group:' || m.group_id AND v.request_id = r.id
         WHERE m.person_id = @person)
         OR {MayAnswerAsDelegate})
        """;

    /// <summary>
    /// Of requests found by <see cref="Reach"/> in the table of parties, those in which the viewer takes part; also for
    /// an admin, who sees others too.
    /// </summary>
    /// <param name="own">The names of the arguments that hold <see cref="Reach.Own"/>.</param>
    public static string TakesPart(string own) =>
        $"""
            (r.requester_id = @person
             OR EXISTS (SELECT 1 FROM parties v WHERE v.party IN ({own}) AND v.request_id = r.id)
             OR {MayAnswerAsDelegate})
            """;

    /// <summary>
    /// Of requests found by <see cref="Reach"/> in the table of those that wait, the ones that wait for the viewer: a
    /// group still waits for its other members when one has answered, or may not decide.
    /// </summary>
    /// <param name="own">As above; null where all are the viewer's own.</param>
    public static string WaitsFor(string? own)
    {
        var mine = $"""
            NOT {Bars("@person")} AND NOT EXISTS ({CountingDecision} AND d.person_id = @person)
            """;
        return own is null
            ? $"{mine} AND NOT {HasDelegated}"
            : $"""
                {mine}
                AND ((EXISTS (SELECT 1 FROM waiting v WHERE v.party IN ({own}) AND v.request_id = r.id)
                      AND NOT {HasDelegated})
                     OR {IsNeededAsDelegate})
                """;
    }

    /// <summary>The arguments of these conditions.</summary>
    public static Dictionary<string, object?> ArgumentsOf(Viewer viewer) =>
        new()
        {
            ["admin"] = viewer.AdminFlag,
            ["source"] = viewer.SourceOrNone,
            ["person"] = viewer.PersonOrNone,
        };

    /// <summary>Whether a person may see the request without being an admin; disabled people see nothing.</summary>
    public static async ValueTask<bool> IsVisible(Reader reader, RequestId id, long person) =>
        await reader.Text(
            $"""
            SELECT r.id FROM requests r WHERE r.id = @id AND {MaySee}
              AND EXISTS (SELECT 1 FROM people p WHERE p.id = @person AND p.disabled_at IS NULL)
            """,
            new
            {
                id,
                admin = 0,
                source = 0,
                person,
            }
        )
            is not null;

    /// <summary>Events of requests are for those who may see the request, and all others for admins.</summary>
    public static async ValueTask<bool> IsVisible(
        Store store,
        StoredEvent e,
        Viewer viewer,
        CancellationToken cancel
    ) =>
        viewer.IsAdmin
        || (e.Request is { } id && await RequestDetails.FindRequest(store, id, viewer, cancel) is not null);

    /// <summary>Whether the viewer has the request as the assignee of its ticket, and so may withdraw it.</summary>
    public static async ValueTask<bool> IsTicketAssignee(Reader reader, ApprovalRequest request, Viewer viewer) =>
        request.TicketId is not null
        && viewer.PersonId is { } person
        && await reader.Text(
            "SELECT request_id FROM parties WHERE party = @party AND request_id = @id",
            new { party = Party.TicketAssignee(person), id = request.Id }
        )
            is not null;

    /// <summary>
    /// The parties through which a list reaches a viewer's requests. Of those they have only as a delegate, the
    /// conditions above look at each.
    /// </summary>
    public sealed record Reach(IReadOnlyList<string> Own, IReadOnlyList<string> AsDelegate)
    {
        public static async ValueTask<Reach> Of(Reader reader, Viewer viewer)
        {
            if (viewer.PersonId is not { } person)
                return new Reach([viewer.Party.Text], []);
            var rows = await reader.All<PartyRow>(
                $"""
                SELECT 'group:' || group_id AS party, 0 AS delegated FROM members WHERE person_id = @person
                UNION SELECT 'person:' || p.id, 1 {Absent} WHERE {IsDelegate}
                UNION SELECT 'group:' || m.group_id, 1 {Absent} JOIN members m ON m.person_id = p.id
                WHERE {IsDelegate}
                UNION SELECT 'admins', 1 {Absent} WHERE {IsDelegate} AND p.role = 'admin'
                UNION SELECT '{Delegated}', 1 WHERE EXISTS (SELECT 1 FROM delegations WHERE delegate_id = @person)
                """,
                new { person }
            );
            string[] own =
            [
                viewer.Party.Text,
                .. rows.Where(r => r.Delegated == 0).Select(r => r.Party),
                .. viewer.IsAdmin ? [Party.Admins.Text] : Array.Empty<string>(),
            ];
            return new Reach(own, [.. rows.Select(r => r.Party).Except(own)]);
        }
    }

    /// <summary>Whether a person may not decide because they ask: never where the policy lets requesters.</summary>
    private static string Bars(string person) =>
        $"((',' || r.barred || ',') LIKE ('%,' || {person} || ',%') AND NOT {LetsRequesterDecide})";

    /// <summary>A decision for its author, or for a principal who may decide.</summary>
    private static string IsForSomeone(string decision) =>
        $"({decision}.for_person IS NULL OR NOT {Bars($"{decision}.for_person")})";

    /// <summary>This table has the request for the principal, one of their groups, or the admins they are of.</summary>
    private static string IsAmong(string table) =>
        $"""
            EXISTS (SELECT 1 FROM {table} w WHERE w.party = 'person:' || p.id AND w.request_id = r.id)
             OR EXISTS (SELECT 1 FROM members m JOIN {table} w ON w.party = 'group:' || m.group_id
                        AND w.request_id = r.id WHERE m.person_id = p.id)
             OR (p.role = 'admin'
                 AND EXISTS (SELECT 1 FROM {table} w WHERE w.party = 'admins' AND w.request_id = r.id))
            """;

    private sealed class PartyRow
    {
        public required string Party { get; init; }

        /// <summary>Of a person for whom the viewer may stand in, where the rule for delegates says so.</summary>
        public long Delegated { get; init; }
    }
}
