// What a screen reader hears: two controls of a page have the same name only if they do the same.
import type { CDPSession, Page } from "@playwright/test";
import { open, test } from "../support/every_page.ts";
import { expect } from "../support/test.ts";

const CONTROLS = ["link", "button", "checkbox", "radio", "combobox", "textbox", "searchbox", "DisclosureTriangle", "tab", "menuitem"];

type Node = { role?: { value: string }; name?: { value: string }; ignored: boolean; backendDOMNodeId?: number };

/** What a control does: where its link leads, what its form sends, what it opens; else nothing but itself does it. */
function deedOf(this: Element): string {
  if (this instanceof HTMLAnchorElement) return this.href;
  const number = [...document.querySelectorAll("*")].indexOf(this);
  if (!(this instanceof HTMLButtonElement)) return `element ${number}`;
  const target = this.getAttribute("popovertarget");
  if (target) return `opens ${target}`;
  if (!this.form) return `element ${number}`;
  const fields = [...new FormData(this.form, this)].filter(([name]) => name !== "once");
  return `${this.form.getAttribute("action")} ${JSON.stringify(fields)}`;
}

/** The controls of the page's accessibility tree: role and name, and what each does. */
async function controls(page: Page, session: CDPSession): Promise<{ name: string; deed: string }[]> {
  const { nodes } = (await session.send("Accessibility.getFullAXTree")) as { nodes: Node[] };
  const isControl = ({ role, ignored }: Node) => !ignored && CONTROLS.includes(role?.value ?? "");
  const found = [];
  for (const { role, name, backendDOMNodeId } of nodes.filter(isControl)) {
    const { object } = await session.send("DOM.resolveNode", { backendNodeId: backendDOMNodeId! });
    const { result } = await session.send("Runtime.callFunctionOn", {
      objectId: object.objectId!,
      functionDeclaration: deedOf.toString(),
      returnByValue: true,
    });
    found.push({ name: `${role!.value} "${name?.value.trim() ?? ""}"`, deed: result.value as string });
  }
  return found;
}

/** Names that stand for more than one deed, and controls without a name. */
async function faults(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const deeds = new Map<string, Set<string>>();
  for (const { name, deed } of await controls(page, session)) {
    deeds.set(name, (deeds.get(name) ?? new Set()).add(deed));
  }
  await session.detach();
  const isFault = ([name, known]: [string, Set<string>]) => known.size > 1 || name.endsWith('""');
  return [...deeds].filter(isFault).map(([name, known]) => `${name}: ${[...known].join(" or ")}`);
}

for (const locale of ["en-US", "ja-JP"]) {
  test(`no two controls of a page have the same name and do different things (${locale})`, async ({ tours, houses }) => {
    // Programs with titles and without.
    for (const run of [1, 2]) {
      await houses.guests.publish("ci", { title: `build ${run} failed`, text: "on node 1", link: `https://example.com/runs/${run}` });
      await houses.guests.publish("ci", { text: `run ${run} is over`, link: `https://example.com/logs/${run}` });
    }
    for (const channel of ["one", "two"]) await houses.guests.publish(channel, { type: "update", key: "load", value: 1 });
    const found: string[] = [];
    for (const { person, stops } of await tours({ locale, viewport: { width: 1_280, height: 800 } })) {
      for (const stop of stops) {
        await open(person, stop);
        await person.page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));
        if (stop.name === "the feed") await expect(person.page.locator('.value-card[data-channel="two"]')).toBeVisible();
        found.push(...(await faults(person.page)).map((fault) => `${stop.name}: ${fault}`));
      }
    }
    expect(found).toEqual([]);
  });
}

test("of two messages that were refused each button says which one it is for", async ({ alice }) => {
  const { page } = alice;
  await page.routeWebSocket("/ws", (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const frame = JSON.parse(message.toString());
      if (frame.type !== "post") return server.send(message);
      socket.send(JSON.stringify({ type: "rejected", code: "text_empty", message: "refused", id: frame.id, room: frame.room }));
    });
  });
  await alice.enterRoom("general");
  for (const text of ["the first of them", "and the second"]) await alice.post(text);
  await expect(page.locator(".message[data-state=failed]")).toHaveCount(2);
  expect(await faults(page)).toEqual([]);
  await page.getByRole("button", { name: /Discard.*the second/ }).click();
  await expect(page.locator(".message[data-state=failed]")).toHaveText(/the first of them/);
});

test("two browsers of the same kind where somebody is signed in are told apart", async ({ tours, browser, houses }) => {
  const admin = (await tours()).find(({ stops }) => stops.some(({ name }) => name === "the account"))!;
  // The same browser again, in another window of its own.
  const other = await browser.newContext({ baseURL: houses.accounts.url });
  const data = { name: "alice", password: "correct horse battery" };
  expect((await other.request.post("/api/session", { data })).status()).toBe(201);
  await other.close();
  await admin.person.page.goto("/account");
  expect(await admin.person.page.locator(".rows .row").count()).toBeGreaterThan(1);
  expect(await faults(admin.person.page)).toEqual([]);
});

test("a notification is an article by no name but its own, and a card of values has its channel's", async ({ alice, server }) => {
  const { page } = alice;
  await server.publish("lab", { type: "update", key: "load", value: 1 });
  const text = `no name ${crypto.randomUUID()}`;
  await server.publish("ops", text);
  await alice.open("/");
  await expect(page.getByRole("article").filter({ hasText: text })).toHaveAccessibleName("");
  await expect(page.getByRole("article", { name: "lab", exact: true })).toBeVisible();
  await expect(page.getByRole("article", { name: "lab", exact: true })).toHaveCount(1);
});
