// Moderation: the owner of a room names a moderator, who mutes, sees what was reported and takes it away; and the log of
// what was done.
import { AxeBuilder } from "@axe-core/playwright";
import { openMenu, type Person } from "../support/people.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

/** Mutes somebody on the page of the settings. */
async function mute(person: Person, room: string, name: string, time: string) {
  await person.page.goto(`/rooms/${room}/settings`);
  const mutes = person.page.getByRole("region", { name: "Muted people" });
  await mutes.getByLabel("Name", { exact: true }).fill(name);
  await mutes.getByLabel("For", { exact: true }).selectOption(time);
  await mutes.getByRole("button", { name: "Mute", exact: true }).click();
  await expect(person.page.getByRole("status")).toHaveText("Saved.");
}

test("who is muted keeps what they typed, reads on, and writes when the mute is taken back", async ({ alice, somebody }) => {
  const bobsName = unique("bob");
  const bob = await named(await somebody(), bobsName);
  const room = await alice.makeRoom(unique("mute"));
  await bob.enterRoom(room);
  await bob.composer.fill("half a sentence");
  const settings = await alice.anotherTab();
  await mute(settings, room, bobsName, "an hour");
  await expect(bob.page.getByText(/You may read this room and not write in it, until \d{4}-\d\d-\d\d \d\d:\d\d\./)).toBeVisible({ timeout: 5_000 });
  await expect(bob.composer).toHaveCount(0);
  await alice.post("bob reads this");
  await expect(bob.messages.filter({ hasText: "bob reads this" })).toBeVisible();
  expect((await new AxeBuilder({ page: bob.page }).analyze()).violations).toEqual([]);
  expect((await new AxeBuilder({ page: settings.page }).analyze()).violations).toEqual([]);
  await settings.page.getByRole("button", { name: `Unmute: ${bobsName}` }).click();
  await expect(bob.composer).toHaveValue("half a sentence", { timeout: 5_000 });
  await bob.composer.press("Enter");
  await expect(alice.messages.filter({ hasText: "half a sentence" })).toBeVisible();
});

test("a message is reported from its menu, and a moderator removes it", async ({ alice, bob, somebody }) => {
  const carolsName = unique("carol");
  const carol = await named(await somebody(), carolsName);
  const room = await alice.makeRoom(unique("report"));
  await alice.post("something rude");
  for (const person of [bob, carol]) await person.enterRoom(room);
  await alice.page.goto(`/rooms/${room}/settings`);
  const moderators = alice.page.getByRole("region", { name: "Moderators" });
  await moderators.getByLabel("Name", { exact: true }).fill(carolsName);
  await moderators.getByRole("button", { name: "Make moderator" }).click();
  await expect(moderators.getByRole("button", { name: `Remove: ${carolsName}` })).toBeVisible();

  const menu = await openMenu(bob.page, bob.messages.first());
  await menu.getByRole("link", { name: "Report…" }).click();
  await bob.page.getByLabel("What is wrong with it (optional)").fill("It is rude.");
  expect((await new AxeBuilder({ page: bob.page }).analyze()).violations).toEqual([]);
  await bob.page.getByRole("button", { name: "Report", exact: true }).click();
  await expect(bob.page.getByRole("status")).toContainText("Reported.");

  await carol.page.goto("/reports");
  const reported = carol.page.getByRole("main").getByRole("listitem").filter({ hasText: "something rude" }).first();
  await expect(reported).toContainText("It is rude.");
  expect((await new AxeBuilder({ page: carol.page }).analyze()).violations).toEqual([]);
  await reported.getByRole("button", { name: "Delete" }).click();
  await expect(carol.page.getByText("something rude")).toHaveCount(0);
  await bob.enterRoom(room);
  await expect(bob.page.getByText("something rude")).toHaveCount(0);

  await alice.page.goto(`/rooms/${room}/actions`);
  await expect(alice.page.getByRole("main").getByRole("listitem")).toContainText([/deleted the message of somebody else/, /made somebody a moderator/]);
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
});

test("on a phone, in Japanese and without a script one reports and mutes", async ({ alice, bob, somebody }) => {
  const room = await alice.makeRoom(unique("phone"));
  await alice.post("読みにくい話");
  await alice.expectMessages("読みにくい話");
  const options = { viewport: { width: 320, height: 640 }, javaScriptEnabled: false, locale: "ja-JP" };
  const phone = await somebody(options);
  await phone.context.addCookies((await bob.context.storageState()).cookies);
  await phone.page.goto(`/rooms/${room}/messages/1`);
  await phone.page.getByRole("button", { name: "報告", exact: true }).click();
  await expect(phone.page.getByRole("status")).toContainText("報告しました");
  const owner = await somebody(options);
  await owner.context.addCookies((await alice.context.storageState()).cookies);
  await owner.page.goto(`/rooms/${room}/settings`);
  expect(await owner.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  await owner.page.getByRole("link", { name: "報告されたメッセージ" }).click();
  const reported = owner.page.getByRole("main").getByRole("listitem").filter({ hasText: "読みにくい話" }).first();
  await expect(reported).toBeVisible();
  expect(await owner.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  await reported.getByRole("button", { name: "報告を却下" }).click();
  await expect(owner.page.getByText("読みにくい話")).toHaveCount(0);
});
