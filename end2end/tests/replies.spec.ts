// Answers: a message says what it answers, and leads there; the text of what was answered is nowhere else, so that a
// change and a deletion of it are seen in every answer.
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import { openMenu } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

const settled = (page: Page) => expect(page.locator(".message[data-state]")).toHaveCount(0);

async function reply(page: Page, message: Locator) {
  const menu = await openMenu(page, message);
  await menu.getByRole("button", { name: /^(Reply|返信)$/ }).click();
}

const note = (page: Page) => page.locator(".composer__answered");

test("a reply says who and what it answers, leads there, and follows what becomes of it", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("reply"));
  await alice.enterRoom(room);
  await alice.post("Shall we eat at noon?");
  await bob.postByRequest(room, ...Array.from({ length: 40 }, (_, n) => `meanwhile ${n}`));
  const question = bob.messages.filter({ hasText: "Shall we eat" }).first();
  await reply(bob.page, question);
  await expect(note(bob.page)).toContainText("Replying to alice Shall we eat at noon?");
  await expect(bob.composer).toBeFocused();
  await bob.post("At one");
  await expect(note(bob.page)).toHaveCount(0);
  await settled(bob.page);
  const answer = alice.messages.filter({ hasText: "At one" });
  await expect(answer.locator(".quote")).toHaveText(/alice\s+Shall we eat at noon\?/);
  await bob.post("and this answers nothing");
  await expect(alice.messages.last().locator(".message__text")).toHaveText("and this answers nothing");
  await expect(alice.messages.last().locator(".quote")).toHaveCount(0);

  await answer.getByRole("link", { name: /^In reply to alice/ }).click();
  const marked = alice.page.locator(".message[aria-current]");
  await expect(marked.locator(".message__text")).toHaveText("Shall we eat at noon?");
  await expect(marked).toBeInViewport();

  await alice.composer.press("ArrowUp");
  const editor = alice.page.getByRole("textbox", { name: "Edit the message" });
  await editor.fill("Shall we eat at two?");
  await editor.press("Enter");
  await settled(alice.page);
  await expect(bob.messages.filter({ hasText: "At one" }).locator(".quote")).toContainText("Shall we eat at two?");
  await (await openMenu(alice.page, marked)).getByRole("button", { name: "Delete" }).click();
  for (const person of [alice, bob]) {
    const quote = person.messages.filter({ hasText: "At one" }).locator(".quote");
    await expect(quote).toContainText("This message was deleted.");
  }
  expect(await bob.page.content()).not.toContain("Shall we eat");
  await bob.page.reload();
  await expect(bob.messages.filter({ hasText: "At one" }).locator(".quote")).toContainText("This message was deleted.");
});

test("what is answered is there although it is far above, for who has the page and for who comes", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("far"));
  await bob.postByRequest(room, "the beginning", ...Array.from({ length: 60 }, (_, n) => `later ${n}`));
  await alice.enterRoom(room);
  await expect(alice.messages.filter({ hasText: "the beginning" })).toHaveCount(0);
  const first = Number(await bob.page.locator(".message").first().getAttribute("data-offset"));
  const data = { id: crypto.randomUUID(), text: "an answer", reply_to: first };
  expect((await bob.context.request.post(`/api/rooms/${room}/messages`, { data })).status()).toBe(201);
  const answer = alice.messages.filter({ hasText: "an answer" });
  await expect(answer.locator(".quote")).toContainText("the beginning");
  await alice.page.reload();
  await expect(answer.locator(".quote")).toContainText("the beginning");
  await answer.locator(".quote").click();
  await expect(alice.page.locator(".message[aria-current] .message__text")).toHaveText("the beginning");
});

