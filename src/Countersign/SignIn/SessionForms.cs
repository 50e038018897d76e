using Countersign.Hosting;
using Microsoft.AspNetCore.Antiforgery;

namespace Countersign.SignIn;

/// <summary>
/// A browser sends its session by itself, so a call of the API with a session that changes something brings, in
/// <c>X-CSRF-Token</c>, what only our own pages know.
/// </summary>
internal sealed class SessionForms(RequestDelegate next, IAntiforgery antiforgery)
{
    public const string Rule = "csrf_token";

    public async Task Invoke(HttpContext http)
    {
        if (Door.Of(http) is not ProgramDoor || http.FindCaller()?.Session is null || await antiforgery.IsProven(http))
        {
            await next(http);
            return;
        }
        RefusalLog.Note(http, Rule);
        await ErrorFormat
            .Of(http)
            .Refuse(
                http,
                StatusCodes.Status403Forbidden,
                Rule,
                "A call with a session that changes something needs X-CSRF-Token: the authenticity_token "
                    + "from GET /api/v2/users/me."
            );
    }
}
