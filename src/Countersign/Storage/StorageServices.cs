using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Countersign.Storage;

internal static class StorageServices
{
    /// <summary>The store, which was opened before, and the clock.</summary>
    public static IServiceCollection AddStorage(this IServiceCollection services, Store store) =>
        services.AddClock().AddSingleton(store);

    public static IServiceCollection AddClock(this IServiceCollection services)
    {
#pragma warning disable RS0030 // The one place where the real clock comes in; tests put theirs before.
        services.TryAddSingleton(TimeProvider.System);
#pragma warning restore RS0030
        return services;
    }
}
