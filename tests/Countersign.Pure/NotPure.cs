using Countersign.Policies;

namespace Countersign.Requests
{
    internal static class NewRequestDraft
    {
        public const int EventForm = 2;
    }

    internal static class RequestRow
    {
        public static ValueTask<ApprovalRequest?> Find(Storage.Reader reader, RequestId id, Viewer viewer) =>
            throw new NotSupportedException();

        public static string WriteNumbers<T>(IEnumerable<T> numbers) => string.Join(',', numbers);

        public static string? WriteDelegations(IReadOnlyList<Delegation> delegations) =>
            delegations.Count == 0 ? null : string.Join(',', delegations.Select(d => $"{d.PersonId}>{d.DelegateId}"));
    }
}

namespace Countersign.Audit
{
    /// <summary>Rows that an archive's statement names; what reads them is not pure.</summary>
    internal static class EventChainCheck
    {
        internal sealed class RevisionState
        {
            public long N { get; init; }
            public string Digest { get; init; } = "";
            public string Stamp { get; init; } = "";
            public string Message { get; init; } = "";
            public string Facts { get; init; } = "";
            public string? Body { get; init; }
            public string At { get; init; } = "";
        }

        internal sealed class DecisionState
        {
            public long N { get; init; }
            public long Revision { get; init; }
            public string Digest { get; init; } = "";
            public long PersonId { get; init; }
            public string Answer { get; init; } = "";
            public string Note { get; init; } = "";
            public string? Steps { get; init; }
            public long Disablings { get; init; }
            public long? ForPerson { get; init; }
            public string Via { get; init; } = "";
            public string At { get; init; } = "";
        }
    }
}
