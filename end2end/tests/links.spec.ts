// Links to messages and to days: whoever opens one reads around it, and from there both ways, to the live end.
import type { Locator, Page } from "@playwright/test";
import axe from "axe-core";
import type { Person } from "../support/people.ts";
import { Proxy } from "../support/proxy.ts";
import { Server } from "../support/server.ts";
import { expect, named, test as base } from "../support/test.ts";

/** What the browser says of a page with a place that is not there. */
const test = base.extend({ expectedFaults: async ({}, use) => use([/^(404|410) /, /status of (404|410)/]) });

/** A browser without a network says so. */
const dropped = base.extend({ expectedFaults: async ({}, use) => use([/ERR_INTERNET_DISCONNECTED/]) });

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `message ${from + index}`);

const line = (person: Person, text: string) => person.messages.filter({ has: person.page.getByText(text, { exact: true }) });
const marked = (person: Person) => person.page.locator(".message[aria-current]");
const scroller = (person: Person) => person.page.locator(".message-list__scroller");
const toTheLatest = (person: Person) => person.page.locator(".to-the-latest");
const heading = (person: Person) => person.page.locator("main h1");
const path = (page: Page) => new URL(page.url()).pathname;

/** The address that the time of a message leads to. */
async function linkTo(person: Person, text: string): Promise<string> {
  const href = await line(person, text).locator(".message__time").getAttribute("href");
  expect(href).not.toBeNull();
  return href!;
}

/** Waits until the message is about in the middle of the list. */
async function expectInTheMiddle(person: Person, message: Locator) {
  await expect
    .poll(async () => {
      const [box, list] = [await message.boundingBox(), await scroller(person).boundingBox()];
      if (!box || !list) return NaN;
      return Math.abs(box.y + box.height / 2 - (list.y + list.height / 2)) / list.height;
    }, "it is in the middle")
    .toBeLessThan(0.2);
}

/** Scrolls like a wheel until the condition holds. */
async function wheelUntil(person: Person, by: number, isThere: () => Promise<void>) {
  await scroller(person).hover();
  await expect(async () => {
    await person.page.mouse.wheel(0, by);
    await isThere();
  }).toPass({ timeout: 40_000, intervals: [50] });
}

/** Bob says something in a room of his own, then much else; the link to it. */
async function saidLongAgo(bob: Person, later = 200): Promise<{ room: string; link: string; said: string[] }> {
  const room = await bob.makeRoom(unique("links"));
  const said = [...numbered(1, 60), "we meet at the well", ...numbered(62, 62 + later - 1)];
  await bob.postByRequest(room, ...said.slice(0, 61));
  await expect(line(bob, "we meet at the well")).toBeVisible();
  const link = await linkTo(bob, "we meet at the well");
  await bob.postByRequest(room, ...said.slice(61));
  return { room, link, said };
}

test("alice opens bob's link among 500 messages: she is at the message, which is marked and has the focus", async ({ alice, bob }) => {
  const { room, link } = await saidLongAgo(bob, 440);
  expect(link).toMatch(new RegExp(`^/rooms/${room}/61-[0-9a-z]{6}$`));
  await alice.open(link);
  await expect(marked(alice).locator(".message__text")).toHaveText("we meet at the well");
  await expect(marked(alice)).toBeFocused();
  await expectInTheMiddle(alice, marked(alice));
  await expect(line(alice, "message 60")).toBeInViewport();
  await expect(line(alice, "message 62")).toBeInViewport();
  await expect(line(alice, "message 501")).toHaveCount(0);
  await expect(toTheLatest(alice)).toHaveText(/Jump to latest/);
  // Without the epoch the present one is meant.
  await alice.open(`/rooms/${room}/61`);
  await expect(marked(alice).locator(".message__text")).toHaveText("we meet at the well");
});

test("from bob's link alice reads both ways to the live end while bob goes on, and misses nothing", async ({ alice, bob }) => {
  const { link, said, room } = await saidLongAgo(bob);
  await alice.open(link);
  await alice.expectConnected();
  await expectInTheMiddle(alice, marked(alice));
  await bob.postByRequest(room, "news 1", "news 2");
  said.push("news 1", "news 2");
  await expect(toTheLatest(alice)).toHaveText(/2 new messages/);
  await expectInTheMiddle(alice, marked(alice));
  await wheelUntil(alice, -1_500, () => expect(line(alice, "message 1")).toHaveCount(1, { timeout: 300 }));
  let news = 2;
  await wheelUntil(alice, 1_500, async () => {
    if (news < 8) {
      news += 1;
      await bob.postByRequest(room, `news ${news}`);
      said.push(`news ${news}`);
    }
    await expect(line(alice, said.at(-1)!)).toBeInViewport({ timeout: 300 });
  });
  await alice.expectMessages(...said);
  await expect(toTheLatest(alice)).toBeHidden();
  // There she is live, as always.
  await bob.postByRequest(room, "and the last");
  await expect(alice.messages.last()).toContainText("and the last");
  await expect(alice.messages.last()).toBeInViewport();
  await alice.post("I see");
  await alice.expectMessages(...said, "and the last", "I see");
});

