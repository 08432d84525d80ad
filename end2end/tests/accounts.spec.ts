// Accounts: how people come in, sign in and out, and what administrators do. Each story has a server of its own, whose
// first administrator comes by the link that the program prints.
import { expectSignedIn, invite, join, manage, PASSWORD, SESSION_ENDED, signIn, test } from "../support/accounts.ts";
import type { Person } from "../support/people.ts";
import { expect } from "../support/test.ts";

const WORDS = {
  en: {
    locale: "en-GB", name: "Name", password: "Password", join: "Join", account: "Account", people: "People",
    first: "The first administrator", welcome: "Welcome to Idobata", by: "alice invited you", invite: "Invite someone",
    link: "Link", over: "This link no longer works", signOut: "Sign out", signedOut: "You are signed out.",
    signIn: "Sign in", wrong: "The name or the password is wrong.",
  },
  ja: {
    locale: "ja-JP", name: "名前", password: "パスワード", join: "参加する", account: "アカウント", people: "メンバー",
    first: "最初の管理者", welcome: "Idobata へようこそ", by: "alice さんから招待されています", invite: "招待する",
    link: "リンク", over: "このリンクはもう使えません", signOut: "サインアウト", signedOut: "サインアウトしました。",
    signIn: "サインイン", wrong: "名前またはパスワードが違います。",
  },
} as const;

for (const [language, words] of Object.entries(WORDS)) {
  test(`the first administrator invites bob, who signs out and in again (${language})`, async ({ house, stranger, expectedFaults }) => {
    expectedFaults.push(/410/, /401/);
    const options = { locale: words.locale };
    const [alice, bob] = [await stranger(options), await stranger(options)];
    const link = (person: Person, name: string) => person.page.getByRole("link", { name, exact: true });
    const heading = (person: Person) => person.page.getByRole("heading", { level: 1 });

    // By the keyboard alone: the first field has the focus.
    await alice.page.goto(house.setupLink!);
    await expect(heading(alice)).toHaveText(words.first);
    await expect(alice.page.getByLabel(words.name)).toBeFocused();
    await alice.page.keyboard.type("alice");
    await alice.page.keyboard.press("Tab");
    await alice.page.keyboard.type(PASSWORD);
    await alice.page.keyboard.press("Enter");
    await alice.openMenu();
    await expect(link(alice, words.account)).toBeVisible();
    expect(new URL(alice.page.url()).pathname).toBe("/");

    await link(alice, words.people).click();
    await expect(heading(alice)).toHaveText(words.people);
    await alice.page.getByRole("button", { name: words.invite }).click();
    const invitation = await alice.page.getByLabel(words.link).inputValue();
    expect(invitation).toContain(`${house.url}/join/`);

    await bob.page.goto(invitation);
    await expect(heading(bob)).toHaveText(words.welcome);
    await expect(bob.page.getByText(words.by)).toBeVisible();
    await bob.page.getByLabel(words.name).fill("bob");
    await bob.page.getByLabel(words.password).fill(PASSWORD);
    await bob.page.getByRole("button", { name: words.join }).click();
    await bob.openMenu();
    await expect(link(bob, words.account)).toBeVisible();
    await expect(link(bob, words.people), "bob is no administrator").toHaveCount(0);
    for (const used of [invitation, house.setupLink!]) {
      expect((await bob.page.goto(used))!.status()).toBe(410);
      await expect(heading(bob)).toHaveText(words.over);
    }

    await bob.page.goto("/account");
    await bob.openMenu();
    await bob.page.getByRole("button", { name: words.signOut }).click();
    await expect(bob.page.getByRole("status")).toHaveText(words.signedOut);
    await bob.page.goto("/rooms/tech");
    await expect(heading(bob)).toHaveText(words.signIn);
    await bob.page.getByLabel(words.name).fill("bob");
    await bob.page.getByLabel(words.password).fill("not the password");
    await bob.page.keyboard.press("Enter");
    await expect(bob.page.getByRole("alert")).toHaveText(words.wrong);
    await expect(bob.page.getByLabel(words.name)).toHaveValue("bob");
    await expect(bob.page.getByLabel(words.password)).toHaveValue("");
    await bob.page.getByLabel(words.password).fill(PASSWORD);
    await bob.page.keyboard.press("Enter");
    await expect(heading(bob), "the page that bob wanted").toHaveText("tech");
    await bob.expectConnected();
    await bob.post(`hello in ${language}`);
    await bob.expectMessages(`hello in ${language}`);
    await expect(bob.messages.first()).toContainText("bob");
  });
}

