// Reduces GitHub's OpenAPI description to the calls that this kind makes: node reduce.mjs FULL.json > REDUCED.json
import { readFileSync } from "node:fs";

const repo = "/repos/{owner}/{repo}";
const exact = [
  "/app/installations/{installation_id}/access_tokens",
  repo,
  `${repo}/environments`,
  `${repo}/actions/workflows/{workflow_id}/dispatches`,
  `${repo}/actions/workflows/{workflow_id}/runs`,
  `${repo}/actions/runs/{run_id}`,
];
const secrets = /^\/(repos\/\{owner\}\/\{repo\}|orgs\/\{org\})\/(actions|dependabot|codespaces|environments\/\{environment_name\})\/secrets(\/public-key|\/\{secret_name\}(\/repositories)?)?$/;

// Large answers of which a field or two are read.
const loose = exact.filter((path) => !path.endsWith("/dispatches"));
const loosely = (path) => loose.includes(path) || path.endsWith("/repositories");

const prose = new Set(["description", "summary", "example", "examples", "externalDocs", "tags", "title"]);

// plain drops what only people read. A property may be called like it: then its value is an object.
function plain(value, inProperties = false) {
  if (Array.isArray(value)) return value.map((v) => plain(v));
  if (value === null || typeof value !== "object") return value;
  const out = {};
  for (const key of Object.keys(value).sort()) {
    if (!inProperties && (prose.has(key) || key.startsWith("x-"))) continue;
    out[key] = plain(value[key], key === "properties");
  }
  return out;
}

function operation(path, { operationId, parameters, requestBody, responses }) {
  const answers = {};
  for (const [status, answer] of Object.entries(responses)) {
    if (!status.startsWith("2")) continue;
    answers[status] = { description: "", ...(loosely(path) || !answer.content ? {} : { content: plain(answer.content) }) };
  }
  return { operationId, parameters: plain(parameters ?? []), ...(requestBody && { requestBody: plain(requestBody) }), responses: answers };
}

const full = JSON.parse(readFileSync(process.argv[2], "utf8"));
const paths = {};
for (const path of Object.keys(full.paths).sort()) {
  if (!exact.includes(path) && !secrets.test(path)) continue;
  paths[path] = {};
  for (const method of ["get", "put", "post", "delete"]) {
    if (full.paths[path][method]) paths[path][method] = operation(path, full.paths[path][method]);
  }
}
const { title, version, license } = full.info;
process.stdout.write(JSON.stringify({ openapi: full.openapi, info: { title, version, license }, paths }, null, 1) + "\n");
