// Sends a webhook as GitHub does, signed by its own package, and prints the answer: status, then body.
//
// deliver.mjs URL SECRET push REPOSITORY REF BEFORE AFTER   GitHub's example of a push, of this repository
// deliver.mjs URL SECRET EVENT < BODY                       any other
//
// DELIVERY names the delivery, in place of a random id.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { sign } from "@octokit/webhooks-methods";

const require = createRequire(import.meta.url);
const [url, secret, event, repository, ref, before, after] = process.argv.slice(2);

function push() {
  const kinds = require("@octokit/webhooks-examples/api.github.com/index.json");
  const examples = kinds.find(({ name }) => name === "push").examples;
  const example = structuredClone(examples.find(({ created, deleted }) => created && !deleted));
  const isNone = (id) => /^0+$/.test(id);
  const path = new URL(repository).pathname.replace(/^\/|\.git$/g, "");
  Object.assign(example, { ref, before, after, created: isNone(before), deleted: isNone(after) });
  Object.assign(example.repository, {
    full_name: path,
    name: path.split("/").pop(),
    clone_url: repository,
    html_url: repository.replace(/\.git$/, ""),
    git_url: repository,
    ssh_url: repository,
  });
  example.head_commit = isNone(after) ? null : { ...example.head_commit, id: after };
  example.commits = [];
  return JSON.stringify(example);
}

const body = repository === undefined ? await text(process.stdin) : push();
const answer = await fetch(url, {
  method: "POST",
  headers: {
    "content-type": "application/json",
    "user-agent": "GitHub-Hookshot/test",
    "x-github-event": event,
    "x-github-delivery": process.env.DELIVERY ?? randomUUID(),
    "x-hub-signature-256": await sign(secret, body),
  },
  body,
});
console.log(answer.status);
console.log(await answer.text());
