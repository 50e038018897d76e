using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.People;

/// <summary>
/// Says whose access tokens act as an agent's source. A client and subject belong to one source at most, so a token
/// never stands for two.
/// </summary>
public sealed class SetAgentClient(Store store)
{
    /// <param name="client">Null: no access token acts as this source any more.</param>
    public async Task<AccessOutcome<long>> Run(
        string name,
        AgentClient? client,
        Origin origin,
        CancellationToken cancel
    ) => await store.InTransaction(tx => Run(tx, name, client, origin), cancel);

    /// <summary>Inside a transaction that has more to do.</summary>
    internal static async ValueTask<AccessOutcome<long>> Run(Tx tx, string name, AgentClient? client, Origin origin)
    {
        var source = await tx.First<SourceRow>(
            $"SELECT id, kind FROM sources WHERE name_key = @key AND kind <> 'built-in'{tx.ForUpdate}",
            new { key = PeopleDirectory.KeyOf(name) }
        );
        if (source is null)
            return new AccessOutcome<long>.NotFound("a source with this name");
        if (Problem(client, source.Kind) is { } problem)
            return new AccessOutcome<long>.Invalid(problem.Field, problem.Why);
        var before = await tx.First<AgentClient>(
            "SELECT client, subject FROM agent_clients WHERE source_id = @id",
            new { id = source.Id }
        );
        if (client == before)
            return new AccessOutcome<long>.Done(source.Id);
        if (client is null)
        {
            await tx.Execute("DELETE FROM agent_clients WHERE source_id = @id", new { id = source.Id });
        }
        else
        {
            if (await IsTaken(tx, client))
                return Taken<long>();
            await tx.Execute(
                """
                INSERT INTO agent_clients (source_id, client, subject) VALUES (@id, @Client, @Subject)
                ON CONFLICT (source_id) DO UPDATE SET client = excluded.client, subject = excluded.subject
                """,
                new
                {
                    id = source.Id,
                    client.Client,
                    client.Subject,
                }
            );
        }
        await tx.Append(
            $"source:{source.Id}",
            origin,
            "source.oauth_client_set",
            new { client = client?.Client, subject = client?.Subject }
        );
        await PeopleDirectory.Changed(tx);
        return new AccessOutcome<long>.Done(source.Id);
    }

    /// <summary>About which field there is something to say, and what.</summary>
    internal static (string Field, string Why)? Problem(AgentClient? client, string kind) =>
        client is not null && kind != SourceKinds.Agent
            ? ("oauthClient", "Only a source of kind agent has an OAuth client.")
            : client?.Problem;

    internal static async ValueTask<bool> IsTaken(Tx tx, AgentClient client) =>
        await tx.Number(
            "SELECT count(*) FROM agent_clients WHERE client = @Client AND subject = @Subject",
            new { client.Client, client.Subject }
        ) > 0;

    internal static AccessOutcome<T> Taken<T>() =>
        new AccessOutcome<T>.Exists("a source with this OAuth client and subject");

    private sealed class SourceRow
    {
        public long Id { get; init; }
        public required string Kind { get; init; }
    }
}
