// The feed as people see it: values that move, notices that stay.
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import type { Server } from "../support/server.ts";
import { expect, test } from "../support/test.ts";

test("the feed moves and keeps the last ten values", async ({ alice }) => {
  await alice.open("/");
  await alice.page.getByText("This server", { exact: true }).click();
  const tile = alice.page.locator('.value-card[data-channel="server"]');
  const values = tile.locator(".values li");
  await expect(values).toHaveCount(10);
  const first = await values.first().innerText();
  await expect(values.first()).not.toHaveText(first, { useInnerText: true });
  await expect(values).toHaveCount(10);
  await expect(values.last().locator(".values__value")).toHaveText(/^\d+\.\d{3}( \S+)?$/);
  await expect(alice.page.locator(".feed-page > .page__header [data-connection=open]")).toHaveText("Connected");
});

test("a plot is drawn from the values as they come", async ({ alice }) => {
  await alice.open("/");
  await alice.page.getByText("This server", { exact: true }).click();
  const line = alice.page.getByRole("img", { name: "Plot of cpu in server" }).locator("polyline");
  const before = await line.getAttribute("points");
  await expect(line).not.toHaveAttribute("points", before!);
});

test("what curl publishes shows on every open page", async ({ alice, bob, server }) => {
  const text = `backup done ${crypto.randomUUID()}`;
  await alice.open("/");
  await bob.enterRoom("random");
  await server.publish("ops", text);
  await expect(alice.page.locator(".notification", { hasText: text })).toContainText("ops");
  await expect(bob.page.locator(".ticker .notification", { hasText: text })).toBeVisible();
});

test("a notice shows its title, level, tags and link, and a progress its bar", async ({ alice, server }) => {
  const mark = crypto.randomUUID();
  await alice.open("/");
  await server.publish("ops", {
    type: "notification",
    title: `disk ${mark}`,
    text: "92 % of /var",
    level: "warning",
    tags: ["disk", "db-1"],
    link: "https://example.com/runbook",
  });
  const notice = alice.page.locator(".notification", { hasText: mark });
  await expect(notice).toContainText("Warning");
  await expect(notice.getByRole("listitem")).toHaveText(["disk", "db-1"]);
  await expect(notice.getByRole("link", { name: "Read more" })).toHaveAttribute("href", "https://example.com/runbook");
  await server.publish("ops", { type: "progress", key: mark, done: 1, total: 4 });
  await expect(alice.page.getByRole("progressbar", { name: mark })).toHaveAttribute("value", "1");
  await server.publish("ops", { type: "progress", key: mark, done: 3, total: 4 });
  await expect(alice.page.getByRole("progressbar", { name: mark })).toHaveAttribute("value", "3");
  await expect(alice.page.getByRole("progressbar", { name: mark })).toHaveCount(1);
});

test("a job whose size nobody knows moves, waits, goes on and fails in the same row, for everybody", async ({ alice, bob, server }) => {
  const mark = crypto.randomUUID();
  await alice.open("/");
  await bob.enterRoom("general");
  const step = (members: object) => server.publish("ops", { type: "progress", key: mark, ...members });
  const bars = [alice.page.locator(".notifications"), bob.page.locator(".ticker")].map((place) => place.locator(".notification", { hasText: mark }));
  for (const [members, word, value] of [
    [{ done: 12 }, null, null],
    [{ done: 40, state: "paused" }, "Paused", "0"],
    [{ done: 41, text: "last part" }, null, null],
    [{ done: 55, state: "failed" }, "Failed", "0"],
    [{ done: 55, total: 55, state: "done" }, "Done", "55"],
  ] as const) {
    await step(members);
    for (const bar of bars) {
      await expect(bar.locator(".notification__text")).toContainText(String(members.done));
      await expect(bar.locator(".notification__state")).toHaveText(word ? [word] : []);
      const progress = bar.getByRole("progressbar");
      if (value) await expect(progress).toHaveAttribute("value", value);
      else await expect(progress).not.toHaveAttribute("value");
      await expect(bar).toHaveCount(1);
    }
  }
});

test("the page keeps twenty notices and shows earlier ones when asked", async ({ alice, server }) => {
  const mark = crypto.randomUUID();
  const batch = Array.from({ length: 25 }, (_, index) => ({ text: `${mark} number ${index + 1}.` }));
  await server.publish("ops", batch);
  await alice.open("/");
  const mine = alice.page.locator(".notification", { hasText: mark });
  await expect(mine.first(), "the newest is on top").toContainText("number 25.");
  expect(await alice.page.locator(".notification").count()).toBe(20);
  await server.publish("ops", `${mark} number 26.`);
  await expect(mine.first()).toContainText("number 26.");
  expect(await alice.page.locator(".notification").count()).toBe(20);
  await alice.page.getByRole("button", { name: "Show earlier notifications" }).click();
  await expect(mine).toHaveCount(26);
  await expect(mine.last()).toContainText("number 1.");
});

test("the first paint already has the feed", async ({ alice, server }) => {
  const text = `painted ${crypto.randomUUID()}`;
  await server.publish("ops", text);
  const html = await (await alice.context.request.get("/")).text();
  expect(html).toContain(text);
  expect(html).toContain('data-channel="server"');
});

