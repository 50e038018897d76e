using System.Reflection;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace Countersign.Tests;

public enum Engine
{
    Sqlite,
    Postgres,
}

/// <summary>Runs a theory once per engine. Without a PostgreSQL server that half is skipped and says why.</summary>
[AttributeUsage(AttributeTargets.Method)]
public class BothEnginesAttribute : DataAttribute
{
    protected virtual IReadOnlyList<Engine> Engines => [Engine.Sqlite, Engine.Postgres];

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(
        MethodInfo testMethod,
        DisposalTracker disposalTracker
    ) =>
        ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>([
            .. Engines.Select(engine => new TheoryDataRow<Engine>(engine)
            {
                Skip = engine == Engine.Postgres ? PostgresServer.Missing : null,
            }),
        ]);

    public override bool SupportsDiscoveryEnumeration() => true;
}

/// <summary>For what only PostgreSQL has: connections that break, nodes that meet at a row lock.</summary>
public sealed class PostgresOnlyAttribute : BothEnginesAttribute
{
    protected override IReadOnlyList<Engine> Engines => [Engine.Postgres];
}
