// Reactions: one click says what a message of its own would be too much for, and everybody sees who said it.
import { createHmac } from "node:crypto";
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import { openMenu, type Person } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const PHONE = { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true };

const settled = (page: Page) => expect(page.locator(".message[data-state]")).toHaveCount(0);
const reactions = (message: Locator) => message.locator(".reaction:not(.reaction--add)");
const picker = (page: Page) => page.locator("#emoji-picker");
const search = (page: Page) => picker(page).getByRole("combobox");
const options = (page: Page) => picker(page).getByRole("option");

/** Both are in a room of their own, in which alice has said one thing. */
async function together(alice: Person, bob: Person, text: string): Promise<{ room: string; offset: string }> {
  const room = await bob.makeRoom(unique("react"));
  await alice.enterRoom(room);
  await alice.post(text);
  await settled(alice.page);
  await expect(bob.messages).toHaveCount(1);
  return { room, offset: (await alice.messages.getAttribute("data-offset"))! };
}

/** Opens the picker from the menu of a message, and waits until it shows emoji. */
async function openPicker(page: Page, message: Locator) {
  const menu = await openMenu(page, message);
  await menu.getByRole("button", { name: /^(React…|リアクション)$/ }).click();
  await expect(menu).toBeHidden();
  await expect(options(page).first()).toBeVisible();
}

/** Reacts as a program with this person's session would. */
async function react(person: Person, room: string, offset: string, emoji: string, kind = "react") {
  const data = { id: crypto.randomUUID(), kind, emoji };
  return person.context.request.post(`/api/rooms/${room}/messages/${offset}/changes`, { data });
}

test("alice reacts, bob sees it and agrees, and each can take it back", async ({ alice, bob }) => {
  await together(alice, bob, "lunch at one?");
  await expect(alice.messages.locator(".reactions"), "there is no row without any").toHaveCount(0);
  const menu = await openMenu(alice.page, alice.messages.first());
  await menu.getByRole("button", { name: "🎉" }).click();
  await expect(menu).toBeHidden();
  const [mine, theirs] = [reactions(alice.messages.first()), reactions(bob.messages.first())];
  await expect(mine).toHaveAttribute("aria-pressed", "true");
  await expect(theirs).toHaveAttribute("aria-pressed", "false");
  await expect(theirs).toHaveAccessibleName("🎉 1: alice");
  await theirs.hover();
  await expect(theirs.locator(".reaction__people")).toHaveText("alice");
  await theirs.click();
  await expect(theirs).toHaveAttribute("aria-pressed", "true");
  await expect(theirs).toBeFocused(); // its message is not drawn again
  await expect(mine).toHaveAccessibleName("🎉 2: you and bob");
  await expect(mine).toContainText("2");
  await bob.page.reload();
  await bob.expectConnected();
  await expect(theirs).toHaveAccessibleName("🎉 2: you and alice");
  await expect(theirs).toHaveAttribute("aria-pressed", "true");
  await theirs.click();
  await expect(mine).toHaveAccessibleName("🎉 1: you");
  await mine.focus();
  await alice.page.keyboard.press("Enter");
  await expect(bob.messages.locator(".reactions")).toHaveCount(0);
  await expect(alice.messages.locator(".reactions")).toHaveCount(0);
  await expect(alice.messages.first().getByRole("link", { name: /^Actions/ }), "the focus stays at the message").toBeFocused();
});

test("many people are told by their first names and a number, in both languages", async ({ alice, bob, somebody }) => {
  const { room, offset } = await together(alice, bob, "who comes?");
  for (let n = 0; n < 21; n++) {
    const guest = await somebody();
    await guest.context.request.post("/api/session", { data: { name: `guest${n}` } });
    expect((await react(guest, room, offset, "👍")).status()).toBe(201);
  }
  const theirs = reactions(bob.messages.first());
  await expect(theirs).toContainText("21");
  await expect(theirs).toHaveAccessibleName(/^👍 21: guest0, guest1, .*, guest19 and 1 other$/);
  await alice.open("/language/ja");
  await alice.enterRoom(room);
  await expect(reactions(alice.messages.first())).toHaveAccessibleName(/^👍 21: guest0、guest1、.*、guest19、ほか1人$/);
  // One's own is counted although it is not among the first.
  await theirs.click();
  await expect(theirs).toHaveAttribute("aria-pressed", "true");
  await expect(theirs).toHaveAccessibleName(/^👍 22: you, guest0, .* and 1 other$/);
  await expect(reactions(alice.messages.first())).toContainText("22");
  await theirs.click();
  await expect(theirs).toHaveAttribute("aria-pressed", "false");
  await expect(reactions(alice.messages.first())).toContainText("21");
});

