using System.Globalization;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.People;

/// <param name="Begun">Whether the person is away now.</param>
public sealed record Absence(long PersonId, DateTimeOffset From, DateTimeOffset To, long? StandIn, bool Begun);

/// <summary>
/// People who are away, and who answers for them meanwhile. A stand-in answers for one who is away and no further:
/// when the stand-in is away too, nobody does. The beginning and the end are jobs, so they come on any node.
/// </summary>
public sealed class Absences(Store store)
{
    public static readonly TimeSpan Longest = TimeSpan.FromDays(366);
    private const string Begin = "begin_absence",
        End = "end_absence";
    private static readonly Origin Clock = new(Actor.Hub, "clock", "");

    public Task<AccessOutcome<Absence>> Set(
        string email,
        DateTimeOffset from,
        DateTimeOffset to,
        string? standIn,
        Origin origin,
        CancellationToken cancel
    ) =>
        store.InTransaction<AccessOutcome<Absence>>(
            async tx =>
            {
                var id = await IdOf(tx, email);
                if (id == 0)
                    return Accounts.NoPerson<Absence>();
                if (to <= from || to <= tx.Now)
                {
                    return new AccessOutcome<Absence>.Invalid(
                        "to",
                        "An absence must end after it starts, and not in the past."
                    );
                }
                if (to - from > Longest || to - tx.Now > 2 * Longest)
                {
                    return new AccessOutcome<Absence>.Invalid(
                        "to",
                        $"An absence can last at most {Longest.TotalDays:0} days and must end within two years."
                    );
                }
                long? other = null;
                if (!string.IsNullOrWhiteSpace(standIn))
                {
                    other = await tx.Number(
                        "SELECT id FROM people WHERE email_key = @key AND role <> 'service' AND disabled_at IS NULL",
                        new { key = EmailAddress.KeyOf(standIn) }
                    );
                    if (other == 0)
                    {
                        return new AccessOutcome<Absence>.Invalid(
                            "standIn",
                            "There is no person with this email, or they are disabled."
                        );
                    }
                    if (other == id)
                        return new AccessOutcome<Absence>.Invalid("standIn", "A person can't be their own delegate.");
                    if (
                        await tx.Number(
                            """
                            SELECT count(*) FROM absences
                            WHERE person_id = @other AND starts_at < @to AND ends_at > @from
                            """,
                            new
                            {
                                other,
                                from,
                                to,
                            }
                        ) > 0
                    )
                    {
                        return new AccessOutcome<Absence>.Invalid(
                            "standIn",
                            "The delegate is out of office in that time too. Choose another one."
                        );
                    }
                }
                var begun = from <= tx.Now;
                await tx.Execute(
                    """
                    INSERT INTO absences (person_id, stand_in, starts_at, ends_at, begun)
                    VALUES (@id, @other, @from, @to, @begun)
                    ON CONFLICT (person_id) DO UPDATE
                    SET stand_in = @other, starts_at = @from, ends_at = @to, begun = @begun
                    """,
                    new
                    {
                        id,
                        other,
                        from,
                        to,
                        begun = begun ? 1 : 0,
                    }
                );
                await ClearDue(tx, id);
                if (!begun)
                    await SetDue(tx, id, Begin, from);
                await SetDue(tx, id, End, to);
                await tx.Append(
                    $"person:{id}",
                    origin,
                    "person.absence_set",
                    new
                    {
                        from = Instant.ToText(from),
                        to = Instant.ToText(to),
                        standIn = other,
                        begun,
                    }
                );
                await PeopleDirectory.Changed(tx);
                return new AccessOutcome<Absence>.Done(new Absence(id, from, to, other, begun));
            },
            cancel
        );

    /// <summary>The person is back, or does not leave.</summary>
    public Task<AccessOutcome<long>> Cancel(string email, Origin origin, CancellationToken cancel) =>
        store.InTransaction<AccessOutcome<long>>(
            async tx =>
            {
                var id = await IdOf(tx, email);
                if (id == 0)
                    return Accounts.NoPerson<long>();
                await Over(tx, id, origin);
                return new AccessOutcome<long>.Done(id);
            },
            cancel
        );

