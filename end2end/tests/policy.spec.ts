// Text is text: what people and programs write never becomes part of a page, and a page runs nothing but its own. The
// fixtures fail a story on any violation of a page's policy (support/test.ts).
import { expect, test } from "../support/test.ts";

/** Runs, were it ever markup; within the 40 characters of a name. */
const IMAGE = `<img src=x onerror="title='ran'">`;
/** Ends the script that holds a page's data, and the page. */
const SCRIPT = `</script></body><script>document.title='ran'</script><b style="color:red">`;

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

for (const locale of ["en-GB", "ja-JP"]) {
  test(`all pages and what is done on them keep to the policy (${locale})`, async ({ somebody, server, expectedFaults }) => {
    expectedFaults.push(/404/); // two of the pages are none
    const reader = await somebody({ locale });
    await server.publish("ops", { title: "a title", text: "text https://example.com", level: "error", tags: ["a"], link: "https://example.com" });
    await server.publish("ops", { type: "progress", key: "import", done: 1, total: 3, text: "reading" });
    for (const path of ["/", "/rooms/general", "/rooms/nowhere", "/nothing", "/?problem=room_exists"]) {
      const response = await reader.page.goto(path);
      const policy = await response!.headerValue("content-security-policy");
      expect(policy, path).toMatch(/script-src 'self' 'nonce-[\w-]{22}' 'wasm-unsafe-eval';/);
      await expect(reader.page.locator("html[data-hydrated]")).toBeAttached();
    }
    await reader.open("/");
    await reader.page.locator("nav a", { hasText: "tech" }).click();
    await reader.expectConnected();
    await reader.post("said https://example.com/a");
    await expect(reader.messages.last().locator(".message__text").getByRole("link")).toBeVisible();
    await expect(reader.page.locator(".message[data-state]")).toHaveCount(0);
    await reader.page.goBack();
    await expect(reader.page.locator(".feed-page")).toBeVisible();
    await reader.openMenu();
    await reader.page.locator(".choice-switch a[hreflang]").first().click();
    await expect(reader.page.locator("html[lang=ja][data-hydrated]")).toBeAttached();
  });
}

test("what got into a page would not run, and a story would tell", async ({ alice, expectedFaults }) => {
  expectedFaults.push(/securitypolicyviolation/, /Content Security Policy/, /failed: csp/);
  await alice.open("/");
  const violated = new Set<string>();
  alice.page.on("console", (message) => {
    const directive = message.text().match(/^securitypolicyviolation: (\S+)/)?.[1];
    if (directive) violated.add(directive);
  });
  const title = await alice.page.title();
  const titleThen = await alice.page.evaluate(async (origin) => {
    const markup = `<p id="intruder" style="color: red" onclick="document.title = 'ran'">intruder</p>
      <iframe src="/healthz"></iframe><img src="${origin}/x.png"><object data="/favicon.svg"></object><base href="${origin}">
      <form id="away" action="${origin}"></form><style>p { color: red }</style>`;
    document.body.insertAdjacentHTML("beforeend", markup);
    document.body.append(Object.assign(document.createElement("script"), { textContent: "document.title = 'ran'" }));
    document.querySelector<HTMLElement>("#intruder")!.click();
    await fetch(`${origin}/told`).catch(() => {});
    const { title } = document;
    document.querySelector<HTMLFormElement>("#away")!.submit(); // shows an error in place of the page
    return title;
  }, "https://evil.example");
  const expected = ["base-uri", "connect-src", "form-action", "frame-src", "img-src", "object-src"];
  expected.push("script-src-attr", "script-src-elem", "style-src-attr", "style-src-elem");
  await expect.poll(() => [...violated].sort()).toEqual(expected);
  expect(titleThen, "nothing ran").toBe(title);
});

