// Every page that there is, on servers of its own with something on each of them, for what holds on all pages.
import type { Person } from "./people.ts";
import { Server } from "./server.ts";
import { expect, named, test as base } from "./test.ts";

const PASSWORD = "correct horse battery";

/** A page, and how somebody comes there. */
export type Stop = { name: string; open: (person: Person) => Promise<unknown> };

/** What the browser says of pages that answer with an error. Only the form whose session has ended may be told 401. */
const ERRORS = [/^(400|404|405|409|410|429|503) /, /^401 \S+\/channels$/, /status of (400|401|404|405|409|410|429|503)/];

type Houses = {
  /** Everybody is a guest, and the operator. */
  guests: Server;
  /** People have accounts; alice is the administrator. */
  accounts: Server;
  /** Nobody has joined yet. */
  empty: Server;
  /** One request is all that an address has. */
  limited: Server;
  /** The database cannot be read any more. */
  damaged: Server;
};

/** The pages by who sees them, for stories that would take minutes for all of them. */
export const WHOSE = ["a guest's", "the other"] as const;

type Fixtures = {
  /** Somebody in front of a browser, and the pages that they go through one after the other: all, or a part of them. */
  tours: (options?: object, whose?: (typeof WHOSE)[number]) => Promise<{ person: Person; stops: Stop[] }[]>;
};

export const test = base.extend<Fixtures, { houses: Houses }>({
  houses: [
    async ({}, use) => {
      const [guests, accounts, empty, limited, damaged] = await Promise.all([
        Server.start(),
        Server.start({ env: { IDOBATA_AUTH: "accounts", IDOBATA_LIMIT_SIGN_INS: "off" } }),
        Server.start({ env: { IDOBATA_AUTH: "accounts" } }),
        Server.start({ env: { IDOBATA_LIMIT_REQUESTS: "1/1h" } }),
        Server.start(),
      ]);
      await fill(guests);
      await fetch(limited.url);
      await damaged.damage();
      const administrator = new URLSearchParams({ name: "alice", "new-password": PASSWORD });
      await fetch(accounts.setupLink!, { method: "POST", body: administrator, redirect: "manual" });
      const houses = { guests, accounts, empty, limited, damaged };
      await use(houses);
      await Promise.all(Object.values(houses).map((house) => house.stop()));
    },
    { scope: "worker" },
  ],
  expectedFaults: async ({}, use) => use([...ERRORS]),
  tours: async ({ houses, somebody }, use) => {
    await use(async (options, whose) => {
      const at = (house: Server) => somebody({ baseURL: house.url, ...options });
      const [guest, admin, nobody, first] = [
        await named(await at(houses.guests), "a guest"),
        await at(houses.accounts),
        await at(houses.accounts),
        await at(houses.empty),
      ];
      const signedIn = await admin.context.request.post("/api/session", { data: { name: "alice", password: PASSWORD } });
      expect(signedIn.status()).toBe(201);
      const strangers = [await at(houses.limited), await at(houses.damaged)];
      const guests = { person: guest, stops: guestsPages() };
      const others = [
        { person: first, stops: [goTo("the first administrator's page", houses.empty.setupLink!)] },
        { person: admin, stops: await administratorsPages(admin, nobody) },
        { person: nobody, stops: nobodysPages() },
        { person: strangers[0]!, stops: [goTo("too many requests", "/")] },
        { person: strangers[1]!, stops: [goTo("a page that cannot be loaded", "/rooms/general")] },
      ];
      return [...(whose === "the other" ? [] : [guests]), ...(whose === "a guest's" ? [] : others)];
    });
  },
});

const goTo = (name: string, path: string): Stop => ({ name, open: ({ page }) => page.goto(path) });

/** Something of every kind: levels, a progress, values, texts with links, a publisher, a limited channel. */
async function fill(server: Server) {
  for (const level of ["info", "success", "warning", "error"]) {
    await server.publish("ops", { title: `a ${level}`, text: "text ".repeat(60), level, tags: ["tag"], link: "https://example.com/" });
  }
  await server.publish("ops", { type: "progress", key: "import", done: 1, total: 3, text: "reading" });
  const post = (path: string, body: object, method = "POST", token?: string) =>
    fetch(server.url + path, { method, body: JSON.stringify(body), headers: token ? { Authorization: `Bearer ${token}` } : {} });
  await post("/api/publishers", { name: "backup", channels: ["ops", "db-*"] });
  await post("/api/heartbeats/backup", { channel: "ops", cron: "0 3 * * *", zone: "Asia/Tokyo" }, "PUT");
  await post("/api/channels/pay/readers", { names: [] }, "PUT");
  const { token } = (await (await post("/api/session", { name: "carol" })).json()) as { token: string };
  for (const text of ["hello", "see https://example.com/", "long ".repeat(100)]) {
    await post("/api/rooms/general/messages", { id: crypto.randomUUID(), text }, "POST", token);
  }
}

