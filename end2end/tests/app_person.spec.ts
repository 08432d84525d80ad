// What the app keeps is of one person: whoever comes after them on the same device sees nothing of it.
import { expectSignedIn, join, PASSWORD, SESSION_ENDED, signIn, test } from "../support/accounts.ts";
import { copies, DISCONNECTED, expectCopied } from "../support/app.ts";
import type { Person } from "../support/people.ts";
import { Proxy } from "../support/proxy.ts";
import { Server } from "../support/server.ts";
import { expect } from "../support/test.ts";

test.use({ expectedFaults: async ({}, use) => use([...DISCONNECTED, ...SESSION_ENDED, /^404|status of 404/]) });

/** The first administrator, with the worker, in a room that is nobody else's; another one was seen before. */
async function inSecretRoom(alice: Person, house: Server) {
  await join(alice.page, house.setupLink!, "alice");
  await alice.enterRoom("general");
  await expectCopied(alice.page);
  await alice.makePrivateRoom("secret");
  await alice.expectConnected();
  await alice.post("for my eyes only");
  await alice.page.reload();
  await alice.expectMessages("for my eyes only");
  await expectCopied(alice.page);
}

async function signOut(person: Person) {
  await person.openMenu();
  await person.page.getByRole("button", { name: "Sign out" }).click();
  await expect(person.page.getByText("You are signed out")).toBeVisible();
}

/** Without a network nothing of the secret room is shown. */
async function expectForgotten({ page, context }: Person) {
  await context.setOffline(true);
  for (const path of ["/rooms/secret", "/?start", "/"]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/You are not connected/);
    expect(await page.content()).not.toContain("my eyes");
    await expect(page.locator('a[href="/rooms/secret"]')).toHaveCount(path === "/rooms/secret" ? 1 : 0); // to try again
  }
  await context.setOffline(false);
}

test("signing out forgets every page", async ({ house, stranger }) => {
  const alice = await stranger({ serviceWorkers: "allow" });
  await inSecretRoom(alice, house);
  await signOut(alice);
  await expect.poll(() => copies(alice.page)).toEqual([]);
  await expectForgotten(alice);
  await alice.page.goto("/sign-in");
  await signIn(alice.page, "alice", PASSWORD);
  await expectSignedIn(alice.page);
  await alice.page.goto("/rooms/secret");
  await expectCopied(alice.page);
});

test("signing out without a network forgets every page, too", async ({ house, stranger }) => {
  const alice = await stranger({ serviceWorkers: "allow" });
  await inSecretRoom(alice, house);
  await alice.openMenu();
  await alice.context.setOffline(true);
  await alice.page.getByRole("button", { name: "Sign out" }).click();
  await alice.page.waitForLoadState();
  await alice.context.setOffline(false);
  await alice.page.goto("/healthz");
  await expect.poll(() => copies(alice.page)).toEqual([]);
});

test("a session that is ended from elsewhere takes the pages with it", async ({ house, stranger }) => {
  const alice = await stranger({ serviceWorkers: "allow" });
  await inSecretRoom(alice, house);
  const elsewhere = await stranger();
  await elsewhere.page.goto("/sign-in");
  await signIn(elsewhere.page, "alice", PASSWORD);
  await expectSignedIn(elsewhere.page);
  await elsewhere.page.goto("/account");
  await elsewhere.page.getByLabel("Current password").fill(PASSWORD);
  await elsewhere.page.getByLabel("New password").fill(`another ${PASSWORD}`);
  await elsewhere.page.getByRole("button", { name: "Change password" }).click();
  await expect(elsewhere.page.getByText("You were signed out everywhere else")).toBeVisible();
  await alice.page.goto("/rooms/secret");
  await expect(alice.page).toHaveURL(/sign-in/);
  await expect.poll(() => copies(alice.page)).toEqual([]);
  await expectForgotten(alice);
});

test("the page of another person takes the place of all that was kept", async ({ house, stranger }) => {
  const alice = await stranger({ serviceWorkers: "allow" });
  await inSecretRoom(alice, house);
  await alice.page.goto("/people");
  await alice.page.getByRole("button", { name: "Invite someone" }).click();
  const link = await alice.page.getByLabel("Link").inputValue();
  // The cookie changes without a form, as when another system signs people in.
  const elsewhere = await stranger();
  await join(elsewhere.page, link, "bob");
  const [mine] = await elsewhere.context.cookies();
  await alice.context.addCookies([mine!]);
  await alice.page.goto("/rooms/general");
  await alice.expectConnected();
  await expect.poll(() => copies(alice.page)).toEqual(["/rooms/general"]);
  await alice.context.setOffline(true);
  await alice.page.goto("/rooms/secret");
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("You are not connected");
  expect(await alice.page.content()).not.toContain("my eyes");
  await alice.page.goto("/rooms/general");
  await expect(alice.page.locator(".menu > button")).toHaveAccessibleName(/^bob/);
});

test("a page that is on its way when somebody signs out is not kept", async ({ house, stranger }) => {
  const proxy = await Proxy.start(house.url);
  proxy.blocksSockets = false;
  const alice = await stranger({ serviceWorkers: "allow", baseURL: proxy.url });
  try {
    const link = new URL(house.setupLink!);
    await join(alice.page, proxy.url + link.pathname, "alice");
    await alice.makePrivateRoom("secret");
    await alice.expectConnected();
    await alice.post("for my eyes only");
    await alice.expectMessages("for my eyes only");
    await expect.poll(() => copies(alice.page)).toContain("/rooms/secret");
    const tab = await alice.anotherTab();
    await tab.page.goto("/account");
    proxy.stopsPagesAfter = ">for my eyes only";
    await alice.page.goto("/rooms/secret", { waitUntil: "commit" });
    await expect(alice.page.getByText("for my eyes only")).toBeVisible();
    proxy.stopsPagesAfter = undefined;
    await signOut(tab);
    await expect.poll(() => copies(tab.page)).toEqual([]);
    proxy.letPagesCome();
    await alice.page.waitForLoadState();
    // The worker has looked at it when it has looked at a later one.
    await tab.page.goto("/sign-in");
    await signIn(tab.page, "alice", PASSWORD);
    await expectSignedIn(tab.page);
    await expect.poll(() => copies(tab.page)).toEqual(["/"]);
  } finally {
    await alice.context.close(); // it is connected through the proxy
    await proxy.stop();
  }
});

test("the page of a room that one may not enter any more is not kept", async ({ house, stranger }) => {
  const alice = await stranger();
  await inSecretRoomWithout(alice, house);
  const [link, bob] = [await invite(alice), await stranger({ serviceWorkers: "allow" })];
  await join(bob.page, link, "bob");
  const add = await alice.context.request.post("/api/rooms/secret/members", { data: { name: "bob" } });
  expect(add.status()).toBe(201);
  const members = (await (await alice.context.request.get("/api/rooms/secret/members")).json()) as { id: string; name: string }[];
  await bob.enterRoom("secret");
  await expectCopied(bob.page);
  const { id } = members.find(({ name }) => name === "bob")!;
  expect((await alice.context.request.delete(`/api/rooms/secret/members/${id}`)).status()).toBe(204);
  await bob.open("/");
  await expect.poll(() => copies(bob.page)).toEqual(["/"]);
});

async function inSecretRoomWithout(alice: Person, house: Server) {
  await join(alice.page, house.setupLink!, "alice");
  await alice.makePrivateRoom("secret");
}

async function invite({ page }: Person) {
  await page.goto("/people");
  await page.getByRole("button", { name: "Invite someone" }).click();
  return page.getByLabel("Link").inputValue();
}
