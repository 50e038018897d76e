using Countersign.Storage;

namespace Countersign.Destinations.Links;

/// <summary>
/// An access token as it is kept: encrypted, with until when it is good and from when a new one is wanted.
/// </summary>
internal sealed record StoredAccessToken(string Token, DateTimeOffset Until, DateTimeOffset RenewAt);

/// <summary>Keeps a destination's access token where all nodes find it.</summary>
internal sealed class StoreAccessToken(Store store)
{
    public Task Run(long destination, string sealedToken, TimeSpan life, double renewAt, CancellationToken cancel) =>
        store.InTransaction(
            async tx =>
            {
                await tx.Execute(
                    """
                    UPDATE destinations SET token = @sealedToken, token_until = @until, token_renew_at = @renewAt
                    WHERE id = @destination
                    """,
                    new
                    {
                        destination,
                        sealedToken,
                        until = tx.Now + life,
                        renewAt = tx.Now + life * renewAt,
                    }
                );
            },
            cancel
        );

    public ValueTask<StoredAccessToken?> Find(long destination, CancellationToken cancel) =>
        store.Read(
            async reader =>
            {
                var row = await reader.First<TokenRow>(
                    """
                    SELECT token, token_until, token_renew_at FROM destinations
                    WHERE id = @destination AND token IS NOT NULL
                    """,
                    new { destination }
                );
                return row is null
                    ? null
                    : new StoredAccessToken(row.Token, Instant.Parse(row.TokenUntil), Instant.Parse(row.TokenRenewAt));
            },
            cancel
        );

    private sealed class TokenRow
    {
        public required string Token { get; init; }
        public required string TokenUntil { get; init; }
        public required string TokenRenewAt { get; init; }
    }
}
