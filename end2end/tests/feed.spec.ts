// The feed as people see it: values that move, notices that stay.
import { expect, test } from "../support/test.ts";

test("the feed moves and keeps the last ten values", async ({ alice }) => {
  await alice.open("/");
  const tile = alice.page.locator('.value-card[data-channel="server"]');
  const values = tile.locator(".values li");
  await expect(values).toHaveCount(10);
  const first = await values.first().innerText();
  await expect(values.first()).not.toHaveText(first, { useInnerText: true });
  await expect(values).toHaveCount(10);
  await expect(values.last().locator(".values__value")).toHaveText(/^\d+\.\d{3}( \S+)?$/);
  await expect(alice.page.locator(".feed-page > .page__header [data-connection=open]")).toHaveText("Connected");
});

test("a plot is drawn from the values as they come", async ({ alice }) => {
  await alice.open("/");
  const line = alice.page.getByRole("img", { name: "Plot of cpu in server" }).locator("polyline");
  const before = await line.getAttribute("points");
  await expect(line).not.toHaveAttribute("points", before!);
});

test("what curl publishes shows on every open page", async ({ alice, bob, server }) => {
  const text = `backup done ${crypto.randomUUID()}`;
  await alice.open("/");
  await bob.enterRoom("random");
  await server.publish("ops", text);
  await expect(alice.page.locator(".notification", { hasText: text })).toContainText("ops");
  await expect(bob.page.locator(".ticker .notification", { hasText: text })).toBeVisible();
});

test("a notice shows its title, level, tags and link, and a progress its bar", async ({ alice, server }) => {
  const mark = crypto.randomUUID();
  await alice.open("/");
  await server.publish("ops", {
    type: "notification",
    title: `disk ${mark}`,
    text: "92 % of /var",
    level: "warning",
    tags: ["disk", "db-1"],
    link: "https://example.com/runbook",
  });
  const notice = alice.page.locator(".notification", { hasText: mark });
  await expect(notice).toContainText("Warning");
  await expect(notice.getByRole("listitem")).toHaveText(["disk", "db-1"]);
  await expect(notice.getByRole("link")).toHaveAttribute("href", "https://example.com/runbook");
  await server.publish("ops", { type: "progress", key: mark, done: 1, total: 4 });
  await expect(alice.page.getByRole("progressbar", { name: mark })).toHaveAttribute("value", "1");
  await server.publish("ops", { type: "progress", key: mark, done: 3, total: 4 });
  await expect(alice.page.getByRole("progressbar", { name: mark })).toHaveAttribute("value", "3");
  await expect(alice.page.getByRole("progressbar", { name: mark })).toHaveCount(1);
});

test("the page keeps ten notices and shows earlier ones when asked", async ({ alice, server }) => {
  const mark = crypto.randomUUID();
  const batch = Array.from({ length: 15 }, (_, index) => ({ text: `${mark} number ${index + 1}.` }));
  await server.publish("ops", batch);
  await alice.open("/");
  const mine = alice.page.locator(".notification", { hasText: mark });
  await expect(mine.first(), "the newest is on top").toContainText("number 15.");
  expect(await alice.page.locator(".notification").count()).toBe(10);
  await server.publish("ops", `${mark} number 16.`);
  await expect(mine.first()).toContainText("number 16.");
  expect(await alice.page.locator(".notification").count()).toBe(10);
  await alice.page.getByRole("button", { name: "Show earlier notifications" }).click();
  await expect(mine).toHaveCount(16);
  await expect(mine.last()).toContainText("number 1.");
});

test("the first paint already has the feed", async ({ alice, server }) => {
  const text = `painted ${crypto.randomUUID()}`;
  await server.publish("ops", text);
  const html = await (await alice.context.request.get("/")).text();
  expect(html).toContain(text);
  expect(html).toContain('data-channel="server"');
});

test("what the first paint had is not asked for again", async ({ alice, server }) => {
  await server.publish("ops", "painted once");
  const asked: string[] = [];
  alice.page.on("request", (request) => asked.push(new URL(request.url()).pathname + new URL(request.url()).search));
  await alice.open("/");
  await expect(alice.page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();
  await alice.enterRoom("general");
  await expect(alice.page.locator(".ticker [data-connection=open]")).toBeVisible();
  expect(asked.filter((path) => path.startsWith("/fn/"))).toEqual([]);
  const streams = asked.filter((path) => path.startsWith("/api/"));
  expect(streams, "one stream a page, from the cursor that was painted").toHaveLength(2);
  for (const stream of streams) expect(stream).toMatch(/^\/api\/events\?heartbeat=true&after=\w+:[1-9]\d*$/);
});
