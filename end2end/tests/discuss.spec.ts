// Talk about events: a message that quotes one begins a thread, the event shows where it is talked about, and the message
// what has become of the event.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name}-${crypto.randomUUID().slice(0, 8)}`;
const row = (page: Page, text: string) => page.locator(".notifications .notification", { hasText: text });
const state = (page: Page) => page.locator(".conversation .event-state");

test("alice discusses an alert, bob answers, the alert shows it, and its message shows that it is over", async ({ alice, bob, server }) => {
  const channel = unique("alert");
  const room = await bob.makeRoom(unique("incident"));
  await server.publish(channel, { title: "Disk full", text: "92 % of /var", level: "error", key: "disk" });
  await alice.open(`/feed/${channel}`);
  const discuss = row(alice.page, "Disk full").getByRole("link", { name: "Discuss" });
  await discuss.click();
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("Disk full");
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
  await alice.page.getByLabel("Room", { exact: true }).selectOption(room);
  await alice.page.getByRole("button", { name: "Discuss" }).click();
  await expect(alice.page).toHaveURL(new RegExp(`/rooms/${room}/thread/1$`));
  await expect(alice.page.locator("section.thread .message blockquote")).toContainText("Error: Disk full");

  // In the room of bob it comes with its state, and he answers in its thread.
  await expect(bob.messages.locator("blockquote")).toContainText("92 % of /var");
  await expect(state(bob.page)).toHaveText("now: Error");
  await bob.postByRequest(room, "by the way");
  const data = { id: crypto.randomUUID(), text: "on it", thread: 1 };
  expect((await bob.context.request.post(`/api/rooms/${room}/messages`, { data })).status()).toBe(201);
  await expect(alice.page.locator("section.thread .message")).toHaveCount(2);

  // The alert shows it, and pressing it again leads to the same thread.
  await alice.open(`/feed/${channel}`);
  const talk = row(alice.page, "Disk full").locator(".notification__talk");
  await expect(talk).toContainText("1 answer");
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
  await server.publish(channel, { title: "Disk fine", text: "41 % of /var", level: "success", key: "disk" });
  await expect(row(alice.page, "Disk fine").locator(".notification__talk"), "the newer state has the same talk").toContainText("1 answer");
  await expect(state(bob.page)).toHaveText("now: Success Disk fine");
  await row(alice.page, "Disk fine").getByRole("link", { name: "1 answer" }).click();
  await expect(alice.page.locator("section.thread .message").last()).toContainText("on it");
});

test("what is said while the page of the feed is open comes to the event by itself", async ({ alice, bob, server }) => {
  test.slow(); // pages ask now and then
  const channel = unique("open");
  const room = await bob.makeRoom(unique("open"));
  await server.publish(channel, { text: "look at this" });
  await alice.open(`/feed/${channel}`);
  const talk = row(alice.page, "look at this").locator(".notification__talk");
  await expect(talk.getByRole("link")).toHaveCount(1);
  await bob.open(`/feed/${channel}`);
  await row(bob.page, "look at this").getByRole("link", { name: "Discuss" }).click();
  await bob.page.getByLabel("Room", { exact: true }).selectOption(room);
  await bob.page.getByRole("button", { name: "Discuss" }).click();
  await expect(talk.getByRole("link")).toHaveCount(2, { timeout: 30_000 });
  await expect(talk).toContainText(room.slice(0, 4));
});

