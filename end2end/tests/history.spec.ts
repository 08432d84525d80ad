// Reading back, staying where one reads, and coming back after a while.
import type { Locator } from "@playwright/test";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `message ${from + index}`);

/** Where a line stands in the window. */
async function top(line: Locator): Promise<number> {
  return (await line.boundingBox())!.y;
}

/** The same when the scrolling has ended: two looks with frames in between agree. */
async function topAtRest(line: Locator): Promise<number> {
  const frames = () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())));
  let last = await top(line);
  await expect(async () => {
    const before = last;
    await line.page().evaluate(frames);
    last = await top(line);
    expect(last).toBe(before);
  }).toPass({ intervals: [50] });
  return last;
}

test("reading back needs no button, nothing jumps, and a button leads to the latest", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("history"));
  await bob.postByRequest(room, ...numbered(1, 180));
  await alice.enterRoom(room);
  await expect(alice.messages).toHaveCount(50);
  const scroller = alice.page.locator(".message-list__scroller");
  const toTheLatest = alice.page.locator(".to-the-latest");
  await expect(toTheLatest).toBeHidden();

  // Up, page after page, as with a wheel.
  await scroller.hover();
  await expect(async () => {
    await alice.page.mouse.wheel(0, -1_500);
    await expect(alice.messages).toHaveCount(180, { timeout: 300 });
  }).toPass({ timeout: 30_000 });
  await expect(alice.messages.locator(".message__text")).toHaveText(numbered(1, 180));
  await expect(toTheLatest).toHaveText(/Jump to latest/);

  // What comes meanwhile moves nothing under the reader's eyes.
  await alice.page.mouse.wheel(0, 1_200);
  const read = alice.messages.filter({ hasText: /message 40$/ });
  await read.scrollIntoViewIfNeeded();
  const before = await topAtRest(read);
  await bob.postByRequest(room, "news", "more news");
  await expect(toTheLatest).toHaveText(/2 new messages/);
  expect(Math.abs((await top(read)) - before)).toBeLessThan(2);

  await toTheLatest.click();
  await expect(alice.messages.last()).toBeInViewport();
  await expect(toTheLatest).toBeHidden();
  // And there it follows again.
  await bob.post("the very last");
  await expect(alice.messages.last()).toHaveText(/the very last/);
  await expect(alice.messages.last()).toBeInViewport();
});

test("earlier messages that are put above do not move what is read", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("above"));
  await bob.postByRequest(room, ...numbered(1, 120));
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await alice.page.route("**/messages?before=*", async (route) => {
    await held;
    await route.continue();
  });
  await alice.enterRoom(room);
  const oldest = alice.messages.first();
  await oldest.scrollIntoViewIfNeeded();
  const line = alice.messages.filter({ hasText: /message 73$/ });
  await line.scrollIntoViewIfNeeded();
  const before = await topAtRest(line);
  release();
  await expect(alice.messages).not.toHaveCount(50);
  expect(Math.abs((await top(line)) - before)).toBeLessThan(2);
});

test("while one reads back no frame is painted in which what is read has moved", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("frames"));
  await bob.postByRequest(room, ...numbered(1, 120));
  await alice.enterRoom(room);
  const read = alice.messages.filter({ hasText: /message 90$/ });
  await read.scrollIntoViewIfNeeded();
  await expect(alice.page.locator(".to-the-latest")).toBeVisible();
  await topAtRest(read);
  // A message that is posted to the page while a frame is prepared arrives when that frame is painted.
  const tops = await read.evaluateHandle((row) => {
    const tops: number[] = [];
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      tops.push(Math.round(row.getBoundingClientRect().top));
      requestAnimationFrame(look);
    };
    const look = () => port2.postMessage(0);
    requestAnimationFrame(look);
    return tops;
  });
  for (const news of numbered(121, 128)) await bob.postByRequest(room, news);
  await expect(alice.page.locator(".to-the-latest")).toHaveText(/8 new messages/);
  const seen = await tops.jsonValue();
  // A busy machine paints fewer frames than there are messages.
  expect(seen.length).toBeGreaterThan(2);
  expect([...new Set(seen)]).toHaveLength(1);
});

test("earlier messages that are put above take no row out: the focus is kept, and nothing is said twice", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("kept"));
  await bob.postByRequest(room, ...numbered(1, 60), "read https://example.com/this", ...numbered(62, 110));
  await alice.enterRoom(room);
  await expect(alice.messages).toHaveCount(50);
  const link = alice.messages.getByRole("link", { name: "https://example.com/this", exact: true });
  const removed = await alice.page.locator(".messages").evaluateHandle((list) => {
    const texts: string[] = [];
    new MutationObserver((changes) => {
      for (const { removedNodes } of changes) for (const node of removedNodes) texts.push(node.textContent ?? "");
    }).observe(list, { childList: true });
    return texts;
  });
  await link.focus();
  await expect(alice.messages).toHaveCount(100);
  await expect(link).toBeFocused();
  expect(await removed.jsonValue()).toEqual([]);
});

test("whoever comes back finds what is new since they left", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("return"));
  await bob.post("seen");
  await alice.enterRoom(room);
  await alice.expectMessages("seen");
  const noted = async () => {
    const { rooms } = await (await alice.context.request.get("/api/user")).json();
    return rooms.find((one: { room: string }) => one.room === room)?.read;
  };
  await expect.poll(noted, "where she was is noted").toMatch(/:1$/);
  await alice.page.goto("about:blank");
  await bob.post("new");
  await bob.post("newer");
  await bob.expectMessages("seen", "new", "newer");
  await alice.enterRoom(room);
  await expect(alice.page.locator(".messages > li")).toHaveText([/seen/, "New since you left", /new/, /newer/]);
  await alice.post("thanks");
  await expect(alice.page.locator(".divider")).toHaveCount(0);
});
