// An error as a sentence for the person at the screen.

import { texts } from "../texts.js";

const CHANGED = new Set(["stale_version", "invalid_status_transition"]);

export function explain(error) {
  if (CHANGED.has(error.code)) return texts.problem.changedElsewhere;
  if (error.uncertain) return texts.problem.network;
  return error.detail || error.title || error.message || texts.problem.generic;
}
