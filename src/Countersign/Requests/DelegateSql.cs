namespace Countersign.Requests;

/// <summary>
/// The rule of <see cref="Policies.Delegates"/> as conditions on a request <c>r</c> and a person <c>@person</c>, for
/// queries over many requests. It looks at what waits for the principal now, so other steps give nothing.
/// </summary>
internal static class DelegateSql
{
    private const string From = "FROM absences x JOIN people p ON p.id = x.person_id";

    private const string IsDelegate = """
        x.stand_in = @person AND x.begun = 1 AND p.disabled_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM absences own WHERE own.person_id = @person AND own.begun = 1)
        """;

    /// <summary>The inboxes of a person's groups, and those of the people for whom they may stand in.</summary>
    public const string Inboxes = $"""
        SELECT 'group:' || group_id AS party, 0 AS delegated FROM members WHERE person_id = @person
        UNION SELECT 'person:' || p.id, 1 {From} WHERE {IsDelegate}
        UNION SELECT 'group:' || m.group_id, 1 {From} JOIN members m ON m.person_id = p.id WHERE {IsDelegate}
        UNION SELECT 'admins', 1 {From} WHERE {IsDelegate} AND p.role = 'admin'
        """;

    /// <summary>The person may decide: they did not ask, or the policy lets those who ask decide.</summary>
    public const string IsNotBarred = """
        NOT ((',' || r.barred || ',') LIKE ('%,' || @person || ',%')
             AND (SELECT b.policy FROM stamps b WHERE b.hash = r.stamp) NOT LIKE '%"selfApproval":true%')
        """;

    private const string PrincipalIsNotBarred = """
        NOT ((',' || r.barred || ',') LIKE ('%,' || p.id || ',%')
             AND (SELECT b.policy FROM stamps b WHERE b.hash = r.stamp) NOT LIKE '%"selfApproval":true%')
        """;

    /// <summary>
    /// Decisions <c>d</c> on the request that count: to the content of now, by an author <c>a</c> who was not disabled
    /// since, and of each author the last. What was said for a principal ends when the principal answers.
    /// </summary>
    private const string CountingDecision = """
        SELECT 1 FROM decisions d
        JOIN people a ON a.id = d.person_id AND a.disabled_at IS NULL AND a.disablings = d.disablings
        WHERE d.request_id = r.id AND d.revision = r.revision
          AND NOT EXISTS (SELECT 1 FROM decisions l WHERE l.request_id = d.request_id AND l.revision = d.revision
                            AND l.person_id = d.person_id AND l.n > d.n)
          AND (d.for_person IS NULL
               OR NOT EXISTS (SELECT 1 FROM decisions o JOIN people q ON q.id = o.person_id
                              WHERE o.request_id = d.request_id AND o.revision = d.revision
                              AND o.person_id = d.for_person
                                AND q.disabled_at IS NULL AND q.disablings = o.disablings))
        """;

    /// <summary>The person has given an answer that counts.</summary>
    public const string HasAnswered = $"EXISTS ({CountingDecision} AND d.person_id = @person)";

    private const string OnThisRequest = $"""
        {IsDelegate} AND {IsNotBarred} AND {PrincipalIsNotBarred}
          AND NOT EXISTS ({CountingDecision}
                          AND (d.person_id = @person OR d.person_id = p.id OR d.for_person = p.id)
                          AND NOT (d.person_id = @person AND d.for_person IS NOT NULL AND d.for_person = p.id))
        """;

    /// <summary>
    /// The person stands in for another for whom the request waits. An EXISTS for each kind of party rather than an OR
    /// inside one, because PostgreSQL then walks from the person's principals and not through the whole table.
    /// </summary>
    public const string StandsIn = $"""
        (EXISTS (SELECT 1 {From} JOIN waiting w ON w.party = 'person:' || p.id AND w.request_id = r.id
                 WHERE {OnThisRequest})
         OR EXISTS (SELECT 1 {From} JOIN members m ON m.person_id = p.id
                    JOIN waiting w ON w.party = 'group:' || m.group_id AND w.request_id = r.id
                    WHERE {OnThisRequest})
         OR EXISTS (SELECT 1 {From} JOIN waiting w ON w.party = 'admins' AND w.request_id = r.id
                    WHERE p.role = 'admin' AND {OnThisRequest}))
        """;
}
