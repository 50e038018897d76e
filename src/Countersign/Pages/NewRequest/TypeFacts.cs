using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.Hosting;
using Countersign.Requests;
using Microsoft.Extensions.Localization;

namespace Countersign.Pages.NewRequest;

/// <summary>
/// What is filled into the fields of a request type: what is wrong with it, and the facts it becomes.
/// </summary>
internal static partial class TypeFacts
{
    public const string Yes = "yes",
        No = "no";

    /// <summary>Null: the value fits its field.</summary>
    public static string? Problem(RequestTypeField field, string value, IStringLocalizer strings)
    {
        if (value.Length == 0)
            return field.Required ? strings["form.required"].Value : null;
        return field.Kind switch
        {
            RequestFieldKind.Number => Number().IsMatch(value) ? null : strings["new.number.invalid"].Value,
            RequestFieldKind.Choice => field.Choices.Contains(value) ? null : strings["new.choice.invalid"].Value,
            RequestFieldKind.YesNo => value is Yes or No ? null : strings["new.choice.invalid"].Value,
            RequestFieldKind.Link => NewRequestPage.IsLink(value) ? null : strings["new.link.invalid"].Value,
            _ => IsText(value) ? null : strings["form.text", RequestLimits.MaxFactValue].Value,
        };
    }

    /// <summary>Numbers and answers are facts as programs send them: a number, true or false.</summary>
    public static void Add(JsonObject facts, RequestType type, NewRequestForm form)
    {
        facts[RequestTypes.TypeFact] = type.Name;
        foreach (var field in type.Fields)
        {
            var value = form.ValueOf(field);
            if (value.Length > 0)
            {
                facts[field.Name] = field.Kind switch
                {
                    RequestFieldKind.Number => decimal.Parse(value, CultureInfo.InvariantCulture),
                    RequestFieldKind.YesNo => value == Yes,
                    _ => value,
                };
            }
        }
    }

    private static bool IsText(string value)
    {
        var found = new BodyErrors();
        found.MultiLine("value", value, RequestLimits.MaxFactValue, required: false);
        return !found.Any;
    }

    /// <summary>As browsers send numbers in every language.</summary>
    [GeneratedRegex(@"^-?[0-9]{1,15}(\.[0-9]{1,10})?$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Number();
}
