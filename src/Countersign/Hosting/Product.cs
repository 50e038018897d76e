using System.Reflection;

namespace Countersign.Hosting;

/// <summary>What this build is.</summary>
public static class Product
{
    public static string Version { get; } =
        typeof(Product)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];
}
