using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Countersign.Work;

/// <summary>What is done later or elsewhere.</summary>
internal static class WorkServices
{
    public static IServiceCollection AddWork(this IServiceCollection services) =>
        services
            .AddSingleton<JobWorker>()
            .AddSingleton<WorkList>()
            .AddSingleton<IJobHandler, CleanUp>()
            .AddSingleton(s => new CleaningStep(
                "jobs that were set aside",
                cancel =>
                    s.GetRequiredService<WorkList>().ForgetSetAside(s.GetRequiredService<RetentionOptions>(), cancel)
            ));

    /// <summary>One that follows the log, and what is tried again of it.</summary>
    public static IServiceCollection AddLogConsumer<T>(this IServiceCollection services)
        where T : class, ILogConsumer =>
        services
            .AddSingleton<T>()
            .AddSingleton<ILogConsumer>(s => s.GetRequiredService<T>())
            .AddSingleton<IJobHandler>(s => new RetryEvent(s.GetRequiredService<T>()));

    /// <summary>Gives events their position, and what follows the log its events.</summary>
    public static IServiceCollection AddLogFollowers(this IServiceCollection services) =>
        services.AddBackgroundService<Sequencer>().AddBackgroundService<LogFollower>();

    /// <summary>Runs beside the calls, for as long as the server does.</summary>
    public static IServiceCollection AddBackgroundService<T>(this IServiceCollection services)
        where T : class, IHostedService
    {
        services.TryAddSingleton<T>();
        return services.AddHostedService(s => s.GetRequiredService<T>());
    }
}