test("the button leads from bob's link to the newest, and so does an answer", async ({ alice, bob }) => {
  const { link, room } = await saidLongAgo(bob);
  await alice.open(link);
  await alice.expectConnected();
  await bob.postByRequest(room, ...numbered(262, 273));
  await expect(toTheLatest(alice)).toHaveText(/12 new messages/);
  await toTheLatest(alice).click();
  await expect(alice.messages.last()).toContainText("message 273");
  await expect(alice.messages.last()).toBeInViewport();
  await expect(alice.messages).toHaveCount(62);
  await expect(toTheLatest(alice)).toBeHidden();
  await alice.open(link);
  await alice.expectConnected();
  await alice.post("I am coming");
  await expect(alice.messages.last()).toContainText("I am coming");
  await expect(alice.messages.last()).toBeInViewport();
  await expect(alice.page.locator(".message[data-state]")).toHaveCount(0);
  await bob.page.goto(`/rooms/${room}`);
  await expect(bob.messages.last()).toContainText("I am coming");
});

dropped("over a drop of the connection a reader at bob's link misses nothing", async ({ alice, bob }) => {
  const { link, said, room } = await saidLongAgo(bob, 60);
  await alice.open(link);
  await alice.expectConnected();
  await alice.context.setOffline(true);
  await bob.postByRequest(room, "said meanwhile");
  said.push("said meanwhile");
  await alice.context.setOffline(false);
  await wheelUntil(alice, 1_500, () => expect(line(alice, "said meanwhile")).toBeInViewport({ timeout: 300 }));
  await wheelUntil(alice, -1_500, () => expect(line(alice, "message 1")).toHaveCount(1, { timeout: 300 }));
  await alice.expectMessages(...said);
});

test("links within a room load no document, and back and forward return to the place", async ({ alice, bob }) => {
  const { link, room } = await saidLongAgo(bob, 120);
  await alice.enterRoom(room);
  await alice.page.evaluate(() => ((window as { kept?: boolean }).kept = true));
  const read = line(alice, "message 140");
  await read.evaluate((row) => row.scrollIntoView({ block: "center" }));
  await expect(toTheLatest(alice)).toBeVisible();
  const other = await linkTo(alice, "message 141");
  await line(alice, "message 141").locator(".message__time").click();
  await expect(marked(alice).locator(".message__text")).toHaveText("message 141");
  await expectInTheMiddle(alice, marked(alice));
  expect(path(alice.page)).toBe(other);
  await alice.page.evaluate((link) => {
    const anchor = Object.assign(document.createElement("a"), { href: link });
    document.querySelector(".conversation")!.append(anchor);
    anchor.click();
    anchor.remove();
  }, link);
  await expect(marked(alice).locator(".message__text")).toHaveText("we meet at the well");
  await expectInTheMiddle(alice, marked(alice));
  await alice.page.goBack();
  await expect(marked(alice).locator(".message__text")).toHaveText("message 141");
  await expectInTheMiddle(alice, marked(alice));
  await alice.page.goBack();
  await expect(marked(alice)).toHaveCount(0);
  expect(path(alice.page)).toBe(`/rooms/${room}`);
  await expect(line(alice, "message 140"), "where she was reading").toBeInViewport();
  await alice.page.goForward();
  await expect(marked(alice).locator(".message__text")).toHaveText("message 141");
  await alice.page.goForward();
  await expect(marked(alice).locator(".message__text")).toHaveText("we meet at the well");
  await expectInTheMiddle(alice, marked(alice));
  // The room's own link leads to the newest.
  await alice.page.locator(".navigation [aria-current=page]").click();
  await expect(alice.messages.last()).toContainText("message 181");
  await expect(alice.messages.last()).toBeInViewport();
  await expect(marked(alice)).toHaveCount(0);
  expect(await alice.page.evaluate(() => (window as { kept?: boolean }).kept)).toBe(true);
});

