// From page to page: the page before stays until the next one is there, and what takes longer says so.
import type { Page, Route } from "@playwright/test";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

/** Holds back what the next pages start from, in the order in which it was asked for. */
async function hold(page: Page): Promise<Route[]> {
  const held: Route[] = [];
  await page.route("**/fn/start*", (route) => void held.push(route));
  return held;
}

const heading = (page: Page) => page.locator("main h1");
const roomLink = (page: Page, name: string) => page.locator(".navigation").getByRole("link", { name, exact: true });

/** From now on notes what each painted frame shows of the page: its heading, or that there is nothing. */
async function notePainted(page: Page): Promise<() => Promise<string[]>> {
  const painted = await page.evaluateHandle(() => {
    const painted: string[] = [];
    const look = () => {
      const main = document.querySelector("main");
      const now = !main || main.getBoundingClientRect().height < 100 ? "nothing" : (main.querySelector("h1")?.textContent ?? "no heading");
      if (now !== painted.at(-1)) painted.push(now);
      requestAnimationFrame(look);
    };
    look();
    return painted;
  });
  return () => painted.jsonValue();
}

test("the page before stays until the next one is there, and goes on living", async ({ alice, bob }) => {
  const [one, two] = [unique("one"), unique("two")];
  const first = await bob.makeRoom(one);
  await bob.makeRoom(two);
  await bob.open(`/rooms/${first}`);
  await alice.enterRoom(first);
  const held = await hold(alice.page);
  const painted = await notePainted(alice.page);
  await roomLink(alice.page, two).click();
  await expect.poll(() => held.length).toBe(1);
  await expect(heading(alice.page)).toHaveText(one);
  await bob.post("said while she waits");
  await expect(alice.messages.last()).toContainText("said while she waits");
  await held[0]!.continue();
  await expect(heading(alice.page)).toHaveText(two);
  expect(await painted()).toEqual([one, two]);
});

test("a page that takes a while says that it is coming, beside the page before", async ({ alice, bob }) => {
  const name = unique("slow");
  await bob.makeRoom(name);
  await alice.open("/");
  const held = await hold(alice.page);
  const painted = await notePainted(alice.page);
  await roomLink(alice.page, name).click();
  await expect.poll(() => held.length).toBe(1);
  await expect(alice.page.locator(".progress[data-on]")).toBeVisible();
  await expect(heading(alice.page)).toHaveText("Feed");
  await held[0]!.continue();
  await expect(heading(alice.page)).toHaveText(name);
  await expect(alice.page.locator(".progress[data-on]"), "and is over").toHaveCount(0);
  expect(await painted()).toEqual(["Feed", name]);
});

for (const [how, fail] of Object.entries({
  "is a 503": (route: Route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"code":"unavailable"}' }),
  "is aborted": (route: Route) => route.abort("connectionreset"),
  "is none that can be read": (route: Route) => route.fulfill({ status: 200, contentType: "application/json", body: "<html>" }),
})) {
  test(`when the answer ${how} the page says so, and leads on`, async ({ alice, bob, expectedFaults }) => {
    expectedFaults.push(/^503 .*\/fn\/start|status of 503|net::ERR_CONNECTION_RESET/);
    const name = unique("failing");
    const room = await bob.makeRoom(name);
    await alice.open("/");
    await alice.page.route("**/fn/start*", fail);
    const painted = await notePainted(alice.page);
    await roomLink(alice.page, name).click();
    await expect(alice.page.getByRole("alert")).toContainText("This could not be loaded.");
    expect(new URL(alice.page.url()).pathname, "the address is that of the page that was asked for").toBe(`/rooms/${room}`);
    expect(await painted()).not.toContain("nothing");
    await expect(alice.page.getByRole("alert"), "in sight").toBeInViewport();

    // Another page, when the server answers again.
    await alice.page.unroute("**/fn/start*");
    await roomLink(alice.page, "tech").click();
    await expect(heading(alice.page)).toHaveText("tech");
    await alice.expectConnected();
    // Back to the one that failed: this time it comes.
    await alice.page.goBack();
    await expect(heading(alice.page)).toHaveText(name);
    await alice.post("here after all");
    await alice.expectMessages("here after all");
  });
}

test("the page that could not be loaded is loaded by its own link", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/^503 .*\/fn\/start|status of 503/);
  const name = unique("again");
  await bob.makeRoom(name);
  await alice.open("/");
  await alice.page.route("**/fn/start*", (route) => route.fulfill({ status: 503, body: "{}" }));
  await roomLink(alice.page, name).click();
  await alice.page.getByRole("alert").getByRole("link").click();
  await expect(heading(alice.page)).toHaveText(name);
  await alice.expectConnected();
});

test("a page that could not be loaded can be asked for again by the link that led to it", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/^503 .*\/fn\/start|status of 503/);
  const name = unique("once more");
  await bob.makeRoom(name);
  await alice.open("/");
  await alice.page.route("**/fn/start*", (route) => route.fulfill({ status: 503, body: "{}" }));
  await roomLink(alice.page, name).click();
  await expect(alice.page.getByRole("alert")).toContainText("This could not be loaded.");
  await alice.page.unroute("**/fn/start*");
  await roomLink(alice.page, name).click();
  await expect(heading(alice.page)).toHaveText(name);
  await alice.expectConnected();
});

for (const order of ["in the order of the clicks", "the last one first"]) {
  test(`of two pages that are on their way the last one that was clicked is shown (they come ${order})`, async ({ alice, bob }) => {
    const [one, two] = [unique("one"), unique("two")];
    await bob.makeRoom(one);
    const second = await bob.makeRoom(two);
    await alice.open("/");
    const held = await hold(alice.page);
    const painted = await notePainted(alice.page);
    await roomLink(alice.page, one).click();
    await roomLink(alice.page, two).click();
    await expect.poll(() => held.length).toBe(2);
    for (const route of order === "the last one first" ? [...held].reverse() : held) {
      const answered = alice.page.waitForResponse((response) => response.request() === route.request());
      await route.continue();
      await (await answered).finished();
    }
    await expect(heading(alice.page)).toHaveText(two);
    await alice.expectConnected();
    expect(new URL(alice.page.url()).pathname).toBe(`/rooms/${second}`);
    expect(await painted(), "the first never shows").toEqual(["Feed", two]);
    await alice.post("in the second");
    await alice.expectMessages("in the second");
    await bob.expectMessages("in the second");
  });
}

test("whoever goes back before the page has come stays on the page before", async ({ alice, bob }) => {
  const name = unique("given up");
  await bob.makeRoom(name);
  await alice.enterRoom("tech");
  const held = await hold(alice.page);
  const painted = await notePainted(alice.page);
  await roomLink(alice.page, name).click();
  await expect.poll(() => held.length).toBe(1);
  await alice.page.goBack();
  await expect(alice.page).toHaveURL(/\/rooms\/tech$/);
  for (let route = held.shift(); route; route = held.shift()) await route.continue();
  await alice.page.unroute("**/fn/start*");
  await alice.post(`still here ${name}`);
  await expect(alice.messages.last()).toContainText(`still here ${name}`);
  expect(await painted()).toEqual(["tech"]);
});
