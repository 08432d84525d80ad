// A server that is used: a thousand rooms and two hundred channels, on a desk and on a phone.
import type { Page } from "@playwright/test";
import type { Person } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { expect, named, test as base } from "../support/test.ts";

const ROOMS = 1_000;
const CHANNELS = 200;
/** The server makes these by itself. */
const BEGIN = ["general", "tech", "random"];

type Fixtures = { at: (name: string, options?: object) => Promise<Person> };

const test = base.extend<Fixtures, { full: Server }>({
  full: [
    async ({}, use) => {
      const full = await Server.start({ env: { IDOBATA_LIMIT_ROOMS: "off", IDOBATA_MAX_ROOMS: `${ROOMS}` } });
      await fill(full);
      await use(full);
      await full.stop();
    },
    { scope: "worker" },
  ],
  at: async ({ full, somebody }, use) => {
    await use(async (name, options) => named(await somebody({ baseURL: full.url, ...options }), name));
  },
});

/** The first value of a channel: no other has it. */
const valueOf = (channel: string) => 1_000 + Number(channel.split("-")[1]);

async function fill(server: Server) {
  const post = async (path: string, body: object, token?: string) => {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const answer = await fetch(server.url + path, { method: "POST", body: JSON.stringify(body), headers });
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const { token } = (await post("/api/session", { name: "carol" })) as { token: string };
  for (let room = BEGIN.length; room < ROOMS; room += 20) {
    const some = Array.from({ length: Math.min(20, ROOMS - room) }, (_, index) => ({ name: `room ${room + index}` }));
    await Promise.all(some.map((room) => post("/api/rooms", room, token)));
  }
  const channels = Array.from({ length: CHANNELS }, (_, channel) => `channel-${channel}`);
  for (let channel = 0; channel < CHANNELS; channel += 20) {
    const some = channels.slice(channel, channel + 20);
    await Promise.all(some.map((channel) => post(`/api/events/${channel}`, { type: "update", key: "load", value: valueOf(channel), unit: "%" })));
    await Promise.all(some.map((channel) => post(`/api/events/${channel}`, { title: `news of ${channel}`, text: "all is well" })));
  }
}

const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
const current = (page: Page) => page.locator(".navigation [aria-current=page]");
const scrolled = (page: Page) => page.evaluate(() => [scrollY, document.querySelector(".navigation")!.scrollTop]);

test("two people talk in the last of a thousand rooms, which is in view in the list", async ({ at }) => {
  const [alice, bob] = [await at("alice"), await at("bob")];
  for (const person of [alice, bob]) {
    await person.enterRoom("room-999");
    await expect(current(person.page)).toHaveText("room 999");
    await expect(current(person.page)).toBeInViewport({ ratio: 1 });
    await expect(person.page.locator(".menu > button"), "oneself stays in view").toBeInViewport({ ratio: 1 });
    await expect(person.composer).toBeInViewport({ ratio: 1 });
    expect(await overflow(person.page)).toBeLessThanOrEqual(0);
  }
  await expect(alice.page.locator(".section:not(.section--channels) li")).toHaveCount(ROOMS);
  await alice.post("is anybody here?");
  await bob.expectMessages("is anybody here?");
  await bob.post("in the last room");
  await alice.expectMessages("is anybody here?", "in the last room");
});

test("the list of rooms scrolls by itself, and the page stays", async ({ at }) => {
  const { page } = await at("alice");
  await page.goto("/rooms/room-500");
  await expect(page.locator(".conversation [data-connection=open]")).toBeVisible();
  const [, before] = await scrolled(page);
  await page.locator(".navigation").hover();
  await page.mouse.wheel(0, 600);
  await expect.poll(async () => (await scrolled(page))[1]).toBeGreaterThan(before!);
  expect((await scrolled(page))[0], "the page does not move").toBe(0);
  // To either end, as far as the wheel turns: the page does not begin to move there.
  await page.mouse.wheel(0, 1_000_000);
  await expect(page.locator(".new-room")).toBeInViewport();
  await page.mouse.wheel(0, 1_000);
  await page.mouse.wheel(0, -1_000_000);
  await expect(page.locator(".navigation > a").first()).toBeInViewport();
  expect((await scrolled(page))[0]).toBe(0);
});

test("the page scrolls, and the list of rooms stays", async ({ at }) => {
  const alice = await at("alice");
  const { page } = alice;
  await alice.open("/");
  const list = (await scrolled(page))[1]!;
  await page.locator(".notifications").hover();
  await page.mouse.wheel(0, 700);
  await expect.poll(async () => (await scrolled(page))[0]).toBeGreaterThan(0);
  expect((await scrolled(page))[1]).toBe(list);
  await expect(page.locator(".brand").first()).toBeInViewport();
  await expect(page.locator(".menu > button")).toBeInViewport({ ratio: 1 });
});

test("from room to room by the list the clicked one is in view, and by back and forward, too", async ({ at }) => {
  const alice = await at("alice");
  const { page } = alice;
  const heading = page.locator("main h1");
  await alice.enterRoom("room-10");
  await page.getByRole("link", { name: "room 990", exact: true }).click();
  await expect(heading).toHaveText("room 990");
  await expect(current(page)).toHaveText("room 990");
  await expect(current(page)).toBeInViewport({ ratio: 1 });
  await page.goBack();
  await expect(heading).toHaveText("room 10");
  await expect(current(page)).toHaveText("room 10");
  await expect(current(page), "the current room is in view after a step back").toBeInViewport({ ratio: 1 });
  await page.goForward();
  await expect(heading).toHaveText("room 990");
  await expect(current(page)).toBeInViewport({ ratio: 1 });
});

test("on a phone the current room is in view in the drawer, and every room is reached", async ({ at }) => {
  const phone = await at("alice", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const { page } = phone;
  await phone.enterRoom("room-700");
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  const menu = page.getByRole("button", { name: "Menu" });
  await menu.tap();
  await expect(current(page)).toHaveText("room 700");
  await expect(current(page)).toBeInViewport({ ratio: 1 });
  await expect(page.locator(".menu > button")).toBeInViewport({ ratio: 1 });
  for (const name of ["room 999", "general", "room 333"]) {
    const link = page.getByRole("link", { name, exact: true });
    await link.scrollIntoViewIfNeeded();
    await link.tap();
    await expect(page.locator("main h1")).toHaveText(name);
    await expect(page.locator("#sidebar"), "the drawer closes with a choice").toBeHidden();
    await menu.tap();
    await expect(current(page)).toHaveText(name);
    await expect(current(page)).toBeInViewport({ ratio: 1 });
  }
});

test("of two hundred channels the newest values are beside the news, and a channel that speaks comes in", async ({ at, full }) => {
  const alice = await at("alice");
  const { page } = alice;
  await alice.open("/");
  await expect(page.locator(".feed-page [data-connection=open]")).toBeVisible();
  await expect(page.locator(".value-card")).not.toHaveCount(0);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  for (const channel of ["channel-0", "channel-100"]) {
    await full.publish(channel, { type: "update", key: "load", value: 99.25, unit: "%" });
    const card = page.locator(`.value-card[data-channel="${channel}"]`);
    await expect(card.locator(".series__value")).toHaveText("99.25 %");
    await card.scrollIntoViewIfNeeded();
    await expect(card).toBeInViewport();
  }
});

test("every one of two hundred channels is in the sidebar, and its page shows its values and news", async ({ at }) => {
  const alice = await at("alice");
  const { page } = alice;
  await alice.open("/");
  const links = page.locator(".section--channels a");
  const channels = Array.from({ length: CHANNELS }, (_, channel) => `channel-${channel}`).sort();
  await expect(links).toHaveText([...channels, "server"]);
  await expect(page.getByRole("link", { name: "general", exact: true }), "the rooms are near").toBeInViewport();
  // By their addresses all of them, as the server draws their pages.
  const addresses = await links.evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).pathname));
  for (let index = 0; index < CHANNELS; index += 20) {
    const some = channels.slice(index, index + 20);
    const pages = some.map(async (channel, at) => (await page.request.get(addresses[index + at]!)).text());
    for (const [at, html] of (await Promise.all(pages)).entries()) {
      expect(html).toContain(`${valueOf(some[at]!)}.000`);
      expect(html).toContain(`news of ${some[at]}<`);
      expect(html.match(/<article [^>]*class="value-card"/g), "and no other's").toHaveLength(1);
    }
  }
  // By hand some, near the ends and in between.
  for (const channel of [channels[0]!, channels[120]!, channels[CHANNELS - 1]!]) {
    const link = page.locator(`.section--channels a[href="/feed/${channel}"]`);
    await link.scrollIntoViewIfNeeded();
    await link.click();
    await expect(page.locator("main h1")).toHaveText(channel);
    await expect(page.locator(".values__value", { hasText: `${valueOf(channel)}.000` })).toBeVisible();
    await expect(page.getByText(`news of ${channel}`, { exact: true })).toBeVisible();
    await expect(current(page)).toHaveText(channel);
    await expect(current(page)).toBeInViewport({ ratio: 1 });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  }
  await page.goBack();
  await expect(page.locator("main h1")).toHaveText(channels[120]!);
  await expect(current(page)).toHaveText(channels[120]!);
  await expect(current(page), "the current channel is in view after a step back").toBeInViewport({ ratio: 1 });
});

