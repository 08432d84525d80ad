// Threads: answers beside the room, which shows how many there are and the newest.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { openMenu, type Person } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

const thread = (person: Person) => person.page.locator("section.thread");
const answers = (person: Person) => thread(person).locator(".message .message__text");
const field = (person: Person) => thread(person).getByRole("textbox");
/** The messages of the room, without those of a thread beside it. */
const inRoom = (person: Person) => person.page.locator(".conversation .message");
const link = (person: Person, text: string) => inRoom(person).filter({ hasText: text }).locator(".message__thread");
const settled = (page: Page) => expect(page.locator(".message[data-state]")).toHaveCount(0);

async function answer(person: Person, text: string) {
  await field(person).fill(text);
  await field(person).press("Enter");
}

/** Posts by a request and returns the offset. */
async function say(person: Person, room: string, text: string, more = {}): Promise<number> {
  const data = { id: crypto.randomUUID(), text, ...more };
  const response = await person.context.request.post(`/api/rooms/${room}/messages`, { data });
  expect(response.status()).toBe(201);
  return (await response.json()).offset;
}

test("two people talk in a thread, and the room shows how much and nothing of it", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("thread"));
  await alice.enterRoom(room);
  await alice.post("Who has the key?");
  await settled(alice.page);
  const menu = await openMenu(bob.page, inRoom(bob).filter({ hasText: "Who has the key?" }));
  await menu.getByRole("link", { name: "Answer in a thread" }).click();
  await expect(thread(bob).getByRole("heading", { name: "Thread" })).toBeVisible();
  await expect(answers(bob)).toHaveText(["Who has the key?"]);
  await expect(field(bob)).toBeFocused();
  await answer(bob, "I had it on Friday");
  await expect(answers(bob)).toHaveText(["Who has the key?", "I had it on Friday"]);
  await expect(link(alice, "Who has the key?")).toContainText("1 answer");
  await expect(inRoom(alice)).toHaveCount(1);
  await expect(inRoom(bob)).toHaveCount(1);

  await link(alice, "Who has the key?").click();
  await expect(answers(alice)).toHaveText(["Who has the key?", "I had it on Friday"]);
  await answer(alice, "and now?");
  await expect(answers(bob)).toHaveText(["Who has the key?", "I had it on Friday", "and now?"]);
  await expect(link(bob, "Who has the key?")).toContainText("2 answers");
  await expect(link(bob, "Who has the key?")).toContainText("alice");
  // The room goes on beside it, and each composer says what it says.
  await alice.page.locator(".conversation textarea").fill("lunch!");
  await alice.page.locator(".conversation textarea").press("Enter");
  await expect(inRoom(bob).last().locator(".message__text")).toHaveText("lunch!");
  await expect(answers(bob)).toHaveCount(3);

  // An answer that is taken back is not counted.
  const own = thread(bob).locator(".message").filter({ hasText: "I had it" });
  await (await openMenu(bob.page, own)).getByRole("button", { name: "Delete" }).click();
  await expect(answers(alice)).toHaveText(["Who has the key?", "and now?"]);
  for (const person of [alice, bob]) await expect(link(person, "Who has the key?")).toContainText("1 answer");
  await bob.page.reload();
  await expect(answers(bob)).toHaveText(["Who has the key?", "and now?"]);
  await expect(link(bob, "Who has the key?")).toContainText("1 answer");
  await expect(inRoom(bob).locator(".message__text")).toHaveText(["Who has the key?", "lunch!"]);

  await thread(bob).getByRole("link", { name: "Close the thread" }).click();
  await expect(thread(bob)).toHaveCount(0);
  await bob.page.goBack();
  await expect(answers(bob)).toHaveText(["Who has the key?", "and now?"]);
  await bob.page.goForward();
  await expect(thread(bob)).toHaveCount(0);
});

