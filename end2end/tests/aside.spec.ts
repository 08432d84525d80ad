// People and feed beside the talk: hidden and shown again on a wide screen, a tap away on a small one.
import type { Locator } from "@playwright/test";
import type { Person } from "../support/people.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const WIDE = { viewport: { width: 1_280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const people = ({ page }: Person) => page.locator(".people");
const ticker = ({ page }: Person) => page.locator(".ticker");
const button = ({ page }: Person) => page.getByRole("button", { name: /^Show people/ });
const hide = ({ page }: Person) => page.getByRole("link", { name: "Hide side panel" });
const show = ({ page }: Person) => page.getByRole("link", { name: "Show side panel" });

/** Follows one of the two links, and waits until the choice is kept. */
async function choose({ page }: Person, link: Locator) {
  const kept = page.waitForResponse((response) => new URL(response.url()).pathname.startsWith("/aside/"));
  await link.click();
  expect((await kept).status()).toBe(303);
  await page.waitForLoadState();
}

for (const javaScriptEnabled of [true, false]) {
  test(`people and feed are hidden, stay hidden on every room, and are shown again (JavaScript ${javaScriptEnabled ? "on" : "off"})`, async ({ somebody, bob }) => {
    const alice = await named(await somebody({ ...WIDE, javaScriptEnabled }), "alice");
    await bob.enterRoom("general");
    await alice.page.goto("/rooms/general");
    if (javaScriptEnabled) await alice.expectConnected();
    await expect(people(alice)).toBeVisible();
    await expect(ticker(alice)).toBeVisible();
    await expect(show(alice)).toBeHidden();
    const before = (await alice.page.locator(".conversation").boundingBox())!.width;
    await choose(alice, hide(alice));
    await expect(people(alice)).toBeHidden();
    await expect(ticker(alice)).toBeHidden();
    await expect(hide(alice)).toBeHidden();
    await expect.poll(async () => (await alice.page.locator(".conversation").boundingBox())!.width).toBeGreaterThan(before + 200);
    // From the first paint on.
    for (const room of ["tech", "general"]) {
      await alice.page.goto(`/rooms/${room}`, { waitUntil: "commit" });
      await expect(alice.page.locator("html")).toHaveAttribute("data-aside", "hidden");
      await expect(alice.page.locator(".composer")).toBeVisible();
      await expect(people(alice)).toBeHidden();
    }
    // As on a small screen, the number of people leads to them.
    await button(alice).click();
    await expect(people(alice)).toBeVisible();
    await expect(people(alice)).toContainText("bob");
    await alice.page.keyboard.press("Escape");
    await expect(people(alice)).toBeHidden();
    await choose(alice, show(alice));
    await expect(people(alice)).toBeVisible();
    await expect(ticker(alice)).toBeVisible();
    await alice.page.reload();
    await expect(people(alice)).toBeVisible();
  });
}

test("hiding and showing keeps the talk, what was typed, and the focus", async ({ somebody, bob }) => {
  const alice = await named(await somebody(WIDE), "alice");
  const room = await alice.makeRoom(unique("aside"));
  await bob.enterRoom(room);
  await alice.composer.fill("half a thought");
  const kept = new Promise((_, reject) => alice.page.on("framenavigated", () => reject(new Error("the page was loaded anew"))));
  await Promise.race([kept, (async () => {
    await hide(alice).focus();
    await alice.page.keyboard.press("Enter");
    await expect(show(alice)).toBeFocused();
    await bob.post("are you there?");
    await alice.expectMessages("are you there?");
    await alice.page.keyboard.press("Enter");
    await expect(hide(alice)).toBeFocused();
    await expect(people(alice)).toBeVisible();
    await expect(alice.composer).toHaveValue("half a thought");
  })()]);
});

test("the people button shows who is there: up to three by their avatars, and how many", async ({ somebody, bob }) => {
  const phone = await named(await somebody(PHONE), "alice");
  const room = await bob.makeRoom(unique("avatars"));
  await phone.enterRoom(room);
  await expect(button(phone)).toHaveAccessibleName("Show people: 2");
  await expect(button(phone).locator(".avatar")).toHaveText(["A", "B"]);
  for (const name of ["carol", "dave"]) await (await named(await somebody(), name)).enterRoom(room);
  await expect(button(phone)).toHaveAccessibleName("Show people: 4");
  await expect(button(phone)).toHaveText(/4$/);
  await expect(button(phone).locator(".avatar")).toHaveText(["A", "B", "C"]);
  await expect(button(phone)).toBeInViewport({ ratio: 1 });
  const boxes = await button(phone).locator(".avatar").evaluateAll((avatars) => avatars.map((avatar) => avatar.getBoundingClientRect()).map(({ left, right }) => ({ left, right })));
  expect(boxes[1]!.left, "they overlap").toBeLessThan(boxes[0]!.right);
});

for (const javaScriptEnabled of [true, false]) {
  test(`on a phone the feed's ticker is reached from the people (JavaScript ${javaScriptEnabled ? "on" : "off"})`, async ({ somebody, server }) => {
    const text = unique("backup done");
    await server.publish("ops", text);
    const phone = await named(await somebody({ ...PHONE, javaScriptEnabled }), "alice");
    await phone.page.goto("/rooms/general");
    if (javaScriptEnabled) await phone.expectConnected();
    await expect(ticker(phone)).toBeHidden();
    await button(phone).click();
    await people(phone).getByRole("button", { name: "Feed" }).click();
    await expect(ticker(phone)).toBeVisible();
    await expect(ticker(phone).getByText(text)).toBeInViewport();
    const overflow = await phone.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    if (javaScriptEnabled) {
      const later = unique("and later");
      await server.publish("ops", later);
      await expect(ticker(phone).getByText(later)).toBeInViewport();
    }
    await phone.page.keyboard.press("Escape");
    await expect(ticker(phone)).toBeHidden();
  });
}
