using System.Globalization;
using Countersign.Pages.Parts;
using Countersign.Work;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Deliveries;

/// <summary>A page of the job queue.</summary>
public sealed record WorkModel(WorkPage Page)
{
    private const string Requests = "request:";

    /// <summary>What the list is filtered by; empty: everything.</summary>
    public string State { get; init; } = "";
    public string Kind { get; init; } = "";

    /// <summary>Further back than the first page.</summary>
    public bool IsLater { get; init; }
    public Refused? Refused { get; init; }

    /// <summary>Anything set aside or failing is for an admin to look at.</summary>
    public static bool MayChange(WorkItem job) => job.State is "failing" or "set_aside";

    /// <summary>The id of the request that it is about, or null.</summary>
    public static string? RequestOf(WorkItem job) =>
        job.Subject.StartsWith(Requests, StringComparison.Ordinal) ? job.Subject[Requests.Length..] : null;

    public static string KindIn(IStringLocalizer strings, string kind) => strings.Find("work.kind." + kind) ?? kind;

    /// <summary>Of two checks of the hub itself, which one it is; of anything else its subject.</summary>
    public static string AboutIn(IStringLocalizer strings, WorkItem job) =>
        strings.Find($"work.about.{job.Kind}.{job.About}") ?? job.About;

    public string Address(long? before = null, string? state = null, string? kind = null)
    {
        var query = QueryString.Create(
            new Dictionary<string, string?>
            {
                ["before"] = before?.ToString(CultureInfo.InvariantCulture),
                ["state"] = (state ?? State) is { Length: > 0 } chosen ? chosen : null,
                ["kind"] = (kind ?? Kind) is { Length: > 0 } of ? of : null,
            }.Where(pair => pair.Value is not null)
        );
        return WorkQueuePage.Path + query.ToUriComponent();
    }
}

/// <summary>How a job, or many of a kind, stand.</summary>
public sealed record WorkStateModel(string State);
