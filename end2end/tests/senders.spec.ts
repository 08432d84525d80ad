// Webhooks as GitHub sends them: each of the documents that its users collected becomes a good line.
import { createRequire } from "node:module";
import { expect, test } from "../support/test.ts";

type Example = { name: string; examples: Record<string, unknown>[] };
const examples: Example[] = createRequire(import.meta.url)("@octokit/webhooks-examples");

test("every document that GitHub is known to send is an event with a title", async ({ request: api, server }) => {
  const channel = `github-${crypto.randomUUID().slice(0, 8)}`;
  const made = await api.post(`${server.url}/api/publishers`, { data: { name: "GitHub", channels: [channel] } });
  const { token } = await made.json();
  const documents = examples.flatMap(({ name, examples }) => examples.map((document) => ({ name, document })));
  expect(documents.length).toBeGreaterThan(300);
  for (const { name, document } of documents) {
    const headers = { "X-GitHub-Event": name, "X-GitHub-Delivery": crypto.randomUUID() };
    const sent = await api.post(`${server.url}/hooks/${token}/github`, { data: document, headers });
    expect([sent.status(), await sent.text()], `${name} ${JSON.stringify(document).slice(0, 200)}`).toEqual([200, '{"events":1}']);
  }
  const events: { title: string; offset: number }[] = [];
  for (let before = ""; events.length < documents.length; ) {
    const page = await (await api.get(`${server.url}/api/events?channel=${channel}&limit=200${before}`, { headers: { accept: "application/json" } })).json();
    events.unshift(...page.events);
    if (!page.more) break;
    before = `&before=${page.cursor.split(":")[0]}:${events[0]!.offset}`;
  }
  expect(events.length).toBe(documents.length);
  for (const [index, { title }] of events.entries()) {
    const { name } = documents[index]!;
    expect(title, name).not.toMatch(/undefined|null|: $|  |#:|^GitHub$/);
    expect(title.length, `${name}: ${title}`).toBeGreaterThan(12);
  }
  if (process.env.SHOW_TITLES) console.log(events.map(({ title }, index) => `${documents[index]!.name}\t${title}`).join("\n"));
});
