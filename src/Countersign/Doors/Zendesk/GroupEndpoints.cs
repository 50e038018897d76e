using System.Text.Json.Nodes;
using Countersign.Hosting.OpenApi;
using Countersign.People;
using Countersign.SignIn;

namespace Countersign.Doors.Zendesk;

/// <summary>Groups and who is in them, for agents.</summary>
internal static class GroupEndpoints
{
    /// <summary>A membership has no id of its own with us; this one is stable and says which it is.</summary>
    private const long PeoplePerGroup = 100_000_000;

    public static void Map(RouteGroupBuilder people)
    {
        var api = people.MapGroup("").RequireAuthorization(Permissions.Agent);
        api.MapGet("/groups", All).Describe(Tags.Zendesk, ZendeskOperations.Groups);
        api.MapGet("/groups/{id:long}", Show).Describe(Tags.Zendesk, ZendeskOperations.Group);
        api.MapGet("/groups/{id:long}/users", Members).Describe(Tags.Zendesk, ZendeskOperations.GroupUsers);
        api.MapGet(
                "/groups/{id:long}/memberships",
                (long id, HttpContext http, PeopleDirectory directory) =>
                    Memberships(http, directory, (group, _) => group.Id == id)
            )
            .Describe(Tags.Zendesk, ZendeskOperations.GroupMemberships);
        api.MapGet(
                "/users/{id:long}/group_memberships",
                (long id, HttpContext http, PeopleDirectory directory) =>
                    Memberships(http, directory, (_, person) => person == id)
            )
            .Describe(Tags.Zendesk, ZendeskOperations.UserMemberships);
        api.MapGet("/users/{id:long}/groups", OfPerson).Describe(Tags.Zendesk, ZendeskOperations.UserGroups);
        api.MapGet(
                "/group_memberships",
                (HttpContext http, PeopleDirectory directory) => Memberships(http, directory, (_, _) => true)
            )
            .Describe(Tags.Zendesk, ZendeskOperations.Memberships);
    }

    private static JsonObject Shape(Group group, HttpRequest request) =>
        new()
        {
            ["id"] = group.Id,
            ["url"] = $"{ZendeskConventions.RootOf(request)}/groups/{group.Id}.json",
            ["name"] = group.Name,
            ["description"] = "",
            ["default"] = false,
            ["deleted"] = false,
            ["is_public"] = true,
            ["created_at"] = Shapes.Time(group.CreatedAt),
            ["updated_at"] = Shapes.Time(group.CreatedAt),
        };

    private static IResult All(HttpContext http, PeopleDirectory directory) =>
        Groups(http, directory.Current.Groups.Values);

    private static IResult OfPerson(long id, HttpContext http, PeopleDirectory directory) =>
        directory.Current.People.ContainsKey(id) ? Groups(http, directory.Current.GroupsOf(id)) : Refusal.NotFound();

    private static IResult Groups(HttpContext http, IEnumerable<Group> groups) =>
        Collection.Of(
            http,
            "groups",
            [.. groups.OrderBy(g => g.Id).Select(g => (g.Id, (JsonNode)Shape(g, http.Request)))]
        );

    private static IResult Show(long id, HttpContext http, PeopleDirectory directory) =>
        directory.Current.Groups.TryGetValue(id, out var group)
            ? Collection.One("group", Shape(group, http.Request))
            : Refusal.NotFound();

    private static IResult Members(long id, HttpContext http, PeopleDirectory directory)
    {
        var snapshot = directory.Current;
        return snapshot.Groups.TryGetValue(id, out var group)
            ? Collection.Of(
                http,
                "users",
                [
                    .. group
                        .Members.Order()
                        .Select(m => (m, (JsonNode)UserEndpoints.Shape(snapshot.People[m], snapshot, http.Request))),
                ]
            )
            : Refusal.NotFound();
    }

    private static IResult Memberships(HttpContext http, PeopleDirectory directory, Func<Group, long, bool> which)
    {
        var snapshot = directory.Current;
        return Collection.Of(
            http,
            "group_memberships",
            [
                .. from known in snapshot.Groups.Values
                orderby known.Id
                from person in known.Members.Order()
                where which(known, person)
                let id = (known.Id * PeoplePerGroup) + person
                select (
                    id,
                    (JsonNode)
                        new JsonObject
                        {
                            ["id"] = id,
                            ["url"] = $"{ZendeskConventions.RootOf(http.Request)}/group_memberships/{id}.json",
                            ["user_id"] = person,
                            ["group_id"] = known.Id,
                            ["default"] = snapshot.GroupsOf(person)[0].Id == known.Id,
                            ["created_at"] = Shapes.Time(known.CreatedAt),
                            ["updated_at"] = Shapes.Time(known.CreatedAt),
                        }
                ),
            ]
        );
    }
}
