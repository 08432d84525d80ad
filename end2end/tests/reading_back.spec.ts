// Reading back through more messages than a page draws at once: earlier ones make room for each other, and the way to the
// newest, where the others go on talking, has no gap.
import type { Person } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

// More than a window holds (500), so that what was the newest has left the list at the first message.
const MESSAGES = 650;

const row = (person: Person, offset: number) => person.page.locator(`.messages [data-offset="${offset}"]`);

/** The messages that the list holds, from the first to the last, if none is missing between them. */
async function drawn(person: Person): Promise<[number, number] | "a gap"> {
  const rows = person.page.locator(".messages [data-offset]");
  const offsets = await rows.evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("data-offset"))));
  const isRow = offsets.every((offset, index) => index === 0 || offset === (offsets[index - 1] ?? 0) + 1);
  return isRow ? [offsets[0] ?? 0, offsets.at(-1) ?? 0] : "a gap";
}

const toTheLatest = (person: Person) => person.page.locator(".to-the-latest");

/** Turns the wheel until something is there, or is gone. */
async function wheelUntil(person: Person, delta: number, isOver: () => Promise<boolean>) {
  await person.page.locator(".message-list__scroller").hover();
  const turn = async () => {
    await person.page.mouse.wheel(0, delta);
    return isOver();
  };
  await expect.poll(turn, { timeout: 60_000, intervals: [30] }).toBe(true);
}

const readBack = (person: Person) => wheelUntil(person, -3_000, async () => (await row(person, 1).count()) === 1);

test("whoever has read back through 650 messages hears the others, and finds each message once on the way to the newest", async ({ alice, bob }) => {
  test.slow();
  const room = await bob.makeRoom(`long ${crypto.randomUUID().slice(0, 8)}`);
  await bob.postByRequest(room, ...Array.from({ length: MESSAGES }, (_, index) => `message ${index + 1}`));
  await alice.enterRoom(room);
  await readBack(alice);
  expect(await drawn(alice)).toEqual([1, 500]);
  // In the text that is being read nothing moves when the others talk.
  await row(alice, 20).evaluate((row) => row.scrollIntoView({ block: "center" }));
  const top = async () => (await row(alice, 20).boundingBox())?.y ?? NaN;
  const before = await top();
  await bob.postByRequest(room, "said meanwhile", "and this");
  await expect(toTheLatest(alice)).toContainText("2 new messages");
  expect(await top()).toBeCloseTo(before, -1);
  // Down again, page by page.
  await wheelUntil(alice, 3_000, async () => (await toTheLatest(alice).count()) === 0);
  const [first, last] = (await drawn(alice)) as [number, number];
  expect([first > 1, last]).toEqual([true, MESSAGES + 2]);
  await alice.post("I am here again");
  await bob.enterRoom(room);
  await expect(bob.messages.last()).toContainText("I am here again");
});