test("a reply that is begun outlives a reload, can be taken back, and one that is cut off is sent as a reply", async ({
  alice,
  bob,
  expectedFaults,
}) => {
  expectedFaults.push(/net::ERR_|WebSocket/);
  const room = await bob.makeRoom(unique("kept"));
  await bob.post("answer me");
  await settled(bob.page);
  await alice.enterRoom(room);
  await reply(alice.page, alice.messages.first());
  await alice.composer.fill("I will");
  await alice.page.reload();
  await alice.expectConnected();
  await expect(note(alice.page)).toContainText("answer me");
  await expect(alice.composer).toHaveValue("I will");
  await alice.page.getByRole("button", { name: "Do not reply" }).click();
  await expect(note(alice.page)).toHaveCount(0);
  await expect(alice.composer).toBeFocused();
  await reply(alice.page, alice.messages.first());
  await expect(note(alice.page)).toBeVisible();
  await alice.composer.press("Escape");
  await expect(note(alice.page)).toHaveCount(0);
  await reply(alice.page, alice.messages.first());
  await alice.context.setOffline(true);
  await expect(alice.badge).toContainText("Disconnected");
  await alice.composer.press("Enter");
  await expect(alice.messages.last().locator(".quote"), "it is shown at once").toContainText("answer me");
  await expect(alice.page.locator('.message[data-state="pending"]')).toHaveCount(1);
  await alice.context.setOffline(false);
  await settled(alice.page);
  await expect(bob.messages.last().locator(".quote")).toContainText("answer me");
  await expect(bob.messages.last().locator(".message__text")).toHaveText("I will");
});

test("a reply is made by the keyboard alone, in Japanese, on a phone, and nothing is wrong for a screen reader", async ({
  bob,
  somebody,
}) => {
  const room = await bob.makeRoom(unique("keys"));
  await bob.post("お昼はどうしますか？".repeat(20));
  await settled(bob.page);
  const phone = await somebody({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await phone.open("/language/ja");
  await phone.enterRoom(room);
  const more = phone.messages.last().getByRole("link", { name: /^操作/ });
  await more.focus();
  await phone.page.keyboard.press("Enter");
  await expect(phone.page.locator(".message-menu")).toBeVisible();
  const reply = phone.page.getByRole("button", { name: "返信", exact: true });
  await expect(async () => {
    await phone.page.keyboard.press("Tab");
    await expect(reply).toBeFocused({ timeout: 100 });
  }).toPass();
  await phone.page.keyboard.press("Enter");
  await expect(phone.composer).toBeFocused();
  await expect(note(phone.page)).toContainText("返信先： bob お昼はどうしますか？");
  expect((await new AxeBuilder({ page: phone.page }).analyze()).violations).toEqual([]);
  await phone.post("そばで");
  await settled(phone.page);
  await expect(bob.messages.last().locator(".quote")).toContainText("お昼は");
  expect((await new AxeBuilder({ page: phone.page }).analyze()).violations).toEqual([]);
  const width = await phone.page.evaluate(() => document.documentElement.scrollWidth);
  expect(width, "a long text makes nothing wider").toBeLessThanOrEqual(390);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a message is answered by a form, and the answer leads to it", async ({ alice, bob }) => {
    const question = unique("question");
    await bob.page.goto("/rooms/general");
    await bob.composer.fill(question);
    await bob.page.getByRole("button", { name: "Send" }).click();
    await alice.page.goto("/rooms/general");
    await alice.messages.filter({ hasText: question }).getByRole("link", { name: /^Actions/ }).click();
    await expect(alice.page.getByRole("button", { name: "Delete" }), "it is bob's").toHaveCount(0);
    await alice.page.getByRole("textbox", { name: "Reply" }).fill("the answer");
    await alice.page.getByRole("button", { name: "Send" }).click();
    const answer = alice.messages.last();
    await expect(answer.locator(".message__text")).toHaveText("the answer");
    await answer.getByRole("link", { name: new RegExp(`^In reply to bob ${question}`) }).click();
    await expect(alice.page.locator(".message[aria-current]")).toContainText(question);
  });
});
