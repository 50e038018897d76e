using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace Countersign.Hosting;

/// <summary>A body in memory, up to a size.</summary>
internal static class BodyBytes
{
    /// <summary>Of every body that a door reads.</summary>
    public const int MaxSize = 1024 * 1024;

    /// <summary>
    /// Up to here the server reads on, and drops, what is too large for a door. A proxy that is still sending when the
    /// connection closes loses the answer, and tells its client 502 instead of 413.
    /// </summary>
    public const int MaxDroppedSize = 8 * MaxSize;

    /// <summary>All of it, or null when there is more than <paramref name="most"/>.</summary>
    public static async ValueTask<byte[]?> Read(HttpContext http, int most)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxDroppedSize;
        if (http.Request.ContentLength > most)
            return null;
        try
        {
            var reader = http.Request.BodyReader;
            while (true)
            {
                var result = await reader.ReadAsync(http.RequestAborted);
                if (result.Buffer.Length > most)
                {
                    reader.AdvanceTo(result.Buffer.End);
                    return null;
                }
                if (result.IsCompleted)
                {
                    var bytes = result.Buffer.ToArray();
                    reader.AdvanceTo(result.Buffer.End);
                    return bytes;
                }
                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
        }
        catch (BadHttpRequestException failure) when (failure.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return null;
        }
    }
}
