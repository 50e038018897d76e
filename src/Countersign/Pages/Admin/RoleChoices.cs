using Countersign.People;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.Admin;

/// <summary>The roles that a person may be given, each with what it means.</summary>
internal static class RoleChoices
{
    public static IEnumerable<(string Value, string Text)> Of(IStringLocalizer strings) =>
        new[] { Role.EndUser, Role.Agent, Role.Admin }.Select(role =>
            (role.ToWireName(), strings[$"role.{role.ToWireName()}.hint"].Value)
        );
}
