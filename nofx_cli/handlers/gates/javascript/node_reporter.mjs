// What the test runner of Node.js is told to write for gate:unit: one line of JSON for each test that ended.
// Its own formats name neither the file of a test (JUnit) nor its place in a form that can be relied on (TAP).
const KEPT = new Set(["test:pass", "test:fail"]);

function reason(details) {
  const error = details?.error;
  const cause = error?.cause ?? error;
  return String(cause?.message ?? cause ?? "").slice(0, 4096);
}

export default async function* report(source) {
  for await (const { type, data } of source) {
    if (!KEPT.has(type)) continue;
    const { name, nesting, file, line, skip, todo, details } = data;
    const kind = details?.type === "suite" ? "suite" : "test";
    const excused = skip !== undefined || todo !== undefined;
    yield JSON.stringify({ type, kind, name, nesting, file, line, excused, failure: details?.error?.failureType, reason: reason(details) }) + "\n";
  }
  yield JSON.stringify({ type: "end" }) + "\n";
}
