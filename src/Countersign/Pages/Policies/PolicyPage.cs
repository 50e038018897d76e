using System.Text.Json;
using Countersign.Pages.Layout;
using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.SignIn;

namespace Countersign.Pages.Policies;

/// <summary>
/// <c>/policies</c>: the policy file, its versions, who would have to say yes, and what applying it would change. For
/// admins.
/// </summary>
internal sealed class PolicyPage(
    PolicyFiles files,
    ExplainPolicy explain,
    ApplyPolicies apply,
    PeopleDirectory directory
)
{
    public const string Path = "/policies";
    private const string Check = "check",
        Set = "set",
        ExplainIt = "explain",
        Look = "look",
        Apply = "apply";

    public async Task<IResult> Show(long? version, CancellationToken cancel) =>
        await Page(new Shown { Version = version }, StatusCodes.Status200OK, cancel);

    public async Task<IResult> Run(HttpContext http, CurrentCaller caller, CancellationToken cancel)
    {
        var form = await http.Request.ReadFormAsync(cancel);
        var (says, text) = (Texts.For(http), form["text"].ToString().ReplaceLineEndings("\n"));
        long? basedOn = long.TryParse(
            form["basedOn"],
            System.Globalization.CultureInfo.InvariantCulture,
            out var number
        )
            ? number
            : null;
        switch (form["do"].ToString())
        {
            case Check:
                var (file, problems) = await files.Check(text, cancel);
                return await Page(
                    new Shown
                    {
                        Text = text,
                        BasedOn = basedOn,
                        Problems = problems,
                        Notice = file is null
                            ? (Tone.Bad, says.FileHasMistakes)
                            : (Tone.Good, says.FileIsGood(file.Rules.Count)),
                    },
                    StatusCodes.Status200OK,
                    cancel
                );
            case Set:
                return await files.Set(text, basedOn, caller.Viewer.Origin, cancel) switch
                {
                    SetPoliciesOutcome.Set { Version: var set, Warnings: var warnings } => await Page(
                        new Shown { Problems = warnings, Notice = (Tone.Good, says.FileIsSet(set.Version)) },
                        StatusCodes.Status200OK,
                        cancel
                    ),
                    SetPoliciesOutcome.Same { Version: var same, Warnings: var warnings } => await Page(
                        new Shown { Problems = warnings, Notice = (Tone.Good, says.FileIsSet(same.Version)) },
                        StatusCodes.Status200OK,
                        cancel
                    ),
                    SetPoliciesOutcome.Wrong { Problems: var wrong } => await Page(
                        new Shown
                        {
                            Text = text,
                            BasedOn = basedOn,
                            Problems = wrong,
                            Notice = (Tone.Bad, says.FileHasMistakes),
                        },
                        StatusCodes.Status422UnprocessableEntity,
                        cancel
                    ),
                    SetPoliciesOutcome.Changed { Version: var other } => await Page(
                        new Shown
                        {
                            Text = text,
                            BasedOn = basedOn,
                            Notice = (Tone.Bad, says.FileChanged(other)),
                        },
                        StatusCodes.Status409Conflict,
                        cancel
                    ),
                    _ => throw new System.Diagnostics.UnreachableException(),
                };
            case ExplainIt:
                var typed = new Typed(
                    form["source"].ToString().Trim(),
                    form["requester"].ToString().Trim(),
                    form["facts"].ToString()
                );
                return await Page(
                    new Shown
                    {
                        Typed = typed,
                        Explanation = await explain.Run(Imagine(typed, await directory.Refresh(cancel)), cancel),
                    },
                    StatusCodes.Status200OK,
                    cancel
                );
            case Look or Apply:
                var onlyLook = form["do"] == Look;
                return await Page(
                    new Shown
                    {
                        OnlyLooked = onlyLook,
                        Changes = await apply.Run(onlyLook, caller.Viewer.Origin, cancel),
                    },
                    StatusCodes.Status200OK,
                    cancel
                );
            default:
                return await Page(new Shown(), StatusCodes.Status422UnprocessableEntity, cancel);
        }
    }

    private static HypotheticalRequest Imagine(Typed typed, PeopleSnapshot snapshot)
    {
        var source = typed.Source.Length > 0 ? typed.Source : "api";
        var requester =
            typed.Requester.Length > 0 && snapshot.FindSource(source) is { } known
                ? snapshot.Resolve(typed.Requester, null, known)
                : new Requester(null, "", [], Certainty.Proven);
        return new HypotheticalRequest(source, requester, FactsOf(typed.Facts).GetRawText(), null);
    }

    private async Task<IResult> Page(Shown shown, int status, CancellationToken cancel)
    {
        var inForce = await files.Find(null, cancel);
        var versions = await files.List(cancel);
        var snapshot = await directory.Refresh(cancel);
        var (older, newer) =
            shown.Version is { } wanted && await files.Find(wanted, cancel) is { } found
                ? (await files.Find(wanted - 1, cancel), found)
                : (null, null);
        return new PageResponse(
            t => t.PoliciesTitle,
            html =>
            {
                html.Add($"<p class=\"lede\">{html.Says.PoliciesLede}</p>");
                if (shown.Notice is var (tone, notice) && notice is not null)
                    html.Notice(tone, notice);
                Problems(html, shown.Problems);
                Editor(html, shown, inForce);
                Explained(html, shown);
                Applied(html, shown);
                if (newer is not null)
                {
                    html.Add(
                        $"<section class=\"sheet\" id=\"version\"><h2>{html.Says.WhatChangedIn(newer.Version)}</h2><pre>{TextDiff.Excerpt(older?.Text ?? "", newer.Text)}</pre></section>"
                    );
                }
                Versions(html, versions, snapshot);
            }
        )
        {
            Status = status,
            Section = Path,
        };
    }

    private static void Editor(Html html, Shown shown, PolicyVersion? inForce) =>
        html.Form(
            Path,
            form =>
            {
                form.Hidden("basedOn", $"{shown.BasedOn ?? inForce?.Version ?? 0}");
                form.Field(
                    new Field("text", form.Says.PolicyFileLabel)
                    {
                        Value = shown.Text ?? inForce?.Text ?? "version: 1\npolicies: []\n",
                        Hint = form.Says.PolicyFileHint(inForce?.Version ?? 0),
                        Lines = 24,
                        IsCode = true,
                    }
                );
                form.Add($"<div class=\"buttons\">");
                form.Button(form.Says.CheckFile, name: "do", value: Check);
                form.Button(form.Says.SetFile, "main", "do", Set);
                form.Add($"</div>");
            },
            css: "sheet"
        );

    private static void Problems(Html html, IReadOnlyList<PolicyProblem> problems)
    {
        if (problems.Count == 0)
            return;
        var says = html.Says;
        html.Table(
            says.ProblemsCaption,
            [says.Line, "", says.Problem, says.WhatToDo],
            problems,
            (row, p) =>
            {
                row.Add($"<td>{p.Line}:{p.Column}</td><td>");
                row.Badge(p.IsWarning ? Tone.Careful : Tone.Bad, p.IsWarning ? says.Warning : says.Mistake);
                row.Add($"</td><td>{p.Place} {p.Problem} <code>{p.Rule}</code></td><td>{p.Fix}</td>");
            }
        );
    }

    private static void Explained(Html html, Shown shown)
    {
        html.Add(
            $"<section class=\"sheet\" id=\"explain\"><h2>{html.Says.ExplainTitle}</h2><p>{html.Says.ExplainLede}</p>"
        );
        html.Form(
            Path,
            form =>
            {
                form.Field(new Field("source", form.Says.ExplainSource) { Value = shown.Typed.Source, Longest = 200 });
                form.Field(
                    new Field("requester", form.Says.ExplainRequester) { Value = shown.Typed.Requester, Longest = 254 }
                );
                form.Field(
                    new Field("facts", form.Says.ExplainFacts)
                    {
                        Value = shown.Typed.Facts,
                        Hint = form.Says.ExplainFactsHint,
                        Lines = 4,
                    }
                );
                form.Button(form.Says.ExplainDo, name: "do", value: ExplainIt);
            }
        );
        if (shown.Explanation is { } found)
        {
            var says = html.Says;
            html.Add(
                $"<p class=\"lead\">{says.ExplainedBy(found.Policy, found.DecidedBy)}</p><p>{found.Outcome}</p><ul>"
            );
            foreach (var passed in found.PassedOver)
                html.Add($"<li>{says.NotPolicy(passed.Policy, passed.Line, passed.Why)}</li>");
            html.Add($"</ul>");
            foreach (var step in found.Steps)
            {
                html.Add($"<p><strong>{says.StepNeeds(step.Name, step.Need, step.Who.Count)}</strong></p><ul>");
                foreach (var who in step.Who.Take(50))
                    html.Add($"<li>{who.Name} <span class=\"soft\">{says.CandidateIs(who.State)}</span></li>");
                foreach (var unknown in step.Unknown)
                    html.Add($"<li>{says.NotThereYet(unknown)}</li>");
                html.Add($"</ul>");
            }
            foreach (var time in found.Times)
                html.Add($"<p>{time}</p>");
            if (found.Stuck is { } stuck)
                html.Notice(Tone.Careful, says.NeverPass(stuck));
        }
        html.Add($"</section>");
    }

    private static void Applied(Html html, Shown shown)
    {
        html.Add($"<section class=\"sheet\" id=\"apply\"><h2>{html.Says.ApplyTitle}</h2><p>{html.Says.ApplyLede}</p>");
        html.Form(Path, form => form.Button(form.Says.ApplyLook, name: "do", value: Look));
        html.Confirm(
            html.Says.ApplyDo,
            html.Says.ApplySure,
            Path,
            html.Says.ApplyDo,
            fields => fields.Hidden("do", Apply)
        );
        if (shown.Changes is { Count: 0 })
        {
            html.Notice(Tone.Good, html.Says.ApplyNothing);
        }
        else if (shown.Changes is { } changes)
        {
            html.Table(
                html.Says.ApplyCaption(shown.OnlyLooked),
                [html.Says.Which, html.Says.PoliciesTitle, html.Says.WhatToDo],
                changes,
                (row, change) =>
                    row.Add(
                        $"<td><a href=\"{row.Base}/requests/{change.Id.Value}\">{change.Subject}</a></td><td>{change.From} → {change.To}</td><td>{(change.Left is { } left ? $"{row.Says.LeftAlone}. {left}" : change.After)} {(change.Lost.Count > 0 ? row.Says.CountsNoLonger(change.Lost) : "")}</td>"
                    )
            );
        }
        html.Add($"</section>");
    }

    private static void Versions(Html html, List<PolicyVersion> versions, PeopleSnapshot snapshot)
    {
        if (versions.Count == 0)
            return;
        html.Add($"<section class=\"sheet\"><h2>{html.Says.VersionsTitle}</h2>");
        html.Table(
            html.Says.VersionsTitle,
            [html.Says.VersionsTitle, html.Says.SetBy, html.Says.When],
            versions,
            (row, version) =>
            {
                row.Add(
                    $"<td><a href=\"{row.Base}{Path}?version={version.Version}#version\">{row.Says.VersionName(version.Version)}</a></td><td>{NameOf(version.Actor, snapshot, row.Says)}</td><td>"
                );
                row.Ago(version.At).Add($"</td>");
            }
        );
        html.Add($"</section>");
    }

    private static string NameOf(string actor, PeopleSnapshot snapshot, Texts says) =>
        actor.StartsWith("person:", StringComparison.Ordinal)
        && long.TryParse(actor.AsSpan("person:".Length), System.Globalization.CultureInfo.InvariantCulture, out var id)
        && snapshot.People.TryGetValue(id, out var person)
            ? person.DisplayName
            : says.ActorOf(actor);

    private static JsonElement FactsOf(string lines)
    {
        var facts = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (
            var line in lines
                .ReplaceLineEndings("\n")
                .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Take(100)
        )
        {
            if (line.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon)
                facts[line[..colon].Trim()] = line[(colon + 1)..].Split(',', StringSplitOptions.TrimEntries);
        }
        return JsonSerializer.SerializeToElement(facts);
    }

    private sealed record Typed(string Source, string Requester, string Facts);

    /// <summary>What was typed and what came of it.</summary>
    private sealed record Shown
    {
        public string? Text { get; init; }
        public long? BasedOn { get; init; }
        public long? Version { get; init; }
        public (Tone Tone, string? Text) Notice { get; init; }
        public IReadOnlyList<PolicyProblem> Problems { get; init; } = [];
        public Typed Typed { get; init; } = new("", "", "");
        public PolicyExplanation? Explanation { get; init; }
        public bool OnlyLooked { get; init; }
        public IReadOnlyList<Restamped>? Changes { get; init; }
    }
}
