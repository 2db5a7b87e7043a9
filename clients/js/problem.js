// The two ways a request can end badly. `HubProblem`: the hub answered, and said no (RFC 9457). `HubError`:
// there was no answer, or this program used the client wrongly. A caller who may try again asks `uncertain`.

/** The hub's answer to something it did not do. */
export class HubProblem extends Error {
  constructor(status, body) {
    const problem = body && typeof body === "object" ? body : {};
    super(problem.detail || problem.title || `The hub answered ${status}`);
    this.name = "HubProblem";
    this.status = status;
    this.code = typeof problem.code === "string" ? problem.code : `http_${status}`;
    this.title = problem.title ?? null;
    this.detail = problem.detail ?? null;
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
    this.problem = problem;
  }

  /** False: an answer is an answer; the command did not happen. */
  get uncertain() {
    return false;
  }

  /** True when asking again later, unchanged, may succeed. */
  get temporary() {
    return this.status >= 500 || this.status === 429 || this.code === "idempotency_in_progress";
  }
}

/** No answer: `code` is `closed`, `timeout`, `aborted`, `queue_full`, `network` or `misuse`. */
export class HubError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = "HubError";
    this.code = code;
  }

  /** True when the hub may have carried the command out: try again only with the same key. */
  get uncertain() {
    return this.code === "closed" || this.code === "timeout" || this.code === "network" || this.code === "aborted";
  }

  get temporary() {
    return this.code === "network" || this.code === "timeout";
  }
}
