// Pages of other origins: another port of the same machine, to which the browser gives our cookie too, and another
// site. What they try is tried on a page of our own as well, where all of it works.
import { attack, withForeignPage } from "../support/foreign.ts";
import { expect, test } from "../support/test.ts";

// The browser itself says in the console what it does not let through.
const FAULTS = [/CORS policy/, /WebSocket connection to/, /net::ERR_/, /status of 40[13]/, /^40[13] /, /frame-ancestors/];

for (const host of ["127.0.0.1", "localhost"]) {
  test(`a page under ${host} with another port can neither read nor change anything`, async ({ alice, bob, server, expectedFaults }) => {
    expectedFaults.push(...FAULTS);
    const text = `forged ${crypto.randomUUID()}`;
    const room = await bob.makeRoom(`beside ${crypto.randomUUID().slice(0, 8)}`);
    await withForeignPage(host, async (url) => {
      await alice.page.goto(url);
      const { "blind message": message, "blind publication": publication, "blind name": name, ...known } =
        await alice.page.evaluate(attack, { target: server.url, text });
      expect([message, publication, name], "what may be sent blindly tells nothing").not.toContain("open");
      expect(new Set(Object.values(known)), JSON.stringify(known)).toEqual(new Set(["refused"]));

      // A form needs no script's rights, and takes the cookie along from a neighbour.
      const answered = alice.page.waitForResponse((response) => response.request().method() === "POST");
      await alice.page.evaluate(
        ({ action, text }) => {
          const form = Object.assign(document.createElement("form"), { method: "post", action });
          form.append(Object.assign(document.createElement("input"), { name: "text", value: text }));
          document.body.append(form);
          form.submit();
        },
        { action: `${server.url}/rooms/${room}`, text },
      );
      expect((await answered).status()).toBe(403);
      await expect(alice.page.locator("body")).toContainText("does not accept requests from this site");

      // Nor can a click on our page be stolen: it is shown in no frame.
      await alice.page.goto(url);
      await alice.page.evaluate((src) => {
        document.body.append(Object.assign(document.createElement("iframe"), { src }));
      }, `${server.url}/rooms/${room}`);
      await expect.poll(() => alice.page.frames().map((frame) => frame.url())).toContain("chrome-error://chromewebdata/");
    });
    await bob.expectMessages();
    await alice.enterRoom("general");
    await expect(alice.page.getByLabel("Your name"), "the session is still hers").toHaveValue("alice");
    await expect(alice.page.locator("body")).not.toContainText(text);
    await alice.page.goto("/");
    await expect(alice.page.locator("body")).not.toContainText(text);
  });
}

test("what foreign pages try in vain works on a page of our own", async ({ alice, server }) => {
  await alice.open("/");
  const text = `ours ${crypto.randomUUID().slice(0, 8)}`;
  const outcomes = await alice.page.evaluate(attack, { target: server.url, text });
  expect(new Set(Object.values(outcomes)), JSON.stringify(outcomes)).toEqual(new Set(["open"]));
  await expect(alice.page.locator(".notification", { hasText: text })).toHaveCount(2);
});
