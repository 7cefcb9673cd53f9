// Prints the signature of Standard Webhooks, by their own package: standard.mjs SECRET ID SECONDS BODY
import { Webhook } from "standardwebhooks";

const [secret, id, seconds, body] = process.argv.slice(2);
console.log(new Webhook(secret).sign(id, new Date(Number(seconds) * 1000), body));
