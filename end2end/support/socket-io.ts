// Clients of Socket.IO, by its official library.
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";

export type Message = { room: string; offset: number; epoch: string; id: string; user: string; user_id: string; text: string; timestamp: number };
export type Session = { user: { id: string; name: string }; token: string };

/** The library's ways to connect; without a word it polls and then changes to a WebSocket. */
export const TRANSPORTS: Record<string, string[] | undefined> = {
  "a WebSocket": ["websocket"],
  polls: ["polling"],
  "polls and then a WebSocket": undefined,
};

/** Makes somebody. */
export async function becomeSomebody(url: string, name: string): Promise<Session> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${url}/api/session`, { method: "POST", headers, body: JSON.stringify({ name }) });
  if (response.status !== 201) throw new Error(`a session: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Begins to connect, each client with a connection of its own. */
export function open(url: string, transports: string[] | undefined, options: Partial<ManagerOptions & SocketOptions>): Socket {
  return io(url, { ...(transports && { transports }), forceNew: true, ...options });
}

/** What the seed's page does with its socket (`switchRoom`, the handlers), line by line; and what it heard. */
export function seedClient(socket: Socket) {
  const heard = { messages: [] as Message[], joined: [] as string[], left: [] as string[] };
  let currentRoom = "general";
  socket.on("connect", () => {
    socket.emit("join-room", currentRoom);
  });
  socket.on("message", (data) => {
    heard.messages.push(data);
  });
  socket.on("user-joined", (userId) => {
    heard.joined.push(userId);
  });
  socket.on("user-left", (userId) => {
    heard.left.push(userId);
  });
  function switchRoom(room: string) {
    socket.emit("leave-room", currentRoom);
    currentRoom = room;
    socket.emit("join-room", room);
  }
  return { heard, switchRoom };
}

/** A client that loses nothing: the lines that docs/api.md shows. */
export function resumingClient(socket: Socket, room: string, onMessage: (message: Message) => void) {
  const cursors: Record<string, string> = {};
  socket.on("connect", () => {
    socket.emit("join-room", { room, after: cursors[room] }, (joined: { cursor?: string; error?: object }) => {
      if (joined.cursor) cursors[room] ??= joined.cursor;
    });
  });
  socket.on("message", (message: Message) => {
    cursors[message.room] = `${message.epoch}:${message.offset}`;
    onMessage(message);
  });
  socket.on("reset", ({ room, cursor }: { room: string; cursor: string }) => {
    cursors[room] = cursor; // what came before it is gone
  });
  return cursors;
}
