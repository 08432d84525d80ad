// Times as readers read them: by the day, in their zone and language, and on a page that stays open over midnight.
import type { Page } from "@playwright/test";
import { expect, test } from "../support/test.ts";

// In Tokyo, where the stories' browsers are: 2026-11-27 23:58.
const LATE = new Date("2026-11-27T14:58:00Z");

for (const [locale, time, dated] of [
  ["en-GB", /^\d\d:\d\d$/, /^\d{1,2} \w{3},? (at )?\d\d:\d\d$/],
  ["ja-JP", /^\d{1,2}:\d\d$/, /^\d{1,2}月\d{1,2}日 \d{1,2}:\d\d$/],
] as const) {
  test(`a time gets its date at midnight, on a page that stays open (${locale})`, async ({ somebody, bob, expectedFaults }) => {
    // The minutes that pass at once look to the page like a connection that fell silent.
    expectedFaults.push(/WebSocket is closed/);
    const room = await bob.makeRoom(`late ${crypto.randomUUID().slice(0, 8)}`);
    await bob.postByRequest(room, "good night");
    const reader = await somebody({ locale });
    // Just before midnight of the day on which the message was posted.
    const posted = await bob.page.evaluate(() => Date.now());
    const midnight = new Date(Math.floor((posted + 9 * 3_600_000) / 86_400_000 + 1) * 86_400_000 - 9 * 3_600_000);
    await reader.page.clock.install({ time: new Date(midnight.getTime() - 120_000) });
    await reader.page.goto(`/rooms/${room}`);
    const stamp = reader.messages.locator("time");
    await reader.page.clock.runFor(2_000);
    await expect(stamp).toHaveText(time);
    await expect(stamp).toHaveAttribute("title", /:\d\d:\d\d/);
    await expect(async () => {
      await reader.page.clock.runFor(30_000);
      await expect(stamp).toHaveText(dated, { timeout: 200 });
    }).toPass();
  });
}

test("a message of another year shows the year", async ({ alice, bob }) => {
  const room = await bob.makeRoom(`old ${crypto.randomUUID().slice(0, 8)}`);
  await bob.postByRequest(room, "happy new year");
  await alice.page.clock.setFixedTime(new Date(LATE.getTime() + 3 * 365 * 86_400_000));
  await alice.page.goto(`/rooms/${room}`);
  await expect(alice.messages.locator("time")).toHaveText(/20\d\d/);
});

const READERS = [
  { locale: "en-GB", timezoneId: "Asia/Tokyo" },
  { locale: "en-US", timezoneId: "America/New_York" },
  { locale: "ja-JP", timezoneId: "Asia/Tokyo" },
  { locale: "ja-JP", timezoneId: "America/New_York" },
];

const TIME = { hour: "2-digit", minute: "2-digit" } as const;
const WITH_DATE = { ...TIME, month: "short", day: "numeric" } as const;
const WITH_YEAR = { ...WITH_DATE, year: "numeric" } as const;

/** The time of the page's last message, or of its newest notification, as this browser would write it. */
function written(page: Page, locale: string, options: Intl.DateTimeFormatOptions, times = ".message:last-child time") {
  return page.evaluate(
    ({ locale, options, times }) => {
      const time = document.querySelector(times) as HTMLTimeElement;
      return new Intl.DateTimeFormat(locale, options).format(new Date(time.dateTime));
    },
    { locale, options, times },
  );
}

/** The moment `seconds` before the end of this day (or this year) in this time zone. */
function beforeTheEnd(of: "day" | "year", timeZone: string, seconds: number): Date {
  const now = new Date();
  const inZone = (date: Date) => Object.fromEntries(
    new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" })
      .formatToParts(date).map(({ type, value }) => [type, Number(value)]),
  );
  const local = inZone(now);
  const asUtc = (date: Date) => { const p = inZone(date); return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second); };
  const end = of === "day" ? Date.UTC(local.year, local.month - 1, local.day + 1) : Date.UTC(local.year + 1, 0, 1);
  let moment = new Date(end - seconds * 1_000);
  for (let round = 0; round < 2; round += 1) moment = new Date(moment.getTime() + end - seconds * 1_000 - asUtc(moment));
  return moment;
}

