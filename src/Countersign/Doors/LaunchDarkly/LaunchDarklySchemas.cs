namespace Countersign.Doors.LaunchDarkly;

/// <summary>
/// What LaunchDarkly sends, for the API's description: read member by member, so no type of ours has its shape.
/// </summary>
internal static class LaunchDarklySchemas
{
    public const string Json = """
        {
          "LaunchDarklyError": {
            "type": "object",
            "required": ["error"],
            "properties": {
              "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                  "code": {"type": "string", "description": "Stable. Each operation lists its own."},
                  "message": {"type": "string"}
                }
              }
            }
          },
          "LaunchDarklyNamed": {
            "type": "object",
            "properties": {
              "key": {"type": "string", "examples": ["loyalty-points"]},
              "name": {"type": "string", "examples": ["Loyalty points"]},
              "tags": {"type": "array", "items": {"type": "string"}}
            }
          },
          "LaunchDarklyNewApproval": {
            "type": "object",
            "required": ["_id"],
            "properties": {
              "_id": {"type": "string", "description": "The approval's ID.", "examples": ["65f1c0ffee65f1c0ffee65f1"]},
              "comment": {"type": "string", "description": "Becomes the title."},
              "details": {"type": "string", "description": "Becomes the description."},
              "shortDescription": {"type": "string"},
              "timestamp": {"type": "string"},
              "_site": {"type": "object", "properties": {"href": {"type": "string"}}},
              "requestedBy": {"type": "object", "properties": {"email": {"type": "string"}}},
              "project": {"$ref": "#/components/schemas/LaunchDarklyNamed"},
              "environment": {"$ref": "#/components/schemas/LaunchDarklyNamed"},
              "flag": {"$ref": "#/components/schemas/LaunchDarklyNamed"},
              "approvalFormVariables": {
                "type": "object",
                "description": "What was filled into the source's form.",
                "additionalProperties": true
              },
              "additionalFormVariables": {"type": "object", "additionalProperties": true}
            }
          },
          "LaunchDarklyAuditLogEntry": {
            "type": "object",
            "description": "As LaunchDarkly sends it.",
            "additionalProperties": true
          }
        }
        """;
}