test("an invitation can be revoked, and a name that somebody has is refused beside it", async ({ admin, stranger, expectedFaults }) => {
  expectedFaults.push(/410/, /409/);
  const [bob, carol] = [await stranger(), await stranger()];
  const [revoked, good] = [await invite(admin.page), await invite(admin.page)];
  await admin.page.goto("/people");
  await expect(admin.page.getByRole("button", { name: "Revoke" })).toHaveCount(2);
  await admin.page.getByRole("button", { name: "Revoke" }).first().click();
  await expect(admin.page.getByRole("button", { name: "Revoke" })).toHaveCount(1);
  expect((await bob.page.goto(revoked))!.status()).toBe(410);

  await carol.page.goto(good);
  await carol.page.getByLabel("Name").fill("ALICE");
  await carol.page.getByLabel("Password").fill(PASSWORD);
  await carol.page.getByRole("button", { name: "Join" }).click();
  await expect(carol.page.getByRole("alert")).toHaveText("This name is already taken.");
  await expect(carol.page.getByLabel("Name")).toHaveValue("ALICE");
  await expect(carol.page.getByLabel("Name")).toHaveAccessibleDescription("This name is already taken.");
  await join(carol.page, good, "carol");
});

test("a lost password is replaced by a link, and what was signed in is not any more", async ({ admin, stranger, expectedFaults }) => {
  expectedFaults.push(...SESSION_ENDED);
  const [bob, thief] = [await stranger(), await stranger()];
  await join(bob.page, await invite(admin.page), "bob");
  await thief.page.goto("/sign-in");
  await signIn(thief.page, "bob", PASSWORD);
  await expectSignedIn(thief.page);

  await manage(admin.page, "bob", "Password reset link");
  await expect(admin.page.getByRole("heading", { level: 1 })).toHaveText("Password reset for bob");
  await bob.page.goto(await admin.page.getByLabel("Link").inputValue());
  await bob.page.getByLabel("New password").fill("another long password");
  await bob.page.keyboard.press("Enter");
  await expectSignedIn(bob.page);
  await thief.page.goto("/");
  await signIn(thief.page, "bob", PASSWORD);
  await expect(thief.page.getByRole("alert")).toBeVisible();
});

test("a changed password ends the other browsers, and a session is ended by itself", async ({ admin, stranger, expectedFaults }) => {
  expectedFaults.push(...SESSION_ENDED);
  const [other, third] = [await stranger(), await stranger()];
  for (const { page } of [other, third]) {
    await page.goto("/sign-in");
    await signIn(page, "alice", PASSWORD);
    await expectSignedIn(page);
  }
  const sessions = admin.page.locator(".row");
  await admin.page.goto("/account");
  await expect(sessions).toHaveCount(3);
  await expect(sessions.first()).toContainText("Chrome on Linux this browser");
  await sessions.nth(1).getByRole("button").click();
  await expect(sessions).toHaveCount(2);

  const change = async (present: string, next: string) => {
    await admin.page.getByLabel("Current password").fill(present);
    await admin.page.getByLabel("New password").fill(next);
    await admin.page.getByRole("button", { name: "Change password" }).click();
  };
  await change("a wrong one", "another long password");
  const form = admin.page.getByRole("form", { name: "Password" });
  await expect(form.getByRole("alert")).toHaveText("The current password is wrong.");
  await change(PASSWORD, "another long password");
  await expect(admin.page.getByRole("status")).toContainText("Your password was changed.");
  await expect(sessions).toHaveCount(1);
  for (const { page } of [other, third]) {
    await page.goto("/");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
  }
});

test("another name is how the others see one from then on", async ({ admin, stranger, expectedFaults }) => {
  expectedFaults.push(/409/);
  const bob = await stranger();
  await join(bob.page, await invite(admin.page), "bob");
  const name = bob.page.getByRole("form", { name: "Name" });
  await bob.page.goto("/account");
  await name.getByLabel("Name").fill("alice");
  await name.getByRole("button").click();
  await expect(name.getByRole("alert")).toHaveText("This name is already taken.");
  await expect(name.getByLabel("Name")).toHaveValue("alice");
  await name.getByLabel("Name").fill("Robert");
  await name.getByRole("button").click();
  await expect(bob.page.getByRole("status")).toHaveText("Your name was changed.");
  await bob.enterRoom("general");
  await bob.post("call me Robert");
  await admin.enterRoom("general");
  await expect(admin.messages.last()).toContainText("Robert");
});

test("who is blocked while a room is open hears nothing more, and is asked to sign in", async ({ admin, stranger, expectedFaults }) => {
  expectedFaults.push(...SESSION_ENDED);
  const bob = await stranger();
  await join(bob.page, await invite(admin.page), "bob");
  await bob.enterRoom("general");
  await admin.enterRoom("general");
  await admin.post("bob still hears this");
  await bob.expectMessages("bob still hears this");
  const another = await admin.anotherTab();
  await manage(another.page, "bob", "Block");
  await expect(another.page.locator(".row", { hasText: "bob" })).toContainText("blocked");
  await admin.post("bob does not hear this");
  await admin.expectMessages("bob still hears this", "bob does not hear this");
  await expect(bob.badge).not.toHaveAttribute("data-connection", "open");
  await expect(bob.messages).toHaveCount(1);
  await bob.page.goto("/rooms/general");
  await signIn(bob.page, "bob", PASSWORD);
  await expect(bob.page.getByRole("alert")).toHaveText("The name or the password is wrong.");

  await manage(another.page, "bob", "Unblock");
  await expect(another.page.locator(".row", { hasText: "bob" })).not.toContainText("blocked");
  await signIn(bob.page, "bob", PASSWORD);
  await bob.expectConnected();
  await bob.expectMessages("bob still hears this", "bob does not hear this");
});

