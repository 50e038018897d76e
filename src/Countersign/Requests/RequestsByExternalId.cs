using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>Requests that their sources know by this id: of several sources there may be several.</summary>
public static class RequestsByExternalId
{
    /// <summary>Those of them that the viewer may see, newest first.</summary>
    public static ValueTask<List<ApprovalRequest>> Find(
        Store store,
        string externalId,
        Viewer viewer,
        CancellationToken cancel
    ) =>
        store.Read(
            async reader =>
            {
                // By way of the sources, because the index begins with them.
                var rows = await reader.All<RequestRow>(
                    $"""
                    SELECT {RequestRow.Columns}
                    FROM sources o JOIN requests r ON r.source_id = o.id AND r.external_id = @externalId
                    JOIN stamps s ON s.hash = r.stamp WHERE {Visibility.MaySee} ORDER BY r.id DESC
                    """,
                    new
                    {
                        externalId,
                        admin = viewer.AdminFlag,
                        source = viewer.SourceOrNone,
                        person = viewer.PersonOrNone,
                    }
                );
                return rows.ConvertAll(row => row.ToRequest());
            },
            cancel
        );
}
