using Countersign.Outcomes;
using Countersign.Pages.Admin;
using Countersign.Pages.Layout;
using Countersign.SignIn;

namespace Countersign.Pages.Onboarding;

/// <summary>
/// <c>/get-started</c>: what a new hub still lacks, for admins; and the same in short, above the inbox.
/// </summary>
internal static class OnboardingPage
{
    public const string Path = "/get-started";

    public static async Task<IResult> Show(HttpContext http, SetUpChecklist checklist, CancellationToken cancel) =>
        await checklist.Progress(cancel) is { } progress
            ? new PageResult(
                new PageFrame(http.Strings()["setUp.title"]) { Section = Path },
                OnboardingSlice.Create(OnboardingModel.Of(progress))
            )
            : TypedResults.LocalRedirect(http.Request.PathBase + "/");

    public static async Task<IResult> Dismiss(
        HttpContext http,
        CurrentCaller caller,
        SetUpChecklist checklist,
        CancellationToken cancel
    ) =>
        await checklist.Dismiss(caller.Viewer.Origin, cancel)
            ? AdminParts.Done(http, "/", "setUpDismissed")
            : TypedResults.LocalRedirect(http.Request.PathBase + Path);

    /// <summary>For the inbox: null for everybody but admins, and once it was dismissed.</summary>
    public static async ValueTask<OnboardingModel?> CardFor(HttpContext http, CancellationToken cancel) =>
        http.FindCaller() is { IsAdmin: true }
        && await http.RequestServices.GetRequiredService<SetUpChecklist>().Progress(cancel) is { } progress
            ? OnboardingModel.Of(progress)
            : null;
}
