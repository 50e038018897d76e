namespace Countersign.Doors.Zendesk;

/// <summary>
/// For the API's description: what this door reads member by member, what it writes so, and its forms of errors. Tests
/// compare answers with them.
/// </summary>
internal static class ZendeskSchemas
{
    public const string Json = """
        {
          "ZendeskTextError": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "string"}}
          },
          "ZendeskTokenError": {
            "type": "object",
            "required": ["error", "error_description"],
            "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}}
          },
          "ZendeskDescribedError": {
            "type": "object",
            "required": ["error", "description"],
            "properties": {
              "error": {"type": "string"},
              "description": {"type": "string"},
              "details": {
                "type": "object",
                "description": "With `RecordInvalid`: the problems by member.",
                "additionalProperties": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "required": ["description", "error"],
                    "properties": {"description": {"type": "string"}, "error": {"type": "string"}}
                  }
                }
              }
            }
          },
          "ZendeskTitledError": {
            "type": "object",
            "required": ["error"],
            "properties": {
              "error": {
                "type": "object",
                "required": ["title", "message"],
                "properties": {"title": {"type": "string"}, "message": {"type": "string"}}
              }
            }
          },
          "ZendeskListedError": {
            "type": "object",
            "required": ["errors"],
            "properties": {
              "errors": {
                "type": "array",
                "items": {
                  "type": "object",
                  "required": ["code", "title"],
                  "properties": {
                    "code": {"type": "string"},
                    "title": {"type": "string"},
                    "detail": {"type": "string"},
                    "source": {"type": "object", "additionalProperties": {"type": "string"}}
                  }
                }
              }
            }
          },
          "ZendeskPageMeta": {
            "type": "object",
            "required": ["has_more", "after_cursor", "before_cursor"],
            "properties": {
              "has_more": {"type": "boolean"},
              "after_cursor": {"type": ["string", "null"]},
              "before_cursor": {"type": ["string", "null"]}
            }
          },
          "ZendeskPageLinks": {
            "type": "object",
            "required": ["next", "prev"],
            "properties": {
              "next": {"type": ["string", "null"], "format": "uri"},
              "prev": {"type": ["string", "null"], "format": "uri"}
            }
          },
          "ZendeskUser": {
            "type": "object",
            "required": [
              "id", "name", "email", "role", "active", "verified", "suspended", "locale", "time_zone", "photo",
              "tags", "user_fields"
            ],
            "properties": {
              "id": {"type": ["integer", "null"], "format": "int64"},
              "url": {"type": "string", "format": "uri"},
              "name": {"type": "string"},
              "email": {"type": ["string", "null"], "format": "email"},
              "role": {"type": "string", "enum": ["end-user", "agent", "admin"]},
              "role_type": {"type": "null"},
              "active": {"type": "boolean"},
              "verified": {"type": "boolean"},
              "suspended": {"type": "boolean"},
              "locale": {"type": "string"},
              "time_zone": {"type": "string"},
              "organization_id": {"type": "null"},
              "default_group_id": {"type": ["integer", "null"], "format": "int64"},
              "external_id": {"type": "null"},
              "photo": {"type": "null"},
              "tags": {"type": "array", "items": {"type": "string"}},
              "user_fields": {"type": "object"},
              "created_at": {"type": "string", "format": "date-time"},
              "updated_at": {"type": "string", "format": "date-time"},
              "authenticity_token": {"type": "string", "description": "Of yourself only."}
            }
          },
          "ZendeskUserAnswer": {
            "type": "object",
            "required": ["user"],
            "properties": {"user": {"$ref": "#/components/schemas/ZendeskUser"}}
          },
          "ZendeskUsersAnswer": {
            "type": "object",
            "required": ["users"],
            "properties": {
              "users": {"type": "array", "items": {"$ref": "#/components/schemas/ZendeskUser"}},
              "next_page": {"type": ["string", "null"], "format": "uri"},
              "previous_page": {"type": ["string", "null"], "format": "uri"},
              "count": {"type": "integer", "format": "int64"},
              "meta": {"$ref": "#/components/schemas/ZendeskPageMeta"},
              "links": {"$ref": "#/components/schemas/ZendeskPageLinks"}
            }
          },
          "ZendeskGroup": {
            "type": "object",
            "required": [
              "id", "url", "name", "description", "default", "deleted", "is_public", "created_at", "updated_at"
            ],
            "properties": {
              "id": {"type": "integer", "format": "int64"},
              "url": {"type": "string", "format": "uri"},
              "name": {"type": "string"},
              "description": {"type": "string"},
              "default": {"type": "boolean"},
              "deleted": {"type": "boolean"},
              "is_public": {"type": "boolean"},
              "created_at": {"type": "string", "format": "date-time"},
              "updated_at": {"type": "string", "format": "date-time"}
            }
          },
          "ZendeskGroupAnswer": {
            "type": "object",
            "required": ["group"],
            "properties": {"group": {"$ref": "#/components/schemas/ZendeskGroup"}}
          },
          "ZendeskGroupsAnswer": {
            "type": "object",
            "required": ["groups"],
            "properties": {
              "groups": {"type": "array", "items": {"$ref": "#/components/schemas/ZendeskGroup"}},
              "next_page": {"type": ["string", "null"], "format": "uri"},
              "previous_page": {"type": ["string", "null"], "format": "uri"},
              "count": {"type": "integer", "format": "int64"},
              "meta": {"$ref": "#/components/schemas/ZendeskPageMeta"},
              "links": {"$ref": "#/components/schemas/ZendeskPageLinks"}
            }
          },
          "ZendeskMembership": {
            "type": "object",
            "required": ["id", "url", "user_id", "group_id", "default", "created_at", "updated_at"],
            "properties": {
              "id": {"type": "integer", "format": "int64"},
              "url": {"type": "string", "format": "uri"},
              "user_id": {"type": "integer", "format": "int64"},
              "group_id": {"type": "integer", "format": "int64"},
              "default": {"type": "boolean"},
              "created_at": {"type": "string", "format": "date-time"},
              "updated_at": {"type": "string", "format": "date-time"}
            }
          },
          "ZendeskMembershipsAnswer": {
            "type": "object",
            "required": ["group_memberships"],
            "properties": {
              "group_memberships": {"type": "array", "items": {"$ref": "#/components/schemas/ZendeskMembership"}},
              "next_page": {"type": ["string", "null"], "format": "uri"},
              "previous_page": {"type": ["string", "null"], "format": "uri"},
              "count": {"type": "integer", "format": "int64"},
              "meta": {"$ref": "#/components/schemas/ZendeskPageMeta"},
              "links": {"$ref": "#/components/schemas/ZendeskPageLinks"}
            }
          },
          "ZendeskCustomField": {
            "type": "object",
            "required": ["id", "value"],
            "properties": {
              "id": {"type": "integer", "format": "int64"},
              "value": {"description": "The field's value, of any type."}
            }
          },
          "ZendeskTicket": {
            "type": "object",
            "required": [
              "id", "url", "external_id", "subject", "raw_subject", "priority", "status", "type", "requester_id",
              "submitter_id", "assignee_id", "group_id", "organization_id", "tags", "custom_fields", "fields",
              "via", "created_at", "updated_at"
            ],
            "properties": {
              "id": {"type": "integer", "format": "int64"},
              "url": {"type": "string", "format": "uri"},
              "external_id": {"type": ["string", "null"]},
              "subject": {"type": ["string", "null"]},
              "raw_subject": {"type": ["string", "null"]},
              "priority": {"type": ["string", "null"]},
              "status": {"type": "string", "enum": ["new", "open", "pending", "hold", "solved", "closed"]},
              "type": {"type": ["string", "null"]},
              "requester_id": {"type": ["integer", "null"], "format": "int64"},
              "submitter_id": {"type": ["integer", "null"], "format": "int64"},
              "assignee_id": {"type": ["integer", "null"], "format": "int64"},
              "group_id": {"type": ["integer", "null"], "format": "int64"},
              "organization_id": {"type": "null"},
              "tags": {"type": "array", "items": {"type": "string"}},
              "custom_fields": {"type": "array", "items": {"$ref": "#/components/schemas/ZendeskCustomField"}},
              "fields": {"type": "array", "items": {"$ref": "#/components/schemas/ZendeskCustomField"}},
              "via": {"type": "object", "required": ["channel"], "properties": {"channel": {"type": "string"}}},
              "created_at": {"type": "string", "format": "date-time"},
              "updated_at": {"type": "string", "format": "date-time"}
            }
          },
          "ZendeskTicketAnswer": {
            "type": "object",
            "required": ["ticket"],
            "properties": {"ticket": {"$ref": "#/components/schemas/ZendeskTicket"}}
          },
          "ZendeskTicketChangeAnswer": {
            "type": "object",
            "required": ["ticket", "audit"],
            "properties": {
              "ticket": {"$ref": "#/components/schemas/ZendeskTicket"},
              "audit": {
                "type": "object",
                "required": ["id", "ticket_id", "created_at", "author_id", "events"],
                "properties": {
                  "id": {"type": "integer", "format": "int64"},
                  "ticket_id": {"type": "integer", "format": "int64"},
                  "created_at": {"type": "string", "format": "date-time"},
                  "author_id": {"type": "integer", "format": "int64"},
                  "events": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "required": ["id", "type", "author_id", "body", "public"],
                      "properties": {
                        "id": {"type": "integer", "format": "int64"},
                        "type": {"type": "string"},
                        "author_id": {"type": "integer", "format": "int64"},
                        "body": {"type": "string"},
                        "public": {"type": "boolean"}
                      }
                    }
                  }
                }
              }
            }
          },
          "ZendeskComment": {
            "type": "object",
            "required": [
              "id", "type", "author_id", "body", "plain_body", "html_body", "public", "attachments",
              "created_at"
            ],
            "properties": {
              "id": {"type": "integer", "format": "int64"},
              "type": {"type": "string"},
              "author_id": {"type": "integer", "format": "int64"},
              "body": {"type": "string"},
              "plain_body": {"type": "string"},
              "html_body": {"type": "string"},
              "public": {"type": "boolean"},
              "attachments": {"type": "array", "items": {}},
              "created_at": {"type": "string", "format": "date-time"}
            }
          },
          "ZendeskCommentsAnswer": {
            "type": "object",
            "required": ["comments"],
            "properties": {
              "comments": {"type": "array", "items": {"$ref": "#/components/schemas/ZendeskComment"}},
              "next_page": {"type": ["string", "null"], "format": "uri"},
              "previous_page": {"type": ["string", "null"], "format": "uri"},
              "count": {"type": "integer", "format": "int64"},
              "meta": {"$ref": "#/components/schemas/ZendeskPageMeta"},
              "links": {"$ref": "#/components/schemas/ZendeskPageLinks"}
            }
          },
          "ZendeskNewApprovalRequestMembers": {
            "type": "object",
            "required": ["subject", "message", "ticket_id"],
            "properties": {
              "subject": {"type": "string", "maxLength": 1000},
              "message": {"type": "string", "maxLength": 100000},
              "ticket_id": {"type": "integer", "format": "int64"},
              "assignee_user_id": {"type": "integer", "format": "int64"},
              "assignee_user": {
                "type": "integer",
                "format": "int64",
                "description": "What the earlier API calls `assignee_user_id`."
              },
              "assignee_group_id": {"type": "integer", "format": "int64"}
            }
          },
          "ZendeskNewApprovalRequest": {
            "description": "Either a person or a group is the assignee.",
            "anyOf": [
              {"$ref": "#/components/schemas/ZendeskNewApprovalRequestMembers"},
              {
                "type": "object",
                "required": ["approval_request"],
                "properties": {
                  "approval_request": {"$ref": "#/components/schemas/ZendeskNewApprovalRequestMembers"}
                }
              }
            ]
          },
          "ZendeskNewInstanceMembers": {
            "type": "object",
            "required": ["name", "ticket_id"],
            "properties": {
              "name": {"type": "string", "maxLength": 1000},
              "ticket_id": {"type": "integer", "format": "int64"}
            }
          },
          "ZendeskNewInstance": {
            "anyOf": [
              {"$ref": "#/components/schemas/ZendeskNewInstanceMembers"},
              {
                "type": "object",
                "required": ["approval_workflow_instance"],
                "properties": {
                  "approval_workflow_instance": {"$ref": "#/components/schemas/ZendeskNewInstanceMembers"}
                }
              }
            ]
          },
          "ZendeskDecisionMembers": {
            "type": "object",
            "required": ["status"],
            "properties": {
              "status": {"type": "string", "enum": ["approved", "rejected", "withdrawn"]},
              "notes": {"type": "string", "maxLength": 5000},
              "digest": {"type": "string", "maxLength": 64}
            }
          },
          "ZendeskDecisionInput": {
            "anyOf": [
              {"$ref": "#/components/schemas/ZendeskDecisionMembers"},
              {
                "type": "object",
                "required": ["decision"],
                "properties": {"decision": {"$ref": "#/components/schemas/ZendeskDecisionMembers"}}
              }
            ]
          },
          "ZendeskMessageMembers": {
            "type": "object",
            "required": ["approval_request_id", "message"],
            "properties": {
              "approval_request_id": {"type": "string"},
              "message": {"type": "string", "maxLength": 5000}
            }
          },
          "ZendeskMessageInput": {
            "anyOf": [
              {"$ref": "#/components/schemas/ZendeskMessageMembers"},
              {
                "type": "object",
                "required": ["approval_clarification_flow_message"],
                "properties": {
                  "approval_clarification_flow_message": {"$ref": "#/components/schemas/ZendeskMessageMembers"}
                }
              }
            ]
          },
          "ZendeskTicketInput": {
            "type": "object",
            "required": ["ticket"],
            "properties": {
              "ticket": {
                "type": "object",
                "properties": {
                  "subject": {"type": "string", "maxLength": 1000},
                  "description": {"type": "string"},
                  "comment": {
                    "type": "object",
                    "properties": {
                      "body": {"type": "string"},
                      "html_body": {"type": "string"},
                      "public": {"type": "boolean", "default": true}
                    }
                  },
                  "status": {"type": "string", "enum": ["new", "open", "pending", "hold", "solved", "closed"]},
                  "priority": {"type": "string", "enum": ["low", "normal", "high", "urgent"]},
                  "type": {"type": "string", "enum": ["problem", "incident", "question", "task"]},
                  "requester_id": {"type": "integer", "format": "int64"},
                  "requester": {"type": "object", "properties": {"email": {"type": "string", "format": "email"}}},
                  "assignee_id": {"type": "integer", "format": "int64"},
                  "group_id": {"type": "integer", "format": "int64"},
                  "external_id": {"type": "string", "maxLength": 200},
                  "tags": {"type": "array", "items": {"type": "string"}},
                  "additional_tags": {"type": "array", "items": {"type": "string"}},
                  "remove_tags": {"type": "array", "items": {"type": "string"}},
                  "custom_fields": {
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/ZendeskCustomField"}
                  }
                }
              }
            }
          }
        }
        """;
}
