using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.Policies;
using Countersign.SignIn;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.WebUtilities;

namespace Countersign.Doors.Zendesk;

/// <summary>People as the clients of this door look them up: oneself, one, several, by name or address.</summary>
internal static class UserEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        // Without any credentials the original answers that nobody is signed in, and pages rely on it.
        api.MapGet("/users/me", Me).AllowAnonymous().Describe(Tags.Zendesk, ZendeskOperations.Me);
        api.MapGet("/users", All)
            .RequireAuthorization(Permissions.Agent)
            .Describe(Tags.Zendesk, ZendeskOperations.Users);
        api.MapGet("/users/search", Search)
            .RequireAuthorization(Permissions.Agent)
            .Describe(Tags.Zendesk, ZendeskOperations.SearchUsers);
        api.MapGet("/users/show_many", ShowMany).Describe(Tags.Zendesk, ZendeskOperations.ManyUsers);
        api.MapGet("/users/{id:long}", Show).Describe(Tags.Zendesk, ZendeskOperations.User);
    }

    public static JsonObject Shape(Person person, PeopleSnapshot directory, HttpRequest request) =>
        new()
        {
            ["id"] = person.Id,
            ["url"] = $"{ZendeskConventions.RootOf(request)}/users/{person.Id}.json",
            ["name"] = person.Name,
            ["email"] = person.Email,
            ["role"] = Shapes.RoleOf(person),
            ["role_type"] = null,
            ["active"] = !person.IsDisabled,
            ["verified"] = true,
            ["suspended"] = person.IsDisabled,
            ["locale"] = "en-US",
            ["time_zone"] = "UTC",
            ["organization_id"] = null,
            ["default_group_id"] = directory.GroupsOf(person.Id) is [var first, ..] ? first.Id : null,
            ["external_id"] = null,
            ["photo"] = null,
            ["tags"] = new JsonArray(),
            ["user_fields"] = new JsonObject(),
            ["created_at"] = Shapes.Time(person.CreatedAt),
            ["updated_at"] = Shapes.Time(person.CreatedAt),
        };

    private static IResult Me(HttpContext http, PeopleDirectory directory, RootKey rootKey, IAntiforgery antiforgery)
    {
        if (http.FindCaller()?.Person is not { } me)
        {
            // Those who bring no credential are nobody; a wrong one is refused.
            if (http.Request.Headers.Authorization.Count > 0)
                return TypedResults.Challenge();
            return Collection.One(
                "user",
                new JsonObject
                {
                    ["id"] = null,
                    ["name"] = "Anonymous user",
                    ["email"] = "invalid@example.com",
                    ["role"] = Role.EndUser.ToWireName(),
                    ["active"] = false,
                    ["verified"] = false,
                    ["suspended"] = false,
                    ["locale"] = "en-US",
                    ["time_zone"] = "UTC",
                    ["photo"] = null,
                    ["tags"] = new JsonArray(),
                    ["user_fields"] = new JsonObject(),
                    ["authenticity_token"] = TokenFor(rootKey, "nobody"),
                }
            );
        }
        var shape = Shape(me, directory.Current, http.Request);
        shape["authenticity_token"] = http.FindCaller()!.Session is null
            ? TokenFor(rootKey, me.Id.ToString(CultureInfo.InvariantCulture))
            : antiforgery.GetAndStoreTokens(http).RequestToken;
        return Collection.One("user", shape);
    }

    private static IResult Show(long id, HttpContext http, CurrentCaller caller, PeopleDirectory directory) =>
        MaySee(caller.Person, id) && directory.Current.People.TryGetValue(id, out var person)
            ? Collection.One("user", Shape(person, directory.Current, http.Request))
            : Refusal.NotFound();

    private static IResult ShowMany(HttpContext http, CurrentCaller caller, PeopleDirectory directory)
    {
        var words = http
            .Request.Query["ids"]
            .ToString()
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var ids = words
            .Select(w =>
                long.TryParse(w, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : (long?)null
            )
            .ToList();
        if (ids.Contains(null) || ids.Count is 0 or > Collection.MaxPage)
        {
            return Refusal.Titled(
                StatusCodes.Status400BadRequest,
                "Invalid attribute",
                $"ids must be 1 to {Collection.MaxPage} whole numbers, separated by commas."
            );
        }
        var wanted = ids.OfType<long>().ToHashSet();
        return People(http, directory, p => wanted.Contains(p.Id) && MaySee(caller.Person, p.Id));
    }

    private static IResult All(HttpContext http, PeopleDirectory directory) =>
        People(
            http,
            directory,
            p => http.Request.Query["role"].ToString() is not { Length: > 0 } role || Shapes.RoleOf(p) == role
        );

    /// <summary><c>query</c>: words of the name or address, <c>email:</c> and <c>role:</c>.</summary>
    private static IResult Search(HttpContext http, PeopleDirectory directory)
    {
        var words = http.Request.Query["query"].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return People(
            http,
            directory,
            person =>
                words.All(word =>
                    word.Split(':', 2) switch
                    {
                        ["type", _] => true,
                        ["email" or "user", var email] => EmailAddress.KeyOf(person.Email ?? "")
                            == EmailAddress.KeyOf(email.Trim('"')),
                        ["role", var role] => Shapes.RoleOf(person) == role,
                        ["name", var name] => person.Name.Contains(name.Trim('"'), StringComparison.OrdinalIgnoreCase),
                        _ => person.Name.Contains(word.Trim('"', '*'), StringComparison.OrdinalIgnoreCase)
                            || (person.Email ?? "").Contains(word.Trim('"', '*'), StringComparison.OrdinalIgnoreCase),
                    }
                )
        );
    }

    private static IResult People(HttpContext http, PeopleDirectory directory, Func<Person, bool> which) =>
        Collection.Of(
            http,
            "users",
            [
                .. directory
                    .Current.People.Values.Where(p => p.Role != Role.Service && which(p))
                    .OrderBy(p => p.Id)
                    .Select(p => (p.Id, (JsonNode)Shape(p, directory.Current, http.Request))),
            ]
        );

    /// <summary>End users know nobody but themselves.</summary>
    private static bool MaySee(Person caller, long id) => caller.Id == id || caller.Role is Role.Agent or Role.Admin;

    /// <summary>
    /// For callers with credentials of their own, whose token nobody checks: clients expect the member.
    /// </summary>
    private static string TokenFor(RootKey rootKey, string person) =>
        WebEncoders.Base64UrlEncode(
            HMACSHA256.HashData(rootKey.Derive("authenticity tokens"), Encoding.UTF8.GetBytes(person))
        );
}
