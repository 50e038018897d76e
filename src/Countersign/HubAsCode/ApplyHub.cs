using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.HubAsCode;

/// <summary>
/// Makes the changes of a plan in one transaction, each by the use case that its own verb has, with its rules and its
/// event. All of them or none, and none where the hub isn't what the plan was made for.
/// </summary>
internal sealed class ApplyHub(Store store, ReweighRequests reweigh, PeopleDirectory directory)
{
    private const string NoAdminLeft =
        "It would leave the hub without an admin. Keep one, or make another person an " + "admin in the same file.";

    public async Task<ApplyHubOutcome> Run(HubPlan plan, Origin origin, CancellationToken cancel)
    {
        foreach (var change in plan.Changes)
            change.Prepare?.Invoke();
        try
        {
            if (await store.InTransaction(tx => Make(tx, plan, origin), cancel) is { } changed)
                return changed;
        }
        catch (RefusedChange refused)
        {
            return new ApplyHubOutcome.Refused(refused.Change, refused.Message);
        }
        var people = await directory.Refresh(cancel);
        foreach (var email in plan.Changes.Select(c => c.Disables).OfType<string>())
        {
            if (people.FindPerson(email) is { IsDisabled: true } person)
                await reweigh.Run(person.Id, origin, cancel);
        }
        return new ApplyHubOutcome.Applied();
    }

    private static async ValueTask<ApplyHubOutcome.Changed?> Make(Tx tx, HubPlan plan, Origin origin)
    {
        if (await HubState.LockRevision(tx) is var now && now != plan.Revision)
            return new ApplyHubOutcome.Changed(now);
        var hadAdmin = (await Accounts.Admins(tx)).Count > 0;
        foreach (var change in plan.Changes)
        {
            if (await change.Make(tx, origin) is { } why)
                throw new RefusedChange(change, why);
        }
        return hadAdmin && (await Accounts.Admins(tx)).Count == 0 ? throw new RefusedChange(null, NoAdminLeft) : null;
    }

    /// <summary>Undoes what was done before it in the same transaction.</summary>
    private sealed class RefusedChange(HubChange? change, string why) : Exception(why)
    {
        public HubChange? Change => change;
    }
}
