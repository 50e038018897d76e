using Countersign.SignIn;

namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// <c>GET /api/options/{name}</c>: what can be chosen in a field of the source's form. An experiment: the manifest
/// language can ask for options; whether LaunchDarkly does so for additional form variables isn't documented.
/// </summary>
internal static class OptionsEndpoint
{
    public static IResult Run(string name, CurrentCaller caller) =>
        caller.Source.Form.Find(name) is { HasOptions: true } variable
            ? Answer.Of([.. variable.Options.Select(option => new OptionText(option, option))])
            : Answer.Refusal(
                StatusCodes.Status404NotFound,
                "not_found",
                "This source's form has no list with this key."
            );
}