test("a link in another room leads there, and back", async ({ alice, bob }) => {
  const { link } = await saidLongAgo(bob, 120);
  await alice.enterRoom("general");
  const name = await heading(bob).textContent();
  await alice.page.evaluate((link) => {
    const anchor = Object.assign(document.createElement("a"), { href: link });
    document.querySelector(".conversation")!.append(anchor);
    anchor.click();
    anchor.remove();
  }, link);
  await expect(heading(alice)).toHaveText(name!);
  await expect(marked(alice).locator(".message__text")).toHaveText("we meet at the well");
  await expectInTheMiddle(alice, marked(alice));
  await alice.expectConnected();
  await alice.page.goBack();
  await expect(heading(alice)).toHaveText("general");
  await alice.page.goForward();
  await expect(marked(alice).locator(".message__text")).toHaveText("we meet at the well");
  await expectInTheMiddle(alice, marked(alice));
});

test("with the keyboard alone alice opens the link of a message", async ({ alice, bob }) => {
  const { room } = await saidLongAgo(bob, 100);
  await alice.enterRoom(room);
  const time = line(alice, "message 150").locator(".message__time");
  await expect(time).toHaveAccessibleName(/^\d.*: .*message 150/);
  await line(alice, "message 149").locator(".message__time").focus();
  await alice.page.keyboard.press("Tab");
  await expect(line(alice, "message 149").getByRole("link", { name: /^Actions/ })).toBeFocused();
  await alice.page.keyboard.press("Tab");
  await expect(time).toBeFocused();
  await alice.page.keyboard.press("Enter");
  await expect(marked(alice).locator(".message__text")).toHaveText("message 150");
  await expect(marked(alice)).toBeFocused();
  expect(path(alice.page)).toBe(await linkTo(alice, "message 150"));
});

for (const { locale, older, later, newest } of [
  { locale: "en-GB", older: "Older", later: "Later", newest: "Newest" },
  { locale: "ja-JP", older: "以前", later: "以降", newest: "最新" },
]) {
  test(`without JavaScript bob's link shows the message, and links lead both ways (${locale})`, async ({ bob, somebody }) => {
    const { link, said, room } = await saidLongAgo(bob, 120);
    const plain = await somebody({ javaScriptEnabled: false, locale });
    const follow = async (name: string) => {
      const before = plain.page.url();
      await plain.page.getByRole("link", { name, exact: true }).click();
      await expect(plain.page).not.toHaveURL(before);
    };
    const shown = () => plain.page.locator(".message__text").allTextContents();
    await plain.page.goto(link);
    await expect(marked(plain).locator(".message__text")).toHaveText("we meet at the well");
    await expect(marked(plain), "it is in view").toBeInViewport({ ratio: 1 });
    const [around, read] = [await shown(), await shown()];
    while (await plain.page.getByRole("link", { name: later, exact: true }).count()) {
      await follow(later);
      read.push(...(await shown()));
    }
    expect(read.at(-1)).toBe(said.at(-1));
    await plain.page.goto(link);
    expect(await shown()).toEqual(around);
    while (await plain.page.getByRole("link", { name: older, exact: true }).count()) {
      await follow(older);
      read.unshift(...(await shown()));
    }
    expect(read, "each once, in their order").toEqual(said);
    await follow(newest);
    expect(path(plain.page)).toBe(`/rooms/${room}`);
    // The time of a message is its link here, too.
    await line(plain, "message 140").locator(".message__time").click();
    await expect(marked(plain).locator(".message__text")).toHaveText("message 140");
  });
}

test("without JavaScript the message stays in view while the rest of the page is on its way", async ({ bob, somebody, server }) => {
  const { link } = await saidLongAgo(bob, 120);
  const plain = await somebody({ javaScriptEnabled: false });
  const detour = await Proxy.start(server.url);
  try {
    for (const last of ["we meet at the well", "message 70"]) {
      detour.stopsPagesAfter = `>${last}<`;
      await plain.page.goto(detour.url + link, { waitUntil: "commit" });
      await expect(marked(plain)).toBeFocused();
      await expect(marked(plain)).toBeInViewport({ ratio: 1 });
      const before = await marked(plain).boundingBox();
      detour.letPagesCome();
      await plain.page.waitForLoadState();
      await expect(line(plain, "message 80")).toBeAttached();
      await expect(marked(plain)).toBeInViewport({ ratio: 1 });
      expect(await marked(plain).boundingBox(), "it stays where it is").toEqual(before);
    }
  } finally {
    await detour.stop();
  }
});

const PLACES: [string, string, (epoch: string) => string, RegExp, RegExp][] = [
  ["that is no longer kept", "message 11", () => "5", /no longer kept/, /もう残っていません/],
  ["of an earlier history", "message 40", () => "25-abcdef", /earlier history/, /以前の履歴/],
  ["that the room does not have", "message 40", (epoch) => `900-${epoch}`, /no message with this number/, /この番号のメッセージはありません/],
  ["of a day without messages", "message 11", () => "2020-02-29", /no messages of this day/, /この日のメッセージはありません/],
];