test("what the first paint had is not asked for again", async ({ alice, server }) => {
  await server.publish("ops", "painted once");
  const asked: string[] = [];
  alice.page.on("request", (request) => asked.push(new URL(request.url()).pathname + new URL(request.url()).search));
  await alice.open("/");
  await expect(alice.page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();
  await alice.enterRoom("general");
  await expect(alice.page.locator(".ticker [data-connection=open]")).toBeVisible();
  expect(asked.filter((path) => path.startsWith("/fn/"))).toEqual([]);
  const streams = asked.filter((path) => path.startsWith("/api/"));
  expect(streams, "one stream a page, from the cursor that was painted").toHaveLength(2);
  for (const stream of streams) expect(stream).toMatch(/^\/api\/events\?heartbeat=true&unread=true&after=\w+:[1-9]\d*$/);
});

/** Publishes notifications number `from` to `to`, a hundred at a time. */
async function burst(server: Server, mark: string, from: number, to: number, words = "") {
  for (let first = from; first <= to; first += 100) {
    const numbers = Array.from({ length: Math.min(100, to - first + 1) }, (_, index) => first + index);
    await server.publish("ops", numbers.map((number) => ({ text: `${mark} number ${number}. ${words}` })));
  }
}

/** The place of a row in the window, once it has come to rest. */
async function topAtRest(row: Locator): Promise<number> {
  const frames = () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())));
  const top = async () => (await row.boundingBox())!.y;
  let last = await top();
  await expect(async () => {
    const before = last;
    await row.page().evaluate(frames);
    last = await top();
    expect(last).toBe(before);
  }).toPass({ intervals: [50] });
  return last;
}

/** Notes which rows the page takes out of the list and puts in, from now on. */
const watchRows = (page: Page) =>
  page.locator(".notifications__list").evaluate((list: HTMLElement) => {
    list.dataset.out = "";
    const note = (nodes: NodeList) => [...nodes].map((node) => /number (\d+)/.exec(node.textContent ?? "")?.[1] ?? "").join(" ");
    new MutationObserver((changes) => {
      for (const { removedNodes } of changes) if (removedNodes.length) list.dataset.out += `${note(removedNodes)} `;
    }).observe(list, { childList: true });
  });