function guestsPages(): Stop[] {
  const secret = `secret ${crypto.randomUUID().slice(0, 8)}`;
  const members = `/rooms/${secret.replace(" ", "-")}/members`;
  return [
    goTo("the feed", "/"),
    goTo("a channel", "/feed/ops"),
    goTo("a channel that nobody has used", "/feed/never-used"),
    goTo("a time of the feed", "/?from=2020-01-01T00:00&zone=Asia/Tokyo"),
    goTo("a time that is none", "/feed/ops?from=soon"),
    goTo("a room", "/rooms/general"),
    goTo("a linked message", "/rooms/general/2"),
    goTo("a message that is not there", "/rooms/general/900"),
    goTo("an empty room", "/rooms/random"),
    goTo("no page", "/nowhere"),
    goTo("no channel", "/feed/not%20a%20name"),
    goTo("no room", "/rooms/nowhere"),
    goTo("a history that is not there", "/rooms/general?before=nothing"),
    goTo("a method that is not taken", "/name"),
    goTo("what another app shares", "/share?title=A+page&text=look&url=https://example.com/"),
    goTo("the search", "/search"),
    goTo("what was found", "/search?q=a"),
    goTo("a search that cannot be meant", "/search?q=has:fun"),
    goTo("notifications", "/notifications"),
    goTo("notifications, refused", "/notifications?problem=bad_request"),
    goTo("notifications, a rule refused", "/notifications?problem=bad_channel&form=rules"),
    goTo("publishers", "/publishers"),
    goTo("publishers, refused", "/publishers?problem=bad_request&name=backup&list=a+b"),
    goTo("heartbeats", "/heartbeats"),
    goTo("heartbeats, refused", "/heartbeats?problem=bad_request"),
    goTo("channels", "/channels"),
    goTo("channels, refused", "/channels?problem=unknown_person&name=pay&list=bob%0Acarol"),
    goTo("the people of a public room", "/rooms/general/members"),
    {
      name: "the members of a private room",
      open: async ({ page, context }) => {
        await context.request.post("/api/rooms", { data: { name: secret, private: true } });
        await page.goto(members);
      },
    },
    goTo("members, refused", `${members}?problem=unknown_person&name=carol`),
    { name: "a private room", open: ({ page }) => page.goto(members.replace("/members", "")) },
    {
      name: "a rejected form",
      open: async ({ page }) => {
        await page.goto("/rooms/general");
        await page.locator(".new-room > summary").click();
        await page.locator(".new-room input[name=name]").fill("General");
        await page.locator(".new-room button").click();
        await expect(page.locator("main [role=alert]")).toBeVisible();
      },
    },
    {
      name: "a page whose data did not come",
      open: async ({ page }) => {
        await page.goto("/");
        await expect(page.locator("html[data-hydrated]")).toBeAttached();
        await page.route("**/fn/start*", (route) => route.fulfill({ status: 503, body: "{}" }));
        await page.locator('.navigation a[href="/rooms/tech"]').click();
        await expect(page.locator("main [role=alert]")).toBeVisible();
      },
    },
  ];
}

async function administratorsPages(admin: Person, nobody: Person): Promise<Stop[]> {
  const invite = async () => {
    await admin.page.goto("/people");
    await admin.page.locator("form[action='/people/invitations'] button").click();
    return admin.page.locator("#link").inputValue();
  };
  const bob = `bob ${crypto.randomUUID().slice(0, 8)}`;
  const open = await invite();
  await nobody.context.request.post(open, { form: { name: bob, "new-password": PASSWORD }, maxRedirects: 0 });
  await nobody.context.clearCookies();
  invitation = await invite();
  const manage = async () => {
    await admin.page.goto("/people");
    const row = admin.page.locator(".row", { hasText: bob });
    await row.locator("summary").click();
    return row;
  };
  return [
    { name: "a new invitation", open: invite },
    { name: "the people", open: manage },
    {
      name: "the removal of somebody",
      open: async () => {
        await (await manage()).locator(".changes__list a").click();
        await expect(admin.page).toHaveURL(/\/remove$/);
      },
    },
    {
      name: "a link for a new password",
      open: async () => {
        await (await manage()).locator("form[action$='/reset'] button").click();
        reset = await admin.page.locator("#link").inputValue();
      },
    },
    goTo("the account", "/account"),
    goTo("the account, refused", "/account?problem=wrong_password&form=password"),
    {
      name: "a new publisher's token",
      open: async ({ page }) => {
        await page.goto("/publishers");
        await page.locator("#name").fill(`backup ${crypto.randomUUID().slice(0, 8)}`);
        await page.locator("#channels").fill("ops, db-*");
        await page.locator("main button[type=submit]").last().click();
        await expect(page.locator("#token")).toBeVisible();
      },
    },
    {
      name: "the channels",
      open: async ({ page }) => {
        await page.request.put("/api/channels/pay/readers", { data: { names: ["alice"] } });
        await page.goto("/channels");
      },
    },
    goTo("the feed with an account", "/"),
    {
      name: "a form whose session has ended",
      open: async ({ page, context }) => {
        await page.goto("/channels");
        await page.locator("#channel").fill("pay");
        await page.locator("#readers").fill("alice\nbob");
        const cookies = await context.cookies();
        await context.clearCookies();
        await page.locator("main button[type=submit]").last().click();
        await expect(page.locator("#readers")).toHaveValue("alice\nbob");
        await context.addCookies(cookies);
      },
    },
  ];
}

/** Links that the administrator has made, for those who have no account yet. */
let invitation = "";
let reset = "";

const nobodysPages = (): Stop[] => [
  goTo("signing in", "/sign-in"),
  goTo("signing in, refused", "/sign-in?problem=wrong_password&name=alice"),
  goTo("signed out", "/sign-in?done=signed-out"),
  goTo("a link that is over", "/join/none"),
  { name: "an invitation", open: ({ page }) => page.goto(invitation) },
  { name: "a new password", open: ({ page }) => page.goto(reset) },
];

/** Opens a page of a tour, and waits until it answers if it is a live one. */
export async function open(person: Person, stop: Stop) {
  await person.page.unrouteAll();
  await stop.open(person);
  if (await person.page.locator("#start").count()) {
    await expect(person.page.locator("html[data-hydrated]")).toBeAttached();
  }
}