test("an emoji is found by its Japanese name, and one that is not there says so", async ({ alice, bob }) => {
  const { room } = await together(alice, bob, "リリースしました");
  await alice.open("/language/ja");
  await alice.enterRoom(room);
  await openPicker(alice.page, alice.messages.first());
  await expect(search(alice.page)).toBeFocused();
  await search(alice.page).fill("そんなえもじはない");
  await expect(picker(alice.page).getByRole("status")).toHaveText("この名前の絵文字はありません。");
  await expect(options(alice.page)).toHaveCount(0);
  await search(alice.page).fill("クラッカー");
  await expect(options(alice.page).first()).toHaveAccessibleName("クラッカー");
  const found = await new AxeBuilder({ page: alice.page }).analyze();
  expect(found.violations).toEqual([]);
  await options(alice.page).first().click();
  await expect(picker(alice.page)).toBeHidden();
  await expect(reactions(bob.messages.first())).toHaveAccessibleName("🎉 1: alice");
  // The button at the end of the row leads to the picker, too.
  await bob.messages.first().getByRole("button", { name: "Add a reaction: リリースしました" }).click();
  await search(bob.page).fill("rocket");
  await expect(options(bob.page).first()).toHaveAccessibleName("rocket");
  await options(bob.page).first().click();
  await expect(reactions(alice.messages.first())).toHaveText([/🎉/, /🚀/]);
});

test("the picker works by the keyboard alone, and nothing is wrong for a screen reader", async ({ alice, bob }) => {
  await together(alice, bob, "keys");
  const link = alice.messages.first().getByRole("link", { name: /^Actions/ });
  await link.focus();
  await alice.page.keyboard.press("Enter");
  const entry = alice.page.locator(".message-menu").getByRole("button", { name: "React…" });
  await expect(entry).toBeVisible();
  await expect(async () => {
    await alice.page.keyboard.press("Tab");
    await expect(entry).toBeFocused({ timeout: 100 });
  }).toPass();
  await alice.page.keyboard.press("Enter");
  await expect(search(alice.page)).toBeFocused();
  await expect(options(alice.page)).not.toHaveCount(0);
  await expect(options(alice.page).and(alice.page.locator("[aria-selected=true]"))).toHaveCount(0);
  const found = await new AxeBuilder({ page: alice.page }).analyze();
  expect(found.violations).toEqual([]);
  const chosen = picker(alice.page).locator("[role=option][aria-selected=true]");
  await alice.page.keyboard.press("ArrowDown");
  await expect(chosen).toHaveAccessibleName("thumbs up");
  await alice.page.keyboard.press("ArrowRight");
  await expect(chosen).toHaveAccessibleName("red heart");
  await alice.page.keyboard.press("ArrowDown");
  await alice.page.keyboard.press("ArrowUp");
  await expect(chosen).toHaveAccessibleName("red heart");
  const id = await chosen.getAttribute("id");
  await expect(search(alice.page)).toHaveAttribute("aria-activedescendant", id!);
  await alice.page.keyboard.press("Escape");
  await expect(picker(alice.page)).toBeHidden();
  await expect(link).toBeFocused();
  await alice.page.keyboard.press("Enter");
  await expect(async () => {
    await alice.page.keyboard.press("Tab");
    await expect(entry).toBeFocused({ timeout: 100 });
  }).toPass();
  await alice.page.keyboard.press("Enter");
  await expect(search(alice.page)).toBeFocused();
  await alice.page.keyboard.type("fire");
  await expect(chosen).toHaveAccessibleName("fire");
  await alice.page.keyboard.press("Enter");
  await expect(picker(alice.page)).toBeHidden();
  await expect(link).toBeFocused();
  await expect(reactions(bob.messages.first())).toHaveAccessibleName("🔥 1: alice");
});

test("a skin tone is kept, and what was used last is offered first after a reload", async ({ alice, bob }) => {
  const { room } = await together(alice, bob, "tones");
  await openPicker(alice.page, alice.messages.first());
  await picker(alice.page).getByRole("radio", { name: "✋🏽" }).check({ force: true });
  await search(alice.page).fill("wave");
  await expect(options(alice.page).first()).toHaveText("👋🏽");
  await options(alice.page).first().click();
  await expect(reactions(bob.messages.first())).toHaveAccessibleName("👋🏽 1: alice");
  await alice.enterRoom(room);
  const menu = await openMenu(alice.page, alice.messages.first());
  await expect(menu.getByRole("group").getByRole("button")).toHaveText(["👋🏽", "👍", "❤️", "😂", "🎉", "👀"]);
  await menu.getByRole("button", { name: "React…" }).click();
  await expect(picker(alice.page).getByRole("group", { name: "Recently used" }).getByRole("option")).toHaveText(["👋🏽"]);
  await expect(picker(alice.page).getByRole("radio", { name: "✋🏽" })).toBeChecked();
  await search(alice.page).fill("muscle");
  await expect(options(alice.page).first()).toHaveText("💪🏽");
});

