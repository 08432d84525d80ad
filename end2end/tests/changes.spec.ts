// Messages that change: a typo is mended, a message is taken back, and the others see it at once, after a drop, and when
// they come later.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { openMenu } from "../support/people.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

const settled = (page: Page) => expect(page.locator(".message[data-state]")).toHaveCount(0);

test("a typo is mended, and the other one sees it with a word that says so", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("typo"));
  await alice.enterRoom(room);
  await alice.post("see you today");
  await settled(alice.page);
  const mine = alice.messages.filter({ hasText: "today" });
  const menu = await openMenu(alice.page, mine);
  await menu.getByRole("button", { name: "Edit" }).click();
  const editor = alice.page.getByRole("textbox", { name: "Edit the message" });
  await expect(editor).toBeFocused();
  await expect(editor).toHaveValue("see you today");
  await editor.fill("see you tomorrow");
  await editor.press("Enter");
  await expect(editor).toHaveCount(0);
  await expect(alice.messages.last().locator(".message__text")).toHaveText("see you tomorrow (edited)");
  await expect(bob.messages.last().locator(".message__text")).toHaveText("see you tomorrow (edited)");
  await settled(alice.page);
  // For whoever comes later, and nothing is left of the word.
  await bob.page.reload();
  await expect(bob.messages.last().locator(".message__text")).toHaveText("see you tomorrow (edited)");
  await bob.expectConnected();
  // The room is bob's: he may delete what alice wrote, and not edit it.
  const ofOthers = await openMenu(bob.page, bob.messages.last());
  await expect(ofOthers.getByRole("button", { name: "Delete" })).toBeVisible();
  await expect(ofOthers.getByRole("button", { name: "Edit" })).toHaveCount(0);
  await bob.page.keyboard.press("Escape");
  await alice.page.getByRole("link", { name: "general", exact: true }).click();
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("general");
  await bob.enterRoom("general");
  const said = unique("by bob");
  await bob.post(said);
  await expect(alice.messages.filter({ hasText: said })).toBeVisible();
  const foreign = await openMenu(alice.page, alice.messages.filter({ hasText: said }));
  for (const name of ["React…", "Reply", "Pin to the room"]) await expect(foreign.getByRole("button", { name })).toBeVisible();
  await expect(foreign.getByRole("button", { name: /^(Edit|Delete)$/ }), "of others there is nothing to change").toHaveCount(0);
});

test("the arrow up edits the last message, Escape leaves it, and a text that is too long stays in the editor", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("arrow"));
  await alice.enterRoom(room);
  await alice.post("first");
  await alice.post("second");
  await settled(alice.page);
  await bob.post("between");
  await expect(alice.messages).toHaveCount(3);
  const editor = alice.page.getByRole("textbox", { name: "Edit the message" });
  await alice.composer.press("ArrowUp");
  await expect(editor).toHaveValue("second");
  await editor.press("Escape");
  await expect(editor).toHaveCount(0);
  await alice.composer.fill("typed");
  await alice.composer.press("ArrowUp");
  await expect(editor, "the arrow moves in a text").toHaveCount(0);
  await alice.composer.fill("");
  await alice.composer.press("ArrowUp");
  await editor.fill("x".repeat(4_001));
  await editor.press("Enter");
  await expect(alice.page.getByText("more than 4,000 characters").first()).toBeVisible();
  await expect(editor).toHaveValue("x".repeat(4_001));
  await editor.fill("second, mended");
  await editor.press("Enter");
  await expect(bob.messages.filter({ hasText: "second, mended (edited)" })).toBeVisible();
});

test("a message is taken back, and its text can be had back for a while", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("back"));
  await alice.enterRoom(room);
  await alice.post("head of the group");
  await alice.post("my password is hunter2");
  await alice.post("and so on");
  await settled(alice.page);
  await expect(bob.messages).toHaveCount(3);
  const menu = await openMenu(alice.page, alice.messages.filter({ hasText: "hunter2" }));
  await menu.getByRole("button", { name: "Delete" }).click();
  // First, because it is there for ten seconds only.
  await alice.page.getByRole("button", { name: "Put the text back into the composer" }).click();
  await expect(bob.messages.filter({ hasText: "hunter2" })).toHaveCount(0);
  await expect(alice.messages).toHaveCount(2);
  await expect(alice.composer).toHaveValue("my password is hunter2");
  await expect(alice.composer).toBeFocused();
  await alice.composer.fill("");
  // The head goes: what stood under it has one of its own.
  const first = await openMenu(alice.page, alice.messages.filter({ hasText: "head of the group" }));
  await first.getByRole("button", { name: "Delete" }).click();
  await expect(bob.messages).toHaveCount(1);
  await expect(bob.messages.locator(".avatar")).toBeVisible();
  await bob.page.reload();
  await expect(bob.messages).toHaveCount(1);
  expect(await bob.page.content()).not.toContain("hunter2");
});

