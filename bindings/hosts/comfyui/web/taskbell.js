// Taskbell's place in ComfyUI's settings: how deliveries stand, a test message, and a reload. Everything from the
// server is shown as text, never as HTML.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";

// What the states of an endpoint mean.
const STATES = {
  open: "in order",
  quiet: "waits: the receiver asked for a pause",
  breaker: "paused after several failures",
  gone: "gone: the receiver no longer exists",
};

// The counters that are shown, and those of which only more than none is news.
const COUNTERS = { accepted: "events", delivered: "messages delivered", pending: "waiting" };
const RARE = { retries: "retries", dead: "dead letters", params_ignored: "wishes ignored" };

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await api.fetchApi(`/taskbell/${path}`, options);
  return answer.json();
}

function say(fault, detail) {
  const severity = fault ? "error" : "success";
  app.extensionManager.toast.add({ severity, summary: "Taskbell", detail: fault ?? detail, life: 8000 });
}

async function test(endpoint) {
  const { fault } = await ask("test", { endpoint });
  say(fault, `A test is on its way to ${endpoint}.`);
}

async function reload() {
  const { fault } = await ask("reload", {});
  say(fault, "The configuration is in force.");
}

function element(tag, text, parent) {
  const made = document.createElement(tag);
  made.textContent = text;
  parent?.append(made);
  return made;
}

function button(text, parent, action) {
  const made = element("button", text, parent);
  made.type = "button";
  made.style.cssText = "padding: 4px 10px; margin: 2px 6px 2px 0; border: 1px solid var(--border-color);"
    + "border-radius: 4px; background: var(--comfy-input-bg); color: var(--input-text); cursor: pointer;";
  made.onclick = action;
}

async function fill(panel) {
  const { config, fault, endpoints, numbers } = await ask("status");
  panel.replaceChildren();
  element("div", `Configuration: ${config}`, panel);
  if (fault) {
    const alert = element("div", fault, panel);
    alert.setAttribute("role", "alert");
    alert.style.cssText = "margin-top: 6px; color: var(--error-text);";
  }
  const table = element("table", "", panel);
  table.style.margin = "6px 0";
  for (const [name, lane] of Object.entries(endpoints)) {
    const row = table.insertRow();
    const state = STATES[lane.state] ?? lane.state;
    for (const text of [name, state, `${lane.waiting} waiting, ${lane.in_flight} on the way`]) {
      const cell = row.insertCell();
      cell.textContent = text;
      cell.style.paddingRight = "1em";
    }
    button("Send a test", row.insertCell(), () => test(name).then(() => fill(panel)));
  }
  const counters = Object.entries({ ...COUNTERS, ...RARE })
    .filter(([name]) => name in numbers && (name in COUNTERS || numbers[name] > 0))
    .map(([name, label]) => `${label}: ${numbers[name]}`);
  element("div", counters.join(", "), panel).style.marginBottom = "8px";
  button("Refresh", panel, () => fill(panel));
  button("Reload the configuration", panel, () => reload().then(() => fill(panel)));
}

function panel() {
  const made = document.createElement("div");
  made.className = "taskbell-panel";
  made.style.cssText = "max-width: 26rem; white-space: normal; overflow-wrap: anywhere;";
  fill(made).catch((fault) => made.replaceChildren(element("div", `${fault}`)));
  return made;
}

app.registerExtension({
  name: "Taskbell",
  settings: [{ id: "Taskbell.Status", category: ["Taskbell", "Deliveries", "Status"], name: "Status", type: panel, defaultValue: "" }],
  commands: [
    {
      id: "Taskbell.Reload",
      label: "Taskbell: reload the configuration",
      icon: "pi pi-refresh",
      function: reload,
    },
    {
      id: "Taskbell.Test",
      label: "Taskbell: send a test to every endpoint",
      icon: "pi pi-bell",
      function: async () => {
        for (const name of Object.keys((await ask("status")).endpoints)) {
          await test(name);
        }
      },
    },
  ],
  menuCommands: [{ path: ["Taskbell"], commands: ["Taskbell.Test", "Taskbell.Reload"] }],
});
