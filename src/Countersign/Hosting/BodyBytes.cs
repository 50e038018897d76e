using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace Countersign.Hosting;

/// <summary>A body in memory, up to a size.</summary>
internal static class BodyBytes
{
    /// <summary>Of every body that a door reads.</summary>
    public const int MaxSize = 1024 * 1024;

    /// <summary>All of it, or null when there is more than <paramref name="most"/>.</summary>
    public static async ValueTask<byte[]?> Read(HttpContext http, int most)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = most;
        try
        {
            var reader = http.Request.BodyReader;
            while (true)
            {
                var result = await reader.ReadAsync(http.RequestAborted);
                if (result.Buffer.Length > most)
                    return null;
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
