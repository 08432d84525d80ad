// Who says too much at once is told when to go on, and loses nothing.
import type { Person } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { expect, test as base } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

/** Stories on a server with this limit on messages. */
const limitedTo = (rate: string) =>
  base.extend<{}, { server: Server }>({
    server: [
      async ({}, use) => {
        const server = await Server.start({ env: { IDOBATA_LIMIT_MESSAGES: rate } });
        await use(server);
        await server.stop();
      },
      { scope: "worker" },
    ],
  });

/** What stands in the composer and was not sent, with the reason below it. */
async function expectHeldBack(person: Person, text: string, words: RegExp) {
  await expect(person.page.locator("#composer-hint")).toHaveText(words);
  await expect(person.composer).toHaveValue(text);
  await expect(person.page.locator(".message[data-state]")).toHaveCount(0);
}

// The hundred in a longer time than by default: one more is allowed after a minute, which is time to look.
limitedTo("100/100m")("the hundred and first message is refused, and its text is still there", async ({ alice }) => {
  const room = await alice.makeRoom(unique("many"));
  await alice.postByRequest(room, ...Array.from({ length: 100 }, (_, index) => `message ${index + 1}`));
  await alice.post("what I still wanted to say");
  await expectHeldBack(alice, "what I still wanted to say", /too often.* Try again in \d+ seconds?\.$/);
  await expect(alice.page.getByText("message 100")).toBeVisible();
});

// Time enough for three messages on a busy machine before one more is allowed.
const test = limitedTo("2/16s");

for (const transport of ["socket", "stream", "poll"] as const) {
  test(`after the time told the message can be sent, by ${transport}`, async ({ alice, bob, expectedFaults }) => {
    // Over HTTP the browser reports the refusal in the console by itself.
    expectedFaults.push(/^429 .*\/messages$/, /status of 429/);
    const room = await bob.makeRoom(unique("soon"));
    await bob.enterRoom(room);
    await alice.open(`/rooms/${room}?transport=${transport}`);
    await alice.expectTransport(transport);
    for (const text of ["one", "two", "three"]) await alice.post(text);
    await expectHeldBack(alice, "three", /Try again in [1-8] seconds?\.$/);
    await bob.expectMessages("one", "two");
    // Too early it comes back, and then it goes.
    await expect(async () => {
      if (await alice.composer.inputValue()) await alice.composer.press("Enter");
      await expect(bob.messages, "in alice's list it stands before it is stored").toHaveCount(3, { timeout: 1_000 });
    }).toPass({ intervals: [500] });
    await alice.expectMessages("one", "two", "three");
    await expect(alice.composer).toHaveValue("");
    await expect(alice.page.locator("#composer-hint")).toHaveText("Enter to send, Shift+Enter for a new line");
    await bob.expectMessages("one", "two", "three");
  });
}

test("a message that is refused while the next is written waits in the list", async ({ somebody }) => {
  const carol = await somebody({ locale: "ja-JP" });
  // The refusal is held back until there is something in the composer.
  const held: (() => void)[] = [];
  await carol.page.routeWebSocket("/ws", (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (/"type":"rejected"/.test(message.toString())) held.push(() => socket.send(message));
      else socket.send(message);
    });
  });
  await carol.enterRoom("random");
  for (const text of ["一", "二", "三"]) await carol.post(text);
  await expect.poll(() => held.length).toBe(1);
  await carol.composer.fill("次の話");
  held.forEach((release) => release());
  const line = carol.page.locator('.message[data-state="failed"]');
  await expect(line).toContainText("三");
  await expect(line).toContainText(/秒後にもう一度お試しください/);
  await expect(carol.composer).toHaveValue("次の話");
  await expect(async () => {
    await line.getByRole("button").first().click({ timeout: 1_000 });
    await expect(line).toHaveCount(0, { timeout: 1_000 });
  }).toPass({ intervals: [500] });
  await expect(carol.messages.last()).toContainText("三");
});
