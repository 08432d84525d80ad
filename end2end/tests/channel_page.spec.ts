// The page of a channel: how to publish to it, the chart of its values, and the way to all channels.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import type { Person } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name}-${crypto.randomUUID().slice(0, 8)}`;
const value = (key: string, value: number, unit?: string) => ({ type: "update", key, value, ...(unit && { unit }) });
const plot = (page: Page) => page.getByRole("slider", { name: "Values over time" });
const line = (page: Page, key: string) => page.locator(".chart__series button", { hasText: key });
const violations = async (page: Page) => (await new AxeBuilder({ page }).analyze()).violations;

/** Opens a channel's page and waits until it is followed. */
async function follow(person: Person, channel: string) {
  await person.open(`/feed/${channel}`);
  await expect(person.page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();
}

test("a channel's page says how to publish to it and what is kept, and each command can be copied", async ({ alice, bob, server }) => {
  const channel = unique("how");
  await follow(alice, channel);
  const about = alice.page.locator(".channel-about");
  await about.getByText("How to publish here").click();
  await expect(about.getByText("Kept for 7 days")).toBeVisible();
  const command = about.locator("#publish-text");
  await expect(command).toHaveText(`curl -d 'backup done' ${server.url}/api/events/${channel}`);
  await expect(about.locator("#publish-ntfy")).toHaveText(`${server.url}/${channel}`);
  await expect(about.locator("#publish-webhook")).toHaveText(`${server.url}/api/events/${channel}`);
  expect(await violations(alice.page)).toEqual([]);
  await alice.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await about.getByRole("button", { name: "Copy A text" }).click();
  await expect(about.getByRole("button", { name: "Copied A text" })).toBeVisible();
  expect(await alice.page.evaluate(() => navigator.clipboard.readText())).toBe(await command.textContent());
  // What stands there works.
  const json = /-d '(.*)' (\S+)$/.exec((await about.locator("#publish-progress").textContent())!)!;
  const answer = await bob.context.request.post(json[2]!, { data: json[1], headers: { "Content-Type": "application/json" } });
  expect(answer.status()).toBe(201);
  await expect(alice.page.getByRole("progressbar", { name: "import" })).toHaveAttribute("value", "3");
});

test("values are drawn as a chart that follows them, with a line for each key", async ({ alice, bob, server }) => {
  const channel = unique("chart");
  await server.publish(channel, [value("cpu", 10, "%"), value("disk", 5.25, "GB")]);
  await follow(alice, channel);
  await expect(alice.page.locator(".chart canvas")).toBeVisible();
  await expect(line(alice.page, "cpu")).toContainText("10 %");
  await expect(line(alice.page, "disk")).toContainText("5.25 GB");
  await bob.context.request.post(`/api/events/${channel}`, { data: value("cpu", 47.123_456, "%") });
  await expect(line(alice.page, "cpu")).toContainText("47.12 %");
  await bob.context.request.post(`/api/events/${channel}`, { data: value("swap", 1, "%") });
  await expect(line(alice.page, "swap")).toContainText("1 %");
  await expect(alice.page.locator(".chart__series li")).toHaveCount(3);
  await line(alice.page, "disk").click();
  await expect(line(alice.page, "disk")).toHaveAttribute("aria-pressed", "false");
  await alice.page.getByText("Values as a table").click();
  const rows = alice.page.locator(".chart tbody tr");
  await expect(rows).toHaveCount(3);
  await expect(rows.first()).toContainText("1");
  await expect(alice.page.locator(".chart thead")).toContainText("cpu (%)");
  expect(await violations(alice.page)).toEqual([]);
});

test("the chart is read and zoomed by the keyboard", async ({ alice, server }) => {
  const channel = unique("keys");
  for (const number of [1, 2, 3]) await server.publish(channel, value("step", number));
  await follow(alice, channel);
  await expect(alice.page.locator(".chart canvas")).toBeVisible();
  const chart = plot(alice.page);
  await chart.focus();
  await expect(chart).toHaveAttribute("aria-valuetext", /, step 3$/);
  await alice.page.keyboard.press("Home");
  await expect(chart).toHaveAttribute("aria-valuetext", /, step 1$/);
  await expect(line(alice.page, "step")).toHaveText(/1$/);
  await alice.page.keyboard.press("ArrowRight");
  await expect(chart).toHaveAttribute("aria-valuetext", /, step 2$/);
  const hour = alice.page.getByRole("button", { name: "1 h", exact: true });
  await expect(hour).toHaveAttribute("aria-pressed", "true");
  const zoomed = alice.page.waitForRequest((request) => request.url().includes(`/api/channels/${channel}/values`));
  await alice.page.keyboard.press("+");
  const asked = new URL((await zoomed).url()).searchParams;
  expect(Number(asked.get("to")) - Number(asked.get("from"))).toBeLessThanOrEqual(1_800_000);
  await expect(hour).toHaveAttribute("aria-pressed", "false");
  await alice.page.getByRole("button", { name: "All", exact: true }).click();
  await expect(alice.page.getByRole("button", { name: "All", exact: true })).toHaveAttribute("aria-pressed", "true");
  await expect(chart).toHaveAttribute("aria-valuemax", "2");
});

test("a channel that is opened from another page, and one whose first value comes later, have their chart too", async ({ alice, server }) => {
  const [channel, later] = [unique("led"), unique("later")];
  await server.publish(channel, [value("a", 1), { text: "a notification" }]);
  await server.publish(later, "no value yet");
  await alice.open("/");
  const documents = alice.documents();
  await alice.page.locator(`.navigation a[href="/feed/${channel}"]`).click();
  await expect(line(alice.page, "a")).toContainText("1");
  await expect(alice.page.locator("#publish-text")).toContainText(`/api/events/${channel}`);
  await alice.page.locator(`.navigation a[href="/feed/${later}"]`).click();
  await expect(alice.page.locator("#publish-text")).toContainText(`/api/events/${later}`);
  await expect(alice.page.locator(".chart")).toBeHidden();
  await server.publish(later, value("b", 2));
  await expect(line(alice.page, "b")).toContainText("2");
  expect(documents, "without a document of its own").toEqual([]);
});

test("where values were missing the line is broken, also for one line among several", async ({ alice, server }) => {
  const channel = unique("gap");
  await server.publish(channel, [value("cpu", 1), value("disk", 1)]);
  // The server's own answer, with times as if the sender had been away.
  const now = Date.now() - 60_000;
  const times = [0, 1, 2, 3, 30, 31, 32, 33].map((second) => now + 1_000 * second);
  const cpu = [1, 2, 1, 2, 1, 2, 1, 2];
  const disk = [1, null, 2, null, 1, null, 2, null];
  await alice.page.route(`**/api/channels/${channel}/values*`, async (route) => {
    const answer = await (await route.fetch()).json();
    const series = [["cpu", cpu], ["disk", disk]].map(([key, list]) => ({ key, unit: null, min: list, max: list, mean: list }));
    await route.fulfill({ json: { ...answer, times, series } });
  });
  await follow(alice, channel);
  await expect(alice.page.locator(".chart canvas")).toBeVisible();
  const script = await alice.page.evaluate(() => performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/channel.js"))!.name);
  const pauses = (list: (number | null)[]) => alice.page.evaluate(async ([script, times, list]) => (await import(script)).pauses(times, list), [script, times, list] as const);
  expect(await pauses(cpu)).toEqual([[3, 4]]);
  expect(await pauses(disk), "a place of the other line is no pause").toEqual([[2, 4]]);
});

test("on a phone the buttons of the chart stand in one row, in Japanese too", async ({ somebody, server }) => {
  const channel = unique("narrow");
  await server.publish(channel, value("cpu", 30, "%"));
  for (const locale of ["en-GB", "ja-JP"]) {
    const phone = await somebody({ locale, viewport: { width: 360, height: 780 }, hasTouch: true, isMobile: true });
    await phone.open(`/feed/${channel}`);
    await expect(phone.page.locator(".chart canvas")).toBeVisible();
    const buttons = await phone.page.locator(".chart__ranges button").all();
    const tops = await Promise.all(buttons.map(async (button) => (await button.boundingBox())!.y));
    expect(new Set(tops).size, locale).toBe(1);
    expect(await phone.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  }
});

test("in Japanese without a script the page has the commands and the table of values", async ({ somebody, server }) => {
  const channel = unique("plain");
  await server.publish(channel, value("cpu", 30, "%"));
  const reader = await somebody({ javaScriptEnabled: false, locale: "ja-JP" });
  await reader.page.goto(`/feed/${channel}`);
  await reader.page.getByText("送信方法と保存期間").click();
  await expect(reader.page.getByText("保存期間は7日です")).toBeVisible();
  await expect(reader.page.locator("#publish-value")).toContainText(`/api/events/${channel}`);
  await expect(reader.page.locator(".chart__ranges")).toBeHidden();
  await reader.page.getByText("計測値の表").click();
  await expect(reader.page.locator(".chart tbody")).toContainText("30");
  await expect(reader.page.locator(".chart tbody th").first()).toContainText("UTC");
});

test("all channels are reached: the sidebar and the cards lead to a page that finds them", async ({ alice, somebody, server }) => {
  const mark = unique("z");
  for (let number = 0; number < 20; number++) await server.publish(`${mark}-${number}`, value("load", number));
  await alice.open("/");
  await expect(alice.page.locator(".value-card")).toHaveCount(12);
  await alice.page.locator("main").getByRole("link", { name: "All channels" }).focus();
  await alice.page.keyboard.press("Enter");
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("All channels");
  expect(await violations(alice.page)).toEqual([]);
  await alice.page.getByRole("searchbox", { name: "Part of a channel's name" }).fill(mark.toUpperCase());
  await alice.page.keyboard.press("Enter");
  await expect(alice.page.locator(".channel-index a")).toHaveCount(20);
  await expect(alice.page.getByText("20 channels")).toBeVisible();
  const plain = await somebody({ javaScriptEnabled: false });
  await plain.page.goto("/");
  await plain.page.locator(".navigation").getByRole("link", { name: "All channels" }).click();
  await plain.page.locator(".channel-index").getByRole("link", { name: `${mark}-7`, exact: true }).click();
  await expect(plain.page.getByRole("heading", { level: 1 })).toHaveText(`${mark}-7`);
});
