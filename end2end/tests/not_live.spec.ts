// A page that does not become live, or is not live any more, says so, and its forms go on working.
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

test("a page without WebAssembly says that it is not live, and its forms work", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("locked down"));
  await bob.post("can you read this?");
  await alice.page.addInitScript(() => delete (window as { WebAssembly?: object }).WebAssembly);
  await alice.page.goto(`/rooms/${room}`);
  await expect(alice.page.getByRole("alert")).toContainText("This page is not live");
  await expect(alice.page.locator(".connection-badge").first(), "it does not say that it connects").toBeHidden();
  await expect(alice.messages.locator(".message__text")).toHaveText(["can you read this?"]);
  await alice.composer.fill("yes");
  await alice.composer.press("Enter");
  await bob.expectMessages("can you read this?", "yes");
  await expect(alice.page.getByRole("alert")).toContainText("This page is not live");
  await bob.post("and now?");
  await bob.expectMessages("can you read this?", "yes", "and now?");
  await alice.page.getByRole("button", { name: "Reload" }).click();
  await expect(alice.messages.locator(".message__text")).toHaveText(["can you read this?", "yes", "and now?"]);
});

test("a page whose script does not run says that it is not live", async ({ alice, expectedFaults }) => {
  expectedFaults.push(/SyntaxError/);
  await alice.page.route("**/live.js*", (route) => route.fulfill({ contentType: "text/javascript", body: "this browser is too old" }));
  await alice.page.clock.install();
  await alice.page.goto("/rooms/general");
  await expect(async () => {
    await alice.page.clock.runFor(5_000);
    await expect(alice.page.getByRole("alert")).toContainText("This page is not live", { timeout: 200 });
  }).toPass();
});

test("a page in a browser that knows no modules says that it is not live", async ({ alice }) => {
  await alice.page.addInitScript(() => {
    delete (HTMLScriptElement.prototype as { noModule?: boolean }).noModule;
  });
  await alice.page.goto("/rooms/general");
  await expect(alice.page.getByRole("alert")).toContainText("This page is not live");
});

test("a page of another build says that it is not live", async ({ alice, expectedFaults }) => {
  expectedFaults.push(/panicked/);
  await alice.page.route("**/rooms/general", async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace('"path":', '"address":');
    await route.fulfill({ response, body });
  });
  await alice.page.goto("/rooms/general");
  await expect(alice.page.getByRole("alert")).toContainText("This page is not live");
});

test("a page that breaks while it is live says so, and sends by its form", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/RuntimeError: unreachable/);
  const room = await bob.makeRoom(unique("broken"));
  await alice.enterRoom(room);
  await alice.composer.fill("still here");
  // A panic in the browser half ends by the instruction `unreachable`, and so does this module's only function.
  await alice.page.evaluate(() => {
    const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0, 11];
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
    setTimeout(exports.f as () => void);
  });
  await expect(alice.page.getByRole("alert")).toContainText("This page is not live");
  await expect(alice.page.locator("html[data-hydrated]")).not.toBeAttached();
  await expect(alice.page.locator(".connection-badge").first()).toBeHidden();
  const answered = alice.page.waitForResponse((response) => response.request().method() === "POST");
  await alice.composer.press("Enter");
  expect((await answered).status()).toBe(303);
  await bob.expectMessages("still here");
  await alice.expectConnected();
  await alice.expectMessages("still here");
});

test("a page whose first effects break says so, and nothing of it goes on", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("broken early"));
  // The moment after the page was taken over and before its effects run.
  await alice.page.addInitScript(() => {
    const settle = (live: { dead(): void }) => Object.defineProperty(live, "settled", { set: () => live.dead() });
    let live: { dead(): void };
    Object.defineProperty(window, "idobata", { get: () => live, set: (value) => settle((live = value)) });
  });
  const sockets: string[] = [];
  alice.page.on("websocket", (socket) => sockets.push(socket.url()));
  await alice.page.goto(`/rooms/${room}`);
  await expect(alice.page.getByRole("alert")).toContainText("This page is not live");
  await alice.composer.fill("hello");
  await alice.composer.press("Enter");
  await bob.expectMessages("hello");
  await expect(alice.page.getByRole("alert")).toContainText("This page is not live");
  await expect(alice.page.locator("html[data-hydrated]")).not.toBeAttached();
  expect(sockets).toEqual([]);
});

test("Reload leads from the answer to a form to the page that it shows", async ({ alice, expectedFaults }) => {
  expectedFaults.push(/^400 |status of 400/);
  await alice.page.addInitScript(() => delete (window as { WebAssembly?: object }).WebAssembly);
  await alice.page.goto("/rooms/general");
  await alice.page.locator(".sidebar").getByText("New room").click();
  const name = alice.page.getByLabel("Name of the new room");
  await name.evaluate((field: HTMLInputElement) => field.removeAttribute("maxlength"));
  await name.fill("long ".repeat(60));
  await alice.page.getByRole("button", { name: "Create" }).click();
  await expect(alice.page).toHaveURL(/\/rooms\?/);
  await alice.page.getByRole("button", { name: "Reload" }).click();
  await expect(alice.page).toHaveURL(/\/rooms\/general\?$/);
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("general");
});
