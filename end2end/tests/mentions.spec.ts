// Mentions: somebody is named with a completion, told of it wherever they are, and sees where it was.
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator } from "@playwright/test";
import { openMenu, Person } from "../support/people.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const row = (person: Person, name: string): Locator => person.page.locator(".navigation li").filter({ has: person.page.getByRole("link", { name, exact: true }) });
const mentions = (person: Person, name: string): Locator => row(person, name).locator(".unread__mentions");
const options = (person: Person): Locator => person.page.getByRole("listbox", { name: /People to mention|メンションする相手/ }).getByRole("option");

/** A room that bob has read and left: he is in #general. */
async function leftRoom(alice: Person, bob: Person, name: string): Promise<string> {
  const room = await alice.makeRoom(name);
  await alice.postByRequest(room, "hello");
  await bob.enterRoom(room);
  await expect.poll(async () => {
    const { rooms } = await (await bob.context.request.get("/api/user")).json();
    return rooms.find((one: { room: string }) => one.room === decodeURIComponent(room));
  }).toMatchObject({ unread: 0, read: expect.stringContaining(":") });
  await bob.page.locator(".navigation").getByRole("link", { name: "general", exact: true }).click();
  await expect(bob.page.locator("main h1")).toHaveText("general");
  await bob.expectConnected();
  return room;
}

test("a name is completed by the keyboard, and whoever is away sees @1 until they read it", async ({ alice, bob }) => {
  const name = unique("completed");
  await leftRoom(alice, bob, name);
  await alice.composer.pressSequentially("look @B");
  await expect(options(alice)).toHaveText(["@bob"]);
  await expect(alice.composer).toHaveAttribute("aria-activedescendant", (await options(alice).first().getAttribute("id"))!);
  await alice.composer.press("Enter");
  await expect(alice.composer).toHaveValue("look @bob ");
  await expect(options(alice)).toHaveCount(0);
  await alice.composer.press("Enter");
  await alice.expectMessages("hello", "look @bob");
  await expect(alice.messages.last().locator(".mention")).toHaveText("@bob");
  await expect(alice.messages.last().locator(".mention--own")).toHaveCount(0);
  await expect(mentions(bob, name)).toHaveText("@1");
  await expect(bob.page.getByRole("link", { name, exact: true })).toHaveAccessibleDescription(/1 unread mention/);
  await row(bob, name).getByRole("link", { name, exact: true }).click();
  await expect(bob.messages.last().locator(".mention--own")).toHaveText("@bob");
  await expect(bob.messages.last()).toHaveAttribute("data-mentioned", "true");
  await expect(alice.messages.last()).not.toHaveAttribute("data-mentioned");
  await bob.page.locator(".navigation").getByRole("link", { name: "general", exact: true }).click();
  await expect(mentions(bob, name)).toHaveCount(0);
  for (const { page } of [alice, bob]) expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});

test("the list of people is walked through, left with Escape, and has who is there first", async ({ alice, bob, somebody }) => {
  const room = await leftRoom(alice, bob, unique("walked"));
  const carol = await named(await somebody(), "carol");
  await carol.enterRoom(room);
  await alice.expectPeople("alice", "carol");
  await alice.composer.pressSequentially("@");
  await expect(options(alice)).toHaveText(["@carol", "@bob", /^@here /, /^@room /]);
  await alice.composer.press("ArrowUp");
  await expect(options(alice).last()).toHaveAttribute("aria-selected", "true");
  await alice.composer.press("Escape");
  await expect(options(alice)).toHaveCount(0);
  await alice.composer.pressSequentially(" a@b");
  await expect(options(alice)).toHaveCount(0);
  await alice.composer.fill("");
  await alice.composer.pressSequentially("@b");
  await options(alice).first().click();
  await expect(alice.composer).toHaveValue("@bob ");
  await expect(alice.composer).toBeFocused();
});

test("an edit that adds a name tells them, and one's name in code is none", async ({ alice, bob }) => {
  const name = unique("edited");
  await leftRoom(alice, bob, name);
  await alice.post("`@bob` wrote a@bob.org");
  await alice.expectMessages("hello", "@bob wrote a@bob.org");
  await expect(row(bob, name).locator(".unread__messages")).toHaveText("1");
  await expect(mentions(bob, name)).toHaveCount(0);
  const menu = await openMenu(alice.page, alice.messages.last());
  await menu.getByRole("button", { name: "Edit" }).click();
  const editor = alice.page.getByRole("textbox", { name: "Edit the message" });
  await editor.fill("ask @bob, please");
  await editor.press("Enter");
  await expect(mentions(bob, name)).toHaveText("@1");
  await expect(alice.messages.last().locator(".mention")).toHaveText("@bob");
});

