using Countersign.Storage;

namespace Countersign.Requests;

public abstract record SetRequestTypesOutcome
{
    private SetRequestTypesOutcome() { }

    public sealed record Set(RequestTypeList List) : SetRequestTypesOutcome;

    /// <summary>They are these already: nothing was written.</summary>
    public sealed record Same(RequestTypeList List) : SetRequestTypesOutcome;

    /// <summary>Nothing was written; every mistake is named.</summary>
    public sealed record Wrong(IReadOnlyList<RequestTypeProblem> Problems) : SetRequestTypesOutcome;

    /// <summary>They were changed since the author read them.</summary>
    public sealed record Changed(long Version) : SetRequestTypesOutcome;
}

/// <summary>
/// What people can request on <c>/new</c>, as admins define it. Only the form follows from a type: what was submitted
/// keeps its facts when the type changes or is removed.
/// </summary>
public sealed class RequestTypes(Store store)
{
    public const string Subject = "request_types";

    /// <summary>The fact that names a request's type.</summary>
    public const string TypeFact = "type";

    public ValueTask<RequestTypeList> Find(CancellationToken cancel) => store.Read(Current, cancel);

    /// <param name="basedOn">The version that the author had before them, when that is known: what another set since is
    /// not overwritten.</param>
    public async Task<SetRequestTypesOutcome> Set(
        IReadOnlyList<RequestType> types,
        long? basedOn,
        Origin origin,
        CancellationToken cancel
    )
    {
        if (RequestTypeRules.Check(types) is { Count: > 0 } problems)
            return new SetRequestTypesOutcome.Wrong(problems);
        return await store.InTransaction(tx => Set(tx, types, basedOn, origin), cancel);
    }

    /// <summary>Inside a transaction that has more to do; the types were checked before.</summary>
    internal static async ValueTask<SetRequestTypesOutcome> Set(
        Tx tx,
        IReadOnlyList<RequestType> types,
        long? basedOn,
        Origin origin
    )
    {
        var text = RequestTypeFile.Write(types);
        var row = await Row.Find(tx);
        var version = row?.Version ?? 0;
        if (basedOn is { } seen && seen != version)
            return new SetRequestTypesOutcome.Changed(version);
        if (row?.Text == text)
            return new SetRequestTypesOutcome.Same(new RequestTypeList(version, types));
        var hash = Hashes.Sha256(text);
        await tx.Execute("DELETE FROM request_types");
        await tx.Execute(
            """
            INSERT INTO request_types (version, text, hash, actor, at)
            VALUES (@version, @text, @hash, @actor, @at)
            """,
            new
            {
                version = version + 1,
                text,
                hash,
                actor = origin.Actor,
                at = tx.Now,
            }
        );
        await tx.Append(
            Subject,
            origin,
            "request_types.set",
            new
            {
                version = version + 1,
                hash,
                types = types.Count,
                names = types.Select(t => t.Name),
            }
        );
        return new SetRequestTypesOutcome.Set(new RequestTypeList(version + 1, types));
    }

    private static async ValueTask<RequestTypeList> Current(Reader reader) =>
        await Row.Find(reader) is { } row
            ? new RequestTypeList(row.Version, RequestTypeFile.Read(row.Text).Types ?? [])
            : RequestTypeList.None;

    private sealed class Row
    {
        public long Version { get; init; }
        public required string Text { get; init; }

        public static async ValueTask<Row?> Find(Reader reader) =>
            await reader.First<Row>("SELECT version, text FROM request_types ORDER BY version DESC LIMIT 1");
    }
}
