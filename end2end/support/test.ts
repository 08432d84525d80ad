// The `test` of every story: a server per worker, and alice and bob in separate browsers' contexts, whose pages
// fail the test on any console error or warning, page error, failed request, hydration warning, or violation of a
// page's Content Security Policy.
import { type Browser, type BrowserContextOptions, expect, type Page, test as base } from "@playwright/test";
import { Person } from "./people.ts";
import { Server } from "./server.ts";

type Fixtures = {
  alice: Person;
  bob: Person;
  /** Makes one more person, with a browser set up in a special way. */
  somebody: (options?: BrowserContextOptions) => Promise<Person>;
  /** Lets a story do what is otherwise a fault, such as asking for a page that is not there. */
  expectedFaults: RegExp[];
};

export const test = base.extend<Fixtures, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  expectedFaults: async ({}, use) => use([]),
  somebody: async ({ browser, server, expectedFaults, contextOptions }, use) => {
    const faults: string[] = [];
    const people: Person[] = [];
    await use(async (options) => {
      const person = await newPerson(browser, { ...contextOptions, baseURL: server.url, ...options }, faults);
      people.push(person);
      const origin = options?.baseURL ?? server.url;
      Server.pages.set(origin, [...(Server.pages.get(origin) ?? []), () => person.context.close()]);
      return person;
    });
    await Promise.all(people.map((person) => person.context.close()));
    const unexpected = faults.filter((fault) => !expectedFaults.some((expected) => expected.test(fault)));
    expect(unexpected, "nothing went wrong in any page").toEqual([]);
  },
  alice: async ({ somebody }, use) => use(await named(await somebody(), "alice")),
  bob: async ({ somebody }, use) => use(await named(await somebody(), "bob")),
});

export { expect };

async function newPerson(browser: Browser, options: BrowserContextOptions, faults: string[]): Promise<Person> {
  const context = await browser.newContext(options);
  await context.addInitScript(tellViolations);
  // The app's worker answers requests that stories about other things send astray by `page.route`, so they go without:
  // as in a browser that has none. Those about the app allow it, see support/app.ts.
  if (options.serviceWorkers !== "allow") await context.addInitScript(() => delete (Navigator.prototype as { serviceWorker?: object }).serviceWorker);
  context.on("page", (page) => watch(page, faults, options.javaScriptEnabled !== false));
  const page = await context.newPage();
  return new Person(page, context);
}

/** In each page: what its Content Security Policy stops is said where a story fails on it. */
function tellViolations() {
  addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sourceFile, lineNumber }) => {
    console.error(`securitypolicyviolation: ${effectiveDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
  });
}

/** Gives a person their name before they open a page. */
export async function named(person: Person, name: string): Promise<Person> {
  const response = await person.context.request.post("/api/session", { data: { name } });
  expect(response.status()).toBe(201);
  return person;
}

function watch(page: Page, faults: string[], hasScript: boolean) {
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`page error: ${error}`));
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  page.on("requestfailed", (request) => {
    // A stream that the page itself ended, or that a navigation ended, is no fault; nor is that a browser with
    // JavaScript off ("csp") does not load the script that the page offers.
    const error = request.failure()?.errorText ?? "";
    if (error !== "net::ERR_ABORTED" && !(error === "csp" && !hasScript)) faults.push(`failed: ${error} ${request.url()}`);
  });
}
