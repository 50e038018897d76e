using System.Threading.RateLimiting;
using Countersign.People;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Countersign.SignIn;

/// <summary>
/// Hashes and verifies passwords, which is slow on purpose, a few at a time. One address has one turn at a time and so
/// has one account; those who wait for the processor stand in one line in which each address has one place. Whoever
/// finds a line full is sent away at once.
/// </summary>
public sealed class PasswordHashing : IDisposable
{
    /// <summary>PBKDF2 with HMAC-SHA-512, as OWASP's password storage cheat sheet asks.</summary>
    public const int Iterations = 210_000;

    internal const int MaxWaitingPerAddress = 10;
    internal const int MaxWaiting = 100;

    /// <summary>Set by tests, which hash by the hundred and keep nothing secret; nothing else may.</summary>
    internal static int IterationsUsed { get; set; } = Iterations;

    private static PasswordHasher<Person> Hasher =>
        new(Options.Create(new PasswordHasherOptions { IterationCount = IterationsUsed }));

    private readonly PartitionedRateLimiter<string> _addresses = OnePerPartition();
    private readonly PartitionedRateLimiter<string> _accounts = OnePerPartition();
    private readonly ConcurrencyLimiter _processor;

    public PasswordHashing()
        : this(Math.Max(1, Environment.ProcessorCount / 2)) { }

    internal PasswordHashing(int atOnce) =>
        _processor = new ConcurrencyLimiter(
            new ConcurrencyLimiterOptions
            {
                PermitLimit = atOnce,
                QueueLimit = MaxWaiting,
                QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
            }
        );

    /// <summary>For callers who are trusted already: an admin, an operator.</summary>
    internal static string Hash(string password) => Hasher.HashPassword(null!, password);

    /// <summary>
    /// Whether it is the right one, and a new hash where the stored one was made with fewer iterations.
    /// </summary>
    internal static (bool IsRight, string? Renewed) Verify(string stored, string password) =>
        Hasher.VerifyHashedPassword(null!, stored, password) switch
        {
            PasswordVerificationResult.Success => (true, null),
            PasswordVerificationResult.SuccessRehashNeeded => (true, Hash(password)),
            _ => (false, null),
        };

    /// <summary>Waits for a turn; null when too many wait already. Dispose what comes back when done.</summary>
    internal async ValueTask<IDisposable?> Enter(string account, string address, CancellationToken cancel)
    {
        var turn = new Turn();
        try
        {
            if (
                await turn.Take(_addresses.AcquireAsync(NetworkAddress.Of(address), 1, cancel))
                && await turn.Take(_accounts.AcquireAsync(account, 1, cancel))
                && await turn.Take(_processor.AcquireAsync(1, cancel))
            )
            {
                return turn;
            }
        }
        catch
        {
            turn.Dispose();
            throw;
        }
        turn.Dispose();
        return null;
    }

    public void Dispose()
    {
        _addresses.Dispose();
        _accounts.Dispose();
        _processor.Dispose();
    }

    private static PartitionedRateLimiter<string> OnePerPartition() =>
        PartitionedRateLimiter.Create<string, string>(key =>
            RateLimitPartition.GetConcurrencyLimiter(
                key,
                _ => new ConcurrencyLimiterOptions
                {
                    PermitLimit = 1,
                    QueueLimit = MaxWaitingPerAddress,
                    QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
                }
            )
        );

    /// <summary>The leases in the order in which they were taken; the processor's goes back first.</summary>
    private sealed class Turn : IDisposable
    {
        private readonly Stack<RateLimitLease> _leases = new(3);

        public async ValueTask<bool> Take(ValueTask<RateLimitLease> asked)
        {
            var lease = await asked;
            _leases.Push(lease);
            return lease.IsAcquired;
        }

        public void Dispose()
        {
            while (_leases.TryPop(out var lease))
                lease.Dispose();
        }
    }
}
