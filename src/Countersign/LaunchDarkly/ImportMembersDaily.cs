using Countersign.People;
using Countersign.Storage;
using Countersign.Work;

namespace Countersign.LaunchDarkly;

/// <summary>Repeats the import of members every day, for the connections that say so.</summary>
internal sealed partial class ImportMembersDaily(
    Store store,
    Connections connections,
    ImportMembers import,
    ILogger<ImportMembersDaily> log
) : IJobHandler
{
    private static readonly Origin Ourselves = new(Actor.Hub, "hub", "");

    public string Kind => "import_members";
    public TimeSpan? Interval => TimeSpan.FromDays(1);
    public TimeSpan MaxRun => TimeSpan.FromMinutes(15);
    public IEnumerable<string> RecurringKeys => ["all"];

    public async Task<JobResult> Run(Job job, CancellationToken cancel)
    {
        foreach (var connection in await connections.All(cancel))
        {
            if (!connection.ImportMembers || !connection.HasToken)
                continue;
            if (await store.Read(reader => Sources.IsDisabled(reader, connection.SourceId), cancel))
                continue;
            // No admin is here to confirm it: where an import would block a request, nothing is imported.
            switch (await import.Run(connection.Source, Ourselves, cancel))
            {
                case ImportMembersOutcome.Unavailable(var why):
                    Log.NotImported(log, connection.SourceId, why);
                    break;
                case ImportMembersOutcome.WouldBlock(var requests):
                    Log.NotImported(log, connection.SourceId, requests.Text);
                    break;
            }
        }
        return new JobResult.Again(store.Now + Interval!.Value);
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "The members of LaunchDarkly weren't imported for source {Source}: {Reason}"
        )]
        public static partial void NotImported(ILogger log, long source, string reason);
    }
}