for (const { locale, timezoneId } of READERS) {
  test(`yesterday gets its date at midnight, last year its year (${locale}, ${timezoneId})`, async ({ somebody, bob, server }) => {
    const room = await bob.makeRoom(`midnight ${crypto.randomUUID().slice(0, 8)}`);
    await bob.post("said today");
    await server.publish("ops", "done today");
    const reader = await somebody({ locale, timezoneId });
    await reader.page.clock.install({ time: beforeTheEnd("day", timezoneId, 60) });
    await reader.enterRoom(room);
    const time = reader.messages.last().locator("time");
    const [clock, dated, withYear] = await Promise.all([TIME, WITH_DATE, WITH_YEAR].map((options) => written(reader.page, locale, options)));
    await expect(time).toHaveText(clock!);
    expect(clock, "hours and minutes, no seconds").not.toMatch(/\d\D+\d\D+\d/);
    const inTicker = reader.page.locator(".ticker .notification time").first();
    const ofTicker = (options: Intl.DateTimeFormatOptions) => written(reader.page, locale, options, ".ticker .notification time");
    await expect(inTicker).toHaveText(await ofTicker(TIME));
    await reader.page.clock.fastForward(120_000);
    await expect(time, "the day has turned").toHaveText(dated!);
    expect(dated).not.toContain(String(new Date().getFullYear()));
    await expect(inTicker).toHaveText(await ofTicker(WITH_DATE));
    // Asleep until the last minute of the year: no timer ran.
    await reader.page.clock.setSystemTime(beforeTheEnd("year", timezoneId, 60));
    await reader.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await expect(time).toHaveText(dated!);
    await reader.page.clock.fastForward(120_000);
    await expect(time, "the year has turned").toHaveText(withYear!);
    await reader.page.clock.setSystemTime(beforeTheEnd("day", timezoneId, 3_600));
    await reader.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await expect(time, "the clock was set back").toHaveText(clock!);
  });
}

test("a page that wakes on another day shows dates", async ({ somebody, bob }) => {
  const room = await bob.makeRoom(`slept ${crypto.randomUUID().slice(0, 8)}`);
  await bob.post("said before the night");
  const reader = await somebody();
  await reader.page.clock.install({ time: beforeTheEnd("day", "Asia/Tokyo", 3_600) });
  await reader.enterRoom(room);
  const time = reader.messages.last().locator("time");
  await expect(time).toHaveText(await written(reader.page, "en-GB", TIME));
  await reader.page.clock.setSystemTime(new Date(beforeTheEnd("day", "Asia/Tokyo", 0).getTime() + 7 * 3_600_000));
  await reader.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await expect(time).toHaveText(await written(reader.page, "en-GB", WITH_DATE));
});

for (const [timezoneId, morning, hours] of [
  ["Europe/Berlin", "2027-03-28T00:30:00+01:00", 23],
  ["Europe/Berlin", "2027-10-31T00:30:00+02:00", 25],
  ["America/Havana", "2027-11-07T00:30:00-04:00", 25],
] as const) {
  test(`a day of ${hours} hours ends at its own midnight (${timezoneId})`, async ({ somebody, bob }) => {
    const room = await bob.makeRoom(`spring ${crypto.randomUUID().slice(0, 8)}`);
    await bob.postByRequest(room, "the night before");
    const reader = await somebody({ timezoneId });
    // The message is said in the first half hour of that day.
    const [start, said] = [Date.parse(morning), Date.parse(morning) - 900_000];
    await reader.page.routeWebSocket(/./, (socket) => {
      const server = socket.connectToServer();
      server.onMessage((frame) => {
        const stamped = typeof frame === "string" && frame.includes("early in the morning");
        socket.send(stamped ? frame.replace(/"timestamp":\d+/, `"timestamp":${said}`) : frame);
      });
    });
    await reader.page.clock.install({ time: start });
    await reader.enterRoom(room);
    await bob.postByRequest(room, "early in the morning");
    const time = reader.messages.last().locator("time");
    await expect(time).toHaveText("00:15");
    // Asleep until shortly before midnight, and awake past it.
    await reader.page.clock.setSystemTime(start + (hours - 0.5) * 3_600_000 - 60_000);
    await reader.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await expect(time).toHaveText("00:15");
    await reader.page.clock.fastForward(62_000);
    await expect(time).toHaveText(await written(reader.page, "en-GB", WITH_DATE));
    await expect(time).toHaveText(/^\d{1,2} \w{3},? (at )?00:15$/);
  });
}

