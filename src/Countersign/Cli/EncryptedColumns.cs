using Countersign.Destinations;
using Countersign.Gates;
using Countersign.LaunchDarkly;
using Countersign.Outcomes.Webhooks;
using Countersign.SignIn;

namespace Countersign.Cli;

/// <summary>Every column that the key ring encrypts, of all features.</summary>
internal static class EncryptedColumns
{
    public static IReadOnlyList<EncryptedColumn> All { get; } =
    [
        .. SecondFactors.Encrypted,
        .. WebhookSecrets.Encrypted,
        .. DestinationCache.Encrypted,
        .. GateSources.Encrypted,
        .. Connections.Encrypted,
    ];
}
