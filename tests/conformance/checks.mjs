// What the scripts of this folder share: where the clients are, and how a check is written down.
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { createRequire } from "node:module";

export const { GATEWAY_URL, CLIENTS, RESULTS } = process.env;
export const require = createRequire(CLIENTS + "/");
export { assert };

const CALL_MILLISECONDS = 15_000;

/** Runs one check, bounded in time; a failed assertion is its result and does not end the script. */
export async function check(call, run) {
  await record(call, run, "ok");
}

/** What the client has and the gateway does not: the check holds that it is refused. */
export async function notServed(call, run) {
  await record(call, run, "not served");
}

async function record(call, run, otherwise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CALL_MILLISECONDS} ms`)), CALL_MILLISECONDS);
  });
  let result = otherwise;
  try {
    await Promise.race([run(), late]);
  } catch (error) {
    result = `differs: ${text(error) || "failed without a text"}`;
  } finally {
    clearTimeout(timer);
  }
  appendFileSync(RESULTS, JSON.stringify({ call, result }) + "\n");
}

function text(error) {
  if (error instanceof assert.AssertionError && error.generatedMessage) {
    return `${JSON.stringify(error.actual)} instead of ${JSON.stringify(error.expected)}`;
  }
  return error instanceof Error ? error.message : JSON.stringify(error);
}