test("markup in names, texts, titles, tags, keys, units and room names shows as text", async ({ alice, bob, server }) => {
  const renamed = await alice.context.request.post("/api/session", { data: { name: IMAGE } });
  expect(renamed.status()).toBe(201);
  const name = unique("<b>bold</b>");
  const room = await bob.makeRoom(name);
  const key = unique("<b>key</b>");
  await alice.enterRoom(room);
  await alice.post(`${IMAGE} ${SCRIPT}`);
  const notice = { title: unique(IMAGE), text: SCRIPT, tags: [IMAGE, "<b>"], level: "warning" };
  await server.publish("markup", notice);
  await server.publish("markup", { type: "progress", key, done: 1, total: 2, text: SCRIPT });
  await server.publish("markup", { type: "update", key, value: 1, unit: "<b>" });

  const expectText = async (title: RegExp) => {
    await bob.expectMessages(`${IMAGE} ${SCRIPT}`);
    await expect(bob.page.locator(".message__user")).toHaveText(IMAGE);
    await expect(bob.page.locator(".people__list li", { hasText: IMAGE })).toBeVisible();
    await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText(name);
    await expect(bob.page.locator(".navigation a", { hasText: name })).toBeVisible();
    await expectFeed(".ticker", title);
  };
  const expectFeed = async (place: string, title: RegExp) => {
    const shown = bob.page.locator(`${place} .notification`, { hasText: notice.title });
    await expect(shown.locator(".notification__text")).toHaveText(SCRIPT);
    await expect(shown.getByRole("listitem")).toHaveText(notice.tags);
    await expect(bob.page.getByRole("progressbar", { name: key })).toBeVisible();
    await expect(bob.page.locator(`${place} .series`, { hasText: key }).locator(".series__value")).toHaveText("1 <b>");
    await expect(bob.page.locator("img, b, [onerror], [style]")).toHaveCount(0);
    await expect(bob.page).toHaveTitle(title);
  };
  const title = new RegExp(name.replaceAll(/[<>/]/g, "."));
  await expectText(title);
  await bob.enterRoom(room); // now as the server draws it
  await expectText(title);
  await bob.open("/");
  await expectFeed(".feed-page", /^Feed/);
});

test("what could be no text is not taken", async ({ alice, server }) => {
  for (const link of ["javascript:alert(1)", "data:text/html,x", "https://", "//example.com"]) {
    const data = { text: "text", link };
    expect((await alice.context.request.post("/api/events/ops", { data })).status(), link).toBe(400);
  }
  await expect(server.publish("<b>", "text")).rejects.toThrow("bad_channel");
});

test("an address in a text leads away, without a word of where from", async ({ alice, bob, server }) => {
  const room = await bob.makeRoom(unique("links"));
  await alice.enterRoom(room);
  const place = `${server.url}/rooms/tech`;
  await alice.post(`見て「${place}」。javascript:alert(1) (https://example.com/a_(b)?c=d&e).`);
  await server.publish("ops", `done, see ${place}.`);
  for (const round of ["live", "drawn by the server"]) {
    const links = bob.messages.last().locator(".message__text").getByRole("link");
    await expect(links, round).toHaveText([place, "https://example.com/a_(b)?c=d&e"]);
    await expect(links.last()).toHaveAttribute("href", "https://example.com/a_(b)?c=d&e");
    await expect(links.last()).toHaveAttribute("rel", "noopener noreferrer nofollow ugc");
    await expect(bob.page.locator(".ticker .notification__body").first().getByRole("link")).toHaveText(place);
    await bob.enterRoom(room);
  }
  const opened = bob.context.waitForEvent("page");
  await bob.messages.last().locator(".message__text").getByRole("link").first().click();
  const tab = await opened;
  await expect(tab).toHaveURL(place);
  await expect(tab.locator("html[data-hydrated]")).toBeAttached();
  expect(await tab.evaluate(() => [window.opener, document.referrer])).toEqual([null, ""]);
  // A socket that is still on its way when the tab is closed would count as a fault.
  await expect(tab.locator(".conversation [data-connection=open]")).toBeVisible();
});
