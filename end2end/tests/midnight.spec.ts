// Times as readers read them: by the day, in their zone and language, and on a page that stays open over midnight.
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
