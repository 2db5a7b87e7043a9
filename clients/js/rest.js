// The hub's REST side (wire.md §5): requests that answer with a document or a HubProblem, and a session that keeps
// its tokens fresh. For sign-in and reading; commands of a screen go over the socket (hub.js), which resends them.

import { HubError, HubProblem } from "./problem.js";
import { systemEnvironment } from "./environment.js";

const REQUEST_LIMIT = 15_000;
const EARLY = 30_000; // a token this near to its end is renewed before it is handed out

/** "kitchen:…=42, pos:…=17" as an object. */
export function parseOffsets(header) {
  const offsets = {};
  for (const part of (header ?? "").split(",")) {
    const [channel, offset] = part.trim().split("=");
    if (channel && /^\d+$/.test(offset ?? "")) offsets[channel] = Number(offset);
  }
  return offsets;
}

/** Requests to one hub. */
export class Rest {
  #base;
  #fetch;
  #token;

  /** `base` is the hub's origin ("" in a page of its own); `token()` gives the bearer token or null. */
  constructor({ base = "", fetch = globalThis.fetch?.bind(globalThis), token = () => null } = {}) {
    this.#base = base;
    this.#fetch = fetch;
    this.#token = token;
  }

  get(path, options) {
    return this.request("GET", path, options);
  }

  post(path, body, options) {
    return this.request("POST", path, { ...options, body });
  }

  /** Resolves with {status, body, offsets, headers}; rejects with HubProblem (an answer) or HubError (none). */
  async request(method, path, { body, key, headers = {}, signal, token, limit = REQUEST_LIMIT } = {}) {
    const fields = { Accept: "application/json, application/problem+json", ...headers };
    const bearer = token === undefined ? await this.#token() : token;
    if (bearer) fields.Authorization = `Bearer ${bearer}`;
    if (key) fields["Idempotency-Key"] = key;
    if (body !== undefined) fields["Content-Type"] = "application/json";
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), limit);
    signal?.addEventListener("abort", () => stop.abort(), { once: true });
    let response;
    let text;
    try {
      const content = body === undefined ? undefined : JSON.stringify(body);
      response = await this.#fetch(this.#base + path, {
        method, headers: fields, body: content, signal: stop.signal, credentials: "omit", cache: "no-store",
      });
      text = await response.text();
    } catch (error) {
      if (signal?.aborted) throw new HubError("aborted", "The request was given up", { cause: error });
      throw new HubError("network", "The hub did not answer", { cause: error });
    } finally {
      clearTimeout(timer);
    }
    const document = parse(text);
    if (!response.ok) throw new HubProblem(response.status, document);
    const offsets = parseOffsets(response.headers.get("Hub-Offsets"));
    return { status: response.status, body: document, offsets, headers: response.headers };
  }
}

function parse(text) {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null; // a proxy's error page, say: the status tells enough
  }
}

/** Who is signed in. Tokens live in `storage` (a Storage, or null to keep them in memory only). */
export class Session {
  #rest;
  #storage;
  #name;
  #environment;
  #tokens = null; // { access_token, refresh_token, user, until } — `until` in wall milliseconds
  #refreshing = null;
  #listeners = new Set();

  constructor({ base = "", storage = null, name = "hub.session", fetch, environment } = {}) {
    this.#rest = new Rest({ base, ...(fetch ? { fetch } : {}) });
    this.#storage = storage;
    this.#name = name;
    this.#environment = systemEnvironment(environment);
    this.#tokens = parse(storage?.getItem(name) ?? "");
    if (!this.#tokens?.access_token || !this.#tokens.user) this.#tokens = null;
    this.token = this.token.bind(this);
  }

  get isSignedIn() {
    return this.#tokens !== null;
  }

  /** { id, email, name, role, restaurants } or null. */
  get user() {
    return this.#tokens?.user ?? null;
  }

  /** Told when somebody signs in or the session ends; returns the function that stops it. */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async login(email, password) {
    const { body } = await this.#rest.post("/api/v1/auth/login", { email, password }, { token: null });
    this.#keep(body);
    return this.user;
  }

  /** A token that is good now. `renew` asks for another than `refused`; fits the `token` option of `Hub`. */
  async token({ renew = false, refused = null } = {}) {
    if (!this.#tokens) throw new HubError("signed_out", "Nobody is signed in");
    const isOld = renew && (refused === null || refused === this.#tokens.access_token);
    if (isOld || this.#environment.wall() > this.#tokens.until - EARLY) await this.refresh();
    return this.#tokens.access_token;
  }

  /** Trades the refresh token for new ones. One at a time: a reused refresh token ends the whole session. */
  refresh() {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async logout() {
    const tokens = this.#tokens;
    this.#keep(null);
    if (!tokens) return;
    const body = { refresh_token: tokens.refresh_token };
    await this.#rest.post("/api/v1/auth/logout", body, { token: tokens.access_token }).catch(() => {});
  }

  async #refresh() {
    const refreshToken = this.#tokens?.refresh_token;
    if (!refreshToken) throw new HubError("signed_out", "Nobody is signed in");
    try {
      const { body } = await this.#rest.post("/api/v1/auth/refresh", { refresh_token: refreshToken }, { token: null });
      this.#keep({ ...body, user: body.user ?? this.#tokens?.user });
    } catch (error) {
      if (!(error instanceof HubProblem) || error.temporary) throw error;
      this.#keep(null);
      throw new HubError("signed_out", "The session has ended", { cause: error });
    }
  }

  #keep(body) {
    this.#tokens = body && {
      access_token: body.access_token,
      refresh_token: body.refresh_token,
      user: body.user,
      until: this.#environment.wall() + (body.expires_in ?? 0) * 1000,
    };
    if (this.#tokens) this.#storage?.setItem(this.#name, JSON.stringify(this.#tokens));
    else this.#storage?.removeItem(this.#name);
    for (const listener of this.#listeners) listener(this.user);
  }
}
