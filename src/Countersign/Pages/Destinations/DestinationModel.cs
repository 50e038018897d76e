using Countersign.Destinations;
using Countersign.Pages.Parts;

namespace Countersign.Pages.Destinations;

/// <summary>All destinations.</summary>
public sealed record DestinationsModel(IReadOnlyList<DestinationView> Destinations);

/// <summary>How a destination is doing.</summary>
public sealed record DestinationHealthModel(DestinationView Destination);

/// <summary>Where the system is chosen: one that is known, or a manifest of one's own.</summary>
public sealed record ChooseSystemModel(IReadOnlyList<(string Key, string Name)> Known, string Manifest)
{
    public Refused? Refused { get; init; }
}

/// <summary>The form that adds a destination once its manifest is known.</summary>
/// <param name="Known">A system that comes with Countersign; empty: <paramref name="Manifest"/> is the text.</param>
public sealed record NewDestinationModel(string System, string Known, string Manifest, string Name, ValuesModel Values)
{
    public Refused? Refused { get; init; }
}

/// <summary>One destination.</summary>
public sealed record DestinationModel(DestinationView Destination, IReadOnlyList<LinkView> Links, ValuesModel Values)
{
    /// <summary>What a test has shown, this one time.</summary>
    public DestinationTest? Test { get; init; }
    public Refused? Refused { get; init; }

    public string Path => DestinationPage.AddressOf(Destination.Name);
    public string CallsPath => Path + DestinationPage.Calls;
}

/// <summary>Every call that a destination would make, without secrets.</summary>
public sealed record PreviewModel(DestinationTest Preview);

/// <summary>A call and what came back.</summary>
public sealed record ExchangeModel(RedactedExchange Exchange);

/// <summary>The row of a ticket.</summary>
public sealed record LinkRowModel(LinkView Link, string Path)
{
    /// <summary>Whether it's unknown if the ticket was opened, so that an admin must look there.</summary>
    public bool IsUncertain => Link.State is "held" or "unsure";
    public bool IsClosed => Link.State == "closed";
}
