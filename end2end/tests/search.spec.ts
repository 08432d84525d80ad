// The search: by its page, also without a script, and by the quick switcher.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const marker = () => `x${crypto.randomUUID().slice(0, 8)}`;

test("a message is found by its words and leads to its place", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("found"));
  const word = marker();
  await alice.postByRequest(room, `東京タワー **${word}** [mended](https://ci.example/7)`, "something else");
  await bob.open("/");
  await bob.page.locator(".navigation").getByRole("link", { name: "Search" }).click();
  await expect(bob.page.getByRole("heading", { level: 1, name: "Search" })).toBeVisible();
  await bob.page.getByRole("searchbox").fill(`タワー ${word}`);
  await bob.page.getByRole("searchbox").press("Enter");
  const hit = bob.page.locator(".rows li");
  await expect(hit).toHaveCount(1);
  await expect(hit.locator("mark")).toHaveText(["タワー", word]);
  await expect(hit.locator("p").last(), "as one reads it").toHaveText(`東京タワー ${word} mended`);
  expect((await new AxeBuilder({ page: bob.page }).analyze()).violations).toEqual([]);
  await expect(hit.locator("a bdi"), "a link's line goes on under a name").toHaveCSS("text-decoration-line", "underline");
  await expect(hit.locator("time"), "in the reader's zone").not.toContainText("UTC");
  await hit.getByText("タワー").click({ force: true }); // the link lies over the text
  await expect(bob.messages.filter({ hasText: word })).toBeVisible();
});

test("a search that cannot be meant says how to write it, and one without hits what to try", async ({ alice }) => {
  await alice.page.goto("/search?q=has:fun");
  await expect(alice.page.getByRole("alert")).toHaveText("has: is has:file or has:link.");
  await expect(alice.page.locator("[name=zone]")).toHaveValue("Asia/Tokyo");
  await alice.page.goto(`/search?q=${marker()}`);
  await expect(alice.page.getByText("Nothing was found that you may read.")).toBeVisible();
  await alice.page.setViewportSize({ width: 320, height: 640 });
  expect(await alice.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
});

test("a Japanese reader is told in Japanese how to write a search", async ({ somebody, server }) => {
  const { page, context } = await somebody();
  await context.addCookies([{ name: "idobata_language", value: "ja", url: server.url }]);
  for (const [query, fix] of [
    ["has:fun", "has:link"],
    ["on:soon", "on:2026-11-28"],
    ["-only", "探すもの"],
    ["level:loud", "warning"],
    ["a*", "2文字"],
  ] as const) {
    await page.goto(`/search?${new URLSearchParams({ q: query })}`);
    await expect(page.getByRole("alert")).toContainText(fix);
    await expect(page.getByRole("alert")).toContainText("。");
  }
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

test("the quick switcher leads to rooms, people and messages by the keyboard", async ({ alice, bob }) => {
  const name = unique("switched");
  const room = await alice.makeRoom(name);
  const word = marker();
  await alice.postByRequest(room, `over here ${word}`);
  await alice.enterRoom("general");
  const dialog = alice.page.getByRole("dialog", { name: "Go to or search" });
  await alice.expectConnected();
  await alice.page.keyboard.press("Control+k");
  await expect(dialog.getByRole("combobox")).toBeFocused();
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
  // Also people of the room who are not here now.
  await bob.enterRoom(room);
  await bob.post("here I am");
  await bob.expectMessages(`over here ${word}`, "here I am");
  await bob.enterRoom("general");
  await alice.page.keyboard.press("Control+k");
  await alice.page.keyboard.type("bob");
  await expect(dialog.getByRole("option").filter({ hasText: /^@ bob$/ })).toHaveCount(1);
  await alice.page.keyboard.press("Enter");
  await expect(alice.page).toHaveURL(/\/people\//);
});