test("what is changed while a reader is cut off is there when they are back", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/net::ERR_|WebSocket/);
  const room = await bob.makeRoom(unique("cut"));
  await alice.enterRoom(room);
  await alice.post("stays");
  await alice.post("goes");
  await alice.post("to change");
  await settled(alice.page);
  await expect(bob.messages).toHaveCount(3);
  await bob.context.setOffline(true);
  await expect(bob.badge).toContainText("Disconnected");
  await (await openMenu(alice.page, alice.messages.filter({ hasText: "goes" }))).getByRole("button", { name: "Delete" }).click();
  await alice.composer.press("ArrowUp");
  const editor = alice.page.getByRole("textbox", { name: "Edit the message" });
  await editor.fill("changes");
  await editor.press("Enter");
  await settled(alice.page);
  await bob.context.setOffline(false);
  await expect(bob.messages.locator(".message__text")).toHaveText(["stays", "changes (edited)"], { timeout: 30_000 });
});

test("an edit that is made while one is cut off is sent when the connection is back", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/net::ERR_|WebSocket/);
  const room = await bob.makeRoom(unique("later"));
  await alice.enterRoom(room);
  await alice.post("befor");
  await settled(alice.page);
  await expect(bob.messages).toHaveCount(1);
  await alice.context.setOffline(true);
  await expect(alice.badge).toContainText("Disconnected");
  await alice.composer.press("ArrowUp");
  const editor = alice.page.getByRole("textbox", { name: "Edit the message" });
  await editor.fill("before");
  await editor.press("Enter");
  await expect(alice.messages.locator(".message__text"), "it is shown at once").toHaveText(/^before/);
  await expect(bob.messages.locator(".message__text")).toHaveText("befor");
  await alice.context.setOffline(false);
  await expect(bob.messages.locator(".message__text")).toHaveText("before (edited)", { timeout: 30_000 });
  await settled(alice.page);
});

test("the text of an edit stays when somebody deletes the message meanwhile", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("race"));
  await alice.enterRoom(room);
  await alice.post("short");
  await settled(alice.page);
  await alice.composer.press("ArrowUp");
  const editor = alice.page.getByRole("textbox", { name: "Edit the message" });
  await editor.fill("a long text that took time");
  // Alice's page does not hear of it before she saves.
  const offset = await alice.messages.last().getAttribute("data-offset");
  const data = { id: crypto.randomUUID(), kind: "delete" };
  await alice.page.evaluate(() => {
    const send = WebSocket.prototype.send;
    const held: (() => void)[] = [];
    WebSocket.prototype.send = function (frame) {
      if (String(frame).includes('"change"')) held.push(() => send.call(this, frame));
      else send.call(this, frame);
    };
    (window as any).release = () => held.forEach((run) => run());
  });
  await editor.press("Enter");
  const deleted = await bob.context.request.post(`/api/rooms/${room}/messages/${offset}/changes`, { data });
  expect(deleted.status()).toBe(201);
  await alice.page.evaluate(() => (window as any).release());
  const draft = alice.page.locator('.message[data-state="failed"]');
  await expect(draft.locator(".message__text")).toHaveText("a long text that took time");
  await expect(draft).toContainText("This message was deleted.");
  await draft.getByRole("button", { name: /^Retry|^Try again/ }).click();
  await expect(bob.messages.last().locator(".message__text")).toHaveText("a long text that took time");
});

