using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Policies;

/// <summary>Active requests whose policy isn't the one that they would get today.</summary>
public sealed record PolicyApplyModel(IReadOnlyList<Restamped> Changes)
{
    public int Applicable => Changes.Count(c => c.Left is null);
}

/// <summary>
/// <c>/policies/apply</c>: what the active policies would change for active requests, and the button that does it. For
/// admins.
/// </summary>
internal static class PolicyApplyPage
{
    public const string Path = PolicyPage.Path + "/apply";

    public static async Task<IResult> Show(
        HttpContext http,
        CurrentCaller caller,
        ApplyPolicies apply,
        CancellationToken cancel
    )
    {
        var strings = http.Strings();
        var changes = await apply.Run(onlyLook: true, caller.Viewer.Origin, cancel);
        return new PageResult(
            new PageFrame(strings["policies.apply"])
            {
                Section = PolicyPage.Path,
                Breadcrumbs = [(PolicyPage.Path, strings["nav.policies"])],
            },
            PolicyApplySlice.Create(new PolicyApplyModel(changes))
        );
    }

    public static async Task<IResult> Run(
        HttpContext http,
        CurrentCaller caller,
        ApplyPolicies apply,
        CancellationToken cancel
    )
    {
        await apply.Run(onlyLook: false, caller.Viewer.Origin, cancel);
        return PolicyParts.Redirect(http, $"{Path}?done=policyApplied");
    }
}
