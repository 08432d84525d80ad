// Who may enter, read and publish what: private rooms, limited channels, publishers' tokens, and people whom another
// system signs in.
import { createHmac } from "node:crypto";
import { AxeBuilder } from "@axe-core/playwright";
import { expectSignedIn, invite, join, test as withAccounts } from "../support/accounts.ts";
import type { Person } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { expect, test } from "../support/test.ts";

test("a private room is its owner's, and of whom the owner lets in", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/404/);
  const name = `secret ${crypto.randomUUID().slice(0, 8)}`;
  const bobsName = `bob ${crypto.randomUUID().slice(0, 8)}`;
  await alice.open("/");
  await alice.makePrivateRoom(name);
  await alice.expectConnected();
  const room = new URL(alice.page.url()).pathname;
  await alice.post("nobody reads this yet");
  await alice.expectMessages("nobody reads this yet");
  expect((await bob.page.goto(room))!.status(), "it is not there for bob").toBe(404);
  await bob.enterRoom("general");
  await bob.rename(bobsName);
  await expect(bob.page.getByRole("link", { name })).toHaveCount(0);
  await expect(bob.page.getByRole("link", { name: "Members" }), "general is everybody's").toHaveCount(0);
  await bob.expectConnected();

  await alice.page.getByRole("link", { name: "Members" }).click();
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(`Members of ${name}`);
  await expect(alice.page.locator(".row")).toHaveText(/alice\s+you\s+owner/);
  await alice.page.getByLabel("Name", { exact: true }).fill("somebody else");
  await alice.page.keyboard.press("Enter");
  await expect(alice.page.getByRole("alert")).toBeVisible();
  await expect(alice.page.getByLabel("Name", { exact: true })).toHaveValue("somebody else");
  await alice.page.getByLabel("Name", { exact: true }).fill(bobsName);
  await alice.page.keyboard.press("Enter");
  await expect(alice.page.locator(".row")).toHaveCount(2);

  await bob.open(room);
  await bob.expectMessages("nobody reads this yet");
  await bob.post("I do");
  await alice.page.getByRole("link", { name: "Back to the room" }).click();
  await alice.expectMessages("nobody reads this yet", "I do");
  const another = await alice.anotherTab();
  await another.page.goto(`${room}/members`);
  await another.page.getByRole("button", { name: `Remove: ${bobsName}` }).click();
  await expect(another.page.locator(".row")).toHaveCount(1);
  await alice.post("bob is gone");
  await alice.expectMessages("nobody reads this yet", "I do", "bob is gone");
  await expect(bob.page.getByRole("alert")).toBeVisible();
  await bob.expectMessages("nobody reads this yet", "I do");
  expect((await bob.page.goto(room))!.status()).toBe(404);
});

withAccounts("every page leads to the same places: an administrator's to all, a member's to their own", async ({ admin, stranger }) => {
  const bob = await stranger();
  await join(bob.page, await invite(admin.page), "bob");
  const places = ({ page }: Person) => page.locator(".sidebar");
  for (const path of ["/", "/rooms/general", "/account", "/rooms/general/members"]) {
    await admin.page.goto(path);
    await admin.openMenu();
    await expect(places(admin).getByRole("link")).toContainText(["Feed", "general", "Account", "People", "Publishers", "Limited channels"]);
    await expect(places(admin).getByRole("button", { name: "Sign out" })).toBeVisible();
    await expect(places(admin).getByText("New room")).toBeVisible();
    await bob.page.goto(path);
    await bob.openMenu();
    await expect(places(bob).getByRole("link", { name: "Account" })).toBeVisible();
    await expect(places(bob).getByRole("link", { name: /People|Publishers|channels/ })).toHaveCount(0);
    await expect(places(bob).getByRole("button", { name: "Sign out" })).toBeVisible();
  }
  await admin.page.goto("/publishers");
  await admin.openMenu();
  await expect(places(admin).locator("[aria-current=page]")).toHaveText("Publishers");
  // The menu of an administrator is so long that it covers what is behind it.
  await admin.page.keyboard.press("Escape");
  await places(admin).getByText("New room").click();
  await admin.page.getByLabel("Name of the new room").fill("Made beside a document");
  await admin.page.keyboard.press("Enter");
  await expect(admin.page.getByRole("heading", { level: 1 })).toContainText("Made beside a document");
});