test("messages are changed by the keyboard alone, in Japanese, and nothing is wrong for a screen reader", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("keys"));
  await alice.open("/language/ja");
  await alice.enterRoom(room);
  await alice.post("おはようございまs");
  await settled(alice.page);
  const link = alice.messages.last().getByRole("link", { name: /^操作/ });
  await link.focus();
  await alice.page.keyboard.press("Enter");
  const menu = alice.page.locator(".message-menu");
  await expect(menu).toBeVisible();
  const found = await new AxeBuilder({ page: alice.page }).analyze();
  expect(found.violations).toEqual([]);
  await alice.page.keyboard.press("Escape");
  await expect(menu).toBeHidden();
  await expect(link).toBeFocused();
  await alice.page.keyboard.press("Enter");
  const edit = menu.getByRole("button", { name: "編集" });
  await expect(async () => {
    await alice.page.keyboard.press("Tab");
    await expect(edit).toBeFocused({ timeout: 100 });
  }).toPass();
  await alice.page.keyboard.press("Enter");
  const editor = alice.page.getByRole("textbox", { name: "メッセージを編集" });
  await editor.fill("おはようございます");
  await editor.press("Enter");
  await expect(bob.messages.last().locator(".message__text")).toHaveText("おはようございます (edited)");
  await expect(alice.messages.last().locator(".message__text")).toHaveText("おはようございます (編集済み)");
});

test("on a phone a message is edited and taken back by touch", async ({ alice, somebody }) => {
  const room = await alice.makeRoom(unique("touch"));
  const bob = await named(await somebody({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }), "bob");
  await bob.enterRoom(room);
  await bob.composer.fill("see you then");
  await bob.page.getByRole("button", { name: "Send" }).tap();
  await settled(bob.page);
  const menu = bob.page.locator(".message-menu:popover-open");
  const choose = async (name: string) => {
    await bob.messages.last().getByRole("link", { name: /^Actions/ }).tap();
    await menu.getByRole("button", { name }).tap();
    await expect(menu).toHaveCount(0);
  };
  await choose("Edit");
  const editor = bob.page.getByRole("textbox", { name: "Edit the message" });
  await editor.fill("see you today");
  await bob.page.getByRole("button", { name: "Save" }).tap();
  for (const { messages } of [alice, bob]) await expect(messages.last().locator(".message__text")).toHaveText("see you today (edited)");
  await settled(bob.page);
  expect((await new AxeBuilder({ page: bob.page }).analyze()).violations).toEqual([]);
  await choose("Delete");
  // First, because it is there for ten seconds only.
  await bob.page.getByRole("button", { name: "Put the text back into the composer" }).tap();
  for (const { messages } of [alice, bob]) await expect(messages).toHaveCount(0);
  await expect(bob.composer).toHaveValue("see you today");
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a message is edited and deleted by forms, and its earlier texts can be read", async ({ alice, bob, expectedFaults }) => {
    expectedFaults.push(/400/); // the text that is too long
    await alice.page.goto("/rooms/general");
    const text = unique("draft");
    await alice.composer.fill(text);
    await alice.page.getByRole("button", { name: "Send" }).click();
    await alice.messages.filter({ hasText: text }).getByRole("link", { name: /^Actions/ }).click();
    const field = alice.page.getByRole("textbox", { name: "Edit" });
    await expect(field).toHaveValue(text);
    await field.fill(" ".repeat(3) + "x".repeat(4_001));
    await alice.page.getByRole("button", { name: "Save" }).click();
    await expect(alice.page.getByRole("alert")).toContainText("4,000");
    await expect(field, "what was typed is still there").toHaveValue(/x{4001}$/);
    await field.fill(`${text}, mended`);
    await alice.page.getByRole("button", { name: "Save" }).click();
    await expect(alice.messages.filter({ hasText: `${text}, mended (edited)` })).toBeVisible();

    await bob.page.goto("/rooms/general");
    const seen = bob.messages.filter({ hasText: `${text}, mended` });
    await seen.getByRole("link", { name: /^edited/ }).click();
    await expect(bob.page.getByRole("heading", { name: "Earlier texts" })).toBeVisible();
    await expect(bob.page.getByText(text, { exact: true })).toBeVisible();
    await expect(bob.page.getByRole("button", { name: "Delete" })).toHaveCount(0);

    await alice.messages.filter({ hasText: text }).getByRole("link", { name: /^Actions/ }).click();
    await alice.page.getByRole("button", { name: "Delete" }).click();
    await expect(alice.messages.filter({ hasText: text })).toHaveCount(0);
    await bob.page.reload();
    await expect(bob.page.getByText("This message was deleted.")).toBeVisible();
    await expect(bob.page.getByText(text)).toHaveCount(0);
  });
});