test("what is answered while a reader is cut off is counted and shown when they are back", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/net::ERR_|WebSocket/);
  const room = await bob.makeRoom(unique("cut"));
  const [first, second] = [await say(bob, room, "first"), await say(bob, room, "second")];
  await say(bob, room, "old answer", { thread: first });
  await alice.open(`/rooms/${room}/thread/${first}`);
  await alice.expectConnected();
  await expect(answers(alice)).toHaveText(["first", "old answer"]);
  await alice.context.setOffline(true);
  await expect(alice.badge).toContainText("Disconnected");
  await answer(alice, "from the tunnel");
  await expect(thread(alice).locator('.message[data-state="pending"]')).toHaveCount(1);
  // A thread that is closed sends its drafts all the same: they are the room's.
  const gone = await say(bob, room, "a word too much", { thread: first });
  await say(bob, room, "to the second", { thread: second });
  await say(bob, room, "new answer", { thread: first });
  const data = { id: crypto.randomUUID(), kind: "delete" };
  const deleted = await bob.context.request.post(`/api/rooms/${room}/messages/${gone}/changes`, { data });
  expect(deleted.status()).toBe(201);
  await expect(link(bob, "first")).toContainText("2 answers");
  await alice.context.setOffline(false);
  await expect(answers(alice)).toHaveText(["first", "old answer", "new answer", "from the tunnel"], { timeout: 30_000 });
  await settled(alice.page);
  for (const person of [alice, bob]) {
    await expect(link(person, "first")).toContainText("3 answers");
    await expect(link(person, "second")).toContainText("1 answer");
    await expect(inRoom(person)).toHaveCount(2);
  }
});

test("an answer that waits is sent although its thread was closed, and its field keeps what is typed", async ({
  alice,
  bob,
  expectedFaults,
}) => {
  expectedFaults.push(/net::ERR_|WebSocket/);
  const room = await bob.makeRoom(unique("closed"));
  const root = await say(bob, room, "root");
  await alice.enterRoom(room);
  await alice.composer.fill("for the room");
  await (await openMenu(alice.page, inRoom(alice).first())).getByRole("link", { name: "Answer in a thread" }).click();
  await expect(field(alice)).toBeFocused();
  await alice.context.setOffline(true);
  await expect(alice.badge).toContainText("Disconnected");
  await answer(alice, "waits");
  await field(alice).fill("for the thread");
  await field(alice).press("Escape");
  await expect(thread(alice), "leaving it needs no connection").toHaveCount(0);
  await alice.context.setOffline(false);
  await expect(link(bob, "root")).toContainText("1 answer", { timeout: 30_000 });
  await alice.open(`/rooms/${room}/thread/${root}`);
  await expect(field(alice)).toHaveValue("for the thread");
  await expect(alice.page.locator(".conversation textarea")).toHaveValue("for the room");
  await expect(answers(alice)).toHaveText(["root", "waits"]);
});

test("a link to an answer opens its thread with the answer marked, also far from the end", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/410|404/);
  const room = await bob.makeRoom(unique("link"));
  const root = await say(bob, room, "root");
  const target = await say(bob, room, "the one", { thread: root });
  for (let n = 0; n < 60; n++) await say(bob, room, `later ${n}`, { thread: root });
  for (const path of [`/rooms/${room}/${target}`, `/rooms/${room}/thread/${target}`]) {
    await alice.open(path);
    const marked = thread(alice).locator(".message[aria-current]");
    await expect(marked.locator(".message__text")).toHaveText("the one");
    await expect(marked).toBeInViewport();
    await expect(inRoom(alice)).toHaveCount(1);
    await expect(link(alice, "root")).toContainText("61 answers");
  }
  // A reply in the thread leads to its message in the thread.
  await say(bob, room, "about that", { reply_to: target });
  const reply = thread(alice).locator(".message").filter({ hasText: "about that" });
  await expect(reply.locator(".quote")).toContainText("the one");
  await alice.open(`/rooms/${room}/thread/${root}`);
  await expect(answers(alice).last()).toHaveText("about that");
  await expect(thread(alice).locator(".message").filter({ hasText: "root" })).toHaveCount(0);
  await thread(alice).getByRole("button", { name: "Earlier messages" }).click();
  await expect(answers(alice).first()).toHaveText("root");
  const missing = await alice.page.goto(`/rooms/${room}/thread/9999`);
  expect(missing!.status()).toBe(404);
});

