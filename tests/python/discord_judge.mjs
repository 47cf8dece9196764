// Judges the messages on its input, one a line, by the schemas in the module that it is given: prints the
// faults of each as a line of JSON.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { IncomingWebhookRequestPartialSchema: message } = await import(pathToFileURL(process.argv[2]));
for await (const line of createInterface({ input: process.stdin })) {
  const judged = message.safeParse(JSON.parse(line));
  console.log(JSON.stringify(judged.success ? [] : judged.error.issues));
}
