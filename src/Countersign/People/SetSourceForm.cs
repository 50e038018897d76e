using Countersign.Storage;

namespace Countersign.People;

/// <summary>
/// Says which fields a source's LaunchDarkly integration asks for. Earlier requests keep what was said of them.
/// </summary>
public sealed class SetSourceForm(Store store)
{
    public async Task<AccessOutcome<long>> Run(string name, SourceForm form, Origin origin, CancellationToken cancel)
    {
        if (form.Problem() is { } problem)
            return new AccessOutcome<long>.Invalid($"variables[{problem.At}].{problem.Member}", problem.Why);
        return await store.InTransaction(tx => Run(tx, name, form, origin), cancel);
    }

    /// <summary>Inside a transaction that has more to do; the form was checked before.</summary>
    internal static async ValueTask<AccessOutcome<long>> Run(Tx tx, string name, SourceForm form, Origin origin)
    {
        var source = await tx.First<SourceRow>(
            $"SELECT id, kind FROM sources WHERE name_key = @key AND kind <> 'built-in'{tx.ForUpdate}",
            new { key = PeopleDirectory.KeyOf(name) }
        );
        if (source is null)
            return new AccessOutcome<long>.NotFound("a source with this name");
        if (source.Kind != "launchdarkly")
        {
            return new AccessOutcome<long>.Invalid(
                "variables",
                "Only a source of kind launchdarkly asks for form fields."
            );
        }
        var before = await tx.Text("SELECT variables FROM source_forms WHERE source_id = @id", new { id = source.Id });
        var after = form.ToText();
        if (after == (before ?? SourceForm.Empty.ToText()))
            return new AccessOutcome<long>.Done(source.Id);
        await tx.Execute(
            """
            INSERT INTO source_forms (source_id, variables) VALUES (@id, @after)
            ON CONFLICT (source_id) DO UPDATE SET variables = @after
            """,
            new { id = source.Id, after }
        );
        await tx.Append(
            $"source:{source.Id}",
            origin,
            "source.form_set",
            new { keys = form.Variables.Select(v => v.Key), variables = Hashes.Sha256(after) }
        );
        await PeopleDirectory.Changed(tx);
        return new AccessOutcome<long>.Done(source.Id);
    }

    private sealed class SourceRow
    {
        public long Id { get; init; }
        public required string Kind { get; init; }
    }
}
