// axe looks at every page, in every look: light, dark, forced colours, and as narrow as a phone.
import type { Page } from "@playwright/test";
import axe from "axe-core";
import { open, type Stop, test, WHOSE } from "../support/every_page.ts";
import type { Person } from "../support/people.ts";
import { expect } from "../support/test.ts";

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

/** Looks, and once more with each of the page's popovers open, and those in them. */
async function withPopovers(page: Page, look: () => Promise<void>, within = "body") {
  await look();
  for (const button of await page.locator(`${within} button[popovertarget]:visible`).all()) {
    await button.click();
    await withPopovers(page, look, `#${await button.getAttribute("popovertarget")}`);
    await page.keyboard.press("Escape");
  }
}

/** Loads axe into the page of a stop, whose every part is open. The ways there are for a wide window. */
async function prepare(person: Person, stop: Stop) {
  await person.page.emulateMedia(LIGHT);
  await person.page.setViewportSize({ width: 1_280, height: 800 });
  await open(person, stop);
  await unfold(person.page);
  await person.page.evaluate(axe.source);
}

type Look = (how: string) => Promise<void>;

const WINDOWS: Record<string, (person: Person, stop: Stop, look: Look) => Promise<void>> = {
  "in the dark": async (person, stop, look) => {
    await prepare(person, stop);
    await person.page.emulateMedia({ ...LIGHT, colorScheme: "dark" });
    await withPopovers(person.page, () => look("dark"));
  },
  "in light and in forced colours": async (person, stop, look) => {
    await prepare(person, stop);
    await look("light");
    await person.page.emulateMedia({ ...LIGHT, forcedColors: "active" });
    await look("forced colours");
  },
  "on phones": async (person, stop, look) => {
    await prepare(person, stop);
    await person.page.setViewportSize({ width: 390, height: 844 });
    await look("390 px");
    await person.page.setViewportSize({ width: 320, height: 568 });
    await withPopovers(person.page, () => look("320 px"));
  },
  "in Japanese": async (person, stop, look) => {
    await prepare(person, stop);
    await person.page.setViewportSize({ width: 390, height: 844 });
    await expect(person.page.locator("html")).toHaveAttribute("lang", "ja");
    await withPopovers(person.page, () => look("390 px"));
  },
};

// Several stories: each has so many pages that a slow machine would not come to the end of one for all.
for (const [where, lookAt] of Object.entries(WINDOWS)) {
  for (const whose of WHOSE) {
    test(`axe finds nothing on ${whose} pages ${where}`, async ({ tours }) => {
      const found = new Map<string, string[]>();
      for (const { person, stops } of await tours(where === "in Japanese" ? { locale: "ja-JP" } : {}, whose)) {
        for (const stop of stops) {
          await lookAt(person, stop, async (how) => {
            for (const fault of await faults(person.page)) {
              const key = `${stop.name}: ${fault}`;
              found.set(key, [...(found.get(key) ?? []), how]);
            }
          });
        }
      }
      expect(Object.fromEntries(found)).toEqual({});
    });
  }
}
