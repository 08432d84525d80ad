// A walk through every page by the keyboard alone: everything is reached, once, in order and in sight, and nothing traps.
import type { Locator, Page } from "@playwright/test";
import { open, test, WHOSE } from "../support/every_page.ts";
import { expect } from "../support/test.ts";

/** What the Tab key leads to, in the order of the document. */
const TARGETS = "a[href], button, input:not([type=hidden]), textarea, select, summary, [tabindex='0']";

type Step = { index: number; what: string; fault?: string };

/** Before the walk: notes the page's targets. Returns what they are. */
const noteTargets = (page: Page) =>
  page.evaluate((selector) => {
    const isTarget = (element: Element) =>
      element.checkVisibility({ visibilityProperty: true }) && !element.matches(":disabled") && (element as HTMLElement).tabIndex === 0;
    const targets = [...document.querySelectorAll(selector)].filter(isTarget);
    (window as any).targets = targets;
    return targets.map((target) => target.outerHTML.slice(0, 90));
  }, TARGETS);

/** What has the focus now, and why it cannot be seen, if it cannot. */
const look = (page: Page): Promise<Step> =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const what = element.outerHTML.slice(0, 90);
    const index: number = (window as any).targets.indexOf(element);
    // Whoever comes into a room while one walks, as the walker does when the page is connected, is in its list from then on.
    if (element === document.body || (index === -1 && element.closest(".people__list"))) return { index: -2, what: "the page" };
    const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(element);
    if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) return { index, what, fault: "it has no outline" };
    const box = element.getClientRects()[0]!;
    const isIn = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    if (!isIn) return { index, what, fault: "it is out of the window" };
    // The middle of it, or of what is in the window of it.
    const middle = (from: number, to: number, end: number) => (Math.max(from, 0) + Math.min(to, end)) / 2;
    const top = document.elementFromPoint(middle(box.left, box.right, innerWidth), middle(box.top, box.bottom, innerHeight));
    if (!top || !(element.contains(top) || top.contains(element))) return { index, what, fault: `${top?.outerHTML.slice(0, 60)} is above it` };
    const reach = parseFloat(outlineOffset) + parseFloat(outlineWidth) - 1;
    for (let around = element.parentElement!; around !== document.documentElement; around = around.parentElement!) {
      const { overflow, overflowClipMargin } = getComputedStyle(around);
      if (overflow === "visible") continue;
      const margin = overflow === "clip" ? parseFloat(overflowClipMargin) || 0 : 0;
      const clip = around.getBoundingClientRect();
      const cut = [clip.left - box.left, box.right - clip.right, clip.top - box.top, box.bottom - clip.bottom];
      if (cut.filter((over) => over + reach > margin).length > 1) return { index, what, fault: `its outline is cut by ${around.className}` };
    }
    return { index, what };
  });

/** Pairs that follow each other in the order of the document, and stand the other way round on the screen. */
const backwards = (page: Page) =>
  page.evaluate(() => {
    const targets: Element[] = (window as any).targets;
    const part = (element: Element) => element.closest("header, nav, aside, form, section, main");
    return targets.slice(1).flatMap((next, index) => {
      const before = targets[index]!;
      const [a, b] = [before.getBoundingClientRect(), next.getBoundingClientRect()];
      const isColumn = a.left < b.right && b.left < a.right && part(before) === part(next) && !before.contains(next);
      return isColumn && b.top < a.top - 1 ? [`${next.outerHTML.slice(0, 60)} stands above ${before.outerHTML.slice(0, 60)}`] : [];
    });
  });

/** Walks once around the page. */
async function walk(page: Page, key: "Tab" | "Shift+Tab", targets: number): Promise<Step[]> {
  const steps: Step[] = [];
  // One more than there are targets, and one for the page itself.
  for (let press = 0; press < targets + 2; press += 1) {
    await page.keyboard.press(key);
    const step = await look(page);
    if (steps.length && step.index === steps[0]!.index) return steps;
    if (steps.length && steps.at(-1)!.index === step.index && step.what.includes('type="time"')) {
      // The next part of the same field: hours, minutes, the button of its picker.
      press -= 1;
      continue;
    }
    if (step.what !== "the page") steps.push(step);
  }
  return steps;
}

/** `steps` as seen from the first target on, wherever the walk began. */
const fromTheTop = (indices: number[]) => [...indices.slice(indices.indexOf(0)), ...indices.slice(0, indices.indexOf(0))];

/** What is wrong with the way of the Tab key around the page. */
async function faultsOfTheWay(page: Page): Promise<string[]> {
  const targets = await noteTargets(page);
  const steps = await walk(page, "Tab", targets.length);
  const faults = steps.flatMap(({ what, fault }) => (fault ? [`${what}: ${fault}`] : []));
  const reached = fromTheTop(steps.map(({ index }) => index));
  const all = targets.map((_, index) => index);
  if (`${reached}` !== `${all}`) {
    const missed = targets.filter((_, index) => !reached.includes(index));
    faults.push(`the way is ${reached} of ${targets.length}; missed: ${missed.join(" and ")}`);
  }
  return [...faults, ...(await backwards(page))];
}

