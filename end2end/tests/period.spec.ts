// The feed of another time: one looks for what happened, and shows it to somebody else.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { Server } from "../support/server.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name}-${crypto.randomUUID().slice(0, 8)}`;
const rows = (page: Page) => page.locator(".notification");
const violations = async (page: Page) => (await new AxeBuilder({ page }).analyze()).violations;
const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

test.use({ timezoneId: "Asia/Tokyo" });

test("one looks at the last hour of a channel, sends the link, and both see the same, which does not move", async ({ alice, bob, server }) => {
  const channel = unique("hour");
  await server.publish(channel, { text: "disk 92 %", level: "warning", tags: ["db"] });
  await server.publish(channel, { text: "all is well" });
  await alice.open(`/feed/${channel}`);
  await alice.page.getByText("Filter", { exact: true }).click();
  const form = alice.page.getByRole("search", { name: "Filter" });
  await form.getByText("From – to", { exact: true }).click();
  await expect(form.getByLabel("Time zone")).toHaveValue("Asia/Tokyo");
  expect(await violations(alice.page)).toEqual([]);
  await form.getByRole("button", { name: "Last hour" }).click();
  await expect(rows(alice.page)).toHaveCount(2);
  await expect(alice.page.getByText("All times are in Asia/Tokyo (UTC+09:00).")).toBeVisible();
  await expect(alice.page).toHaveURL(/\?from=\d{4}-\d\d-\d\dT\d\d%3A\d\d&zone=Asia%2FTokyo$/);
  expect(await violations(alice.page)).toEqual([]);

  await bob.page.goto(alice.page.url());
  await expect(rows(bob.page)).toHaveText(await rows(alice.page).allTextContents());
  await server.publish(channel, { text: "something new" });
  await expect(bob.page.getByText("New events do not come into this page.")).toBeVisible();
  await expect(rows(bob.page)).toHaveCount(2);

  // Narrower, together with the other filters, and back to now.
  await bob.page.getByText("Filter", { exact: true }).click();
  await bob.page.getByLabel("Tag").fill("db");
  await bob.page.getByRole("button", { name: "Show this time" }).click();
  await expect(rows(bob.page)).toHaveCount(1);
  await expect(rows(bob.page)).toContainText("disk 92 %");
  await bob.page.getByRole("link", { name: "Back to now" }).click();
  await expect(bob.page).toHaveURL(`/feed/${channel}?tag=db`);
  await bob.page.getByRole("link", { name: "Show all" }).click();
  await expect(rows(bob.page)).toHaveCount(3);
});

test("without JavaScript a time is chosen and read page by page, in UTC, on a phone, in Japanese", async ({ somebody, server }) => {
  const channel = unique("plain");
  await server.publish(channel, Array.from({ length: 70 }, (_, number) => ({ text: `number ${number}.` })));
  const { page } = await somebody({ javaScriptEnabled: false, locale: "ja-JP", viewport: { width: 390, height: 844 } });
  await page.goto(`/feed/${channel}`);
  await page.getByText("絞り込み", { exact: true }).click();
  await page.getByText("開始・終了", { exact: true }).click();
  await expect(page.getByLabel("タイムゾーン")).toHaveValue("UTC");
  const [from, to] = [-1, 1].map((hours) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(0, 16)) as [string, string];
  await page.getByLabel("開始").fill(from);
  await page.getByLabel("終了").fill(to);
  await page.getByRole("button", { name: "この期間を表示" }).click();
  await expect(page.getByText("時刻はすべてUTCです。")).toBeVisible();
  await expect(rows(page)).toHaveCount(30);
  await expect(rows(page).first()).toContainText("number 69.");
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  for (const [first, count] of [["number 39.", 30], ["number 9.", 10]] as const) {
    await page.getByRole("link", { name: "以前を表示" }).click();
    await expect(rows(page)).toHaveCount(count);
    await expect(rows(page).first()).toContainText(first);
  }
  await expect(page.getByRole("link", { name: "以前を表示" })).toHaveCount(0);
  await page.getByRole("link", { name: "以降を表示" }).click();
  await expect(rows(page).first()).toContainText("number 39.");
});

test("a fresh installation is about the first event, and what somebody sends comes to the top for everybody", async ({ somebody }) => {
  const own = await Server.start();
  try {
    const alice = await named(await somebody({ baseURL: own.url }), "alice");
    const bob = await named(await somebody({ baseURL: own.url }), "bob");
    await alice.open("/");
    await bob.enterRoom("general");
    // By a click, so that the browser draws it.
    await bob.feedLink.click();
    for (const { page } of [alice, bob]) {
      await expect(page.locator("#publish-command")).toHaveText(`curl -d 'backup done' ${own.url}/api/events/ops`);
      await expect(page.locator("#publish-first-ntfy")).toContainText(`${own.url}/ops`);
      await expect(page.locator("#publish-first-cli")).toContainText(`IDOBATA_URL=${own.url} idobata publish ops`);
      await expect(page.locator(".value-cards__own")).not.toHaveAttribute("open");
      await expect(page.locator('.value-card[data-channel="server"]')).toBeHidden();
    }
    expect(await violations(alice.page)).toEqual([]);
    await alice.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: own.url });
    await alice.page.getByRole("button", { name: "Copy curl" }).click();
    await expect(alice.page.getByRole("button", { name: "Copied curl" })).toBeVisible();
    const command = await alice.page.evaluate(() => navigator.clipboard.readText());
    const [, text, address] = /^curl -d '(.*)' (.*)$/.exec(command)!;
    expect((await fetch(address!, { method: "POST", body: text! })).status).toBe(201);
    await own.publish("lab", { type: "update", key: "temperature", value: 21, unit: "°C" });
    for (const { page } of [alice, bob]) {
      await expect(rows(page)).toHaveText([/backup done/]);
      await expect(page.locator("#publish-command")).toHaveCount(0);
      const cards = page.locator(".value-card h3");
      await expect(cards).toHaveText(["lab", "server"]);
      await expect(page.locator('.value-card[data-channel="lab"]')).toBeVisible();
    }
    await alice.page.reload();
    await expect(alice.page.locator(".section--channels a")).toHaveText(["lab", "ops", "server"]);
  } finally {
    await own.stop();
  }
});
