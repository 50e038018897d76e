using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>A policy that takes the place of another on a request that is there already.</summary>
internal static class PolicyStamp
{
    /// <summary>Its text, and everyone it names may see the request from now on.</summary>
    public static async ValueTask Keep(Tx tx, ApprovalRequest request)
    {
        await tx.Execute(
            "INSERT INTO stamps (hash, policy) VALUES (@hash, @policy) ON CONFLICT (hash) DO NOTHING",
            new { hash = request.Policy.Stamp, policy = request.Policy.ToText() }
        );
        foreach (var party in request.Policy.Approvers.Select(a => a.Party.Text).Distinct())
            await Join(tx, request.Id, party);
    }

    public static async ValueTask Join(Tx tx, RequestId id, string party) =>
        await tx.Execute(
            "INSERT INTO parties (party, request_id) VALUES (@party, @id) ON CONFLICT (party, request_id) DO NOTHING",
            new { party, id }
        );
}
