// Stories on a server with accounts: the server with its first administrator, who comes by the link that the program
// prints, and what people do to come in.
import type { Page } from "@playwright/test";
import type { Person } from "./people.ts";
import { Server } from "./server.ts";
import { expect, test as base } from "./test.ts";

export const PASSWORD = "correct horse battery";
/** What a page that is still open says when its session ends. */
export const SESSION_ENDED = [/401/, /no_session/];

type Fixtures = {
  /** More settings of the server. */
  settings: NodeJS.ProcessEnv;
  house: Server;
  /** Somebody in front of a browser that was never here. */
  stranger: (options?: object) => Promise<Person>;
  /** The first administrator. */
  admin: Person;
};

export const test = base.extend<Fixtures>({
  settings: async ({}, use) => use({}),
  house: async ({ settings }, use) => {
    const house = await Server.start({ env: { IDOBATA_AUTH: "accounts", ...settings } });
    await use(house);
    await house.stop();
  },
  stranger: async ({ house, somebody }, use) => use((options) => somebody({ baseURL: house.url, ...options })),
  admin: async ({ house, stranger }, use) => {
    const admin = await stranger();
    await join(admin.page, house.setupLink!, "alice");
    await use(admin);
  },
});

export async function join(page: Page, link: string, name: string) {
  await page.goto(link);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Join" }).click();
  await expectSignedIn(page);
}

/** The feed, as somebody. */
export async function expectSignedIn(page: Page) {
  await expect(page.locator("html[data-hydrated]")).toBeAttached();
  await expect(page.locator('.menu a[href="/account"]')).toBeAttached();
}

export async function signIn(page: Page, name: string, password: string) {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Has the administrator make an invitation, and returns its link. */
export async function invite(page: Page): Promise<string> {
  await page.goto("/people");
  await page.getByRole("button", { name: "Invite someone" }).click();
  return page.getByLabel("Link").inputValue();
}

/** Does something with somebody on the page of the people. */
export async function manage(page: Page, name: string, change: string) {
  await page.goto("/people");
  const row = page.locator(".row", { hasText: name });
  await row.getByText("Manage").click();
  await row.getByText(change, { exact: true }).click();
}