test("on a phone every channel is reached by the drawer", async ({ at }) => {
  const phone = await at("alice", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const { page } = phone;
  await phone.open("/");
  const menu = page.getByRole("button", { name: "Menu" });
  for (const channel of ["channel-99", "channel-0", "channel-150"]) {
    await menu.tap();
    const link = page.locator(`.section--channels a[href="/feed/${channel}"]`);
    await link.scrollIntoViewIfNeeded();
    await link.tap();
    await expect(page.locator("main h1")).toHaveText(channel);
    await expect(page.locator("#sidebar")).toBeHidden();
    await expect(page.getByText(`news of ${channel}`, { exact: true })).toBeVisible();
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  }
  await menu.tap();
  await expect(current(page)).toHaveText("channel-150");
  await expect(current(page)).toBeInViewport({ ratio: 1 });
});

test("the news of all of two hundred channels can be reached", async ({ at }) => {
  const alice = await at("alice");
  const { page } = alice;
  await alice.open("/");
  const more = page.getByRole("button", { name: "Show earlier notifications" });
  while (await more.isVisible()) {
    const count = await page.locator(".notifications .notification").count();
    await more.click();
    await expect(page.locator(".notifications .notification")).not.toHaveCount(count);
  }
  for (const channel of [0, 100, CHANNELS - 1]) {
    await expect(page.getByText(`news of channel-${channel}`, { exact: true })).toHaveCount(1);
  }
});

test("the new room beyond the limit is refused in words, and the server goes on", async ({ at, expectedFaults }) => {
  expectedFaults.push(/^403 .*\/rooms|status of 403/);
  const alice = await at("alice");
  await alice.enterRoom("general");
  await alice.page.getByText("New room").click();
  await alice.page.getByLabel("Name of the new room").fill("one too many");
  await alice.page.getByRole("button", { name: "Create" }).click();
  await expect(alice.page.getByRole("alert")).toHaveText("This server has reached its limit of rooms.");
  await expect(alice.page.getByLabel("Name of the new room")).toHaveValue("one too many");
});
