namespace Countersign.Requests;

/// <summary>
/// How a person is named to others, everywhere: by the name, and by the email address too while someone else has the
/// same name. Read with the row, so that it is right within a transaction as well.
/// </summary>
public static class PersonNames
{
    /// <summary>A column's text, for the table or alias under which a statement knows the person.</summary>
    public static string Sql(string person) =>
        $"""
            CASE
            WHEN EXISTS (SELECT 1 FROM people namesake WHERE namesake.name_key = {person}.name_key AND namesake.id <>
            {person}.id)
              THEN {person}.name || ' (' || coalesce({person}.email, '') || ')' ELSE {person}.name END
            """;
}
