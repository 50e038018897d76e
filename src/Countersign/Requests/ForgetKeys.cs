using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>Idempotency keys are kept for <see cref="Submit.KeyLife"/>; what is older is of no use to anybody.</summary>
public sealed class ForgetKeys(Store store)
{
    /// <summary>Rows per transaction, so that other writers get their turn.</summary>
    private const int Chunk = 500;

    /// <summary>How many were forgotten.</summary>
    public async Task<int> Run(CancellationToken cancel)
    {
        var forgotten = 0;
        while (true)
        {
            var some = await store.InTransaction(async tx => await tx.Execute(
                $"DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE at <= @oldest ORDER BY at LIMIT {Chunk})",
                new { oldest = tx.Now - Submit.KeyLife }), cancel);
            forgotten += some;
            if (some < Chunk)
                return forgotten;
        }
    }
}