test("there is always an administrator, and removing somebody takes a second step", async ({ admin, stranger, expectedFaults }) => {
  expectedFaults.push(...SESSION_ENDED, /403/);
  const bob = await stranger();
  await join(bob.page, await invite(admin.page), "bob");
  const row = (name: string) => admin.page.locator(".row", { hasText: name });
  await manage(admin.page, "alice", "Remove as administrator");
  await expect(admin.page.getByRole("alert")).toHaveText("This is the last administrator. Make someone else an administrator first.");
  // Not the text of the row: what can be changed stands in it, too.
  const badge = (name: string) => row(name).locator(".badge", { hasText: "administrator" });
  await expect(badge("alice")).toBeVisible();
  await manage(admin.page, "bob", "Make administrator");
  await expect(badge("bob")).toBeVisible();
  await bob.page.goto("/people");
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("People");

  await manage(admin.page, "bob", "Remove");
  await expect(admin.page.getByRole("heading", { level: 1 })).toHaveText("Remove bob?");
  await admin.page.getByRole("link", { name: "Cancel" }).click();
  await expect(row("bob")).toBeVisible();
  await manage(admin.page, "bob", "Remove");
  await admin.page.getByRole("button", { name: "Remove" }).click();
  await expect(row("alice")).toBeVisible();
  await expect(row("bob")).toHaveCount(0);
  await bob.page.goto("/");
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
});

test.describe("a form of these pages that is refused", () => {
  test.use({ settings: { IDOBATA_LIMIT_SIGN_INS: "3/1h" }, expectedFaults: [/40[0134]|429/] });

  test("comes back with what was typed, and tells when to try again", async ({ admin, stranger }) => {
    const plain = await stranger({ javaScriptEnabled: false });
    await plain.page.goto("/rooms/tech");
    const name = "alice".padEnd(40, "!");
    await expect(async () => {
      await signIn(plain.page, name, "a wrong one");
      await expect(plain.page.getByLabel("Name")).toHaveValue(name);
      await expect(plain.page.getByLabel("Password")).toHaveValue("");
      await expect(plain.page.getByRole("alert")).toHaveText(/Try again in [\d,]+ seconds\.$/, { timeout: 500 });
    }).toPass();
    expect(plain.page.url(), "it is nobody else's to read").not.toContain("alice");

    const readers = Array.from({ length: 60 }, (_, n) => `a person with a long name ${n}`).join("\n") + "\n</textarea><b>";
    await admin.page.goto("/channels");
    await admin.page.getByLabel("Channel", { exact: true }).fill("pay");
    await admin.page.getByLabel("Readers").fill(readers);
    await admin.page.getByRole("button", { name: "Limit" }).click();
    await expect(admin.page.getByRole("alert")).toHaveText("Nobody here has this name.");
    await expect(admin.page.getByLabel("Readers")).toHaveValue(readers);
    await expect(admin.page.getByLabel("Channel", { exact: true })).toHaveValue("pay");
    expect(new URL(admin.page.url()).search).toBe("");
  });

  test("is not lost with the session: signed in beside it, one sends it again", async ({ admin, stranger }) => {
    await expectSignedIn(admin.page);
    const plain = await stranger({ javaScriptEnabled: false });
    await plain.page.goto("/sign-in");
    await signIn(plain.page, "alice", PASSWORD);
    await plain.page.goto("/rooms/general");
    await plain.composer.fill("written for an hour");
    await plain.context.clearCookies();
    await plain.page.getByRole("button", { name: "Send" }).click();
    await expect(plain.page.getByLabel("Message")).toHaveValue("written for an hour");
    const opened = plain.context.waitForEvent("page");
    await plain.page.getByRole("link", { name: "Sign in", exact: true }).last().click();
    const beside = await opened;
    await signIn(beside, "alice", PASSWORD);
    await expect(beside.getByRole("heading", { level: 1 })).toHaveText("Feed");
    await plain.page.getByRole("button", { name: "Send again" }).click();
    await expect(plain.page.locator(".message__text")).toHaveText(["written for an hour"]);
  });
});

test.describe("where guests read", () => {
  test.use({ settings: { IDOBATA_GUESTS_READ: "true" } });

  test("nobody follows a room, and signs in to write there", async ({ admin, stranger }) => {
    const nobody = await stranger();
    await nobody.enterRoom("general");
    await expect(nobody.badge, "a socket is for who can say who they are").toHaveAttribute("data-transport", "stream");
    await admin.enterRoom("general");
    await admin.post("for everybody");
    await expect(nobody.messages).toHaveText(/for everybody/);
    await expect(nobody.composer).toHaveCount(0);
    await expect(nobody.page.getByText("New room")).toHaveCount(0);
    await nobody.page.getByRole("link", { name: "Sign in to write here" }).click();
    await signIn(nobody.page, "alice", PASSWORD);
    await nobody.expectConnected();
    await expect(nobody.composer).toBeVisible();
    expect(new URL(nobody.page.url()).pathname).toBe("/rooms/general");
  });
});
