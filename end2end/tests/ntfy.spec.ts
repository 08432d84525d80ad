// Programs that speak ntfy, beside pages: what they send shows on the feed, and what they read is what the feed has.
import { expect, test } from "../support/test.ts";

test("what a sender to ntfy sends shows on the feed with its links", async ({ alice, server }) => {
  const mark = crypto.randomUUID();
  await alice.open("/");
  const sent = await fetch(`${server.url}/ops`, {
    method: "PUT",
    headers: {
      Title: `disk ${mark}`,
      Priority: "high",
      Tags: "warning,db-1",
      Click: "https://example.com/runbook",
      Actions: "view, Open the job, https://example.com/job; http, Restart, https://example.com/restart, method=PUT",
    },
    body: "92 % of /var",
  });
  expect(await sent.json()).toMatchObject({ event: "message", topic: "ops", priority: 4, tags: ["warning", "db-1"] });
  const notice = alice.page.locator(".notification", { hasText: mark });
  await expect(notice).toContainText("Warning");
  await expect(notice.getByRole("listitem")).toHaveText(["⚠️", "db-1"]);
  for (const [name, href] of [
    ["Read more", "https://example.com/runbook"],
    ["Open the job", "https://example.com/job"],
    ["Restart", "https://example.com/restart"],
  ]) {
    await expect(notice.getByRole("link", { name })).toHaveAttribute("href", href);
  }
});

test("a browser follows a topic, and its last id is where to read on", async ({ alice, server }) => {
  const topic = `t-${crypto.randomUUID()}`;
  const say = (text: string) => fetch(`${server.url}/${topic}`, { method: "POST", body: text });
  await alice.open("/");
  const heard = await alice.page.evaluateHandle((topic) => {
    const heard = { open: false, texts: [] as string[], last: "" };
    const source = new EventSource(`/${topic}/sse`);
    source.addEventListener("open", () => (heard.open = true));
    source.addEventListener("message", (event) => {
      heard.texts.push(JSON.parse(event.data).message);
      heard.last = event.lastEventId;
      if (heard.texts.length === 2) source.close();
    });
    return heard;
  }, topic);
  await expect.poll(() => heard.evaluate((heard) => heard.open)).toBe(true);
  for (const text of ["one", "two", "three"]) expect((await say(text)).status).toBe(200);
  await expect.poll(() => heard.evaluate((heard) => heard.texts)).toEqual(["one", "two"]);
  const since = await heard.evaluate((heard) => heard.last);
  const missed = await fetch(`${server.url}/${topic}/raw?poll=1&since=${since}`);
  expect(await missed.text()).toBe("three\n");
});
