// Stories about the installed app: people whose browser has its service worker, and what that worker keeps.
import type { BrowserContextOptions, Page } from "@playwright/test";
import type { Person } from "./people.ts";
import { expect, named, test as base } from "./test.ts";

/** What the browser says of a page that goes on without a network. */
export const DISCONNECTED = [/ERR_INTERNET_DISCONNECTED/, /navigation preload request failed/, /WebSocket connection to/, /^503 /, /status of 503/];

type Fixtures = {
  /** A person whose browser has the worker. */
  withApp: (name: string, options?: BrowserContextOptions) => Promise<Person>;
};

export const test = base.extend<Fixtures>({
  withApp: async ({ somebody }, use) =>
    use(async (name, options) => named(await somebody({ serviceWorkers: "allow", ...options }), name)),
});

/** The addresses of which the worker has copies. */
export const copies = (page: Page) =>
  page.evaluate(async () => {
    const cache = await caches.open("idobata-pages");
    return (await cache.keys()).map(({ url }) => decodeURIComponent(new URL(url).pathname)).sort();
  });

/** Waits until the worker rules over the page and has a copy of it. */
export async function expectCopied(page: Page) {
  const path = decodeURIComponent(new URL(page.url()).pathname);
  await expect.poll(() => copies(page)).toContain(path);
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller?.state)).toBe("activated");
}

/** What a phone does when its app is put away: the worker makes a new copy, in which this text is. */
export async function putAway(page: Page, text: string) {
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    delete (document as { hidden?: boolean }).hidden;
  });
  const isCopied = () =>
    page.evaluate(async (text) => {
      const copy = await (await caches.open("idobata-pages")).match(location.pathname);
      return (await copy?.text())?.includes(text);
    }, text);
  await expect.poll(isCopied).toBe(true);
}

/** The sentence of a copy. */
export const asOf = (page: Page) => page.locator("#as-of");
