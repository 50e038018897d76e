using Countersign.Policies;
using Countersign.Requests;

namespace Countersign.Pages;

/// <summary>The words around policies, absences and breaking glass.</summary>
internal partial class Texts
{
    // The policy file
    public virtual string PoliciesTitle => "Policies";
    public virtual string PoliciesLede =>
        "Who must say yes to what. The first policy that matches a request decides; without one its assignee does, else its source's group, else one admin.";
    public virtual string PolicyFileLabel => "Policy file (YAML)";

    public virtual string PolicyFileHint(long version) =>
        version == 0
            ? "None was set yet."
            : $"Version {version} is in force. Requests keep the policy that they were stamped with.";

    public virtual string CheckFile => "Check";
    public virtual string SetFile => "Put in force";

    public virtual string FileIsGood(int policies) =>
        $"Nothing is wrong with this file: {policies} {(policies == 1 ? "policy" : "policies")}.";

    public virtual string FileIsSet(long version) => $"Version {version} is in force.";

    public virtual string FileHasMistakes => "Nothing was set. The file has mistakes:";

    public virtual string FileChanged(long version) =>
        $"Version {version} was set by somebody else meanwhile. Copy your change, load this page again and make it there.";

    public virtual string ProblemsCaption => "What is to be said about the file";
    public virtual string Line => "Line";
    public virtual string Problem => "Problem";
    public virtual string WhatToDo => "What to do";
    public virtual string Warning => "Warning";
    public virtual string Mistake => "Mistake";

    // Versions
    public virtual string VersionsTitle => "Versions";

    public virtual string VersionName(long version) => $"Version {version}";

    public virtual string WhatChangedIn(long version) => $"What version {version} changed";

    public virtual string SetBy => "Set by";
    public virtual string When => "When";

    // Explaining
    public virtual string ExplainTitle => "Who would have to say yes?";
    public virtual string ExplainLede => "Imagine a request; nothing is asked.";
    public virtual string ExplainSource => "Source";
    public virtual string ExplainRequester => "Who asks (e-mail address)";
    public virtual string ExplainFacts => "Facts";
    public virtual string ExplainFactsHint =>
        "One per line, as in environment: production. Several values are separated by commas.";
    public virtual string ExplainDo => "Explain";

    public virtual string ExplainedBy(string policy, string by) =>
        by == "file" ? $"The policy \"{policy}\" decides." : $"No policy of the file matches. Decided by: {policy}.";

    public virtual string NotPolicy(string policy, int line, string why) => $"Not \"{policy}\" (line {line}): {why}.";

    public virtual string StepNeeds(string step, int need, int people) => $"{step}: {need} of {people}";

    public virtual string CandidateIs(string state) =>
        state switch
        {
            "can" => "",
            "requester" => "asks, and may not decide",
            _ => state,
        };

    public virtual string NotThereYet(string what) => $"{what} is not there yet";

    public virtual string NeverPass(Blocked stuck) => $"It could never pass: {stuck.Why}. {stuck.Fix}.";

    // Applying
    public virtual string ApplyTitle => "Active requests";
    public virtual string ApplyLede =>
        "They keep the policy they were stamped with until you apply the file in force. Answers stay as far as their authors may fill a step of the new policy; times begin anew; nothing is settled.";
    public virtual string ApplyLook => "See what it would change";
    public virtual string ApplyDo => "Apply to active requests";
    public virtual string ApplySure => "Every active request then gets the policy that it would get today.";
    public virtual string ApplyNothing => "Every active request has the policy that it would get today.";

    public virtual string ApplyCaption(bool onlyLooked) => onlyLooked ? "What it would change" : "What it changed";

    public virtual string LeftAlone => "Left alone";

    public virtual string CountsNoLonger(IReadOnlyList<string> names) => $"Counts no longer: {WireNames.Names(names)}";

    // Absences
    /// <param name="name">Null where somebody reads about themself.</param>
    public virtual string AbsenceTitle(string? name) => name is null ? "When you are away" : "When they are away";

    public virtual string AbsenceLede(string? name) =>
        $"Whoever stands in answers what waits for {name ?? "you"}, in {(name is null ? "your" : "their")} place, until {(name is null ? "you are" : "they are")} back. A stand-in never answers for whoever asks, and has no stand-in of their own.";

    public virtual string AbsenceFrom => "First day";
    public virtual string AbsenceTo => "Last day";
    public virtual string AbsenceStandIn => "Stand-in (e-mail address)";
    public virtual string AbsenceStandInHint => "Leave it empty, and nobody answers meanwhile.";

    public virtual string AbsenceEnd(string? name, bool begun) =>
        begun
            ? $"{(name is null ? "I am" : "They are")} here again"
            : $"{(name is null ? "I do" : "They do")} not go away";

    public virtual string AbsenceNow(string? name, string back, string? standIn) =>
        $"{(name is null ? "You are" : name + " is")} away, and back on {back}. Until then {standIn ?? "nobody"} answers.";

    public virtual string AbsenceLater(string? name, string from, string back, string? standIn) =>
        $"{(name is null ? "You" : name)} will be away from {from}, and back on {back}. Meanwhile {standIn ?? "nobody"} answers.";

    public virtual string Away => "away";
    public virtual string AwaySoon => "soon away";

    // Breaking glass
    public virtual string GlassBrokenWhat => "Every admin was told, and the history says why.";
    public virtual string BreakGlassDo => "Approve past the policy";
    public virtual string BreakGlassAsk =>
        "For emergencies. It is recorded as what it is, and every admin hears of it.";
    public virtual string BreakGlassReason => "Why it cannot wait";
    public virtual string BreakGlassReasonHint => $"At least {OverridePolicy.ShortestReason} characters.";
    public virtual string BreakGlassReasonShort => "Say more: whoever reads the record later was not there.";
    public virtual string BreakGlassForbidden => "The policy of this request lets nobody past it.";
    public virtual string StuckTitle => "Nobody left could make this pass.";
}
