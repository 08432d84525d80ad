// axe looks at every page, in every look: light, dark, forced colours, and as narrow as a phone.
import type { Page } from "@playwright/test";
import axe from "axe-core";
import { open, test } from "../support/every_page.ts";
import { expect } from "../support/test.ts";

const WIDE = { width: 1_280, height: 800 };
/** No transitions: a colour that is about to change would be looked at half way. */
const LIGHT = { colorScheme: "light", forcedColors: "none", reducedMotion: "reduce" } as const;

/** What axe finds, whether the title is in words, and whether the page is wider than its window. */
async function faults(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    type Found = { violations: { id: string; nodes: { html: string }[] }[] };
    const run: () => Promise<Found> = () => (window as any).axe.run(document, { resultTypes: ["violations"] });
    const found = (await run()).violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
    if (/^$|[<>]/.test(document.title)) found.push(`title: ${document.title}`);
    const over = document.documentElement.scrollWidth - innerWidth;
    return over > 0 ? [...found, `${over} px wider than the window`] : found;
  });
}

/** Opens everything that opens in place: menus, and the forms behind a word. */
const unfold = (page: Page) => page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));

/** Looks, and once more with each of the page's popovers open. */
async function withPopovers(page: Page, look: () => Promise<void>) {
  await look();
  for (const button of await page.locator("button[popovertarget]:visible").all()) {
    await button.click();
    await look();
    await page.keyboard.press("Escape");
  }
}

test("axe finds nothing on any page: light, dark, in forced colours, and on phones", async ({ tours }) => {
  const found = new Map<string, string[]>();
  for (const { person, stops } of await tours()) {
    const { page } = person;
    for (const stop of stops) {
      const look = async (how: string) => {
        for (const fault of await faults(page)) {
          const key = `${stop.name}: ${fault}`;
          found.set(key, [...(found.get(key) ?? []), how]);
        }
      };
      await page.emulateMedia(LIGHT);
      await page.setViewportSize(WIDE);
      await open(person, stop);
      await unfold(page);
      await page.evaluate(axe.source);
      await look("light");
      await page.emulateMedia({ ...LIGHT, colorScheme: "dark" });
      await look("dark");
      await page.emulateMedia({ ...LIGHT, forcedColors: "active" });
      await look("forced colours");
      await page.emulateMedia(LIGHT);
      await page.setViewportSize({ width: 390, height: 844 });
      await look("390 px");
      await page.setViewportSize({ width: 320, height: 568 });
      await withPopovers(page, () => look("320 px"));
    }
  }
  expect(Object.fromEntries(found)).toEqual({});
});

test("axe finds nothing on any page in Japanese", async ({ tours }) => {
  const found: string[] = [];
  for (const { person, stops } of await tours({ locale: "ja-JP", ...LIGHT })) {
    for (const stop of stops) {
      await person.page.setViewportSize(WIDE);
      await open(person, stop);
      await person.page.setViewportSize({ width: 390, height: 844 });
      await expect(person.page.locator("html")).toHaveAttribute("lang", "ja");
      await unfold(person.page);
      await person.page.evaluate(axe.source);
      found.push(...(await faults(person.page)).map((fault) => `${stop.name}: ${fault}`));
    }
  }
  expect(found).toEqual([]);
});
