// One WebSocket, from handshake to end. It turns text into messages and makes the end happen exactly once:
// `abandon` does not wait for a peer that may be gone. It knows nothing of channels or sign-in.

const OPEN = 1;

export class Connection {
  #socket;
  #handlers;
  #opened = false;

  /** `handlers`: `opened()`, `message(object)`, `closed({code, reason, opened})`. */
  constructor(WebSocketClass, url, protocols, handlers) {
    this.#handlers = handlers;
    this.#socket = new WebSocketClass(url, protocols);
    this.#socket.onopen = () => {
      this.#opened = true;
      this.#handlers?.opened();
    };
    this.#socket.onmessage = ({ data }) => this.#received(data);
    this.#socket.onclose = ({ code, reason }) => this.#ended(code, reason);
    this.#socket.onerror = () => {}; // a browser tells no more than the close that follows
  }

  /** Writes a message; false when the socket cannot take it now. */
  send(message) {
    if (!this.#handlers || this.#socket.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Ends it now: closes the socket without waiting for the peer, and tells the owner. */
  abandon(code, reason) {
    const socket = this.#socket;
    this.#ended(code, reason);
    try {
      socket.close(code === 1000 ? 1000 : 4408, reason);
    } catch {
      // a socket that is already gone has nothing to close
    }
  }

  #received(data) {
    if (!this.#handlers || typeof data !== "string") return;
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return; // the promise of wire.md is about offsets: a lost message shows as a gap and is mended there
    }
    if (message && typeof message === "object" && typeof message.type === "string") this.#handlers.message(message);
  }

  #ended(code, reason) {
    const handlers = this.#handlers;
    if (!handlers) return;
    this.#handlers = null;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    handlers.closed({ code, reason, opened: this.#opened });
  }
}