for (const [where, earlier] of [
  ["a page as it was loaded", false],
  ["a list at its bound, with earlier ones", true],
] as const) {
  test(`a burst of 200 moves nothing for a reader further down on ${where}, and a button leads to the newest`, async ({ alice, bob, server }) => {
    const mark = crypto.randomUUID();
    // What stands above the list is higher than the window.
    await server.publish("ops", Array.from({ length: 24 }, (_, index) => ({ type: "update", key: `${mark} ${index}`, value: index })));
    await burst(server, mark, 1, 40, "text ".repeat(80));
    await alice.page.setViewportSize({ width: 1000, height: 500 });
    await alice.open("/");
    await expect(alice.page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();
    if (earlier) {
      await alice.page.getByRole("button", { name: "Show earlier notifications" }).click();
      await expect(alice.page.locator(".notification")).toHaveCount(40);
    }
    const read = alice.page.locator(".notification", { hasText: `${mark} number ${earlier ? 15 : 33}.` });
    await read.scrollIntoViewIfNeeded();
    const before = await topAtRest(read);
    await watchRows(alice.page);
    const button = alice.page.getByRole("button", { name: /new notification/ });
    await expect(button).toHaveCount(0);

    await burst(server, mark, 41, 41);
    await expect(button).toHaveText(/^1 new notification\b/);
    await expect(button).toBeInViewport();
    expect(await topAtRest(read), "after one").toBe(before);
    await burst(server, mark, 42, 240);
    await expect(button).toHaveText(/^200 new notifications\b/);
    expect(await topAtRest(read), "after 200").toBe(before);
    await expect(alice.page.locator(".notifications__list")).toHaveAttribute("data-out", "");
    await expect(alice.page.getByRole("status").filter({ has: button }), "a screen reader is told").toHaveCount(1);
    expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);

    // By the keyboard: the button stands before the rows.
    await button.focus();
    await alice.page.keyboard.press("Enter");
    const rows = alice.page.locator(".notification");
    await expect(rows.first()).toContainText(`${mark} number 240.`);
    await expect(rows.first()).toBeInViewport();
    await expect(button).toHaveCount(0);
    expect(await alice.page.evaluate(() => document.activeElement!.closest(".notifications") !== null), "the focus is at the list").toBe(true);
    // What is older than the rows of the page comes back by asking, without a gap.
    const shown = await rows.count();
    await alice.page.getByRole("button", { name: "Show earlier notifications" }).click();
    await expect(rows).toHaveCount(shown + 20);
    const numbers = (await rows.allInnerTexts()).map((text) => Number(/number (\d+)/.exec(text)![1]));
    expect(numbers).toEqual(Array.from({ length: shown + 20 }, (_, index) => 240 - index));

    // In the other language, too, and to one who scrolls up by hand.
    await bob.context.addCookies([{ name: "idobata_language", value: "ja", url: server.url }]);
    await bob.page.setViewportSize({ width: 400, height: 500 });
    await bob.open("/");
    await expect(bob.page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();
    const bobs = bob.page.locator(".notification", { hasText: `${mark} number 231.` });
    await bobs.scrollIntoViewIfNeeded();
    await topAtRest(bobs);
    await burst(server, mark, 241, 243);
    await expect(bob.page.getByRole("button", { name: /3件/ })).toBeVisible();
    await bob.page.evaluate(() => scrollTo(0, 0));
    await expect(bob.page.locator(".notification").first()).toContainText(`${mark} number 243.`);
    await expect(bob.page.getByRole("button", { name: /3件/ })).toHaveCount(0);
  });
}

test("at the top several at once take no row out that stays: focus and selection are kept", async ({ alice, server }) => {
  const mark = crypto.randomUUID();
  await burst(server, mark, 1, 19);
  await server.publish("ops", { text: `${mark} number 20.`, link: "https://example.com/twenty" });
  await alice.open("/");
  await expect(alice.page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();
  const link = alice.page.locator(".notification", { hasText: `${mark} number 20.` }).getByRole("link", { name: "Read more" });
  await link.focus();
  await watchRows(alice.page);
  await burst(server, mark, 21, 24);
  await expect(alice.page.locator(".notification").first()).toContainText(`${mark} number 24.`);
  await expect(link).toBeFocused();
  const out = (await alice.page.locator(".notifications__list").getAttribute("data-out"))!.split(/\s+/).filter(Boolean).map(Number);
  expect(out.sort((a, b) => a - b), "only what leaves the page").toEqual([1, 2, 3, 4]);
  await expect(alice.page.locator(".notification")).toHaveCount(20);
});

test("a progress that is in view goes on while its reader is further down, and stays where it is", async ({ alice, server }) => {
  const mark = crypto.randomUUID();
  await server.publish("ops", { type: "progress", key: mark, done: 1, total: 4 });
  await burst(server, mark, 1, 9, "text ".repeat(80));
  await alice.page.setViewportSize({ width: 1000, height: 500 });
  await alice.open("/");
  await expect(alice.page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();
  const bar = alice.page.getByRole("progressbar", { name: mark });
  await bar.scrollIntoViewIfNeeded();
  const before = await topAtRest(bar);
  await server.publish("ops", { type: "progress", key: mark, done: 3, total: 4 });
  await expect(bar).toHaveAttribute("value", "3");
  expect(await topAtRest(bar)).toBe(before);
  await alice.page.evaluate(() => scrollTo(0, 0));
  await expect(alice.page.locator(".notification").first().getByRole("progressbar", { name: mark })).toHaveAttribute("value", "3");
  await expect(bar).toHaveCount(1);
});

test("a notification that has no title is one line where there is room, and two on a phone", async ({ somebody, server }) => {
  const mark = crypto.randomUUID().slice(0, 8);
  await server.publish("backups", `${mark} done in 12 s`);
  await server.publish("ops", { title: `${mark} disk`, text: "92 % of /var", level: "warning", tags: ["db-1"] });
  await server.publish("long", `${mark} ${"text ".repeat(120)}`);
  await server.publish("titled", { title: "Full", text: `${mark} ${"words ".repeat(40)}`, level: "warning" });
  for (const [width, short, titled] of [[1280, 1, 1], [360, 1, 3]] as const) {
    const reader = await somebody({ viewport: { width, height: 800 } });
    await reader.open("/");
    // Before, the times are those of the server, which are longer.
    await expect(reader.page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();
    const height = async (channel: string) => {
      const row = reader.page.locator(".notification", { hasText: mark }).filter({ hasText: channel });
      const line = await row.evaluate((element) => parseFloat(getComputedStyle(element).lineHeight));
      const padding = await row.evaluate((element) => element.getBoundingClientRect().height - parseFloat(getComputedStyle(element).paddingBlockStart) * 2);
      return padding / line;
    };
    expect(await height("backups"), `lines at ${width} px`).toBeLessThan(short + 0.5);
    expect(await height("disk"), `lines with a title at ${width} px`).toBeLessThan(titled + 0.5);
    // A long text has the whole width on a phone.
    const [text, row] = [".notification__text", ".notification__channel"].map((part) => reader.page.locator(".notification", { hasText: `${mark} text` }).locator(part));
    const [textBox, channelBox] = [await text!.boundingBox(), await row!.boundingBox()];
    if (width < 500) expect(Math.abs(textBox!.x - channelBox!.x), "it begins under its channel").toBeLessThan(2);
    else expect(Math.abs(textBox!.y - channelBox!.y), "it stands beside its channel").toBeLessThan(6);
    // And below a title, not in a column beside it.
    const report = reader.page.locator(".notification__body", { hasText: `${mark} words` });
    const [body, below] = [await report.boundingBox(), await report.locator(".notification__text").boundingBox()];
    expect(Math.abs(below!.x - body!.x), `it begins under its level at ${width} px`).toBeLessThan(2);
  }
});
