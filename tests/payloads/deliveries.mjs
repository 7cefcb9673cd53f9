// Prints GitHub's published examples as its own package signs them: one delivery a line.
// deliveries.mjs SECRET
import { createRequire } from "node:module";
import { sign } from "@octokit/webhooks-methods";

const require = createRequire(import.meta.url);
const [secret] = process.argv.slice(2);
for (const edition of ["api.github.com", "ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35"]) {
  for (const { name, examples } of require(`@octokit/webhooks-examples/${edition}/index.json`)) {
    for (const [number, example] of examples.entries()) {
      const body = JSON.stringify(example);
      const signature = await sign(secret, body);
      console.log(JSON.stringify({ edition, event: name, number, body, signature }));
    }
  }
}
