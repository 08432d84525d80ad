// Direct messages: two or more people talk in a room that nobody else sees, each wherever they are.
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator } from "@playwright/test";
import { openMenu, type Person } from "../support/people.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

/** The row of a conversation in the sidebar, and the number beside it. */
const section = (person: Person, title = "Direct messages"): Locator => person.page.locator(".navigation details").filter({ has: person.page.getByRole("heading", { name: title }) });
const row = (person: Person, name: string, title?: string): Locator => section(person, title).locator("li").filter({ has: person.page.getByRole("link", { name, exact: true }) });
const count = (person: Person, name: string, title?: string): Locator => row(person, name, title).locator(".unread__messages");

async function idOf(person: Person): Promise<string> {
  return (await (await person.context.request.get("/api/session")).json()).user.id;
}

/** Starts direct messages as a program with this person's session would; returns their room. */
async function start(person: Person, ...others: Person[]): Promise<string> {
  const user_ids = await Promise.all(others.map(idOf));
  const answer = await person.context.request.post("/api/direct", { data: { user_ids } });
  expect([200, 201]).toContain(answer.status());
  return (await answer.json()).room;
}

test("two people write to each other wherever they are, and a third one sees nothing of it", async ({ alice, bob, somebody, expectedFaults }) => {
  const carol = await named(await somebody(), "carol");
  for (const person of [alice, bob, carol]) await person.enterRoom("general");
  const room = await start(alice, bob);
  // It comes to both pages while they are open.
  await row(alice, "bob").getByRole("link").click();
  await expect(alice.page.locator("main h1")).toHaveText("bob");
  await expect(alice.page).toHaveTitle("bob · Idobata");
  await alice.expectConnected();
  await expect(alice.page.getByRole("link", { name: "Members" }), "nobody is let in or out").toHaveCount(0);
  await alice.post("between us");
  await expect(count(bob, "alice")).toHaveText("1");
  await expect(bob.page).toHaveTitle(/^\(1\) /);
  await expect(row(bob, "alice").getByRole("link")).toHaveAccessibleDescription("1 unread message");
  await row(bob, "alice").getByRole("link").click();
  await bob.expectMessages("between us");
  await expect(count(bob, "alice")).toHaveCount(0);
  await bob.expectConnected();
  await bob.post("and nobody else");
  await alice.expectMessages("between us", "and nobody else");
  const menu = await openMenu(alice.page, alice.messages.last());
  await expect(menu.getByRole("button", { name: "Reply" })).toBeVisible();
  await expect(menu.getByRole("link", { name: "Report…" }), "nobody looks after what two people write").toHaveCount(0);
  await alice.page.keyboard.press("Escape");

  await expect(section(carol)).toHaveCount(0);
  expectedFaults.push(/404 .*\/rooms\/d-/, /status of 404/);
  await carol.page.goto(`/rooms/${room}`);
  await expect(carol.page.locator("main h1")).toHaveText("Nothing here");
  expect(await carol.page.content()).not.toContain("between us");
  const asked = await carol.context.request.get(`/api/rooms/${room}/messages`);
  expect(asked.status()).toBe(404);
  expect((await alice.context.request.get("/api/rooms")).status()).toBe(200);
});

test("what came while a connection was cut is counted when it is back, and read on one device it is read on the other", async ({ alice, bob, somebody, expectedFaults }) => {
  expectedFaults.push(/INTERNET_DISCONNECTED/);
  const room = await start2(alice, bob);
  const phone = await somebody({ storageState: await bob.context.storageState(), viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await phone.enterRoom("general");
  await bob.context.setOffline(true);
  await expect(bob.badge).not.toHaveAttribute("data-connection", "open");
  await alice.postByRequest(room, "one", "two");
  await bob.context.setOffline(false);
  await bob.expectConnected();
  await expect(count(bob, "alice")).toHaveText("2");
  await phone.page.getByRole("button", { name: "Menu" }).tap();
  await expect(count(phone, "alice")).toHaveText("2");
  expect((await new AxeBuilder({ page: phone.page }).analyze()).violations).toEqual([]);
  await row(phone, "alice").getByRole("link").tap();
  await phone.expectMessages("one", "two");
  await expect(count(bob, "alice")).toHaveCount(0);
  expect((await new AxeBuilder({ page: phone.page }).analyze()).violations).toEqual([]);
});

/** Both are in #general, and have direct messages. */
async function start2(alice: Person, bob: Person): Promise<string> {
  for (const person of [alice, bob]) await person.enterRoom("general");
  const room = await start(alice, bob);
  await expect(row(bob, "alice")).toBeVisible();
  return room;
}

test("a conversation of three has the names of the others, and whoever mutes it is not disturbed", async ({ alice, bob, somebody }) => {
  const carol = await named(await somebody(), "carol");
  for (const person of [alice, bob, carol]) await person.enterRoom("general");
  const room = await start(alice, bob, carol);
  const others = row(carol, "alice, bob").or(row(carol, "bob, alice"));
  await expect(others).toBeVisible();
  await alice.postByRequest(room, "all three");
  await expect(others.locator(".unread__messages")).toHaveText("1");
  const data = { id: crypto.randomUUID(), kind: "level", room, level: "nothing" };
  expect((await bob.context.request.post("/api/user/marks", { data })).status()).toBe(201);
  await alice.postByRequest(room, "again");
  await expect(carol.page).toHaveTitle(/^\(2\) /);
  await expect(section(bob).locator(".unread[data-muted]")).toBeVisible();
  await expect(bob.page).toHaveTitle(/^Room general/);
  // Its first message names somebody who has never looked.
  await alice.open(`/rooms/${room}`);
  await alice.expectConnected();
  await alice.composer.pressSequentially("@ca");
  await expect(alice.page.getByRole("option", { name: "carol" })).toBeVisible();
});

test("日本語の名前の人と、スクリプトなしでもやりとりできる", async ({ alice, somebody }) => {
  const hanako = await named(await somebody({ locale: "ja-JP" }), "花子");
  for (const person of [alice, hanako]) await person.enterRoom("general");
  const room = await start(alice, hanako);
  const plain = await somebody({ javaScriptEnabled: false, storageState: await alice.context.storageState() });
  await plain.page.goto("/");
  await row(plain, "花子").getByRole("link").click();
  await expect(plain.page.locator("main h1")).toHaveText("花子");
  const text = unique("こんにちは");
  await plain.composer.fill(text);
  await plain.page.getByRole("button", { name: "Send" }).click();
  await expect(count(hanako, "alice", "ダイレクトメッセージ")).toHaveText("1");
  await row(hanako, "alice", "ダイレクトメッセージ").getByRole("link").click();
  await hanako.expectMessages(text);
  expect(hanako.page.url()).toContain(room);
  expect((await new AxeBuilder({ page: hanako.page }).analyze()).violations).toEqual([]);
});