withAccounts("a member sees who else is one, and leaves", async ({ admin, stranger, expectedFaults }) => {
  expectedFaults.push(/404/);
  const bob = await stranger();
  await join(bob.page, await invite(admin.page), "bob");
  await admin.open("/");
  await admin.makePrivateRoom("Board");
  await admin.page.getByRole("link", { name: "Members" }).click();
  await admin.page.getByLabel("Name", { exact: true }).fill("BOB");
  await admin.page.keyboard.press("Enter");
  await expect(admin.page.locator(".row")).toHaveCount(2);
  await bob.enterRoom("board");
  await bob.page.getByRole("link", { name: "Members" }).click();
  await expect(bob.page.locator(".row")).toHaveText([/alice\s+owner/, /bob\s+you/]);
  await expect(bob.page.getByLabel("Name", { exact: true }), "only the owner lets people in").toHaveCount(0);
  await bob.page.getByRole("button", { name: "Leave" }).click();
  await expectSignedIn(bob.page);
  expect((await bob.page.goto("/rooms/board"))!.status()).toBe(404);
  await admin.page.reload();
  await expect(admin.page.locator(".row")).toHaveCount(1);
});

withAccounts("a program publishes with the token that an administrator made, until it is removed", async ({ house, admin, stranger, expectedFaults }) => {
  expectedFaults.push(/404/, /400/);
  const bob = await stranger();
  await join(bob.page, await invite(admin.page), "bob");
  const publish = async (token: string, channel: string, body: string) => {
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(`${house.url}/api/events/${channel}`, { method: "POST", headers, body })).status;
  };
  expect((await bob.page.goto("/publishers"))!.status(), "bob is no administrator").toBe(404);
  await bob.open("/");
  await admin.page.goto("/people");
  await admin.openMenu();
  await admin.page.getByRole("link", { name: "Publishers" }).click();
  await admin.page.getByLabel("Name", { exact: true }).fill("backup");
  await admin.page.getByLabel("Channels").fill("not a channel");
  await admin.page.getByRole("button", { name: "Create token" }).click();
  await expect(admin.page.getByRole("alert")).toBeVisible();
  await expect(admin.page.getByLabel("Channels")).toHaveValue("not a channel");
  await admin.page.getByLabel("Channels").fill("ops, db-*");
  await admin.page.getByRole("button", { name: "Create token" }).click();
  const token = await admin.page.getByLabel("Token").inputValue();
  await expect(admin.page.locator("pre")).toHaveText(`curl -H 'Authorization: Bearer ${token}' -d 'hello' ${house.url}/api/events/ops`);
  expect(await publish(token, "ops", "backup done")).toBe(201);
  expect(await publish(token, "db-1", "copied")).toBe(201);
  expect(await publish(token, "jobs", "not mine")).toBe(403);
  await expect(bob.page.locator(".notification", { hasText: "backup done" })).toBeVisible();
  await expect(bob.page.locator(".notification", { hasText: "copied" })).toBeVisible();

  await admin.page.getByRole("link", { name: "Back to publishers" }).click();
  await expect(admin.page.locator(".row")).toContainText(["last used"]);
  await expect(admin.page.getByText(token)).toHaveCount(0);
  await admin.page.getByRole("button", { name: "Remove: backup" }).click();
  await expect(admin.page.locator(".row")).toHaveCount(0);
  expect(await publish(token, "ops", "still here?")).toBe(401);
});