    public ValueTask<Absence?> Find(long personId, CancellationToken cancel) =>
        store.Read(
            async reader =>
                (
                    await reader.First<Row>(
                        """
                        SELECT person_id, stand_in, starts_at, ends_at, begun FROM absences
                        WHERE person_id = @personId
                        """,
                        new { personId }
                    )
                )?.ToAbsence(),
            cancel
        );

    public ValueTask<List<Absence>> List(CancellationToken cancel) =>
        store.Read(
            async reader =>
                (
                    await reader.All<Row>(
                        """
                        SELECT person_id, stand_in, starts_at, ends_at, begun FROM absences
                        ORDER BY starts_at, person_id
                        """
                    )
                ).ConvertAll(r => r.ToAbsence()),
            cancel
        );

    /// <summary>What does the beginnings and the ends.</summary>
    internal static IReadOnlyList<IJobHandler> Handlers() =>
        [
            new Handler(
                Begin,
                async (tx, person) =>
                {
                    if (
                        await tx.Execute(
                            "UPDATE absences SET begun = 1 WHERE person_id = @person AND begun = 0",
                            new { person }
                        ) == 0
                    )
                    {
                        return;
                    }
                    await tx.Append($"person:{person}", Clock, "person.absence_began", new { });
                    await PeopleDirectory.Changed(tx);
                }
            ),
            new Handler(End, (tx, person) => Over(tx, person, Clock)),
        ];

    /// <summary>Inside a transaction that has more to do.</summary>
    internal static async ValueTask Over(Tx tx, long id, Origin origin)
    {
        if (await tx.Execute("DELETE FROM absences WHERE person_id = @id", new { id }) == 0)
            return;
        await ClearDue(tx, id);
        await tx.Append($"person:{id}", origin, "person.absence_ended", new { });
        await PeopleDirectory.Changed(tx);
    }

    private static async ValueTask<long> IdOf(Tx tx, string email) =>
        await tx.Number(
            "SELECT id FROM people WHERE email_key = @key AND role <> 'service'",
            new { key = EmailAddress.KeyOf(email) }
        );

    private static async ValueTask ClearDue(Tx tx, long id)
    {
        await Jobs.Cancel(tx, Begin, KeyOf(id));
        await Jobs.Cancel(tx, End, KeyOf(id));
    }

    private static async ValueTask SetDue(Tx tx, long id, string kind, DateTimeOffset at) =>
        await Jobs.Put(tx, new JobToAdd(kind, KeyOf(id), $"person:{id}", at));

    private static string KeyOf(long id) => id.ToString(CultureInfo.InvariantCulture);

    private sealed class Handler(string kind, Func<Tx, long, ValueTask> act) : IJobHandler
    {
        public string Kind => kind;
        public string WhyNotDiscard => "It belongs to an absence. End the absence, or retry.";

        public Task<JobResult> Run(Job job, CancellationToken cancel)
        {
            var person = long.Parse(job.Key, CultureInfo.InvariantCulture);
            return Task.FromResult<JobResult>(
                new JobResult.Done(tx => act(tx, person))
                {
                    // Others change the absence and then move its jobs.
                    Lock = async tx =>
                        await tx.Text(
                            $"SELECT starts_at FROM absences WHERE person_id = @person{tx.ForUpdate}",
                            new { person }
                        ),
                }
            );
        }
    }

    private sealed class Row
    {
        public long PersonId { get; init; }
        public long? StandIn { get; init; }
        public required string StartsAt { get; init; }
        public required string EndsAt { get; init; }
        public long Begun { get; init; }

        public Absence ToAbsence() =>
            new(PersonId, Instant.Parse(StartsAt), Instant.Parse(EndsAt), StandIn, Begun == 1);
    }
}