test("a thread is opened, used and left by the keyboard alone, in Japanese, and nothing is wrong for a screen reader", async ({
  alice,
  bob,
}) => {
  const room = await bob.makeRoom(unique("keys"));
  const root = await say(bob, room, "鍵はどこですか？");
  await say(bob, room, "机の上です。", { thread: root });
  await alice.open("/language/ja");
  await alice.enterRoom(room);
  const opener = link(alice, "鍵は");
  await expect(opener).toContainText("1件の返信");
  await opener.focus();
  await alice.page.keyboard.press("Enter");
  await expect(thread(alice)).toBeFocused();
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
  await field(alice).focus();
  await alice.page.keyboard.type("ありがとう");
  await alice.page.keyboard.press("Enter");
  await expect(answers(alice)).toHaveText(["鍵はどこですか？", "机の上です。", "ありがとう"]);
  await settled(alice.page);
  // Escape closes the menu first, then the thread, and the focus is where it was.
  const more = thread(alice).locator(".message").last().getByRole("link", { name: /^操作/ });
  await more.focus();
  await alice.page.keyboard.press("Enter");
  await expect(alice.page.locator("#thread-menu")).toBeVisible();
  await alice.page.keyboard.press("Escape");
  await expect(alice.page.locator("#thread-menu")).toBeHidden();
  await expect(thread(alice)).toBeVisible();
  await alice.page.keyboard.press("Escape");
  await expect(thread(alice)).toHaveCount(0);
  await expect(opener).toBeFocused();
  await expect(opener).toContainText("2件の返信");
  await expect(alice.page).toHaveURL(new RegExp(`/rooms/${room}$`));
});

test("on a phone the thread stands in the place of the room", async ({ bob, somebody }) => {
  const room = await bob.makeRoom(unique("phone"));
  const root = await say(bob, room, "root");
  await say(bob, room, "an answer with a long word: " + "x".repeat(200), { thread: root });
  const phone = await somebody({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await phone.enterRoom(room);
  await link(phone, "root").tap();
  await expect(answers(phone)).toHaveCount(2);
  await expect(phone.page.locator(".conversation .message-list")).toBeHidden();
  expect((await new AxeBuilder({ page: phone.page }).analyze()).violations).toEqual([]);
  const width = await phone.page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
  await answer(phone, "from the phone");
  await expect(link(bob, "root")).toContainText("2 answers");
  await thread(phone).getByRole("link", { name: "Close the thread" }).tap();
  await expect(phone.page.locator(".conversation .message-list")).toBeVisible();
});

test("a thread whose first message is deleted stays, and its answers with it", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("gone"));
  await alice.enterRoom(room);
  await alice.post("hunter2");
  await settled(alice.page);
  const root = Number(await inRoom(alice).first().getAttribute("data-offset"));
  await say(bob, room, "is that a password?", { thread: root });
  await expect(link(alice, "hunter2")).toContainText("1 answer");
  await (await openMenu(alice.page, inRoom(alice).first())).getByRole("button", { name: "Delete" }).click();
  await expect(inRoom(bob).first()).toContainText("This message was deleted.");
  await link(bob, "This message was deleted.").click();
  await expect(answers(bob)).toHaveText(["This message was deleted.", "is that a password?"]);
  await bob.page.reload();
  await expect(answers(bob)).toHaveText(["This message was deleted.", "is that a password?"]);
  expect(await bob.page.content()).not.toContain("hunter2");
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a thread is read and answered by links and forms", async ({ alice, bob, expectedFaults }) => {
    expectedFaults.push(/400/); // the text that is too long
    const question = unique("question");
    await bob.page.goto("/rooms/general");
    await bob.composer.fill(question);
    await bob.page.getByRole("button", { name: "Send" }).click();
    const offset = await inRoom(bob).filter({ hasText: question }).getAttribute("data-offset");
    await say(alice, "general", "an answer", { thread: Number(offset) });
    await bob.page.reload();
    await link(bob, question).click();
    await expect(answers(bob)).toHaveText([question, "an answer"]);
    await field(bob).fill("x".repeat(4_001));
    await thread(bob).getByRole("button", { name: "Send" }).click();
    await expect(bob.page.getByRole("alert")).toContainText("4,000");
    await expect(field(bob), "what was typed is still there").toHaveValue(/x{4001}$/);
    await field(bob).fill("another");
    await thread(bob).getByRole("button", { name: "Send" }).click();
    await expect(answers(bob)).toHaveText([question, "an answer", "another"]);
    await expect(link(bob, question)).toContainText("2 answers");
    await expect(inRoom(bob).filter({ hasText: "another" })).toHaveCount(0);
    await thread(bob).getByRole("link", { name: "Close the thread" }).click();
    await expect(thread(bob)).toHaveCount(0);
  });
});
