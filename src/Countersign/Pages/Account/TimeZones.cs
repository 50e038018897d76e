namespace Countersign.Pages.Account;

/// <summary>The time zones to choose from, by the names that browsers know too.</summary>
internal static class TimeZones
{
    private static readonly string[] Regions =
    [
        "Africa/",
        "America/",
        "Antarctica/",
        "Arctic/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    ];

    public static IReadOnlyList<string> All { get; } =
    [
        "UTC",
        .. TimeZoneInfo
            .GetSystemTimeZones()
            .Select(zone =>
                zone.HasIanaId ? zone.Id
                : TimeZoneInfo.TryConvertWindowsIdToIanaId(zone.Id, out var iana) ? iana
                : ""
            )
            .Where(id => Regions.Any(region => id.StartsWith(region, StringComparison.Ordinal)))
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];
}
