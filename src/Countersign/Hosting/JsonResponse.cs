using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Countersign.Hosting;

/// <summary>
/// An answer in JSON that is whole before it is sent: with its length known it leaves in one piece. What is written
/// while it goes out leaves in two, and each piece is a call of the system on both sides.
/// </summary>
internal class JsonResponse(int code, ReadOnlyMemory<byte> json) : IResult
{
    public ReadOnlyMemory<byte> Json => json;

    public static JsonResponse Of<T>(T value, JsonTypeInfo<T> type, int code = StatusCodes.Status200OK) =>
        new(code, JsonSerializer.SerializeToUtf8Bytes(value, type));

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = code;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = json.Length;
        await response.BodyWriter.WriteAsync(json, httpContext.RequestAborted);
    }
}