test("a reaction that is made while one is cut off counts once when the connection is back", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/net::ERR_|WebSocket/);
  const { room, offset } = await together(alice, bob, "cut");
  expect((await react(bob, room, offset, "👀")).status()).toBe(201);
  const mine = reactions(alice.messages.first());
  await expect(mine).toHaveAccessibleName("👀 1: bob");
  await alice.context.setOffline(true);
  await expect(alice.badge).toContainText("Disconnected");
  await mine.click();
  const menu = await openMenu(alice.page, alice.messages.first());
  await menu.getByRole("button", { name: "🎉" }).click();
  await expect(mine, "they are shown at once").toHaveText([/👀.*2/, /🎉.*1/]);
  // Bob takes his back meanwhile.
  await reactions(bob.messages.first()).click();
  await expect(bob.messages.locator(".reactions")).toHaveCount(0);
  await alice.context.setOffline(false);
  const names = async (person: Person) =>
    reactions(person.messages.first()).evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
  await expect.poll(() => names(bob), { timeout: 30_000 }).toEqual(["👀 1: alice", "🎉 1: alice"]);
  await expect.poll(() => names(alice)).toEqual(["👀 1: you", "🎉 1: you"]);
  await alice.page.reload();
  await expect.poll(() => names(alice)).toEqual(["👀 1: you", "🎉 1: you"]);
});

test("the twenty-first emoji says why it cannot be, and a deleted message has none", async ({ alice, bob }) => {
  const { room, offset } = await together(alice, bob, "too much");
  const found = await (await bob.context.request.get("/api/emoji?limit=21")).json();
  const emoji: string[] = found.emoji.map((one: { emoji: string }) => one.emoji);
  for (const one of emoji.slice(0, 20)) expect((await react(bob, room, offset, one)).status()).toBe(201);
  const message = alice.messages.first();
  await expect(reactions(message)).toHaveCount(20);
  await openPicker(alice.page, message);
  await search(alice.page).fill("dog face");
  await expect(options(alice.page).first()).toHaveText("🐶");
  await options(alice.page).first().click();
  await expect(message.getByRole("alert")).toContainText("This message has as many different reactions as it may have.");
  await expect(reactions(message), "it is taken back").toHaveCount(20);
  await expect(message.locator(".message__text")).toHaveText("too much");
  await message.getByRole("button", { name: /^Discard/ }).click();
  await expect(message.getByRole("alert")).toHaveCount(0);
  await reactions(message).first().click();
  await expect(reactions(bob.messages.first()).first(), "those that are there can be agreed to").toContainText("2");
  await (await openMenu(alice.page, message)).getByRole("button", { name: "Delete" }).click();
  await expect(bob.messages).toHaveCount(0);
  const page = await (await bob.context.request.get(`/api/rooms/${room}/messages`)).json();
  expect(page.messages[0].deleted).toBe(true);
  expect(page.messages[0].reactions).toBeUndefined();
});

test("on a phone a long press opens the menu, and the picker fits", async ({ alice, bob, somebody }) => {
  const { room } = await together(alice, bob, "on the way");
  const phone = await somebody(PHONE);
  await phone.context.request.post("/api/session", { data: { name: "carol" } });
  await phone.enterRoom(room);
  const message = phone.messages.first();
  // What the browser tells of a long press.
  await message.locator(".message__text").evaluate((text) => {
    text.dispatchEvent(new PointerEvent("contextmenu", { pointerType: "touch", bubbles: true, cancelable: true }));
  });
  const menu = phone.page.locator(".message-menu");
  await expect(menu).toBeVisible();
  await menu.getByRole("button", { name: "React…" }).tap();
  await expect(options(phone.page).first()).toBeVisible();
  await expect(search(phone.page), "no keyboard covers what there is").not.toBeFocused();
  const width = () => phone.page.evaluate(() => document.documentElement.scrollWidth);
  expect(await width()).toBe(320);
  const box = (await picker(phone.page).boundingBox())!;
  expect(box.x).toBeGreaterThanOrEqual(0);
  expect(box.x + box.width).toBeLessThanOrEqual(320);
  expect(box.y + box.height).toBeLessThanOrEqual(568);
  const found = await new AxeBuilder({ page: phone.page }).analyze();
  expect(found.violations).toEqual([]);
  await search(phone.page).tap();
  await search(phone.page).fill("eyes");
  await expect(options(phone.page).first()).toHaveText("👀");
  await options(phone.page).first().tap();
  await expect(reactions(alice.messages.first())).toHaveAccessibleName("👀 1: carol");
  await reactions(message).tap();
  await expect(alice.messages.locator(".reactions")).toHaveCount(0);
});