withAccounts("a sender with a secret is heard only when it signs, and a secret that is none comes back as a sentence", async ({ house, admin, stranger, expectedFaults }) => {
  expectedFaults.push(/400/);
  const bob = await stranger();
  await join(bob.page, await invite(admin.page), "bob");
  await bob.open("/");
  const { page } = admin;
  await page.goto("/publishers");
  await page.getByLabel("Name", { exact: true }).fill("GitHub");
  await page.getByLabel("Channels").fill("code");
  await page.getByLabel("Secret").fill("too short");
  await page.getByRole("button", { name: "Create token" }).click();
  await expect(page.getByRole("alert")).toHaveText("The secret has 16 to 200 letters, digits and signs, and no blanks.");
  await expect(page.getByLabel("Secret")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Secret"), "a secret is typed again").toHaveValue("");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("GitHub");
  await expect(page.getByLabel("Channels")).toHaveValue("code");
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  const secret = "only-both-ends-know-this";
  await page.getByLabel("Secret").fill(secret);
  await page.getByRole("button", { name: "Create token" }).click();
  const token = await page.getByLabel("Token").inputValue();
  expect(await page.content(), "it is shown nowhere").not.toContain(secret);
  const body = JSON.stringify({ action: "opened", issue: { number: 7, title: "It leaks", html_url: "https://code.example/7" }, repository: { full_name: "a/b" }, sender: { login: "carol" } });
  const send = async (key?: string) => {
    const signature = key && `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;
    const headers = { "Content-Type": "application/json", "X-GitHub-Event": "issues", ...(signature && { "X-Hub-Signature-256": signature }) };
    return (await fetch(`${house.url}/hooks/${token}/github`, { method: "POST", headers, body })).status;
  };
  expect([await send(), await send("what-somebody-has-guessed")]).toEqual([403, 403]);
  expect(await send(secret)).toBe(200);
  await expect(bob.page.locator(".notification", { hasText: "It leaks" })).toHaveCount(1);
});

withAccounts("a channel that is limited to bob goes away from alice's open page, and stays on his", async ({ house, admin, stranger }) => {
  const bob = await stranger();
  await join(bob.page, await invite(admin.page), "bob");
  await admin.page.goto("/publishers");
  await admin.page.getByLabel("Name", { exact: true }).fill("a program");
  await admin.page.getByLabel("Channels").fill("*");
  await admin.page.getByRole("button", { name: "Create token" }).click();
  const token = await admin.page.getByLabel("Token").inputValue();
  const publish = (channel: string, body: string) =>
    fetch(`${house.url}/api/events/${channel}`, { method: "POST", headers: { Authorization: `Bearer ${token}` }, body });
  const notice = ({ page }: Person, text: string) => page.locator(".notification", { hasText: text });
  const another = await admin.anotherTab();
  await bob.open("/");
  await another.open("/");
  await publish("pay", "for all");
  for (const person of [bob, another]) await expect(notice(person, "for all")).toBeVisible();

  await admin.openMenu();
  await admin.page.getByRole("link", { name: "Limited channels" }).click();
  await admin.page.getByLabel("Channel", { exact: true }).fill("pay");
  await admin.page.getByLabel("Readers").fill("bob");
  await admin.page.getByRole("button", { name: "Limit", exact: true }).click();
  await expect(admin.page.locator(".row")).toHaveText(/pay\s*bob/);
  await publish("pay", "for bob");
  await publish("ops", "after it");
  for (const person of [bob, another]) await expect(notice(person, "after it")).toBeVisible();
  await expect(notice(bob, "for bob")).toBeVisible();
  await expect(notice(another, "for bob")).toHaveCount(0);
  await another.page.reload();
  await expect(notice(another, "after it")).toBeVisible();
  await expect(another.page.getByText("pay"), "not even its name").toHaveCount(0);

  await admin.page.getByRole("button", { name: "Open to everyone: pay" }).click();
  await expect(admin.page.locator(".row")).toHaveCount(0);
  await another.page.reload();
  await expect(notice(another, "for bob")).toBeVisible();
});

test("people of another system come with its tokens, and are told where to sign in", async ({ somebody, expectedFaults }) => {
  expectedFaults.push(/401/);
  const secret = "what both systems know, and nobody else";
  const house = await Server.start({ env: { IDOBATA_AUTH: "jwt", JWT_SECRET: secret } });
  try {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const come = async (name: string) => {
      const person = await somebody({ baseURL: house.url });
      const claims = { sub: `id-of-${name}`, name, exp: Math.floor(Date.now() / 1000) + 600 };
      const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
      const signature = createHmac("sha256", secret).update(text).digest("base64url");
      await person.context.addCookies([{ name: "idobata_session", value: `${text}.${signature}`, url: house.url, httpOnly: true }]);
      return person;
    };
    const nobody = await somebody({ baseURL: house.url, locale: "ja-JP" });
    expect((await nobody.page.goto("/"))!.status()).toBe(401);
    await expect(nobody.page.getByText("別のシステムで行います")).toBeVisible();
    expect((await new AxeBuilder({ page: nobody.page }).analyze()).violations).toEqual([]);

    const [alice, bob] = [await come("alice"), await come("bob")];
    await alice.enterRoom("general");
    await bob.enterRoom("general");
    await alice.post("hello from over there");
    await bob.expectMessages("hello from over there");
    await bob.expectPeople("alice", "bob");
    await alice.openMenu();
    await alice.page.getByRole("link", { name: "Account" }).click();
    await expect(alice.page.getByRole("main")).toContainText("alice");
    expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
  } finally {
    await house.stop();
  }
});
