using Microsoft.AspNetCore.Antiforgery;

namespace Countersign.SignIn;

internal static class FormProofs
{
    /// <summary>
    /// Whether a call brings the proof that it came from a page of ours. A form that can't be read brings none.
    /// </summary>
    public static async Task<bool> IsProven(this IAntiforgery antiforgery, HttpContext http)
    {
        try
        {
#pragma warning disable RS0030 // The one place that asks the framework.
            return await antiforgery.IsRequestValidAsync(http);
#pragma warning restore RS0030
        }
        catch (AntiforgeryValidationException)
        {
            return false;
        }
    }
}
