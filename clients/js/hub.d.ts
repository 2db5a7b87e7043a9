// Types of hub.js: the hub's WebSocket client. The wire itself is described in the hub's protocol page (wire.md).

export type State = "idle" | "connecting" | "signing_in" | "ready" | "waiting" | "closed";

/** Why a screen is not live. The first three are wire.md's heartbeat rules. */
export type Reason =
  | "silent" | "not_fresh" | "behind"
  | "connecting" | "reconnecting" | "joining" | "unsubscribed"
  | "signed_out" | "forbidden" | "not_found" | "bad_messages" | "misuse" | "closed";

export interface Status {
  /** What is shown is the hub's state, by every rule. */
  live: boolean;
  /** The screen must call itself stale. Not live and not stale: a short absence, or the first connection. */
  stale: boolean;
  reason: Reason | null;
  /** Hub time up to which every followed channel is known to be complete here; null before the first proof. */
  asOf: Date | null;
  /** Commands without an answer. */
  waiting: number;
}

export type TokenSource =
  | string
  | null
  | ((request: { renew: boolean; refused: string | null }) => string | Promise<string>);

export interface Environment {
  wall(): number;
  /** Milliseconds that never go back. */
  monotonic(): number;
  setTimer(action: () => void, milliseconds: number): unknown;
  clearTimer(timer: unknown): void;
  random(): number;
  uuid(): string;
  report(error: unknown): void;
}

export interface HubOptions {
  /** `ws:` or `wss:` address of the hub's `/ws`. */
  url: string;
  token?: TokenSource;
  WebSocket?: new (url: string, protocols: string[]) => unknown;
  environment?: Partial<Environment>;
  /** Milliseconds: the n-th wait is uniform in [0, min(cap, base × 2ⁿ)). Default 500 and 15 000. */
  backoff?: { base?: number; cap?: number };
}

export interface HubEvent<Data = unknown> {
  type: "event";
  channel: string;
  offset: number;
  /** The same in every channel that the event goes to. */
  id: string;
  event: string;
  at: string;
  data: Data;
}

export type SubscriptionState = "waiting" | "joining" | "live" | "ended";
export type ReceiptLevel = "received" | "shown" | "accepted";

/** A subscription of somebody's, this one included. */
export interface PresenceMember {
  connection: string;
  user: string;
  role: string;
  /** Of a kitchen screen or a till. */
  device: string | null;
  name: string | null;
  /** The kitchen stations that it shows; null for all. */
  stations: string[] | null;
  since: string;
}

export interface PresenceChange {
  event: "list" | "join" | "leave";
  /** Who came or went; null for a list. */
  member: PresenceMember | null;
  /** Who is there now; null when they are too many to name. */
  members: PresenceMember[] | null;
  count: number;
}

export interface SubscribeOptions<Snapshot = unknown, Data = unknown> {
  /** Resume where an earlier life of this program stopped; both or neither. */
  since?: number;
  epoch?: string;
  /** False: no snapshot with the first answer. */
  snapshot?: boolean;
  /** The kitchen stations that this screen shows; all without. */
  stations?: string[];
  /** The checksum of what the page shows (kitchenSum); one that differs from the hub's brings a fresh snapshot. */
  checksum?(): string;
  onMismatch?(at: { offset: number }): void;
  /** The channel's whole state as of `offset`: replaces what was held. */
  onSnapshot?(snapshot: Snapshot, position: { offset: number; epoch: string }): void;
  /** The next event: exactly once each, in order. */
  onEvent?(event: HubEvent<Data>): void;
  /** Who listens to the channel too: who is there after each answer of the hub, then each who comes or goes. */
  onPresence?(presence: PresenceChange): void;
  onState?(state: SubscriptionState, problem: HubProblem | null): void;
  /** An event that was not the next one came and was not applied; the channel resubscribes by itself. */
  onGap?(gap: { expected: number; received: number }): void;
}

export interface Subscription {
  readonly channel: string;
  readonly state: SubscriptionState;
  readonly offset: number | null;
  readonly epoch: string | null;
  readonly asOf: number | null;
  readonly problem: HubProblem | null;
  readonly presence: { members: PresenceMember[] | null; count: number | null };
  readonly counters: { applied: number; gaps: number; repeats: number; snapshots: number; resumed: number };
  /** Cumulative receipt; sent at most four times a second, told again after a reconnection. */
  seen(offset: number, level: ReceiptLevel): void;
  /** Another choice of stations, null for all: subscribes anew from where it has come to. */
  showing(stations: string[] | null): void;
  /** Resolves when `offset` is part of what was handed to the callbacks. */
  arrived(offset: number): Promise<void>;
  unsubscribe(): void;
}

export interface CommandOptions {
  /** Idempotency key; made when absent. Give your own to try again after an uncertain end. */
  key?: string;
  /** Milliseconds before it is given up as uncertain; 0 waits for as long as the connection is kept up. */
  timeout?: number;
  signal?: AbortSignal;
}

export interface Reply<Body = unknown> {
  status: number;
  body: Body;
  /** The offsets that the change took, by channel. */
  offsets: Record<string, number>;
}

export class HubProblem extends Error {
  constructor(status: number, body?: unknown);
  readonly status: number;
  /** Stable, snake_case. */
  readonly code: string;
  readonly title: string | null;
  readonly detail: string | null;
  readonly errors: { field: string; code: string; detail: string }[];
  /** The whole problem document, with members such as `from`, `to`, `current`. */
  readonly problem: Record<string, unknown>;
  readonly uncertain: false;
  readonly temporary: boolean;
}

export class HubError extends Error {
  constructor(code: string, message: string, options?: { cause?: unknown });
  readonly code: "closed" | "timeout" | "aborted" | "queue_full" | "network" | "misuse" | "signed_out";
  /** The hub may have carried it out: repeat only with the same key. */
  readonly uncertain: boolean;
  readonly temporary: boolean;
}

export class Hub {
  constructor(options: HubOptions);
  readonly state: State;
  readonly user: { id: string; role: string } | null;
  readonly unanswered: number;
  readonly counters: { connections: number; stale: number };
  connect(): this;
  close(): void;
  retryNow(): void;
  check(): void;
  subscribe<Snapshot = unknown, Data = unknown>(
    channel: string, options?: SubscribeOptions<Snapshot, Data>): Subscription;
  command<Body = unknown>(method: string, path: string, body?: unknown, options?: CommandOptions): Promise<Reply<Body>>;
  arrived(offsets: Record<string, number>): Promise<void>;
  ping(): Promise<{ at: Date; roundTrip: number }>;
  serverNow(): number | null;
  status(): Status;
  on(name: "status", listener: (status: Status) => void): () => void;
  on(name: "state", listener: (state: State) => void): () => void;
  on(name: "goaway", listener: (message: { reason?: string; reconnect?: number }) => void): () => void;
  on(name: "error", listener: (error: HubProblem | HubError) => void): () => void;
}
