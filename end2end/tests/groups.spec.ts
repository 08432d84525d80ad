// Who said what, and on which day, at a glance: messages of one author stand together under one head, and a line begins
// each day.
import type { Page } from "@playwright/test";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

/** Lets messages whose text ends in `@` and a moment arrive as said at that moment. */
async function datedAsWritten(page: Page) {
  await page.routeWebSocket(/./, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) => {
      const moment = typeof frame === "string" ? frame.match(/@([\dTZ:.+-]+)"/)?.[1] : undefined;
      socket.send(moment ? (frame as string).replace(/"timestamp":\d+/, `"timestamp":${Date.parse(moment)}`) : frame);
    });
  });
}

test("what one person says in a row stands under one head, until the other one speaks or time passes", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("rows"));
  await datedAsWritten(alice.page);
  await alice.enterRoom(room);
  const heads = alice.messages.locator(".message__user");
  const avatars = alice.messages.locator(".avatar").filter({ visible: true });
  await bob.post("first @2026-11-25T01:00:00Z");
  await bob.post("second @2026-11-25T01:04:00Z");
  await bob.post("third @2026-11-25T01:08:00Z");
  await expect(alice.messages).toHaveCount(3);
  await expect(avatars, "one head").toHaveCount(1);
  await expect(heads, "a screen reader hears whose each is").toHaveText(["bob", "bob", "bob"]);
  await alice.post("mine");
  await expect(alice.messages).toHaveCount(4);
  await expect(avatars).toHaveCount(2);
  await expect(alice.messages.last().locator(".message__you"), "told apart by a word").toHaveText("(you)");
  await alice.post("mine, too");
  await expect(alice.page.locator(".message[data-state]")).toHaveCount(0);
  await expect(avatars).toHaveCount(2);
  await bob.post("much later @2026-11-25T01:20:00Z");
  await expect(alice.messages).toHaveCount(6);
  await expect(avatars).toHaveCount(3);

  // The time of a row is there for whoever points at it.
  const second = alice.messages.filter({ hasText: "second" });
  await expect(second.locator(".message__head")).toHaveCSS("opacity", "0");
  await second.hover();
  await expect(second.locator(".message__head")).toHaveCSS("opacity", "1");
  await expect(second.locator("time")).toHaveText(/10:04$/);
});

test("a draft takes the place that its message has, and nothing jumps", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/net::ERR_/);
  const room = await bob.makeRoom(unique("drafts"));
  await alice.enterRoom(room);
  await alice.post("one");
  await expect(alice.page.locator(".message[data-state]")).toHaveCount(0);
  await alice.context.setOffline(true);
  await alice.post("two");
  const draft = alice.page.locator(".message[data-state=pending]");
  await expect(draft.locator(".avatar")).toBeHidden();
  const text = alice.messages.locator(".message__text").last();
  const height = (await text.boundingBox())!.height;
  await alice.context.setOffline(false);
  await bob.expectMessages("one", "two");
  await expect(alice.page.locator(".message[data-state]")).toHaveCount(0);
  await expect(alice.messages.last().locator(".avatar")).toBeHidden();
  expect((await text.boundingBox())!.height).toBe(height);
  await bob.post("three");
  await expect(alice.messages.last().locator(".avatar")).toBeVisible();
});

for (const [locale, today, yesterday, day, earlier] of [
  ["en-GB", "Today", "Yesterday", /^Tuesday,? 24 November$/, /^Wednesday,? 31 December 2025$/],
  ["ja-JP", "今日", "昨日", "11月24日火曜日", "2025年12月31日水曜日"],
] as const) {
  test(`a line begins each day, in the reader's zone and language (${locale})`, async ({ somebody, bob }) => {
    const room = await bob.makeRoom(unique("days"));
    const reader = await somebody({ locale });
    await datedAsWritten(reader.page);
    // In Tokyo, where the stories' browsers are, it is the 27th, 23:30.
    await reader.page.clock.install({ time: new Date("2026-11-27T14:30:00Z") });
    await reader.enterRoom(room);
    for (const text of [
      "old year @2025-12-31T14:59:00Z", // 23:59 there
      "tuesday @2026-11-23T15:00:00Z", // 00:00 there
      "tuesday still @2026-11-24T14:59:59Z",
      "yesterday @2026-11-25T15:00:00Z",
      "today @2026-11-26T15:00:00Z",
      "today, later @2026-11-26T15:01:00Z",
    ]) {
      await bob.post(text);
    }
    await expect(reader.messages).toHaveCount(6);
    const lines = reader.page.locator(".message__day");
    await expect(lines).toHaveText([earlier, day, yesterday, today]);
    const under = (text: string) => reader.messages.filter({ hasText: text }).locator(".message__day");
    await expect(under("tuesday @")).toHaveText(day);
    await expect(under("today @")).toHaveText(today);
    // The day ends while the page is open.
    await reader.page.clock.fastForward(31 * 60_000);
    await expect(lines.last()).toHaveText(yesterday);
  });
}

test("a day's line moves up to the first message of the day as earlier ones are loaded", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("loaded"));
  await bob.postByRequest(room, ...Array.from({ length: 60 }, (_, index) => `message ${index + 1}`));
  await alice.enterRoom(room);
  const lines = alice.page.locator(".message__day");
  await expect(lines).toHaveText(["Today"]);
  await expect(alice.messages.first()).toContainText("message 11");
  await expect(alice.messages.first().locator(".message__day")).toBeVisible();
  await alice.page.locator(".message-list__scroller").hover();
  await expect(async () => {
    await alice.page.mouse.wheel(0, -900);
    await expect(alice.messages).toHaveCount(60, { timeout: 300 });
  }).toPass();
  await expect(lines).toHaveText(["Today"]);
  await expect(alice.messages.first().locator(".message__day")).toBeVisible();
  await expect(alice.messages.locator(".avatar").filter({ visible: true }), "bob said all of it").toHaveCount(1);
});

test("without a script the days are written as dates", async ({ somebody, bob }) => {
  const room = await bob.makeRoom(unique("plain"));
  await bob.postByRequest(room, "hello");
  const plain = await somebody({ javaScriptEnabled: false });
  await plain.page.goto(`/rooms/${room}`);
  await expect(plain.page.locator(".message__day")).toHaveText(/^20\d\d-\d\d-\d\d$/);
});