test("a time tells its seconds and its whole date on hover, and machines its moment", async ({ alice, bob }) => {
  const room = await bob.makeRoom(`seconds ${crypto.randomUUID().slice(0, 8)}`);
  await alice.enterRoom(room);
  await bob.post("at this second");
  const time = alice.messages.last().locator("time");
  await expect(time).toHaveText(/^\d\d:\d\d$/);
  const iso = (await time.getAttribute("datetime"))!;
  expect(iso).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const seconds = iso.slice(17, 19);
  await expect(time).toHaveAttribute("title", new RegExp(`${iso.slice(0, 4)}.*:${seconds}`));
});

test("the first paint has times in UTC, and their change moves nothing", async ({ somebody, bob, server }) => {
  const room = await bob.makeRoom(`unmoved ${crypto.randomUUID().slice(0, 8)}`);
  for (const text of ["one", "two", "three"]) await bob.post(text);
  await bob.expectMessages("one", "two", "three");
  // Among these one just fits beside the time.
  for (let length = 24; length < 40; length++) await server.publish("unmoved", "l".repeat(length));
  await server.publish("ops", { title: "a title", text: "a text" });
  await server.publish("unmoved", "a short text without a title");
  await server.publish("unmoved", { type: "update", key: "volume of the tank", value: 123456.789, unit: "l" });
  const timezoneId = aboutNoon();
  for (const width of [320, 1280]) {
    const plain = await somebody({ javaScriptEnabled: false, viewport: { width, height: 800 } });
    for (const [path, selector] of [[`/rooms/${room}`, ".message, .ticker .notification"], ["/", ".notification, .value-card, .values li"]] as const) {
      await plain.page.goto(path);
      await expect(plain.page.locator(".message time, .notification time").first()).toHaveText(/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
      await expect(plain.page.locator(".message time, .notifications time").first()).toBeVisible();
      const reader = await somebody({ timezoneId, viewport: { width, height: 800 } });
      await holdAnimations(reader.page);
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      await reader.page.route("**/*.wasm*", async (route) => {
        await held;
        await route.continue();
      });
      await reader.page.goto(path);
      const before = await heights(reader.page, selector);
      release();
      await expect(reader.page.locator("html[data-hydrated]")).toBeAttached();
      await expect(reader.page.locator("time").first()).not.toHaveText(/UTC/);
      const after = await heights(reader.page, selector);
      const present = Object.keys(before).filter((row) => row in after);
      expect(present).not.toEqual([]);
      for (const row of present) expect(after[row], `${row} of ${path} at ${width} px`).toEqual(before[row]);
    }
  }
});

/** A zone in which it is about noon: an entry of yesterday has its date, and takes more room. */
function aboutNoon() {
  const hours = 12 - new Date().getUTCHours();
  return hours === 0 ? "UTC" : `Etc/GMT${hours > 0 ? "-" : "+"}${Math.abs(hours)}`;
}

/** Keeps times that wait for the script from showing in UTC after four seconds, however slow the machine is. */
async function holdAnimations(page: Page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Animation.enable");
  await session.send("Animation.setPlaybackRate", { playbackRate: 0 });
}

/** The heights of the rows that are seen, by what they are. What arrives meanwhile is not of the story, nor are lists
 *  that are closed on a narrow screen. */
function heights(page: Page, selector: string): Promise<Record<string, number>> {
  return page.locator(selector).evaluateAll((rows) => {
    const nameOf = (row: HTMLElement) =>
      [row.className, row.dataset.offset, row.closest<HTMLElement>("[data-channel]")?.dataset.channel, row.querySelector("time")?.dateTime].join(" ");
    const seen = (rows as HTMLElement[]).filter((row) => row.checkVisibility() && !row.closest('[data-channel="server"]'));
    return Object.fromEntries(seen.map((row) => [nameOf(row), Math.round(row.getBoundingClientRect().height)]));
  });
}

test("a page whose script is late shows its times in UTC until then", async ({ somebody, bob }) => {
  const room = await bob.makeRoom(`late ${crypto.randomUUID().slice(0, 8)}`);
  await bob.postByRequest(room, "good evening");
  const reader = await somebody();
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await reader.page.route("**/*.wasm*", async (route) => {
    await held;
    await route.continue();
  });
  await reader.page.goto(`/rooms/${room}`);
  const time = reader.messages.locator("time");
  await expect(time).toHaveText(/UTC$/);
  await expect(time).toBeVisible();
  expect(await time.evaluate((element) => element.scrollWidth <= element.clientWidth || getComputedStyle(element).display === "inline"), "all of it").toBe(true);
  release();
  await expect(time).toHaveText(/^\d\d:\d\d$/);
});