test("what is said in a room that one follows comes to the event at once, and a page that nobody looks at asks nothing", async ({ alice, bob, server }) => {
  const channel = unique("live");
  await server.publish(channel, { text: "look at this" });
  await alice.page.clock.install();
  const room = await bob.makeRoom(unique("live"));
  await alice.enterRoom(room);
  await alice.page.clock.runFor(1_000);
  await alice.open(`/feed/${channel}`);
  const talk = row(alice.page, "look at this").locator(".notification__talk");
  await expect(talk.getByRole("link")).toHaveCount(1);
  // From here on her clock moves by less than the time after which the page asks by itself.
  await alice.page.clock.pauseAt((await alice.page.evaluate(() => Date.now())) + 100);
  await bob.open(`/feed/${channel}`);
  await row(bob.page, "look at this").getByRole("link", { name: "Discuss" }).click();
  await bob.page.getByLabel("Room", { exact: true }).selectOption(room);
  await bob.page.getByRole("button", { name: "Discuss" }).click();
  let passed = 0;
  await expect(async () => {
    if (passed < 10_000) await alice.page.clock.runFor(500);
    passed += 500;
    await expect(talk.getByRole("link")).toHaveCount(2, { timeout: 200 });
  }).toPass();
  // Hidden, it asks nothing, and it asks at once when she looks again.
  let asked = 0;
  alice.page.on("request", (request) => (asked += Number(request.url().includes("/fn/events"))));
  const look = (state: string) =>
    alice.page.evaluate((state) => {
      for (const [name, value] of [["hidden", state === "hidden"], ["visibilityState", state]] as const) Object.defineProperty(document, name, { configurable: true, value });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, state);
  await look("hidden");
  await alice.page.clock.runFor(600_000);
  expect(asked).toBe(0);
  await look("visible");
  await alice.page.clock.runFor(1_000);
  await expect.poll(() => asked).toBe(1);
});

test("a room that somebody may not enter is named to them nowhere", async ({ alice, bob, server }) => {
  const channel = unique("secret");
  await alice.open("/");
  const name = unique("vault");
  await alice.makePrivateRoom(name);
  const room = new URL(alice.page.url()).pathname.split("/").at(-1)!;
  await server.publish(channel, { text: "a finding", key: "finding" });
  await alice.open(`/feed/${channel}`);
  await row(alice.page, "a finding").getByRole("link", { name: "Discuss" }).click();
  await alice.page.getByLabel("Room", { exact: true }).selectOption(room);
  await alice.page.getByRole("button", { name: "Discuss" }).click();
  await alice.open(`/feed/${channel}`);
  await expect(row(alice.page, "a finding").locator(".notification__talk")).toContainText(name);
  await bob.open(`/feed/${channel}`);
  await expect(row(bob.page, "a finding").getByRole("link", { name: "Discuss" })).toBeVisible();
  expect(await bob.page.content()).not.toContain(name);
  await row(bob.page, "a finding").getByRole("link", { name: "Discuss" }).click();
  await expect(bob.page.getByRole("button", { name: "Discuss" })).toBeVisible();
  expect(await bob.page.content()).not.toContain(name);
});

test("without a script one discusses an event all the same, in Japanese on a phone", async ({ somebody, bob, server }) => {
  const channel = unique("plain");
  const room = await bob.makeRoom(unique("plain"));
  await server.publish(channel, { title: "ディスク", text: "残り8 %", level: "warning", key: "disk" });
  const plain = await somebody({ javaScriptEnabled: false, viewport: { width: 390, height: 844 }, locale: "ja" });
  await plain.page.goto("/language/ja");
  await plain.page.goto(`/feed/${channel}`);
  await row(plain.page, "ディスク").getByRole("link", { name: "話題にする" }).click();
  await plain.page.getByLabel("ルーム", { exact: true }).selectOption(room);
  await plain.page.getByRole("button", { name: "話題にする" }).click();
  await expect(plain.page.locator("section.thread blockquote")).toContainText("注意: ディスク");
  await server.publish(channel, { title: "ディスク", text: "空きあり", level: "success", key: "disk" });
  await plain.page.goto(`/rooms/${room}`);
  await expect(plain.page.locator(".event-state")).toContainText("現在: 成功");
  await plain.page.goto(`/feed/${channel}`);
  await expect(row(plain.page, "ディスク").locator(".notification__talk")).toContainText("話題");
  expect(await plain.page.evaluate(() => document.documentElement.scrollWidth).catch(() => 390)).toBeLessThanOrEqual(390);
});
