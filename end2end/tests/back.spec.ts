// Back and forward: everybody finds the place where they were reading, and what has come since.
import { chromium, type Page } from "@playwright/test";
import { withForeignPage } from "../support/foreign.ts";
import { Person } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `message ${from + index}`);

const line = (person: Person, number: number) => person.messages.filter({ hasText: new RegExp(`message ${number}$`) });

/** Reads back as far as a message, page after page as with a wheel, and returns where it stands then. */
async function readBackTo(person: Person, number: number): Promise<() => Promise<number>> {
  const read = line(person, number);
  await person.page.locator(".message-list__scroller").hover();
  await expect(async () => {
    await person.page.mouse.wheel(0, -900);
    await expect(read).toHaveCount(1, { timeout: 300 });
  }).toPass({ timeout: 30_000 });
  // Not at the very top, where earlier ones would be loaded.
  await read.evaluate((line) => line.scrollIntoView({ block: "center" }));
  await atRest(person.page);
  return async () => (await read.boundingBox())?.y ?? NaN;
}

/** Waits until nothing moves any more: two looks with frames in between agree. */
async function atRest(page: Page) {
  const look = () =>
    page.evaluate(async () => {
      const frame = () => new Promise((done) => requestAnimationFrame(done));
      for (let frames = 0; frames < 4; frames += 1) await frame();
      return [scrollY, ...[...document.querySelectorAll(".message-list__scroller")].map((list) => list.scrollTop + list.scrollHeight)].join();
    });
  await expect(async () => expect(await look()).toBe(await look())).toPass({ intervals: [50] });
}

const heading = (person: Person) => person.page.locator("main h1");
const goTo = (person: Person, name: string) => person.page.locator(".navigation").getByRole("link", { name, exact: true }).click();

const WAYS: Record<string, (alice: Person, other: string) => Promise<void>> = {
  "another room": async (alice, other) => {
    await goTo(alice, other);
    await expect(heading(alice)).toHaveText(other);
  },
  "the feed": async (alice) => {
    await goTo(alice, "Feed");
    await expect(heading(alice)).toHaveText("Feed");
  },
  "a page that only the server draws": async (alice) => {
    await alice.openMenu();
    await alice.page.getByRole("link", { name: "Publishers" }).click();
    await expect(heading(alice)).toHaveText("Publishers");
  },
};

/** Alice reads in the middle of a room and leaves it, and bob says two things in it. */
async function readWhileTheOtherTalks(alice: Person, bob: Person, leave: (alice: Person, other: string) => Promise<void>) {
  const [name, other] = [unique("middle"), unique("other")];
  const room = await bob.makeRoom(name);
  await bob.postByRequest(room, ...numbered(1, 80));
  await bob.makeRoom(other);
  await alice.enterRoom(room);
  const top = await readBackTo(alice, 55);
  const before = await top();
  await leave(alice, other);
  await bob.postByRequest(room, "said meanwhile", "and this");
  return { name, top, before };
}

for (const [where, leave] of Object.entries(WAYS)) {
  for (const [place, number] of [["in the middle of the newest page", 165], ["where earlier pages had to be loaded", 60]] as const) {
    test(`back from ${where} the line that was read stands where it stood, ${place}`, async ({ alice, bob }) => {
      const [name, other] = [unique("read"), unique("other")];
      const room = await bob.makeRoom(name);
      await bob.postByRequest(room, ...numbered(1, 180));
      await bob.makeRoom(other);
      await alice.enterRoom(room);
      const top = await readBackTo(alice, number);
      const before = await top();
      await leave(alice, other);
      await alice.page.goBack();
      await expect(heading(alice)).toHaveText(name);
      await alice.expectConnected();
      await expect.poll(top, "the line is there again").toBeCloseTo(before, -1);
      await alice.page.goForward();
      await expect(heading(alice)).not.toHaveText(name);
      await alice.page.goBack();
      await expect(heading(alice)).toHaveText(name);
      await expect.poll(top, "and once more").toBeCloseTo(before, -1);
    });
  }

  test(`back from ${where} a reader at the end is at the end, which has what the other said meanwhile`, async ({ alice, bob }) => {
    const [name, other] = [unique("end"), unique("other")];
    const room = await bob.makeRoom(name);
    await bob.postByRequest(room, ...numbered(1, 80));
    await bob.makeRoom(other);
    await alice.enterRoom(room);
    await expect(alice.messages.last()).toBeInViewport();
    await leave(alice, other);
    await bob.postByRequest(room, "said meanwhile");
    await alice.page.goBack();
    await expect(heading(alice)).toHaveText(name);
    await expect(alice.messages.last()).toContainText("said meanwhile");
    await expect(alice.messages.last()).toBeInViewport({ ratio: 1 });
    await expect(alice.page.locator(".divider + .message"), "it is marked as new").toContainText("said meanwhile");
  });

  test(`back from ${where} a reader in the middle stays there, and what the other said meanwhile is marked`, async ({ alice, bob }) => {
    const { name, top, before } = await readWhileTheOtherTalks(alice, bob, leave);
    await alice.page.goBack();
    await expect(heading(alice)).toHaveText(name);
    await expect(alice.messages.last()).toContainText("and this");
    await expect.poll(top, "the line is there again").toBeCloseTo(before, -1);
    await expect(alice.page.locator(".divider + .message"), "the first of them is marked").toContainText("said meanwhile");
  });

  test(`back from ${where} a reader in the middle is told how much the other said meanwhile`, async ({ alice, bob }) => {
    const { name } = await readWhileTheOtherTalks(alice, bob, leave);
    await alice.page.goBack();
    await expect(heading(alice)).toHaveText(name);
    await expect(alice.messages.last()).toContainText("and this");
    await expect(alice.page.locator(".to-the-latest")).toHaveText(/2 new messages/);
    await alice.page.locator(".to-the-latest").click();
    await expect(alice.messages.last()).toBeInViewport({ ratio: 1 });
  });
}