for (const [where, viewport] of Object.entries({
  "on a desk": { width: 1_280, height: 800 },
  "on a narrow screen": { width: 390, height: 700 },
})) {
  for (const whose of WHOSE) {
    test(`the Tab key leads to everything on ${whose} pages, in order and in sight, and out again (${where})`, async ({ tours }) => {
      const wrong: string[] = [];
      for (const { person, stops } of await tours({}, whose)) {
        const { page } = person;
        for (const stop of stops) {
          await page.setViewportSize({ width: 1_280, height: 800 });
          await open(person, stop);
          await page.setViewportSize(viewport);
          wrong.push(...(await faultsOfTheWay(page)).map((fault) => `${stop.name}: ${fault}`));
        }
      }
      expect(wrong).toEqual([]);
    });
  }
}

test("the way back by Shift and Tab is the same", async ({ tours }) => {
  const [guests] = await tours();
  for (const stop of guests!.stops.slice(0, 3)) {
    const { page } = guests!.person;
    await open(guests!.person, stop);
    const targets = await noteTargets(page);
    const steps = await walk(page, "Shift+Tab", targets.length);
    const back = fromTheTop(steps.map(({ index }) => index).reverse());
    expect(back, stop.name).toEqual(targets.map((_, index) => index));
  }
});

/** Why the skip link does not lead to the content of this page, if it does not. */
async function faultOfSkipLink(page: Page): Promise<string | undefined> {
  // Some pages put the cursor into their first field: those are at their content already.
  const isAtContent = (await page.locator("[autofocus]").count()) > 0;
  const link = page.locator(".skip-link");
  const isFocused = () => link.evaluate((link) => link === document.activeElement);
  // Whoever has just come begins at the top, and not at what was pressed last.
  if (!isAtContent) await page.evaluate(() => (document.body.setAttribute("tabindex", "-1"), document.body.focus(), document.body.removeAttribute("tabindex")));
  if (!isAtContent) await page.keyboard.press("Tab");
  if (!isAtContent && !(await isFocused())) return "it is not the first";
  await link.focus();
  if (!(await page.evaluate(() => document.querySelector(".skip-link")!.getBoundingClientRect().top >= 0))) return "it is not seen";
  await page.keyboard.press("Enter");
  const content = page.locator("#content");
  if (!(await content.evaluate((content) => content === document.activeElement))) return "it does not lead to the content";
  await page.keyboard.press("Tab");
  const isInside = await content.evaluate((content) => content.contains(document.activeElement) || document.activeElement === document.body);
  return isInside ? undefined : "the content is not what comes next";
}

test("the first press of Tab offers to skip to the content, on every page", async ({ tours }) => {
  const wrong: string[] = [];
  for (const { person, stops } of await tours()) {
    for (const stop of stops) {
      await open(person, stop);
      const documents = person.documents();
      const fault = await faultOfSkipLink(person.page).catch((error) => `${error}`.split("\n")[0]);
      if (fault) wrong.push(`${stop.name}: ${fault}`);
      if (documents.length) wrong.push(`${stop.name}: it loads the page again: ${documents}`);
      person.page.removeAllListeners("request");
    }
  }
  expect(wrong).toEqual([]);
});

/** Opens by the keyboard, goes inside, and presses Escape there. */
async function openAndEscape(page: Page, button: Locator, inside: Locator) {
  await button.focus();
  await page.keyboard.press("Enter");
  await expect(inside).toBeVisible();
  await page.keyboard.press("Tab");
  const isInside = () => inside.evaluate((inside) => inside.contains(document.activeElement));
  expect(await isInside(), "the next press of Tab leads into it").toBe(true);
  await page.keyboard.press("Escape");
  await expect(inside).toBeHidden();
  await expect(button, "the focus comes back").toBeFocused();
}

for (const path of ["/", "/rooms/general", "/publishers", "/nowhere"]) {
  test(`the menu of one's own closes with Escape and gives the focus back, on ${path}`, async ({ tours }) => {
    const { page } = (await tours())[0]!.person;
    await page.goto(path);
    await openAndEscape(page, page.locator(".menu > button"), page.locator(".menu__panel"));
  });

  test(`the drawer of a narrow screen closes with Escape and gives the focus back, on ${path}`, async ({ tours }) => {
    const { page } = (await tours())[0]!.person;
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(path);
    await openAndEscape(page, page.getByRole("button", { name: "Menu" }), page.locator("#sidebar"));
  });
}

test("the people of a narrow screen close with Escape and give the focus back", async ({ tours }) => {
  const { page } = (await tours())[0]!.person;
  await page.setViewportSize({ width: 800, height: 700 });
  await page.goto("/rooms/general");
  await openAndEscape(page, page.getByRole("button", { name: "Show people" }), page.locator("#people-here"));
});

test("in the open drawer the Tab key leads to every room, and then on to the page", async ({ tours }) => {
  const { page } = (await tours())[0]!.person;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/rooms/general");
  await page.getByRole("button", { name: "Menu" }).focus();
  await page.keyboard.press("Enter");
  const targets = await page.locator("#sidebar").locator(TARGETS).all();
  for (const target of targets) {
    if (!(await target.isVisible())) continue;
    await page.keyboard.press("Tab");
    await expect(target).toBeFocused();
    await expect(target).toBeInViewport();
  }
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => !!document.activeElement!.closest("#content")), "after the drawer comes the page").toBe(true);
});
