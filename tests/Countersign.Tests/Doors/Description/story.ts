// A client as developers write it, with types generated from /openapi/v1.json: a source submits a request, a person
// looks at it and decides it, and the source reads the outcome.
import createClient from "openapi-fetch";
import type { components, paths } from "./v1.js";

declare const process: { argv: string[]; exitCode: number };

type Request = components["schemas"]["Request"];

const [base, key, email, token] = process.argv.slice(2);

function client(authorization: string) {
  return createClient<paths>({ baseUrl: base, headers: { Authorization: authorization } });
}

const source = client(`Bearer ${key}`);
const person = client(`Basic ${btoa(`${email}/token:${token}`)}`);

async function submit(): Promise<Request> {
  // @ts-expect-error A request needs a subject.
  const wrong = await source.POST("/api/v1/requests", { body: { message: "Without a subject." } });
  if (wrong.error?.code !== "invalid" || wrong.error.errors?.["subject"] === undefined) {
    throw new Error(`expected the missing subject to be named: ${JSON.stringify(wrong.error)}`);
  }
  const { data, error } = await source.POST("/api/v1/requests", {
    params: { header: { "Idempotency-Key": "story-1" } },
    body: {
      subject: "Turn on loyalty points",
      externalId: "deploy-4711",
      facts: { environment: "production", risk: 2 },
      assignee: { group: "SRE" },
    },
  });
  if (error) throw new Error(`submitting: ${error.code}`);
  return data;
}

async function decide(id: string) {
  const inbox = await person.GET("/api/v1/requests", { params: { query: { waiting: "me", status: ["active"] } } });
  if (inbox.data?.requests.some((request) => request.id === id) !== true) throw new Error("it isn't in the inbox");
  const seen = await person.GET("/api/v1/requests/{id}", { params: { path: { id } } });
  if (seen.error) throw new Error(`looking: ${seen.error.code}`);
  return person.POST("/api/v1/requests/{id}/decisions", {
    params: { path: { id } },
    body: { answer: "approve", note: "Looks good.", digest: seen.data.digest },
  });
}

async function story(): Promise<string> {
  const { id } = await submit();
  const decided = await decide(id);
  if (decided.error) throw new Error(`deciding: ${decided.error.code}`);
  const { data, error } = await source.GET("/api/v1/requests/{id}", {
    params: { path: { id }, query: { wait: "10s" } },
  });
  if (error) throw new Error(`reading: ${error.code}`);
  // @ts-expect-error There is no such status.
  if (data.status === "declined") throw new Error("LaunchDarkly's word");
  const again = await person.POST("/api/v1/requests/{id}/comments", {
    params: { path: { id } },
    body: { text: "Too late." },
  });
  return `${data.status} by ${data.decisions?.[0]?.person.name}, then ${again.error?.code}`;
}

story().then(
  (outcome) => console.log(outcome),
  (failure) => {
    console.error(failure);
    process.exitCode = 1;
  },
);
