namespace Countersign.Requests;

/// <summary>What the answers given so far amount to.</summary>
public abstract record Verdict
{
    private Verdict() { }

    /// <summary>In words that people can act on, short enough for LaunchDarkly's sidebar.</summary>
    public abstract string Display { get; }

    /// <summary>The status that follows.</summary>
    public abstract Status Status { get; }

    /// <param name="OpenStep">The first step whose slots are not all filled.</param>
    /// <param name="Useful">Steps in which one more approval brings the request forward: the open one, and earlier ones
    /// whose approver could then move up.</param>
    public sealed record StillPending(int OpenStep, IReadOnlyList<int> Useful, string Missing) : Verdict
    {
        /// <summary>
        /// What stands before the reason why nobody left could make it pass, and what would change that.
        /// </summary>
        public const string StuckMark = ". Blocked: ";

        /// <summary>What is said where only LaunchDarkly's answer is missing.</summary>
        public const string Confirming = "Confirming with LaunchDarkly";

        public override string Display => Missing;
        public override Status Status => Status.Active;
    }

    /// <param name="By">Those who filled the slots; nobody where the policy answers by itself.</param>
    public sealed record Approved(IReadOnlyList<string> By, string? Because = null) : Verdict
    {
        public override string Display =>
            Because is null ? $"Approved by {WireNames.Names(By)}" : $"Approved by policy: {Because}";
        public override Status Status => Status.Approved;
    }

    public sealed record Rejected(string Why) : Verdict
    {
        public override string Display => Why;
        public override Status Status => Status.Rejected;
    }

    /// <summary>Its time was over, and the policy takes the question back rather than saying no.</summary>
    public sealed record Withdrawn(string Why) : Verdict
    {
        public override string Display => Why;
        public override Status Status => Status.Withdrawn;
    }
}

/// <summary>Somebody who could still say yes, and the steps in which.</summary>
public sealed record Voter(long PersonId, IReadOnlyList<int> Steps);
