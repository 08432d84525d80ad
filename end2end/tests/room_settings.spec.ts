// The life of a room: its owner renames, describes, archives and removes it, and the others see that while they read.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

test("a room is renamed and described, and the other one sees it at once wherever they are", async ({ alice, bob }) => {
  const [before, after] = [unique("before"), unique("after")];
  const room = await alice.makeRoom(before);
  await bob.enterRoom(room);
  const elsewhere = await bob.anotherTab();
  await elsewhere.enterRoom("general");
  await expect(elsewhere.page.getByRole("link", { name: before, exact: true })).toBeVisible();
  await bob.composer.fill("a sentence that bob is");
  await expect(bob.page.getByRole("link", { name: "Settings" }), "the room is alice's").toHaveCount(0);

  await alice.page.locator(".page__header").getByRole("link", { name: "Settings" }).click();
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(`Settings of ${before}`);
  await alice.page.getByRole("form", { name: "Name and topic" }).getByLabel("Name", { exact: true }).fill(after);
  await alice.page.getByLabel("Topic", { exact: true }).fill("Ships, boats and <b>rafts</b>");
  await alice.page.getByRole("button", { name: "Save" }).click();
  await expect(alice.page.getByRole("status")).toHaveText("Saved.");
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(`Settings of ${after}`);

  for (const { page } of [bob, elsewhere]) {
    await expect(page.locator(".sidebar").getByRole("link", { name: after, exact: true })).toBeVisible({ timeout: 5_000 });
    await expect(page.locator(".sidebar").getByRole("link", { name: before, exact: true })).toHaveCount(0);
  }
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText(after);
  await expect(bob.page).toHaveTitle(new RegExp(after));
  await expect(bob.page.locator(".topic")).toHaveText("Ships, boats and <b>rafts</b>");
  await expect(bob.composer, "nothing was loaded anew").toHaveValue("a sentence that bob is");
  await expect(bob.composer).toHaveAccessibleName(new RegExp(`^Message to .*${after}`));
  expect(new URL(bob.page.url()).pathname, "the address stays").toBe(`/rooms/${room}`);
  await bob.page.reload();
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText(after);
  await expect(bob.page.locator(".topic")).toHaveText("Ships, boats and <b>rafts</b>");
});

test("a room is archived while the other one types, and taken back: nothing that was typed is lost", async ({ alice, bob }) => {
  const name = unique("archive");
  const room = await alice.makeRoom(name);
  await alice.post("said before");
  await bob.enterRoom(room);
  await bob.composer.fill("half a sentence");
  const settings = await alice.anotherTab();
  await settings.page.goto(`/rooms/${room}/settings`);
  await settings.page.getByRole("button", { name: "Archive the room" }).click();
  await expect(settings.page.getByText("The room is archived")).toBeVisible();
  for (const person of [alice, bob]) {
    await expect(person.page.getByText("This room is archived. You can read it")).toBeVisible({ timeout: 5_000 });
    await expect(person.composer).toHaveCount(0);
    await expect(person.messages).toContainText(["said before"]);
    const archived = person.page.locator(".sidebar details", { hasText: "Archived" });
    await expect(archived.getByRole("link", { name, exact: true })).toBeHidden();
    await archived.getByText("Archived").click();
    await expect(archived.getByRole("link", { name, exact: true })).toBeVisible();
  }
  expect((await new AxeBuilder({ page: bob.page }).analyze()).violations).toEqual([]);
  // Nobody is asked to write where nothing was written and nobody may.
  const empty = await alice.anotherTab();
  const silent = await empty.makeRoom(unique("silent"));
  await expect(empty.page.getByText("Be the first to write one.")).toBeVisible();
  expect((await alice.context.request.patch(`/api/rooms/${silent}`, { data: { archived: true } })).ok()).toBe(true);
  await expect(empty.page.getByText("There are no messages here.")).toBeVisible({ timeout: 5_000 });
  await expect(empty.page.getByText("Be the first to write one.")).toHaveCount(0);
  await empty.page.reload();
  await expect(empty.page.getByText("There are no messages here.")).toBeVisible();
  await settings.page.getByRole("button", { name: "Take it out of the archive" }).click();
  await expect(bob.composer).toHaveValue("half a sentence", { timeout: 5_000 });
  await bob.composer.press("Enter");
  await expect(alice.messages.filter({ hasText: "half a sentence" })).toBeVisible();
});

test("a room is removed after its name was typed: its readers are told and led away, and nothing is left", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/40[049]/, /410/);
  const name = unique("remove");
  const room = await alice.makeRoom(name);
  await alice.post("a secret");
  await bob.enterRoom(room);
  await expect(bob.messages).toHaveCount(1);
  const settings = await alice.anotherTab();
  await settings.page.goto(`/rooms/${room}/settings`);
  await settings.page.getByLabel("The room's name, to confirm").fill("something else");
  await settings.page.getByRole("button", { name: "Remove the room" }).click();
  await expect(settings.page.getByRole("alert")).toHaveText("This is not the name of the room. Nothing was removed.");
  await settings.page.getByLabel("The room's name, to confirm").fill(name.toUpperCase());
  await settings.page.getByRole("button", { name: "Remove the room" }).click();
  await expect(settings.page).toHaveURL("/");
  await expect(bob.page.getByText("This room was removed.")).toBeVisible();
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("Feed");
  await expect(bob.page.locator(".sidebar").getByRole("link", { name, exact: true })).toHaveCount(0);
  expect((await bob.page.goto(`/rooms/${room}`))!.status()).toBe(404);
  await bob.page.goto("/");
  await bob.page.getByText("New room").click();
  await bob.page.getByLabel("Name of the new room").fill(name);
  await bob.page.getByRole("button", { name: "Create" }).click();
  await expect(bob.page.getByText("A room with this name already exists")).toBeVisible();
});

test("on a phone, in Japanese and without a script the settings do the same", async ({ somebody, alice }) => {
  const name = unique("phone");
  const room = await alice.makeRoom(name);
  const { cookies } = await alice.context.storageState();
  const phone = await somebody({ viewport: { width: 320, height: 640 }, javaScriptEnabled: false, locale: "ja-JP" });
  await phone.context.addCookies(cookies);
  await phone.page.goto(`/rooms/${room}/settings`);
  await expect(phone.page.getByRole("heading", { level: 1 })).toHaveText(`${name} の設定`);
  expect(await phone.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  await phone.page.getByLabel("トピック", { exact: true }).fill("船の話");
  await phone.page.getByRole("button", { name: "保存" }).click();
  await expect(phone.page.getByText("保存しました。")).toBeVisible();
  await phone.page.getByRole("button", { name: "ルームをアーカイブ" }).click();
  await phone.page.goto(`/rooms/${room}`);
  await expect(phone.page.getByText("このルームはアーカイブされています。読むことはできますが")).toBeVisible();
  await expect(phone.page.locator(".topic")).toHaveText("船の話");
  await expect(phone.page.locator("textarea")).toHaveCount(0);
  await alice.page.goto(`/rooms/${room}/settings`);
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
});