for (const transport of ["stream", "poll"] as const) {
  test(`reactions are the same for people who read by ${transport}`, async ({ somebody }) => {
    const own = await Server.start({ env: { IDOBATA_TRANSPORT: transport } });
    try {
      const [alice, bob] = [await named(await somebody({ baseURL: own.url }), "alice"), await named(await somebody({ baseURL: own.url }), "bob")];
      const { room, offset } = await together(alice, bob, `by ${transport}`);
      expect((await react(bob, room, offset, "🎉")).status()).toBe(201);
      const [mine, theirs] = [reactions(alice.messages.first()), reactions(bob.messages.first())];
      await expect(mine).toHaveAccessibleName("🎉 1: bob");
      await expect(theirs).toHaveAccessibleName("🎉 1: you");
      await mine.click();
      await expect(theirs).toHaveAccessibleName("🎉 2: you and alice");
      // Quicker than the requests are: they go one after the other.
      await mine.click();
      await mine.click();
      await mine.click();
      await expect(theirs).toHaveAccessibleName("🎉 1: you");
      await expect(mine).toHaveAttribute("aria-pressed", "false");
      for (const { context } of [alice, bob]) await context.close(); // before their server goes
    } finally {
      await own.stop();
    }
  });
}

test("a guest who may only read sees reactions as text", async ({ somebody }) => {
  const secret = "what both systems know, and nobody else";
  const house = await Server.start({ env: { IDOBATA_AUTH: "jwt", JWT_SECRET: secret, IDOBATA_GUESTS_READ: "true" } });
  try {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const claims = { sub: "id-of-alice", name: "alice", exp: Math.floor(Date.now() / 1000) + 600 };
    const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
    const token = `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
    const alice = await somebody({ baseURL: house.url });
    await alice.context.addCookies([{ name: "idobata_session", value: token, url: house.url, httpOnly: true }]);
    const guest = await somebody({ baseURL: house.url });
    await alice.postByRequest("general", "for all to read");
    await alice.enterRoom("general");
    await guest.enterRoom("general");
    const offset = (await alice.messages.getAttribute("data-offset"))!;
    expect((await react(alice, "general", offset, "🎉")).status()).toBe(201);
    const seen = guest.messages.first().locator(".reaction");
    await expect(seen).toHaveText(/^🎉\s+1\s+alice$/);
    await expect(guest.messages.getByRole("button")).toHaveCount(0);
    await expect(guest.messages.getByRole("link", { name: /^Actions/ })).toHaveCount(0);
    await seen.hover();
    await expect(seen.getByText("alice")).toBeVisible();
    expect((await new AxeBuilder({ page: guest.page }).analyze()).violations).toEqual([]);
    await guest.page.reload();
    await expect(seen).toHaveText(/^🎉\s+1\s+alice$/);
    for (const { context } of [alice, guest]) await context.close(); // before their server goes
  } finally {
    await house.stop();
  }
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("reactions are seen in the room, and given and taken back by forms", async ({ alice, bob, expectedFaults }) => {
    expectedFaults.push(/400/); // what is no emoji
    await alice.page.goto("/rooms/general");
    const text = unique("plain");
    await alice.composer.fill(text);
    await alice.page.getByRole("button", { name: "Send" }).click();
    await alice.messages.filter({ hasText: text }).getByRole("link", { name: /^Actions/ }).click();
    const field = alice.page.getByRole("textbox", { name: "Emoji or its shortcode" });
    await field.fill("nothing");
    await alice.page.getByRole("button", { name: "Add a reaction" }).click();
    await expect(alice.page.getByRole("alert")).toContainText("This is no emoji.");
    await field.fill(":tada:");
    await alice.page.getByRole("button", { name: "Add a reaction" }).click();
    await expect(alice.page.getByRole("button", { name: "🎉 1: alice" })).toHaveAttribute("aria-pressed", "true");

    await bob.page.goto("/rooms/general");
    await bob.messages.filter({ hasText: text }).getByRole("button", { name: "🎉 1: alice" }).click();
    await expect(bob.page.getByRole("heading", { name: "Reactions" }), "it leads to the message").toBeVisible();
    await bob.page.getByRole("button", { name: "🎉 1: alice" }).click();
    const both = bob.page.getByRole("button", { name: "🎉 2: alice and bob" });
    await expect(both).toHaveAttribute("aria-pressed", "true");
    await expect(bob.page.getByText("alice and bob")).toBeVisible();
    await both.click();
    await expect(bob.page.getByRole("button", { name: "🎉 1: alice" })).toHaveAttribute("aria-pressed", "false");
  });
});
