using Countersign.Storage;

namespace Countersign.Requests;

internal static class RequestEvents
{
    private const string OfRequest = "request:";

    extension(StoredEvent news)
    {
        /// <summary>The request that an event tells of; null for everything else.</summary>
        public RequestId? Request =>
            news.Subject.StartsWith(OfRequest, StringComparison.Ordinal)
                ? RequestId.Of(news.Subject[OfRequest.Length..])
                : null;
    }
}
