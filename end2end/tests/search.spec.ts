// The search: by its page, also without a script, and by the quick switcher.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const marker = () => `x${crypto.randomUUID().slice(0, 8)}`;

test("a message is found by its words and leads to its place", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("found"));
  const word = marker();
  await alice.postByRequest(room, `東京タワー ${word}`, "something else");
  await bob.open("/");
  await bob.page.locator(".navigation").getByRole("link", { name: "Search" }).click();
  await expect(bob.page.getByRole("heading", { level: 1, name: "Search" })).toBeVisible();
  await bob.page.getByRole("searchbox").fill(`タワー ${word}`);
  await bob.page.getByRole("searchbox").press("Enter");
  const hit = bob.page.locator(".rows li");
  await expect(hit).toHaveCount(1);
  await expect(hit.locator("mark")).toHaveText(["タワー", word]);
  expect((await new AxeBuilder({ page: bob.page }).analyze()).violations).toEqual([]);
  await hit.locator("a:has(time)").click();
  await expect(bob.messages.filter({ hasText: word })).toBeVisible();
});

test("a search that cannot be meant says how to write it, and one without hits what to try", async ({ alice }) => {
  await alice.page.goto("/search?q=has:fun");
  await expect(alice.page.getByRole("alert")).toContainText("has:link");
  await alice.page.goto(`/search?q=${marker()}`);
  await expect(alice.page.getByText("Nothing was found that you may read.")).toBeVisible();
  await alice.page.setViewportSize({ width: 320, height: 640 });
  expect(await alice.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
});

test("without a script the page finds, and goes on by its links", async ({ alice, somebody }) => {
  const word = marker();
  await alice.postByRequest("general", ...Array.from({ length: 21 }, (_, at) => `${word} number ${at}`));
  const { page } = await somebody({ javaScriptEnabled: false });
  await page.goto(`/search?q=${word}`);
  await expect(page.locator(".rows li")).toHaveCount(20);
  await page.getByRole("link", { name: "Older hits" }).click();
  await expect(page.locator(".rows li")).toHaveCount(1);
  await expect(page.locator(".rows li")).toContainText("number 0");
});

test("the quick switcher leads to rooms and messages by the keyboard", async ({ alice }) => {
  const name = unique("switched");
  const room = await alice.makeRoom(name);
  const word = marker();
  await alice.postByRequest(room, `over here ${word}`);
  await alice.enterRoom("general");
  const dialog = alice.page.getByRole("dialog", { name: "Go to or search" });
  // It is loaded when the page is idle.
  await expect(async () => {
    await alice.page.keyboard.press("Control+k");
    await expect(dialog).toBeVisible({ timeout: 500 });
  }).toPass();
  await alice.page.keyboard.type(name);
  await expect(dialog.getByRole("option").first()).toHaveText(`# ${name}`);
  await alice.page.keyboard.press("Enter");
  await expect(alice.page.locator("main h1")).toHaveText(name);
  await alice.page.keyboard.press("Control+k");
  await alice.page.keyboard.type(word);
  const hit = dialog.getByRole("option").filter({ hasText: "over here" });
  await expect(hit).toBeVisible();
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
  await alice.page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
});