for (const [place, more] of [["on its first page", 0], ["after earlier ones were loaded", 2]] as const) {
  for (const [where, leave] of Object.entries(WAYS)) {
    if (where === "the feed") continue;
    test(`back from ${where} the feed stands where it stood, ${place}`, async ({ somebody }) => {
      const own = await Server.start();
      try {
        for (let notice = 1; notice <= 70; notice += 1) await own.publish("ops", `notice ${notice}, as it is`);
        const alice = await named(await somebody({ baseURL: own.url, viewport: { width: 1_280, height: 500 } }), "alice");
        await alice.open("/");
        const button = alice.page.getByRole("button", { name: "Show earlier notifications" });
        for (let page = 0; page < more; page += 1) {
          const count = await alice.page.locator(".notifications .notification").count();
          await button.click();
          await expect(alice.page.locator(".notifications .notification")).not.toHaveCount(count);
        }
        const read = alice.page.locator(".notifications .notification", { hasText: more ? /notice 30,/ : /notice 64,/ });
        await read.evaluate((line) => line.scrollIntoView({ block: "center" }));
        await atRest(alice.page);
        const top = async () => ((await read.count()) ? (await read.boundingBox())!.y : NaN);
        const before = await top();
        await leave(alice, "tech");
        await alice.page.goBack();
        await expect(heading(alice)).toHaveText("Feed");
        await expect.poll(top, "the notification is there again").toBeCloseTo(before, -1);
        await alice.page.close(); // it asks what is said about events, now and then
      } finally {
        await own.stop();
      }
    });
  }
}

/** Where somebody goes whose browser then keeps the page that they left. */
const AWAY: Record<string, (alice: Person, use: () => Promise<void>) => Promise<void>> = {
  "another site": ({ page }, use) =>
    withForeignPage("127.0.0.1", async (url) => {
      await page.goto(url);
      await use();
    }),
  "a page that only the server draws": async ({ page }, use) => {
    await page.goto("/publishers");
    await use();
  },
};

for (const [where, away] of Object.entries(AWAY)) {
  test(`back from ${where}, by the browser's own memory of the page, the line stands where it stood, and news is told`, async ({}, { project }) => {
    const browser = await chromium.launch({
      ...project.use.launchOptions,
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      ignoreDefaultArgs: ["--disable-back-forward-cache"],
    });
    const own = await Server.start();
    try {
      const person = async (name: string) => {
        const context = await browser.newContext({ baseURL: own.url });
        return named(new Person(await context.newPage(), context), name);
      };
      const [alice, bob] = [await person("alice"), await person("bob")];
      await bob.postByRequest("general", ...numbered(1, 120));
      await alice.page.addInitScript(() => {
        addEventListener("pageshow", (event) => document.documentElement.setAttribute("data-restored", `${event.persisted}`));
      });
      await alice.enterRoom("general");
      const top = await readBackTo(alice, 60);
      const before = await top();
      await away(alice, async () => {
        await bob.postByRequest("general", "said meanwhile");
        // Playwright waits in vain for the loading of a page that is only shown again.
        await alice.page.evaluate(() => void setTimeout(() => history.back()));
        await expect(alice.page.locator("html[data-restored=true]")).toBeAttached();
        await alice.expectConnected();
        await expect(alice.messages.last()).toContainText("said meanwhile");
        await expect.poll(top).toBeCloseTo(before, -1);
        await expect(alice.page.locator(".to-the-latest")).toHaveText(/1 new message/);
        await expect(alice.page.locator(".divider + .message")).toContainText("said meanwhile");
      });
    } finally {
      await browser.close();
      await own.stop();
    }
  });
}
