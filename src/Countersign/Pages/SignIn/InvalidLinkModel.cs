using Countersign.Pages.Layout;

namespace Countersign.Pages.SignIn;

/// <summary>A link that was used, has expired or never was one of ours; which of them, the page doesn't tell.</summary>
public sealed record InvalidLinkModel(string Text)
{
    /// <summary>For who operates the hub: how to get on without the link, and the command for it.</summary>
    public (string Text, string Command)? Otherwise { get; init; }

    public static PageResult Page(HttpContext http, InvalidLinkModel? model = null) =>
        new(
            new PageFrame(http.Strings()["link.invalid.title"]) { IsNarrow = true },
            InvalidLinkSlice.Create(model ?? new InvalidLinkModel(http.Strings()["link.invalid"]))
        )
        {
            Status = StatusCodes.Status404NotFound,
        };

    public static PageResult TooMany(HttpContext http) =>
        ErrorModel.Page(http, StatusCodes.Status429TooManyRequests, http.Strings()["link.tooMany"]);
}
