// A page of another origin, as somebody with bad intentions would make it, and what it tries.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Serves an empty page while `use` runs, under this name of the machine. */
export async function withForeignPage(host: string, use: (url: string) => Promise<void>) {
  const server = createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html");
    answer.end('<!DOCTYPE html><html lang="en"><link rel="icon" href="data:,"><title>foreign</title>');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use(`http://${host}:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** In the page: everything that could read, or change something at `target`, with the visitor's cookie; how each ended. */
export async function attack({ target, text }: { target: string; text: string }): Promise<Record<string, string>> {
  const ended = (open: (tell: (outcome: string) => void) => void) => new Promise<string>((tell) => open(tell));
  const send = (path: string, init: RequestInit) =>
    fetch(target + path, { credentials: "include", ...init }).then(
      (answer) => (answer.type === "opaque" ? "not known" : answer.ok ? "open" : `${answer.status}`),
      () => "refused",
    );
  const message = () => JSON.stringify({ id: crypto.randomUUID(), text });
  const blind = { method: "POST", mode: "no-cors" } as const;
  const json = { method: "POST", headers: { "Content-Type": "application/json" } };
  return {
    socket: await ended((tell) => {
      const socket = new WebSocket(`${target.replace("http", "ws")}/ws`);
      socket.onopen = () => (tell("open"), socket.close());
      socket.onerror = () => tell("refused");
    }),
    stream: await ended((tell) => {
      const source = new EventSource(`${target}/api/rooms/general/events`, { withCredentials: true });
      source.onmessage = () => (tell("open"), source.close());
      source.onerror = () => (tell("refused"), source.close());
    }),
    feed: await send("/api/events", { headers: { Accept: "application/json" } }),
    page: await send("/rooms/general", {}),
    picture: await ended((tell) => {
      const picture = new Image();
      picture.onload = () => tell("open");
      picture.onerror = () => tell("refused");
      picture.src = `${target}/favicon.svg`;
    }),
    message: await send("/api/rooms/general/messages", { ...json, body: message() }),
    publication: await send("/api/events/ops", { method: "POST", body: text }),
    name: await send("/api/session", { ...json, body: JSON.stringify({ name: text }) }),
    "blind message": await send("/api/rooms/general/messages", { ...blind, body: message() }),
    "blind publication": await send("/api/events/ops", { ...blind, body: text }),
    "blind name": await send("/name", { ...blind, body: new URLSearchParams({ name: text }) }),
    end: await send("/api/session", { method: "DELETE" }),
  };
}
