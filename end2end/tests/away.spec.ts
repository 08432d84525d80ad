// Presence says who is away: for a while nobody has touched any of their devices.
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator } from "@playwright/test";
import type { Person } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { expect, named, test as base } from "../support/test.ts";

/** Here one is away after three seconds. */
const test = base.extend<{}, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await Server.start({ env: { IDOBATA_AWAY_AFTER: "3s" } });
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
});

/** The page tells of a sign once in a minute: here a minute of its own clock is half a second. */
async function inHaste(person: Person): Promise<Person> {
  await person.page.addInitScript(() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() * 120;
  });
  return person;
}

const row = (person: Person, name: string): Locator => person.page.locator(".people__list li").filter({ hasText: name });
const dot = (person: Person): Locator => person.page.locator(".navigation .presence");

/** The person's hand on the mouse, until what it is to bring about is there. */
async function move(person: Person, until: () => Promise<void>) {
  let x = 100;
  await expect(async () => {
    await person.page.mouse.move((x += 10), 200);
    await until();
  }).toPass();
}

test("whoever touches nothing is shown as away to the others, until they are back on any device", async ({ alice, bob, somebody }) => {
  for (const person of [alice, bob]) await (await inHaste(person)).enterRoom("general");
  await expect(row(bob, "alice")).toContainText("(away)");
  expect((await new AxeBuilder({ page: bob.page }).analyze()).violations).toEqual([]);
  await move(alice, async () => expect(row(bob, "alice")).not.toContainText("(away)", { timeout: 700 }));
  await expect(row(bob, "alice")).toContainText("(away)");
  // Another device of hers, with the first one still idle.
  const phone = await inHaste(await somebody({ storageState: await alice.context.storageState(), viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }));
  await phone.enterRoom("random");
  await expect(row(bob, "alice")).not.toContainText("(away)");
  await expect(row(bob, "alice")).toContainText("(away)");
  await expect(async () => {
    await phone.page.locator("main h1").tap();
    await expect(row(bob, "alice")).not.toContainText("(away)", { timeout: 700 });
  }).toPass();
  await expect(row(bob, "alice")).toContainText("(away)");
  // A post is a sign, too.
  await alice.postByRequest("general", "from a program of mine");
  await expect(row(bob, "alice")).not.toContainText("(away)");
});

test("the conversation in the sidebar shows the other one's presence, also after a drop (日本語)", async ({ somebody, bob, expectedFaults }) => {
  expectedFaults.push(/INTERNET_DISCONNECTED/);
  const hanako = await inHaste(await named(await somebody({ locale: "ja-JP" }), "花子"));
  for (const person of [hanako, bob]) await person.enterRoom("general");
  const me = (await (await bob.context.request.get("/api/session")).json()).user.id;
  expect((await hanako.context.request.post("/api/direct", { data: { user_ids: [me] } })).status()).toBe(201);
  await bob.postByRequest("general", "a sign");
  await expect(dot(hanako)).toHaveAttribute("aria-label", "オンライン");
  await expect(dot(hanako)).toHaveAttribute("aria-label", "離席中");
  expect((await new AxeBuilder({ page: hanako.page }).analyze()).violations).toEqual([]);
  await hanako.context.setOffline(true);
  await expect(hanako.badge).not.toHaveAttribute("data-connection", "open");
  await bob.page.goto("about:blank");
  await hanako.context.setOffline(false);
  await hanako.expectConnected();
  await expect(dot(hanako)).toHaveCount(0);
});

test("without a script the list of people says who is away", async ({ alice, bob, somebody }) => {
  for (const person of [alice, bob]) await person.enterRoom("general");
  await expect(row(bob, "alice")).toContainText("(away)");
  const plain = await somebody({ javaScriptEnabled: false, storageState: await bob.context.storageState() });
  await plain.page.goto("/rooms/general");
  await expect(row(plain, "alice")).toContainText("(away)");
});
