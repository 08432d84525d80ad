// Values at first sight: how they are written, how they are drawn, and where they stand on a phone.
import type { Page } from "@playwright/test";
import { Server } from "../support/server.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name}-${crypto.randomUUID().slice(0, 8)}`;
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const card = (page: Page, channel: string) => page.locator(`.value-card[data-channel="${channel}"]`);

test("a value has the digits that a reader needs, and the others in its title", async ({ alice, server }) => {
  const channel = unique("lab");
  await alice.open("/");
  const value = card(alice.page, channel).locator(".series__value");
  for (const [sent, shown, exact] of [
    [21.345_678, "21.35 °C", "21.345678 °C"],
    [1_234.567, "1235 °C", "1234.567 °C"],
    [1_234.5, "1234.5 °C", "1234.5 °C"],
    [99.25, "99.25 °C", "99.25 °C"],
    [3, "3 °C", "3 °C"],
    [0.001_234_6, "0.001235 °C", "0.0012346 °C"],
    [-0.5, "-0.5 °C", "-0.5 °C"],
  ] as const) {
    await server.publish(channel, { type: "update", key: "t", value: sent, unit: "°C" });
    await expect(value).toHaveText(new RegExp(`^${shown.replace(" ", " \\u2068?")}\\u2069?$`));
    await expect(value).toHaveAttribute("title", new RegExp(`^${exact.replace(" ", " \\u2068?")}\\u2069?$`));
  }
});

test("the plot of a young series has all of its width", async ({ alice, server }) => {
  const channel = unique("young");
  await alice.open("/");
  for (const value of [1, 3, 2]) await server.publish(channel, { type: "update", key: "t", value });
  const plot = alice.page.getByRole("img", { name: `Plot of t in ${channel}` });
  await expect(card(alice.page, channel).locator(".values li")).toHaveCount(3);
  const width = async () => {
    const [box, line] = await Promise.all([plot.boundingBox(), plot.locator("polyline").boundingBox()]);
    return line!.width / box!.width;
  };
  await expect.poll(width).toBeGreaterThan(0.95);
});

for (const javaScriptEnabled of [true, false]) {
  test(`on a phone values and news are both seen at first sight (JavaScript ${javaScriptEnabled ? "on" : "off"})`, async ({ somebody }) => {
    const own = await Server.start();
    try {
      for (let notice = 1; notice <= 12; notice += 1) await own.publish("ops", `notice ${notice}, as it is`);
      await own.publish("lab", { type: "update", key: "temperature", value: 21.5, unit: "°C" });
      const phone = await named(await somebody({ ...PHONE, javaScriptEnabled, baseURL: own.url }), "alice");
      await phone.page.goto("/");
      if (javaScriptEnabled) await expect(phone.page.locator("html[data-hydrated]")).toBeAttached();
      await expect(card(phone.page, "lab").locator(".series__value")).toBeInViewport({ ratio: 1 });
      const newest = phone.page.locator(".notifications .notification").first();
      if (javaScriptEnabled) await expect(newest).toBeInViewport({ ratio: 1 });
      const overflow = await phone.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      // In the order of the document, too.
      const isFirst = await phone.page.evaluate(() => {
        const [values, news] = [".value-cards", ".notifications"].map((part) => document.querySelector(part)!);
        return !!(values!.compareDocumentPosition(news!) & Node.DOCUMENT_POSITION_FOLLOWING);
      });
      expect(isFirst).toBe(true);
      // Every card, and its last values, can be reached.
      await phone.page.locator(".value-cards__own > summary").click();
      const server = card(phone.page, "server");
      await server.scrollIntoViewIfNeeded();
      await expect(server).toBeInViewport();
      const values = server.locator(".values");
      if (javaScriptEnabled) {
        await expect(values).toBeHidden();
        await server.locator("summary").click();
      }
      await expect(values).toBeVisible();
      await phone.page.close();
    } finally {
      await own.stop();
    }
  });
}

test("on a wide screen values stand beside the news, with their last ones", async ({ alice, server }) => {
  await server.publish("ops", "something is there");
  await alice.page.setViewportSize({ width: 1_280, height: 800 });
  await alice.open("/");
  await alice.page.getByText("This server", { exact: true }).click();
  await expect(card(alice.page, "server").locator(".values")).toBeVisible();
  const [values, news] = [await alice.page.locator(".value-cards").boundingBox(), await alice.page.locator(".notifications").boundingBox()];
  expect(values!.x).toBeGreaterThan(news!.x + news!.width - 1);
  expect(Math.abs(values!.y - news!.y)).toBeLessThan(1);
});
