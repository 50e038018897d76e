using Countersign.Hosting;
using Countersign.Hosting.OpenApi;

namespace Countersign.Doors.Api;

internal static class ApiServices
{
    /// <summary>JSON as our own API writes it, and the document that describes the API.</summary>
    public static IServiceCollection AddApi(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json =>
            ApiJson.Configure(json.SerializerOptions).TypeInfoResolverChain.Insert(0, ApiJson.Default)
        );
        return services.AddOpenApi("v1", Description.Configure);
    }

    /// <summary><c>/docs</c>: the API to read and to try. Apart, because it matches patterns against every path that it
    /// sees.</summary>
    public static void UseApiDocs(this IApplicationBuilder app) =>
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments("/docs"),
            pages =>
                pages.UseSwaggerUI(docs =>
                {
                    docs.RoutePrefix = "docs";
                    docs.SwaggerEndpoint("../openapi/v1.json", "Countersign");
                })
        );
}
