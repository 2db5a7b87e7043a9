// Types of rest.js: requests to the hub's REST side, and the session that keeps tokens fresh.

import type { Environment } from "./hub.js";

export interface RequestOptions {
  body?: unknown;
  /** `Idempotency-Key`. */
  key?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Instead of the Rest's own; null sends none. */
  token?: string | null;
  /** Milliseconds. */
  limit?: number;
}

export interface Answer<Body = unknown> {
  status: number;
  body: Body;
  offsets: Record<string, number>;
  headers: Headers;
}

export class Rest {
  constructor(options?: {
    base?: string;
    fetch?: typeof fetch;
    token?: () => string | null | Promise<string | null>;
  });
  /** Rejects with HubProblem (the hub said no) or HubError (`network`, `aborted`). */
  request<Body = unknown>(method: string, path: string, options?: RequestOptions): Promise<Answer<Body>>;
  get<Body = unknown>(path: string, options?: RequestOptions): Promise<Answer<Body>>;
  post<Body = unknown>(path: string, body?: unknown, options?: RequestOptions): Promise<Answer<Body>>;
}

export interface User {
  id: string;
  email: string;
  name: string;
  role: string;
  restaurants: string[];
}

export class Session {
  constructor(options?: {
    base?: string;
    /** Where tokens are kept; null keeps them in memory. */
    storage?: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;
    name?: string;
    fetch?: typeof fetch;
    environment?: Partial<Environment>;
  });
  readonly isSignedIn: boolean;
  readonly user: User | null;
  onChange(listener: (user: User | null) => void): () => void;
  login(email: string, password: string): Promise<User>;
  /** Fits the `token` option of `Hub`. */
  token(request?: { renew?: boolean; refused?: string | null }): Promise<string>;
  refresh(): Promise<void>;
  logout(): Promise<void>;
}

export function parseOffsets(header: string | null): Record<string, number>;
