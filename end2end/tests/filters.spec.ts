// The filter of the feed's and a channel's notifications: by level, tag and text, in the address.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name}-${crypto.randomUUID().slice(0, 8)}`;
const rows = (page: Page) => page.locator(".notification");
const connected = (page: Page) => expect(page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();

test("one filters a channel by level and tag, links to it, and both see only what matches, also what comes", async ({ alice, bob, server }) => {
  const channel = unique("filter");
  const publish = (text: string, level: string, ...tags: string[]) => server.publish(channel, { text, level, tags });
  await publish("all is well", "info", "db");
  await publish("disk 92 %", "warning", "db");
  await publish("disk 93 %", "warning", "web");
  await alice.open(`/feed/${channel}`);
  await alice.page.getByText("Filter", { exact: true }).click();
  const form = alice.page.getByRole("search", { name: "Filter" });
  await form.getByLabel("Levels").selectOption("Warnings and errors");
  await form.getByLabel("Tag").fill("DB");
  await form.getByRole("button", { name: "Show", exact: true }).click();
  await expect(alice.page.getByText("Only these notifications are shown:")).toBeVisible();
  await expect(rows(alice.page)).toHaveCount(1);
  await expect(rows(alice.page)).toContainText("disk 92 %");
  await expect(form.getByLabel("Tag")).toHaveValue("DB");
  await connected(alice.page);
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);

  const { search } = new URL(alice.page.url());
  await bob.open(`/feed/${channel}${search}`);
  await connected(bob.page);
  await publish("still well", "info", "db");
  await publish("db is down", "error", "db");
  for (const { page } of [alice, bob]) {
    await expect(rows(page)).toHaveCount(2);
    await expect(rows(page).first()).toContainText("db is down");
  }
  await bob.page.getByRole("link", { name: "Show all" }).click();
  await expect(rows(bob.page)).toHaveCount(5);
  await expect(bob.page.getByText("Only these notifications are shown:")).toHaveCount(0);
  await alice.page.locator(".sidebar").getByRole("link", { name: channel, exact: true }).click();
  await expect(rows(alice.page), "the link to the channel leads to all of it").toHaveCount(5);
});

test("a text is found in any case and width, among earlier notifications too", async ({ alice, server }) => {
  const channel = unique("text");
  const batch = Array.from({ length: 90 }, (_, index) => ({ text: index % 3 ? `number ${index}.` : `Backup ${index}.` }));
  await server.publish(channel, batch);
  await alice.open(`/feed/${channel}?q=${encodeURIComponent("ＢＡＣＫＵＰ")}`);
  await connected(alice.page);
  await expect(rows(alice.page)).toHaveCount(20);
  await expect(rows(alice.page).first()).toContainText("Backup 87.");
  await alice.page.getByRole("button", { name: "Show earlier notifications" }).click();
  await expect(rows(alice.page)).toHaveCount(30);
  await expect(rows(alice.page).last()).toContainText("Backup 0.");
  await server.publish(channel, "no other word");
  await server.publish(channel, "BACKUP at last");
  // Whoever has scrolled down to the earlier ones comes back for it.
  await alice.page.evaluate(() => scrollTo(0, 0));
  await expect(rows(alice.page).first()).toContainText("BACKUP at last");
  await expect(rows(alice.page).filter({ hasText: "no other word" })).toHaveCount(0);
});

test("the filter of the whole feed leads to that of a channel, for both, with the rest of it", async ({ alice, bob, server }) => {
  const [channel, other] = [unique("of"), unique("other")];
  for (const name of [channel, other]) await server.publish(name, [{ text: "well" }, { text: "down", level: "error" }]);
  await alice.open("/");
  await alice.page.getByText("Filter", { exact: true }).click();
  const form = alice.page.getByRole("search", { name: "Filter" });
  await form.getByLabel("Channels").fill(channel);
  await form.getByLabel("Levels").selectOption("Errors only");
  await form.getByRole("button", { name: "Show", exact: true }).click();
  await expect(alice.page).toHaveURL(`/feed/${channel}?level=error`);
  await bob.open(`/feed/${channel}?level=error`);
  await connected(bob.page);
  await server.publish(other, { text: "down, too", level: "error" });
  await server.publish(channel, { text: "up", level: "info" });
  await server.publish(channel, { text: "down again", level: "error" });
  for (const { page } of [alice, bob]) await expect(rows(page).locator(".notification__text")).toHaveText(["down again", "down"]);
});

test("a filter that nothing matches says so, and shows what then comes", async ({ alice, server }) => {
  const channel = unique("none");
  await server.publish(channel, "one");
  await alice.open(`/feed/${channel}?level=error`);
  await connected(alice.page);
  await expect(alice.page.getByText("No notification matches the filter.")).toBeVisible();
  await server.publish(channel, { text: "two", level: "error" });
  await expect(rows(alice.page)).toHaveCount(1);
  await expect(alice.page.getByText("No notification matches the filter.")).toHaveCount(0);
});

test("in Japanese without a script the filter works, and its older pages keep it", async ({ somebody, server }) => {
  const channel = unique("plain");
  const batch = Array.from({ length: 60 }, (_, index) => ({ text: `number ${index}.`, level: index % 2 ? "info" : "warning" }));
  await server.publish(channel, batch);
  const { page } = await somebody({ javaScriptEnabled: false, locale: "ja-JP" });
  await page.goto(`/feed/${channel}`);
  await page.getByText("絞り込み", { exact: true }).click();
  await page.getByLabel("レベル").selectOption("注意・エラー");
  await page.getByRole("button", { name: "表示", exact: true }).click();
  const read = await page.locator(".notification__text").allTextContents();
  while (await page.getByRole("link", { name: "以前", exact: true }).count()) {
    await page.getByRole("link", { name: "以前", exact: true }).click();
    await expect(page.getByRole("link", { name: "最新", exact: true })).toBeVisible();
    read.push(...(await page.locator(".notification__text").allTextContents()));
  }
  expect(read).toEqual(Array.from({ length: 30 }, (_, index) => `number ${58 - 2 * index}.`));
  await page.getByRole("link", { name: "すべて表示" }).click();
  await expect(rows(page).first()).toContainText("number 59.");
});