test("a link to what is not there says so, and shows the room as near as possible", async ({ somebody }) => {
  const own = await Server.start({ env: { IDOBATA_ROOM_ENTRIES: "30" } });
  try {
    const alice = await named(await somebody({ baseURL: own.url }), "alice");
    await alice.postByRequest("general", ...numbered(1, 40));
    await own.crash(); // the start trims
    await expect.poll(async () => (await (await fetch(`${own.url}/api/rooms/general/messages`)).json()).messages.length).toBe(30);
    const [japanese, plain] = [await somebody({ baseURL: own.url, locale: "ja-JP" }), await somebody({ baseURL: own.url, javaScriptEnabled: false })];
    await alice.open("/rooms/general");
    const epoch = (await linkTo(alice, "message 40")).split("-").at(-1)!;
    for (const [, near, place, english, inJapanese] of PLACES) {
      const address = `/rooms/general/${place(epoch)}`;
      for (const [person, words] of [[alice, english], [japanese, inJapanese], [plain, english]] as const) {
        await person.page.goto(address);
        await expect(person.page.getByRole("alert").filter({ hasText: words })).toBeVisible();
        await expect(line(person, near), address).toBeInViewport();
        await expect(marked(person)).toHaveCount(0);
      }
    }
    // What is kept is found.
    await alice.open(`/rooms/general/25-${epoch}`);
    await expect(marked(alice).locator(".message__text")).toHaveText("message 25");
    await expect(alice.page.getByRole("alert")).toHaveCount(0);
  } finally {
    await own.stop();
  }
});

test("a link into a room that alice may not enter says no more than one into no room", async ({ alice, bob }) => {
  await bob.open("/");
  const name = unique("secret");
  await bob.makePrivateRoom(name);
  await bob.post("only for us");
  await bob.expectMessages("only for us");
  const link = await linkTo(bob, "only for us");
  await alice.page.goto(link);
  const secret = await alice.page.locator(".conversation").innerText();
  await alice.page.goto("/rooms/no-such-room/1");
  expect(await alice.page.locator(".conversation").innerText()).toBe(secret);
  expect(secret).not.toContain("only for us");
});

test("the line of a day leads to the day, which begins at the reader's midnight", async ({ bob, somebody }) => {
  const room = await bob.makeRoom(unique("days"));
  await bob.postByRequest(room, ...numbered(1, 80));
  for (const timezoneId of ["UTC", "Asia/Tokyo", "America/Los_Angeles"]) {
    const alice = await named(await somebody({ timezoneId }), "alice");
    await alice.enterRoom(room);
    await wheelUntil(alice, -1_500, () => expect(line(alice, "message 1")).toBeInViewport({ timeout: 300 }));
    const day = alice.page.locator(".message__day a");
    await expect(day).toHaveText("Today");
    const today = await alice.page.evaluate(() => {
      const now = new Date();
      const two = (number: number) => String(number).padStart(2, "0");
      return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
    });
    await expect(day).toHaveAttribute("href", `/rooms/${room}/${today}`);
    await day.click();
    await expect(marked(alice).locator(".message__text")).toHaveText("message 1");
    // And by the address, from far away.
    await alice.open(`/rooms/${room}/${today}`);
    await expect(marked(alice).locator(".message__text")).toHaveText("message 1");
    await expect(marked(alice)).toBeInViewport();
  }
});

for (const [device, options] of Object.entries({
  desktop: { viewport: { width: 1_280, height: 800 } },
  phone: { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true },
  "dark and Japanese": { locale: "ja-JP", colorScheme: "dark" as const },
})) {
  test(`a linked message is in the middle of a page without faults (${device})`, async ({ bob, somebody }) => {
    const { link } = await saidLongAgo(bob, 120);
    const alice = await named(await somebody(options), "alice");
    await alice.open(link);
    await alice.expectConnected();
    await expect(marked(alice).locator(".message__text")).toHaveText("we meet at the well");
    await expectInTheMiddle(alice, marked(alice));
    await alice.page.evaluate(axe.source);
    const faults = await alice.page.evaluate(async () => {
      type Found = { violations: { id: string; nodes: { html: string }[] }[] };
      const { violations }: Found = await (window as any).axe.run(document, { resultTypes: ["violations"] });
      const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
      const over = document.documentElement.scrollWidth - innerWidth;
      return over > 0 ? [...found, `${over} px wider than the window`] : found;
    });
    expect(faults).toEqual([]);
  });
}
