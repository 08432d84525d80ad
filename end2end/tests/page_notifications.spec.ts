// Notifications and the sound of pages that are open. The browser shows real notifications; its sound is counted and not played.
import { chromium, type BrowserContext, type Page } from "@playwright/test";
import { expectCopied } from "../support/app.ts";
import { takeTurns } from "../support/notifications.ts";
import { Person } from "../support/people.ts";
import { expect, named, test as base } from "../support/test.ts";

type Told = { title: string; body: string };

const test = base.extend<{ alice: Person }>({
  alice: async ({ server }, use, { project }) => {
    // The headless shell shows no notifications.
    const { launchOptions } = project.use;
    const browser = await chromium.launch({ ...launchOptions, executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" });
    const context = await browser.newContext({ baseURL: server.url, permissions: ["notifications"], locale: "en-GB" });
    await context.addInitScript(takeTurns);
    await countNotes(context);
    await use(await named(new Person(await context.newPage(), context), "alice"));
    await browser.close();
  },
});

/** Counts the notes that the pages of a browser play. */
async function countNotes(context: BrowserContext) {
  await context.addInitScript(() => {
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (when) {
      localStorage.setItem("notes", `${Number(localStorage.getItem("notes")) + 1}`);
      start.call(this, when);
    };
  });
}

const notes = (page: Page) => page.evaluate(() => Number(localStorage.getItem("notes")));

const told = (page: Page): Promise<Told[]> =>
  page.evaluate(async () => {
    const all = await (await navigator.serviceWorker.ready).getNotifications();
    return all.map(({ title, body }) => ({ title, body })).sort((one, other) => one.body.localeCompare(other.body));
  });

const openPage = ({ page }: Person) => page.getByRole("region", { name: "While Idobata is open" });

async function switchOn(person: Person, ...switches: string[]) {
  await person.page.goto("/notifications");
  for (const name of switches) await openPage(person).getByRole("checkbox", { name }).check();
}

test("alice hears of a mention once, in however many tabs, and not of what she reads", async ({ alice, bob }) => {
  test.setTimeout(240_000);
  const room = await bob.makeRoom(`told ${crypto.randomUUID().slice(0, 8)}`);
  const other = await bob.anotherTab();
  const quiet = await other.makeRoom(`quiet ${crypto.randomUUID().slice(0, 8)}`);
  for (const one of [room, quiet]) await alice.enterRoom(one);
  await expectCopied(alice.page);
  await switchOn(alice, "Show a notification", "Play a soft sound");
  await alice.enterRoom(quiet);
  await bob.post("nothing for alice");
  await bob.post("@alice lunch?");
  const mention = (body: string) => ({ title: expect.stringContaining("bob mentioned you in told"), body });
  await alice.page.mouse.click(1, 1); // browsers play nothing before
  await expect.poll(() => told(alice.page)).toEqual([mention("@alice lunch?")]);

  const tab = await alice.anotherTab();
  await tab.open("/");
  await tab.page.mouse.click(1, 1);
  const before = await notes(alice.page);
  await bob.post("@alice or dinner?");
  await expect.poll(() => told(alice.page)).toEqual([mention("@alice lunch?"), mention("@alice or dinner?")]);
  await expect.poll(() => notes(alice.page)).toBe(before + 2);

  // She reads this one as it comes; the next one shows that nothing more came of it.
  await alice.page.bringToFront();
  await alice.page.locator(".composer textarea").focus();
  await other.post("@alice while you are here");
  await expect(alice.page.getByText("@alice while you are here")).toBeVisible();
  await expect.poll(() => unreadOf(alice, quiet)).toBe(0);
  await bob.post("@alice the end");
  const all = ["@alice lunch?", "@alice or dinner?", "@alice the end"].map(mention);
  await expect.poll(() => told(alice.page)).toEqual(all);
  await expect.poll(() => notes(alice.page)).toBe(before + 4);
});

async function unreadOf({ context }: Person, room: string): Promise<number> {
  const { rooms } = await (await context.request.get("/api/user")).json();
  return rooms.find((one: { room: string }) => one.room === room).unread;
}

test("alice hears of the events that she has a rule for", async ({ alice, server }) => {
  const channel = `told-${crypto.randomUUID().slice(0, 8)}`;
  await alice.enterRoom("general");
  await expectCopied(alice.page);
  await alice.context.request.put("/api/push/rules", { data: { rules: [{ channel, level: "warning" }] } });
  await switchOn(alice, "Show a notification");
  await alice.enterRoom("general");
  await server.publish(channel, { title: "nothing much", text: "" });
  await server.publish(channel, { title: "disk full", text: "97 %", level: "error" });
  await expect.poll(() => told(alice.page)).toEqual([{ title: `${channel}: disk full`, body: "97 %" }]);
});

test("nothing is told until it is switched on, and nothing after it is switched off", async ({ alice, bob }) => {
  const room = await bob.makeRoom(`switched ${crypto.randomUUID().slice(0, 8)}`);
  await alice.enterRoom(room);
  await expectCopied(alice.page);
  await alice.open("/");
  await bob.post("@alice one");
  await expect(alice.page).toHaveTitle(/^\(1\)/);
  await switchOn(alice, "Show a notification");
  await expect(openPage(alice).getByRole("checkbox", { name: "Play a soft sound" })).not.toBeChecked();
  await alice.page.reload();
  await expect(openPage(alice).getByRole("checkbox", { name: "Show a notification" })).toBeChecked();
  // A tab that was open before hears of the switch.
  const tab = await alice.anotherTab();
  await tab.open("/");
  await bob.post("@alice two");
  await expect.poll(async () => (await told(tab.page)).map(({ body }) => body)).toEqual(["@alice two"]);
  await openPage(alice).getByRole("checkbox", { name: "Show a notification" }).uncheck();
  await bob.post("@alice three");
  await expect(tab.page).toHaveTitle(/^\(3\)/);
  await openPage(alice).getByRole("checkbox", { name: "Show a notification" }).check();
  await bob.post("@alice four");
  const bodies = async () => (await told(tab.page)).map(({ body }) => body);
  await expect.poll(bodies).toContain("@alice four");
  expect(await bodies()).not.toContain("@alice three");
  expect(await notes(tab.page)).toBe(0);
});

test("a browser that shows no notifications says so, also in Japanese", async ({ somebody }) => {
  const hanako = await named(await somebody({ locale: "ja-JP" }), "花子");
  const { page } = hanako;
  // The headless shell denies them.
  await page.goto("/notifications");
  const section = page.getByRole("region", { name: "Idobataを開いている間" });
  await section.getByRole("checkbox", { name: "通知を表示する" }).click();
  await expect(section.getByText("このサイトの通知はブロックされています。")).toBeVisible();
  await expect(section.getByRole("checkbox", { name: "通知を表示する" })).not.toBeChecked();
  await section.getByRole("checkbox", { name: "控えめな音を鳴らす" }).check();
  await page.reload();
  await expect(section.getByRole("checkbox", { name: "控えめな音を鳴らす" })).toBeChecked();
});
