// Makes times relative, moves between views by keys, and says when the connection is lost. The page works without it.
"use strict";
(() => {
  const chinese = document.documentElement.lang === "zh";
  const units = [[86400, "d", "天"], [3600, "h", "小时"], [60, "min", "分钟"], [1, "s", "秒"]];

  function relative(ms) {
    const seconds = Math.round(Math.abs(ms) / 1000);
    if (seconds < 1) return chinese ? "现在" : "now";
    const [size, short, long] = units.find(([size]) => seconds >= size);
    const number = Math.floor(seconds / size);
    if (chinese) return `${number} ${long}${ms < 0 ? "前" : "后"}`;
    return ms < 0 ? `${number} ${short} ago` : `in ${number} ${short}`;
  }

  function refresh() {
    const now = Date.now();
    for (const time of document.querySelectorAll("time[datetime]")) {
      const text = relative(Date.parse(time.dateTime) - now);
      if (time.textContent !== text) time.textContent = text;
    }
  }

  const lost = (is) => { document.getElementById("lost").hidden = !is; };
  document.addEventListener("htmx:sseError", () => lost(true));
  document.addEventListener("htmx:sseOpen", () => lost(false));
  document.addEventListener("htmx:sendError", () => lost(true));
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) lost(false); });
  // A question that is open, or a place of the keyboard, is not taken away by news.
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    const live = document.getElementById("now");
    const busy = live && (live.querySelector("details[open]") || live.contains(document.activeElement));
    if (busy) event.preventDefault();
  });
  document.addEventListener("htmx:sseMessage", refresh);
  document.addEventListener("htmx:afterSwap", refresh);
  document.addEventListener("htmx:afterRequest", (event) => {
    const act = event.target.closest && event.target.closest("details.act");
    if (act && event.detail.successful) {
      act.open = false;
      document.getElementById("main").focus();
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input, select, textarea")) return;
    const view = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
    if (view) { view.click(); return; }
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
    }
    if (event.key === "j" || event.key === "k") {
      const rows = [...document.querySelectorAll(".rows tbody th a")];
      const at = rows.indexOf(document.activeElement);
      const next = rows[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
      if (next) next.focus();
    }
  });
  refresh();
  setInterval(refresh, 1000);
})();