test("while a message is edited names are completed as in the composer", async ({ alice, bob }) => {
  const name = unique("completed in place");
  await leftRoom(alice, bob, name);
  await alice.post("hello again");
  await alice.expectMessages("hello", "hello again");
  const menu = await openMenu(alice.page, alice.messages.last());
  await menu.getByRole("button", { name: "Edit" }).click();
  const editor = alice.page.getByRole("textbox", { name: "Edit the message" });
  await editor.press("End");
  await editor.pressSequentially(" @B");
  await expect(options(alice)).toHaveText(["@bob"]);
  await expect(editor).toHaveAttribute("aria-activedescendant", (await options(alice).first().getAttribute("id"))!);
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
  await editor.press("Escape");
  await expect(options(alice)).toHaveCount(0);
  await expect(editor, "the first Escape is the list's").toHaveValue("hello again @B");
  await editor.press("Backspace");
  await editor.pressSequentially("b");
  await options(alice).first().click();
  await expect(editor).toHaveValue("hello again @bob ");
  await expect(editor).toBeFocused();
  await expect(alice.composer).toHaveValue("");
  await editor.press("Enter");
  await expect(editor).toHaveCount(0);
  await expect(alice.messages.last().locator(".mention")).toHaveText("@bob");
  await expect(mentions(bob, name)).toHaveText("@1");
});

test("日本語の名前も、文の中で補完されて伝わる", async ({ somebody, bob }) => {
  const alice = await named(await somebody({ locale: "ja-JP" }), "有栖");
  await bob.context.request.post("/api/session", { data: { name: "花子" } });
  const name = unique("日本語");
  const room = await bob.makeRoom(name);
  await alice.enterRoom(room);
  await alice.composer.pressSequentially("これは＠花");
  await expect(options(alice)).toHaveText(["@花子"]);
  await alice.composer.press("Tab");
  await expect(alice.composer).toHaveValue("これは@花子 ");
  await alice.post("これは＠花子さんへ");
  await expect(bob.messages.last().locator(".mention--own")).toHaveText("＠花子");
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
});

test("without a script and on a phone names are marked and told as well", async ({ alice, bob, somebody }) => {
  const name = unique("plain");
  const room = await leftRoom(alice, bob, name);
  const plain = await somebody({ javaScriptEnabled: false, storageState: await alice.context.storageState() });
  await plain.page.goto(`/rooms/${room}`);
  await plain.composer.fill("@bob, without a script");
  await plain.page.getByRole("button", { name: "Send" }).click();
  await expect(plain.messages.last().locator(".mention")).toHaveText("@bob");
  await expect(mentions(bob, name)).toHaveText("@1");
  const phone = await somebody({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, storageState: await bob.context.storageState() });
  await phone.enterRoom(room);
  await expect(phone.messages.last().locator(".mention--own")).toHaveText("@bob");
  await phone.composer.pressSequentially("@al");
  await options(phone).filter({ hasText: "alice" }).first().tap();
  await expect(phone.composer).toHaveValue("@alice ");
  expect((await new AxeBuilder({ page: phone.page }).analyze()).violations).toEqual([]);
});

test("a group that told nobody says so to its author", async ({ alice }) => {
  await alice.makeRoom(unique("alone"));
  await alice.post("@here anybody?");
  await expect(alice.messages.last()).toContainText("Nobody was told");
});

test("the page of mentions lists them from all rooms, leads to each, and the sidebar counts those that are unread", async ({ alice, bob, somebody }) => {
  const name = unique("listed");
  const room = await leftRoom(alice, bob, name);
  const link = bob.page.locator(".navigation").getByRole("link", { name: /^Mentions/ });
  await expect(link).toHaveAccessibleName("Mentions");
  await alice.postByRequest(room, "**look**, @bob");
  await alice.postByRequest(room, "nobody is named here");
  await expect(link).toHaveAccessibleName("Mentions 1");
  await link.click();
  await expect(bob.page).toHaveTitle(/Mentions/);
  const rows = bob.page.locator("main li");
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText("look, @bob");
  await expect(rows.locator("strong")).toHaveText("look");
  await expect(rows.locator(".badge")).toHaveText("unread");
  expect((await new AxeBuilder({ page: bob.page }).analyze()).violations).toEqual([]);
  // On a phone, in Japanese, without a script.
  const plain = await somebody({ javaScriptEnabled: false, locale: "ja-JP", viewport: { width: 360, height: 740 }, storageState: await bob.context.storageState() });
  await plain.page.goto("/mentions");
  await expect(plain.page.locator("main h1")).toHaveText("メンション");
  await expect(plain.page.locator("main li")).toContainText("look, @bob");
  await expect(plain.page.locator("main li")).toBeInViewport({ ratio: 1 });
  await rows.getByRole("link", { name: /UTC$/ }).click();
  await expect(bob.page.locator(".message[aria-current]")).toContainText("look, @bob");
  await expect(link).toHaveAccessibleName("Mentions");
  await bob.page.goto("/mentions");
  await expect(rows).toContainText("look, @bob");
  await expect(rows.locator(".badge")).toHaveCount(0);
});

test("whoever was never mentioned is told what the page is for", async ({ somebody }) => {
  const dave = await named(await somebody(), "dave");
  await dave.page.goto("/mentions");
  await expect(dave.page.getByText("Nobody has mentioned you yet.")).toBeVisible();
});
